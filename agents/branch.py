"""One branch of a round: an agent at work within its limits. However it ends, the end is a result."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypedDict

from langgraph.errors import NodeError, NodeTimeoutError
from langgraph.runtime import Runtime
from langgraph.types import Command

from agents.kit import Kit, Node, context_of
from chains.extractive import researching
from chains.forms import FindingsDraft
from chains.scope import CallScope
from state.context import RunContext
from state.errors import BadOutput, LimitReached, ModelError, StrettoError
from state.evidence import Finding
from state.research import BranchResult, BranchStatus, BranchTask
from tools.evidence_text import find_instructions, parse_evidence, render_evidence
from tools.facts import find_quantities


class BranchUpdate(TypedDict):
    """What a branch writes: its own result, and nothing else."""

    results: dict[str, BranchResult]


class Work(Protocol):
    """What the agent of a branch does: its findings, or an error."""

    def __call__(
        self, kit: Kit, scope: CallScope, task: BranchTask, context: RunContext
    ) -> Coroutine[Any, Any, FindingsDraft]: ...


Supervise = Callable[[BranchTask, RunContext, Coroutine[Any, Any, FindingsDraft]], Awaitable[FindingsDraft]]
"""Runs the work beside the other branches of its wave, and ends it with LimitReached when the wave is over."""
BranchNode = Node[BranchTask, BranchUpdate]


@dataclass(frozen=True)
class Ending:
    """How the work of a branch ended."""

    status: BranchStatus
    draft: FindingsDraft | None = None
    reason: str = ""
    transient: bool = False


def branch_node(kit: Kit, work: Work, supervise: Supervise) -> BranchNode:
    """The node that runs one branch with `work` as its agent."""

    async def branch(state: BranchTask, runtime: Runtime[RunContext]) -> BranchUpdate:
        told, branch = context_of(runtime), state["branch"]
        scope = kit.scope(f"branches/{branch.id}/{state['round']}", runtime, branch.limits)
        started = kit.ports.clock.elapsed()
        ending = await _end_of(supervise(state, told, work(kit, scope, state, told)), scope, branch.limits.seconds)
        findings, notes = await _findings(kit, scope, state, ending)
        result = BranchResult(
            branch_id=branch.id,
            kind=branch.kind,
            focus=branch.focus,
            round=state["round"],
            status=ending.status,
            reason=ending.reason,
            transient=ending.transient,
            findings=findings,
            charts=tuple(scope.charts),
            searched=tuple(dict.fromkeys(scope.searched)),
            notes=notes,
            seconds=round(kit.ports.clock.elapsed() - started, 3),
            limit_seconds=branch.limits.seconds,
            model_calls=scope.used.model_calls,
            tool_calls=scope.used.tool_calls,
            tokens=scope.used.tokens,
            money=scope.used.money,
        )
        return {"results": {branch.id: result}}

    return branch


async def branch_failed(state: BranchTask, error: NodeError) -> Command[str]:
    """Makes a result of an error that the branch did not expect, so that its siblings and the run go on."""
    branch = state["branch"]
    told = error.error
    result = BranchResult(
        branch_id=branch.id,
        kind=branch.kind,
        focus=branch.focus,
        round=state["round"],
        status="timed_out" if isinstance(told, NodeTimeoutError) else "failed",
        transient=isinstance(told, NodeTimeoutError),
        reason=told.message if isinstance(told, StrettoError) else f"{type(told).__name__}: {told}",
        limit_seconds=branch.limits.seconds,
        seconds=branch.limits.seconds,
    )
    return Command(update={"results": {branch.id: result}}, goto="sync_point")


async def _end_of(work: Awaitable[FindingsDraft], scope: CallScope, seconds: float) -> Ending:
    """Waits for the work, at most `seconds`, and says how it ended. Errors that are no limit and no model's rise."""
    timer = scope.time_limit(seconds)
    try:
        async with timer:
            return Ending("completed", await work)
    except TimeoutError:
        if not timer.expired:
            raise
        return Ending("timed_out", reason=f"its time limit of {seconds:g} s was over", transient=True)
    except LimitReached as limit:
        return Ending("cut_off", reason=limit.message, transient=limit.limit in ("grace", "deadline"))
    except BadOutput as error:
        return Ending("failed", reason=error.message)
    except ModelError as error:
        return Ending("failed", reason=error.message, transient=error.retryable)


async def _findings(
    kit: Kit, scope: CallScope, task: BranchTask, ending: Ending
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """The findings whose passages the branch was really shown, and what a reader must know of the rest.

    Work that did not complete leaves what it had read: the sentences of it that answer are quoted.
    """
    shown = await kit.ports.passages.get(list(dict.fromkeys(scope.shown)))
    draft = ending.draft
    if draft is None:
        draft = researching.findings(task["branch"].questions, parse_evidence(render_evidence(shown, [])))
    known = {passage.id for passage in shown}
    kept = [
        Finding(
            text=" ".join(found.text.split()),
            passages=tuple(key for key in dict.fromkeys(found.passages) if key in known),
            confidence=found.confidence,
            topic=found.topic,
            quantities=tuple(find_quantities(found.text)),
        )
        for found in draft.findings
        if known & set(found.passages)
    ]
    notes = (
        [
            f"{len(draft.findings) - len(kept)} findings of the branch {task['branch'].focus!r} named no passage "
            "that it had read; they were left out."
        ]
        if len(kept) < len(draft.findings)
        else []
    )
    orders = [(passage, order) for passage in shown for order in find_instructions(passage.text)]
    notes += [f"Instructions found in passage {passage.id} were ignored: “{order[:120]}”" for passage, order in orders]
    return tuple(kept), tuple(notes)
