"""`run research`: what is typed becomes a run, which is taken to its end; every way it can end or be refused."""

import json
from pathlib import Path

import pytest

from run_workflow.cli.research import estimate_line
from run_workflow.cli.session import PROGRAM
from run_workflow.documents import ErrorDocument, RunDocument
from state.context import RunContext
from state.errors import RunHeld
from state.evidence import Chart
from tests.run_workflow.cli_double import BRANCH, Line
from tests.run_workflow.engine_double import EngineDouble, Stretch, published, ref

QUESTION = "How fast does it rise?"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with one source."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("It rose.", encoding="utf-8")
    return tmp_path


def line_with(folder: Path, *stretches: Stretch, **environ: str) -> Line:
    return Line(EngineDouble(list(stretches)), folder, environ)


DONE = Stretch(BRANCH, output=published())


def test_a_run_ends_with_files_and_a_summary(folder: Path) -> None:
    """All files of the report are written; the summary names them, the accuracy, and what is missing."""
    line = line_with(folder, DONE)
    chart = Chart(image=ref("trend.png"), data=ref("trend.csv"), title="t", alt="a", passage_id="p")
    line.engine.charts = (chart,)
    typed = line.type("run", "research", QUESTION, "--sources", "docs", "--model", "good/dear")
    assert typed.code == 0
    place = Path("output", "r100")
    names = ["bundle.zip", "report.html", "report.md", "trend.csv", "trend.png"]
    assert sorted(path.name for path in place.iterdir()) == names
    assert (place / "report.md").read_bytes() == b"# Report"
    for part in (
        str(place / "report.md"),
        str(place / "trend.png"),
        str(place / "bundle.zip"),
        "97 %",
        "its time limit was over",
        "one figure is old",
    ):
        assert part in typed.out
    assert "3 model calls, 4 tool calls, 1.2k tokens, $0.0123" in typed.out


def test_without_a_key_no_tokens_are_counted(folder: Path) -> None:
    """Where only the extractive model works, neither lines nor summary speak of tokens or money; the document does."""
    command = ["run", "research", QUESTION, "--sources", "docs"]
    typed = line_with(folder, DONE).type(*command)
    assert "no language model, 4 tool calls, no cost" in typed.out
    assert "token" not in typed.out + typed.err
    document = RunDocument.model_validate_json(line_with(folder, DONE).type(*command, "--json").out)
    assert (document.models, document.usage.tokens) == (("extractive",), 1234)


def test_a_budget_needs_a_price(folder: Path) -> None:
    """A limit on money that cannot be kept is refused before anything is spent, with the setting that is missing."""
    line = line_with(folder, DONE)
    typed = line.type("run", "research", QUESTION, "--sources", "docs", "--model", "good/unpriced", "--budget", "2")
    assert typed.code == 2
    assert '[prices."good/unpriced"]' in typed.err


def test_who_may_answer_needs_a_point(folder: Path) -> None:
    """`--approvers` without a point to approve would do nothing, so it is refused."""
    typed = line_with(folder, DONE).type("run", "research", QUESTION, "--sources", "docs", "--approvers", "ann")
    assert typed.code == 2
    assert "--approve plan" in typed.err


