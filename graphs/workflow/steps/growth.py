"""What adds branches to a `parallel` step while it works: one wait after the other for an event.

Each wait has a place of its own in the ledger (`checks.more_0`), so that a run that is resumed has the same list.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphs.workflow.dropping import cancel_within
from graphs.workflow.group import Group, Work
from graphs.workflow.level import result_of
from graphs.workflow.running import Call
from state.workflow.steps import WaitStep

_PART = ".more_"
"""What stands between the path of the step and the number of a wait."""
_WAIT = re.compile(rf"(.+[^\]]){re.escape(_PART)}\d+")
"""The path of a wait: a step of a branch has the number of the branch before it."""


def list_of(path: str) -> str | None:
    """The path of the step whose list the wait at a path may add to, if it is one that grows; None for others."""
    found = _WAIT.fullmatch(path)
    return found[1] if found else None


@dataclass
class Growth:
    """The items that a list gets."""

    event: str
    call: Call
    branch: Callable[[Any], tuple[str, Work[Any]]]
    """What stands after the step's path in those of the branch for a further item, and its work."""
    number: int = 0
    """Of the items that have come."""

    @property
    def name(self) -> str:
        """The part of the group that waits for the next."""
        return f"{_PART}{self.number}"

    async def begin(self, group: Group[Any]) -> None:
        """Waits for the first; what came in an earlier try of the step comes again."""
        await self.call.run.reread(f"{self.call.path}{_PART}")
        group.start(self.name, self._come)

    def come(self, group: Group[Any], item: Any) -> dict[str, Work[Any]]:
        """Begins the branch for an item, and waits for the next; nothing where the list was closed before."""
        if item is None:
            return {}
        name, work = self.branch(item)
        group.start(name, work)
        self.number += 1
        group.start(self.name, self._come)
        return {name: work}

    async def goes_on(self, group: Group[Any]) -> bool:
        """Whether another is added, now that all branches have ended: one that was sent before and not seen yet."""
        if group.waiting.keys() != {self.name} or not await self.call.run.arrivals.close(group.waiting[self.name]):
            return False
        await group.take_up(self.name)
        return True

    async def end(self) -> None:
        """No more are added."""
        await cancel_within(self.call.run, f"{self.call.path}{self.name}", itself=True)

    async def _come(self) -> Any:
        """The data of the next event; None where the list was closed before."""
        wait = WaitStep(id=self.name.removeprefix("."), event=self.event)
        return result_of(await self.call.level("", (wait,)))
