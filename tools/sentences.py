"""Text into sentences, by rule: the unit that a claim cites and that a check compares."""

import re

_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？]+[」』）]*|\n+")
"""Where a sentence may end: punctuation before white space, or a line end (passages keep only hard line
ends).
"""

_TITLES = frozenset(
    "mr mrs ms dr prof sr jr st rev gen col capt lt sgt sen rep gov hon mt ft eg ie "
    "vs cf al e.g i.e viz resp approx ca est incl excl ed eds fig figs eq eqs no nos vol vols pp p ch sec art tab "
    "jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri dept univ assn bros".split()
)
"""Abbreviations after which a sentence goes on, without their last stop."""

_AT_END = frozenset("inc ltd co corp plc llc etc a.m p.m".split())
"""Abbreviations that may also end a sentence; what follows decides."""

_STARTERS = frozenset(
    "a after all although an and as at because before but by during each every first for from given he her his how "
    "however if in it its many more most no of on once one only our she since some such that the their then there "
    "these they this those though through thus to under until we what when where which while who with you".split()
)
_LAST_WORD = re.compile(r"(\S+?)[.!?…]+[\"'”’»)\]]*$")
_NEXT_WORD = re.compile(r"[\s\"'“‘«(\[]*([\w’']+)")
_DAY = re.compile(r"(?:^|\s)\d{1,2}\.$")
_GERMAN_MONTH = re.compile(
    r"\s+(?:Januar|Jänner|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember)\b"
)
_INITIAL = re.compile(r"[A-Z]\.")
_ENUMERATION = re.compile(r"[(\[]?(?:\d+(?:\.\d+)*|[A-Za-z]|[ivxIVX]{1,4})")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Start and end offset of each sentence of `text`, without the white space around it.

    A line end closes a sentence; abbreviations, initials, decimals and enumeration marks (`13.2.`) do not.
    """
    spans = []
    start = 0
    for match in _END.finditer(text):
        if _ends(text, start, match):
            spans.append(_trim(text, start, match.end()))
            start = match.end()
    spans.append(_trim(text, start, len(text)))
    return [(first, last) for first, last in spans if first < last]


def split_sentences(text: str) -> list[str]:
    """The sentences of `text`, each without the white space around it."""
    return [text[start:end] for start, end in sentence_spans(text)]


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    mark = match.group()
    if mark[0] not in ".…":
        return mark[0] not in "!?" or not _goes_on(text, match.end())
    if _goes_on(text, match.end()) or _is_omission(text, match):
        return False
    if _DAY.search(text, max(0, match.start() - 3), match.end()) and _GERMAN_MONTH.match(text, match.end()):
        return False
    return mark.startswith(("..", "…")) or not _is_abbreviation(text, start, match)


def _goes_on(text: str, place: int) -> bool:
    following = _NEXT_WORD.match(text, place)
    return following is not None and following.group(1)[0].islower()


def _is_omission(text: str, match: re.Match[str]) -> bool:
    """Whether dots stand alone for words that were left out: `ALTER TABLE ... SET`."""
    alone = match.group() in ("...", "…") and text[match.start() - 1 : match.start()] in (" ", "\t")
    return alone and re.match(r"[ \t]+\S", text[match.end() :]) is not None


def _is_abbreviation(text: str, start: int, match: re.Match[str]) -> bool:
    sentence = text[start : match.end()]
    last = _LAST_WORD.search(sentence)
    if last is None:
        return False
    word = last.group(1).lstrip("\"'“‘«([").lower()
    if word in _TITLES:
        return True
    if sentence.strip() == last.group().strip() and _ENUMERATION.fullmatch(last.group(1)):
        return True
    initial = len(word) == 1 and word.isalpha() and last.group(1)[-1].isupper()
    if initial or word in _AT_END or re.fullmatch(r"(?:[a-z]\.)+[a-z]", word):
        following = _NEXT_WORD.match(text, match.end())
        return following is not None and (
            following.group(1).lower() not in _STARTERS or _INITIAL.match(text, following.start(1)) is not None
        )
    return False
