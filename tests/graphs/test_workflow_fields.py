"""Fields of workflow files that no other test holds: each changes what a run does."""

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from graphs.workflow.attempts import pause_before, pauses
from graphs.workflow.outcomes import StepFailed
from graphs.workflow.running import Call
from run_workflow.cli.workflows import _document
from state.workflow.definition import WorkflowDefinition
from state.workflow.policies import RetryPolicy
from state.workflow.steps import ActionStep
from tests.graphs.agent_runs import AgentRun
from tests.graphs.workflow_runs import Runs, Tools

INPUTS = {"type": "object", "properties": {"n": {"type": "integer"}}}
ONCE = {"max_attempts": 1}
MODEL = {"model": "openai/gpt"}
WORKER = {"id": "w", "type": "worker", "capability": "research"}


def action(id_: str, tool: str = "works", **more: Any) -> dict[str, Any]:
    return {"id": id_, "type": "action", "tool": tool, **more}


def runs(*steps: dict[str, Any], tools: Tools | None = None, **head: Any) -> Runs:
    given = tools or Tools(works=lambda given, _: given)
    return Runs({"steps": list(steps), "inputs": INPUTS, **head}, given, {"n": 5})


async def error_of(made: Runs, id_: str = "a") -> str:
    """The class of the error with which a step failed."""
    failure = (await made.go()).outcomes[id_].failure
    assert failure is not None
    return failure.error


async def test_all_conditions_must_hold() -> None:
    """`conditions` counts beside `condition`; a condition in parts compares its field with its value."""
    parts = {"field": "workflow.n", "operator": ">", "value": 4}
    level = await runs(
        action("a", condition="workflow.n > 1", conditions=["workflow.n < 9", parts]),
        action("b", condition="workflow.n > 1", conditions=["workflow.n > 9"]),
        action("c", conditions=[{**parts, "value": 5}]),
        action("d", conditions=[{**parts, "field": "workflow.limit", "value": 5}]),
        variables={"limit": 6},
    ).go()
    ends = {id_: outcome.status for id_, outcome in level.outcomes.items()}
    assert ends == {"a": "completed", "b": "skipped", "c": "skipped", "d": "completed"}


async def test_variables_are_values_of_the_workflow() -> None:
    """They are referred to as inputs are."""
    level = await runs(action("a", input_mapping={"of": "workflow.limit"}), variables={"limit": 1000}).go()
    assert level.outputs["a"] == {"of": 1000}


async def test_next_steps_are_dependencies_from_the_other_side() -> None:
    """The step that is named waits for the one that names it."""
    made = runs(action("late"), action("first", next_steps=["late"]))
    await made.go()
    assert [path for _, path in made.tools.calls] == ["first", "late"]


@pytest.mark.parametrize(
    ("field", "error", "calls"), [("input_validation", "bad_input", 0), ("output_validation", "bad_output", 1)]
)
async def test_inputs_and_outputs_are_held_to_their_schema(field: str, error: str, calls: int) -> None:
    """An input that does not fit never reaches the tool; an output that does not fit reaches no other step."""
    schema: dict[str, Any] = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    held: dict[str, Any] = {field: schema}
    fits = runs(action("a", input_mapping={"n": 1}, **held))
    assert (await fits.go()).outputs["a"] == {"n": 1}
    bad = runs(action("a", input_mapping={"n": "one"}, retry_policy=ONCE, **held))
    assert await error_of(bad) == error
    assert len(bad.tools.calls) == calls


async def test_one_try_has_only_its_time() -> None:
    """`timeout` ends a try that takes longer, as a failure of that class."""
    tools = Tools(sleeps=lambda _, __: asyncio.sleep(10))
    assert await error_of(runs(action("a", "sleeps", timeout=0.01, retry_policy=ONCE), tools=tools)) == "timeout"


async def test_the_time_of_a_try_stands_still_while_it_waits_for_a_place() -> None:
    """Also where a step takes its place in the middle of its work; the time after that counts."""

    async def asks(given: dict[str, Any], call: Call) -> str:
        async with call.slot(ActionStep(id="a", tool="asks")):
            await asyncio.sleep(given["seconds"])
        return "asked"

    tools = Tools(asks=asks, sleeps=lambda _, __: asyncio.sleep(0.2))
    for seconds, status in ((0, "completed"), (10, "failed")):
        asking = action("a", "asks", timeout=0.1, retry_policy=ONCE, input_mapping={"seconds": seconds})
        level = await runs(action("b", "sleeps"), asking, tools=tools, max_parallel_steps=2).go()
        assert level.outcomes["a"].status == status


@pytest.mark.parametrize(
    ("on_rest", "order", "slow"),
    [
        ("wait", ["quick", "slow", "after"], "completed"),
        ("ignore", ["quick", "after", "slow"], "completed"),
        ("cancel", ["quick", "after"], "cancelled"),
    ],
)
async def test_what_becomes_of_the_rest_of_a_join(on_rest: str, order: list[str], slow: str) -> None:
    """Once one has ended well the step waits for the others, goes on beside them, or cancels them."""
    ended: list[str] = []

    async def works(given: dict[str, Any], call: Any) -> None:
        await asyncio.sleep(given.get("seconds", 0))
        ended.append(call.path)

    level = await runs(
        action("quick"),
        action("slow", input_mapping={"seconds": 0.03}),
        action("after", depends_on=["quick", "slow"], join={"need": "any", "on_rest": on_rest}),
        tools=Tools(works=works),
    ).go()
    assert (ended, level.outcomes["slow"].status) == (order, slow)


