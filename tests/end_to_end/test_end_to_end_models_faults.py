"""A provider that fails in every way, behind the real client and under the whole research graph."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from state.context import GatePolicy, RunContext
from tests.end_to_end.served_research import MODEL, Fault, ServedRun, Team, always, first, told
from tests.graphs.research_runs import ALPHA, passage_with, write_sources
from tests.openai_server import Reply, Server, answer, failure, openai_server

CONTEXT = RunContext(default_model=MODEL, gate=GatePolicy(max_revisions=0), max_branches=20)
SOUND = 2
"""Requests of a branch that nothing goes wrong with: a search and its findings."""
NO_JSON = Reply(body='{"choices": [', headers={"Content-Type": "application/json"})
BROKEN = answer(calls=[("FindingsDraft", '{"findings": [')])
HALF = '{"findings": [{"text": "The alpha'
WHOLE = told("FindingsDraft", findings=[]).body


@dataclass(frozen=True)
class Case:
    """What goes wrong, and what becomes of the branch."""

    fault: Fault
    requests: int
    """How many the branch makes in all."""
    reason: str = ""
    """What the branch ends with; empty where it completes."""


OVERFLOW = failure(400, "This model's maximum context length is 8192 tokens.", "context_length_exceeded")
CUT_OFF = answer(calls=[("FindingsDraft", HALF)], finish="length")
WRONG_TOOL = answer(calls=[("browse_internet", '{"url": "x"}')])
WRONG_ARGUMENTS = answer(calls=[("search_documents", '{"question": 7}')])
WRONG_FORM = told("FindingsDraft", findings="none")
PROSE = answer("The alpha bridge is, as everybody knows, 500 m high.")
ENDLESS = answer("and so on " * 200, finish="length")
CASES = {
    "429 with Retry-After": Case(first(1, failure(429, "slow down", Retry_After="3")), SOUND + 1),
    "429 without": Case(first(1, failure(429, "slow down")), SOUND + 1),
    "500 once": Case(first(1, failure(500, "oops")), SOUND + 1),
    "500 always": Case(always(failure(500, "oops")), 4, "oops"),
    "cut before the answer": Case(first(1, Reply(cut=True)), SOUND + 1),
    "cut in the body": Case(first(1, Reply(body=WHOLE, cut_in_body=True)), SOUND + 1),
    "always cut in the body": Case(always(Reply(body=WHOLE, cut_in_body=True)), 4, "did not answer"),
    "slow once": Case(first(1, Reply(body=WHOLE, seconds=1.0)), SOUND + 1),
    "invalid JSON": Case(first(1, NO_JSON), SOUND + 1),
    "always invalid JSON": Case(always(NO_JSON), 4, "did not answer"),
    "cut off once": Case(first(1, CUT_OFF), SOUND + 1),
    "always cut off": Case(always(CUT_OFF), 2, "cut off at the length limit"),
    "broken arguments once": Case(first(1, BROKEN), SOUND + 1),
    "always broken arguments": Case(always(BROKEN), 2, "they are not JSON"),
    "wrong tool once": Case(first(1, WRONG_TOOL), SOUND + 1),
    "always a wrong tool": Case(always(WRONG_TOOL), 2, "it calls browse_internet: there is no such tool"),
    "wrong arguments always": Case(always(WRONG_ARGUMENTS), 2, "it calls search_documents: its arguments do not fit"),
    "wrong form always": Case(always(WRONG_FORM), 2, "it calls FindingsDraft: its arguments do not fit"),
    "prose once": Case(first(1, PROSE), SOUND + 1),
    "always prose": Case(always(PROSE), 2, "it calls no tool"),
    "endless text": Case(always(ENDLESS), 2, "it calls no tool"),
    "prose and wrong tools in turn": Case(always(PROSE, WRONG_TOOL), 2, "cannot be used, twice"),
    "empty once": Case(first(1, answer("")), SOUND + 1),
    "always empty": Case(always(answer("")), 2, "it is empty"),
    "context overflow": Case(always(OVERFLOW), 1, "cannot take a prompt of this length"),
    "wrong key": Case(always(failure(401, "Incorrect API key", "invalid_api_key")), 1, "refused the request"),
    "unknown model": Case(always(failure(404, "no such model")), 1, "refused the request"),
}
HALVES = (list(CASES)[::2], list(CASES)[1::2])


@pytest.fixture(scope="module")
def serving() -> Iterator[Server]:
    """One server for all tests of this file."""
    with openai_server() as running:
        yield running


@pytest.fixture
def server(serving: Server) -> Server:
    """That server, which has not been asked anything."""
    serving.forget()
    return serving


@pytest.fixture
def sources(tmp_path: Path) -> list[str]:
    """A note about a bridge."""
    return write_sources(tmp_path / "bridges", {"alpha.md": f"# Alpha\n\n{ALPHA}\n"})


async def team_of(sources: list[str], *names: str, **faults: Fault) -> Team:
    """A team with a branch for each name, and one called sound."""
    passage = await passage_with(sources, "134 m")
    return Team(passage.id, [*names, "sound"], faults=faults)


async def run_with(server: Server, team: Team, sources: list[str], *, stream: bool = False) -> ServedRun:
    """The run with this team, to its end."""
    server.decide = team
    run = ServedRun(server, CONTEXT, settings={"timeout_seconds": 0.5, "stream": stream})
    await run.ask("How high is the alpha bridge?", sources)
    assert run.state["outcome"] == "published"
    assert run.ended["sound"] == "completed"
    report = await run.report()
    assert "134 m high" in report
    assert "500 m" not in report, "what no passage supports was published"
    return run


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("names", HALVES, ids=["one half", "other half"])
async def test_every_fault(server: Server, sources: list[str], names: list[str], stream: bool) -> None:
    """A branch comes through or is named with its reason; retried is what may pass, once repaired what is bad.

    A branch for each fault, side by side in one run: none makes a difference to another, or to the sound one.
    """
    cases = {name: CASES[name] for name in names}
    team = await team_of(sources, *cases, **{name: case.fault for name, case in cases.items()})
    run = await run_with(server, team, sources, stream=stream)
    assert team.asked["sound"] == SOUND
    for name, case in cases.items():
        assert run.ended[name] == ("failed" if case.reason else "completed"), name
        assert team.asked[name] == case.requests, name
    reasons = {missing.focus: missing.reason for missing in run.state["missing"]}
    assert set(reasons) == {name for name, case in cases.items() if case.reason}
    report = await run.report()
    for name, reason in reasons.items():
        assert cases[name].reason in reason
        assert name in report


async def test_a_stream_that_ends_before_its_answer_is_no_answer(server: Server, sources: list[str]) -> None:
    """A stream that is closed in good order, but has no end, is asked for again: half an answer is none."""
    team = await team_of(sources, "troubled", troubled=first(1, Reply(body=WHOLE, ends_early=True)))
    run = await run_with(server, team, sources, stream=True)
    assert (run.ended["troubled"], team.asked["troubled"]) == ("completed", SOUND + 1)


async def test_a_weak_model_in_all_roles(server: Server, sources: list[str]) -> None:
    """What a model of 135 M parameters says: a plan of echoes, prose, invented tools, endless text, false findings.

    The run ends, says which branches failed and why, and publishes nothing that the model made up.
    """
    names = ["echo", "prose", "inventor", "endless", "liar"]
    made_up = {"text": "The alpha bridge is 500 m high.", "passages": ["p1"], "topic": "?", "confidence": 100}
    lie = {"text": "The alpha bridge is 500 m high.", "passages": [], "topic": "?", "confidence": 0.9}
    team = await team_of(
        sources,
        *names,
        PlanDraft=first(1, answer("Sure! Here is a plan: " * 20, finish="length")),
        echo=always(told("FindingsDraft", findings=[made_up])),
        prose=always(PROSE),
        inventor=always(WRONG_TOOL, WRONG_ARGUMENTS),
        endless=always(ENDLESS, CUT_OFF),
        liar=always(told("FindingsDraft", findings=[{**made_up, "confidence": 0.9}])),
        sound=always(told("FindingsDraft", findings=[lie])),
        ReportDraft=always(PROSE),
        ReviewDraft=always(answer("")),
    )
    server.decide = team
    run = ServedRun(server, CONTEXT, settings={"timeout_seconds": 0.5})
    await run.ask("How high is the alpha bridge?", sources)
    assert run.state["outcome"] == "not_established"
    failed = {name for name, status in run.ended.items() if status == "failed"}
    assert failed == {"echo", "prose", "inventor", "endless", "sound"}
    report = await run.report()
    assert "500" not in report, "what the model made up was published"
    assert all(name in report for name in failed)
    assert "Nothing is claimed here" in report
    assert max(team.asked.values()) <= 3, "somebody was asked again and again"


@pytest.mark.parametrize(
    "reply",
    [failure(500, "oops"), PROSE, answer(""), CUT_OFF, WRONG_TOOL, OVERFLOW],
    ids=["500", "prose", "empty", "cut off", "wrong tool", "overflow"],
)
async def test_no_other_role_costs_the_report(server: Server, sources: list[str], reply: Reply) -> None:
    """A planner, a writer and a critic that fail in any way are stood in for, and the report is published."""
    forms = ("PlanDraft", "ReportDraft", "ReviewDraft")
    team = await team_of(sources, **{form: always(reply) for form in forms})
    server.decide = team
    run = ServedRun(server, CONTEXT, settings={"timeout_seconds": 0.5})
    await run.ask("What of sound?", sources)
    assert run.state["outcome"] == "published"
    assert all(team.asked[form] for form in forms)
