"""Tables and events in words: what `show` and `timeline` print."""

import io
import re

import pytest

from run_workflow.console.events import event_words, facts
from run_workflow.console.requests import request_view
from run_workflow.console.tables import places_to_fork, step_table
from state.research import AgentSpec, Branch, Plan
from state.runs import AuditEvent, Json, StepRecord
from state.specialisation import ResearchSpeciality
from tests.run_workflow.cli_double import screen_on
from tests.run_workflow.engine_double import START, EngineDouble


@pytest.mark.parametrize(
    ("event", "data", "what", "details"),
    [
        ("run.started", {"fence": 1, "definition": "a" * 64}, "work began", ""),
        ("run.waiting", {"requests": ["b" * 32]}, "it waits for an answer", ""),
        ("approval.requested", {"request": "b", "action": "approve_plan"}, "an approval was asked for", "plan"),
        ("approval.answered", {"point": "plan", "decision": "edit"}, "an approval was answered", "plan: edit"),
        (
            "run.created",
            {"parent": "r1", "at": "dispatch", "changes": {"question": "Why?"}},
            "the run was made",
            "copied from r1, before dispatch, with question = Why?",
        ),
        ("step.left_out", {"count": 2, "deep": {"a": 1}}, "step left out", "2 count"),
    ],
)
def test_events_are_told_in_words(event: str, data: Json, what: str, details: str) -> None:
    """Names are words, and what only programs ask for is left out; an unknown event is shown as well as can be."""
    record = AuditEvent(run_id="r", seq=1, at=START, actor="ann", event=event, data=data, previous="", hash="")
    assert event_words(record) == (what, details)


def test_steps_done_again_say_so() -> None:
    """The second time of a step is marked as such; tokens stand in the table only where a model is paid for."""
    result: Json = {"status": "completed", "findings": 2, "tokens": 900}
    steps = [
        StepRecord(
            run_id="r",
            path="merge",
            iteration=place,
            status="completed",
            started_at=START,
            ended_at=START,
            result=result,
        )
        for place in (0, 4)
    ]
    for free, told in ((True, "2 findings"), (False, "2 findings, 900 tokens")):
        text = io.StringIO()
        screen_on(text).show(step_table(steps, free))
        rows = [re.split(r"\s{2,}", line.strip()) for line in text.getvalue().splitlines()]
        assert rows[1:] == [
            ["merge the evidence", "completed", "0:00", "1", told],
            ["merge the evidence again", "completed", "0:00", "1", told],
        ]


def test_the_work_of_an_agent_says_whose_it_is() -> None:
    """In the table under the step's name; it is no place to begin a copy at."""
    paths = ("analyze_task", "analyze_task@chief", "branches/alpha@scout")
    steps = [StepRecord(run_id="r", path=each, status="completed", started_at=START, ended_at=START) for each in paths]
    text = io.StringIO()
    screen_on(text).show(step_table(steps, True))
    for name in ("plan the work, by chief", "alpha, by scout"):
        assert name in text.getvalue()
    assert places_to_fork(steps) == "analyze_task (plan the work)"


def test_a_plan_is_shown_with_its_agents() -> None:
    """Who does each branch and how, who coordinated, and who writes."""
    agent = AgentSpec(name="scout", research=ResearchSpeciality(depth="quick", fact_checking=True))
    branch = Branch(id="a", kind="research", focus="alpha", questions=("Q?",), agent=agent)
    plan = Plan(sub_questions=("Q?",), branches=(branch,), coordinator="chief", writer="poet")
    engine = EngineDouble([])
    engine.add("r1", {"question": "Q?"})
    record = engine.ask("r1", "plan")
    (action,) = record.request.action_requests
    shown = action.model_copy(update={"args": {"plan": plan.model_dump(mode="json")}})
    request = record.request.model_copy(update={"action_requests": (shown,)})
    text = io.StringIO()
    screen_on(text, width=200).show(request_view(record.model_copy(update={"request": request})))
    told = " ".join(text.getvalue().split())
    for part in ("scout; depth: quick; fact checking: True", "Coordinated by chief. Written by poet."):
        assert part in told


def test_results_are_told_in_words() -> None:
    """Counts read like a sentence, nested values are left out."""
    assert facts({"findings": 1, "tool_calls": 4, "tokens": 2100, "mode": "fast", "usage": {"a": 1}}) == (
        "1 finding, 4 tool calls, 2.1k tokens, mode fast"
    )
