"""What comes from outside while a run works: an answer, an event or a time reaches the step that waits for it at once.

A run that only waits is put away, and what has come is handed to it when it is taken up again. As long as other steps
of it work, the same reaches it here, so that an event can end what a step is doing.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from graphs.workflow.outcomes import Request
from state.ports import Inbox


def within(path: str, *, itself: bool) -> re.Pattern[str]:
    """Matches the paths of what stands within a step, and its own if that is wanted."""
    return re.compile(re.escape(path) + (r"($|[.\[])" if itself else r"[.\[]"))


@dataclass
class Arrivals:
    """Those of one attempt at a run; in the block they are listened for."""

    inbox: Inbox | None = None
    """None where nothing comes before the run is taken up again."""
    answers: dict[str, Any] = field(default_factory=dict)
    """What has come, by the ids of requests."""
    _open: dict[str, Request] = field(default_factory=dict)
    _calls: dict[str, Callable[[], None]] = field(default_factory=dict)
    _listening: "asyncio.Task[None] | None" = None

    async def expect(self, requests: Iterable[Request], call: Callable[[], None]) -> None:
        """Makes known what is waited for; `call` is called once when one of them has come. Raises LeaseLost."""
        if self.inbox is None:
            return
        wanted = {request.id: request for request in requests}
        new = {id_: request for id_, request in wanted.items() if id_ not in self._open}
        self._calls |= dict.fromkeys(wanted, call)
        self._open |= new
        if new:
            await self.inbox.open({id_: request.shown for id_, request in new.items()})

    def forget(self, requests: Iterable[Request]) -> None:
        """Nobody is to be called for these; they stay known."""
        for request in requests:
            self._calls.pop(request.id, None)

    async def close(self, requests: Iterable[Request]) -> bool:
        """Waits for these no longer; whether something has come for them until now. It is among the answers then.

        Raises LeaseLost.
        """
        if self.inbox is None:
            return False
        wanted = {request.id: request for request in requests}
        self.forget(wanted.values())
        new = {id_: request.shown for id_, request in wanted.items() if self._open.pop(id_, None) is None}
        if new:
            await self.inbox.open(new)  # something may have been sent before anybody listened
        came = await self.inbox.close([*wanted])
        self.answers |= came
        return bool(came)

    async def withdraw(self, path: str, ids: Iterable[str] = (), *, itself: bool) -> None:
        """Nothing waits below a path any more, nor at it if it is meant itself, nor for what has these `ids`.

        What had come for it, and was not taken, is not lost to others. Raises LeaseLost.
        """
        inside = within(path, itself=itself)
        gone = {*ids, *(request.id for request in self._open.values() if inside.match(request.path))}
        for id_ in gone:
            self._calls.pop(id_, None)
            self._open.pop(id_, None)
        if gone and self.inbox is not None:
            await self.inbox.drop(sorted(gone))

    async def _listen(self, inbox: Inbox) -> None:
        while True:
            came = await inbox.come()
            self.answers |= came
            calls = [self._calls.pop(id_, None) for id_ in came]
            for id_ in came:
                self._open.pop(id_, None)
            for call in calls:
                if call is not None:
                    call()

    async def __aenter__(self) -> Self:
        if self.inbox is not None:
            self._listening = asyncio.create_task(self._listen(self.inbox), name="arrivals")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raises what ended the listening, unless the block has an error of its own."""
        if self._listening is None:
            return
        self._listening.cancel()
        await asyncio.wait([self._listening])
        if not self._listening.cancelled() and error is None:
            self._listening.result()
