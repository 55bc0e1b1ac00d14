"""Answers in several pages: where the next one is, and when there is none."""

from typing import Any
from urllib.parse import urljoin

import httpx

from state.errors import ToolFailed
from tools.http.answers import selected
from tools.http.messages import HttpRequest, Pages, shown
from tools.network import web_netloc

_NAMES = {"page": "page", "offset": "offset", "cursor": "cursor"}


class Pager:
    """Goes from page to page of one request."""

    def __init__(self, request: HttpRequest, pages: Pages) -> None:
        self._request, self._pages = request, pages
        self._parameter = pages.parameter or _NAMES.get(pages.by, "")
        self._at = pages.start if pages.start is not None else int(pages.by == "page")
        self._seen: set[Any] = set()
        self.items: list[Any] = []

    def first(self) -> HttpRequest:
        """The request for the first page."""
        return self._request if self._pages.by in ("link", "cursor") else self._numbered()

    def take(self, response: httpx.Response, body: Any) -> HttpRequest | None:
        """Gathers the items of a page; the request for the next one, None after the last. Raises ToolFailed."""
        place = shown(str(response.request.url))
        found = selected(body, self._request.json_path, place) if self._request.json_path else body
        if not isinstance(found, list):
            where = self._request.json_path or "$"
            said = f"The page has no list of items at {where}."
            raise ToolFailed(said, "bad_output", place=place, remedy="Name the list in json_path.")
        self.items += found
        if self._pages.by == "link":
            return self._addressed(response, response.links.get("next", {}).get("url"))
        if self._pages.by == "cursor":
            return self._after(response, body)
        if len(found) < (self._pages.size or 1):
            return None
        self._at += 1 if self._pages.by == "page" else len(found)
        return self._numbered()

    def _numbered(self) -> HttpRequest:
        return self._with({self._parameter: self._at})

    def _with(self, more: dict[str, Any]) -> HttpRequest:
        return self._request.model_copy(update={"query": {**self._request.query, **more}})

    def _after(self, response: httpx.Response, body: Any) -> HttpRequest | None:
        cursor = _at(body, self._pages.cursor)
        if not isinstance(cursor, str | int) or isinstance(cursor, bool) or cursor == "":
            return None
        if isinstance(cursor, str) and cursor.startswith(("http://", "https://", "/")) and not self._pages.parameter:
            return self._addressed(response, cursor)
        self._once(response, cursor)
        return self._with({self._parameter: cursor})

    def _addressed(self, response: httpx.Response, address: str | None) -> HttpRequest | None:
        if not address:
            return None
        here = str(response.request.url)
        try:
            url = urljoin(here, address)
            is_here = _origin(url) == _origin(here)
        except ValueError as error:
            raise ToolFailed("It names as its next page what is no address.", "refused", place=shown(here)) from error
        if not is_here:
            said = f"It names as its next page one of another host, {web_netloc(url)}."
            raise ToolFailed(said, "refused", place=shown(here), remedy="Ask that host in a step of its own.")
        self._once(response, url)
        return self._request.model_copy(update={"url": url, "query": {}})

    def _once(self, response: httpx.Response, mark: Any) -> None:
        if mark in self._seen:
            place = shown(str(response.request.url))
            raise ToolFailed("Its pages go in a circle.", "bad_output", place=place)
        self._seen.add(mark)


def _origin(url: str) -> tuple[str, str]:
    return url.partition(":")[0].lower(), web_netloc(url).lower()


def _at(body: Any, path: str) -> Any:
    """The value at a path; None where there is nothing."""
    try:
        found = selected(body, path, "")
    except ToolFailed as error:
        if error.error == "bad_output":
            return None
        raise
    return found[0] if isinstance(found, list) and found else found or None
