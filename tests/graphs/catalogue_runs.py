"""Runs of the workflows that come with Stretto: real tools over the stand-in services, no key, ports in memory."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from chains.models import ModelDoor
from examples.services.server import Server
from graphs.workflow.entry import WorkflowEntry
from graphs.workflow.pinned import pinned
from graphs.workflow.saga import undo_run
from state.context import RunContext
from state.runs import Json, Undone
from tests.graphs.workflow_runs import QuickClock
from tests.postgres_fixtures import PROJECT
from tools.breaker import Breakers
from tools.memory import memory_ports
from tools.network import Clients
from tools.toolbox import Toolbox

EXAMPLES = PROJECT / "examples" / "workflows"
_CONFIG: Any = {"configurable": {"thread_id": "t", "__pregel_strict_resume": True}}


class CatalogueRun:
    """One run of a workflow by name, with its example input and what a test has changed of it."""

    def __init__(self, name: str, server: Server, box: Toolbox, run_id: str = "r", **changes: Any) -> None:
        file = PROJECT / "graphs" / "workflows" / f"{name}.yaml"
        self.entry = WorkflowEntry(pinned(file.read_text(encoding="utf-8"), file.name, {}))
        self.inputs: Json = {**json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8")), **changes}
        if "services" in self.entry.pinned.definition.inputs["properties"]:
            self.inputs["services"] = server.address
        self.shop = server.shop
        ports = memory_ports(ModelDoor({}, {}), run_id=run_id, clock=QuickClock())
        self.ports = replace(ports, tools=box(ports))
        self._saver = InMemorySaver()

    async def go(self, given: Any = None) -> Any:
        """One attempt, with the graph built anew as another process would; its outputs, if it came so far."""
        app = self._app()
        done = await app.ainvoke({"inputs": self.inputs} if given is None else given, _CONFIG, context=RunContext())
        return done.get("outputs")

    async def waits_for(self) -> list[Json]:
        """What is shown to people: of each request the values and the message."""
        waiting = (await self._app().aget_state(_CONFIG)).interrupts
        return [each.value["action_requests"][0] for each in waiting]

    async def answer(self, decision: str, **more: Any) -> Any:
        """Answers the one request that it waits for, as ann, and goes on."""
        (request,) = (await self._app().aget_state(_CONFIG)).interrupts
        answer = {"decisions": [{"type": decision, **more}], "by": "ann"}
        return await self.go(Command(resume={request.id: answer}))

    async def edit(self, **changes: Any) -> Any:
        """Approves with these values changed."""
        (shown,) = await self.waits_for()
        return await self.answer("edit", edited_action={"name": shown["name"], "args": {**shown["args"], **changes}})

    async def undo(self) -> Undone:
        """Undoes what was done, as the engine does for a run that ended badly."""
        return await undo_run(self.ports)

    async def statuses(self) -> dict[str, str]:
        """How each step stands."""
        return {step.path: step.status for step in await self.ports.ledger.steps()}

    def made(self, service: str) -> list[Json]:
        """What a service holds that was not undone."""
        return [each for each in self.shop.made[service].values() if not each["undone"]]

    def _app(self) -> Any:
        return self.entry.build(self.ports).compile(checkpointer=self._saver)


@asynccontextmanager
async def toolbox(folder: Path) -> AsyncIterator[Toolbox]:
    """The tools of a process that may ask this machine; breakers do not remember other tests."""
    async with Clients(["127.0.0.1"]) as clients:
        yield Toolbox(clients, {}, folder / "files", (folder,), Breakers(QuickClock()))
