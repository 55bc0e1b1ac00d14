"""Random workflows against a plain interpreter, undisturbed and killed at any write."""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.workflow.level import Level
from graphs.workflow.outcomes import StepFailed
from graphs.workflow.running import Call
from state.workflow.steps import ActionStep
from tests.graphs.undoing import Killed, MortalLedger
from tests.graphs.workflow_runs import Runs, Tools, fails

Step = dict[str, Any]
Json = dict[str, Any]
FOREVER = 10**9
INPUTS: Json = {"type": "object", "properties": {"n": {"type": "integer"}, "items": {"type": "array"}}}


class Traced(Tools):
    """Tools that note when each call begins and ends."""

    def __init__(self) -> None:
        super().__init__(works=works, flaky=flaky, fails=fails(), odd=odd)
        self.log: list[tuple[str, str]] = []

    async def action(self, step: ActionStep, call: Call) -> Any:
        self.log.append(("begins", call.path))
        try:
            return await super().action(step, call)
        finally:
            self.log.append(("ends", call.path))


async def works(given: Json, _: Any) -> Any:
    for _ in range(given["place"] % 4):
        await asyncio.sleep(0)
    return {"sum": given["place"] + given.get("seen", 0)}


def flaky(given: Json, call: Call) -> Any:
    if call.tries == 1:
        raise StepFailed("not now", "unavailable")
    return works(given, call)


def odd(given: Json, _: Any) -> Any:
    if given["n"] % 2:
        raise StepFailed("odd", "refused")
    return given["n"]


@st.composite
def workflows(draw: Any, most: int = 60) -> list[Step]:
    """Up to so many steps, each after any of those before it."""
    return [draw(steps(place)) for place in range(draw(st.integers(1, most)))]


@st.composite
def steps(draw: Any, place: int) -> Step:
    """With conditions, joins, tries, failures, tolerance, branches over a list, and what others gave."""
    before = draw(st.lists(st.integers(0, max(place - 1, 0)), max_size=min(place, 4), unique=True))
    step: Step = {
        "id": f"s{place}",
        "type": "action",
        "tool": draw(st.sampled_from(["works", "works", "works", "flaky", "fails"])),
        "depends_on": [f"s{each}" for each in before],
        "retry_policy": {"max_attempts": draw(st.integers(1, 2)), "continue_on_failure": draw(st.booleans())},
        "priority": draw(st.integers(-2, 2)),
        "input_mapping": {"place": place},
    }
    known = ["true", "false", "workflow.n > 1", "workflow.n < 1"]
    if before and draw(st.booleans()):
        step["join"] = draw(st.sampled_from(["any", *({"count": count} for count in range(1, len(before) + 1))]))
    if before and draw(st.integers(0, 2)) == 0:
        known += [f"$s{before[0]}.sum > {place}", f"$s{before[0]}.sum > {3 * place}"]
        step["input_mapping"]["seen"] = f"$s{before[-1]}.sum"
    if draw(st.integers(0, 3)) == 0:
        step["condition"] = draw(st.sampled_from(known))
    if draw(st.integers(0, 5)) == 0:
        step |= {"type": "parallel", "for_each": "workflow.items"}
        step["parallel_failure_threshold"] = draw(st.sampled_from([0, 0.3, 0.5, 1]))
        step["steps"] = [{"id": "in", "type": "action", "tool": "odd", "input_mapping": {"n": "$item"}}]
        del step["tool"]
    return step


@dataclass
class Plain:
    """The rules alone: one step after another, in the order of the file."""

    n: int
    items: list[int]

    def __post_init__(self) -> None:
        self.ends: dict[str, str] = {}
        self.sums: dict[str, int] = {}
        """Of the actions that completed."""
        self.tries: dict[str, int] = {}
        """How often each action is called, by its path."""

    def run(self, definition: list[Step]) -> "Plain":
        for step in definition:
            end = self._end(step)
            is_tolerated = end == "failed" and step["retry_policy"]["continue_on_failure"]
            self.ends[step["id"]] = "tolerated" if is_tolerated else end
        return self

    def _end(self, step: Step) -> str:
        if not self._is_joined(step):
            return "skipped"
        try:
            if not self._holds(step.get("condition", "true")):
                return "skipped"
            seen = self._sum(step["input_mapping"].get("seen", "0"))
        except KeyError:
            return "failed"
        if step["type"] == "parallel":
            self.tries |= {f"{step['id']}[{place}].in": 1 for place in range(len(self.items))}
            return "completed" if self._share() <= step["parallel_failure_threshold"] else "failed"
        self.tries[step["id"]] = step["retry_policy"]["max_attempts"] if step["tool"] == "flaky" else 1
        if step["tool"] == "fails" or (step["tool"], self.tries[step["id"]]) == ("flaky", 1):
            return "failed"
        self.sums[step["id"]] = step["input_mapping"]["place"] + seen
        return "completed"

    def _is_joined(self, step: Step) -> bool:
        before, join = [self.ends[id_] for id_ in step["depends_on"]], step.get("join", "all")
        if join == "all" or not before:
            return "failed" not in before
        well = sum(end in ("completed", "tolerated") for end in before)
        return well >= (1 if join == "any" else int(join["count"]))

    def _holds(self, condition: str) -> bool:
        if condition in ("true", "false"):
            return condition == "true"
        left, sign, right = condition.split()
        value = self.n if left == "workflow.n" else self._sum(left)
        return value > int(right) if sign == ">" else value < int(right)

    def _sum(self, reference: str) -> int:
        """What it refers to; KeyError if there is none."""
        return int(reference) if reference.isdigit() else self.sums[reference.removeprefix("$").removesuffix(".sum")]

    def _share(self) -> float:
        return sum(item % 2 for item in self.items) / (len(self.items) or 1)


