"""Test cases of workflows: what they say in the place of the outside, and what they find."""

import asyncio
from pathlib import Path

import pytest

from graphs.workflow.pinned import Pinned, pinned
from run_workflow.testing.case_files import read_cases
from run_workflow.testing.playing import Played, play
from run_workflow.workflow_catalog import WorkflowCatalog
from run_workflow.workflow_documents import TestDocument
from state.errors import SetupError
from tests.postgres_fixtures import PROJECT
from tests.run_workflow.cli_double import Line
from tests.run_workflow.engine_double import EngineDouble
from tools.toolbox import Toolbox

BOX = Toolbox()
WORKFLOW = """name: w
inputs: {type: object, properties: {amount: {type: number, default: 5}}}
variables: {turns: [1, 2]}
steps:
- id: decide
  type: human_approval
  message: May it?
  show: {amount: workflow.amount}
  edit_fields: [amount]
  approval: {approvers: [ann, bob], timeout: 60, on_timeout: escalate, escalate_to: [cleo]}
- {id: nap, type: wait, depends_on: [decide], duration: 86400}
- {id: paid, type: wait, depends_on: [nap], event: paid, event_timeout: 60}
- id: send
  type: webhook
  depends_on: [paid]
  url: "https://shop.example/${decide.values.amount}"
  wait_for_callback: true
- {id: judge, type: react, depends_on: [send], task: Is it so?, output_schema: {type: object}}
- {id: each, type: loop, depends_on: [judge], for_each: workflow.turns, results: all, steps: [
    {id: book, type: action, tool: http, input_mapping: {method: POST, url: "https://shop.example"},
     retry_policy: {delay: 3600}, output_mapping: {id: $output.id}}]}
outputs: {amount: $decide.values.amount, by: $decide.by, paid: $paid.sum, called: $send.ok, is: $judge.is, books: $each}
"""
WHOLE = """cases:
- name: to the end
  inputs: {amount: 7}
  answers: {decide: ANSWER}
  events: {paid: {sum: 3}, send: {ok: true}}
  stubs: {judge: {returns: {is: so}}, each.book: [{fails: unavailable}, {returns: {id: 1}}, {returns: {id: 2}}]}
  tools: {webhook: {returns: {status: 202}}}
"""


def of_text(text: str = WORKFLOW) -> Pinned:
    """The workflow of a text."""
    return pinned(text, "w.yaml", {})


async def played(cases: str, workflow: str = WORKFLOW) -> list[Played]:
    """How the cases of a file end; nothing is wrong with the file."""
    wanted = of_text(workflow)
    found, problems = read_cases(cases, "w.tests.yaml", wanted, ["http", "webhook"])
    assert problems == []
    return [await play(wanted, case, BOX) for case in found]


@pytest.mark.parametrize(
    ("answer", "amount", "by"),
    [
        ("approve", 7, "ann"),
        ("{type: approve, by: bob}", 7, "bob"),
        ("{type: edit, args: {amount: 6}}", 6, "ann"),
        ("{type: respond, message: Hurry.}", 7, "ann"),
        ("[timeout, approve]", 7, "cleo"),
    ],
)
async def test_a_case_says_what_comes_from_outside(answer: str, amount: float, by: str) -> None:
    """Answers, events, callbacks, tools, agents and times come as the case says, and failures are tried again."""
    outputs = f"{{amount: {amount}, by: [{by}], paid: 3, called: true, is: so, books: [{{book: 1}}, {{id: 2}}]}}"
    expected = f'  expect: {{outputs: {outputs}, steps: {{"each[0].book": completed, "each[1].book": failed}}}}\n'
    (ended,) = await played(WHOLE.replace("ANSWER", answer) + expected)
    assert ended.outcome.status == "completed", ended
    assert ended.faults == (
        'The output books is [{"id": 1}, {"id": 2}], not [{"book": 1}, {"id": 2}].',
        "The step each[1].book is completed, not failed.",
    )


@pytest.mark.parametrize(
    ("case", "faults"),
    [
        (
            "answers: {decide: {type: approve, by: zoe}}",
            "The answer to decide is refused: The account zoe may not answer here. Ask ann, bob.",
        ),
        ("answers: {decide: {type: edit, args: {sum: 1}}}", "The answer to decide is refused: sum may not be changed"),
        ("answers: {}", "The run is waiting_approval, not completed: it waits at decide."),
        ("answers: {decide: approve}", "The run is paused, not completed: it waits at paid."),
        ("answers: {decide: approve}\n  events: {paid: timeout}", "not completed: paid: The event 'paid' did not come"),
        (
            "answers: {decide: {type: reject, message: Never.}}",
            "The run is failed, not completed: decide: ann said no: Never.",
        ),
        ("inputs: {amount: much}", "The run is failed, not completed: input: The input is not as w needs it"),
        (
            "answers: {decide: approve}\n  events: {paid: {}}",
            "send calls the tool webhook, which reaches outside: give the case a stub for the step or the tool.",
        ),
        (
            "answers: {decide: {type: reject, message: No.}}\n  expect: {status: failed, error: Never}",
            "The error does not say 'Never': decide: ann said no: No.",
        ),
        ("expect: {status: waiting_approval, steps: {nap: waiting}}", "The step nap was not reached, not waiting."),
    ],
)
async def test_what_is_not_as_it_must_be_is_told(case: str, faults: str) -> None:
    """One sentence says what is otherwise; what only follows from a missing stub or a wrong answer is left out."""
    (ended,) = await played(f"cases:\n- name: c\n  {case}\n")
    assert len(ended.faults) == 1
    assert faults in ended.faults[0]


