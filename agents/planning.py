"""The planner: turns the question and what the sources are into a plan of branches."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, TypedDict

from langgraph.runtime import Runtime

from agents.bounds import bounded
from agents.kit import Kit, Node, context_of, guidance, slug
from chains.ask import ask, brief
from chains.extractive import planning
from chains.forms import BranchDraft, PlanDraft
from chains.governed import GovernedModel
from chains.scope import CallScope
from state.context import RunContext
from state.errors import ModelError, ModelRefused
from state.evidence import Collection, Source
from state.research import Branch, Mode, Plan, ResearchState
from tools.screening import order_in_name

_TITLES = 40
"""How many titles of sources the planner is shown."""

ChooseMode = Callable[[PlanDraft, Collection, RunContext], tuple[Mode, str]]


class PlanUpdate(TypedDict):
    """What analyze_task writes."""

    plan: Plan


def planning_node(kit: Kit, choose_mode: ChooseMode) -> Node[ResearchState, PlanUpdate]:
    """The node that plans; planned again with what people said if they rejected the plan."""

    async def analyze(state: ResearchState, runtime: Runtime[RunContext]) -> PlanUpdate:
        context, collection = context_of(runtime), state["collection"]
        said = guidance(state.get("feedback", ()))
        scope = kit.scope(f"analyze_task/{len(said)}", runtime)
        sources = await kit.ports.passages.sources(collection.id)
        titles, tables = _shown(sources, collection.tables, context.untrusted.show_orders)
        values = {
            "question": state["question"],
            "sources": titles,
            "sources_in_all": len(sources),
            "tables": tables,
            "max_branches": context.max_branches,
            "guidance": said or None,
        }
        draft, note = await _drafted(kit.model(scope, "planner", context), scope, values, context)
        mode, why = choose_mode(draft, collection, context)
        return {"plan": complete(draft, collection, context, mode, why + note)}

    return analyze


def _shown(sources: Sequence[Source], tables: Sequence[str], orders: bool) -> tuple[list[str], list[str]]:
    """The titles and the tables that the planner is shown: none whose name gives orders to a model, unless `orders`.

    Of thousands of sources only as many names are looked at as are shown.
    """

    def is_sound(source: Source) -> bool:
        return orders or not order_in_name(source)

    named = {source.uri: source for source in sources}
    titles = [source.title for source in islice(filter(is_sound, sources), _TITLES)]
    return titles, [table for table in tables if table in named and is_sound(named[table])]


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
