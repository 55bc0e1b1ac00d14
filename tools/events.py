"""When two statements date one event differently. Only what happens to a thing once: it is founded, opened, born.

`The bridge was opened in 1932` excludes 1936; `he won the title in 1932` does not, nor does a sentence with two dates.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from state.evidence import Quantity
from tools.dates import Date, find_dates
from tools.measures import same_subject
from tools.quantities import own_clause
from tools.sentences import split_sentences

_ONCE = {
    form: forms.split()[0]
    for forms in (
        "born", "died", "founded", "established", "opened inaugurated", "built constructed erected",
        "completed finished", "released", "published", "launched", "invented", "discovered", "incorporated",
        "abolished", "dissolved disbanded", "demolished", "premiered", "enacted", "ratified", "discontinued",
        "formed", "created", "introduced",
    )
    for form in forms.split()
}  # fmt: skip
_NOUNS = {
    "opening": "opened", "inauguration": "opened", "birth": "born", "death": "died", "founding": "founded",
    "foundation": "founded", "establishment": "established", "completion": "completed", "release": "released",
    "publication": "published", "launch": "launched", "invention": "invented", "discovery": "discovered",
    "demolition": "demolished", "premiere": "premiered", "formation": "formed", "introduction": "introduced",
}  # fmt: skip
_VERB = re.compile(rf"\b(?:{'|'.join(_ONCE)})\b", re.IGNORECASE)
_NOUN = re.compile(rf"\b(?:{'|'.join(_NOUNS)})\s+of\b", re.IGNORECASE)
"""The same as a noun: `the opening of the bridge was in 1932`."""
_YEAR = re.compile(r"(?<![\d.,:/-])(?:1[0-9]|20|21)\d\d(?![\d%]|[.,:/-]\d)")
_AROUND = re.compile(
    r"\b(?:since|until|till|between|before|after|from|by|about|around|circa|c\.|late|early|mid|or|and|to)[\s-]*$",
    re.IGNORECASE,
)
"""Words right before a date that leave open when it was."""
_LEADS = re.compile(r"(?:,\s*)?\b(?:in|on|of|during)(?:\s+the\s+year)?\s*$", re.IGNORECASE)
"""What led to a date, and says nothing without it."""
_EMPTY = re.compile(r"\(\s*\)")
_AGAIN = re.compile(
    r"\b(?:again|re-?(?:opened|built|released|founded|published|launched|introduced)|planned|expected|"
    r"scheduled|would|will|not|never)\b",
    re.IGNORECASE,
)
"""Words with which it is not the event itself, or not the only one."""


@dataclass(frozen=True)
class Event:
    """An event that happens once, with its date as the text writes it."""

    verb: str
    written: str
    year: int
    date: Date | None
    rest: str
    """The sentence without the date."""
    place: int
    """Where in `rest` the date stood."""
    what: Quantity
    """The other words, as the subject of a quantity that is the year, so that they are compared as those are."""

    @property
    def subject(self) -> str:
        """What happened, in words of the sentence, without the date and the preposition before it."""
        before, after = _LEADS.sub("", self.rest[: self.place]), self.rest[self.place :]
        words = " ".join(_EMPTY.sub(" ", f"{before} {after}").split())
        return re.sub(r"\s+(?=[),.;])", "", words).strip(" .,;")


@lru_cache(maxsize=4096)
def event_in(text: str) -> Event | None:
    """The dated event that a statement is about; None where there is none, or more than one."""
    found = [event for sentence in split_sentences(text) if (event := _event(sentence)) is not None]
    return found[0] if len(found) == 1 else None


def same_event(one: Event, other: Event) -> bool:
    """Whether both are the same event of the same thing, whenever it was."""
    return one.verb == other.verb and same_subject(one.what, other.what) and same_subject(other.what, one.what)


def at_other_times(one: Event, other: Event) -> bool:
    """Whether the dates exclude each other; one that is less precise agrees with all that it may mean."""
    if one.year != other.year:
        return True
    return one.date is not None and other.date is not None and not one.date.agrees(other.date)


def _event(sentence: str) -> Event | None:
    told = _VERB if _VERB.search(sentence) else _NOUN
    verbs = told.findall(sentence)
    dates = [date for date in find_dates(sentence) if date.year]
    outside = sentence
    for date in dates:
        outside = outside[: date.start] + " " * (date.end - date.start) + outside[date.end :]
    years = list(_YEAR.finditer(outside))
    if len(verbs) != 1 or len(dates) + len(years) != 1 or len(find_dates(outside)) or _AGAIN.search(sentence):
        return None
    start, end = (dates[0].start, dates[0].end) if dates else years[0].span()
    if _AROUND.search(sentence[:start]):
        return None
    year = dates[0].year if dates else int(years[0].group())
    clause = own_clause(sentence[:start])
    before = clause if told.search(clause + sentence[end:]) else sentence[:start]
    rest = before + sentence[end:]
    subject = " ".join(word.strip('.,:;!?()"“”') for word in told.sub(" ", rest).split())
    what = Quantity(value=float(year or 0), text=sentence[start:end], subject=subject)
    verb = {**_ONCE, **_NOUNS}[verbs[0].lower().split()[0]]
    return Event(verb, sentence[start:end], year or 0, dates[0] if dates else None, rest, len(before), what)
