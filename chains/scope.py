"""One execution of one step: its calls are looked up, counted, limited, made and recorded here, nowhere else.

A call is named by the step's path, a hash of the request, and how many-th it is of its kind in this
execution. What is in the journal is given back without being made again; what is made is in the journal
before its result is used.
"""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Literal

from chains.stopwatch import Stopwatch, TimeLimit
from state.context import BranchLimits, RunContext
from state.errors import LimitReached
from state.evidence import Chart
from state.ports import CallJournal, Clock, Models, Ports
from state.runs import CallKey, CallRecord, Json, Progress, Usage
from tools.storable import json_text

Kind = Literal["model", "tool"]
_LEAST_OUTPUT = 256
"""Tokens that are set aside for an answer while none of the run is known."""
_CENT_DUST = 1e-9
"""US dollars by which sums of floats may miss a limit."""


@dataclass(frozen=True)
class Made:
    """What a call gave back and what it used."""

    response: Json
    usage: Usage
    name: str = ""
    """Who answered, where that is not who was asked."""


class Spending:
    """What a run has used so far, over all its branches and over every resume."""

    def __init__(self, journal: CallJournal) -> None:
        self._journal = journal
        self._lock = asyncio.Lock()
        self._total: Usage | None = None
        self._longest_output = 0
        self.held = 0.0
        """US dollars that the calls now under way are expected to cost."""
        self.queue = Stopwatch()
        """How long calls of the run have waited for their turn at a provider."""

    async def total(self) -> Usage:
        """The sum of the run's recorded calls; read from the journal the first time."""
        async with self._lock:
            if self._total is None:
                self._total = await self._journal.usage()
            return self._total

    def add(self, usage: Usage) -> None:
        """Counts a call that the journal has just stored; before the first `total` the journal counts it."""
        self._longest_output = max(self._longest_output, usage.output_tokens if usage.model_calls else 0)
        if self._total is not None:
            self._total += usage

    def likely_output(self) -> int:
        """Tokens that a call may well put out: the most that one of this run did, their mean after a resume."""
        total = self._total or Usage()
        return max(_LEAST_OUTPUT, self._longest_output, total.output_tokens // max(1, total.model_calls))

    async def must_save(self, budget: float | None, share: float, next_call: float = 0.0) -> bool:
        """Whether that share of the budget is spent, or held for calls under way, or the next call would pass it."""
        if budget is None:
            return False
        spent = (await self.total()).money + self.held
        return spent >= share * budget - _CENT_DUST or spent + next_call > budget + _CENT_DUST

    @contextmanager
    def hold(self, money: float) -> Iterator[None]:
        """Sets money aside while a call is under way, so that branches side by side keep the budget."""
        self.held += money
        try:
            yield
        finally:
            self.held -= money


@dataclass
class CallScope:
    """One execution of one step, and what it has seen: enough to report from if it is cut off."""

    path: str
    journal: CallJournal
    clock: Clock
    models: Models
    spending: Spending
    emit: Callable[[Progress], None]
    limits: BranchLimits | None = None
    budget: float | None = None
    soft_limit: float = 1.0
    """Share of the budget from which on the run saves."""
    run_id: str = ""
    used: Usage = field(default_factory=Usage)
    """What the calls of this execution used, calls that came from the journal included."""
    shown: list[str] = field(default_factory=list)
    """Ids of the passages that tools showed, each once."""
    charts: list[Chart] = field(default_factory=list)
    searched: list[str] = field(default_factory=list)
    """What was asked of the sources, in order."""
    notes: list[str] = field(default_factory=list)
    """What a reader of the report must know, each once."""

    def __post_init__(self) -> None:
        self._opened = self.clock.elapsed()
        self._queue = Stopwatch()
        self._limit: TimeLimit | None = None
        self._seen: Counter[str] = Counter()
        self._begun: Counter[Kind] = Counter()
        self._writes: set[asyncio.Task[None]] = set()

    async def recorded(
        self,
        kind: Kind,
        name: str,
        request: Json,
        make: Callable[[], Awaitable[Made]],
        expected: Usage = Usage(),
    ) -> Json:
        """What the call gives back: from the journal if it finished before, else made and recorded.

        `request` names the call; `expected` is what it is expected to use. Raises LimitReached before a call
        that a limit forbids, and whatever `make` or the journal raises.
        """
        key = self._key(kind, name, request)
        self._begun[kind] += 1
        begun = self._begun[kind]
        call = await self.journal.find(key)
        if call is not None:
            self.used += call.usage
        else:
            total = await self.spending.total()
            self._check(kind, begun, expected, total)
            with self.spending.hold(expected.money):
                call = await self._make(key, kind, name, make)
        self.emit(Progress(path=self.path, usage=self.used))
        return call.response

    @asynccontextmanager
    async def instead(self, expected: Usage, other: Usage) -> AsyncIterator[None]:
        """While a call under way that was let go as `expected` asks somebody else, who is expected to use `other`:
        that is set aside in its place. Raises LimitReached, before anybody is asked, where it passes a limit on money.
        """
        total = await self.spending.total()
        self._check_money(other, total.money + self.spending.held - expected.money)
        with self.spending.hold(other.money - expected.money):
            yield

    def time_limit(self, seconds: float) -> TimeLimit:
        """A timeout for the work of this execution; it stands still while its calls wait for their turn."""
        self._limit = TimeLimit(seconds)
        return self._limit

    @contextmanager
    def waiting(self, words: str) -> Iterator[None]:
        """While a call waits for its turn: time limits stand still, and whoever watches is told why."""
        self.emit(Progress(path=self.path, wait=words))
        limit = self._limit
        watches = (self._queue, self.spending.queue)
        for watch in watches:
            watch.start(self.clock.elapsed())
        if limit is not None:
            limit.stop()
        try:
            yield
        finally:
            for watch in watches:
                watch.stop(self.clock.elapsed())
            if limit is not None:
                limit.go_on()
            self.emit(Progress(path=self.path, wait=""))

    def note(self, artifact: Json) -> None:
        """Keeps what a tool showed: the `passages` (ids), `searched` (queries), `notes` and `chart` of its artifact."""
        self.shown.extend(key for key in dict.fromkeys(artifact.get("passages", ())) if key not in self.shown)
        self.searched.extend(artifact.get("searched", ()))
        self.notes.extend(line for line in dict.fromkeys(artifact.get("notes", ())) if line not in self.notes)
        chart = artifact.get("chart")
        if chart is not None and (drawn := Chart.model_validate(chart)) not in self.charts:
            self.charts.append(drawn)

    def _key(self, kind: Kind, name: str, request: Json) -> CallKey:
        """The key of this call, counted: an `await` before would let equal calls side by side swap places."""
        canonical = json.dumps([kind, name, request], sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        occurrence = self._seen[digest]
        self._seen[digest] += 1
        return CallKey(path=self.path, request_hash=digest, occurrence=occurrence)

    async def _make(self, key: CallKey, kind: Kind, name: str, make: Callable[[], Awaitable[Made]]) -> CallRecord:
        started = self.clock.elapsed()
        made = await make()
        call = CallRecord(
            kind=kind,
            name=made.name or name,
            response=json.loads(json_text(made.response)),  # a replay gives back the same values
            usage=made.usage,
            seconds=round(self.clock.elapsed() - started, 3),
        )
        await self._store(key, call)
        return call

    async def _store(self, key: CallKey, call: CallRecord) -> None:
        """Records a finished call, also when this branch is cancelled meanwhile: it was paid for."""

        async def store() -> None:
            await self.journal.record(key, call)
            self.spending.add(call.usage)
            self.used += call.usage

        writing = asyncio.create_task(store())
        self._writes.add(writing)
        writing.add_done_callback(self._writes.discard)
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])
            raise

    def _check(self, kind: Kind, begun: int, expected: Usage, total: Usage) -> None:
        """Raises LimitReached if this call may not be made any more."""
        self._check_money(expected, total.money + self.spending.held)
        if self.limits is None:
            return
        now = self.clock.elapsed()
        self._within("seconds", self.limits.seconds, now - self._opened - self._queue.seconds(now))
        if kind == "model":
            self._within("model_calls", self.limits.model_calls, begun)
            self._within("tokens", self.limits.tokens, self.used.tokens + max(expected.tokens, 1))
        else:
            self._within("tool_calls", self.limits.tool_calls, begun)

    def _check_money(self, expected: Usage, spent: float) -> None:
        """Raises LimitReached if the call costs more than is left; `spent` is what the run's other calls cost."""
        costs = expected.money > 0 or expected.unpriced_calls > 0
        if expected.unpriced_calls and (self.budget is not None or (self.limits and self.limits.money is not None)):
            raise LimitReached(
                "the price of the model is not known, so no limit on money can be kept",
                limit="budget",
                place=self.path,
                remedy='Give its price in the settings ([prices."provider/model"]), or set no limit on money.',
            )
        if costs and self.limits is not None and self.limits.money is not None:
            self._within("money", self.limits.money, self.used.money + expected.money)
        if costs and self.budget is not None:
            self._within("budget", self.budget, spent + expected.money)

    def _within(self, limit: str, allowed: float, needed: float) -> None:
        if needed <= allowed + _CENT_DUST:
            return
        words, remedy = _LIMITS[limit]
        raise LimitReached(words.format(allowed), limit=limit, place=self.path, remedy=remedy)


