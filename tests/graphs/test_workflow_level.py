"""Steps run in the order of the data: against a plain interpreter, and after every kind of stop."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.workflow.level import Level, result_of
from graphs.workflow.outcomes import StepFailed
from tests.graphs.undoing import Killed, MortalLedger
from tests.graphs.workflow_runs import Runs, Tools, fails

Step = dict[str, Any]
Steps = list[Step]
INPUTS: dict[str, Any] = {"type": "object", "properties": {"n": {"type": "integer"}, "items": {"type": "array"}}}
THRESHOLDS = st.sampled_from([0, 0.3, 0.5, 1])


def joins(most: int) -> list[Any]:
    return ["all", "any", *({"count": count} for count in range(1, most + 1))]


@st.composite
def workflows(draw: Any) -> Steps:
    """Up to 60 steps, each after any of those before it, with conditions, joins, failures and tolerance."""
    steps: Steps = []
    for place in range(draw(st.integers(1, 60))):
        earlier = st.integers(0, max(place - 1, 0))
        before = draw(st.lists(earlier, max_size=min(place, 4), unique=True))
        step: dict[str, Any] = {
            "id": f"s{place}",
            "type": "action",
            "tool": draw(st.sampled_from(["works", "works", "works", "fails"])),
            "depends_on": [f"s{each}" for each in before],
            "retry_policy": {"max_attempts": 1, "continue_on_failure": draw(st.sampled_from([True, False]))},
            "priority": draw(st.integers(-2, 2)),
            "input_mapping": {"place": place},
        }
        if draw(st.integers(0, 5)) == 0:
            step |= {"type": "parallel", "for_each": "workflow.items", "parallel_failure_threshold": draw(THRESHOLDS)}
            step["steps"] = [{"id": "in", "type": "action", "tool": "odd", "input_mapping": {"n": "$item"}}]
            del step["tool"], step["input_mapping"]
        if draw(st.integers(0, 4)) == 0:
            step["condition"] = draw(st.sampled_from(["true", "false", "workflow.n > 1", "workflow.n < 1"]))
        if before and draw(st.integers(0, 1)):
            step["join"] = draw(st.sampled_from(joins(len(before))))
        steps.append(step)
    return steps


def odd(given: dict[str, Any], _: Any) -> Any:
    if given["n"] % 2:
        raise StepFailed("odd", "refused")
    return given["n"]


def works(given: dict[str, Any], _: Any) -> Any:
    return {"place": given["place"]}


def works_out(step: Step, items: list[int]) -> bool:
    if step["type"] == "action":
        return bool(step["tool"] == "works")
    return sum(n % 2 for n in items) <= step["parallel_failure_threshold"] * len(items)


def interpreted(steps: Steps, n: int, items: list[int]) -> dict[str, str]:
    """How each step must end: one after another, by the rules alone."""
    ends: dict[str, str] = {}
    for step in steps:
        before = [ends[id_] for id_ in step["depends_on"]]
        join = step.get("join", "all")
        well = sum(end in ("completed", "tolerated") for end in before)
        wanted = {"all": 0, "any": 1}.get(join, 0) if isinstance(join, str) else join["count"]
        condition = {"true": True, "false": False, "workflow.n > 1": n > 1, "workflow.n < 1": n < 1}
        is_joined = "failed" not in before if join == "all" else not before or well >= wanted
        if not is_joined or not condition[step.get("condition", "true")]:
            ends[step["id"]] = "skipped"
        elif works_out(step, items):
            ends[step["id"]] = "completed"
        else:
            ends[step["id"]] = "tolerated" if step["retry_policy"]["continue_on_failure"] else "failed"
    return ends


def ends_of(level: Level) -> dict[str, str]:
    return {
        id_: "tolerated" if outcome.status == "failed" and outcome.is_handled else outcome.status
        for id_, outcome in level.outcomes.items()
    }


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(workflows(), st.integers(0, 2), st.integers(1, 5), st.lists(st.integers(0, 1), max_size=4))
def test_every_workflow_ends_as_the_rules_say(steps: Steps, n: int, places: int, items: list[int]) -> None:
    """Random workflows: each step ends as in a plain interpreter, starts after its dependencies, and runs once."""
    tools = Tools(works=works, fails=fails(), odd=odd)
    definition = {"steps": steps, "on_failure": "continue", "max_parallel_steps": places, "inputs": INPUTS}
    level = asyncio.run(Runs(definition, tools, {"n": n, "items": items}).go())
    wanted = interpreted(steps, n, items)
    assert ends_of(level) == wanted
    called = [path for _, path in tools.calls]
    assert len(called) == len(set(called))
    actions = {step["id"] for step in steps if step["type"] == "action"}
    assert {*called} & actions == {id_ for id_ in actions if wanted[id_] != "skipped"}
    spread = [id_ for id_, end in wanted.items() if id_ not in actions and end != "skipped"]
    assert len({*called} - actions) == len(spread) * len(items)
    for step in steps:
        if step["id"] in called:
            before = [id_ for id_ in step["depends_on"] if id_ in called]
            assert all(called.index(id_) < called.index(step["id"]) for id_ in before)
    for id_, end in wanted.items():
        if end == "completed" and id_ in actions:
            assert level.outputs[id_] == {"place": int(id_[1:])}


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(workflows(), st.lists(st.tuples(st.integers(1, 60), st.booleans()), max_size=4))
def test_a_run_that_is_started_again_ends_the_same(steps: Steps, deaths: list[tuple[int, bool]]) -> None:
    """The process dies at any write of the ledger, before or after it, several times: the same end, and no step that

    finished runs again.
    """
    tools = Tools(works=works, fails=fails(), odd=odd)
    runs = Runs({"steps": steps, "on_failure": "continue", "inputs": INPUTS}, tools, {"n": 1, "items": [0, 1]})
    ledger = runs.ledger = MortalLedger("r", runs.clock)

    async def attempt(lives: int, dies_after: bool) -> Level | None:
        done = {step.path for step in await ledger.steps() if step.status == "completed"}
        before, ledger.lives, ledger.dies_after = len(tools.calls), lives, dies_after
        level = None
        with suppress(Killed):
            level = await runs.go()
        assert not done & {path for _, path in tools.calls[before:]}
        return level

    for death in deaths:
        asyncio.run(attempt(*death))
    level = asyncio.run(attempt(10**9, False))
    assert level is not None
    assert ends_of(level) == interpreted(steps, 1, [0, 1])


async def test_a_failure_stops_what_has_not_started() -> None:
    """After a failure that nobody handles no step is started; what runs is waited for, and the error is told."""
    tools = Tools(works=works, fails=fails("refused"))
    runs = Runs(
        {
            "steps": [
                {"id": "a", "type": "action", "tool": "fails"},
                {"id": "b", "type": "action", "tool": "works", "input_mapping": {"place": 1}},
                {"id": "c", "type": "action", "tool": "works", "depends_on": ["b"]},
            ]
        },
        tools,
    )
    level = await runs.go()
    assert ends_of(level) == {"a": "failed", "b": "completed"}
    with pytest.raises(StepFailed, match="a: it does not work") as told:
        result_of(level)
    assert told.value.error == "refused"


async def test_an_error_handler_takes_over() -> None:
    """The handler of the error's class sees it as `$error`; those that depend on the step see the handler's output."""
    seen = []

    def notes(given: dict[str, Any], _: Any) -> str:
        seen.append(given)
        return "mended"

    tools = Tools(fails=fails("timeout"), notes=notes, works=lambda given, _: given)
    runs = Runs(
        {
            "steps": [
                {
                    "id": "a",
                    "type": "action",
                    "tool": "fails",
                    "retry_policy": {"max_attempts": 1},
                    "error_handlers": [{"step": "other", "on": ["refused"]}, {"step": "mend", "on": ["timeout"]}],
                },
                {"id": "other", "type": "action", "tool": "notes"},
                {
                    "id": "mend",
                    "type": "action",
                    "tool": "notes",
                    "input_mapping": {"class": "$error.class", "step": "$error.step"},
                },
                {"id": "b", "type": "action", "tool": "works", "depends_on": ["a"], "input_mapping": {"got": "$a"}},
            ]
        },
        tools,
    )
    level = await runs.go()
    assert seen == [{"class": "timeout", "step": "a"}]
    assert level.outputs["b"] == {"got": "mended"}
    assert level.outcomes["other"].status == "skipped"


async def test_transient_failures_are_tried_again() -> None:
    """A failure of a class in `retry_on` is tried until the attempts are used; each pause is as the policy says."""
    tries = []

    def shaky(_: Any, call: Any) -> Any:
        tries.append(call.tries)
        if len(tries) < 3:
            raise StepFailed("busy", "unavailable")
        return "there"

    policy = {"max_attempts": 3, "delay": 2, "multiplier": 3, "jitter": False}
    runs = Runs({"steps": [{"id": "a", "type": "action", "tool": "shaky", "retry_policy": policy}]}, Tools(shaky=shaky))
    began = runs.clock.elapsed()
    level = await runs.go()
    assert (tries, level.outputs["a"]) == ([1, 2, 3], "there")
    assert runs.clock.elapsed() - began == pytest.approx(2 + 6)


async def test_branches_over_a_list() -> None:
    """Results come in the order of the items, with an error record for a branch that failed within the threshold."""

    def odd(given: dict[str, Any], _: Any) -> Any:
        if given["n"] % 2:
            raise StepFailed("odd", "refused")
        return given["n"]

    step: dict[str, Any] = {
        "id": "all",
        "type": "parallel",
        "for_each": "workflow.numbers",
        "steps": [{"id": "one", "type": "action", "tool": "odd", "input_mapping": {"n": "$item"}}],
    }
    definition = {"steps": [step], "inputs": {"type": "object", "properties": {"numbers": {}}}}
    level = await Runs(definition, Tools(odd=odd), {"numbers": [0, 1, 2, 3]}).go()
    results = level.outputs["all"]
    assert (results[0], results[2]) == (0, 2)
    assert results[1]["error"] == {"step": "all[1]", "class": "refused", "message": "one: odd"}
    too_many = await Runs(definition, Tools(odd=odd), {"numbers": [0, 1, 3]}).go()
    assert too_many.outcomes["all"].failure is not None
    assert "2 of 3 branches failed" in too_many.outcomes["all"].failure.message


async def test_the_first_branch_wins() -> None:
    """With `first_wins` the first good result is the output, and the others are cancelled."""

    async def slow(*_: Any) -> Any:
        await asyncio.sleep(5)

    step = {
        "id": "race",
        "type": "parallel",
        "first_wins": True,
        "steps": [
            {"id": "slow", "type": "action", "tool": "slow"},
            {"id": "bad", "type": "action", "tool": "bad"},
            {"id": "quick", "type": "action", "tool": "quick"},
        ],
    }
    tools = Tools(slow=slow, bad=fails("refused"), quick=lambda *_: "first")
    assert (await Runs({"steps": [step]}, tools).go()).outputs["race"] == "first"


async def test_what_a_join_cancelled_stays_cancelled() -> None:
    """The ledger has it as cancelled, with what ran within it and what never began; another attempt leaves it alone."""

    async def slow(*_: Any) -> Any:
        await asyncio.sleep(5)

    steps = [
        {"id": "held", "type": "parallel", "steps": [{"id": "slow", "type": "action", "tool": "slow"}]},
        {"id": "later", "type": "action", "tool": "works", "depends_on": ["held"]},
        {"id": "quick", "type": "action", "tool": "quick"},
        {
            "id": "join",
            "type": "action",
            "tool": "quick",
            "depends_on": ["held", "later", "quick"],
            "join": {"need": "any", "on_rest": "cancel"},
        },
        {"id": "end", "type": "action", "tool": "bad", "depends_on": ["join"]},
    ]
    tools = Tools(slow=slow, quick=lambda *_: 1, works=works, bad=fails("refused"))
    runs = Runs({"steps": steps}, tools)
    for attempts in (1, 2):
        assert (await runs.go()).outcomes["end"].status == "failed"
        found = {step.path: (step.status, step.attempts) for step in await runs.ledger.steps()}
        assert {path: found[path] for path in ("held", "held.slow", "later", "quick", "join", "end")} == {
            "held": ("cancelled", 1),
            "held.slow": ("cancelled", 1),
            "later": ("cancelled", 0),
            "quick": ("completed", 1),
            "join": ("completed", 1),
            "end": ("failed", attempts),
        }


async def test_a_loop_ends_by_its_condition_or_its_bound() -> None:
    """`until` is asked after a turn with its result; without an end the bound fails the step."""
    step: dict[str, Any] = {
        "id": "again",
        "type": "loop",
        "until": "last >= 3",
        "results": "all",
        "steps": [{"id": "count", "type": "action", "tool": "count", "input_mapping": {"index": "$index"}}],
    }
    tools = Tools(count=lambda given, _: given["index"] + 1)
    runs = Runs({"steps": [step]}, tools)
    assert (await runs.go()).outputs["again"] == [1, 2, 3]
    assert [path for _, path in tools.calls] == [f"again[{turn}].count" for turn in range(3)]
    bounded = await Runs({"steps": [{**step, "until": "false", "loop_max_iterations": 2}]}, tools).go()
    assert bounded.outcomes["again"].failure is not None
    assert bounded.outcomes["again"].failure.error == "limit"
    assert len(tools.calls) == 3 + 2


async def test_a_conditional_takes_the_first_true_way() -> None:
    """The steps of the first true case run and no others; without one `else`."""
    step = {
        "id": "way",
        "type": "conditional",
        "cases": [
            {
                "when": "workflow.n > 10",
                "name": "large",
                "steps": [{"id": "l", "type": "action", "tool": "say", "input_mapping": {"w": "L"}}],
            },
            {
                "when": "workflow.n > 5",
                "steps": [{"id": "m", "type": "action", "tool": "say", "input_mapping": {"w": "M"}}],
            },
        ],
        "else": [{"id": "s", "type": "action", "tool": "say", "input_mapping": {"w": "S"}}],
    }
    definition = {"steps": [step], "inputs": {"type": "object", "properties": {"n": {}}}}
    for n, route in (
        (11, {"route": "large", "result": "L"}),
        (6, {"route": "case 2", "result": "M"}),
        (1, {"route": "else", "result": "S"}),
    ):
        tools = Tools(say=lambda given, _: given["w"])
        assert (await Runs(definition, tools, {"n": n}).go()).outputs["way"] == route
        assert len(tools.calls) == 1


@pytest.mark.slow
async def test_a_wide_and_a_deep_workflow() -> None:
    """A join of 1,000 steps, and 1,000 steps in a row."""
    wide = [
        {"id": f"w{place}", "type": "action", "tool": "works", "input_mapping": {"place": place}}
        for place in range(1000)
    ]
    join = {
        "id": "join",
        "type": "action",
        "tool": "works",
        "input_mapping": {"place": 0},
        "depends_on": [each["id"] for each in wide],
    }
    deep = [
        {
            "id": f"d{place}",
            "type": "action",
            "tool": "works",
            "input_mapping": {"place": place},
            "depends_on": [f"d{place - 1}"] if place else [],
        }
        for place in range(1000)
    ]
    level = await Runs({"steps": [*wide, join, *deep]}, Tools(works=works)).go()
    assert len(level.outputs) == 2001


async def test_the_more_important_step_starts_first() -> None:
    """Among steps that are ready at once, the higher priority gets the free place, whatever the order of the file."""
    steps = [
        {
            "id": f"s{priority}".replace("-", "_"),
            "type": "action",
            "tool": "works",
            "priority": priority,
            "input_mapping": {"place": 0},
        }
        for priority in (0, -5, 7, 3)
    ]
    tools = Tools(works=works)
    await Runs({"steps": steps, "max_parallel_steps": 1}, tools).go()
    assert [path for _, path in tools.calls] == ["s7", "s3", "s0", "s_5"]
