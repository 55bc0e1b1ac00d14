"""Commands that look at runs: which run is meant, what is shown, and the JSON of each."""

from pathlib import Path

import pytest

from run_workflow.documents import (
    DueDocument,
    ErrorDocument,
    ListDocument,
    RunDocument,
    ShowDocument,
    TimelineDocument,
    VerifyDocument,
)
from state.context import ApprovalPolicy, RunContext
from state.errors import RunHeld
from state.runs import StepRecord
from tests.run_workflow.cli_double import Line
from tests.run_workflow.engine_double import START, EngineDouble, Stretch, published


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    """Three runs: r1a has ended with a report, r1b is paused, r2 is new."""
    monkeypatch.chdir(tmp_path)
    made = Line(EngineDouble(), tmp_path)
    made.engine.add("r1a", {"question": "How fast?"}, status="completed", output=published())
    made.engine.add("r1b", {"question": "Why?"}, status="paused", holder="host:7")
    made.engine.add("r2", {"other": 1}, parent="r1a")
    return made


def test_list_shows_the_newest_first(line: Line) -> None:
    """One line a run with its id, state, time and question."""
    typed = line.type("list")
    assert [row.split()[0] for row in typed.out.splitlines()] == ["run", "r2", "r1b", "r1a"]
    assert "How fast?" in typed.out
    document = ListDocument.model_validate_json(line.type("list", "--json", "--limit", "2").out)
    assert [(run.id, run.question) for run in document.runs] == [("r2", None), ("r1b", "Why?")]


def test_list_by_state(line: Line) -> None:
    """`--status` leaves out the others; a state that does not exist is refused with those that do."""
    document = ListDocument.model_validate_json(line.type("list", "--status", "paused", "--json").out)
    assert [run.id for run in document.runs] == ["r1b"]
    assert line.type("list", "--status", "failed").out == "There are no runs.\n"
    refused = line.type("list", "--status", "asleep")
    assert refused.code == 2
    assert "waiting_approval" in refused.err


@pytest.mark.parametrize(("name", "found"), [("r1a", "r1a"), ("r2", "r2"), ("r1b", "r1b"), ("last", "r2")])
def test_a_run_is_found_by_its_beginning(line: Line, name: str, found: str) -> None:
    """The id, a beginning that fits one run only, and `last` all work."""
    document = ShowDocument.model_validate_json(line.type("show", name, "--json").out)
    assert document.run.id == found


def test_an_id_that_is_the_beginning_of_another(line: Line) -> None:
    """A whole id is meant even where a longer one begins with it."""
    line.engine.add("r2x", {"question": "More?"})
    document = ShowDocument.model_validate_json(line.type("show", "r2", "--json").out)
    assert document.run.id == "r2"


@pytest.mark.slow
@pytest.mark.parametrize("command", ["show", "timeline", "verify", "report", "resume", "cancel", "approve"])
@pytest.mark.parametrize(("name", "message"), [("r9", "There is no run 'r9'"), ("r1", "fits 2 runs: r1b, r1a")])
def test_a_wrong_run_id_is_refused(line: Line, command: str, name: str, message: str) -> None:
    """An id that fits no run, or several, ends with code 2 and what to do, in words and as JSON."""
    typed = line.type(command, name)
    assert (typed.code, typed.exception) == (2, None)
    assert message in typed.err
    error = ErrorDocument.model_validate_json(line.type(command, name, "--json").out).error
    assert (error.type, error.exit_code) == ("UnknownRun", 2)
    assert error.remedy


def test_last_needs_a_run(line: Line) -> None:
    """Without any run `last` says how to start one."""
    line.engine.runs.clear()
    typed = line.type("show", "last")
    assert typed.code == 2
    assert "run research" in typed.err


def test_show_tells_everything(line: Line) -> None:
    """The question, the steps, who works on it, its copies, what it waits for, usage, and what to type next."""
    line.engine.ask("r1b", "plan")
    typed = line.type("show", "r1b")
    for part in (
        "Why?",
        "host:7 works on it.",
        "read the sources",
        "0:02",
        "speed (required)",
        "approve r1b",
        "no cost",
        "`fork r1b --at` can begin at: read_sources (read the sources).",
    ):
        assert part in typed.out
    assert "Copies: r2." in line.type("show", "r1a").out
    assert "Copied from r1a." in line.type("show", "r2").out