_LIMITS = {
    "seconds": ("the branch's time limit of {:g} s is over", "Raise limits.seconds, or ask for less."),
    "model_calls": (
        "the branch's limit of {:g} model calls is reached",
        "Raise limits.model_calls, or ask for less.",
    ),
    "tool_calls": (
        "the branch's limit of {:g} tool calls is reached",
        "Raise limits.tool_calls, or ask for less.",
    ),
    "tokens": ("the branch's limit of {:,.0f} tokens is reached", "Raise limits.tokens, or ask for less."),
    "money": ("the branch's limit of ${:.4g} is reached", "Raise limits.money, or use a cheaper model."),
    "budget": ("the run's budget of ${:.4g} is reached", "Raise the budget, or use a cheaper model."),
}
"""By limit: the message, with its value, and the remedy."""


def open_scope(
    ports: Ports,
    spending: Spending,
    path: str,
    context: RunContext,
    limits: BranchLimits | None,
    emit: Callable[[Progress], None],
) -> CallScope:
    """A fresh scope for one execution of the step `path`; `spending` is the run's one."""
    return CallScope(
        path=path,
        journal=ports.journal,
        clock=ports.clock,
        models=ports.models,
        spending=spending,
        emit=emit,
        limits=limits,
        budget=context.budget,
        soft_limit=context.soft_limit,
        run_id=ports.run_id,
    )