def test_every_point_can_have_a_policy_of_its_own(folder: Path) -> None:
    """Approvers, waiting times and what happens then are typed for all points, or for one point each."""
    line = line_with(folder, DONE)
    typed = line.type(
        *("run", "research", QUESTION, "--sources", "docs", "--approve", "plan,report", "--if-unattended", "continue"),
        *("--approvers", "plan=ann,plan=bob,report=eve", "--approval-timeout", "plan=60,report=3600"),
        *(
            "--on-timeout",
            "report=reject",
            "--branch-tokens",
            "5000",
            "--branch-tool-calls",
            "7",
            "--branch-money",
            "0.5",
        ),
    )
    assert typed.code == 0
    (run,) = line.engine.runs.values()
    context = run.context
    plan, report = context.approvals["plan"], context.approvals["report"]
    assert (plan.approvers, plan.timeout_seconds, plan.on_timeout) == (("ann", "bob"), 60, "approve")
    assert (report.approvers, report.timeout_seconds, report.on_timeout) == (("eve",), 3600, "reject")
    assert (context.limits.tokens, context.limits.tool_calls, context.limits.money) == (5000, 7, 0.5)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--approval-timeout", "soon", "no number of seconds"),
        ("--approval-timeout", "gate=60", "no point of --approve"),
        ("--on-timeout", "maybe", "neither approve nor reject"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(folder: Path, option: str, value: str, said: str) -> None:
    """What is wrong with a policy is said before anything is started."""
    arguments = ("run", "research", QUESTION, "--sources", "docs", "--approve", "plan", option, value)
    typed = line_with(folder, DONE).type(*arguments)
    assert typed.code == 2
    assert said in " ".join(typed.err.replace("│", " ").split())


def test_the_estimate_comes_before_the_run(folder: Path) -> None:
    """Calls are said as a range; without a key only that nothing is asked or paid, after the run has its row."""
    command = ["run", "research", QUESTION, "--sources", "docs"]
    first, second, *_ = line_with(folder, DONE).type(*command).err.splitlines()
    assert first == "Run r100."
    assert second.startswith("Estimate: no cost. No language model is asked")
    assert "calls" not in second
    first, second, *_ = line_with(folder, DONE).type(*command, "--model", "good/dear").err.splitlines()
    assert first.startswith("Estimate: ")
    assert "$" in first
    assert second == "Run r100."


def test_every_option_reaches_the_run(folder: Path) -> None:
    """The options make up the run's context."""
    line = line_with(folder, DONE)
    options = (
        "--model good/dear --model-for writer=good/fine --mode sequential --approve plan,report --approvers ann,bob "
        "--approval-timeout 60 --on-timeout reject --if-unattended continue --budget 2.5 --max-branches 3 "
        "--branch-seconds 1000 --grace 5 --max-revisions 2 --time reading=60 "
        "--time writing=90 --show-orders --out there --dedup-key k --yes"
    ).split()
    typed = line.type("run", "research", f" {QUESTION} ", "--sources", "docs", *options)
    assert typed.code == 0
    (run,) = line.engine.runs.values()
    context = run.context
    assert run.input == {"question": QUESTION, "sources": [str(folder / "docs")]}
    assert (run.dedup_key, context.default_model, context.models) == ("k", "good/dear", {"writer": "good/fine"})
    assert (context.mode, context.budget, context.max_branches, context.limits.seconds) == ("sequential", 2.5, 3, 1000)
    assert (context.quorum.grace_seconds, context.quorum.deadline_seconds) == (5, 1005)
    assert context.gate.max_revisions == 2
    assert (context.time.reading, context.time.writing, context.time.planning) == (60, 90, 300)
    assert (context.untrusted.show_orders, context.untrusted.tools) == (True, ())
    assert set(context.approvals) == {"plan", "report"}
    policy = context.approvals["plan"]
    assert (policy.approvers, policy.timeout_seconds, policy.on_timeout) == (("ann", "bob"), 60, "reject")
    assert Path("there", "r100", "report.md").exists()


def test_settings_choose_models_where_options_do_not(folder: Path) -> None:
    """Models of the settings are used; --model replaces them for all roles, --model-for for one."""
    environ = {"STRETTO_MODEL": "good/a", "STRETTO_MODEL_WRITER": "good/b", "STRETTO_MODEL_CRITIC": "good/c"}

    def models(*options: str) -> list[str]:
        line = line_with(folder, DONE, **environ)
        assert line.type("run", "research", QUESTION, "--sources", "docs", *options).code == 0
        (run,) = line.engine.runs.values()
        return [run.context.model_for(role) for role in ("planner", "writer", "critic")]

    assert models() == ["good/a", "good/b", "good/c"]
    assert models("--model-for", "critic=good/x") == ["good/a", "good/b", "good/x"]
    assert models("--model", "good/y", "--model-for", "critic=good/x") == ["good/y", "good/y", "good/x"]


def test_all_points_at_once_and_more_paths(folder: Path) -> None:
    """`--approve all` switches every point on; paths after the question are sources too, as a shell's pattern gives."""
    (folder / "docs" / "b.csv").write_text("year,x\n1,2\n", encoding="utf-8")
    line = line_with(folder, DONE)
    typed = line.type("run", "research", "--sources", "docs/a.md", QUESTION, "docs/b.csv", "--approve", "all")
    assert typed.code == 0
    (run,) = line.engine.runs.values()
    assert list(run.context.approvals) == ["plan", "merge", "gate", "report"]
    assert run.input["sources"] == [str(folder / "docs" / "a.md"), str(folder / "docs" / "b.csv")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--approve", "plan,draft"], "'draft' is none of plan, merge, gate, report, all"),
        (["--model-for", "boss=good/a"], "the roles are planner, researcher, analyst, writer, critic"),
        (["--model-for", "writer"], "not role=provider/model"),
        (["--mode", "fast"], "--mode"),
        (["--max-branches", "0"], "--max-branches"),
        (["--budget", "-1"], "--budget"),
        (["--grace", "soon"], "--grace"),
        (["--grace", "inf"], "--grace': inf is no limit."),
        (["--time", "cooking=5"], "the kinds of work are reading, planning, writing, reviewing."),
        (["--time", "reading=soon"], "'soon' is no number of seconds above 0."),
        (["--sorces", "docs"], "--sorces"),
    ],
)
def test_a_wrong_option_is_refused(folder: Path, options: list[str], message: str) -> None:
    """The message names the option and what may stand there; nothing is started; the exit code is 2."""
    line = line_with(folder)
    typed = line.type("run", "research", QUESTION, "--sources", "docs", *options)
    assert (typed.code, typed.exception, line.engine.runs) == (2, None, {})
    assert message in " ".join(typed.err.replace("│", " ").split())