def ends_of(level: Level) -> dict[str, str]:
    return {
        id_: "tolerated" if outcome.status == "failed" and outcome.is_handled else outcome.status
        for id_, outcome in level.outcomes.items()
    }


def holds_as(plain: Plain, level: Level) -> None:
    """All steps ended as by the rules, and gave the same."""
    assert ends_of(level) == plain.ends
    assert {id_: each["sum"] for id_, each in level.outputs.items() if "sum" in each} == plain.sums


def in_order(definition: list[Step], log: list[tuple[str, str]]) -> None:
    """Each call begins after those of the steps that its step depends on have ended."""
    first = {path: place for place, (what, path) in reversed([*enumerate(log)]) if what == "begins"}
    last = {path: place for place, (_, path) in enumerate(log)}
    for step in definition:
        for path in (path for path in first if path.split("[")[0] == step["id"]):
            before = [each for each in last if each.split("[")[0] in step["depends_on"]]
            assert all(last[each] < first[path] for each in before)


@pytest.mark.slow
@settings(max_examples=50)
@given(workflows(), st.integers(0, 2), st.integers(1, 5), st.lists(st.integers(0, 1), max_size=4))
def test_every_workflow_ends_as_the_rules_say(definition: list[Step], n: int, places: int, items: list[int]) -> None:
    """Random workflows: each step ends as in a plain interpreter, with its output, starts after its dependencies, and

    is called once for each of its tries.
    """
    tools, plain = Traced(), Plain(n, items).run(definition)
    whole = {"steps": definition, "on_failure": "continue", "max_parallel_steps": places, "inputs": INPUTS}
    level = asyncio.run(Runs(whole, tools, {"n": n, "items": items}).go())
    holds_as(plain, level)
    in_order(definition, tools.log)
    assert Counter(path for _, path in tools.calls) == plain.tries


class Mortal(Runs):
    """A run whose processes die."""

    def __init__(self, definition: list[Step], places: int = 10) -> None:
        self.definition_steps, self.traced = definition, Traced()
        whole = {"steps": definition, "on_failure": "continue", "max_parallel_steps": places, "inputs": INPUTS}
        super().__init__(whole, self.traced, {"n": 1, "items": [0, 1]})
        self.ledger = self.mortal = MortalLedger("r", self.clock)

    async def attempt(self, lives: int = FOREVER, dies_after: bool = False) -> Level | None:
        """One process, which dies at the how many-th write, before or after it; None if it did."""
        done = {step.path for step in await self.ledger.steps() if step.status in ("completed", "skipped")}
        self.mortal.lives, self.mortal.dies_after = lives, dies_after
        level, self.traced.log = None, []
        with suppress(Killed):
            level = await self.go()
        in_order(self.definition_steps, self.traced.log)
        assert not done & {path for _, path in self.traced.log}
        begun = {step.path: step.attempts for step in await self.ledger.steps()}
        assert all(count <= begun[path] for path, count in self.called().items())
        return level

    def called(self) -> Counter[str]:
        return Counter(path for _, path in self.tools.calls)


@pytest.mark.slow
@settings(max_examples=25)
@given(workflows(), st.lists(st.tuples(st.integers(1, 160), st.booleans()), max_size=4), st.integers(1, 5))
def test_a_run_that_is_started_again_ends_the_same(
    definition: list[Step], deaths: list[tuple[int, bool]], places: int
) -> None:
    """The process dies at any write of the ledger, before or after it, several times: the same end, and no step that

    finished runs again; none is called more often than the ledger has attempts of it.
    """
    run = Mortal(definition, places)
    for death in deaths:
        asyncio.run(run.attempt(*death))
    level = asyncio.run(run.attempt())
    assert level is not None
    holds_as(Plain(1, [0, 1]).run(definition), level)


@pytest.mark.slow
@settings(max_examples=5)
@given(workflows(most=6))
def test_every_prefix_of_a_run_can_be_gone_on_from(definition: list[Step]) -> None:
    """A run is killed at each of its writes in turn, and what is there goes on to the same end."""
    plain, undisturbed = Plain(1, [0, 1]).run(definition), Mortal(definition)
    asyncio.run(undisturbed.attempt())
    assert undisturbed.called() == plain.tries
    for death in product(range(1, FOREVER - undisturbed.mortal.lives + 1), (False, True)):
        run = Mortal(definition)
        assert asyncio.run(run.attempt(*death)) is None
        level = asyncio.run(run.attempt())
        assert level is not None
        holds_as(plain, level)
