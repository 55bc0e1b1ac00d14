"""Parts of a run side by side: what is listened for while others work."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from graphs.workflow.arrivals import Arrivals
from graphs.workflow.group import Group
from graphs.workflow.outcomes import Request, Waiting
from tests.graphs.inboxes import MemoryInbox


async def passes() -> None:
    """Lets all that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_waits_last_is_known_while_another_is_taken_up() -> None:
    """The last part at work begins to wait when something has come for another, which works then: both are known."""
    box, begins, finish = MemoryInbox(), asyncio.Event(), asyncio.Event()
    arrivals = Arrivals(box)

    async def reread(_: str) -> None:
        """Nothing is kept."""

    async def part(name: str, before: asyncio.Event | None = None, after: asyncio.Event | None = None) -> str:
        if before is not None:
            await before.wait()
        if name not in arrivals.answers:
            raise Waiting((Request(name, name, event=name),))
        if after is not None:
            await after.wait()
        finish.set()
        return name

    run = cast("Any", SimpleNamespace(arrivals=arrivals, reread=reread))
    async with arrivals, asyncio.timeout(2), Group[str](run, "") as group:
        group.start("first", lambda: part("first", after=finish))
        group.start("second", lambda: part("second", before=begins))
        await passes()
        group.tell("first")
        assert await group.moved() == ("first", None)
        begins.set()
        await passes()
        box.send("first", {})
        await passes()
        ends = asyncio.create_task(group.next())
        await passes()
        box.send("second", {})
        ended = await ends
        assert ended is not None
        assert ended[0] == "second"
