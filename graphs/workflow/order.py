"""The order in which ready steps get the free places, where a workflow has `optimization_enabled`.

A step's rank is the longest way from its start to the end of the run: its own seconds, and those of the steps that
wait for it. Who has the higher rank goes first, which keeps the longest chain busy: the upward rank of list
scheduling, with nothing for transfers (H. Topcuoglu, S. Hariri and M.-Y. Wu, Performance-effective and low-complexity
task scheduling for heterogeneous computing, IEEE TPDS 13(3), 2002).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median

from graphs.workflow.flow import Flow

_TURN = re.compile(r"\[\d+\]")


@dataclass(frozen=True)
class Order:
    """What is known of how long steps take when a run begins; the same for all its attempts."""

    seconds: Mapping[str, float] = field(default_factory=dict)
    """By the path of a step, without the numbers of turns and items: the median over earlier runs."""

    def ranks(self, flow: Flow, prefix: str, after: float) -> dict[str, float]:
        """By id, for the steps of a level; `after` is the rank of what comes when the level has ended."""
        ranks: dict[str, float] = {}
        for id_ in reversed(flow.order):
            below = max((ranks[each] for each in flow.dependents[id_]), default=after)
            ranks[id_] = self.own(f"{prefix}{id_}") + below
        return ranks

    def own(self, path: str) -> float:
        """The seconds of a step; of one that was never measured those of a usual one, so that without any history

        the longest way is the one with most steps.
        """
        return self.seconds.get(_TURN.sub("", path), self._usual)

    @cached_property
    def _usual(self) -> float:
        return median(self.seconds.values()) if self.seconds else 1.0