async def test_a_tool_that_reaches_outside_is_never_called() -> None:
    """Its input is checked as ever; what only computes works, and undoing asks the case as well."""
    workflow = """name: w
on_failure: rollback
steps:
- {id: sum, type: action, tool: set, input_mapping: {mean: 2}}
- {id: wrong, type: action, tool: http, depends_on: [right], input_mapping: {metod: POST, url: "https://shop.example"}}
- id: right
  type: action
  tool: http
  depends_on: [sum]
  input_mapping: {method: POST, url: "https://shop.example"}
  rollback_actions: [{tool: http, input: {method: DELETE, url: "https://shop.example/${output.id}"}}]
"""
    stub = "tools: {http: [{returns: {id: 1}}, {fails: refused, message: Gone.}]}"
    expect = "expect: {status: rollback_failed, steps: {right: completed, wrong: failed}}"
    (ended,) = await played(f"cases:\n- name: c\n  {stub}\n  {expect}\n", workflow)
    assert "metod" in str(ended.outcome.error)
    assert "Gone." in str(ended.outcome.error), ended


def test_all_that_is_wrong_with_a_file_of_cases_is_told() -> None:
    """Fields and names that are not there, each with its place and what was meant."""

    def problems(text: str) -> list[str]:
        found, told = read_cases(text, "c.yaml", of_text(), ["http"])
        assert found == []
        return [str(each) for each in told]

    grammar = """cases:
- name: a
  input: {}
  answers: {decide: aprove}
  stubs: {send: {}, nap: {retuns: 1}}
- {name: b, answers: {decide: {type: reject}}, expect: {status: complete}}
"""
    assert [each.partition("error: ")[2] for each in problems(grammar)] == [
        "There is no field 'input' here. Did you mean 'inputs'?",
        "decide: 'aprove' cannot stand here. Did you mean 'approve'?",
        "Give either returns or fails.",
        "There is no field 'retuns' here. Did you mean 'returns'?",
        "A message belongs to reject and respond, and to nothing else.",
        "status: 'complete' cannot stand here. Did you mean 'completed'?",
    ]
    names = """cases:
- name: a
  answers: {nap: approve}
  events: {payd: {}}
  stubs: {"each[0].book": {returns: 1}}
- name: a
  tools: {htp: {returns: 1}}
  expect: {outputs: {amont: 1}, steps: {"each[0].boock": failed}}
"""
    assert [each.split(":")[1] for each in problems(names)] == ["3", "4", "5", "6", "7", "8", "8"]
    assert "There is no event 'payd'. Did you mean 'paid'?" in "".join(problems(names))
    assert problems("[]") == ["c.yaml:1:1: error: The file holds no cases. Begin with `cases:`."]


FOLDER = PROJECT / "graphs" / "workflows"


