"""What was done is undone: last completed first, each step once, whatever stops the work meanwhile."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.workflow.saga import key_of, path_of, place_of
from tests.graphs.undoing import Killed, MortalLedger, Undoers, undone_by
from tests.graphs.workflow_runs import Runs, Tools, fails

Steps = list[dict[str, Any]]
ONCE = {"max_attempts": 1}


def works(given: dict[str, Any], call: Any) -> Any:
    return {"made": call.path, **given}


def step(id_: str, *before: str, tool: str = "works", **more: Any) -> dict[str, Any]:
    """A step that can be undone."""
    return {
        "id": id_,
        "type": "action",
        "tool": tool,
        "depends_on": list(before),
        "retry_policy": ONCE,
        "rollback_actions": [undone_by(id_)],
        **more,
    }


def runs_of(*steps: dict[str, Any], inputs: dict[str, Any] | None = None, **more: Any) -> Runs:
    tools = Tools(works=works, fails=fails("refused"))
    schema = {"type": "object", "properties": {name: {} for name in inputs or {}}}
    return Runs({"steps": list(steps), "inputs": schema, **more}, tools, inputs, Undoers())


def undoers(runs: Runs) -> Undoers:
    assert isinstance(runs.undoers, Undoers)
    return runs.undoers


async def statuses(runs: Runs) -> dict[str, str]:
    return {record.path: record.status for record in await runs.ledger.steps()}


@pytest.mark.parametrize(("failing", "undone"), [("a", []), ("b", ["a"]), ("c", ["b", "a"])])
async def test_what_completed_before_a_failure_is_undone(failing: str, undone: list[str]) -> None:
    """Failure at the first, the middle and the last of three: those before it are undone, last completed first."""
    chain = [step("a"), step("b", "a"), step("c", "b")]
    runs = runs_of(*({**each, "tool": "fails"} if each["id"] == failing else each for each in chain))
    await runs.go()
    done = await runs.undo()
    assert (list(done.undone), done.left) == (undone, ())
    assert undoers(runs).undone == undone
    ended = await statuses(runs)
    assert [ended[id_] for id_ in undone] == ["compensated"] * len(undone)
    assert ended[failing] == "failed"


async def test_an_action_sees_what_its_step_saw() -> None:
    """Input and key of an action are filled when the step completes: its raw output, inputs, items around it."""
    action = {
        "tool": "refund@2.0.0",
        "input": {"of": "$item", "made": "$output.made", "note": "for ${workflow.who}"},
        "idempotency_key": "refund-${item}",
    }
    one = step("pay", input_mapping={"n": "$item"}, output_mapping={"short": 1}, rollback_actions=[action])
    many = {"id": "all", "type": "parallel", "for_each": "workflow.items", "max_concurrent": 1, "steps": [one]}
    runs = runs_of(many, inputs={"items": ["x", "y"], "who": "ann"})
    await runs.go()
    await runs.undo()
    assert undoers(runs).calls == [
        ("refund@2.0.0", {"of": "y", "made": "all[1].pay", "note": "for ann"}, "refund-y"),
        ("refund@2.0.0", {"of": "x", "made": "all[0].pay", "note": "for ann"}, "refund-x"),
    ]


async def test_steps_within_others_are_undone() -> None:
    """Steps of branches, turns and ways have places of their own; the step that holds them is undone before them."""
    body = [step("in")]
    runs = runs_of(
        {"id": "p", "type": "parallel", "steps": [step("left"), step("right")], "max_concurrent": 1},
        {"id": "l", "type": "loop", "for_each": "workflow.items", "depends_on": ["p"], "steps": body},
        {
            "id": "w",
            "type": "conditional",
            "depends_on": ["l"],
            "cases": [{"when": "true", "steps": [step("way")]}],
            "rollback_actions": [undone_by("w")],
        },
        step("end", "w", tool="fails"),
        inputs={"items": [1, 2]},
    )
    await runs.go()
    done = await runs.undo()
    assert list(done.undone) == ["w", "w.way", "l[1].in", "l[0].in", "p.right", "p.left"]


async def test_what_completed_within_a_failed_step_is_undone() -> None:
    """The branches that ended well of a parallel step that failed are undone too."""
    both = {"id": "p", "type": "parallel", "parallel_failure_threshold": 0, "retry_policy": ONCE}
    runs = runs_of({**both, "steps": [step("good"), step("bad", tool="fails")]})
    await runs.go()
    assert (await runs.undo()).undone == ("p.good",)


async def test_an_action_is_tried_again_by_its_policy() -> None:
    """Transient failures are tried again with the same key and after the policy's pauses, and are in the ledger."""
    policy = {"max_attempts": 3, "delay": 2, "backoff": "fixed", "jitter": False}
    runs = runs_of(step("a", rollback_actions=[undone_by("a", retry_policy=policy)]))
    await runs.go()
    undoers(runs).broken["a"] = 2
    began = runs.clock.elapsed()
    assert (await runs.undo()).undone == ("a",)
    assert runs.clock.elapsed() - began == pytest.approx(4)
    assert {key for *_, key in undoers(runs).calls} == {key_of("r", "undo/a/1")}
    (record,) = await runs.ledger.steps("undo/")
    assert (record.path, record.status, record.attempts) == ("undo/a/1", "completed", 3)