def test_show_names_the_files_of_the_report(line: Line) -> None:
    """Files that were written are named; where they are not, the command that writes them is."""
    assert "The report is not in output; `report r1a` writes it there." in line.type("show", "r1a").out
    assert line.type("report", "r1a").code == 0
    shown = line.type("show", "r1a").out
    assert str(Path("output", "r1a", "report.md")) in shown
    assert "writes it there" not in shown
    assert line.type("report", "r1a", "--out", "there").code == 0
    document = ShowDocument.model_validate_json(line.type("show", "r1a", "--out", "there", "--json").out).run
    assert document.files is not None
    assert document.files.bundle == str(Path("there", "r1a", "bundle.zip"))


def test_a_run_whose_process_died_is_interrupted(line: Line) -> None:
    """A run that was taken up and that no process holds is said to be interrupted: in words and as JSON, everywhere."""
    line.engine.add("r3", {"question": "Who?"}, status="running")
    line.engine.add("r4", {"question": "Who?"}, status="running", holder="host:8")
    line.engine.add("r5", {"question": "Who?"}, status="initializing", taken=True)
    line.engine.add("r6", {"question": "Who?"}, status="initializing")
    stands = {"r3": "interrupted", "r4": "running", "r5": "interrupted", "r6": "initializing"}
    seen = {row.split()[0]: row.split()[1] for row in line.type("list").out.splitlines()}
    assert stands.items() <= seen.items()
    listed = ListDocument.model_validate_json(line.type("list", "--json").out)
    assert stands.items() <= {run.id: run.status for run in listed.runs}.items()
    for run, status in stands.items():
        assert ShowDocument.model_validate_json(line.type("show", run, "--json").out).run.status == status
    chosen = ListDocument.model_validate_json(line.type("list", "--status", "interrupted", "--json").out)
    assert {run.id for run in chosen.runs} == {"r3", "r5"}
    shown = line.type("show", "r3").out
    assert "No process works on it: the one that did has ended." in shown
    assert "Run r3 was interrupted; nothing is lost." in shown
    assert "The process host:8 works on it." in line.type("show", "r4").out


def test_a_command_that_changes_a_run_names_it_first(line: Line) -> None:
    """`last` may be another run than was thought: its id and question come before anything happens."""
    line.engine.stretches = [Stretch(output=published())]
    for command in (["resume", "r1b"], ["resume", "r1b"], ["cancel", "r1b"]):
        assert line.type(*command).err.startswith("Run r1b: Why?\n")


def test_the_seconds_before_the_first_step_are_explained(line: Line) -> None:
    """Loading takes a while: a line says so before the first step is heard of."""
    line.engine.stretches = [Stretch(output=published())]
    assert "Loading the agents, which takes a few seconds.\n" in line.type("resume", "r1b").err


def test_show_as_json(line: Line) -> None:
    """The document holds the run, its steps, its copies and its holder."""
    document = ShowDocument.model_validate_json(line.type("show", "r1a", "--json").out)
    assert (document.run.exit_code, document.run.outcome, document.children) == (0, "published", ("r2",))
    assert [step.path for step in document.steps] == ["read_sources"]


def test_args_need_one_request(line: Line) -> None:
    """`show --args` prints what the one pending request shows, and nothing else."""
    assert line.type("show", "r1b", "--args").code == 6
    line.engine.ask("r1b", "plan")
    typed = line.type("show", "r1b", "--args")
    assert typed.code == 0
    assert typed.out.startswith("plan:\n  sub_questions:\n")


def test_timeline(line: Line) -> None:
    """Events and steps in the order in which they happened."""
    typed = line.type("timeline", "r1a")
    assert typed.out.index("the run was made") < typed.out.index("read the sources")
    document = TimelineDocument.model_validate_json(line.type("timeline", "r1a", "--json").out)
    assert [entry.event is not None for entry in document.entries] == [True, False]


