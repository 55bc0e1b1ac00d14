"""One test case played to its end: the workflow in memory, with what the case says in the place of the outside."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from chains.models import ModelDoor
from graphs.workflow.bodies import bodies
from graphs.workflow.checks.tree import without_turns
from graphs.workflow.compiler import build
from graphs.workflow.entry import WorkflowEntry, all_steps
from graphs.workflow.pinned import Pinned
from graphs.workflow.saga import undo_run
from graphs.workflow.steps.growth import list_of
from run_workflow.checkpoints import StrictSerializer
from run_workflow.engine.approvals import check_allowed, policy_answer
from run_workflow.engine.driving import App, Outcome, config_of, outcome_of
from run_workflow.engine.told import told
from run_workflow.testing.script import Script, ScriptedClock, ScriptedTools, scripted
from state.agents import AgentTemplate
from state.context import RunContext
from state.errors import AnswerRefused, StrettoError, TimedOut
from state.ports import Ports
from state.runs import (
    Answer,
    ApprovalRecord,
    ApprovalRequest,
    Approve,
    Decision,
    Edit,
    EditedAction,
    Json,
    Reject,
    Respond,
    StepStatus,
    Wait,
)
from state.workflow.cases import TIMEOUT, Expected, Said, WorkflowCase
from state.workflow.steps import ParallelStep
from tools.memory import memory_ports
from tools.toolbox import Toolbox

_LONGEST = 200
_RUN = "test"
_SOMEBODY = "tester"
"""Who answers where anybody may, with the number of the answer: two of them are two people."""


@dataclass(frozen=True)
class Played:
    """How a case ended."""

    outcome: Outcome
    steps: Mapping[str, StepStatus]
    faults: tuple[str, ...]
    """What is not as the case expects it, in words; empty where all is."""


async def play(pinned: Pinned, case: WorkflowCase, toolbox: Toolbox, agents: Sequence[AgentTemplate] = ()) -> Played:
    """Runs the workflow as the case says, without a database, a key or a request to anybody.

    What `toolbox` would write goes into a folder that no other case sees, and that is gone afterwards; `agents` are
    templates of the user's own.
    """
    script, clock = Script(case), ScriptedClock()
    ports = memory_ports(ModelDoor({}, {}), run_id=_RUN, clock=clock)
    with tempfile.TemporaryDirectory() as files:
        own = replace(toolbox, files=Path(files))
        ports = replace(ports, tools=ScriptedTools(partial(own, ports), script), agents=tuple(agents))
        playing = _Playing(WorkflowEntry(pinned), ports, script, clock)
        outcome = await playing.to_its_end()
    steps = {each.path: each.status for each in await ports.ledger.steps()}
    wrong = (*script.missing, *playing.refused)  # what is not as expected may come of these
    return Played(outcome, steps, wrong or tuple(differences(case.expect, outcome, steps)))


@dataclass
class _Playing:
    """A case while it runs."""

    entry: WorkflowEntry
    ports: Ports
    script: Script
    clock: ScriptedClock
    refused: list[str] = field(default_factory=list)
    """What the case says and may not say there."""
    answers: int = 0
    limits: dict[str, datetime] = field(default_factory=dict)
    """Until when it waits, by the id of what it waits for, as it was when the waiting began."""
    silent: set[str] = field(default_factory=set)
    """The ids of that for which only time comes."""

    async def to_its_end(self) -> Outcome:
        """How it stands when nothing more is said, undone where that is due."""
        pinned = self.entry.pinned
        try:
            self.entry.check_input({"inputs": self.script.case.inputs})
            done = bodies(self.ports)
            graph = build(self.ports, pinned.definition, scripted(done, self.script), pinned.conditions, pinned.uses)
            return await self._ran(graph.compile(checkpointer=InMemorySaver(serde=StrictSerializer())))
        except TimedOut as error:
            outcome = Outcome("timed_out", error=told(error))
        except StrettoError as error:
            outcome = Outcome("failed", error=told(error))
        is_undone = pinned.definition.on_failure == "rollback" and await self.ports.ledger.steps()
        return await self._undone(outcome) if is_undone else outcome

    async def _ran(self, app: App) -> Outcome:
        given: Any = {"inputs": self.script.case.inputs}
        while True:
            await app.ainvoke(given, config_of(_RUN), context=RunContext(), durability="sync")
            outcome = outcome_of(app, await app.aget_state(config_of(_RUN)))
            if not outcome.waiting_for:
                return outcome
            answers = await self._answers(outcome)
            if not answers:
                return outcome
            given = Command(resume=answers)

    async def _undone(self, outcome: Outcome) -> Outcome:
        done = await undo_run(self.ports)
        if not done.left:
            return Outcome("rolled_back", error=outcome.error, undone=done)
        return Outcome("rollback_failed", error=f"{outcome.error} Undoing it failed: {done.fault}", undone=done)

    async def _answers(self, outcome: Outcome) -> dict[str, Json]:
        """What comes next of all that it waits for; time passes only where nothing else comes."""
        for id_, moment in _limits(outcome, self.clock.now()):
            self.limits.setdefault(id_, moment)
        found: dict[str, Json] = {}
        for id_, request in outcome.requests.items():
            if id_ not in self.silent and (answer := await self._answer(id_, request)) is not None:
                found[id_] = answer.model_dump(mode="json")
        for id_, wait in outcome.waits.items():
            if wait.event is None:
                self.silent.add(id_)
            elif id_ not in self.silent and (came := self._event(wait.event, id_, wait)) is not None:
                found[id_] = came
        return found or self._in_time(outcome)

    def _in_time(self, outcome: Outcome) -> dict[str, Json]:
        """What comes by itself at the earliest of all times, where the case lets time pass."""
        times = {id_: self.limits[id_] for id_ in outcome.waiting_for if id_ in self.limits}
        if self.silent.isdisjoint(times):
            return {}
        self.clock.pass_until(min(times.values()))
        over = [id_ for id_, moment in times.items() if moment <= self.clock.now()]
        asked = outcome.requests
        return {id_: policy_answer(asked[id_]).model_dump(mode="json") if id_ in asked else {} for id_ in over}

    async def _answer(self, id_: str, request: ApprovalRequest) -> Answer | None:
        path, policy = request.action.name, request.policy
        said = self.script.answer(path)
        if said is None:
            return None
        try:
            if said.type == TIMEOUT:
                if policy.timeout_seconds is None:
                    raise AnswerRefused("It has no time limit.")
                self.silent.add(id_)
                return None
            self.answers += 1
            by = said.by or (policy.approvers[0] if policy.approvers else f"{_SOMEBODY} {self.answers}")
            answer = Answer(decisions=(_decision(said, path),), by=by)
            await self._check(id_, request, answer)
            return answer
        except AnswerRefused as error:
            self.refused.append(f"The answer to {path} is refused: {error.message} {error.remedy or ''}".rstrip())
            return None

    async def _check(self, id_: str, request: ApprovalRequest, answer: Answer) -> None:
        """Raises AnswerRefused where a person could not answer so."""
        action = request.action
        record = ApprovalRecord(
            id=id_, run_id=_RUN, point=action.name, request=request, status="pending", created_at=self.clock.now()
        )
        check_allowed(record, answer, answer.by)
        if isinstance(answer.decision, Edit) and (check := self.entry.validators.get(action.name)) is not None:
            await check({}, action.args, answer.decision.edited_action.args, self.ports.passages)

    def _event(self, name: str, id_: str, wait: Wait) -> Json | None:
        came = self.script.event(name, wait.path, adds=self._adds(wait.path))
        if came != TIMEOUT:
            return None if came is None else {"data": came}
        if wait.wakes_at is None:
            self.refused.append(f"{wait.path} waits for {name} without a time limit.")
        else:
            self.silent.add(id_)
        return None

    def _adds(self, path: str) -> bool:
        """Whether what comes for the wait at a path is added to a list that grows."""
        grows = list_of(path)
        return grows is not None and without_turns(grows) in self._growing

    @cached_property
    def _growing(self) -> frozenset[str]:
        """The paths of the steps whose lists grow, without turns."""
        steps = all_steps(self.entry.pinned)
        return frozenset(path for path, step in steps if isinstance(step, ParallelStep) and step.grows_on)


def _limits(outcome: Outcome, now: datetime) -> Iterator[tuple[str, datetime]]:
    """Until when it waits for what it waits for, where it does not for ever."""
    for id_, request in outcome.requests.items():
        if request.policy.timeout_seconds is not None:
            yield id_, now + timedelta(seconds=request.policy.timeout_seconds)
    for id_, wait in outcome.waits.items():
        if wait.wakes_at is not None:
            yield id_, wait.wakes_at


def _decision(said: Said, path: str) -> Decision:
    match said.type:
        case "edit":
            return Edit(edited_action=EditedAction(name=path, args=said.args))
        case "reject":
            return Reject(message=said.message)
        case "respond":
            return Respond(message=said.message)
        case _:
            return Approve()


def differences(expected: Expected, outcome: Outcome, steps: Mapping[str, StepStatus]) -> Iterator[str]:
    """What is not as it is expected, each in a sentence."""
    if outcome.status != expected.status:
        why = outcome.error or _waits_for(outcome)
        yield f"The run is {outcome.status}, not {expected.status}{f': {why}' if why else '.'}"
    elif expected.error not in (outcome.error or ""):
        yield f"The error does not say {expected.error!r}: {outcome.error}"
    outputs = (outcome.output or {}).get("outputs", {})
    for name, value in expected.outputs.items():
        if outcome.status == "completed" and (name not in outputs or outputs[name] != value):
            given = f"is {_short(outputs[name])}" if name in outputs else "is not there"
            yield f"The output {name} {given}, not {_short(value)}."
    for path, status in expected.steps.items():
        if steps.get(path) != status:
            yield f"The step {path} {f'is {steps[path]}' if path in steps else 'was not reached'}, not {status}."


def _waits_for(outcome: Outcome) -> str:
    paths = [*(each.action.name for each in outcome.requests.values()), *(each.path for each in outcome.waits.values())]
    return f"it waits at {', '.join(sorted(paths))}." if paths else ""


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
