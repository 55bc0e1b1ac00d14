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


WRONG_IN_MANY_WAYS = """name: w
inputs: {type: object, properties: {amount: {type: number}}}
steps:
- {id: a, type: action, tool: compute, dependson: [b], input_mapping: {x: $missing}}
- {id: b, type: action, tool: fetsh}
- {id: c, type: wait, duration: 1, depends_on: [d]}
- {id: d, type: wait, duration: 1, depends_on: [c], timeout: 010}
- {id: e, type: wait, duration: 1, depends_on: [a], condition: "amount >> 10"}
- {id: f, type: wait, duration: 1, depends_on: [b], condition: workflow.amout > 10}
- {id: g, type: wait, duration: $b.seconds, depends_on: [a], condition: $a.x > 1}
- {idd: h, type: wait, duration: 1}
- {id: i, type: wait, duration: $h.until, depends_on: [h]}
- {id: j, type: loop, foreach: workflow.list, steps: [{id: k, type: react, task: $item.x, tools: [nothing]}]}
- {id: l, type: human_approval, message: $zz, show: {x: 1}, approval: {quorum: 2, approvers: [ann]}}
- {id: m, type: loop, steps: [{id: n, type: wait, duratoin: 1}]}
"""


def test_all_problems_are_told_at_once() -> None:
    """A misspelt field hides nothing that is wrong elsewhere, and what hangs on that step is not called wrong."""
    told = [str(each) for each in look(WRONG_IN_MANY_WAYS).problems]
    expected = {
        4: ["no field 'dependson'"],
        5: ["no tool 'fetsh'"],
        6: ["c -> d -> c"],
        7: ["8-based"],
        8: ["'amount >> 10' is not a valid expression"],
        9: ["no workflow.amout"],
        11: ["no field 'idd'", "'id' is missing"],
        13: ["no field 'foreach'", "no tool 'nothing'"],
        14: ["quorum of 2 cannot be had from 1"],
        15: ["exactly one of while, until and for_each", "no field 'duratoin'"],
    }
    for line, words in expected.items():
        here = [each for each in told if each.startswith(f"w.yaml:{line}:")]
        assert len(here) == len(words), told
        assert all(any(word in each for each in here) for word in words), told
    assert len(told) == sum(map(len, expected.values())), told


def test_a_workflow_whose_inputs_are_wrong_is_checked_beside_them() -> None:
    """Where `inputs` is misspelt, nothing is said of the inputs that steps name; a key given twice is left alone."""
    text = "name: w\ninput: {}\nsteps:\n- {id: a, type: react, task: $workflow.x, condition: x > 1, tools: [nothing]}\n"
    assert [each.message for each in look(text).problems] == [
        "There is no field 'input' here.",
        "There is no tool 'nothing'.",
    ]
    twice = "name: w\nsteps:\n- {id: a, type: action, tool: pey, tool: pay}\n- {id: b, type: action, tool: pey}\n"
    assert [each.message for each in look(twice).problems] == [
        "The key 'tool' is given twice.",
        "There is no tool 'pey'.",
    ]


def test_a_step_whose_id_cannot_be_read_may_be_any() -> None:
    """Who names a step that is not there may mean the one whose id is wrong; the text of it is not made up either."""
    text = (
        "name: w\nsteps:\n- {id: , type: wait, duration: 1}\n- {id: b, type: wait, duration: $a.x, depends_on: [a]}\n"
    )
    assert [each.place.line for each in look(text).problems] == [3]
    lost = (
        "name: w\noutputs: 1\nmetrics: {m: $output.x}\nsteps:\n- {id: a, type: wait, duration: $zz.x, timeout: 010}\n"
    )
    assert [each.place.line for each in look(lost).problems] == [2, 5]
    unnamed = "name: w\nsteps:\n- {typ: wait}\n- {id: b, type: wait, duration: $zz.x}\n"
    assert any("zz" in each.message for each in look(unnamed).problems)
    assert "unnamed" not in " ".join(map(str, look(unnamed).problems))


def test_a_loop_that_gives_its_last_turn_is_no_list() -> None:
    """Who takes it for one is told how all turns are had; with that, nothing is wrong."""
    text = """name: w
inputs: {type: object, properties: {names: {type: array}}}
steps:
- {id: each, type: loop, for_each: workflow.names, steps: [
    {id: one, type: react, task: $item, output_schema: {type: object, properties: {text: {}}}}]}
- {id: again, type: parallel, depends_on: [each], for_each: $each, steps: [{id: two, type: react, task: $item.text}]}
outputs: {first: "$each[0].text", all: $again}
"""
    found = look(text).problems
    assert [each.place.line for each in found] == [6, 7]
    remedy = "The loop 'each' gives its last turn: `results: all` in it gives a list of all."
    assert {each.remedy for each in found} == {remedy}
    assert look(text.replace("for_each: workflow.names", "for_each: workflow.names, results: all")).problems == ()


def test_links_are_checked_beside_errors_of_the_grammar() -> None:
    """Errors of the grammar hide neither a step that is not there nor a cycle, also within steps that are wrong."""
    told = [str(each) for each in look(BROKEN_AND_LINKED).problems]
    lines = [int(each.split(":")[1]) for each in told]
    assert {3, 4, 5, 6, 9, 11, 12} == set(lines), told
    assert "w.yaml:5:36: error: There is no step 'zz'. Beside it are: a, loop." in told
    assert any("These steps wait for each other: c -> d -> c." in each for each in told), told
