"""Approvals: asked at the terminal, left for later, answered by command, refused."""

import os
import re
import signal
import threading
from pathlib import Path

import pytest

from run_workflow.cli.session import PROGRAM
from run_workflow.documents import RunDocument
from state.context import ApprovalPolicy
from state.errors import AnswerRefused
from state.runs import Approve, Reject, Respond
from tests.run_workflow.cli_double import Line, line_asking_for_plan, waiting
from tests.run_workflow.engine_double import PLAN, START


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    """A run that waits for its plan to be approved, and then ends; somebody is at the terminal."""
    monkeypatch.chdir(tmp_path)
    return line_asking_for_plan(tmp_path)


@pytest.mark.parametrize(
    ("keys", "decision"),
    [
        ("a\n", Approve()),
        ("approve\n", Approve()),
        ("r\nLess noise.\n", Reject(message="Less noise.")),
        ("p\nMind 2022.\n", Respond(message="Mind 2022.")),
        ("x\nA\n", Approve()),
        ("r\n  \na\n", Approve()),
    ],
)
def test_an_answer_typed_at_the_terminal(line: Line, keys: str, decision: object) -> None:
    """One key decides, with a message where one is needed; what is not understood is asked again; the run goes on."""
    typed = line.type("resume", "last", input=keys)
    assert (typed.code, typed.exception) == (0, None)
    ((point, answer, actor),) = line.engine.answers
    assert (point, answer.decision, actor, answer.by) == ("plan", decision, "ann", "ann")
    assert "speed (required)" in typed.err
    assert "report.md" in typed.out


@pytest.mark.parametrize("keys", ["w\n", ""])
def test_leaving_it_for_later(line: Line, keys: str) -> None:
    """Waiting, or the end of the input, leaves the request as it is; the commands that answer it are told."""
    typed = line.type("resume", "r1", input=keys)
    assert (typed.code, line.engine.answers) == (3, [])
    for command in ("approve r100", 'reject r100 --message "', "edit r100 --file", 'respond r100 --message "'):
        assert f"{PROGRAM} {command}" in typed.out


def test_nobody_at_the_terminal_waits(line: Line) -> None:
    """Without a terminal the run stops with code 3; the document holds the request and what can be typed."""
    line.interactive = False
    typed = line.type("resume", "last", "--json")
    document = RunDocument.model_validate_json(typed.out)
    assert (typed.code, document.exit_code, document.status) == (3, 3, "waiting_approval")
    (request,) = document.waiting
    assert (request.id, request.point) == ("q1-plan", "plan")
    assert request.args["plan"]["sub_questions"] == list(PLAN.sub_questions)
    assert document.commands[0].endswith(f"{PROGRAM} approve r100")
    assert "speed (required)" in typed.err


def test_nobody_at_the_terminal_goes_on_if_told_to(line: Line) -> None:
    """`--if-unattended continue` approves in nobody's name and says so."""
    line.interactive = False
    typed = line.type("resume", "last", "--if-unattended", "continue")
    assert typed.code == 0
    ((_, answer, actor),) = line.engine.answers
    assert (answer.decision, answer.by, actor) == (Approve(), "nobody at the terminal", "nobody at the terminal")
    assert "approved unseen (--if-unattended continue)" in typed.err


def test_nobody_cannot_stand_in_for_an_approver(line: Line) -> None:
    """Where only certain people may answer, nothing is approved unseen: the run waits for them, and says so."""
    line.interactive = False
    line.engine.policy = ApprovalPolicy(approvers=("bob",))
    typed = line.type("resume", "last", "--if-unattended", "continue")
    assert (typed.code, line.engine.answers) == (3, [])
    assert "does not answer for bob: the plan waits." in typed.err


def test_without_a_terminal_the_timeout_is_told(line: Line) -> None:
    """Nobody waits there; when the request will be answered, how, and what must happen for it, is said."""
    line.interactive = False
    line.engine.policy = ApprovalPolicy(timeout_seconds=600, on_timeout="reject")
    typed = line.type("resume", "last")
    assert typed.code == 3
    assert re.search(r"timeout +from \d{4}-\S+ \S+ on the plan is rejected, .* `resume`", typed.out)


@pytest.mark.slow
def test_who_may_not_answer_waits_for_the_timeout(line: Line) -> None:
    """At a terminal the command waits until the request does, and then goes on."""
    line.engine.policy = ApprovalPolicy(approvers=("bob",), timeout_seconds=0.2)
    typed = line.type("resume", "last")
    assert (typed.code, line.engine.answers) == (0, [])
    assert "then it is approved by itself. Ctrl-C leaves it." in typed.err
    assert "Expired: nobody answered in time, so it is approved." in typed.err


