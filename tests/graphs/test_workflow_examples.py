"""The five ways of working that docs/agents.md shows: each example is good, and runs without a key."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chains.models import ModelDoor
from graphs.workflow.bodies import bodies
from graphs.workflow.checks.definition import check_text
from graphs.workflow.compiler import build
from run_workflow.workflow_files import known
from tools.memory import memory_ports
from tools.toolbox import Toolbox

EXAMPLES = Path(__file__).parents[2] / "examples" / "agents"


async def outputs_of(name: str) -> dict[str, Any]:
    """What an example gives back for its default inputs."""
    checked = check_text((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"), name, known())
    assert [str(problem) for problem in checked.problems] == []
    assert checked.definition is not None
    ports = memory_ports(ModelDoor({}, {}))
    ports = replace(ports, tools=Toolbox()(ports))
    app = build(ports, checked.definition, bodies(ports), checked.conditions).compile()
    outputs: dict[str, Any] = (await app.ainvoke({"inputs": {}}))["outputs"]
    return outputs


async def test_one_after_the_other() -> None:
    """The letter is made of the summary of the notes."""
    done = await outputs_of("sequential")
    assert done["score"] >= 7
    assert "opened on Monday" in done["letter"]


@pytest.mark.slow
async def test_side_by_side() -> None:
    """What three readers quote is joined."""
    assert "340 units" in (await outputs_of("parallel"))["text"]


@pytest.mark.slow
async def test_orchestrator_and_workers() -> None:
    """Each kind of worker has a task, and the answer comes of their results."""
    done = await outputs_of("orchestrator")
    assert [task["capability"] for task in done["tasks"]] == ["research", "analysis"]
    assert all("result" in task for task in done["tasks"]), done["tasks"]
    assert "120 euro" in done["answer"]


async def test_routing() -> None:
    """The route, the reason and what was read from the message."""
    done = await outputs_of("routing")
    assert (done["route"], done["result"]["values"]) == ("billing", {"refund": 20})
    assert "invoic" in done["why"]


async def test_react() -> None:
    """The agent searches, and answers in the form."""
    assert await outputs_of("react") == {"cost": 120}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_no_example_goes_unseen(path: Path) -> None:
    """Each example has its test here and its name on the page."""
    assert f'outputs_of("{path.stem}")' in Path(__file__).read_text(encoding="utf-8")
    assert f"examples/agents/{path.name}" in (EXAMPLES.parents[1] / "docs" / "agents.md").read_text(encoding="utf-8")
