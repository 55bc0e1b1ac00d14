"""Recorded task graphs in WfFormat as workflow definitions, and how fast a run of one could be at best."""

import heapq
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TaskGraph:
    """Tasks, what each waits for, and how long each takes."""

    name: str
    needs: Mapping[str, tuple[str, ...]]
    """By task, each after those it waits for."""
    seconds: Mapping[str, float]

    def timed(self, bound: float, cap: int, shortest: float) -> "TaskGraph":
        """The same with its times scaled to a bound of so many seconds, and then none under `shortest`."""
        scale = bound / self.bound(cap)
        seconds = {id_: max(each * scale, shortest) for id_, each in self.seconds.items()}
        return TaskGraph(self.name, self.needs, seconds)

    @property
    def critical_path(self) -> float:
        """Seconds of the longest chain: no run is faster, whatever may run at once."""
        ends: dict[str, float] = {}
        for id_, before in self.needs.items():
            ends[id_] = max((ends[each] for each in before), default=0.0) + self.seconds[id_]
        return max(ends.values())

    def bound(self, cap: int) -> float:
        """Seconds under which no run with at most `cap` tasks at once can be."""
        return max(self.critical_path, sum(self.seconds.values()) / cap)

    def listed(self, cap: int) -> float:
        """Seconds of a list schedule: whoever is ready first works first, at most `cap` at once, at no cost at all."""
        followers: dict[str, list[str]] = {id_: [] for id_ in self.needs}
        for id_, before in self.needs.items():
            for each in before:
                followers[each].append(id_)
        left = {id_: len(before) for id_, before in self.needs.items()}
        ready = deque(id_ for id_, count in left.items() if not count)
        running: list[tuple[float, str]] = []
        now = 0.0
        while ready or running:
            while ready and len(running) < cap:
                id_ = ready.popleft()
                heapq.heappush(running, (now + self.seconds[id_], id_))
            now, ended = heapq.heappop(running)
            for id_ in followers[ended]:
                left[id_] -= 1
                if not left[id_]:
                    ready.append(id_)
        return now

    def definition(self, cap: int) -> dict[str, Any]:
        """A workflow of one action per task: its tool `task` does what the task's id says."""
        steps = [
            {"id": id_, "type": "action", "tool": "task", "depends_on": before} for id_, before in self.needs.items()
        ]
        return {"name": "tasks", "steps": steps, "max_parallel_steps": cap, "timeout": 3600}


def read(path: Path) -> TaskGraph:
    """A recorded run. Its tasks get short names: theirs have signs that ids of steps may not have."""
    workflow = json.loads(path.read_text(encoding="utf-8"))["workflow"]
    tasks = {task["id"]: task["parents"] for task in workflow["specification"]["tasks"]}
    order = list(TopologicalSorter(tasks).static_order())
    short = {id_: f"t{number}" for number, id_ in enumerate(order)}
    seconds = {short[task["id"]]: float(task["runtimeInSeconds"]) for task in workflow["execution"]["tasks"]}
    needs = {short[id_]: tuple(dict.fromkeys(short[each] for each in tasks[id_])) for id_ in order}
    return TaskGraph(path.stem, needs, seconds)


def fan(width: int, seconds: float) -> TaskGraph:
    """One task, `width` after it, and one that waits for all of these."""
    middle = [f"m{number}" for number in range(width)]
    needs = {"first": (), **dict.fromkeys(middle, ("first",)), "join": tuple(middle)}
    return TaskGraph(f"fan {width}", needs, dict.fromkeys(needs, seconds))


def chain(length: int, seconds: float) -> TaskGraph:
    """Tasks one after another."""
    needs = {f"c{number}": (f"c{number - 1}",) if number else () for number in range(length)}
    return TaskGraph(f"chain {length}", needs, dict.fromkeys(needs, seconds))
