"""Runs of the research graph in memory, with sources written by the test and models that it scripts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from agents.approval import refusal
from agents.kit import open_kit
from chains.fake.script import FakeScript
from chains.models import ModelDoor
from graphs.research import build
from run_workflow.checkpoints import StrictSerializer
from state.context import RunContext
from state.evidence import Passage
from state.ports import Models, Ports, Web
from state.research import ResearchState
from state.runs import Answer
from tools.documents.reading import read_sources
from tools.memory import MemoryPassages, memory_ports

ALPHA = "The alpha bridge is 134 m high and was opened in 1932."
BETA = "The beta bridge is 49 m high and was opened in 1973."


def write_sources(folder: Path, files: Mapping[str, str]) -> list[str]:
    """The folder with these files, as the graph takes it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [str(folder)]


async def passage_with(sources: list[str], words: str) -> Passage:
    """The passage of the sources that holds the words; ids are content, so a script may name it before the run."""
    ports = memory_ports(ModelDoor({}, {}))
    collection = await read_sources(sources, ports.passages, ports.artifacts)
    return next(passage for passage in await ports.passages.passages(collection.id) if words in passage.text)


@dataclass
class MemoryRun:
    """One run in memory, from its first step to its report."""

    context: RunContext
    fakes: Mapping[str, FakeScript] = field(default_factory=dict)
    web: Web | None = None
    models: Models | None = None
    """Instead of a door to the scripts in `fakes`, whose calls cost a dollar for a million tokens."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Other ports by name."""

    def __post_init__(self) -> None:
        prices = {f"fake/{name}": (1.0, 1.0) for name in self.fakes}
        ports = memory_ports(self.models or ModelDoor({}, prices, self.fakes), web=self.web)
        self.saver = InMemorySaver(serde=StrictSerializer())
        self.begin(replace(ports, **self.more))
        self.config: RunnableConfig = {"configurable": {"thread_id": "run"}, "recursion_limit": 100}

    def begin(self, ports: Ports) -> None:
        """From now on a new process does the work, with these ports."""
        self.ports = ports
        self.kit = open_kit(ports)
        self.app = build(ports, self.kit).compile(checkpointer=self.saver)

    async def ask(self, question: str, sources: list[str]) -> ResearchState:
        """Runs until it ends or waits; the state then."""
        return await self._go({"question": question, "sources": sources})

    async def answer(self, decision: dict[str, Any], by: str = "ann") -> ResearchState:
        """Answers the one pending request and goes on."""
        answer = Answer.model_validate({"decisions": [decision], "by": by})
        return await self._go(Command(resume=answer.model_dump(mode="json")))

    async def refuse(self, reason: str) -> ResearchState:
        """Tells the point that waits that an answer to it was not taken."""
        action = await self.pending()
        assert action is not None
        state = (await self.app.aget_state(self.config)).values
        return await self._go(Command(update=refusal(state, action["name"], reason)))

    async def pending(self) -> dict[str, Any] | None:
        """The action that the run waits for, if it waits."""
        interrupts = (await self.app.aget_state(self.config)).interrupts
        return dict(interrupts[0].value["action_requests"][0]) if interrupts else None

    async def report(self) -> str:
        """The report as Markdown."""
        state = (await self.app.aget_state(self.config)).values
        return (await self.ports.artifacts.get(state["report"].sha256)).decode()

    @property
    def known_passages(self) -> MemoryPassages:
        """The passages that the run stored."""
        return cast(MemoryPassages, self.ports.passages)

    async def _go(self, given: Any) -> ResearchState:
        await self.app.ainvoke(given, self.config, context=self.context)
        return cast(ResearchState, (await self.app.aget_state(self.config)).values)
