"""The catalogue of workflows, inputs as they are typed, and two versions compared."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from graphs.workflow.checks.definition import check_text
from graphs.workflow.checks.known import Known
from graphs.workflow.compare import compare
from graphs.workflow.draw import mermaid_of
from graphs.workflow.pinned import Pinned, pinned
from run_workflow.cli.inputs import joined_inputs, read_inputs
from run_workflow.workflow_catalog import WorkflowCatalog
from state.errors import BuildError, SetupError, SourceError
from state.runs import StepRecord
from state.workflow.definition import WorkflowDefinition
from tests.run_workflow.engine_double import START

STEPS = "steps: [{id: a, type: wait, duration: 0}]"
NESTED = "name: {name}\nsteps: [{{id: a, type: workflow, workflow: {used}}}]"
Stored = Callable[[str, str], Awaitable[Pinned | None]]


async def nothing_stored(_name: str, _version: str) -> None:
    return None


def catalog(folder: Path, **texts: str) -> WorkflowCatalog:
    """A catalogue with these files of the user."""
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return WorkflowCatalog(folder)


def definition(**fields: Any) -> WorkflowDefinition:
    return WorkflowDefinition.model_validate(
        {"name": "w", "steps": [{"id": "a", "type": "wait", "event": "e"}], **fields}
    )


@pytest.mark.slow
def test_what_comes_with_stretto_is_sound() -> None:
    """Each workflow of the package is without errors and warnings, and is described."""
    for file in WorkflowCatalog(None).files:
        assert check_text(file.text, file.label, WorkflowCatalog(None).known()).problems == ()
        assert file.definition is not None
        assert file.definition.description


async def test_names_of_the_user_and_of_the_package(tmp_path: Path) -> None:
    """A file is found by the name in it; a broken one is listed and hurts no other; two alike are refused."""
    files = {"mine": f"name: pay\n{STEPS}", "broken": "name: [", "twice": f"name: expense_approval\n{STEPS}"}
    found = catalog(tmp_path, **files)
    assert (await found.pin("pay", nothing_stored)).title == "pay@1.0.0"
    assert [file.name for file in found.files if file.problem] == ["broken"]
    with pytest.raises(SetupError, match=r"expense_approval\.yaml and .*twice\.yaml: Two workflows are called"):
        found.find("expense_approval")
    with pytest.raises(SetupError, match="Did you mean 'pay'"):
        found.find("pai")


@pytest.mark.slow
async def test_versions_are_pinned_with_all_that_they_use(tmp_path: Path) -> None:
    """A step's workflow is taken as it is now; an older version from the store; a circle is refused."""
    old = pinned(f"name: inner\nversion: 0.9.0\n{STEPS}", "inner", {})

    async def stored(name: str, version: str) -> Pinned | None:
        return old if (name, version) == ("inner", "0.9.0") else None

    texts = {"inner": f"name: inner\n{STEPS}", "outer": NESTED.format(name="outer", used="inner")}
    texts["fixed"] = NESTED.format(name="fixed", used="inner@0.9.0")
    texts |= {"one": NESTED.format(name="one", used="two"), "two": NESTED.format(name="two", used="one")}
    found = catalog(tmp_path, **texts)
    outer = await found.pin("outer", stored)
    assert outer.uses["inner"].definition.version == "1.0.0"
    changed = catalog(tmp_path, inner=f"name: inner\ndescription: other\n{STEPS}")
    assert (await changed.pin("outer", stored)).hash != outer.hash
    assert (await found.pin("fixed", stored)).uses == {"inner@0.9.0": old}
    assert old.title == "inner@0.9.0"
    with pytest.raises(SetupError, match=r"no version '0\.8\.0'"):
        await found.pin("inner@0.8.0", stored)
    with pytest.raises(BuildError, match="one → two → one"):
        await found.pin("one", stored)


def test_inputs_are_read_as_they_are_meant(tmp_path: Path) -> None:
    """Text stays text where it is wanted; a file gives several; what comes later counts; others are refused."""
    properties = {"code": {"type": "string"}, "n": {"type": "integer"}, "tags": {"type": "array"}}
    wanted = definition(inputs={"type": "object", "properties": properties, "required": ["n"]})
    file = tmp_path / "input.json"
    file.write_text(json.dumps({"n": 1, "code": "x"}))
    given = read_inputs([str(file), "code=007", "n=2", 'tags=["a=b"]'])
    assert joined_inputs(wanted, given) == {"n": 2, "code": "007", "tags": ["a=b"]}
    for typed, said in ((["m=1", "n=1"], "no input 'm'"), (["n=x"], "not of type"), ([], "n.* required")):
        with pytest.raises(typer.BadParameter, match=said):
            joined_inputs(wanted, read_inputs(typed))
    with pytest.raises(SourceError, match="cannot be read"):
        read_inputs(["nowhere.json"])


