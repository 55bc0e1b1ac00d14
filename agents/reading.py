"""Reads the sources of a run, and tells whoever watches how far that has come and what could not be read."""

from textwrap import shorten
from typing import TypedDict

from langgraph.runtime import Runtime

from agents.bounds import bounded
from agents.kit import Emit, Kit, Node, context_of, emitter
from state.context import RunContext
from state.errors import LimitReached, SourceError
from state.evidence import Collection
from state.ports import Clock
from state.research import ResearchState
from state.runs import Json, Progress, StepStatus
from tools.documents.reading import OnFile, read_sources
from tools.search.indexes import SearchIndexes

_NAMED = 3
"""How many sources that could not be read are named while the run goes on."""
_REASON = 120
"""Characters of a reason that are told then; the report has the whole."""
_TELL_SECONDS = 0.25
"""How often at most it is told how far the reading has come."""
READ_SOURCES = "read_sources"
"""The path of the step that reads the sources."""


class SourcesUpdate(TypedDict):
    """What read_sources writes."""

    collection: Collection


def sources_node(kit: Kit) -> Node[ResearchState, SourcesUpdate]:
    """The node that reads the sources once; passages are stored, state carries the collection's id.

    Raises SourceError past the time limit, and AgentNotMade where an agent of the user's own cannot be made.
    """

    async def read_all(state: ResearchState, runtime: Runtime[RunContext]) -> SourcesUpdate:
        emit, ports, context = emitter(runtime), kit.ports, context_of(runtime)
        await kit.team.check(context)
        on_file = _telling(emit, ports.clock)
        try:
            async with bounded("reading", context.time):
                collection = await read_sources(
                    state["sources"], ports.passages, ports.artifacts, pages=ports.pages, on_file=on_file
                )
                if collection.skipped:
                    emit(Progress(path=READ_SOURCES, notes=skipped_notes(collection)))
                await _prepare(kit.search(context), collection, emit)
                return {"collection": collection}
        except LimitReached as limit:
            remedy = f"Name fewer sources, or raise the limit: {limit.remedy} What was read is kept."
            raise SourceError(f"the sources were not all read: {limit.message}", remedy=remedy) from limit

    return read_all


async def _prepare(indexes: SearchIndexes, collection: Collection, emit: Emit) -> None:
    """Gets ready what the branches will search, and tells what could not be."""
    await indexes.prepare(collection.id, lambda done: emit(Progress(path=READ_SOURCES, message=done)))
    if notes := indexes.notes(collection.id):
        emit(Progress(path=READ_SOURCES, notes=notes))


def _telling(emit: Emit, clock: Clock) -> OnFile:
    """Tells how far the reading has come, not oftener than a person can follow."""
    told = [clock.elapsed() - _TELL_SECONDS]

    def on_file(done: int, of: int, uri: str) -> None:
        if done < of and clock.elapsed() - told[0] < _TELL_SECONDS:
            return
        told[0] = clock.elapsed()
        emit(Progress(path=READ_SOURCES, done=done, of=of, message=uri))

    return on_file


def skipped_notes(collection: Collection) -> tuple[str, ...]:
    """Which sources could not be read and why, for the person who started the run: the first few, and how many more."""
    skipped = collection.skipped
    named = [f"Not read: {each.uri}: {shorten(each.reason, _REASON, placeholder=' …')}" for each in skipped[:_NAMED]]
    more = len(skipped) - _NAMED
    return (*named, f"and {more} more that were not read; the report lists them") if more > 0 else tuple(named)


def sources_summary(update: SourcesUpdate) -> tuple[StepStatus, str | None, Json | None]:
    """What was read, for the timeline."""
    read = update["collection"]
    figures = {"sources": read.sources, "passages": read.passages, "tables": len(read.tables)}
    return "completed", None, {**figures, "not_read": len(read.skipped)}
