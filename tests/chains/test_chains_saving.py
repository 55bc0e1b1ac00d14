"""The end of a budget: who is asked then, what is set aside, and that a resume decides alike."""

import asyncio
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool

from chains.fake.script import FakeScript
from chains.governed import governed
from chains.models import ModelDoor
from state.context import BranchLimits
from state.errors import LimitReached, ModelRefused
from state.runs import Usage
from tests.chains.model_doubles import Bench, fake_of

LONG = "x" * 4000
"""A prompt of about a thousand tokens."""
SAYS: dict[str, Any] = {"reply": "so", "repeat": "always"}


def bench() -> Bench:
    """A dear model at a dollar for a thousand tokens of input, and one at a hundredth."""
    prices = {"fake/main": (1000.0, 0.0), "fake/cheap": (10.0, 0.0)}
    script = FakeScript.model_validate({"steps": [SAYS]})
    return Bench(ModelDoor({}, prices, {"main": script, "cheap": script}))


def model_in(run: Bench, budget: float, cheaper: str | None = "fake/cheap") -> Any:
    return governed(run.scope(budget=budget), "fake/main", cheaper=cheaper)


def asked(run: Bench) -> tuple[int, int]:
    return len(fake_of(run).calls), len(fake_of(run, "fake/cheap").calls)


async def test_past_the_soft_limit_the_cheaper_model_answers() -> None:
    """Four fifths of the budget go to the first model, the rest to the cheaper one, to the last call that fits."""
    run = bench()
    model = model_in(run, 5.5)
    for number in range(30):
        await model.ainvoke([HumanMessage(f"{number} {LONG}")])
    dear, cheap = asked(run)
    assert (dear, cheap) == (5, 25)
    assert [call.name for call in run.journal.calls.values()].count("fake/cheap") == 25


async def test_a_call_that_would_pass_the_budget_goes_to_the_cheaper_model() -> None:
    """Also before the soft limit: what the dear model cannot do any more, the cheaper one may."""
    run = bench()
    await model_in(run, 0.5).ainvoke([HumanMessage(LONG)])
    assert asked(run) == (0, 1)


async def test_without_a_cheaper_model_the_call_is_not_begun() -> None:
    """The hard limit is that of the money, whoever is asked."""
    run = bench()
    with pytest.raises(LimitReached, match="budget"):
        await model_in(run, 0.5, None).ainvoke([HumanMessage(LONG)])
    assert asked(run) == (0, 0)


async def test_a_resume_finds_the_answers_of_both() -> None:
    """Calls are named by the model that plays the role, so that a run that is resumed makes none of them again."""
    run = bench()
    for again in (run, run.resumed()):
        model = model_in(again, 5.5)
        for number in range(12):
            await model.ainvoke([HumanMessage(f"{number} {LONG}")])
    assert asked(run) == (5, 7)


async def test_the_cheaper_model_gets_the_tools_too() -> None:
    """Tools are bound for it in its own form."""

    @tool
    def add(a: int) -> int:
        """Adds."""
        return a

    run = bench()
    await model_in(run, 0.5).bind_tools([add]).ainvoke([HumanMessage(LONG)])
    assert fake_of(run, "fake/cheap").calls[0].tools == ("add",)


async def test_room_is_left_for_an_answer() -> None:
    """What is set aside for an answer is the longest of the run so far; after a resume, the mean of what is known."""
    run = bench()
    assert run.spending.likely_output() == 256
    run.spending.add(Usage(model_calls=1, output_tokens=900))
    run.spending.add(Usage(model_calls=1, output_tokens=300))
    run.spending.add(Usage(tool_calls=1))
    assert run.spending.likely_output() == 900


async def test_a_dear_fallback_keeps_the_budget_too() -> None:
    """A fallback that would pass the budget is not asked in place of a cheap model that fails."""
    down = {"error": {"kind": "auth"}, "repeat": "always"}
    scripts = {name: FakeScript.model_validate({"steps": [step]}) for name, step in (("cheap", down), ("main", SAYS))}
    prices = {"fake/main": (1000.0, 0.0), "fake/cheap": (10.0, 0.0)}
    run = Bench(ModelDoor({}, prices, scripts))
    for budget, raised in ((0.5, True), (5.0, False)):
        model = governed(run.scope(budget=budget), "fake/cheap", ("fake/main",))
        if raised:
            with pytest.raises(ModelRefused):
                await model.ainvoke([HumanMessage(LONG)])
        else:
            await model.ainvoke([HumanMessage(LONG)])
    assert len(fake_of(run).calls) == 1


def refused(main: tuple[float, float], dear: tuple[float, float]) -> Bench:
    """A model that refuses, and a fallback, at these prices."""
    down = {"error": {"kind": "auth"}, "repeat": "always"}
    scripts = {name: FakeScript.model_validate({"steps": [step]}) for name, step in (("main", down), ("dear", SAYS))}
    return Bench(ModelDoor({}, {"fake/main": main, "fake/dear": dear}, scripts))


@pytest.mark.parametrize("first", [(0.0, 0.0), (10.0, 0.0)])
async def test_fallbacks_side_by_side_keep_the_budget(first: tuple[float, float]) -> None:
    """Six branches whose model refuses set aside what the fallback costs: one call of it fits, and one is made."""
    run = refused(first, (1000.0, 0.0))
    run.journal.store_seconds = 0.01
    branches = [governed(run.scope(path, budget=1.2), "fake/main", ("fake/dear",)) for path in "abcdef"]
    ended = await asyncio.gather(*(model.ainvoke([HumanMessage(LONG)]) for model in branches), return_exceptions=True)
    assert sum(isinstance(each, ModelRefused) for each in ended) == 5
    assert len(fake_of(run, "fake/dear").calls) == 1
    assert run.spending.held == pytest.approx(0)


async def test_a_cheaper_model_that_fails_over_sets_aside_what_the_dear_one_costs() -> None:
    """Past the soft limit too, where the cheaper model is asked first."""
    run = refused((10.0, 0.0), (1000.0, 0.0))
    await run.spending.total()
    run.spending.add(Usage(money=8.5))
    branches = [governed(run.scope(path, budget=10), "fake/dear", cheaper="fake/main") for path in "abcdef"]
    ended = await asyncio.gather(*(model.ainvoke([HumanMessage(LONG)]) for model in branches), return_exceptions=True)
    assert sum(isinstance(each, ModelRefused) for each in ended) == 5
    assert len(fake_of(run, "fake/dear").calls) == 1


async def test_a_fallback_that_fits_is_asked() -> None:
    """What is set aside for the model that refused is not counted beside what its fallback costs."""
    run = refused((1000.0, 0.0), (1000.0, 0.0))
    await governed(run.scope(budget=1.5), "fake/main", ("fake/dear",)).ainvoke([HumanMessage(LONG)])
    assert len(fake_of(run, "fake/dear").calls) == 1
    assert run.spending.held == pytest.approx(0)


async def test_a_fallback_keeps_the_money_of_its_branch() -> None:
    """The limit on a branch holds for who is asked instead, too."""
    run = refused((10.0, 0.0), (1000.0, 0.0))
    limits = BranchLimits(money=0.5)
    with pytest.raises(ModelRefused):
        await governed(run.scope(limits=limits), "fake/main", ("fake/dear",)).ainvoke([HumanMessage(LONG)])
    assert not fake_of(run, "fake/dear").calls
