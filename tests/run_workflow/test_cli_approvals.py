"""Approvals: asked at the terminal, left for later, answered by command, edited, refused."""

import json
import os
import re
import signal
import threading
from pathlib import Path

import pytest

from run_workflow.cli.asking import read_args
from run_workflow.cli.session import PROGRAM
from run_workflow.documents import RunDocument
from state.context import ApprovalPolicy
from state.errors import AnswerRefused, NotBorneOut
from state.runs import Approve, Edit, Reject, Respond
from tests.run_workflow.cli_double import BRANCH, Line
from tests.run_workflow.engine_double import PLAN, REPORT, START, EngineDouble, Stretch, published

DONE = Stretch(BRANCH, output=published())
ASKS = Stretch(asks="plan")


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    """A run that waits for its plan to be approved, and then ends; somebody is at the terminal."""
    monkeypatch.chdir(tmp_path)
    made = Line(EngineDouble([ASKS, DONE]), tmp_path, interactive=True)
    made.engine.add("r100", {"question": "Why?"})
    return made


def waiting(line: Line, *points: str) -> None:
    """The run waits already, at each of these points."""
    for point in points:
        line.engine.ask("r100", point)
    line.engine.runs["r100"] = line.engine.runs["r100"].model_copy(update={"status": "waiting_approval"})
    line.engine.stretches = [DONE]


