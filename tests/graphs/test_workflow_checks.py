"""The checks of workflow files: each by a file that is wrong in one way, with the exact place."""

import re
from typing import Any

import pytest

from graphs.workflow.checks.definition import check
from graphs.workflow.checks.known import Known
from graphs.workflow.problems import DefinitionError, refuse
from graphs.workflow.yaml_source import Source
from state.workflow.definition import WorkflowDefinition
from tests.graphs.workflow_files import GOOD, look, marked
from tests.graphs.workflow_mistakes import CASES, HEAD


@pytest.mark.parametrize("case", CASES)
def test_each_problem_is_found_at_its_place(case: str) -> None:
    """A file with one fault has that fault told at its line and column, with its words, and no other."""
    written, words = CASES[case]
    text, places = marked(written)
    problems = look(text).problems
    told = "\n".join(map(str, problems))
    assert {(each.place.line, each.place.column, each.severity) for each in problems} == places, told
    assert re.search(words, told), told


@pytest.mark.parametrize("name", GOOD)
def test_good_files_have_no_problem(name: str) -> None:
    """Files that use most of the grammar are good, and all their conditions are compiled."""
    checked = look(GOOD[name])
    assert [str(each) for each in checked.problems] == []
    assert checked.is_usable


def test_what_is_not_known_is_not_checked() -> None:
    """Without a list of tools, any tool may be named."""
    text = HEAD + "- {id: a, type: action, tool: anything, input_mapping: {x: 1}}"
    assert look(text, Known()).problems == ()


def test_a_definition_without_its_file() -> None:
    """A definition from the database is checked too; its problems name it as a whole."""
    steps = [{"id": "a", "type": "wait", "duration": "soon"}]
    checked = check(WorkflowDefinition.model_validate({"name": "w", "steps": steps}), Source("w@1.0.0"), Known())
    assert [str(each.place) for each in checked.problems] == ["w@1.0.0:1:1"]
    with pytest.raises(DefinitionError, match="soon"):
        refuse(checked.problems)


def test_conditions_and_figures_are_ready_for_runs() -> None:
    """What was compiled is found by the step and the text, and computes."""
    conditions = look(GOOD["orders"]).conditions
    assert ("reserve", "item.count > 0") in conditions.compiled
    assert ("way", 'workflow.country != "NL"') in {
        (step, text.replace("${", "").replace("}", "")) for step, text in conditions.compiled
    }
    assert ("", "has_route") in conditions.figures


@pytest.mark.slow
def test_thousands_of_steps_are_checked_in_seconds() -> None:
    """A chain of 2,000 steps, each with a reference to the one before it, needs no deep stack."""
    steps: list[dict[str, Any]] = [{"id": "s0", "type": "action", "tool": "compute"}]
    for number in range(1, 2000):
        before = f"s{number - 1}"
        more = {"depends_on": [before], "output_mapping": {"x": f"${before}"}}
        steps.append({"id": f"s{number}", "type": "action", "tool": "compute", **more})
    checked = check(WorkflowDefinition.model_validate({"name": "w", "steps": steps}), Source("w"), Known())
    assert checked.problems == ()


BROKEN_AND_LINKED = """name: w
steps:
- {id: "1st", type: action, tool: t}
- {id: a, type: action, tool: t, dependson: [b], condition: {field: workflow.x, operator: "=>", value: 3}}
- {id: b, type: wiat, depends_on: [zz]}
- just a text
- id: loop
  type: loop
  max_turns: many
  steps:
  - {id: c, type: action, depends_on: [d]}
  - {id: d, type: action, tool: t, depends_on: [c], timeout: soon}
"""


def test_links_are_checked_beside_errors_of_the_grammar() -> None:
    """Errors of the grammar hide neither a step that is not there nor a cycle, also within steps that are wrong."""
    told = [str(each) for each in look(BROKEN_AND_LINKED).problems]
    lines = [int(each.split(":")[1]) for each in told]
    assert {3, 4, 5, 6, 9, 11, 12} == set(lines), told
    assert "w.yaml:5:36: error: There is no step 'zz'. Beside it are: a, loop." in told
    assert any("These steps wait for each other: c -> d -> c." in each for each in told), told