@pytest.mark.parametrize(
    ("old", "new", "breaks", "what"),
    [
        ({"x": {"type": "string"}}, {}, "callers", "The input 'x' was removed."),
        ({}, {"x": {"type": "string"}}, "nothing", "The input 'x' is new; it may be left out."),
        (
            {"x": {"type": "string"}},
            {"x": {"type": "integer"}},
            "callers",
            "The input 'x' must be integer; it was string.",
        ),
        ({"x": {"type": "number"}}, {"x": {"type": "integer"}}, "callers", "must be integer; it was number."),
        ({"x": {"enum": ["a", "b"]}}, {"x": {"enum": ["a"]}}, "callers", "The input 'x' can no longer be \"b\"."),
        (
            {"x": {"maxLength": 9}},
            {"x": {"maxLength": 5}},
            "callers",
            "The input 'x' is described otherwise: maxLength.",
        ),
    ],
)
def test_changed_inputs(old: dict[str, Any], new: dict[str, Any], breaks: str, what: str) -> None:
    """Each change of an input says whom it breaks; a wider type breaks nobody."""
    versions = [definition(inputs={"type": "object", "properties": each}) for each in (old, new)]
    (change,) = compare(*versions)
    assert change.breaks == breaks
    assert what in change.what
    assert compare(versions[0], versions[0]) == ()


def test_other_changes_between_versions() -> None:
    """What callers need, what people answer, and steps that others waited for."""
    step = {"id": "a", "type": "wait", "event": "e"}
    each = {"id": "d", "type": "parallel", "for_each": "$a", "steps": [{"id": "n", "type": "wait", "duration": 1}]}
    old = definition(
        inputs={"type": "object", "properties": {"n": {"type": "integer"}}},
        outputs={"x": "$a", "y": "$a"},
        steps=[
            step,
            {"id": "b", "type": "wait", "duration": 1},
            {"id": "c", "type": "wait", "until": "$a", "depends_on": ["b"]},
            {**each, "grows_on": "g", "depends_on": ["a"]},
        ],
    )
    new = definition(
        inputs={"type": "object", "properties": {"n": {"type": ["integer", "string"]}}, "required": ["n"]},
        outputs={"x": "$a"},
        steps=[{**step, "event": "f"}, {"id": "c", "type": "wait", "until": "$a"}, {**each, "depends_on": ["a"]}],
        allowed_users=["ann"],
    )
    assert [(change.breaks, change.what) for change in compare(old, new)] == [
        ("callers", "The input 'n' is needed now."),
        ("callers", "The output 'y' was removed."),
        ("callers", "Only ann may start it."),
        ("answers", "The step a waits for f and no longer for e."),
        ("answers", "The step d grows on no event and no longer on g."),
        ("copies", "The step b was removed, or renamed. c waited for it."),
        ("nothing", "The step c waits for no other step."),
    ]


def test_a_drawing_has_the_colours_of_a_run() -> None:
    """Of several turns of a step the one that needs a look is shown, with how many stand how; steps that were not

    reached have no colour.
    """
    turns = {
        "id": "turns",
        "type": "loop",
        "for_each": "workflow.x",
        "steps": [{"id": "b", "type": "wait", "duration": 1}],
    }
    drawn = definition(steps=[turns, {"id": "c", "type": "wait", "duration": 1}])
    records = [
        StepRecord(run_id="r", path=path, status=status, started_at=START)
        for path, status in (("turns[0].b", "completed"), ("turns[1].b", "failed"), ("turns", "failed"))
    ]
    text = mermaid_of(drawn, records)
    assert "class s1,s2 failed" in text
    assert 's2{{"b (1 completed, 1 failed)"}}' in text
    assert "s3 completed" not in text
    assert "classDef" not in mermaid_of(drawn)


@pytest.mark.slow
def test_a_step_s_workflow_is_checked_against_the_catalogue(tmp_path: Path) -> None:
    """A name that nobody has is an error with its place; an older version is looked for when a run starts."""
    found = catalog(tmp_path)
    (problem,) = found.checked(NESTED.format(name="w", used="expense_aproval"), "w.yaml").problems
    assert "There is no workflow 'expense_aproval'. Did you mean 'expense_approval'?" in str(problem).replace(
        "error: ", ""
    )
    assert found.checked(NESTED.format(name="w", used="gone@0.1.0"), "w.yaml").problems == ()
    assert check_text(NESTED.format(name="w", used="any"), "w.yaml", Known()).problems == ()
