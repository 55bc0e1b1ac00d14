"""The planner: reads the sources, and turns the question into a plan of branches."""

from collections.abc import Callable
from typing import Any, TypedDict

from langgraph.runtime import Runtime

from agents.bounds import bounded
from agents.kit import Emit, Kit, Node, context_of, emitter, guidance, slug
from chains.ask import ask, brief
from chains.extractive import planning
from chains.forms import BranchDraft, PlanDraft
from chains.governed import GovernedModel
from chains.scope import CallScope
from state.context import RunContext
from state.errors import LimitReached, ModelError, ModelRefused, SourceError
from state.evidence import Collection
from state.ports import Clock
from state.research import Branch, Mode, Plan, ResearchState
from state.runs import Json, Progress, StepStatus
from tools.documents.reading import read_sources
from tools.screening import order_in_name
from tools.search.indexes import SearchIndexes

_TITLES = 40
"""How many titles of sources the planner is shown."""

_NAMED = 3
"""How many sources that could not be read are named while the run goes on."""
_TELL_SECONDS = 0.25
"""How often at most it is told how far the reading has come."""
READ_SOURCES = "read_sources"
"""The path of the step that reads the sources."""

ChooseMode = Callable[[PlanDraft, Collection, RunContext], tuple[Mode, str]]


class SourcesUpdate(TypedDict):
    """What read_sources writes."""

    collection: Collection


class PlanUpdate(TypedDict):
    """What analyze_task writes."""

    plan: Plan


def sources_node(kit: Kit) -> Node[ResearchState, SourcesUpdate]:
    """The node that reads the sources once; passages are stored, state carries the collection's id.

    Raises SourceError past the time limit.
    """

    async def read_all(state: ResearchState, runtime: Runtime[RunContext]) -> SourcesUpdate:
        emit, ports, context = emitter(runtime), kit.ports, context_of(runtime)
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


def _telling(emit: Emit, clock: Clock) -> Callable[[int, int, str], None]:
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
    named = [f"Not read: {each.uri}: {each.reason}" for each in skipped[:_NAMED]]
    more = len(skipped) - _NAMED
    return (*named, f"and {more} more that were not read; the report lists them") if more > 0 else tuple(named)


def sources_summary(update: SourcesUpdate) -> tuple[StepStatus, str | None, Json | None]:
    """What was read, for the timeline."""
    read = update["collection"]
    figures = {"sources": read.sources, "passages": read.passages, "tables": len(read.tables)}
    return "completed", None, {**figures, "not_read": len(read.skipped)}


def planning_node(kit: Kit, choose_mode: ChooseMode) -> Node[ResearchState, PlanUpdate]:
    """The node that plans; planned again with what people said if they rejected the plan."""

    async def analyze(state: ResearchState, runtime: Runtime[RunContext]) -> PlanUpdate:
        context, collection = context_of(runtime), state["collection"]
        said = guidance(state.get("feedback", ()))
        scope = kit.scope(f"analyze_task/{len(said)}", runtime)
        sources = await kit.ports.passages.sources(collection.id)
        shown = [source for source in sources if context.untrusted.show_orders or not order_in_name(source)]
        names = {source.uri for source in shown}
        values = {
            "question": state["question"],
            "sources": [source.title for source in shown[:_TITLES]],
            "sources_in_all": len(shown),
            "tables": [table for table in collection.tables if table in names],
            "max_branches": context.max_branches,
            "guidance": said or None,
        }
        draft, note = await _drafted(kit.model(scope, "planner", context), scope, values, context)
        mode, why = choose_mode(draft, collection, context)
        return {"plan": complete(draft, collection, context, mode, why + note)}

    return analyze


async def _drafted(
    model: GovernedModel, scope: CallScope, values: dict[str, Any], context: RunContext
) -> tuple[PlanDraft, str]:
    """The model's plan; one made by rule, and why, where it gives none that can be used or takes too long."""
    try:
        async with bounded("planning", context.time, scope):
            return await ask(model, "plan", PlanDraft, brief(**values)), ""
    except ModelRefused:
        raise  # a wrong key or name: no branch would fare better, and the run can be resumed once it is mended
    except ModelError as error:
        return planning.plan(values), f" It was planned by rule, because {error.message}"


def complete(draft: PlanDraft, collection: Collection, context: RunContext, mode: Mode, why: str) -> Plan:
    """The plan that the draft means: ids and limits given, unknown tables left out, no question without a branch."""
    tables = set(collection.tables)
    drafts = [part for part in draft.branches if part.kind == "research" or tables & set(part.tables)]
    drafts = drafts[: context.max_branches]
    asked = {question for part in drafts for question in part.questions}
    left = [question for question in draft.sub_questions if question not in asked]
    if left or not drafts:
        open_ones = left or list(draft.sub_questions)
        rest = BranchDraft(kind="research", focus="open questions", questions=open_ones, required=True)
        drafts = [*drafts[: context.max_branches - 1], rest]
    branches: list[Branch] = []
    for part in drafts:
        branches.append(
            Branch(
                id=slug(part.focus, {branch.id for branch in branches}),
                kind=part.kind,
                focus=part.focus,
                questions=tuple(part.questions) or tuple(draft.sub_questions),
                tables=tuple(table for table in part.tables if table in tables) if part.kind == "analysis" else (),
                priority=part.priority,
                required=part.required,
                limits=context.limits,
            )
        )
    return Plan(sub_questions=tuple(draft.sub_questions), branches=tuple(branches), mode=mode, why=why)
