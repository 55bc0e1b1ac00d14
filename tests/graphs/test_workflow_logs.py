"""What the log says of steps, and places that nested workflows share."""

import asyncio
from typing import Any

import pytest
import structlog

from graphs.workflow.slots import Slots
from tests.graphs.workflow_runs import Runs, Tools, fails

STEPS: Any = [
    {"id": "good", "type": "action", "tool": "good"},
    {"id": "bad", "type": "action", "tool": "bad", "retry_policy": {"continue_on_failure": True}},
    {"id": "off", "type": "action", "tool": "good", "condition": "false"},
]


@pytest.mark.parametrize(
    ("level", "told"),
    [
        ("debug", ["completed good", "failed bad", "running bad", "running good", "skipped off"]),
        ("info", ["completed good", "failed bad", "skipped off"]),
        ("warning", ["failed bad"]),
        ("error", ["failed bad"]),
    ],
)
async def test_the_definition_says_what_is_logged(level: str, told: list[str]) -> None:
    """Steps are told from the level on that `log_level` names, each with the run and its path."""
    runs = Runs({"steps": STEPS, "log_level": level}, Tools(good=lambda given, _: given, bad=fails()))
    with structlog.testing.capture_logs() as lines:
        await runs.go()
    assert sorted(f"{line['event'].removeprefix('step ')} {line['step']}" for line in lines) == told
    assert {line["run"] for line in lines} == {"r"}


async def test_places_within_places() -> None:
    """A nested workflow keeps to its own bound, and all of them together to that of the outer one."""
    outer = Slots(3)
    inner = [Slots(2, outer), Slots(2, outer)]
    now = {0: 0, 1: 0}
    most = {"one": 0, "all": 0}

    async def work(which: int) -> None:
        async with inner[which].taken():
            now[which] += 1
            most["one"], most["all"] = max(most["one"], now[which]), max(most["all"], sum(now.values()))
            await asyncio.sleep(0)
            now[which] -= 1

    await asyncio.gather(*(work(turn % 2) for turn in range(20)))
    assert most == {"one": 2, "all": 3}
