"""Quantities in text: numbers with their unit and what they are of. Years, dates, ordinals and codes are
none.
"""

import re
from collections.abc import Mapping

from state.evidence import Quantity
from tools.dates import MONTHS, find_dates
from tools.sentences import sentence_spans, split_sentences
from tools.units import PER, unit_of

SCALES: Mapping[str, float] = {
    "hundred": 1e2, "thousand": 1e3, "million": 1e6, "mn": 1e6, "billion": 1e9, "bn": 1e9, "trillion": 1e12,
}  # fmt: skip
"""Words that multiply the number before them."""

_GAPS = r"[, \u00a0\u2009\u202f]"
_NUMBER = rf"(?:\d{{1,3}}(?:{_GAPS}\d{{3}})+(?!\d)|\d+)(?:\.\d+)?"
_UNIT_WORD = r"%|°[CF]|[$€£¥]|(?:km/h|m/s)\b|[A-Za-zµμ]+[²³23]?(?!\w)"
_PER = r"\s*/\s*|\s+(?:per|an?)\s+"
_UNIT = (
    r"parts per (?:million|billion)|percentage points?|per cent|degrees? \w+|"
    rf"(?:square|cubic) \w+|{_UNIT_WORD}"
)
_PER_UNIT = rf"(?:{_PER})(?P<per>{'|'.join(sorted(PER, key=len, reverse=True))})\b"
_AFTER = re.compile(rf"[\s\u00a0\u202f-]?(?P<unit>{_UNIT})(?:{_PER_UNIT})?", re.IGNORECASE)
_QUANTITY = re.compile(
    rf"(?<![\w.,/:#-])(?P<before>[$€£¥])?(?P<sign>[-−+](?=[\d.])|−\s(?=\d))?(?P<number>{_NUMBER})(?![\w.,:/-]*\d)"
    rf"(?:[\s-]?(?P<scale>{'|'.join(SCALES)})\b)?"
    rf"(?:[\s\u00a0\u202f-]?(?P<unit>{_UNIT})"
    rf"(?:{_PER_UNIT})?)?",
    re.IGNORECASE,
)
_YEAR = re.compile(r"[12]\d{3}")
_NAMED = re.compile(
    r"\b(?:no|nos|number|fig|figs|figure|table|section|chapter|page|pages|pp?|eq|equation|vol|volume|version|level|"
    r"article|part|step|appendix|phase|type|grade|line|row|item|model|series|season|episode|round|stage|class|category|"
    r"group|room|gate|platform|channel|track|route|highway|interstate|flight|bus|issue|act|scene|verse|option|case|"
    r"patient|sample|district|ward|top|rank|ranked|release|build|port|slide|note|question|rule|unit|week|day|game)"
    r"[\s.:#-]*$",
    re.IGNORECASE,
)
_CAPITALISED = re.compile(r"(?P<start>^|.*\s)[(\"“‘']*(?P<word>[\w.’&/-]*[A-Z][\w.’&/-]*)[\s-]$", re.DOTALL)
"""A word with a capital letter right before a number: `Boeing 747`, `iPhone 12`, `HD 38`."""
BEGINNERS = frozenset(
    "all another any both between every exactly fewer more nearly of some until through when while within where after "
    "before during if last first next since than yet other few many one two then so also only even still".split()
)
"""Words that begin a sentence with a capital and name nothing."""
_DATING = re.compile(r"\b(?:in|since|until|from|by|after|before|circa|ca?\.|AD|A\.D\.)\s+$")
"""Before what may be a year of less than four digits."""
_STREET = re.compile(r"\s[A-Z]\w+ (?:Street|St|Road|Rd|Avenue|Ave|Lane|Square|Drive|Boulevard|Place|Court)\b")
STOP = frozenset(
    "a an the is are was were be been being am has have had do does did will would can could may might must shall "
    "should of in on at by for from to with as and or but than that this these those it its their his her there which "
    "who about around approximately roughly nearly almost some over under up only just more less least most per each "
    "reached reaches rose fell averaged totalled totaled equals equalled amounted stood stands measured recorded "
    "grew increased decreased declined dropped climbed".split()
)
_CLAUSE = re.compile(r";|,\s+(?:and|but|while|whereas|which|although|compared)\b|\s+(?:while|whereas)\s+|\s[–—]\s")
_GOES_ON = re.compile(
    r"\s+and\s+(?=\d|(?:is|was|are|were|has|had|have|can|will|it|its)\b"
    r"|[a-z]+(?:ed|[^s]s)\s+(?:an?|the|its|their|about|some|by|\d+|one|two|three|four|five|six|seven|eight|nine|ten)\b)"
    r"|,\s+(?:(?:most|many|some|all|half|none|each|much)\s+of|with|\w+ing)\s"
)
"""Where after a figure something else is said of its subject: `and carries four lanes`, `, most of them`."""
_OWN_NAME = re.compile(r"\s*(?:(?:[Tt]he|[Aa]n?|[Ii]ts|[Tt]hat of)\s+)?(?:[a-z-]+\s+)?[A-Z]")
"""How a clause begins that names what it is of: `the Selby Bridge is`."""
_CELL = re.compile(r"(?:^|;\s+)([^:;\n]{1,60}):\s+([^;\n]*)")
_LONGEST = 14
"""Words that a subject has at most."""