@pytest.mark.slow
def test_waiting_for_somebody_else_can_be_left(line: Line) -> None:
    """Ctrl-C ends the waiting, and leaves the run as it is."""
    line.engine.policy = ApprovalPolicy(approvers=("bob",), timeout_seconds=60)
    line.engine.began = threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGINT)).start
    typed = line.type("resume", "last")
    assert (typed.code, typed.exception, line.engine.answers) == (3, None, [])


def test_who_may_not_answer_is_not_asked(line: Line) -> None:
    """Somebody who may not answer is told so, and the run waits."""
    line.engine.policy = ApprovalPolicy(approvers=("bob",))
    typed = line.type("resume", "last", input="a\n")
    assert (typed.code, line.engine.answers) == (3, [])
    assert "You are ann; only bob may answer." in typed.err
    assert "may be answered by bob" in typed.err


def test_somebody_else_was_faster(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the request was answered meanwhile, that is told, and the run goes on."""

    async def refused(run_id: str, *_: object) -> None:
        line.engine.approvals[run_id][0] = line.engine.approvals[run_id][0].model_copy(update={"status": "answered"})
        raise AnswerRefused("The request was already answered by bob.")

    monkeypatch.setattr(line.engine, "answer", refused)
    typed = line.type("resume", "last", input="a\n")
    assert typed.code == 0
    assert "already answered by bob" in typed.err


@pytest.mark.parametrize(
    ("arguments", "decision"),
    [
        (["approve", "last"], Approve()),
        (["reject", "last", "--message", "no"], Reject(message="no")),
        (["respond", "last", "--message", "yes, but"], Respond(message="yes, but")),
    ],
)
def test_answers_by_command(line: Line, arguments: list[str], decision: object) -> None:
    """Each command answers the one pending request, and the run goes on to its end."""
    waiting(line, "plan")
    typed = line.type(*arguments)
    assert typed.code == 0
    assert line.engine.answers[0][1].decision == decision
    assert f"Answered: {arguments[0]} at plan, by ann." in typed.err
    assert ("Not done: no" in typed.err) == (arguments[0] == "reject")
    assert "report.md" in typed.out


def test_an_answer_without_going_on(line: Line) -> None:
    """`--no-resume` answers and leaves the run; `resume` is what can be typed next."""
    waiting(line, "plan")
    typed = line.type("approve", "last", "--no-resume", "--json")
    assert (typed.code, len(line.engine.stretches), len(line.engine.answers)) == (0, 1, 1)
    assert RunDocument.model_validate_json(typed.out).exit_code == 0


def test_an_answered_run_is_not_said_to_wait(line: Line) -> None:
    """After `--no-resume` the run has its answer; what is left is to go on."""
    waiting(line, "plan")
    typed = line.type("approve", "last", "--no-resume")
    assert "Run r100 has its answer and can go on." in typed.out
    assert "waits" not in typed.out
    assert "answered" in line.type("list").out


def test_one_of_several_requests_is_named(line: Line) -> None:
    """With several requests the id, or its beginning, says which; without it they are listed."""
    waiting(line, "plan", "merge")
    unclear = line.type("approve", "last")
    assert unclear.code == 6
    assert "q1-plan (plan), q2-merge (merge)" in unclear.err
    assert line.type("approve", "last", "q9").code == 6
    assert line.engine.answers == []
    assert line.type("approve", "last", "q2", "--no-resume").code == 0
    assert [point for point, *_ in line.engine.answers] == ["merge"]


def test_nothing_waits(line: Line) -> None:
    """An answer to a run that asks nothing is refused with code 6."""
    typed = line.type("approve", "last")
    assert typed.code == 6
    assert "No request waits for an answer." in typed.err


def test_a_second_answer_is_told_the_first(line: Line) -> None:
    """Whoever answers what was answered is told how, by whom and when, and what is next; the code is 6."""
    waiting(line, "plan")
    first = line.type("approve", "last", "--no-resume", "--json")
    document = RunDocument.model_validate_json(first.out)
    assert (first.code, document.status, document.waiting) == (0, "answered", ())
    for second in (["approve", "last"], ["reject", "last", "q1", "--message", "No."]):
        typed = line.type(*second)
        assert typed.code == 6
        assert "The request q1-plan (plan) was already answered with approve by " in typed.err
        assert f" at {START.astimezone():%Y-%m-%d %H:%M:%S}." in typed.err
        assert "` goes on with it." in typed.err
    assert len(line.engine.answers) == 1
