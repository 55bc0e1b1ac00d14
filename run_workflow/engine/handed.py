"""What a client of a LangGraph server hands to a run: a question, an answer, or nothing but the wish to go on.

An answer is untrusted. It is checked and stored by the rules of the command line before the graph sees it; one that
is not taken makes the graph ask again, under the same id and time limit, with the reason.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from langgraph.types import Command, StateSnapshot
from pydantic import ValidationError

from run_workflow.engine import approvals, audit, waits
from run_workflow.engine.driving import read_wait
from run_workflow.engine.edits import check_edit
from run_workflow.engine.entries import GraphEntry
from run_workflow.engine.rows import one_run, transaction
from run_workflow.postgres.database import Pool
from state.context import RunContext
from state.errors import AnswerRefused
from state.runs import Answer, ApprovalRecord, ApprovalRequest, Edit, Json, RunRecord

ACTOR = "LangGraph server"
"""Who did what a client did whom the server does not know."""
_REQUEST_ID = re.compile("[0-9a-f]{32}")
_FORM = 'Give {"decisions": [{"type": "approve"}]}, or another decision that is allowed.'

Start = Json | Command[Any] | None
"""What a graph is started with: an input, a command, or nothing, to go on."""
Refuse = Callable[[Mapping[str, Any], str, str, str], Json]
"""Given the state, the request's id, its action and the reason: the update after which the graph asks again and gives
the reason."""


@dataclass(frozen=True)
class Asked:
    """What a client wants of a run."""

    start: Start
    context: RunContext
    """Counts with the question: a run keeps the context that it began with."""
    actor: str | None
    """Who asks, if the server knows."""
    at: datetime | None
    """When, on the clock of the server's checkpoints, if that is known."""
    kept: bool
    """Whether the thread is there after this; on one that is not, nobody could answer."""
    refuse: Refuse


async def start_of(asked: Asked, snapshot: StateSnapshot, pool: Pool, run: RunRecord, entry: GraphEntry) -> Start:
    """What the graph is to be started with where it stands; on a thread that is new, or was lost, the run's input."""
    if snapshot.interrupts:
        pending = {
            each.id: approvals.read_request(each.value) for each in snapshot.interrupts if read_wait(each.value) is None
        }
        return await _Answering(asked, snapshot, pool, run.id, entry).start(pending)
    return run.input if snapshot.created_at is None else start_again(asked)


def start_again(asked: Asked) -> Start:
    """The same where the run waits for nobody, or goes back to an earlier point, where its questions are new ones."""
    if not isinstance(asked.start, Command):
        return None
    # An answer that nobody waits for would be kept for the next question.
    rest = replace(asked.start, resume=None)
    return rest if rest.update or rest.goto else None


@dataclass(frozen=True)
class _Answering:
    """One go at a run that waits."""

    asked: Asked
    snapshot: StateSnapshot
    pool: Pool
    run_id: str
    entry: GraphEntry

    async def start(self, pending: Mapping[str, ApprovalRequest]) -> Command[Any] | None:
        """The answers there are, with those given now; None, or the update of a refusal, to ask again."""
        answers = await self._stored(pending)
        if not isinstance(self.asked.start, Command):
            return Command(resume=answers) if answers else None
        try:
            if not pending.keys().isdisjoint(answers) and not _by_id(self.asked.start.resume):
                raise AnswerRefused("Too late: another answer was given, or the time was over.")
            await self._take(self.asked.start)
        except AnswerRefused as error:
            reason = str(error).removeprefix(f"run {self.run_id}").lstrip(",: ")
            await self._note(reason, pending)
            if not answers:
                return self._asked_again(reason, pending)
        stored = await self._stored(pending)
        return Command(resume=stored) if stored else None

    def _asked_again(self, reason: str, pending: Mapping[str, ApprovalRequest]) -> Command[Any] | None:
        """The update after which the request that was meant, or else the first, is shown with the reason."""
        named = self.asked.start.resume if isinstance(self.asked.start, Command) else None
        meant = [each for each in pending if isinstance(named, dict) and each in named]
        for id_ in (*meant, *pending):
            action = pending[id_].action.name
            return Command(update=self.asked.refuse(self.snapshot.values, id_, action, reason))
        return None  # it waits for events and times only

    async def _stored(self, pending: Mapping[str, ApprovalRequest]) -> dict[str, Json]:
        """What there is of all that is waited for: answers, those of timeout policies among them, events, times."""
        async with transaction(self.pool) as connection:
            await approvals.open_requests(connection, self.run_id, dict(pending))
            await approvals.expire(connection, self.run_id)
            await waits.expire(connection, self.run_id)
            found = await approvals.answers_to(connection, self.run_id, pending)
            return found | await waits.answers_to(
                connection, self.run_id, [each.id for each in self.snapshot.interrupts]
            )

    async def _take(self, given: Command[Any]) -> None:
        """Stores what was given, unless somebody or the time was faster. Raises AnswerRefused."""
        if given.update or given.goto:
            raise AnswerRefused("The run waits for an answer, and takes no `update` or `goto` instead of one.")
        checked = [await self._checked(key, value) for key, value in self._by_request(given.resume)]
        async with transaction(self.pool) as connection:
            for approval, answer in checked:
                await approvals.store_answer(connection, approval, answer, answer.by or ACTOR)

    def _by_request(self, resume: object) -> list[tuple[str | None, object]]:
        """What was given, by the id of the request; None where it names none."""
        if named := _by_id(resume):
            return list(named.items())
        shown = datetime.fromisoformat(self.snapshot.created_at) if self.snapshot.created_at else None
        if shown and self.asked.at and self.asked.at < shown:
            raise AnswerRefused("The answer was given before this was asked.", remedy="Answer what is asked now.")
        return [(None, resume)]

    async def _checked(self, key: str | None, value: object) -> tuple[ApprovalRecord, Answer]:
        """The request that is meant, and the answer to it, signed. Raises AnswerRefused."""
        async with self.pool.connection() as connection:
            approval = await approvals.find_pending(connection, await one_run(connection, self.run_id), key)
        answer, actor, approvers = _read(value), self.asked.actor, approval.request.policy.approvers
        if approvers and actor is None:
            raise AnswerRefused(
                f"Only {' or '.join(approvers)} may answer here, and the server does not know who you are.",
                remedy="It does with authentication: `auth` in langgraph.json.",
            )
        approvals.check_allowed(approval, answer, actor or ACTOR)
        check = self.entry.validators.get(approval.request.action.name)
        if check is not None and isinstance(answer.decision, Edit):
            args = answer.decision.edited_action.args
            await check_edit(check, self.snapshot.values, approval, args, self.pool)
        return approval, answer.model_copy(update={"by": actor or ""})

    async def _note(self, reason: str, pending: Mapping[str, ApprovalRequest]) -> None:
        actor, data = self.asked.actor or ACTOR, {"requests": sorted(pending), "reason": reason}
        async with transaction(self.pool) as connection:
            await audit.append(connection, self.run_id, "approval.refused", actor=actor, data=data)


def _by_id(resume: object) -> dict[str, object]:
    """Answers by the ids of their requests; empty where none is named."""
    if isinstance(resume, dict) and all(_REQUEST_ID.fullmatch(str(key)) for key in resume):
        return resume
    return {}


def _read(value: object) -> Answer:
    try:
        return Answer.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the answer"
        raise AnswerRefused(f"This is no answer: {field}: {first['msg']}.", remedy=_FORM) from error
