"""`optimization_enabled`: which of the ready steps gets a free place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from graphs.workflow.flow import flow_of
from graphs.workflow.order import Order
from state.workflow.definition import WorkflowDefinition
from tests.graphs.ticking import Ticking

TAKES = {"s1": 3, "s2": 3, "s3": 3, "s4": 3, "first": 1, "then": 6}
START: Any = {"inputs": {}}


class Times:
    """What earlier runs took; how often that was asked for."""

    def __init__(self, seconds: Mapping[str, float]) -> None:
        self.known, self.asked = dict(seconds), 0

    async def seconds(self) -> Mapping[str, float]:
        self.asked += 1
        return dict(self.known)


def ticking(folder: Path, times: Times, *, on: bool = True, urgent: str = "") -> Ticking:
    """Four steps that wait for nothing, and a chain of two behind them in the file; two work at a time."""
    steps = [{"id": f"s{number}"} for number in range(1, 5)] + [{"id": "first"}, {"id": "then"}]
    lines = [
        f"- {{id: {each['id']}, type: action, tool: t, priority: {int(each['id'] == urgent)}"
        f"{', depends_on: [first]' if each['id'] == 'then' else ''}}}"
        for each in steps
    ]
    head = ["name: w", "max_parallel_steps: 2", f"optimization_enabled: {str(on).lower()}", "steps:"]
    file = folder / "w.yaml"
    file.write_text("\n".join([*head, *lines]), encoding="utf-8")
    return Ticking(file, TAKES, times)


@pytest.mark.parametrize(
    ("on", "known", "ticks", "asked"), [(False, TAKES, 13, 0), (True, {}, 12, 1), (True, TAKES, 10, 1)]
)
async def test_the_longest_way_to_the_end_goes_first(
    tmp_path: Path, on: bool, known: dict[str, float], ticks: int, asked: int
) -> None:
    """By the times of earlier runs, or by the number of steps where there are none; only where the workflow says so."""
    times = Times(known)
    run = ticking(tmp_path, times, on=on)
    await run.go(START)
    assert (run.ticks.now, times.asked) == (ticks, asked)
    kept = [record.result for record in await run.ports.ledger.steps()]
    assert all(("seconds" in (result or {})) is on for result in kept)


async def test_priority_comes_before_the_longest_way(tmp_path: Path) -> None:
    """A step of higher priority starts at once, however little comes after it."""
    run = ticking(tmp_path, Times(TAKES), urgent="s4")
    await run.go(START)
    assert {path for path, span in run.spans.items() if span[0] == 0} == {"s4", "first"}


async def test_a_run_that_is_started_again_keeps_its_order(tmp_path: Path) -> None:
    """What became known of times since then does not count."""
    times = Times(TAKES)
    run = ticking(tmp_path, times)
    await run.go(START, until=1)
    times.known = {"s3": 100, "s4": 100}
    await run.go(None)
    assert times.asked == 1
    assert run.spans["s2"] < run.spans["s3"]


def test_steps_within_a_step_count_with_what_comes_after_it() -> None:
    """Turns of a loop share their times; a step that was never measured takes as long as a usual one."""
    steps = [
        {"id": "turn", "type": "action", "tool": "t"},
        {"id": "new", "type": "action", "tool": "t", "depends_on": ["turn"]},
    ]
    flow = flow_of(WorkflowDefinition.model_validate({"name": "w", "steps": steps}).steps)
    order = Order({"loop.turn": 5, "loop": 20, "other": 2})
    assert order.ranks(flow, "loop[3].", after=7) == {"new": 12, "turn": 17}
    assert Order().ranks(flow, "", after=0) == {"new": 1, "turn": 2}
