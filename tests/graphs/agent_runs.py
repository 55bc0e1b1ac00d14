"""Workflows whose steps are done by scripted models, over tools that count their calls, with processes that die."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from langchain_core.tools import BaseTool, InjectedToolArg, StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from agents.templates import own_templates
from chains.fake.model import FakeChatModel
from chains.fake.script import FakeScript
from chains.models import ModelDoor
from graphs.workflow.bodies import bodies
from graphs.workflow.checks.definition import check
from graphs.workflow.checks.known import Known
from graphs.workflow.compiler import build
from graphs.workflow.running import Call
from graphs.workflow.steps.doers import agent, chain
from graphs.workflow.yaml_source import Source
from state.agents import AgentTrack
from state.context import RunContext
from state.errors import LeaseLost, ToolError
from state.runs import CallKey, CallRecord, Json, StepRecord, Usage
from state.tools import RegisteredTool
from state.workflow.definition import WorkflowDefinition
from state.workflow.steps import ActionStep
from tests.graphs.workflow_runs import QuickClock
from tools.breaker import Breakers
from tools.effects import effects
from tools.memory import MemoryJournal, MemoryLedger, SystemClock, memory_ports
from tools.registry import Registry, registered

CONFIG: Any = {"configurable": {"thread_id": "t", "__pregel_strict_resume": True}}
FREE = (0.0, 0.0)


class Life:
    """Of one process: how many calls it may still record before it dies."""

    left = 1_000_000

    @property
    def is_over(self) -> bool:
        return self.left <= 0


class MortalJournal(MemoryJournal):
    """The process dies right after it recorded the last call that it may: nothing is written any more."""

    def __init__(self) -> None:
        super().__init__()
        self.life = Life()

    @property
    def calls(self) -> dict[CallKey, CallRecord]:
        return self._calls

    async def record(self, key: CallKey, call: CallRecord) -> None:
        if self.life.is_over:
            raise LeaseLost("dead")
        await super().record(key, call)
        self.life.left -= 1
        if self.life.is_over:
            raise LeaseLost("dead")


class MortalLedger(MemoryLedger):
    """The ledger of such a process."""

    def __init__(self, journal: MortalJournal, clock: SystemClock) -> None:
        super().__init__("r", clock)
        self._journal = journal

    async def begin(self, path: str, iteration: int = 0, *, result: Json | None = None) -> None:
        if self._journal.life.is_over:
            raise LeaseLost("dead")
        await super().begin(path, iteration, result=result)

    async def end(self, path: str, *args: Any, **more: Any) -> None:
        if self._journal.life.is_over:
            raise LeaseLost("dead")
        await super().end(path, *args, **more)


class History:
    """What is known of agents from other runs."""

    def __init__(self, **tracks: AgentTrack) -> None:
        self._tracks = tracks

    async def tracks(self) -> Mapping[str, AgentTrack]:
        return self._tracks


class Office:
    """Tools by name: `search` reads, `send` changes something outside, `broken` fails. What they really did."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.keys: list[str] = []

    def tools(self) -> list[BaseTool]:
        async def search(query: str) -> dict[str, str]:
            self.done.append(f"search {query}")
            return {"found": f"The order {query} has cost 120 euro."}

        async def send(to: str, text: str = "", idempotency_key: Annotated[str, InjectedToolArg] = "") -> str:
            self.done.append(f"send {to}")
            self.keys.append(idempotency_key)
            return "sent"

        async def broken(query: str) -> str:
            self.done.append("broken")
            raise ToolError("The line is dead.")

        marks = ((search, effects("read")), (send, effects("write")), (broken, effects("read")))
        return [
            StructuredTool.from_function(coroutine=tool, description="A tool.", metadata=mark) for tool, mark in marks
        ]


async def action(step: ActionStep, call: Call) -> Any:
    """Actions that a chain or an agent does."""
    return await (chain if step.chain else agent)(step, call)


class AgentRun:
    """One run of a workflow, over processes that come and go."""

    def __init__(
        self,
        *steps: Json,
        script: tuple[Json, ...] = (),
        context: RunContext = RunContext(default_model="fake/main"),
        history: History | None = None,
        **definition: Any,
    ) -> None:
        self.definition = WorkflowDefinition.model_validate({"name": "w", "steps": steps, **definition})
        self.names: dict[str, str] = {}
        """Tools that the registry calls otherwise than models do."""
        self.context, self.history = context, history
        self.office, self.saver, self.clock = Office(), InMemorySaver(), QuickClock()
        self.journal = MortalJournal()
        self.ledger = MortalLedger(self.journal, self.clock)
        fakes = {"main": FakeScript.model_validate({"steps": script})} if script else {}
        self.door = ModelDoor({}, {"fake/main": (1.0, 1.0)}, fakes)

    def app(self) -> Any:
        """The graph, built anew as another process would."""
        ports = replace(
            memory_ports(self.door, run_id="r", clock=self.clock),
            ledger=self.ledger,
            journal=self.journal,
            history=self.history,
            tools=Registry(map(self._registered, self.office.tools()), Breakers(self.clock)),
        )
        conditions = check(self.definition, Source("w"), Known()).conditions
        graph = build(ports, self.definition, {ActionStep: action, **bodies(ports)}, conditions)
        return graph.compile(checkpointer=self.saver)

    def _registered(self, tool: BaseTool) -> RegisteredTool:
        made = registered(tool, category="test")
        return replace(made, name=self.names.get(made.name, made.name))

    async def go(self, given: Any = None, *, lives: int = 1_000_000, **inputs: Any) -> Any:
        """One attempt; its process may record `lives` calls. Gives back the outputs, if it came so far."""
        self.journal.life.left = lives
        start = given if given is not None or inputs == {"again": True} else {"inputs": inputs}
        done = await self.app().ainvoke(start, CONFIG, context=self.context)
        return done.get("outputs")

    async def again(self, lives: int = 1_000_000) -> Any:
        """The run goes on in a new process."""
        return await self.go(again=True, lives=lives)

    async def requests(self) -> list[Any]:
        """What the run waits for."""
        return list((await self.app().aget_state(CONFIG)).interrupts)

    async def answer(self, *decisions: Json, lives: int = 1_000_000) -> Any:
        """Answers what it waits for, in order."""
        given = {
            request.id: {"decisions": [decision], "by": "ann"}
            for request, decision in zip(await self.requests(), decisions, strict=False)
        }
        return await self.go(Command(resume=given), lives=lives)

    @property
    def asked(self) -> list[Any]:
        """What the scripted model was asked, in all processes."""
        model = self.door.chat("fake/main")
        assert isinstance(model, FakeChatModel)
        return model.calls

    async def row(self, path: str) -> StepRecord:
        """What the ledger says of a step."""
        return next(each for each in await self.ledger.steps() if each.path == path)

    @property
    def usage(self) -> Usage:
        return sum((call.usage for call in self.journal.calls.values()), Usage())


def says(name: str, args: Json, **more: Any) -> Json:
    """The model calls one tool."""
    return {"tool_calls": [{"name": name, "args": args}], **more}


def answers(value: Json, **more: Any) -> Json:
    """The model gives its answer in the form."""
    return {"structured": {"Answer": value}, **more}


def react(id_: str = "a", **more: Any) -> Json:
    return {"id": id_, "type": "react", "task": "Look up the order.", "tools": ["search", "send", "broken"], **more}


COST: Json = {"type": "object", "properties": {"cost": {"type": "integer"}}, "required": ["cost"]}
"""The form of an answer with a number."""
AGENTS = own_templates()
