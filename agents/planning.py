"""The planner: reads the sources, and turns the question into a plan of branches."""

from collections.abc import Callable
from typing import TypedDict

from langgraph.runtime import Runtime

from agents.kit import Kit, Node, context_of, emitter, guidance, slug
from chains.ask import ask, brief
from chains.extractive import planning
from chains.forms import BranchDraft, PlanDraft
from state.context import RunContext
from state.errors import ModelError, ModelRefused
from state.evidence import Collection
from state.research import Branch, Mode, Plan, ResearchState
from state.runs import Progress
from tools.documents.reading import read_sources

_TITLES = 40
"""How many titles of sources the planner is shown."""

ChooseMode = Callable[[PlanDraft, Collection, RunContext], tuple[Mode, str]]


class SourcesUpdate(TypedDict):
    """What read_sources writes."""

    collection: Collection


class PlanUpdate(TypedDict):
    """What analyze_task writes."""

    plan: Plan


def sources_node(kit: Kit) -> Node[ResearchState, SourcesUpdate]:
    """The node that reads the sources once; passages are stored, state carries the collection's id."""

    async def read(state: ResearchState, runtime: Runtime[RunContext]) -> SourcesUpdate:
        ports = kit.ports
        collection = await read_sources(state["sources"], ports.passages, ports.artifacts, pages=ports.pages)
        tell = emitter(runtime)
        await kit.indexes.prepare(collection.id, lambda done: tell(Progress(path="read_sources", message=done)))
        return {"collection": collection}

    return read


def planning_node(kit: Kit, choose_mode: ChooseMode) -> Node[ResearchState, PlanUpdate]:
    """The node that plans; planned again with what people said if they rejected the plan."""

    async def analyze(state: ResearchState, runtime: Runtime[RunContext]) -> PlanUpdate:
        context, collection = context_of(runtime), state["collection"]
        said = guidance(state.get("feedback", ()))
        scope = kit.scope(f"analyze_task/{len(said)}", runtime)
        titles = [source.title for source in await kit.ports.passages.sources(collection.id)]
        values = {
            "question": state["question"],
            "sources": titles[:_TITLES],
            "sources_in_all": len(titles),
            "tables": list(collection.tables),
            "max_branches": context.max_branches,
            "guidance": said or None,
        }
        try:
            draft, note = (
                await ask(kit.model(scope, "planner", context), "plan", PlanDraft, brief(**values)),
                "",
            )
        except ModelRefused:
            raise  # a wrong key or name: no branch would fare better, and the run can be resumed once it is mended
        except ModelError as error:
            draft, note = planning.plan(values), f"; planned by rule, because {error.message}"
        mode, why = choose_mode(draft, collection, context)
        return {"plan": complete(draft, collection, context, mode, why + note)}

    return analyze


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