def test_points_that_are_off_are_not_shown(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """An approval that nobody was asked for is no step to a person; the documents have it."""
    steps = tuple(
        StepRecord(run_id="r", path=f"approve_{point}", status="completed", started_at=START)
        for point in ("plan", "gate")
    )
    monkeypatch.setattr(line.engine, "steps", lambda _run_id: steps)
    line.engine.add("r5", {"question": "Why?"}, RunContext(approvals={"plan": ApprovalPolicy()}))
    for command in ("show", "timeline"):
        typed = line.type(command, "r5")
        assert "approval of the plan" in typed.out
        assert "approval of the quality" not in typed.out
        assert "approve_gate" in line.type(command, "r5", "--json").out


def test_verify(line: Line) -> None:
    """A whole chain is code 0; a broken one is code 1 and names the event."""
    whole = VerifyDocument.model_validate_json(line.type("verify", "r1a", "--json").out)
    assert (whole.whole, whole.first_bad) == (True, None)
    line.engine.first_bad = 4
    broken = line.type("verify", "r1a")
    assert broken.code == 1
    assert "broken at event 4" in broken.out
    assert VerifyDocument.model_validate_json(line.type("verify", "r1a", "--json").out).first_bad == 4


def test_report_writes_the_files_again(line: Line, tmp_path: Path) -> None:
    """The files of a run that has ended are written where --out says; a run without a report is refused."""
    typed = line.type("report", "r1a", "--out", "again", "--json")
    document = RunDocument.model_validate_json(typed.out)
    assert (typed.code, document.exit_code) == (0, 0)
    assert (tmp_path / "again" / "r1a" / "report.md").read_bytes() == b"# Report"
    refused = line.type("report", "r1b")
    assert refused.code == 1
    assert "There is no report yet; the run is paused." in refused.err


def test_resume_goes_on(line: Line) -> None:
    """A paused run is taken to its end; one that has ended is shown as it is, and what it owes to others is sent."""
    line.engine.stretches = [Stretch(output=published())]
    assert line.type("resume", "r1b").code == 0
    again = line.type("resume", "r1b")
    assert again.code == 0
    assert "has ended before" in again.err
    assert "are told now" not in again.err
    line.engine.owes = True
    assert "are told now" in line.type("resume", "r1b").err


def test_resume_goes_on_with_all_that_is_due(line: Line) -> None:
    """Each as far as it goes, nobody is asked; a run that failed gives the exit code, and the others go on.

    What was not taken of messages is sent, whether a run is due or not.
    """
    assert (line.type("resume", "--due").out, line.type("resume", "--due").code) == ("No run is due.\n", 0)
    assert line.engine.delivered == [None, None]
    for name in ("d1", "d2", "d3"):
        line.engine.add(name, {"question": "Why?"}, status="running", taken=True)
    held = RunHeld("Another process works on it.")
    line.engine.stretches = [Stretch(raises=held), Stretch(status="failed", error="no"), Stretch(asks="plan")]
    typed = line.type("resume", "--due", "--json")
    document = DueDocument.model_validate_json(typed.out)
    assert [(run.id, run.status, run.exit_code) for run in document.runs] == [
        ("d2", "failed", 1),
        ("d3", "waiting_approval", 3),
    ]
    assert (typed.code, "Left alone: Another process works on it." in typed.err) == (1, True)
    for wrong in (["resume"], ["resume", "r1b", "--due"]):
        assert (refused := line.type(*wrong)).code == 2
        assert "--due" in refused.err


def test_cancel(line: Line) -> None:
    """A cancelled run is ended, with nothing left to type."""
    document = RunDocument.model_validate_json(line.type("cancel", "r1b", "--json").out)
    assert (document.status, document.exit_code, document.commands) == ("cancelled", 0, ())


def test_fork(line: Line) -> None:
    """A copy begins at a step with changes, each value JSON or text, and goes on unless that is not wanted."""
    changes = ["--set", "question=Why not?", "--set", 'sources=["a"]', "--set", "round=2"]
    typed = line.type("fork", "r1a", "--at", "dispatch", *changes, "--no-resume", "--json")
    document = RunDocument.model_validate_json(typed.out)
    assert (typed.code, document.id, document.parent, document.exit_code) == (0, "r1af", "r1a", 0)
    assert line.engine.forks == [("r1a", "dispatch", {"question": "Why not?", "sources": ["a"], "round": 2})]
    assert [line.partition("-m ")[2] for line in document.commands] == ["run_workflow resume r1af"]
    line.engine.stretches = [Stretch(output=published())]
    assert line.type("fork", "r2", "--at", "merge").code == 0
    assert line.type("fork", "r2", "--at", "merge", "--set", "x").code == 2
    assert line.type("fork", "r2").code == 2
