"""The nodes between the agents: dispatch, sync point, merge, quality gate, rebalance. They only call pure functions."""

from collections.abc import Coroutine, Mapping
from typing import Any, Literal, TypedDict

from langgraph.runtime import Runtime
from langgraph.types import Command, Send, TimeoutPolicy

from agents.branch import Supervise
from agents.kit import Kit, Node, context_of, guidance
from agents.points import apply_edits
from chains.extractive.wishes import asked_for
from chains.forms import FindingsDraft, PlanDraft
from graphs.coordination import analysis, gate, merge, rebalance
from graphs.coordination.sync import SyncGroups
from state.context import RunContext
from state.evidence import Collection
from state.research import (
    BranchResult,
    BranchTask,
    GateReport,
    Merged,
    MergeEdits,
    Mode,
    Plan,
    ResearchState,
)
from state.runs import Json, StepStatus
from tools.threads import computed

_PRIOR = 20
"""How many statements of earlier branches a later one is told."""
_BACKSTOP_SECONDS = 60
"""How long after its own limit and its wave's the engine ends a branch that did not end itself."""


class WaveUpdate(TypedDict):
    """What dispatch writes."""

    waiting: tuple[str, ...]
    wave: tuple[str, ...]
    round: int


class MergedUpdate(TypedDict):
    """What merge writes."""

    merged: Merged


class GateUpdate(TypedDict):
    """What quality_gate writes."""

    gate: GateReport


class RebalancedUpdate(TypedDict):
    """What rebalance writes."""

    plan: Plan
    waiting: tuple[str, ...]
    round: int


def iteration(name: str, state: ResearchState) -> int:
    """The how many-th time a step is done: by round, by revision, or by answers at its approval point."""
    if name in ("synthesize", "review"):
        return state.get("revisions", 0)
    if name.startswith("approve_") or name == "analyze_task":
        point = name.removeprefix("approve_") if name != "analyze_task" else "plan"
        return sum(entry.point == point for entry in state.get("feedback", ()))
    if name in ("dispatch", "sync_point"):  # several waves a round: each has brought new results
        return len(state.get("results", {}))
    return state.get("round", 0)


def branch_place(task: BranchTask) -> tuple[str, int]:
    """The ledger's path and iteration of a branch."""
    return f"branches/{task['branch'].id}", task["round"]


def branch_summary(update: object) -> tuple[StepStatus, str | None, Json | None]:
    """How a branch ended, for the timeline."""
    results: Mapping[str, BranchResult] = update["results"]  # type: ignore[index] # branches return a BranchUpdate
    result = next(iter(results.values()))
    shown = {
        "status": result.status,
        "findings": len(result.findings),
        "tool_calls": result.tool_calls,
        "tokens": result.tokens,
    }
    return ("completed" if result.status == "completed" else "failed"), result.reason or None, shown


def supervision(kit: Kit, groups: SyncGroups) -> Supervise:
    """Runs the work of a branch as a member of its wave: the wave's quorum decides how long it may take.

    Branches of the wave that had ended before a crash are counted from the ledger: they do not run again here.
    """

    async def supervise(
        task: BranchTask, context: RunContext, work: Coroutine[Any, Any, FindingsDraft]
    ) -> FindingsDraft:
        mine = task["branch"].id
        try:
            steps = await kit.ports.ledger.steps("branches/")
        except BaseException:
            work.close()  # it was never begun
            raise
        ended = {
            step.path.removeprefix("branches/")
            for step in steps
            if step.iteration == task["round"] and step.status in ("completed", "failed")
        }
        key = (task["round"], tuple(task["wave"]))  # after a resume the checkpoint gives a list
        async with groups.member(key, mine, task["wave"], ended, context.quorum, kit.ports.clock) as member:
            return await member.run(work)

    return supervise


def choose_mode(draft: PlanDraft, collection: Collection, context: RunContext) -> tuple[Mode, str]:
    """The mode for a drafted plan, and the figures that led to it."""
    kinds = [branch.kind for branch in draft.branches]
    return analysis.choose_mode(draft.sub_questions, kinds, collection, context)


async def dispatch(state: ResearchState, runtime: Runtime[RunContext]) -> WaveUpdate:
    """Chooses the branches that are sent now; the others of the round go on waiting."""
    plan, done = state["plan"], state.get("results", {})
    waiting = state.get("waiting")
    if waiting is None:
        waiting = tuple(branch.id for branch in plan.branches)
    wave = analysis.waves(plan, waiting, done)
    left = tuple(key for key in waiting if key not in wave) if wave else ()
    return {"waiting": left, "wave": wave, "round": state.get("round", 0)}


