"""A provider that plays all roles of a research run over HTTP, and stumbles where a test says so.

What it answers follows from the request alone, so that branches side by side, retries and resumes find their answer.
"""

import asyncio
import heapq
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from chains.models import ModelDoor, ProviderSettings
from graphs.research import build
from state.context import RunContext
from state.ports import Ports
from state.runs import Progress
from tests.graphs.research_runs import ALPHA
from tests.openai_server import Reply, Server, answer
from tools.blocks import read_block
from tools.memory import memory_ports

MODEL = "served/model"
_LOOK_SECONDS, _IDLE_LOOKS = 0.03, 3
_NEAR_SECONDS = 90.0
FORMS = ("PlanDraft", "FindingsDraft", "ReportDraft", "RepairDraft", "ReviewDraft")

Fault = Callable[[int], Reply | None]
"""What a request gets instead of its answer, given how many came before it from the same step; None: its answer."""


def told(name: str, usage: tuple[int, int] = (100, 20), **arguments: Any) -> Reply:
    """An answer that calls one tool, or fills one form in."""
    return answer(calls=[(name, json.dumps(arguments))], usage=usage)


def first(count: int, *replies: Reply) -> Fault:
    """The first `count` requests get these replies, in turn."""
    return lambda before: replies[before % len(replies)] if before < count else None


def always(*replies: Reply) -> Fault:
    """No request gets its answer."""
    return lambda before: replies[before % len(replies)]


@dataclass
class Team:
    """All roles; `decide` of a server."""

    passage: str
    """Id of the passage that every finding rests on."""
    branches: Sequence[str]
    """The focus of each branch of the plan."""
    searches: int = 1
    """How often a branch searches before it answers."""
    faults: Mapping[str, Fault] = field(default_factory=dict)
    """By focus of a branch, or by form: `PlanDraft`."""
    tokens: list[tuple[int, int]] = field(default_factory=list)
    """In and out, of each answer: a quarter of the characters of the messages and the tools, and of the answer."""
    asked: Counter[str] = field(default_factory=Counter)
    """Requests by focus or form."""
    answers: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """What is filled into a form instead of the usual, by form."""

    def __call__(self, request: dict[str, Any]) -> Reply:
        names = {tool["function"]["name"] for tool in request.get("tools", [])}
        form = next(name for name in FORMS if name in names)
        values = self._brief(request)
        step = self._focus(values) if form == "FindingsDraft" else form
        before = self.asked[step]
        self.asked[step] += 1
        fault = self.faults[step](before) if step in self.faults else None
        if fault is not None:
            return fault
        said = [call["function"]["name"] for message in request["messages"] for call in message.get("tool_calls") or []]
        turn = said.count("search_documents")
        if form == "FindingsDraft" and turn < self.searches:
            return self._say(request, "search_documents", query=f"alpha bridge high {turn}")
        return self._say(request, form, **self._filled(form, values))

    def _say(self, request: dict[str, Any], name: str, **arguments: Any) -> Reply:
        given = len(json.dumps([request["messages"], request["tools"]])) // 4
        self.tokens.append((given, len(json.dumps(arguments)) // 4))
        return told(name, self.tokens[-1], **arguments)

    def _filled(self, form: str, values: dict[str, Any]) -> dict[str, Any]:
        if form in self.answers:
            return self.answers[form]
        sentence = {"text": "The alpha bridge is 134 m high.", "passages": [self.passage]}
        questions = [f"What of {name}?" for name in self.branches]
        filled: dict[str, dict[str, Any]] = {
            "PlanDraft": {
                "sub_questions": questions,
                "branches": [
                    {"kind": "research", "focus": name, "questions": [question]}
                    for name, question in zip(self.branches, questions, strict=True)
                ],
            },
            "FindingsDraft": {
                "findings": [
                    {"text": ALPHA, "passages": [self.passage], "topic": question, "confidence": 0.9}
                    for question in values.get("questions", [])
                ]
            },
            "ReportDraft": {"title": "Bridges", "sections": [{"heading": "Key findings", "sentences": [sentence]}]},
            "RepairDraft": {"sentences": []},
            "ReviewDraft": {"defects": [], "revise": False},
        }
        return filled[form]

    @staticmethod
    def _brief(request: dict[str, Any]) -> dict[str, Any]:
        texts = [message["content"] for message in request["messages"] if message["role"] == "user"]
        found = [read_block(text, "brief") for text in texts if isinstance(text, str)]
        return next((values for values in found if values), {})

    def _focus(self, values: dict[str, Any]) -> str:
        return next((name for name in self.branches if f"What of {name}?" in values["questions"]), "?")


class IdleClock:
    """Time that passes only while nothing is done: minutes of waiting take no time, and work takes none of theirs.

    It jumps to the next sleeper when the process has had nothing to do for a while, unless that is far off: a limit
    on the time of a wave is not what everybody waits for.
    """

    def __init__(self) -> None:
        self._seconds = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> datetime:
        """The time of day."""
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._seconds)

    def elapsed(self) -> float:
        """Seconds of this clock."""
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        """Waits seconds of this clock."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._seconds + seconds, next(self._order), woken))
        await woken

    async def drive(self, server: Server) -> None:
        """Moves the time on, until it is cancelled."""
        idle = 0
        while True:
            before, cpu = server.count, time.process_time()
            await asyncio.sleep(_LOOK_SECONDS)
            rests = server.count == before and not server.under_way
            idle = idle + 1 if rests and time.process_time() - cpu < _LOOK_SECONDS / 10 else 0
            self._sleepers = [sleeper for sleeper in self._sleepers if not sleeper[2].done()]
            heapq.heapify(self._sleepers)
            if idle >= _IDLE_LOOKS and self._sleepers and self._sleepers[0][0] <= self._seconds + _NEAR_SECONDS:
                at, _, woken = heapq.heappop(self._sleepers)
                self._seconds = max(self._seconds, at)
                woken.set_result(None)


@dataclass
class ServedRun:
    """One run in memory whose models are behind a server, seen by its progress."""

    server: Server
    context: RunContext
    clock: IdleClock = field(default_factory=IdleClock)
    settings: dict[str, Any] = field(default_factory=dict)
    prices: dict[str, tuple[float, float]] = field(default_factory=dict)
    events: list[Progress] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)
    ports: Ports = field(init=False)

    async def ask(self, question: str, sources: list[str]) -> dict[str, Any]:
        """Runs to the end; the state then."""
        door = ModelDoor({"served": ProviderSettings(self.server.url, **self.settings)}, self.prices, clock=self.clock)
        self.ports = memory_ports(door, clock=self.clock)
        driving = asyncio.create_task(self.clock.drive(self.server))
        try:
            app = build(self.ports).compile()
            asked = {"question": question, "sources": sources}
            stream = app.astream(asked, context=self.context, stream_mode=["custom", "values"])  # type: ignore[call-overload]
            async for mode, part in stream:
                if mode == "custom":
                    self.events.append(Progress.model_validate(part))
                else:
                    self.state = part
        finally:
            driving.cancel()
            await door.close()
        return self.state

    async def report(self) -> str:
        """The report as Markdown."""
        return (await self.ports.artifacts.get(self.state["report"].sha256)).decode()

    @property
    def ended(self) -> dict[str, str]:
        """The status of each branch by its focus."""
        return {result.focus: result.status for result in self.state["results"].values()}
