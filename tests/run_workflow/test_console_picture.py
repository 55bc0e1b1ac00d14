"""How progress events become rows."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_workflow.console.picture import ENDED, RunPicture
from state.runs import Progress, StepRecord, StepStatus, Usage

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def folded(*events: Progress) -> RunPicture:
    """The picture after the events, a second apart."""
    picture = RunPicture()
    for second, event in enumerate(events):
        picture = picture.fold(event, float(second))
    return picture


def tokens(number: int) -> Usage:
    return Usage(model_calls=1, input_tokens=number)


def test_a_step_runs_and_ends() -> None:
    """A step is a row from its start to its end, with the time between."""
    picture = folded(Progress(path="merge", status="running"), Progress(path="merge", status="completed"))
    (row,) = picture.rows
    assert (row.path, row.status, row.seconds(99.0), row.times) == ("merge", "completed", 1.0, 1)


def test_rounds_of_a_branch_are_one_row() -> None:
    """Usage of several rounds adds up; a later report of one round replaces the earlier."""
    picture = folded(
        Progress(path="branches/a/0", usage=tokens(10)),
        Progress(path="branches/a/0", usage=tokens(30)),
        Progress(path="branches/a/1", usage=tokens(5)),
        Progress(path="branches/b/0", usage=tokens(7)),
    )
    assert [(row.path, row.usage.tokens) for row in picture.rows] == [("branches/a", 35), ("branches/b", 7)]
    assert picture.usage.tokens == 42
    assert [row.name for row in picture.branches] == ["a", "b"]


def test_a_usage_report_alone_shows_that_a_step_runs() -> None:
    """A step that is known only from its usage is running."""
    (row,) = folded(Progress(path="analyze_task/0", usage=tokens(3))).rows
    assert (row.path, row.status, row.times) == ("analyze_task", "running", 1)


def test_the_tool_in_use_comes_and_goes() -> None:
    """A tool is shown until it ends, or its branch does."""
    running = Progress(path="branches/a", status="running")
    used = folded(running, Progress(path="branches/a/0", tool="search"))
    assert used.rows[0].tool == "search"
    assert used.fold(Progress(path="branches/a/0", tool=""), 3.0).rows[0].tool == ""
    assert used.fold(Progress(path="branches/a", status="failed", message="broke"), 3.0).rows[0].tool == ""


def test_what_a_call_waits_for_comes_and_goes() -> None:
    """It is shown until the call goes on, or its branch ends."""
    running = Progress(path="branches/a", status="running")
    waits = folded(running, Progress(path="branches/a/0", wait="waits for its turn at openai"))
    assert waits.rows[0].wait == "waits for its turn at openai"
    assert waits.fold(Progress(path="branches/a/0", wait=""), 3.0).rows[0].wait == ""
    assert waits.fold(Progress(path="branches/a", status="failed", message="broke"), 3.0).rows[0].wait == ""


def test_branches_stand_together() -> None:
    """A branch that is sent later stands with the others, before the steps that came between."""
    picture = folded(
        *(Progress(path=path, status="running") for path in ("dispatch", "branches/a", "merge", "branches/b"))
    )
    assert [row.path for row in picture.rows] == ["dispatch", "branches/a", "branches/b", "merge"]


def test_waiting_is_no_new_beginning() -> None:
    """A step that waited for a person goes on: it is not counted twice, and its time runs on."""
    picture = folded(*(Progress(path="approve_plan", status=status) for status in ("running", "waiting", "running")))
    (row,) = picture.rows
    assert (row.status, row.times, row.waited, row.began) == ("running", 1, True, 0.0)


def test_a_step_done_again_counts_its_times() -> None:
    """A step that begins again runs from then on and has no message from before."""
    picture = folded(
        Progress(path="merge", status="running"),
        Progress(path="merge", status="failed", message="broke"),
        Progress(path="merge", status="running"),
    )
    (row,) = picture.rows
    assert (row.status, row.times, row.began, row.ended, row.message) == ("running", 2, 2.0, None, "")


def step(path: str, status: StepStatus, seconds: int, **more: object) -> StepRecord:
    """A step that began `seconds` ago and, if it has ended, took one second."""
    began = NOW - timedelta(seconds=seconds)
    ended = began + timedelta(seconds=1) if status in ENDED else None
    return StepRecord.model_validate(
        {"run_id": "r", "path": path, "status": status, "started_at": began, "ended_at": ended, **more}
    )


def test_what_happened_before_is_in_the_picture() -> None:
    """Steps of an earlier stretch are rows with their own times, and what they used is counted once."""
    steps = [
        step("read_sources", "completed", 60),
        step("branches/a", "running", 30),
        step("branches/a@scout", "completed", 30),  # stands beside its branch, and is no row of its own
        step("approve_plan", "waiting", 9),
    ]
    picture = RunPicture.of(steps, tokens(100), NOW, 1000.0)
    read, branch, approval = picture.rows
    assert (read.status, read.seconds(1000.0)) == ("completed", 1.0)
    assert (branch.status, branch.seconds(1000.0)) == ("running", 30.0)
    assert approval.waited
    assert picture.usage.tokens == 100
    again = picture.fold(Progress(path="branches/a/0", usage=tokens(40)), 1001.0)
    assert (again.usage.tokens, again.branches[0].usage.tokens) == (100, 40)
    other = again.fold(Progress(path="branches/b/0", usage=tokens(7)), 1002.0)
    assert other.usage.tokens == 107


paths = st.sampled_from(["dispatch", "merge", "branches/a", "branches/a/0", "branches/a/1", "branches/b/0", "publish"])
statuses = st.sampled_from([None, "pending", "waiting", "running", "retrying", "completed", "failed", "cancelled"])
events = st.builds(Progress, path=paths, status=statuses, tool=st.sampled_from([None, "", "search"]))


@pytest.mark.slow
@given(st.lists(events, max_size=30))
def test_any_events_make_a_sound_picture(happened: list[Progress]) -> None:
    """Whatever comes in whatever order: one row a step, branches side by side, an end only for what has ended."""
    picture = folded(*happened)
    paths_of = [row.path for row in picture.rows]
    assert len(set(paths_of)) == len(paths_of)
    places = [place for place, row in enumerate(picture.rows) if row.is_branch]
    assert places == list(range(places[0], places[0] + len(places))) if places else True
    for row in picture.rows:
        assert (row.ended is not None) == (row.status in ENDED)
        assert row.seconds(99.0) >= 0
        assert not (row.tool and row.status in ENDED)