def send_wave(state: ResearchState, runtime: Runtime[RunContext]) -> list[Send] | Literal["sync_point"]:
    """One Send a branch of the wave, with ids and small records only."""
    deadline = context_of(runtime).quorum.deadline_seconds
    branches = {branch.id: branch for branch in state["plan"].branches}
    found = [finding.text for result in state.get("results", {}).values() for finding in result.findings]
    sends = []
    for key in state["wave"]:
        branch = branches[key]
        task: BranchTask = {
            "branch": branch,
            "question": state["question"],
            "collection": state["collection"],
            "round": state["round"],
            "wave": state["wave"],
            "guidance": tuple(guidance(state.get("feedback", ()))),
            "prior": tuple(found[:_PRIOR]),
        }
        backstop = TimeoutPolicy(run_timeout=max(branch.limits.seconds, deadline) + _BACKSTOP_SECONDS)
        sends.append(Send(f"{branch.kind}_branch", task, timeout=backstop))
    return sends or "sync_point"


async def sync_point(
    state: ResearchState, runtime: Runtime[RunContext]
) -> Command[Literal["dispatch", "rebalance", "merge"]]:
    """Where the branches of a wave meet: on to the next wave, to recovery if too few came through, or to the merge."""
    context, results = context_of(runtime), state.get("results", {})
    if state.get("waiting"):
        return Command(goto="dispatch")
    now = [result for result in results.values() if result.round == state.get("round", 0)]
    through = sum(result.status == "completed" for result in now)
    lost = any(result.transient for result in now if result.status != "completed")
    too_few = bool(now) and through / len(now) < context.quorum.threshold
    again = state.get("round", 0) < context.gate.max_revisions
    return Command(goto="rebalance" if too_few and lost and again else "merge")


async def _merged(kit: Kit, state: ResearchState) -> Merged:
    results = state.get("results", {})
    keys = {key for result in results.values() for finding in result.findings for key in finding.passages}
    passages = {passage.id: passage for passage in await kit.ports.passages.get(sorted(keys))}
    sources = {source.id: source for source in await kit.ports.passages.sources(state["collection"].id)}
    # It checks every citation: seconds for hundreds of findings, in which the run's lease must be renewed.
    merged = await computed(merge.merge_results, results, passages, sources, state["plan"])
    return apply_edits(merged, state.get("edits", MergeEdits()))


def merge_node(kit: Kit) -> Node[ResearchState, MergedUpdate]:
    """The node that makes one body of evidence of all results."""

    async def merge_all(state: ResearchState, runtime: Runtime[RunContext]) -> MergedUpdate:
        return {"merged": await _merged(kit, state)}

    return merge_all


async def quality_gate(state: ResearchState, runtime: Runtime[RunContext]) -> GateUpdate:
    """Measures the evidence and decides what becomes of it."""
    policy = context_of(runtime).gate
    return {
        "gate": gate.assess(state["plan"], state["merged"], state.get("results", {}), policy, state.get("round", 0))
    }


def _wanted(state: ResearchState) -> list[str]:
    """What people missed in the evidence, as questions; messages at other points are for the planner or the writer."""
    said = [
        entry.message
        for entry in state.get("feedback", ())
        if entry.type == "reject" and entry.point in ("merge", "gate")
    ]
    open_ones = list(state["plan"].sub_questions)  # looked at again where a message names nothing to look for
    return [question for message in said for question in asked_for(message) or open_ones]


def _asking(plan: Plan, wanted: list[str]) -> Plan:
    """The plan with what people asked for among its sub-questions, so that the gate sees whether it was answered."""
    asked = {question for branch in plan.branches for question in branch.questions}
    added = [line.strip() for line in wanted if line.strip() in asked]
    return plan.model_copy(update={"sub_questions": tuple(dict.fromkeys((*plan.sub_questions, *added)))})


def rebalance_node(kit: Kit) -> Node[ResearchState, RebalancedUpdate]:
    """The node that plans what is sent again: only what is missing, and what people asked for."""

    async def plan_again(state: ResearchState, runtime: Runtime[RunContext]) -> RebalancedUpdate:
        context, results, now = context_of(runtime), state.get("results", {}), state.get("round", 0)
        merged = await _merged(kit, state)
        measured = gate.assess(state["plan"], merged, results, context.gate, now)
        plan, again = rebalance.rebalance(state["plan"], results, measured, context, _wanted(state), now + 1)
        plan = await kit.team.assigned(plan, context)
        return {"plan": _asking(plan, _wanted(state)), "waiting": again, "round": now + 1}

    return plan_again
