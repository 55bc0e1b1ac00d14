"""Steps run in the order of the data: conditions, joins, failures, branches and loops."""

import asyncio
from typing import Any

import pytest

from graphs.workflow.level import result_of
from graphs.workflow.outcomes import StepFailed
from tests.graphs.workflow_runs import Runs, Tools, fails


def works(given: dict[str, Any], _: Any) -> Any:
    return {"place": given["place"]}


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
    assert {id_: outcome.status for id_, outcome in level.outcomes.items()} == {"a": "failed", "b": "completed"}
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
