"""Who is chosen for a task, what a user may add, and what happens when nobody can do it or all are at work."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.factory import Factory, Wanted
from agents.templates import all_templates, own_templates, read_templates
from state.agents import AgentTemplate, AgentTrack
from state.errors import NoCapacity, NoSuitableAgent, SetupError

ROOM = {"tokens": 100_000, "seconds": 300.0}
NEEDS = st.fixed_dictionaries({"tokens": st.integers(1, 10**6), "seconds": st.integers(1, 1000)})
TRACKS = st.builds(AgentTrack, done=st.integers(0, 50), failed=st.integers(0, 50), tokens=st.floats(0, 1e6))


def template(name: str, *capabilities: str, **more: object) -> AgentTemplate:
    return AgentTemplate.model_validate({"name": name, "description": "", "capabilities": capabilities, **more})


def factory(*templates: AgentTemplate, patience: float = 1.0, **tracks: AgentTrack) -> Factory:
    return Factory({each.name: each for each in templates}, tracks, patience)


def best(chooser: Factory, **wanted: object) -> str:
    return chooser.ranked(Wanted(**{"capability": "law", **ROOM, **wanted}))[0][1].name  # type: ignore[arg-type]


def test_the_score_is_the_documented_sum() -> None:
    """0.4 capability, 0.4 success, 0.2 resources; without a history success is 0.5."""
    chooser = factory(template("ann", "tax", "law", needs={"tokens": 200_000, "seconds": 300}))
    wanted = Wanted("law", 100_000, 300.0, adaptive=True)
    assert chooser.score(chooser.templates["ann"], wanted) == pytest.approx(0.4 * 0.5 + 0.4 * 0.5 + 0.2 * 0.75)
    chooser.tracks = {"ann": AgentTrack(done=8, failed=0, tokens=100_000, seconds=600)}
    assert chooser.score(chooser.templates["ann"], wanted) == pytest.approx(0.4 * 0.5 + 0.4 * 0.9 + 0.2 * 0.75)


def test_a_specialist_goes_before_a_generalist() -> None:
    """What an agent does best counts more than what it also does."""
    assert best(factory(template("ann", "tax", "law"), template("bob", "law"))) == "bob"


def test_who_fits_the_limits_goes_before_who_does_not() -> None:
    """By what its template says, then by what its tasks really took."""
    big = template("ann", "law", needs={"tokens": 500_000})
    assert best(factory(big, template("bob", "law"))) == "bob"
    assert best(factory(big, template("bob", "law"), bob=AgentTrack(done=9, tokens=1e7, seconds=1e5))) == "ann"


def test_success_counts_only_where_routing_is_adaptive() -> None:
    """Otherwise all are taken for equal, and the name decides."""
    chooser = factory(template("ann", "law"), template("bob", "law"), ann=AgentTrack(failed=4), bob=AgentTrack(done=4))
    assert best(chooser) == "ann"
    assert best(chooser, adaptive=True) == "bob"


@settings(max_examples=40)
@given(TRACKS, NEEDS, st.integers(0, 200_000), st.integers(1, 3), st.booleans())
def test_a_score_lies_between_0_and_1_and_grows_with_what_speaks_for_it(
    track: AgentTrack, needs: dict[str, float], tokens: int, place: int, adaptive: bool
) -> None:
    """Whatever the history: more done or room, fewer failures or a better place among the capabilities never harm."""
    skills = [f"skill{each}" for each in range(place)]
    ann, better = template("ann", *skills, "law", needs=needs), template("ann", "law", *skills, needs=needs)
    wanted = Wanted("law", tokens, 300.0, adaptive)

    def score(template: AgentTemplate = ann, wanted: Wanted = wanted, **change: int) -> float:
        changed = track.model_copy(update={name: getattr(track, name) + more for name, more in change.items()})
        # What tasks took so far counts from the fifth on: held still here, only success moves.
        still = changed.model_copy(update=needs)
        return factory(template, ann=still).score(template, wanted)

    assert 0.0 <= score() <= 1.0
    assert score(done=1) >= score() >= score(failed=1)
    assert score(better) > score()
    assert score(wanted=replace(wanted, tokens=tokens + 1000)) >= score()


def test_nobody_can_is_an_error_that_names_what_can_be_done() -> None:
    """By capability and by name."""
    with pytest.raises(NoSuitableAgent, match="Known are law"):
        best(factory(template("ann", "law")), capability="magic")
    with pytest.raises(NoSuitableAgent, match="There are ann"):
        factory(template("ann", "law")).named("bob")


async def test_places_are_kept_and_given_back_however_work_ends() -> None:
    """Who has no place is passed over; with no place at all a task waits, then there is an error."""
    chooser = factory(template("ann", "law", most_at_once=1), template("bob", "law", most_at_once=1), patience=0.05)
    able = [each for _, each in chooser.ranked(Wanted("law", **ROOM))]  # type: ignore[arg-type]
    async with chooser.placed(able) as first:
        async with chooser.placed(able) as second:
            assert {first.name, second.name} == {"ann", "bob"}
            with pytest.raises(NoCapacity, match="most_at_once"):
                await chooser.placed(able).__aenter__()
        with pytest.raises(ZeroDivisionError):
            await _failing(chooser, able)
        async with chooser.placed(able) as again:
            assert again.name == second.name


async def _failing(chooser: Factory, able: list[AgentTemplate]) -> None:
    async with chooser.placed(able):
        raise ZeroDivisionError


async def test_who_waits_gets_the_place_that_is_freed() -> None:
    """Many tasks share one place: each has it once, none at the same time."""
    chooser = factory(template("ann", "law", most_at_once=1), patience=5)
    at_work = most = done = 0

    async def work() -> None:
        nonlocal at_work, most, done
        async with chooser.placed(list(chooser.templates.values())):
            at_work += 1
            most = max(most, at_work)
            await asyncio.sleep(0)
            at_work -= 1
            done += 1

    await asyncio.gather(*(work() for _ in range(20)))
    assert (most, done) == (1, 20)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["ends", "fails", "is cancelled"]), st.integers(0, 4)), max_size=12),
    st.integers(1, 3),
    st.integers(1, 3),
)
async def test_places_never_pass_their_limit_and_all_come_back(
    works: list[tuple[str, int]], ann: int, bob: int
) -> None:
    """However work ends, and also where it is cancelled before it has a place."""
    limits = {"ann": ann, "bob": bob}
    chooser = factory(*(template(name, "law", most_at_once=most) for name, most in limits.items()))
    able, at_work = list(chooser.templates.values()), Counter[str]()

    async def work(ending: str, turns: int) -> None:
        async with chooser.placed(able) as chosen:
            at_work[chosen.name] += 1
            assert at_work[chosen.name] <= limits[chosen.name]
            try:
                for _ in range(turns):
                    await asyncio.sleep(0)
                if ending == "fails":
                    raise ZeroDivisionError
            finally:
                at_work[chosen.name] -= 1

    tasks = [asyncio.create_task(work(*each)) for each in works]
    for task, (ending, turns) in zip(tasks, works, strict=True):
        await asyncio.sleep(0)
        if ending == "is cancelled" and turns > 1:
            task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(each is None or isinstance(each, ZeroDivisionError | asyncio.CancelledError) for each in done)
    async with AsyncExitStack() as stack:
        places = [await stack.enter_async_context(chooser.placed(able, 0)) for _ in range(ann + bob)]
        assert Counter(each.name for each in places) == limits
        with pytest.raises(NoCapacity):
            await chooser.placed(able, 0).__aenter__()


def test_the_agents_that_come_along_can_do_what_is_promised() -> None:
    """Each of the six capabilities has somebody."""
    able = {each for agent in own_templates().values() for each in agent.capabilities}
    assert able == {"research", "analysis", "synthesis", "validation", "monitoring", "coordination"}


def test_a_user_adds_a_template_in_yaml() -> None:
    """One of a name of ours takes its place."""
    text = """\