def find_quantities(text: str) -> list[Quantity]:
    """The quantities that `text` states, in order: value (with `million` and the like multiplied out),
    unit, subject.
    """
    found = []
    for sentence in split_sentences(text):
        dates = [(date.start, date.end) for date in find_dates(sentence)]
        for match in _QUANTITY.finditer(sentence):
            if not any(start < match.end("number") and match.start("number") < end for start, end in dates):
                quantity = _quantity(sentence, match)
                if quantity is not None:
                    found.append(quantity)
    return found


def unit_at(text: str, start: int, end: int) -> tuple[str, str, int]:
    """The unit of the number at `text[start:end]`, the one after it, else the currency sign before it; what it is
    per; and where it ends. Empty where there is none.
    """
    after = _AFTER.match(text, end)
    if after is None or not unit_of(after["unit"]):
        return unit_of(text[start - 1 : start] if start else ""), "", end
    per = PER[after["per"].lower()] if after["per"] else ""
    return unit_of(after["unit"]), per, after.end("per" if per else "unit")


def _quantity(sentence: str, match: re.Match[str]) -> Quantity | None:
    unit = unit_of(match["before"] or match["unit"] or "")
    end = match.end("scale" if match["scale"] else "number")
    if unit_of(match["unit"] or ""):
        end = match.end("per" if match["per"] else "unit")
        unit += f"/{PER[match['per'].lower()]}" if match["per"] else ""
    if _is_decade(sentence, match) or (not unit and not match["scale"] and _is_label(sentence, match)):
        return None
    value = float(re.sub(_GAPS, "", match["number"])) * SCALES.get((match["scale"] or "").lower(), 1)
    if (match["sign"] or "").strip() in ("-", "−"):
        value = -value
    return Quantity(
        value=value,
        unit=unit,
        text=sentence[match.start() : end].strip(),
        subject=_subject(sentence, match.start(), end),
    )


def _is_decade(sentence: str, match: re.Match[str]) -> bool:
    """Whether the number is `1990s` or `Boeing 747s`: no seconds."""
    named = _YEAR.fullmatch(match["number"]) or _CAPITALISED.match(sentence[: match.start()])
    return named is not None and sentence[match.end("number") :][:2].rstrip(".,;: ") == "s"


def _is_label(sentence: str, match: re.Match[str]) -> bool:
    """Whether the number names something: a year, `Table 3`, `Boeing 747`, an item of a list, a house."""
    before, after, number = sentence[: match.start()], sentence[match.end("number") :], match["number"]
    in_list = after.startswith(")") and before.count("(") <= before.count(")")
    if _NAMED.search(before) or in_list or before.endswith("[") or (not before.strip() and after.startswith(".")):
        return True
    if re.match(r"[A-Za-z]", after) or _STREET.match(after) or _is_designation(before, number):
        return True
    if _DATING.search(before) and re.fullmatch(r"\d{3,4}", number) and not re.match(r"\s+[a-z]", after):
        return True
    return _YEAR.fullmatch(number) is not None and 1500 <= int(number) <= 2100


def _is_designation(before: str, number: str) -> bool:
    """Whether a number follows a name that it belongs to; one written with separators is a count."""
    named = None if re.search(_GAPS, number) else _CAPITALISED.match(before)
    if named is None:
        return False
    word = named["word"].lower().strip(".")
    is_first = not named["start"].strip()
    return word not in MONTHS and not (is_first and (word in STOP or word in BEGINNERS))


def _subject(sentence: str, start: int, end: int) -> str:
    cells = [(cell.start(), cell.end(), cell[1].strip(), cell[2].strip()) for cell in _CELL.finditer(sentence)]
    own = next((cell for cell in cells if cell[0] <= start < cell[1]), None)
    if own is not None and len(cells) > 1:
        names = [value for first, _, _, value in cells if first != own[0] and not _is_measure(value)]
        return " ".join([own[2], *names[:3]])
    left = max((cut.end() for cut in _CLAUSE.finditer(sentence, 0, start)), default=0)
    before = _words(sentence[left:start])
    after = _words(rest_of_clause(sentence[end:]))
    while before and before[-1].lower() in STOP:
        before.pop()
    while before and before[0].lower() in STOP:
        before.pop(0)
    while after and after[-1].lower() in STOP:
        after.pop()
    return " ".join([*before[-_LONGEST:], *after[: max(0, _LONGEST - len(before))]])


def own_clause(before: str) -> str:
    """Of what stands before a figure, the clause that it stands in, where that has a name of its own; else all."""
    left = max((cut.end() for cut in _CLAUSE.finditer(before)), default=0)
    return before[left:] if _OWN_NAME.match(before[left:]) else before


def rest_of_clause(after: str) -> str:
    """Of what stands after a figure, what belongs to its clause."""
    cuts = [cut.start() for cut in (_CLAUSE.search(after), _GOES_ON.search(after)) if cut]
    sentence = sentence_spans(after)[:1]
    return after[: min([*cuts, sentence[0][1] if sentence else len(after)])]


def _words(text: str) -> list[str]:
    return [word for word in (word.strip(".,:;!?()[]\"“”'") for word in text.split()) if word]


def _is_measure(value: str) -> bool:
    """Whether a cell holds a measured number rather than a name or a year."""
    return bool(re.fullmatch(r"[-−+]?[\d.,]+\s*\S{0,4}", value)) and not _YEAR.fullmatch(value)
