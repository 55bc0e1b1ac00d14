"""Results of web searches as services give them, and as hits."""

from typing import Any

from state.errors import ToolFailed
from state.ports import WebHit
from tools.dates import iso_date
from tools.storable import storable

_SCHEMES = ("http://", "https://")


def hits(answer: Any, place: str, *, snippet: str, date: str, url: str = "url") -> list[WebHit]:
    """The hits in `{"results": […]}`, by the names of their fields; what has no address of the web is left out.

    Raises ToolFailed for anything else.
    """
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list) or not all(isinstance(each, dict) for each in results):
        raise ToolFailed("The web search gave no list of results.", "bad_output", place=place)
    return [
        WebHit(
            url=address,
            title=storable(str(each.get("title") or address)),
            snippet=storable(str(each.get(snippet) or "")),
            date=iso_date(_day(str(each.get(date) or ""))),
        )
        for each in results
        if (address := storable(str(each.get(url) or ""))).startswith(_SCHEMES)
    ]


def _day(written: str) -> str:
    """A date without the day of the week and the time that stand around it, as `Tue, 02 May 2023 09:00:00 GMT` has."""
    return written.partition(", ")[2] if written[3:5] == ", " else written