@pytest.mark.parametrize(
    ("backoff", "waits"), [("fixed", [2, 2, 2]), ("linear", [2, 4, 5]), ("exponential", [2, 5, 5])]
)
def test_pauses_grow_as_the_policy_says(backoff: Any, waits: list[float]) -> None:
    """By `backoff`, from `delay` on, by `multiplier`, up to `max_delay`, and `max_attempts` says how many."""
    policy = RetryPolicy(max_attempts=4, backoff=backoff, delay=2, multiplier=3, max_delay=5, jitter=False)
    assert pauses(policy) == waits
    assert [pause_before(policy, tries) for tries in (1, 2, 3)] == waits
    drawn = {pause_before(policy.model_copy(update={"jitter": True}), 1) for _ in range(20)}
    assert len(drawn) > 1
    assert all(1 <= each <= 3 for each in drawn)


async def test_the_policy_of_the_workflow_is_for_steps_without_one() -> None:
    """A step's own policy stands in its place."""

    def fails(_: Any, __: Any) -> None:
        raise StepFailed("no", "unavailable")

    made = runs(
        action("a", "fails"),
        action("b", "fails", retry_policy=ONCE),
        tools=Tools(fails=fails),
        retry_policy={"max_attempts": 2},
        on_failure="continue",
    )
    await made.go()
    assert sorted(path for _, path in made.tools.calls) == ["a", "a", "b"]


async def test_branches_at_a_time() -> None:
    """`max_concurrent` bounds the branches of a step, `max_parallel_steps` all steps of the run."""
    now: list[int] = [0, 0]

    async def works(_: Any, __: Any) -> None:
        now[0] += 1
        now[1] = max(now)
        await asyncio.sleep(0.002)
        now[0] -= 1

    inside = [action(f"s{place}") for place in range(6)]
    many = {"id": "many", "type": "parallel", "steps": inside}
    for step, places, most in ((many, 10, 6), ({**many, "max_concurrent": 2}, 10, 2), (many, 3, 3)):
        now[1] = 0
        await runs(step, tools=Tools(works=works), max_parallel_steps=places).go()
        assert now[1] == most


async def test_a_loop_gives_its_last_result_or_all() -> None:
    """By `results`; `while` is asked before each turn."""
    step = {
        "id": "a",
        "type": "loop",
        "while": "index < 3",
        "steps": [action("in", input_mapping={"i": "$index"})],
    }
    assert (await runs(step).go()).outputs["a"] == {"i": 2}
    assert (await runs({**step, "results": "all"}).go()).outputs["a"] == [{"i": 0}, {"i": 1}, {"i": 2}]


@pytest.mark.parametrize(
    ("field", "step"),
    [
        ("", {"type": "worker", "capability": "research", "task": "x"}),
        ("", {"type": "orchestrator", "goal": "x", "workers": [WORKER]}),
        ("classify", {"type": "conditional", "classify": {"input": "x", "routes": {"b": "bees", "c": "cats"}}}),
    ],
)
async def test_a_step_asks_the_model_that_it_names(field: str, step: dict[str, Any]) -> None:
    """One that cannot be opened is said, whoever would have been asked without it."""
    named = {**step, field: {**step[field], **MODEL}} if field else {**step, **MODEL}
    failing = {"id": "a", **named, "retry_policy": {**ONCE, "continue_on_failure": True}}
    error = (await AgentRun(failing, script=({"reply": "x"},)).go())["a"]["error"]
    assert "needs an API key" in error["message"]


def test_what_people_read_is_shown() -> None:
    """`show` tells the description, the owner, the tags, and the names of the steps."""
    told = {"description": "Pays.", "owner": "ann", "tags": ("money",), "version": "1.2.0"}
    steps = [{"id": "a", "type": "wait", "event": "e", "name": "Paid"}]
    definition = WorkflowDefinition.model_validate({"name": "w", "steps": steps, **told})
    shown = _document(definition, "h", ())
    assert {name: getattr(shown, name) for name in told} == told
    assert (shown.name, shown.steps[0].name, definition.steps[0].label) == ("w", "Paid", "Paid")


@pytest.mark.parametrize("kind", [("action", "sequential"), ("conditional", "condition")])
def test_types_have_their_other_names(kind: tuple[str, str]) -> None:
    """Either name of a type stands for the same class of step."""
    fields: Any = {"action": {"tool": "x"}, "conditional": {"cases": [{"when": "true"}]}}[kind[0]]
    made = [
        WorkflowDefinition.model_validate({"name": "w", "steps": [{"id": "a", "type": name, **fields}]}).steps[0]
        for name in kind
    ]
    assert type(made[0]) is type(made[1])


def test_a_field_that_is_unknown_is_refused() -> None:
    """No field is read over."""
    with pytest.raises(ValidationError):
        WorkflowDefinition.model_validate({"name": "w", "steps": [{"id": "a", "type": "wait", "event": "e", "x": 1}]})