@pytest.mark.parametrize("name", sorted(path.name.split(".")[0] for path in FOLDER.glob("*.tests.yaml")))
async def test_the_cases_of_what_comes_with_stretto(name: str) -> None:
    """All end as they must."""
    text, label = WorkflowCatalog(None).tests(name)
    wanted = of_text((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    cases, problems = read_cases(text, label, wanted, BOX.shown().names())
    assert (label, problems) == (f"graphs/workflows/{name}.tests.yaml", [])
    for case in cases:
        assert (case.name, (await play(wanted, case, BOX)).faults) == (case.name, ())


@pytest.mark.slow
def test_the_command_names_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A case that ends otherwise gives code 1, a file that is wrong, empty or not there code 2; no file of cases is
    a workflow.
    """
    monkeypatch.chdir(tmp_path)
    line = Line(EngineDouble([]), tmp_path)
    (tmp_path / "w.yaml").write_text("name: w\nsteps: [{id: nap, type: wait, duration: 9}]\n", encoding="utf-8")
    with pytest.raises(SetupError, match=r"w\.tests\.yaml"):
        WorkflowCatalog(tmp_path).tests("w.yaml")
    cases = tmp_path / "w.tests.yaml"
    cases.write_text("cases: [{name: never, expect: {status: failed}}, {name: always}]", encoding="utf-8")
    wrong = line.type("test", "w.yaml")
    assert wrong.code == 1
    assert "never: The run is completed, not failed." in wrong.out
    assert "2 cases, 1 not as it must be" in wrong.out
    cases.write_text("cases: [{name: always}]", encoding="utf-8")
    good = line.type("test", "w.yaml", "--json")
    document = TestDocument.model_validate_json(good.out)
    assert (good.code, document.ok, document.cases[0].steps) == (0, True, {"nap": "completed"})
    cases.write_text("cases: [{nam: never}]", encoding="utf-8")
    broken = line.type("test", "w.yaml", "--json")
    assert (broken.code, TestDocument.model_validate_json(broken.out).problems[0].line) == (2, 1)
    assert [file.name for file in WorkflowCatalog(tmp_path).files if file.is_own] == ["w"]
    for empty in ("", "cases: []"):
        cases.write_text(empty, encoding="utf-8")
        assert line.type("test", "w.yaml").code == 2, empty
    cases.unlink()
    assert line.type("test", "w.yaml").code == 2


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("table_query", "{database: shop, sql: SELECT 1}"),
        ("workflow", "{workflow_name: order}"),
        ("workflow_status", "{workflow_id: r1}"),
    ],
)
async def test_tables_of_databases_and_other_runs_are_outside(tool: str, given: str) -> None:
    """A table that a database is asked for, and runs that are started: without a stub the case is wrong."""
    workflow = f"name: w\nsteps:\n- {{id: a, type: action, tool: {tool}, input_mapping: {given}}}\n"
    cases = "cases:\n- {name: bare, expect: {status: failed}}\n- {name: stubbed, stubs: {a: {returns: 1}}}\n"
    bare, stubbed = await played(cases, workflow)
    assert (len(bare.faults), stubbed.faults) == (1, ())
    assert f"a calls the tool {tool}, which reaches outside" in bare.faults[0]


async def test_a_tool_of_a_server_is_stood_in_for() -> None:
    """No server is asked what it offers: the case says what comes back, or the case is wrong."""
    workflow = "name: w\nsteps:\n- {id: a, type: action, tool: office.send, input_mapping: {to: ann}}\n"
    case = "cases:\n- name: sent\n  tools: {office.send: {returns: {id: 4}}}\n  expect: {outputs: {a: {id: 4}}}\n"
    (sent,) = await played(case, workflow)
    (bare,) = await played("cases:\n- name: sent\n", workflow)
    assert (sent.faults, sent.outcome.status) == ((), "completed")
    assert "office.send" in bare.faults[0]


async def test_no_case_reads_what_another_one_wrote() -> None:
    """Each has a folder of its own."""
    workflow = """name: w
inputs: {type: object, required: [write], properties: {write: {type: boolean}}}
steps:
- {id: keep, type: action, tool: file_write, condition: workflow.write, input_mapping: {path: a.txt, content: a}}
- {id: look, type: action, tool: file_read, depends_on: [keep], input_mapping: {path: a.txt}}
"""
    cases = "cases:\n- {name: a, inputs: {write: true}}\n- {name: b, inputs: {write: false}}\n"
    first, second = await played(cases, workflow)
    assert first.faults == ()
    assert "a.txt" in str(second.outcome.error)


@pytest.mark.parametrize(
    ("approval", "event", "pause", "case", "winner"),
    [
        (3, 4, 1, "answers: {race.asked: timeout}", "pause"),
        (1, 4, 3, "answers: {race.asked: timeout}", "asked"),
        (1, 4, 3, "events: {paid: timeout}", "asked"),
        (3, 1, 2, "events: {paid: timeout}", "pause"),
        (2, 1, 3, "inputs: {}", "asked"),
    ],
)
async def test_the_earliest_time_comes_first(approval: int, event: int, pause: int, case: str, winner: str) -> None:
    """Of an approval, an event and a pause at once, whichever the case names; an event that is late only fails."""
    workflow = f"""name: w
steps:
- id: race
  type: parallel
  first_wins: true
  steps:
  - {{id: asked, type: human_approval, message: Well?, approval: {{timeout: {approval}, on_timeout: approve}}}}
  - {{id: paid, type: wait, event: paid, event_timeout: {event}}}
  - {{id: pause, type: wait, duration: {pause}}}
"""
    expect = f"expect: {{steps: {{race.{winner}: completed}}}}"
    (ended,) = await played(f"cases:\n- name: c\n  {case}\n  {expect}\n", workflow)
    assert ended.faults == ()
    others = {"race.asked", "race.pause"} - {f"race.{winner}"}
    assert {ended.steps[path] for path in others} == {"cancelled"}


async def test_events_of_a_list_that_grows_come_once() -> None:
    """Each adds one item, also where each item waits for an answer, which the case repeats as ever."""
    workflow = """name: w
variables: {items: [1]}
steps:
- id: spread
  type: parallel
  for_each: workflow.items
  grows_on: more
  steps: [{id: ask, type: human_approval, message: May it?}]
outputs: {all: $spread}
"""
    cases = "cases: [{name: c, answers: {spread.ask: approve}, events: {more: [{n: 2}, {n: 3}]}}]\n"
    (ended,) = await asyncio.wait_for(played(cases, workflow), 5)
    assert (ended.outcome.status, ended.faults) == ("completed", ())
    assert ended.outcome.output is not None
    assert len(ended.outcome.output["outputs"]["all"]) == 3