def editor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *programs: str) -> None:
    """An editor that does one thing after another, each a line of Python over `text`."""
    script = tmp_path / "editor.py"
    steps = [f"if turn == {number}: {program}" for number, program in enumerate(programs)]
    script.write_text(
        "import pathlib, sys\n"
        f"turns = pathlib.Path({str(tmp_path / 'turns')!r})\n"
        "turn = len(turns.read_text()) if turns.exists() else 0\n"
        "turns.write_text('x' * (turn + 1))\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "text = path.read_text()\n" + "\n".join(steps) + "\npath.write_text(text)\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("EDITOR", f"python3 {script}")
    monkeypatch.delenv("VISUAL", raising=False)


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


@pytest.mark.slow
def test_an_edit_in_the_editor(line: Line, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The editor opens on the args as YAML; what is saved becomes the edit."""
    editor(monkeypatch, tmp_path, "text = text.replace('seconds: 300.0', 'seconds: 60')")
    typed = line.type("resume", "last", input="e\n")
    assert typed.code == 0
    ((_, answer, _),) = line.engine.answers
    assert isinstance(answer.decision, Edit)
    args = answer.decision.edited_action.args
    assert answer.decision.edited_action.name == "approve_plan"
    assert [branch["limits"]["seconds"] for branch in args["plan"]["branches"]] == [60, 60]
    assert args["plan"]["sub_questions"] == list(PLAN.sub_questions)


@pytest.mark.slow
def test_a_wrong_edit_is_asked_again(line: Line, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What cannot be read, and what the engine refuses, is told, and the editor opens on it again."""
    editor(
        monkeypatch,
        tmp_path,
        "text = text + '\\n  : [broken'",
        "text = text.replace('\\n  : [broken', '').replace('300.0', '-1')",
        "text = text.replace('-1', '50')",
    )
    line.engine.refuses = [AnswerRefused("Input should be greater than 0.", place="plan edit, seconds")]
    typed = line.type("resume", "last", input="e\ny\n")
    assert typed.code == 0
    assert "neither YAML nor JSON" in typed.err
    assert "where: line " in typed.err
    assert "Input should be greater than 0." in typed.err
    ((_, answer, _),) = line.engine.answers
    assert isinstance(answer.decision, Edit)
    assert answer.decision.edited_action.args["plan"]["branches"][0]["limits"]["seconds"] == 50


@pytest.mark.slow
def test_an_edit_that_changes_nothing_is_no_answer(line: Line, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leaving the editor without a change, or without an editor, leads back to the question."""
    editor(monkeypatch, tmp_path, "text = ''", "pass")
    typed = line.type("resume", "last", input="e\ne\na\n")
    assert typed.code == 0
    assert typed.err.count("Nothing was changed.") == 2
    assert line.engine.answers[0][1].decision == Approve()


def test_an_editor_that_is_not_there(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor that cannot be started is told, with the remedy."""
    monkeypatch.setenv("EDITOR", "no-such-editor-here")
    monkeypatch.delenv("VISUAL", raising=False)
    typed = line.type("resume", "last", input="e\nw\n")
    assert (typed.code, typed.exception) == (3, None)
    assert "Set EDITOR to an editor that is installed." in typed.err


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


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_an_edit_from_a_file(line: Line, tmp_path: Path, form: str) -> None:
    """What `show --args` printed, changed and given back by `edit --file`, is the edit; JSON does as well."""
    waiting(line, "plan")
    shown = line.type("show", "last", "--args")
    assert shown.code == 0
    args = read_args(shown.out)
    args["plan"]["branches"] = args["plan"]["branches"][:1]
    path = tmp_path / "edit"
    path.write_text(json.dumps(args) if form == "json" else shown.out.replace("speed", "rate"), encoding="utf-8")
    assert line.type("edit", "last", "--file", str(path)).code == 0
    decision = line.engine.answers[0][1].decision
    assert isinstance(decision, Edit)
    ids = [branch["id"] for branch in decision.edited_action.args["plan"]["branches"]]
    assert ids == (["speed"] if form == "json" else ["rate", "figures"])


def test_an_edit_from_standard_input(line: Line) -> None:
    """`--file -` reads the edit from standard input."""
    waiting(line, "plan")
    assert line.type("edit", "last", "--file", "-", input='{"plan": {"mode": "sequential"}}').code == 0
    decision = line.engine.answers[0][1].decision
    assert isinstance(decision, Edit)
    assert decision.edited_action.args == {"plan": {"mode": "sequential"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("plan: [", "line 1"),
        ("- a", "a mapping"),
        ("1: 2", "a mapping"),
        ("other: 1", "must not leave out plan"),
        ("plan: .nan", "JSON"),
    ],
)
def test_a_wrong_edit_file_is_refused(line: Line, tmp_path: Path, text: str, message: str) -> None:
    """The error says what cannot be used and where; the request still waits."""
    waiting(line, "plan")
    path = tmp_path / "edit.yaml"
    path.write_text(text, encoding="utf-8")
    typed = line.type("edit", "last", "--file", str(path))
    assert (typed.code, line.engine.answers) == (6, [])
    assert message in typed.err
    assert f"where: {path}" in typed.err
    assert "show RUN --args" in typed.err


def test_what_the_engine_refuses_of_a_file_names_the_file(line: Line, tmp_path: Path) -> None:
    """The place of a wrong edit begins with the file that it came from; the remedy stays."""
    waiting(line, "plan")
    line.engine.refuses = [AnswerRefused("There is no field 'x' here.", place="run r100, plan.x", remedy="Correct it.")]
    path = tmp_path / "edit.yaml"
    path.write_text("plan: {x: 1}", encoding="utf-8")
    typed = line.type("edit", "last", "--file", str(path))
    assert typed.code == 6
    assert f"There is no field 'x' here.\n  where: {path}, run r100, plan.x\n  do:    Correct it.\n" in typed.err


@pytest.mark.parametrize(("keys", "code", "taken"), [("y\n", 0, True), ("n\n", 6, None), ("", 6, None)])
def test_what_is_not_borne_out_is_confirmed_at_the_terminal(
    line: Line, tmp_path: Path, keys: str, code: int, taken: bool | None
) -> None:
    """What is wrong is told and the person asked; only a yes publishes it as their own words."""
    waiting(line, "report")
    path = tmp_path / "edit.yaml"
    path.write_text(json.dumps(REPORT), encoding="utf-8")
    line.engine.refuses = [NotBorneOut("Not borne out: “It rises.”", place="sections", remedy="Correct the text.")]
    typed = line.type("edit", "last", "--file", str(path), input=keys)
    assert typed.code == code
    assert "Not borne out: “It rises.”" in typed.err
    decisions = [answer.decision for _, answer, _ in line.engine.answers]
    words = [each.edited_action.args["as_own_words"] for each in decisions if isinstance(each, Edit)]
    assert words == ([] if taken is None else [taken])


def test_own_words_are_confirmed_by_an_option(line: Line, tmp_path: Path) -> None:
    """Without a terminal the option is named; with it the edit says so; at another point there are no own words."""
    line.interactive = False
    waiting(line, "report")
    path = tmp_path / "edit.yaml"
    path.write_text(json.dumps(REPORT), encoding="utf-8")
    line.engine.refuses = [NotBorneOut("Not borne out.", remedy="Give --as-own-words.")]
    refused = line.type("edit", "last", "--file", str(path))
    assert (refused.code, line.engine.answers) == (6, [])
    assert f"where: {path}" in refused.err
    assert line.type("edit", "last", "--file", str(path), "--as-own-words", "--no-resume").code == 0
    decision = line.engine.answers[0][1].decision
    assert isinstance(decision, Edit)
    assert decision.edited_action.args == {**REPORT, "as_own_words": True}
    waiting(line, "plan")
    path.write_text("plan: {}", encoding="utf-8")
    wrong = line.type("edit", "last", "--file", str(path), "--as-own-words")
    assert (wrong.code, len(line.engine.answers)) == (6, 1)
    assert "this is the plan" in wrong.err


def test_an_edit_needs_a_file_or_a_terminal(line: Line) -> None:
    """Without a terminal the way to edit is told; a file that is not there is named."""
    line.interactive = False
    waiting(line, "plan")
    typed = line.type("edit", "last")
    assert typed.code == 6
    assert "--file" in typed.err
    assert line.type("edit", "last", "--file", "none.yaml").code == 2


def test_dates_in_an_edit_stay_text() -> None:
    """YAML reads a bare date as a date; the args get it as text."""
    assert read_args("a: 2022-01-02\nb: [x, 1.5, true]") == {"a": "2022-01-02", "b": ["x", 1.5, True]}
