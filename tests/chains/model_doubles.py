"""Doubles for the tests of models: a journal in a dict, a clock that is moved by hand, ports made of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chains.fake.model import FakeChatModel
from chains.fake.script import FakeScript
from chains.models import ModelDoor, ProviderSettings
from chains.scope import CallScope, Spending, open_scope
from state.context import BranchLimits, RunContext
from state.ports import Models
from state.runs import CallKey, CallRecord, Json, Progress, Usage
from tools.memory import MemoryJournal, memory_ports


class WatchedJournal(MemoryJournal):
    """A journal that outlives the scopes of a test, as Postgres a process; slow or failing on demand."""

    def __init__(self) -> None:
        super().__init__()
        self.usage_reads = 0
        self.store_seconds = 0.0
        self.fails_with: Exception | None = None

    @property
    def calls(self) -> dict[CallKey, CallRecord]:
        """What was recorded."""
        return self._calls

    async def find(self, key: CallKey) -> CallRecord | None:
        """Looks it up, after a turn of the loop."""
        await asyncio.sleep(0)
        return await super().find(key)

    async def record(self, key: CallKey, call: CallRecord) -> None:
        """Stores it, or fails."""
        await asyncio.sleep(self.store_seconds)
        if self.fails_with is not None:
            raise self.fails_with
        await super().record(key, call)

    async def usage(self, prefix: str = "") -> Usage:
        """Sums up."""
        self.usage_reads += 1
        await asyncio.sleep(0)
        return await super().usage(prefix)


class HandClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        """A day long ago, and what has passed since."""
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def elapsed(self) -> float:
        """What has passed."""
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        """Passes at once."""
        self.slept.append(float(seconds))
        self.seconds += seconds
        await asyncio.sleep(0)


class Bench:
    """One run: a journal, a clock, a door to models; scopes are opened on it."""

    def __init__(self, models: Models, journal: WatchedJournal | None = None) -> None:
        self.journal = journal or WatchedJournal()
        self.clock = HandClock()
        self.models = models
        self.spending = Spending(self.journal)
        self.progress: list[Progress] = []

    def scope(self, path: str = "step", limits: BranchLimits | None = None, budget: float | None = None) -> CallScope:
        """A fresh scope, as one execution of the step `path` gets it."""
        ports = replace(memory_ports(self.models, clock=self.clock), journal=self.journal)
        return open_scope(ports, self.spending, path, RunContext(budget=budget), limits, self.progress.append)

    def resumed(self) -> "Bench":
        """The same run in a new process: only the journal and the models' servers are what they were."""
        return Bench(self.models, self.journal)


def scripted(*steps: Json, price: tuple[float, float] = (0.0, 0.0), **scripts: Sequence[Json]) -> Bench:
    """A bench with the model `fake/main` of these steps, and others by name."""
    fakes = {"main": steps, **scripts}
    door = ModelDoor(
        {},
        {f"fake/{name}": price for name in fakes},
        {name: FakeScript.model_validate({"steps": list(each)}) for name, each in fakes.items() if each},
    )
    return Bench(door)


def fake_of(bench: Bench, name: str = "fake/main") -> FakeChatModel:
    """The scripted model behind a bench, to ask what it was asked."""
    model = bench.models.chat(name)
    assert isinstance(model, FakeChatModel)
    return model


def served(url: str, **prices: tuple[float, float]) -> ModelDoor:
    """A door to the models of a loopback server, as `local/…`."""
    return ModelDoor(
        {"local": ProviderSettings(base_url=url, timeout_seconds=2.0)},
        {f"local/{name}": price for name, price in prices.items()},
    )
