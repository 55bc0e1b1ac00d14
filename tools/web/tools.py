"""The tools `web_search` and `read_page`, for steps of workflows and their agents.

What gives orders to a model is left out, as in research, and counted: nobody who searches the web is looking for it.
"""

from typing import Annotated, Any

from langchain_core.tools import BaseTool
from pydantic import BaseModel, Field

from state.errors import ToolFailed
from state.ports import Web
from state.runs import Json
from tools.effects import effects
from tools.making import made, schema_of
from tools.screening import order_in_hit, order_in_name, screen
from tools.threads import computed

_MOST_HITS = 20
_MOST_PASSAGES = 200


class Hit(BaseModel):
    """One result of a web search."""

    url: str
    host: str
    title: str
    snippet: str
    date: str | None = Field(description="Date of publication as ISO 8601, as far as the service tells it.")


class Hits(BaseModel):
    """What was found, best first."""

    hits: list[Hit]
    withheld: int = Field(description="How many hits are left out because they give orders to a model.")


class PagePassage(BaseModel):
    """A stretch of the text of a page."""

    id: str
    place: str = Field(description="Where it stands in the page.")
    text: str


class ReadPage(BaseModel):
    """The text of a page."""

    url: str = Field(description="After redirects.")
    host: str
    title: str
    date: str | None = Field(description="Date of publication as ISO 8601, as far as the page or a search tells it.")
    passages: list[PagePassage]
    more: bool = Field(description="Whether there are more passages.")
    withheld: int = Field(description="How many of the passages are left out because they give orders to a model.")


def web_tools(web: Web) -> list[tuple[BaseTool, Json]]:
    """Both tools over the web of a run, each with the schema of what it gives back."""

    async def web_search(query: str, limit: Annotated[int, Field(ge=1, le=_MOST_HITS)] = 8) -> Any:
        """Searches the web. Gives addresses, titles, dates and snippets; read_page reads what an address gives."""
        found = await web.search(query, limit)
        clean = [hit for hit in found if not order_in_hit(hit)]
        return Hits(
            hits=[
                Hit(url=hit.url, host=hit.host, title=hit.title, snippet=hit.snippet, date=hit.date) for hit in clean
            ],
            withheld=len(found) - len(clean),
        ).model_dump()

    async def read_page(
        url: str,
        start: Annotated[int, Field(ge=0, description="Number of the first passage, counted from 0.")] = 0,
        limit: Annotated[int, Field(ge=1, le=_MOST_PASSAGES, description="Passages at most.")] = 50,
    ) -> Any:
        """Reads a page of the web: its text in passages with their places. A page is fetched once a run."""
        source, passages = await web.read(url)
        if start >= len(passages):
            raise ToolFailed(f"The page has {len(passages)} passages, counted from 0.", "bad_input", place="start")
        asked = passages[start : start + limit]
        screened = await computed(screen, asked, {source.id: source})
        return ReadPage(
            url=source.uri,
            host=source.host,
            title="" if order_in_name(source) else source.title,
            date=source.date,
            passages=[
                PagePassage(id=each.id, place=each.locator.label(), text=each.text) for each in screened.passages
            ],
            more=start + limit < len(passages),
            withheld=len(asked) - len(screened.passages),
        ).model_dump()

    search = made(coroutine=web_search, metadata=effects("read", outside=True))
    read = made(coroutine=read_page, metadata=effects("read", "url"))
    return [(search, schema_of(Hits)), (read, schema_of(ReadPage))]
