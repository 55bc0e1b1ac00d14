"""What becomes of a failure, in order: another try, a handler that sees the error, going on, and undoing last."""

from typing import Any

from graphs.workflow.outcomes import StepFailed
from tests.graphs.undoing import Undoers, undone_by
from tests.graphs.workflow_runs import Runs, Tools, fails

POLICY = {"max_attempts": 2, "delay": 1, "jitter": False}


def runs_of(tools: Tools, *steps: dict[str, Any], **more: Any) -> Runs:
    return Runs({"steps": list(steps), "on_failure": "rollback", **more}, tools, undoers=Undoers())


def action(id_: str, tool: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "type": "action", "tool": tool, "retry_policy": POLICY, **more}


async def test_a_handler_comes_after_the_tries_and_before_undoing() -> None:
    """A transient error is tried again first; then the handler runs, with the error, also within its inner steps; the

    run goes on and nothing is undone.
    """
    seen: list[Any] = []
    tools = Tools(works=lambda *_: "done", away=fails("unavailable"), notes=lambda given, _: seen.append(given))
    inner = action("in", "notes", input_mapping={"why": "$error.message", "class": "$error.class"})
    runs = runs_of(
        tools,
        action("a", "works", rollback_actions=[undone_by("a")]),
        action("b", "away", depends_on=["a"], error_handlers=[{"step": "mend", "on": ["unavailable"]}]),
        {"id": "mend", "type": "parallel", "steps": [inner]},
        action("c", "works", depends_on=["b"]),
    )
    level = await runs.go()
    assert [path for _, path in tools.calls] == ["a", "b", "b", "mend.in", "c"]
    assert seen == [{"why": "it does not work", "class": "unavailable"}]
    assert level.outcomes["b"].is_handled
    assert not any(outcome.is_fatal for outcome in level.outcomes.values())


async def test_a_handler_that_fails_leaves_the_failure() -> None:
    """The step then failed with its own error; nothing after it runs, and what was done is undone."""
    tools = Tools(works=lambda *_: "done", bad=fails("refused"))
    runs = runs_of(
        tools,
        action("a", "works", rollback_actions=[undone_by("a")]),
        action("b", "bad", depends_on=["a"], error_handlers=[{"step": "mend"}]),
        action("mend", "bad"),
        action("c", "works", depends_on=["b"]),
    )
    level = await runs.go()
    assert [path for _, path in tools.calls] == ["a", "b", "mend"]
    assert level.outcomes["b"].is_fatal
    assert (await runs.undo()).undone == ("a",)


async def test_an_error_that_no_handler_is_for_is_not_handled() -> None:
    """A handler for other classes does not run, and is no reason to go on."""
    tools = Tools(bad=fails("refused"), works=lambda *_: "done")
    handlers = [{"step": "mend", "on": ["timeout", "limit"]}]
    level = await runs_of(tools, action("b", "bad", error_handlers=handlers), action("mend", "works")).go()
    assert [path for _, path in tools.calls] == ["b"]
    assert level.outcomes["b"].is_fatal


async def test_what_is_given_up_on_is_not_tried_again() -> None:
    """`give_up_on` wins over `retry_on`, and classes that are in neither are not tried again."""
    for error, policy, tries in (
        ("refused", {}, 1),
        ("refused", {"retry_on": ["any"]}, 2),
        ("timeout", {"give_up_on": ["timeout"]}, 1),
        ("timeout", {}, 2),
    ):
        tools = Tools(bad=fails(error))
        await runs_of(tools, action("a", "bad", retry_policy={**POLICY, **policy})).go()
        assert len(tools.calls) == tries, (error, policy)


async def test_going_on_comes_before_undoing() -> None:
    """With `continue_on_failure` what depends on the step sees an error record, and nothing is undone."""
    tools = Tools(bad=fails("refused"), works=lambda given, _: given)
    goes_on = {**POLICY, "continue_on_failure": True}
    runs = runs_of(
        tools,
        action("a", "bad", retry_policy=goes_on),
        action("b", "works", depends_on=["a"], input_mapping={"why": "$a.error.class"}),
    )
    level = await runs.go()
    assert level.outputs["b"] == {"why": "refused"}
    assert not any(outcome.is_fatal for outcome in level.outcomes.values())


async def test_a_tolerated_branch_keeps_what_it_did() -> None:
    """Within the threshold the steps of a failed branch stay done; over it the run fails, and they are undone."""

    def odd(given: dict[str, Any], _: Any) -> Any:
        if given["n"] % 2:
            raise StepFailed("odd", "refused")

    def both(threshold: float) -> Runs:
        steps = [
            action("did", "works", rollback_actions=[undone_by("did")]),
            action("then", "odd", depends_on=["did"], input_mapping={"n": "$item"}),
        ]
        many = {"id": "many", "type": "parallel", "for_each": "workflow.items", "steps": steps, "max_concurrent": 1}
        inputs = {"inputs": {"type": "object", "properties": {"items": {}}}}
        definition = {"steps": [{**many, "parallel_failure_threshold": threshold}], "on_failure": "rollback", **inputs}
        return Runs(definition, Tools(works=lambda *_: 1, odd=odd), {"items": [0, 1]}, Undoers())

    tolerant, strict = both(0.5), both(0.4)
    assert (await tolerant.go()).outcomes["many"].status == "completed"
    assert (await strict.go()).outcomes["many"].is_fatal
    assert (await strict.undo()).undone == ("many[1].did", "many[0].did")