def test_wrong_use_reads_like_any_other_error(folder: Path) -> None:
    """What was wrong, where and what to do, in words, and as the one document with --json, wherever it stands."""
    command = ["run", "research", QUESTION, "--sources", "docs"]
    for wrong in (["--grace", "soon"], ["--nonsense"], ["--approve", "draft"], ["--max-branches", "0"]):
        typed = line_with(folder).type(*command, *wrong)
        first, where, remedy = typed.err.splitlines()
        assert first.startswith("Error: ")
        assert wrong[0] in first
        assert where == "  where: python -m run_workflow run research"
        assert remedy.startswith("  do:    ")
        assert remedy.endswith("`python -m run_workflow run research --help` lists what can be typed.")
        error = ErrorDocument.model_validate_json(line_with(folder).type(*command, *wrong, "--json").out).error
        assert (error.type, error.exit_code, error.message) == ("WrongUse", 2, first.removeprefix("Error: "))


@pytest.mark.parametrize(
    ("typed", "told", "example"),
    [
        (["--budget", "abc"], "--budget: 'abc' is not a number.", "--budget 2.5"),
        (["--budget", "-1"], "--budget: '-1' is too little: 0 is the least.", "--budget 0"),
        (["--max-branches", "2.5"], "--max-branches: '2.5' is not a whole number.", "--max-branches 3"),
        (["--max-branches", "50"], "--max-branches: '50' is too much: 20 is the most.", "--max-branches 20"),
        (["--if-unattended", "go"], "--if-unattended: 'go' is not one of 'wait', 'continue'.", "--if-unattended wait"),
    ],
)
def test_a_value_that_cannot_be_read(folder: Path, typed: list[str], told: str, example: str) -> None:
    """The option, what stood there, what is wrong with it, and one that would do."""
    error = line_with(folder).type("run", "research", QUESTION, "--sources", "docs", *typed).err
    assert error.startswith(f"Error: {told}\n")
    assert f"  do:    For instance: {example}. " in error


def test_nothing_typed_shows_the_help(folder: Path) -> None:
    """A bare command line ends with code 2 and the help, not with an error."""
    typed = line_with(folder).type()
    assert (typed.code, typed.err) == (2, "")
    assert "run research" in typed.out


def test_a_missing_question_or_source_is_refused(folder: Path) -> None:
    """What has to be typed is asked for."""
    line = line_with(folder)
    for command, told in (
        (["--sources", "docs"], "Missing argument 'QUESTION'."),
        ([" ", "--sources", "docs"], "Ask something."),
        ([QUESTION], "Missing option '--sources'."),
    ):
        typed = line.type("run", "research", *command)
        assert (typed.code, line.engine.runs) == (2, {})
        assert told in typed.err


@pytest.mark.parametrize("name", ["none", "ftp://example.org/a"])
def test_a_source_that_is_not_there_is_refused(folder: Path, name: str) -> None:
    """The path is named, before anything starts."""
    line = line_with(folder)
    typed = line.type("run", "research", QUESTION, "--sources", name)
    assert (typed.code, line.engine.runs) == (2, {})
    assert f"  where: {name}\n" in typed.err
    assert "  do:    " in typed.err


def test_an_empty_folder_is_refused(folder: Path) -> None:
    """A folder without a file cannot answer anything."""
    (folder / "empty").mkdir()
    typed = line_with(folder).type("run", "research", QUESTION, "--sources", "empty")
    assert typed.code == 2
    assert "There is no file in it." in typed.err