async def test_an_action_has_its_own_time() -> None:
    """An action that takes longer than its timeout failed, of the class `timeout`."""

    class Slow(Undoers):
        async def call(self, name: str, input: dict[str, Any], *, idempotency_key: str = "") -> Any:
            await asyncio.sleep(5)

    runs = runs_of(step("a", rollback_actions=[undone_by("a", timeout=0.01, retry_policy=ONCE)]))
    runs.undoers = Slow()
    await runs.go()
    done = await runs.undo()
    assert done.left == ("a",)
    (record,) = await runs.ledger.steps("undo/")
    assert (record.result or {})["class"] == "timeout"


async def test_an_action_that_fails_for_good_names_what_is_left() -> None:
    """Undoing stops there, names what is left, and goes on from there when it is done again: none twice."""
    policy = {"retry_policy": {"max_attempts": 2}}
    after: dict[str, list[str]] = {"a": [], "b": ["a"], "c": ["b"]}
    runs = runs_of(*(step(id_, *after[id_], rollback_actions=[undone_by(id_, **policy)]) for id_ in after))
    await runs.go()
    undoers(runs).broken["b"] = 2
    first = await runs.undo()
    assert (first.undone, first.left) == (("c",), ("b", "a"))
    assert first.fault == "b: undo: undo is away"
    assert (await statuses(runs))["undo/b/1"] == "failed"
    second = await runs.undo()
    assert (second.undone, second.left) == (("b", "a"), ())
    assert undoers(runs).undone == ["c", "b", "a"]
    assert (await runs.undo()).undone == ()


async def test_an_action_that_ended_is_not_called_again() -> None:
    """Of two actions that undo a step the second fails; undoing again calls that one only."""
    actions = [undone_by("first"), undone_by("second", retry_policy=ONCE)]
    runs = runs_of(step("a", rollback_actions=actions))
    await runs.go()
    undoers(runs).broken["second"] = 1
    assert (await runs.undo()).left == ("a",)
    assert (await runs.undo()).undone == ("a",)
    assert [given["of"] for _, given, _ in undoers(runs).calls] == ["first", "second", "second"]


async def test_an_action_that_cannot_be_worked_out_is_told() -> None:
    """Where a reference of an action leads to nothing the step still completed, and undoing it says why it cannot."""
    action = {"tool": "undo", "input": {"of": "$output.nothing"}}
    runs = runs_of(step("a", rollback_actions=[action]))
    level = await runs.go()
    assert level.outcomes["a"].status == "completed"
    done = await runs.undo()
    assert (done.left, done.fault) == (
        ("a",),
        "a: $output.nothing leads to nothing: $output has no 'nothing'; it has made",
    )


