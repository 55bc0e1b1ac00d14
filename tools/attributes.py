"""What a figure measures (length, height, cost, population) and of what, by how the sentence is built.

`The Harrow Bridge is 412 metres long`, `with a length of 412 metres, the Harrow Bridge …` and `the length of the Harrow
Bridge is 412 metres` state one measure in three forms. What is built otherwise has no measure here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from tools.pronouns import subject_of
from tools.quantities import rest_of_clause
from tools.sentences import sentence_spans

ATTRIBUTES: Mapping[str, str] = {
    word: attribute
    for attribute, words in {
        "length": "length long", "width": "width wide breadth broad", "height": "height high tall",
        "depth": "depth deep", "thickness": "thickness thick", "diameter": "diameter", "altitude": "altitude elevation",
        "area": "area", "weight": "weight heavy weighs weigh weighed weighing", "age": "age old aged",
        "cost": "cost costs costing price priced", "population": "population inhabitants residents", "speed": "speed",
    }.items()
    for word in words.split()
}  # fmt: skip
"""Words that say what a figure measures, each with the noun for it."""
_EXTENTS = frozenset({"length", "width", "height", "depth", "thickness", "diameter", "altitude"})
_SUPERLATIVES = {
    "longest": "length", "widest": "width", "highest": "height", "tallest": "height", "deepest": "depth",
    "heaviest": "weight", "oldest": "age", "most expensive": "cost", "costliest": "cost", "most populous": "population",
}  # fmt: skip
_ABOUT = (
    r"(?:(?:only|just|about|around|approximately|approx\.|roughly|some|nearly|almost|over|under|more than|less than"
    r"|up to|exactly|an?\s+estimated)\s+)?"
)
_EXTENT = "length|width|breadth|height|depth|thickness|diameter|altitude|elevation|area|weight|age"
_NOUN = rf"(?P<word>{_EXTENT}|cost|price|population|speed)"
_IS = r"(?:is|was|are|were|being|equals|totals|totalled|reached|stands at|stood at|amounts to|amounted to|:|=)"
_AFTER = re.compile(
    rf"[\s-]*(?:in\s+)?(?P<word>long|wide|broad|high|tall|deep|thick|old|inhabitants|residents|{_EXTENT})\b",
    re.IGNORECASE,
)
_BEFORE = re.compile(rf"\b{_NOUN}\s+of\s+{_ABOUT}$", re.IGNORECASE)
_OF = re.compile(rf"\b{_NOUN}\s+of\s+(?P<holder>[^,;:\d]{{1,80}}?)\s+{_IS}\s+{_ABOUT}$", re.IGNORECASE)
_OWN = re.compile(rf"(?P<holder>\S.{{0,80}}?)['’]s\s+(?:[a-z]+\s+)?{_NOUN}\s*{_IS}\s+{_ABOUT}$", re.IGNORECASE)
_VERB = re.compile(rf"\b(?P<word>weigh(?:s|ed|ing)?|costs?|costing|priced\s+at)\s+{_ABOUT}$", re.IGNORECASE)
_OPENING = re.compile(
    r"\s*(?:with|at|having|measuring|standing|weighing|costing|boasting|spanning|reaching)\b", re.IGNORECASE
)
"""How a sentence begins that gives the figure before it names what it is of."""
_NAMED_AFTER = re.compile(r"\s*(?P<holder>[A-Z][\w'’-]*(?:\s[A-Z][\w'’-]*)*)")
_WHICH = re.compile(r"(?P<holder>(?:the\s+)?[A-Z][\w'’-]*(?:\s[A-Z][\w'’-]*)*)\s*,\s*(?:(?:which|that)\s+[^,]*)?$")
_MODIFIERS = re.compile(r"(?:\b(?:[Tt]he|[Aa]n?|[Ii]ts|[Tt]heir)|['’]s)\s+(?P<words>(?:[a-z-]+\s+){1,2})$")
_LEADING = re.compile(
    r"^\s*(?:(?:while|although|though|whereas|as|since|today|now|and|but)\s+|in\s+(?:\w+\s+)?\d{4},?\s+)", re.IGNORECASE
)
"""What may stand before the subject of a clause."""
_PREPOSITION = re.compile(r"\s+(?:of|in|at|on|near|over|across|between|from)\s+")
_NAME = re.compile(r"[A-Z][\w'’-]*")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


@dataclass(frozen=True)
class Measure:
    """What a figure of a sentence measures, and of what; each empty where the sentence does not say it plainly."""

    attribute: str
    modifiers: tuple[str, ...]
    """What kind of it: `total`, `main`."""
    holder: str
    """As the sentence writes it: `the Harrow Bridge`."""
    stretch: str
    """The words of the sentence that say it, without what else is told of the holder."""

    @property
    def name(self) -> str:
        """`total length of the Harrow Bridge`; empty where one of both is not known."""
        if not self.attribute or not self.holder:
            return ""
        return " ".join([*self.modifiers, self.attribute, "of", self.holder])

    def same_as(self, other: "Measure") -> bool:
        """Whether both are surely the same measure of the same thing; a place that only one adds is no difference."""
        if not self.name or not other.name or (self.attribute, self.modifiers) != (other.attribute, other.modifiers):
            return False
        mine, theirs = (_PREPOSITION.split(each.holder, maxsplit=1) for each in (self, other))
        if _words(mine[0]) != _words(theirs[0]) or not _words(mine[0]):
            return False
        return len(mine) == 1 or len(theirs) == 1 or _words(mine[1]) == _words(theirs[1])

    def is_of_another(self, other: "Measure") -> bool:
        """Whether each names a thing that the other does not, or measures something else."""
        mine, theirs = (set(_NAME.findall(each.holder)) for each in (self, other))
        other_thing = bool(mine - theirs) and bool(theirs - mine)
        unlike = self.attribute != other.attribute
        return other_thing or (
            unlike and (bool(self.attribute and other.attribute) or self.is_extent or other.is_extent)
        )

    @property
    def is_extent(self) -> bool:
        """Whether it is one of what the same unit may measure of one thing."""
        return self.attribute in _EXTENTS


@lru_cache(maxsize=4096)
def attributes_in(text: str) -> frozenset[str]:
    """What the words of a text may measure."""
    return frozenset(ATTRIBUTES[word] for word in re.findall(r"[a-z]+", text.lower()) if word in ATTRIBUTES)


@lru_cache(maxsize=4096)
def measure_of(text: str, figure: str) -> Measure:
    """What the first mention of `figure` in `text` measures."""
    place = text.find(figure)
    span = next(((start, end) for start, end in sentence_spans(text) if start <= place < end), None)
    if span is None:
        return Measure("", (), "", "")
    before, after = text[span[0] : place], text[place + len(figure) : span[1]]
    following = _AFTER.match(after)
    found = following or _OF.search(before) or _OWN.search(before) or _BEFORE.search(before) or _VERB.search(before)
    attribute = ATTRIBUTES[found["word"].lower().split()[0]] if found else _superlative(before, after)
    if not attribute:
        return Measure("", (), "", "")
    rest = after[following.end() :] if following else after
    is_opening = _OPENING.match(before) is not None and "," in rest
    holder = (
        found.groupdict().get("holder") or _holder(before, rest, is_opening) if found else _holder(before, rest, True)
    )
    is_noun = found is not None and not following and attribute == found["word"].lower()
    modifiers = _MODIFIERS.search(before[: found.start("word")]) if found and is_noun else None
    stretch = before + figure + ("" if is_opening or not found else rest_of_clause(rest).partition(",")[0])
    return Measure(
        attribute, tuple(modifiers["words"].lower().split()) if modifiers else (), _without_capital(holder), stretch
    )


def _superlative(before: str, after: str) -> str:
    """Of `At 438 metres, the Harrow Bridge is the longest`, that it is the length."""
    if not re.fullmatch(rf"\s*at\s+{_ABOUT}", before, re.IGNORECASE):
        return ""
    return next((kind for word, kind in _SUPERLATIVES.items() if re.search(rf"\bthe\s+{word}\b", after)), "")


def _holder(before: str, rest: str, is_opening: bool) -> str:
    """What is measured: the subject after an opening phrase, a name after `412-metre-long`, else the subject before."""
    if is_opening:
        return subject_of(rest.partition(",")[2].strip())
    if re.fullmatch(r".*\b(?:the|an?)\s", before, re.IGNORECASE | re.DOTALL) and (named := _NAMED_AFTER.match(rest)):
        return f"the {named['holder']}"
    which = _WHICH.search(before)
    if which:
        return which["holder"]
    last = before.rpartition(",")[2].strip()
    return subject_of(_LEADING.sub("", last)) or subject_of(_LEADING.sub("", before))


def _without_capital(holder: str) -> str:
    article = re.match(r"(?:The|An?)\s", holder)
    return holder[: article.end()].lower() + holder[article.end() :] if article else holder


def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(text)) - {"the", "a", "an"}
