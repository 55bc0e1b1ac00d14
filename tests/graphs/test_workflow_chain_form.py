"""Chains of tools: what the short form stands for, what is said of a wrong one, and one that a program makes."""

import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from langgraph.checkpoint.memory import InMemorySaver

from chains.models import ModelDoor
from graphs.workflow.bodies import bodies
from graphs.workflow.chain_form import Chain, unfold
from graphs.workflow.checks.definition import check_text
from graphs.workflow.compiler import build
from graphs.workflow.editor_schema import grammar_schema
from graphs.workflow.pinned import pinned
from graphs.workflow.yaml_source import Source, read
from run_workflow.workflow_files import known
from tests.document_lines import blocks
from tests.graphs.workflow_files import look
from tools.memory import memory_ports
from tools.toolbox import Toolbox

TRIP = """\
name: trip
inputs: {type: object, required: [city], properties: {city: {type: string}}}
variables: {cold: 10}
chain:
  - id: weather
    tool: compute
    input: {temp: 4, town: "{city}", places: [a, b]}
  - id: coat
    tool: compute
    when: "{weather[temp]} < {cold}"
    input: {advice: "{{coat}}, for {weather[temp]} in ${weather.town}", first: "{weather[places][0]}"}
    timeout: 7
  - tool: compute
    after: [weather]
    input: {all: ["{coat}", 3]}
  - id: ask
    type: human_approval
    message: "Go to {city}?"
    after: []
outputs: {says: "{coat[advice]}"}
"""
FULL = """\
name: trip
inputs: {type: object, required: [city], properties: {city: {type: string}}}
variables: {cold: 10}
steps:
  - id: weather
    type: action
    tool: compute
    input_mapping: {temp: 4, town: "${workflow.city}", places: [a, b]}
  - id: coat
    type: action
    tool: compute
    depends_on: [weather]
    condition: ${weather.temp} < ${workflow.cold}
    input_mapping: {advice: "{coat}, for ${weather.temp} in ${weather.town}", first: "${weather.places[0]}"}
    timeout: 7
  - id: compute
    type: action
    tool: compute
    depends_on: [weather, coat]
    input_mapping: {all: ["${coat}", 3]}
  - {id: ask, type: human_approval, message: "Go to ${workflow.city}?", depends_on: []}
outputs: {says: "${coat.advice}"}
"""


async def outputs(text: str, **inputs: Any) -> Any:
    """What a run of a file gives, with the real tools and nothing else."""
    ports = memory_ports(ModelDoor({}, {}), run_id="r")
    ports = replace(ports, tools=Toolbox()(ports))
    wanted = pinned(text, "w.yaml", {})
    graph = build(ports, wanted.definition, bodies(ports), wanted.conditions)
    config: Any = {"configurable": {"thread_id": "r"}}
    return (await graph.compile(checkpointer=InMemorySaver()).ainvoke({"inputs": inputs}, config))["outputs"]


def test_a_chain_is_the_workflow_that_it_stands_for() -> None:
    """Links come one after another, or after those that are named, and after those to which they refer."""
    assert look(TRIP).definition == look(FULL).definition
    assert jsonschema_rs.validator_for(grammar_schema()).is_valid(yaml.safe_load(TRIP))


@pytest.mark.parametrize(
    ("written", "instead", "place", "said"),
    [
        ("{weather[places][0]}", "{wether[places][0]}", "11:80", "no link and no input 'wether'. Did you mean"),
        ("{weather[places][0]}", "{weather[places of]}", "11:80", "is no reference"),
        ("    timeout: 7", "    timeuot: 7", "12:5", "no field 'timeuot'"),
        ("    timeout: 7", "    condition: 'true'", "12:16", "A link has no field 'condition'. Write 'when'."),
        ('town: "{city}"', "town: {city}", "7:28", 'Write "{city}"'),
        ("chain:\n", "steps: []\nchain:\n", "6:3", "and not both"),
        ("chain:\n", "chain: 3\nx:\n", "4:8", "a list of links"),
        ("tool: compute\n    when", "tool: fetch\n    when", "11:5", "Add `url:` to input."),
        ("{weather[temp]} <", "{weather[temp]} <<", "10:11", "<<"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(written: str, instead: str, place: str, said: str) -> None:
    """By line and column of the short form, in its words, for its own mistakes and for those of any workflow."""
    assert written in TRIP
    found = [str(each) for each in look(TRIP.replace(written, instead, 1)).problems]
    assert any(f":{place}: " in each and said in each for each in found), found


@given(st.text("{}[]a0_- "))
def test_doubled_braces_stand_for_themselves(text: str) -> None:
    """Whatever a text holds comes out as it is where its braces are doubled."""
    link = {"tool": "set", "input": {"a": text.replace("{", "{{").replace("}", "}}")}}
    source = Source("w.yaml", {"name": "w", "chain": [link]})
    assert unfold(source)
    assert source.value["steps"][0]["input_mapping"] == {"a": text}
    assert not source.problems


async def test_a_chain_made_by_a_program_runs_as_a_file() -> None:
    """Its text is a good workflow file; values keep their types, and a link whose condition is false is left out."""
    trip = (
        Chain("trip", {"city": {"type": "string"}, "cold": {"type": "integer", "default": 10}}, {"says": "{coat}"})
        .then("set", {"temp": 4, "town": "{city}"}, id="weather")
        .then("set", {"hot": True}, id="ice", when="{weather[temp]} > 30")
        .then("set", {"for": "{weather[temp]}", "in": "{weather[town]}"}, id="coat", when="{weather[temp]} < {cold}")
    )
    source = read(trip.text, "trip")
    assert source.value["inputs"]["required"] == ["city"]
    assert check_text(trip.text, "trip", known()).problems == ()
    assert await outputs(trip.text, city="Rome") == {"says": {"for": 4, "in": "Rome"}}
    side = Chain("w").then("set", id="a").then("set", id="b", after=())
    assert [step.depends_on for step in pinned(side.text, "w", {}).definition.steps] == [(), ()]


def test_the_chains_of_the_documentation_are_good(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The file has nothing wrong, and the program prints one that has nothing wrong either."""
    (file,) = [block for block in blocks("docs/workflows.md", "yaml") if "\nchain:" in block]
    (program,) = blocks("docs/workflows.md", "python")
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    runpy.run_path(str(tmp_path / "program.py"))
    for text in (file, capsys.readouterr().out):
        assert check_text(text, "trip.yaml", known()).problems == ()