async def test_confidential_actions_are_kept_apart() -> None:
    """What undoes a confidential step stands in the ledger by its hash only."""
    runs = runs_of(step("a", security_level="confidential", input_mapping={"card": "4111"}))
    await runs.go()
    (record,) = await runs.ledger.steps()
    assert "4111" not in record.model_dump_json()
    await runs.undo()
    assert undoers(runs).calls[0][1]["got"]["card"] == "4111"
    assert "4111" not in "".join([each.model_dump_json() for each in await runs.ledger.steps()])


async def test_a_compensated_step_keeps_the_time_at_which_it_completed() -> None:
    """Undoing a step changes its status and neither its times nor its output."""
    runs = runs_of(step("a"))
    await runs.go()
    (before,) = await runs.ledger.steps()
    await runs.undo()
    (after,) = [each for each in await runs.ledger.steps() if each.path == "a"]
    assert after == before.model_copy(update={"status": "compensated"})


async def test_a_rollback_step_undoes_what_came_after_a_step() -> None:
    """Undone are the steps that depend on `to`, with those within them; `to` and what is beside it stay done."""
    runs = runs_of(
        step("start"),
        step("beside", "start"),
        step("point", "start"),
        {"id": "many", "type": "loop", "for_each": "workflow.items", "depends_on": ["point"], "steps": [step("in")]},
        step("bad", "many", tool="fails", error_handlers=[{"step": "back"}]),
        {"id": "back", "type": "rollback", "to": "point"},
        step("on", "bad", input_mapping={"undone": "$bad.undone"}),
        inputs={"items": [1, 2]},
    )
    level = await runs.go()
    assert level.outputs["back"] == {"undone": ["many[1].in", "many[0].in"]}
    assert level.outputs["on"]["undone"] == ["many[1].in", "many[0].in"]
    assert (await statuses(runs))["point"] == "completed"
    again = await runs.go()
    assert again.outputs == level.outputs
    assert undoers(runs).undone == ["in"]


async def test_a_rollback_step_without_a_point_undoes_everything() -> None:
    """Without `to` all that completed in the run is undone, also from within a way; nothing is undone again later."""
    way = {"id": "way", "type": "conditional", "depends_on": ["b"]}
    back = {"id": "back", "type": "rollback"}
    runs = runs_of(step("a"), step("b", "a"), {**way, "cases": [{"when": "true", "steps": [back]}]}, step("c", "way"))
    await runs.go()
    assert undoers(runs).undone == ["b", "a"]
    assert (await runs.undo()).undone == ("c",)


async def test_a_rollback_step_undoes_a_region_that_was_cancelled() -> None:
    """What had been done within it, not what was cut short; it stays cancelled."""
    runs = runs_of(
        {"id": "region", "type": "parallel", "steps": [step("flight"), step("hotel", tool="slow")]},
        step("revoked", tool="later", rollback_actions=[]),
        {
            "id": "back",
            "type": "rollback",
            "depends_on": ["region", "revoked"],
            "join": {"need": "any", "on_rest": "cancel"},
        },
    )
    runs.tools.tools |= {"slow": lambda _, __: asyncio.sleep(5), "later": lambda _, __: asyncio.sleep(0.02)}
    level = await runs.go()
    assert level.outputs["back"] == {"undone": ["region.flight"]}
    ended = await statuses(runs)
    assert [ended[path] for path in ("region", "region.flight", "region.hotel")] == [
        "cancelled",
        "compensated",
        "cancelled",
    ]


