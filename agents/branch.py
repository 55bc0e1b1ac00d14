"""One branch of a round: an agent at work within its limits. However it ends, the end is a result."""

import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol, TypedDict

from langgraph.errors import NodeError, NodeTimeoutError
from langgraph.runtime import Runtime
from langgraph.types import Command

from agents.evidence import accepted
from agents.kit import Kit, context_of
from agents.shift import Ending as ShiftEnding
from agents.shift import Shift
from agents.team import Agent
from chains.forms import FindingsDraft
from chains.scope import CallScope
from state.context import RunContext
from state.errors import AgentError, BadOutput, LeaseLost, LimitReached, ModelError, NoCapacity, StrettoError
from state.evidence import Finding
from state.research import BranchResult, BranchStatus, BranchTask

_LOG = logging.getLogger(__name__)


class BranchUpdate(TypedDict):
    """What a branch writes: its own result, and nothing else."""

    results: dict[str, BranchResult]


class Work(Protocol):
    """What the agent of a branch does: its findings, or an error."""

    def __call__(
        self, kit: Kit, scope: CallScope, task: BranchTask, context: RunContext, agent: Agent
    ) -> Coroutine[Any, Any, FindingsDraft]: ...


Supervise = Callable[[BranchTask, RunContext, Coroutine[Any, Any, FindingsDraft]], Awaitable[FindingsDraft]]
"""Runs the work beside the other branches of its wave, and ends it with LimitReached when the wave is over."""


@dataclass(frozen=True)
class Ending:
    """How the work of a branch ended."""

    status: BranchStatus
    draft: FindingsDraft | None = None
    reason: str = ""
    transient: bool = False


@dataclass
class Attempt:
    """One execution of a branch: what it has seen and used so far is in its scope."""

    scope: CallScope
    started: float
    context: RunContext
    ending: Ending | None = None
    """How the work ended, once it has."""


@dataclass
class Branches:
    """The branches of one kind. An attempt is kept while it runs, for whoever makes a result of its failure."""

    kit: Kit
    work: Work
    supervise: Supervise
    attempts: dict[tuple[str, int], Attempt] = field(default_factory=dict)

    async def run(self, state: BranchTask, runtime: Runtime[RunContext]) -> BranchUpdate:
        """The node: runs the work to its end, which is a result unless the program is at fault."""
        told, branch = context_of(runtime), state["branch"]
        scope = self.kit.scope(f"branches/{branch.id}/{state['round']}", runtime, branch.limits)
        attempt = Attempt(scope, self.kit.ports.clock.elapsed(), told)
        self.attempts[_key(state)] = attempt
        async with Shift(self.kit.ports.ledger, f"branches/{branch.id}", scope) as shift:
            work = self.supervise(state, told, self._done(state, scope, told, shift))
            attempt.ending = await _end_of(work, scope, branch.limits.seconds)
            shift.ending = _of_the_agent(attempt.ending)
        found = await accepted(self.kit, scope, state, told, attempt.ending.draft)
        del self.attempts[_key(state)]
        return {"results": {branch.id: self._result(state, attempt, attempt.ending, *found)}}

    async def _done(self, task: BranchTask, scope: CallScope, context: RunContext, shift: Shift) -> FindingsDraft:
        """The work, done by its agent at a place of its own."""
        branch, team = task["branch"], self.kit.team
        agent, factory = await team.of_branch(branch, context), await team.factory()
        async with factory.placed([agent.template], branch.limits.seconds, scope.waiting):
            await shift.begin(agent.template, task["round"])
            return await self.work(self.kit, scope, task, context, agent)

    async def failed(self, state: BranchTask, error: NodeError) -> Command[str]:
        """The node's error handler: makes a result, with what was found and used until then, of an error that the
        branch did not expect or of a time limit of the engine, so that its siblings and the run go on.

        An error of the program is logged with its traceback. LeaseLost rises: the run is another process's.
        """
        told, branch = error.error, state["branch"]
        if isinstance(told, LeaseLost):
            raise told
        is_late = isinstance(told, NodeTimeoutError)
        if not is_late and not isinstance(told, StrettoError):
            _LOG.error("The branch %r failed unexpectedly.", branch.focus, exc_info=told)
        reason = told.message if isinstance(told, StrettoError) else f"{type(told).__name__}: {told}"
        ending = Ending("timed_out" if is_late else "failed", reason=reason, transient=is_late)
        attempt = self.attempts.pop(_key(state), None)
        if attempt is None:  # the process ended between the failure and this handler
            result = _blank(state, ending)
        else:
            # An error after the work had ended is one of gathering its findings, which would fail again.
            found: tuple[tuple[Finding, ...], tuple[str, ...]] = ((), ())
            if attempt.ending is None:
                found = await accepted(self.kit, attempt.scope, state, attempt.context, None)
            result = self._result(state, attempt, ending, *found)
        return Command(update={"results": {branch.id: result}}, goto="sync_point")

    def _result(
        self, task: BranchTask, attempt: Attempt, ending: Ending, findings: tuple[Finding, ...], notes: tuple[str, ...]
    ) -> BranchResult:
        scope = attempt.scope
        return _blank(task, ending).model_copy(
            update={
                "findings": findings,
                "charts": tuple(scope.charts),
                "searched": tuple(dict.fromkeys(scope.searched)),
                "notes": tuple(dict.fromkeys((*scope.notes, *notes))),
                "seconds": round(self.kit.ports.clock.elapsed() - attempt.started, 3),
                "model_calls": scope.used.model_calls,
                "tool_calls": scope.used.tool_calls,
                "tokens": scope.used.tokens,
                "money": scope.used.money,
            }
        )


def _of_the_agent(ending: Ending) -> ShiftEnding:
    """How the work counts for its agent: it can do nothing for a wave that was over."""
    if ending.status == "cut_off" and ending.transient:
        return "cancelled", None
    return ("completed", None) if ending.status == "completed" else ("failed", ending.reason)


def _key(task: BranchTask) -> tuple[str, int]:
    return task["branch"].id, task["round"]


def _blank(task: BranchTask, ending: Ending) -> BranchResult:
    """The result of a branch that found and used nothing."""
    branch = task["branch"]
    return BranchResult(
        branch_id=branch.id,
        kind=branch.kind,
        focus=branch.focus,
        round=task["round"],
        status=ending.status,
        reason=ending.reason,
        transient=ending.transient,
        limit_seconds=branch.limits.seconds,
    )


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
    except AgentError as error:
        return Ending("failed", reason=error.message, transient=isinstance(error, NoCapacity))
    except ModelError as error:
        return Ending("failed", reason=error.message, transient=error.retryable)
