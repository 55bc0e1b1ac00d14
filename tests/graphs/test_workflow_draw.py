"""Drawings of workflows, and the grammar as editors are given it."""

import jsonschema_rs
import pytest
import yaml

from graphs.workflow.draw import mermaid_of
from graphs.workflow.editor_schema import grammar_schema
from graphs.workflow.yaml_source import read
from run_workflow.drawing import png
from state.workflow.steps import STEP_TYPES
from tests.graphs.workflow_files import GOOD, look


def drawn(text: str) -> str:
    definition = look(text).definition
    assert definition is not None
    return mermaid_of(definition)


def test_each_type_has_its_shape() -> None:
    """Bodies are frames, ways are edges with their condition, errors are dotted."""
    text = drawn(GOOD["orders"])
    for part in (
        's1["validate"]',
        's2["stock: each of workflow.items"]',
        's4[/"clear"/]',
        's6{"way"}',
        's7[["ship"]]',
        's8(["courier"])',
        's9{{"post"}}',
        '-->|"abroad"|',
        '-->|"workflow.order_total #gt; 100"|',
        '-->|"else"|',
        '-.->|"timeout, unavailable"|',
    ):
        assert part in text
    assert text.startswith("flowchart TD\n")


def test_what_follows_a_condition_follows_each_of_its_ways() -> None:
    """The step after a conditional step hangs on the last step of each way, and on the choice where a way is empty."""
    text = drawn(
        "name: w\nsteps:\n"
        "- {id: c, type: conditional, cases: [{when: 1 > 2 || has(c2.x), steps: [{id: a, type: wait, duration: 1}]}]}\n"
        "- {id: c2, type: wait, duration: 1, next_steps: [c]}\n"
        "- {id: z, type: wait, duration: 1, depends_on: [c]}\n"
    )
    z = next(line.split("{")[0].strip() for line in text.splitlines() if '"z"' in line)
    assert sum(line.endswith(f" {z}") for line in text.splitlines()) == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", GOOD)
def test_drawings_can_be_drawn(name: str) -> None:
    """The renderer takes the text of files with every type of step."""
    assert png(drawn(GOOD[name])).startswith(b"\x89PNG")


def test_labels_may_hold_any_sign() -> None:
    """What Mermaid would take for its own stands in a label by its code."""
    text = drawn("name: w\nsteps:\n- {id: a, type: wait, duration: 1, name: 'A \"b\" <c> & |d| `e` #35; {f} [g]'}\n")
    assert 's1{{"A #quot;b#quot; #lt;c#gt; #38; #124;d#124; #96;e#96; #35;35; {f} [g]"}}' in text
    assert png(text).startswith(b"\x89PNG")


def test_the_schema_for_editors_takes_what_the_loader_takes() -> None:
    """Good files fit it, short forms too; an unknown field, a missing type and a wrong join do not."""
    validator = jsonschema_rs.validator_for(grammar_schema())
    for text in GOOD.values():
        assert validator.is_valid(read(text, "w.yaml").value)
    step = {"id": "a", "type": "wait", "duration": 1}
    for more, is_valid in (
        ({}, True),
        ({"join": "any"}, True),
        ({"join": {"count": 2}}, True),
        ({"join": {"need": 2, "on_rest": "cancel"}}, True),
        ({"join": "most"}, False),
        ({"timeuot": 1}, False),
        ({"condition": {"field": "x", "operator": "is"}}, False),
    ):
        assert validator.is_valid({"name": "w", "steps": [{**step, **more}]}) is is_valid
        definition = {"name": "w", "steps": [{**step, **more}]}
        assert (look(yaml.safe_dump(definition)).definition is not None) is is_valid
    assert not validator.is_valid({"name": "w", "steps": [{"id": "a", "duration": 1}]})


def test_the_schema_knows_every_type_of_step() -> None:
    """Every type that the grammar has can be written, aliases too."""
    types: set[str] = set()
    for each in grammar_schema()["$defs"].values():
        kind = each.get("properties", {}).get("type", {})
        types |= {*kind.get("enum", ()), *([kind["const"]] if "const" in kind else [])}
    assert set(STEP_TYPES) <= types


def test_the_schema_says_how_values_are_named() -> None:
    """An editor shows at a field what it is, and where references may stand also how they are written."""
    schema = grammar_schema()
    step = schema["$defs"]["ActionStep"]["properties"]
    for shown in (schema["properties"]["outputs"], step["input_mapping"], step["condition"]["anyOf"][0]):
        assert all(
            form in shown["description"] for form in ("`workflow.customer.id`", "`$step.field`", "`${step.field}`")
        )
    assert step["depends_on"]["description"] == "The steps that must have ended before this one starts."
