"""Runs in memory of workflows that come with Stretto, with their example inputs and no key."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from chains.models import ModelDoor
from graphs.workflow.entry import WorkflowEntry
from graphs.workflow.pinned import Pinned
from run_workflow.checkpoints import StrictSerializer
from run_workflow.workflow_catalog import WorkflowCatalog
from state.context import RunContext
from state.ports import Ports
from state.runs import Json
from tests.postgres_fixtures import PROJECT
from tools.memory import memory_ports
from tools.toolbox import Toolbox

_CONFIG: Any = {"configurable": {"thread_id": "r", "__pregel_strict_resume": True}}


def example(name: str) -> Json:
    """The example input of a workflow."""
    given: Json = json.loads((PROJECT / "examples/workflows" / f"{name}.json").read_text(encoding="utf-8"))
    return given


async def shipped(name: str) -> Pinned:
    """A workflow of the catalogue; nothing is wrong with it."""

    async def nothing(_: str, __: str) -> None:
        return None

    catalog = WorkflowCatalog(None)
    file = catalog.find(name)
    assert [str(each) for each in catalog.checked(file.text, file.label).problems] == []
    return await catalog.pin(name, nothing)


@dataclass
class ShippedRun:
    """One run, over attempts that share its checkpoints and its ports."""

    pinned: Pinned
    files: Path
    """Where it writes."""
    folder: Path = PROJECT
    """Where it reads."""
    ports: Ports = field(init=False)
    told: list[str] = field(default_factory=list)
    """The paths of the steps that who watches was told of."""

    def __post_init__(self) -> None:
        self.saver = InMemorySaver(serde=StrictSerializer())
        ports = memory_ports(ModelDoor({}, {}), run_id="r")
        self.ports = replace(ports, tools=Toolbox(files=self.files, folders=(self.folder,))(ports))

    def _app(self) -> Any:
        return WorkflowEntry(self.pinned).build(self.ports).compile(checkpointer=self.saver)

    async def go(self, given: Any) -> Json:
        """One attempt with inputs, answers, or None to go on. The outputs; empty where it waits."""
        start = {"inputs": given} if isinstance(given, dict) else given
        done: Json = {}
        async for mode, part in self._app().astream(
            start, _CONFIG, context=RunContext(), stream_mode=["custom", "values"]
        ):
            if mode == "values":
                done = part
            else:
                self.told.append(part["path"])
        return dict(done.get("outputs") or {})

    async def asked(self) -> dict[str, Json]:
        """What it waits for: by path, what is shown."""
        actions = [each.value["action_requests"][0] for each in await self._interrupts()]
        return {each["name"]: each["args"] for each in actions}

    async def answer(self, **values: Any) -> Json:
        """Answers all that it waits for: an approval, or an edit with these values."""
        answers = {}
        for each in await self._interrupts():
            name = each.value["action_requests"][0]["name"]
            edit = {"type": "edit", "edited_action": {"name": name, "args": values}}
            answers[each.id] = {"decisions": [edit if values else {"type": "approve"}], "by": "ann"}
        return await self.go(Command(resume=answers))

    async def statuses(self) -> dict[str, str]:
        """How each step stands, by path."""
        return {each.path: each.status for each in await self.ports.ledger.steps()}

    async def _interrupts(self) -> Any:
        return (await self._app().aget_state(_CONFIG)).interrupts
