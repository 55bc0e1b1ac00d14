"""Citations and the list of sources as APA, Chicago and IEEE print them.

Sources state no authors. Then the host of a web page stands for its author, and of a document its title moves to the
author's place. Forms: Publication Manual of the American Psychological Association, 7th ed. (2020), 8.14 and 9.12; The
Chicago Manual of Style, 17th ed. (2017), 15.34 and 15.50, author-date; IEEE Reference Guide (2018), section II.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from string import ascii_lowercase
from urllib.parse import urlsplit

from state.evidence import Passage, Source
from state.specialisation import CitationStyle
from tools.report.escaping import shorten, web_address

_WORDS = 8
"""Words of a title that stand in the text."""
_NO_DATE = "n.d."
_YEAR = re.compile(r"\d{4}(?!\d)")


@dataclass(frozen=True)
class Work:
    """A source as a list of references has it."""

    source: Source
    letter: str = ""
    """Tells it apart from others of the same author and year."""

    @property
    def title(self) -> str:
        return self.source.title or self.source.uri

    @property
    def host(self) -> str:
        """Who has it on the web; empty where it is a document."""
        address = web_address(self.source.uri)
        return (urlsplit(address).hostname or "").removeprefix("www.") if address else ""

    @property
    def year(self) -> str:
        """With its letter: `2022`, `2022b`, `n.d.`, `n.d.-a`."""
        year = _YEAR.match(self.source.date or "")
        return f"{year[0]}{self.letter}" if year else _NO_DATE + (f"-{self.letter}" if self.letter else "")


def works(sources: Iterable[Source]) -> dict[str, Work]:
    """The works by the ids of their sources, those of one author and year with letters in the order of their uris."""
    alike: dict[tuple[str, str], list[Work]] = defaultdict(list)
    for source in sorted(sources, key=lambda source: (source.uri, source.id)):
        work = Work(source)
        alike[work.host or shorten(work.title, _WORDS), work.year].append(work)
    return {
        work.source.id: Work(work.source, _letter(place)) if len(those) > 1 else work
        for those in alike.values()
        for place, work in enumerate(those)
    }


def _letter(place: int) -> str:
    """`a` to `z`, then `aa`, `ab`, …"""
    first, last = divmod(place, len(ascii_lowercase))
    return (_letter(first - 1) if first else "") + ascii_lowercase[last]


def in_text(style: CitationStyle, work: Work, passage: Passage) -> str:
    """What stands in the text for a citation; empty where its number does."""
    if style == "IEEE":
        return ""
    by = work.host or f"“{shorten(work.title, _WORDS)}”"
    page = f", p. {passage.locator.page}" if passage.locator.page is not None else ""
    comma = ", " if style == "APA" or work.year.startswith(_NO_DATE) else " "
    if style == "Chicago":
        page = page.replace("p. ", "")
    return f"({by}{comma}{work.year}{page})"


def reference(style: CitationStyle, work: Work, passage: Passage) -> str:
    """The entry of a passage in the list of sources, up to where the source is to be had, which ends it."""
    return _REFERENCES[style](work, passage.locator.label())


def _apa(work: Work, where: str) -> str:
    dated = f"({', '.join(filter(None, [work.year, _month_first(work)]))})"
    begins = f"{work.host}. {dated}. {_ended(work.title)}" if work.host else f"{_ended(work.title)} {dated}."
    return _joined(begins, where)


def _chicago(work: Work, where: str) -> str:
    title = f"“{_ended(work.title)}”"
    month = _month_first(work)
    begins = f"{work.host}. {_ended(work.year)} {title}" if work.host else f"{title} {_ended(work.year)}"
    return _joined(begins + (f" {month}." if month else ""), where)


def _ieee(work: Work, where: str) -> str:
    after = ", ".join(filter(None, [work.host, _dated(work, "%b. %d, %Y", "%b. %Y").replace("May.", "May")]))
    begins = f"“{_ended(work.title, ',')}” {after}." if after else f"“{_ended(work.title)}”"
    return _joined(begins, where, "[Online]. Available:" if work.host else "")


_REFERENCES = {"APA": _apa, "Chicago": _chicago, "IEEE": _ieee}


def _joined(begins: str, where: str, ends: str = "") -> str:
    return " ".join(filter(None, [begins, f"{where[:1].upper()}{where[1:]}." if where else "", ends]))


def _ended(text: str, sign: str = ".") -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}{sign}"


def _month_first(work: Work) -> str:
    """`May 3` of a date with a day, `May` of one without; empty for a year."""
    return _dated(work, "%B %d", "%B") if "-" in (work.source.date or "") else ""


def _dated(work: Work, with_day: str, with_month: str) -> str:
    """The date in one of the forms of `strftime`, days without a zero; as it is stated where it has no month."""
    stated = work.source.date or ""
    for iso, form in ((stated, with_day), (f"{stated}-01", with_month)):
        try:
            return date.fromisoformat(iso).strftime(form).replace(" 0", " ")
        except ValueError:
            continue
    return stated


def cited_works(passages: Iterable[Passage], sources: Mapping[str, Source]) -> dict[str, Work]:
    """The works that passages are from, by the ids of their sources."""
    held = dict.fromkeys(passage.source_id for passage in passages)
    return works(sources[key] for key in held if key in sources)
