"""Whose turn it is at a provider: one governor for all branches and runs of the process, so that a limit on
requests or tokens a minute is kept, not run into.

A request is let go when, with it, no minute holds more requests or tokens than the provider allows: a log of the last
minute, which also satisfies providers that count by fixed windows or by a bucket that refills. The figures come from
the settings or from the provider's `x-ratelimit-*` headers, the smaller counts. Where neither tells, a refusal (429)
does: nobody asks before `Retry-After` is over, then one request goes alone, and each that is answered lets one more
go beside it, as TCP's slow start does (RFC 5681, section 3.1).

Who waits is served run by run, within a run in order; one that was refused goes first. LangChain's InMemoryRateLimiter
and the limiter packages that were looked at (aiolimiter, pyrate-limiter) have one fixed rate each: none weighs two
limits at once, changes a limit in use, stops for `Retry-After`, or is fair between groups.
"""

import asyncio
import math
import re
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from state.errors import RateLimited
from state.ports import Clock, Sent, Turn

WINDOW_SECONDS = 60.0
_MARGIN_SECONDS = 0.25
"""A request may be longer on its way than the one before it, and the provider counts when it arrives."""
LONGEST_HOLD_SECONDS = 120.0
"""Whoever is refused for longer is not waited for: it may be the limit of a day."""
_DURATION = re.compile(r"(?:(?P<h>[\d.]+)h)?(?:(?P<m>[\d.]+)m(?!s))?(?:(?P<s>[\d.]+)s)?(?:(?P<ms>[\d.]+)ms)?")


class RateGovernor:
    """The limits of one provider, and those who wait for their turn. Of one event loop."""

    def __init__(
        self,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        concurrent_requests: int | None = None,
    ) -> None:
        """None: no limit is known; the provider may still name one."""
        self._requests = requests_per_minute or math.inf
        self._tokens = tokens_per_minute or math.inf
        self._told_requests = self._told_tokens = math.inf
        self._log: deque[Sent] = deque()
        self._lines: OrderedDict[str, deque[asyncio.Event]] = OrderedDict()
        self._under_way = 0
        self._concurrent: float = concurrent_requests or math.inf
        self._most_under_way = math.inf
        """As refusals have it."""
        self._not_before = -math.inf

    @asynccontextmanager
    async def turn(self, turn: Turn) -> AsyncIterator[Sent]:
        """Lets the block make one request when its turn has come; who waits can be cancelled.

        A RateLimited that the block raises holds the others back. `Sent.tokens` may be corrected in the block.
        """
        sent = await self._admitted(turn)
        try:
            yield sent
        except RateLimited as error:
            self._most_under_way = 1
            self._hold(turn.clock, error.retry_after or 0.0)
            raise
        else:
            self._most_under_way += 1
        finally:
            self._under_way -= 1
            self._wake()

    def learn(self, headers: Mapping[str, str], clock: Clock) -> None:
        """Takes in what an answer says of the limits: `x-ratelimit-limit-requests` and its siblings."""
        self._told_requests = _number(headers.get("x-ratelimit-limit-requests"), self._told_requests)
        self._told_tokens = _number(headers.get("x-ratelimit-limit-tokens"), self._told_tokens)
        for name in ("requests", "tokens"):
            if headers.get(f"x-ratelimit-remaining-{name}", "").strip() == "0":
                seconds = seconds_of(headers.get(f"x-ratelimit-reset-{name}", ""))
                self._hold(clock, seconds or 0.0)

    async def _admitted(self, turn: Turn) -> Sent:
        if not self._lines and self._delay(turn) <= 0:
            return self._take(turn)
        me = asyncio.Event()
        line = self._lines.setdefault(turn.run, deque())
        if turn.again:
            line.appendleft(me)
            self._lines.move_to_end(turn.run, last=False)
        else:
            line.append(me)
        served = False
        try:
            with turn.waiting():
                await self._first(me, turn)
            served = True
            return self._take(turn)
        finally:
            self._leave(turn.run, me, served=served)

    async def _first(self, me: asyncio.Event, turn: Turn) -> None:
        """Waits until it is this one's turn, and there is room."""
        while True:
            me.clear()
            delay = self._delay(turn) if self._next() is me else math.inf
            if delay <= 0:
                return
            if delay < math.inf:
                await turn.clock.sleep(delay)
            else:
                await me.wait()

    def _delay(self, turn: Turn) -> float:
        """Seconds until the request may go; infinite where it must be told."""
        now = turn.clock.elapsed()
        while self._log and self._log[0].at <= now - WINDOW_SECONDS - _MARGIN_SECONDS:
            self._log.popleft()
        if now < self._not_before:
            return self._not_before - now
        if self._under_way >= min(self._most_under_way, self._concurrent):
            return math.inf
        requests, tokens = min(self._requests, self._told_requests), min(self._tokens, self._told_tokens)
        count, used = len(self._log) + 1, sum(sent.tokens for sent in self._log) + min(turn.tokens, tokens)
        if count <= max(1.0, requests) and used <= tokens:
            return 0.0
        for sent in self._log:
            count, used = count - 1, used - sent.tokens
            if count <= max(1.0, requests) and used <= tokens:
                return sent.at + WINDOW_SECONDS + _MARGIN_SECONDS - now
        return 0.0

    def _take(self, turn: Turn) -> Sent:
        sent = Sent(turn.clock.elapsed(), turn.tokens)
        self._log.append(sent)
        self._under_way += 1
        return sent

    def _hold(self, clock: Clock, seconds: float) -> None:
        """Nobody asks before this time is over, unless it is too long to wait for."""
        if seconds <= LONGEST_HOLD_SECONDS:
            self._not_before = max(self._not_before, clock.elapsed() + seconds + _MARGIN_SECONDS)

    def _next(self) -> asyncio.Event | None:
        return next(iter(self._lines.values()))[0] if self._lines else None

    def _leave(self, run: str, me: asyncio.Event, *, served: bool) -> None:
        line = self._lines[run]
        line.remove(me)
        if not line:
            del self._lines[run]
        elif served:
            self._lines.move_to_end(run)
        self._wake()

    def _wake(self) -> None:
        first = self._next()
        if first is not None:
            first.set()


def seconds_of(text: str) -> float | None:
    """The seconds in a header such as `1s`, `6m0s`, `120ms` or `12`; None if it is none."""
    text = text.strip()
    found = _DURATION.fullmatch(text)
    try:
        if not text or found is None or not any(found.groups()):
            return max(0.0, float(text))
        parts = {unit: float(value or 0) for unit, value in found.groupdict().items()}
    except ValueError:
        return None
    return parts["h"] * 3600 + parts["m"] * 60 + parts["s"] + parts["ms"] / 1000


def _number(text: str | None, before: float) -> float:
    try:
        value = float(text or "")
    except ValueError:
        return before
    return value if 0 < value < math.inf else before