async def test_a_rollback_step_that_cannot_undo_fails() -> None:
    """It fails with the names of what is left; started again it goes on from there."""
    runs = runs_of(
        step("a", rollback_actions=[undone_by("a", retry_policy=ONCE)]),
        {"id": "back", "type": "rollback", "depends_on": ["a"]},
    )
    undoers(runs).broken["a"] = 1
    failure = (await runs.go()).outcomes["back"].failure
    assert failure is not None
    assert failure.message == "a: undo: undo is away. Left as it is: a."
    assert (await runs.go()).outputs["back"] == {"undone": ["a"]}


@st.composite
def sagas(draw: Any) -> Steps:
    """Up to 12 steps after any before them, some within branches and turns, some that fail, most that can be undone."""
    steps: Steps = []
    for place in range(draw(st.integers(1, 12))):
        earlier = st.integers(0, max(place - 1, 0))
        before = [f"s{each}" for each in draw(st.lists(earlier, max_size=min(place, 3), unique=True))]
        kind = draw(st.sampled_from(["action"] * 4 + ["loop", "parallel"]))
        undo = draw(st.sampled_from([1, 1, 2, 0]))
        made = step(f"s{place}" if kind == "action" else f"in{place}")
        made["tool"] = draw(st.sampled_from(["works"] * 9 + ["fails"]))
        made["rollback_actions"] = [undone_by(made["id"], retry_policy={"max_attempts": 2})] * undo
        if kind != "action":
            made = {"id": f"s{place}", "type": kind, "for_each": "workflow.items", "steps": [made]}
            made["retry_policy"] = ONCE
        steps.append({**made, "depends_on": before})
    return steps


async def driven(runs: Runs, deaths: list[tuple[int, bool]]) -> None:
    """The run to its end, through a death of the process at each number of writes; then undone, as if it had failed."""
    ledger = runs.ledger
    assert isinstance(ledger, MortalLedger)
    coming, is_undoing = list(deaths), False
    while True:
        ledger.lives, ledger.dies_after = coming.pop() if coming else (10**9, False)
        try:
            if not is_undoing:
                await runs.go()
                is_undoing = True
            done = await runs.undo()
        except Killed:
            continue
        if not done.left:
            return


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(
    sagas(),
    st.lists(st.tuples(st.integers(1, 25), st.booleans()), max_size=6),
    st.dictionaries(st.integers(0, 11).map(lambda n: f"s{n}"), st.integers(1, 3), max_size=3),
)
def test_every_step_is_undone_once_and_in_order(
    steps: Steps, deaths: list[tuple[int, bool]], broken: dict[str, int]
) -> None:
    """Random workflows with failures, actions that fail for a while, and a death at any write, before or after it:

    every completed step that can be undone is undone exactly once, in reverse order of completion.
    """
    runs = runs_of(*steps, inputs={"items": [1, 2]})
    runs.ledger = MortalLedger("r", runs.clock)
    undoers(runs).broken = dict(broken)
    asyncio.run(driven(runs, deaths))
    records = {each.path: each for each in asyncio.run(runs.ledger.steps())}
    able = [each for each in records.values() if "undo" in (each.result or {})]
    assert all(each.status == "compensated" for each in able)
    wanted = [
        key_of("r", path_of(each.path, number + 1))
        for each in sorted(able, key=place_of, reverse=True)
        for number in range(sum(len(one["rollback_actions"]) for one in all_of(steps) if one["id"] == name(each.path)))
    ]
    assert list(undoers(runs).effects) == wanted
    after = {each["id"]: each["depends_on"] for each in steps}
    for path, record in records.items():
        for before in after.get(path.partition(".")[0].partition("[")[0], ()):
            if record.status == "compensated" and before in records and place_of(records[before]):
                assert place_of(record) > place_of(records[before])


def all_of(steps: Steps) -> Steps:
    return [one for each in steps for one in (each, *each.get("steps", ())) if "rollback_actions" in one]


def name(path: str) -> str:
    return path.rpartition(".")[2]
