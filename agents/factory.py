"""Chooses the agent for a task: who is able to do it, did it well before, and can be afforded; and keeps its place.

score = 0.4 capability + 0.4 success + 0.2 resources, each from 0 to 1:
- capability: 1 for what an agent does best, down to 0.5 for what stands last in its list;
- success: (done + 1) / (done + failed + 2) over its tasks so far (the rule of succession, Laplace 1814), so 0.5 for an
  agent without a history; 0.5 for all where success is not to count;
- resources: how much of what a task takes the step allows, in tokens and in seconds, the mean of both; a task takes
  what the agent's tasks took so far, from the fifth on, and what its template says before.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field

from state.agents import AgentTemplate, AgentTrack
from state.errors import NoCapacity, NoSuitableAgent

NEUTRAL = 0.5
"""The success of an agent that has none to show yet."""
PATIENCE = 60.0
"""Seconds that a task waits for a place."""
_CAPABILITY, _SUCCESS, _RESOURCES = 0.4, 0.4, 0.2
_LAST = 0.5
_ENOUGH = 5
"""Tasks after which what they took is what a task takes."""


@dataclass(frozen=True)
class Wanted:
    """What a step asks of an agent, and what it may spend."""

    capability: str
    tokens: int
    seconds: float
    adaptive: bool = False
    """Whether success so far counts."""


@dataclass
class Factory:
    """The agents of one run."""

    templates: Mapping[str, AgentTemplate]
    tracks: Mapping[str, AgentTrack] = field(default_factory=dict)
    """What became of their work so far, by name."""
    patience: float = PATIENCE

    def __post_init__(self) -> None:
        self._busy: Counter[str] = Counter()
        self._freed = asyncio.Event()

    def named(self, name: str) -> AgentTemplate:
        """The template of a name. Raises NoSuitableAgent."""
        if name not in self.templates:
            raise NoSuitableAgent(
                f"There is no agent {name!r}.", remedy=f"There are {', '.join(sorted(self.templates))}."
            )
        return self.templates[name]

    def ranked(self, wanted: Wanted) -> list[tuple[float, AgentTemplate]]:
        """Those who are able to do it, each with its score, best first. Raises NoSuitableAgent where nobody is."""
        able = [each for each in self.templates.values() if wanted.capability in each.capabilities]
        if not able:
            known = sorted({each for template in self.templates.values() for each in template.capabilities})
            raise NoSuitableAgent(
                f"No agent is able to do {wanted.capability!r}.",
                remedy=f"Known are {', '.join(known)}; add a template for another (docs/agents.md).",
            )
        return sorted(((self.score(each, wanted), each) for each in able), key=lambda pair: (-pair[0], pair[1].name))

    def score(self, template: AgentTemplate, wanted: Wanted) -> float:
        """How well a template fits, from 0 to 1."""
        place, last = template.capabilities.index(wanted.capability), len(template.capabilities) - 1
        capability = 1.0 - (1.0 - _LAST) * place / last if last else 1.0
        track = self.tracks.get(template.name, AgentTrack())
        success = (track.done + 1) / (track.tasks + 2) if wanted.adaptive else NEUTRAL
        needs = track if track.tasks >= _ENOUGH else template.needs
        resources = (_share(wanted.tokens, needs.tokens) + _share(wanted.seconds, needs.seconds)) / 2
        return round(_CAPABILITY * capability + _SUCCESS * success + _RESOURCES * resources, 6)

    def shared_out(self, wanted: Wanted, taken: Mapping[str, int]) -> AgentTemplate:
        """The best who has a place left beside what is `taken` already, by name; the best of all where nobody has.

        Raises NoSuitableAgent.
        """
        able = [template for _, template in self.ranked(wanted)]
        return next((each for each in able if _has_room(each, taken.get(each.name, 0))), able[0])

    @asynccontextmanager
    async def placed(
        self,
        able: Iterable[AgentTemplate],
        patience: float | None = None,
        waiting: Callable[[str], AbstractContextManager[None]] | None = None,
    ) -> AsyncIterator[AgentTemplate]:
        """The first of them who has a free place; it is kept for as long as the block lasts, however that ends.

        Waits where none has, inside of `waiting`, which is told what for. Raises NoCapacity when that takes longer than
        `patience`, in seconds.
        """
        template = await self._taken(list(able), self.patience if patience is None else patience, waiting)
        try:
            yield template
        finally:
            self._busy[template.name] -= 1
            self._freed.set()
            self._freed = asyncio.Event()

    async def _taken(
        self,
        able: list[AgentTemplate],
        patience: float,
        waiting: Callable[[str], AbstractContextManager[None]] | None,
    ) -> AgentTemplate:
        names = ", ".join(template.name for template in able)
        if (free := self._free(able)) is None:
            try:
                with waiting(f"for a place: {names} at work") if waiting else nullcontext():
                    async with asyncio.timeout(patience):
                        while (free := self._free(able)) is None:
                            await self._freed.wait()
            except TimeoutError as error:
                raise NoCapacity(
                    f"All agents who could do it have been at work for {patience:g} s: {names}.",
                    remedy="Raise most_at_once in their templates, or let fewer steps run at the same time.",
                ) from error
        self._busy[free.name] += 1
        return free

    def _free(self, able: list[AgentTemplate]) -> AgentTemplate | None:
        return next((each for each in able if _has_room(each, self._busy[each.name])), None)


def _has_room(template: AgentTemplate, taken: int) -> bool:
    return template.most_at_once is None or taken < template.most_at_once


def _share(allowed: float, needed: float) -> float:
    return min(1.0, allowed / needed) if needed > 0 else 1.0