agents:
  - name: lawyer
    description: Reads contracts.
    capabilities: [law]
    tools: [search]
  - {name: writer, description: Writes in rhyme., capabilities: [synthesis, poetry]}
"""
    added = all_templates(read_templates(text, "agents.yaml"))
    assert added["lawyer"].tools == ("search",)
    assert added["writer"].description == "Writes in rhyme."
    assert set(added) == {*own_templates(), "lawyer"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("agents: [", "a.yaml:1:10: This is not YAML"),
        ("agent: []", "a.yaml: There is no list of agents"),
        ("[]", "a.yaml: There is no list of agents"),
        ("agents: [{name: x, description: d}]", r"agents\[0\].capabilities: Field required"),
        ("agents: [{name: x, description: d, capabilities: [a], skill: 1}]", r"agents\[0\].skill: Extra"),
        ("agents: [{name: a b, description: d, capabilities: [a]}]", r"agents\[0\].name"),
        ("agents: [" + "{name: x, description: d, capabilities: [a]}, " * 2 + "]", "Two agents are called 'x'"),
        ("x" * 300_000, "more than 200,000"),
    ],
)
def test_mistakes_in_templates_are_located(text: str, said: str) -> None:
    """File, place and remedy, never a traceback."""
    with pytest.raises(SetupError, match=said):
        read_templates(text, "a.yaml")
