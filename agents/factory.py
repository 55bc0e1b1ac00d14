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
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
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

    @asynccontextmanager
    async def placed(self, able: Iterable[AgentTemplate]) -> AsyncIterator[AgentTemplate]:
        """The first of them who has a free place; it is kept for as long as the block lasts, however that ends.

        Waits where none has. Raises NoCapacity when that takes too long.
        """
        template = await self._taken(list(able))
        try:
            yield template
        finally:
            self._busy[template.name] -= 1
            self._freed.set()
            self._freed = asyncio.Event()

    async def _taken(self, able: list[AgentTemplate]) -> AgentTemplate:
        try:
            async with asyncio.timeout(self.patience):
                while (free := next(filter(self._has_room, able), None)) is None:
                    await self._freed.wait()
                self._busy[free.name] += 1
                return free
        except TimeoutError as error:
            names = ", ".join(template.name for template in able)
            raise NoCapacity(
                f"All agents who could do it have been at work for {self.patience:g} s: {names}.",
                remedy="Raise most_at_once in their templates, or let fewer steps run at the same time.",
            ) from error

    def _has_room(self, template: AgentTemplate) -> bool:
        return template.most_at_once is None or self._busy[template.name] < template.most_at_once


def _share(allowed: float, needed: float) -> float:
    return min(1.0, allowed / needed) if needed > 0 else 1.0
