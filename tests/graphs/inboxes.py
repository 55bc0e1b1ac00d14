"""What comes for a run that works, without a database: a test sends it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from state.runs import Json


class MemoryInbox:
    """Events and answers that a test sends; an event that comes early is kept, unless the wait says otherwise."""

    def __init__(self) -> None:
        self.open_now: dict[str, Any] = {}
        """What is waited for, by id."""
        self.kept: list[tuple[str, Json]] = []
        self._came: dict[str, Json] = {}
        self._given: dict[str, Json] = {}
        """What has come, by id: it is there again when a later process waits for it."""
        self._events: dict[str, str] = {}
        """The names of the events among these."""
        self._changed = asyncio.Event()

    async def open(self, shown: Mapping[str, Any]) -> None:
        for id_ in self._given.keys() & shown.keys():
            self._take(id_, self._given[id_])
        self.open_now |= {id_: value for id_, value in shown.items() if id_ not in self._given}
        for name, data in tuple(self.kept):
            if any(each.get("event") == name and not each.get("transient") for each in shown.values()):
                self.kept.remove((name, data))
                self.send(name, data)

    async def close(self, ids: Sequence[str]) -> Mapping[str, Json]:
        for id_ in ids:
            self.open_now.pop(id_, None)
        return {id_: self._given[id_] for id_ in ids if id_ in self._given}

    async def drop(self, ids: Sequence[str]) -> None:
        for id_ in ids:
            self.open_now.pop(id_, None)
            self._came.pop(id_, None)
        kept, self.kept = self.kept, []
        for id_ in [each for each in self._given if each in ids and each in self._events]:  # in their order
            self.send(self._events.pop(id_), self._given.pop(id_)["data"])
        self.kept += kept

    async def come(self) -> Mapping[str, Json]:
        while not self._came:
            self._changed.clear()
            await self._changed.wait()
        came, self._came = self._came, {}
        return came

    def send(self, name: str, data: Json) -> None:
        """An event: the first wait for it takes it."""
        for id_, value in self.open_now.items():
            if value.get("event") == name:
                self._events[id_] = name
                self._take(id_, {"data": data})
                return
        self.kept.append((name, data))

    def answer(self, path: str, answer: Json) -> None:
        """An answer to the request of a step."""
        for id_, value in self.open_now.items():
            if value.get("action_requests", [{}])[0].get("name") == path:
                self._take(id_, answer)
                return
        raise AssertionError(f"{path} asks nobody")

    def _take(self, id_: str, what: Json) -> None:
        self.open_now.pop(id_, None)
        self._came[id_] = self._given[id_] = what
        self._changed.set()
