"""The planner: turns the question and what the sources are into a plan of branches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypedDict

from langgraph.runtime import Runtime

from agents.bounds import bounded
from agents.kit import Kit, Node, context_of, guidance, slug
from agents.shift import Shift
from agents.team import ALONE, COORDINATION, Agent, fitting
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
    able: dict[str, tuple[str, ...]]


def planning_node(kit: Kit, choose_mode: ChooseMode) -> Node[ResearchState, PlanUpdate]:
    """The node that plans; planned again with what people said if they rejected the plan."""

    async def analyze(state: ResearchState, runtime: Runtime[RunContext]) -> PlanUpdate:
        context = context_of(runtime)
        said = guidance(state.get("feedback", ()))
        scope = kit.scope(f"analyze_task/{len(said)}", runtime)
        async with Shift(kit.ports.ledger, "analyze_task", scope) as shift:
            plan = await planned(state, scope, context, said, shift)
            return {"plan": plan, "able": await kit.team.able()}

    async def planned(
        state: ResearchState, scope: CallScope, context: RunContext, said: list[str], shift: Shift
    ) -> Plan:
        collection = state["collection"]
        sources = await kit.ports.passages.sources(collection.id)
        fitting(sources, context.specialisation.research)  # before anything is paid for
        planner = await _planner(kit, scope, context)
        if planner.agent:
            await shift.begin(planner.agent.template, len(said))
        titles, tables = _shown(sources, collection.tables, context.untrusted.show_orders)
        values = {
            "question": state["question"],
            "sources": titles,
            "sources_in_all": len(sources),
            "tables": tables,
            "max_branches": context.max_branches,
            "guidance": said or None,
        }
        draft, failure = await _drafted(planner, scope, values, context)
        shift.ending = ("failed", failure) if failure else shift.ending
        mode, why = choose_mode(draft, collection, context)
        plan = complete(draft, collection, context, mode, why)
        if failure:
            plan = plan.model_copy(update={"why": f"{plan.why} It was planned by rule, because {failure}"})
        if len(plan.branches) > ALONE and planner.agent:
            plan = plan.model_copy(update={"coordinator": planner.agent.name})
        return await kit.team.assigned(plan, context)

    return analyze


@dataclass(frozen=True)
class _Planner:
    """Who plans."""

    model: GovernedModel
    agent: Agent | None = None
    """None where so few agents may be needed that nobody has to coordinate them."""

    @property
    def instructions(self) -> str:
        """What the agent is told beside the prompt."""
        return self.agent.instructions if self.agent else ""


async def _planner(kit: Kit, scope: CallScope, context: RunContext) -> _Planner:
    if context.max_branches <= ALONE:
        return _Planner(kit.model(scope, "planner", context))
    agent = await kit.team.chosen(COORDINATION, context.limits, context)
    return _Planner(kit.team.model(scope, agent, context), agent)


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
    planner: _Planner, scope: CallScope, values: dict[str, Any], context: RunContext
) -> tuple[PlanDraft, str]:
    """The planner's plan; one made by rule, and why, where it gives none that can be used or takes too long."""
    try:
        async with bounded("planning", context.time, scope):
            message = brief(**values)
            return await ask(planner.model, "plan", PlanDraft, message, instructions=planner.instructions), ""
    except ModelRefused:
        raise  # a wrong key or name: no branch would fare better, and the run can be resumed once it is mended
    except ModelError as error:
        return planning.plan(values), error.message


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