def test_an_unknown_model_is_refused(folder: Path) -> None:
    """A model that cannot be opened is told before the run starts."""
    line = line_with(folder)
    typed = line.type("run", "research", QUESTION, "--sources", "docs", "--model-for", "critic=bad/x", "--json")
    assert (typed.code, line.engine.runs) == (2, {})
    error = ErrorDocument.model_validate_json(typed.out).error
    assert (error.type, error.exit_code, error.remedy) == ("SetupError", 2, "Choose another model.")
    assert "bad/x" in error.message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stretch", "code"),
    [
        (Stretch(output=published("published")), 0),
        (Stretch(output=published("not_established")), 4),
        (Stretch(output=published("rejected")), 4),
        (Stretch(status="failed", error="the model is gone"), 1),
        (Stretch(status="cancelled"), 1),
        (Stretch(status="paused"), 130),
        (Stretch(asks="plan"), 3),
        (Stretch(raises=RunHeld("Held by host:1.")), 5),
    ],
)
def test_the_exit_code_says_how_it_ended(folder: Path, stretch: Stretch, code: int) -> None:
    """Each ending has its code, with --json as without, and JSON is one document."""
    for options in ([], ["--json"]):
        line = line_with(folder, stretch)
        typed = line.type("run", "research", QUESTION, "--sources", "docs", *options)
        assert (typed.code, typed.exception) == (code, None)
        if options and code != 5:
            document = RunDocument.model_validate_json(typed.out)
            assert (document.exit_code, document.id, document.question) == (code, "r100", QUESTION)


def test_the_json_document_has_everything(folder: Path) -> None:
    """Standard output holds one document with the files, figures and usage; progress is on standard error."""
    typed = line_with(folder, DONE).type("run", "research", QUESTION, "--sources", "docs", "--json")
    document = RunDocument.model_validate(json.loads(typed.out))
    assert (document.status, document.outcome, document.citation_accuracy) == ("completed", "published", 0.975)
    assert document.files is not None
    assert Path(document.files.report).exists()
    assert (document.missing[0].branch_id, document.defects) == ("figures", ("one figure is old",))
    assert (document.usage.tokens, document.waiting, document.commands) == (1234, (), ())
    assert "speed: completed" in typed.err


def test_a_failed_run_says_why_and_how_to_go_on(folder: Path) -> None:
    """The reason is told, and the command that tries again."""
    stretch = Stretch(status="failed", error="the model is gone")
    typed = line_with(folder, stretch).type("run", "research", QUESTION, "--sources", "docs")
    assert "the model is gone" in typed.out
    assert f"{PROGRAM} resume r100" in typed.out


def test_a_bug_leaves_the_run_resumable(folder: Path) -> None:
    """An error that nobody expected comes through, after the command that goes on is told."""
    stretch = Stretch(BRANCH, raises=ZeroDivisionError("a bug"))
    typed = line_with(folder, stretch).type("run", "research", QUESTION, "--sources", "docs")
    assert isinstance(typed.exception, ZeroDivisionError)
    assert f"To go on: {PROGRAM} resume r100" in typed.err


def test_a_second_start_with_a_key_starts_nothing(folder: Path) -> None:
    """The run that has the key is shown again when it has ended."""
    line = line_with(folder, DONE)
    options = ["run", "research", QUESTION, "--sources", "docs", "--dedup-key", "k"]
    assert line.type(*options).code == 0
    again = line.type(*options)
    assert (again.code, len(line.engine.runs)) == (0, 1)
    assert "has ended before" in again.err
    assert "report.md" in again.out


def test_what_costs_is_asked_about_at_a_terminal(folder: Path) -> None:
    """Somebody at a terminal is asked before money is spent, unless --yes says so; no means nothing is started."""
    command = ["run", "research", QUESTION, "--sources", "docs", "--model", "good/dear"]
    line = Line(EngineDouble([DONE]), folder, interactive=True)
    refused = line.type(*command, input="n\n")
    assert (refused.code, line.engine.runs) == (1, {})
    assert "Nothing was started." in refused.err
    assert "$" in refused.err.splitlines()[0]
    assert line.type(*command, input="y\n").code == 0
    line.engine.stretches.append(DONE)
    assert line.type(*command, "--yes", input="").code == 0


def test_a_report_that_cannot_be_written_is_told(folder: Path) -> None:
    """Where --out is no folder, the report is kept and the way to it is said."""
    Path("taken").write_text("a file", encoding="utf-8")
    typed = line_with(folder, DONE).type("run", "research", QUESTION, "--sources", "docs", "--out", "taken")
    assert typed.code == 2
    assert "--out DIR` writes it again" in typed.err


def test_the_estimate_in_words() -> None:
    """Known prices make a range of money; a missing one is said."""
    from graphs.coordination.estimate import estimate_run

    context = RunContext(default_model="good/dear")
    known = estimate_line(estimate_run(context, False, (1, 2, 3), lambda _name: (1.0, 10.0)), free=False)
    assert " model calls (typically " in known
    assert " tokens (typically " in known
    assert known.count("$") == 3
    unknown = estimate_line(estimate_run(context, False, (1, 2, 3), lambda _name: None), free=False)
    assert "cost not known" in unknown
