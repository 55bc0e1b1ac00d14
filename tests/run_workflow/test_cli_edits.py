"""Edits at approvals: in an editor, from a file or standard input, refused, and confirmed as own words."""

import json
from pathlib import Path

import pytest

from run_workflow.cli.asking import read_args
from state.errors import AnswerRefused, NotBorneOut
from state.runs import Approve, Edit
from tests.run_workflow.cli_double import Line, line_asking_for_plan, waiting
from tests.run_workflow.engine_double import PLAN, REPORT


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    """A run that waits for its plan to be approved, and then ends; somebody is at the terminal."""
    monkeypatch.chdir(tmp_path)
    return line_asking_for_plan(tmp_path)


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
