"""How a piece of text stands: alone or leaning on what is before it, as a sentence or as a heading, as something new or
as what was said already. By the look of its words, not by their meaning."""

import re

from chains.extractive.asked import is_list, is_row
from chains.extractive.terms import terms

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_POINTS_BACK = re.compile(
    r"(?:it|its|they|their|he|she|his|her|this|that|these|those|such"
    r"|(?:after|before|once) (?:this|that|these|those))\b",
    re.IGNORECASE,
)
"""How a sentence begins whose subject stands in the one before it: quoted alone it would speak of something else."""
_LEANS = re.compile(
    r"(?:(?:such|some|other|others|another|however|therefore|thus|hence|moreover|furthermore|nevertheless|finally|here"
    r"|also|then|instead|similarly|likewise|otherwise|consequently|additionally|again)\b"
    r"|(?:in addition|in particular|for example|for instance|in other words|keep in mind|note that|as a result)\b"
    r"|an example of\b|(?:a|the) (?:first|second|third|fourth|last) \w+ (?:use|way|reason|example|case)\b|suppose\b"
    r"|(?:\w+ing|(?:if|when|while|to|unless|although|because|since|after|before|once)(?: \w+)?) (?:this|these|such)\b"
    r"|note:|important:|(?:in|at|by|for|with|as|from|because of|due to) (?:this|that|these|those|such)\b"
    r"|as (?:mentioned|noted|described|stated|shown|discussed|explained)\b|the (?:former|latter|above|following)\b"
    r"|the (?:table|figure|list|chart|diagram) (?:also |above |below )?\w+s\b)",
    re.IGNORECASE,
)
"""How a sentence begins that leans on the one before it, and says little alone."""
_REFERS = re.compile(
    r"\b(?:[Ss]ee|in|[Rr]efer to|under|from) (?:also )?"
    r"(?:Section|Chapter|Table|Figure|Appendix|Part|Example|§) ?[\dA-Z]"
    r"|\b[Tt]his (?:section|chapter|appendix|page|document|manual)\b"
    r"|\b(?:described|discussed|explained|listed|shown) (?:below|above|in this (?:section|chapter)|in the next)\b"
)
"""What sends the reader to another part of the document."""
_CODE = re.compile(
    r"^[$#>%]\s|^-[rwx-]{6}|\w=[#>] |\);$|\{ |\w\(\w+ \\?\*"
    r"|^[A-Z]{3,} .*;$|^[A-Z]{3,} [^.]*\)$|^[A-Z]{2,} [^.a-z]*[A-Z]{3,} [^.]*$"
    r"|\b(?:for example|such as|as follows|like this),?$|^(?:[^,:.]{1,40}, ){5,}[^,:.]{1,40}: "
)
"""A prompt, a listing's rights, a call or a statement; where it was announced; or all names of an option."""
_ENDS = (".", "!", "?", "…", ":", ";", "”", '"', ")", "。")
_DEFINES = re.compile(r"[^:]{1,40}: \S+ \S+")
"""A term and what it means: `phantom read: a transaction finds other rows`."""
_CONTENTS = re.compile(
    r"(?:\.\s?){3,}\s*\d*$|\s{2,}\d+$|^(?:chapter |part |section )?\d+(?:\.\d+)*\.?\s+\D+\s\d+$", re.IGNORECASE
)
"""A line of a table of contents: `3.2 Traffic ..... 14`."""
_NUMBERED = re.compile(r"\d+(?:\.\d+)+\.?\s+[A-Z]")
_LEADS_ON = re.compile(r"^<<|>>$|\|\s*(?:Up|Home|Next|Prev\w*|Contents)\s*\||^\d+\..*:\s+\d+(?:\.\d+)+\.$")
"""What leads to other pages, or to the next line of a table of contents: `<< Start | Up |`, `3. Traffic: 3.1.`"""
_VERB = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|do|does|did|can|cannot|could|will|would|shall|should|may|might|must"
    r"|became|began|grew|rose|fell|took|made|gave|went|came|saw|won|lost|led|held|kept|left|met|put|ran|said|says|sold"
    r"|stood|told|wrote|built|bought|brought|\w+n[’']t)\b"
    r"|\b[a-z]+(?:ed|[^s]s)\s+(?:an?|the|its|their|his|her|that|it|about|by|more|less|up|down|\d\S*|one|two|three|four"
    r"|five|six|seven|eight|nine|ten)\b",
)
"""A verb that says something of a subject: a common one, or a word in `s` or `ed` before what it may govern."""
_LONGEST_HEADING = 16
"""Words; a longer line without a full stop is text that was cut."""
_SAME = 0.75
_ADDS_LITTLE = 0.8
"""Share of the terms of a text that another must hold to make it superfluous."""


def refers(text: str) -> bool:
    """Whether it sends the reader to another part of the document."""
    return _REFERS.search(text) is not None


def is_code(text: str) -> bool:
    """Whether it is a line of a program or of what one prints, or a sentence cut before one."""
    return _CODE.search(text) is not None


def points_back(sentence: str) -> bool:
    """Whether its subject stands in the sentence before it."""
    return _POINTS_BACK.match(sentence) is not None


def leans(text: str) -> bool:
    """Whether a reader of this alone would ask what it is about."""
    return text.startswith("(") or points_back(text) or _LEANS.match(text) is not None


def is_heading(text: str) -> bool:
    """Whether it is a title or a line of a table of contents, which say of what a text is and nothing about it."""
    line = text.strip()
    if _CONTENTS.search(line) or _LEADS_ON.search(line):
        return True
    if _NUMBERED.match(line) and not line.endswith(".") and len(line.split()) <= _LONGEST_HEADING:
        return True
    if line.endswith(_ENDS) or is_row(line) or _DEFINES.match(line) or len(line.split()) > _LONGEST_HEADING:
        return False
    return _VERB.search(line) is None


def alike(one: str, other: str) -> bool:
    """Whether one says again what the other says; with other numbers, or as another row, it does not."""
    if one in other or other in one:
        return True
    if not _same_figures(one, other):
        return False
    left, right = set(terms(one)), set(terms(other))
    return len(left & right) >= _SAME * max(1, min(len(left), len(right)))


def adds_nothing(text: str, said: str) -> bool:
    """Whether a reader of `said` learns next to nothing from `text`."""
    if text in said:
        return True
    if not _same_figures(text, said):
        return False
    mine = set(terms(text))
    return len(mine & set(terms(said))) >= _ADDS_LITTLE * max(1, len(mine))


def _same_figures(one: str, other: str) -> bool:
    return set(NUMBER.findall(one)) == set(NUMBER.findall(other)) and not is_row(one) and not is_list(one)
