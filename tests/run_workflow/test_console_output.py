"""What is printed: words, streams, the live tree and plain lines, requests, summaries."""

import io
import re

import pytest
import yaml
from rich.console import Console
from rich.text import Text

from run_workflow.console.picture import RunPicture
from run_workflow.console.progress import EventLines, LiveTree, Tree, watcher
from run_workflow.console.requests import request_view, to_yaml
from run_workflow.console.screen import Screen, table
from run_workflow.console.summary import missing_text, usage_text
from run_workflow.console.words import clean, count, dollars, duration, one_line, plural
from state.errors import SetupError
from state.research import Missing
from state.runs import (
    ActionRequest,
    ApprovalRecord,
    ApprovalRequest,
    Json,
    Progress,
    ReviewConfig,
    Usage,
)
from tests.run_workflow.cli_double import BRANCH, screen_on
from tests.run_workflow.engine_double import PLAN, START

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (999, "999"), (1_000, "1.0k"), (48_249, "48.2k"), (999_960, "1.0M")]
)
def test_counts_are_short(number: int, text: str) -> None:
    """Large counts are rounded to one decimal."""
    assert count(number) == text


@pytest.mark.parametrize(
    ("money", "text"), [(0, "$0"), (0.00001, "<$0.0001"), (0.0042, "$0.0042"), (1.266, "$1.27"), (1234.5, "$1,234.50")]
)
def test_money_is_never_rounded_to_nothing(money: float, text: str) -> None:
    """Small sums keep four decimals, and the smallest are said to be below them."""
    assert dollars(money) == text


@pytest.mark.parametrize(("seconds", "text"), [(7.9, "0:07"), (750, "12:30"), (3_723, "1:02:03")])
def test_durations_read_like_clocks(seconds: float, text: str) -> None:
    """Hours are left out where there are none."""
    assert duration(seconds) == text


def test_plurals() -> None:
    """One thing, several things."""
    assert (plural(1, "branch", "branches"), plural(2, "branch", "branches"), plural(0, "call")) == (
        "1 branch",
        "2 branches",
        "0 calls",
    )


def test_foreign_text_cannot_steer_the_terminal() -> None:
    """Escape sequences, bells and C1 controls of a source are taken out; line ends stay where they are wanted."""
    hostile = "a\x1b]0;title\x07b\x9b2Jc\r\nd"
    assert clean(hostile) == "a]0;titleb2Jc\nd"
    assert one_line(hostile) == "a]0;titleb2Jc d"


def test_usage_says_when_a_price_is_missing() -> None:
    """Money of calls without a price is not passed off as nothing."""
    used = Usage(model_calls=2, tool_calls=1, input_tokens=1500, money=0.5, unpriced_calls=1)
    assert usage_text(used) == "2 model calls, 1 tool call, 1.5k tokens, $0.50 and 1 call without a known price"


def test_a_pipe_gets_whole_plain_lines() -> None:
    """Long lines and cells are neither wrapped, cut nor padded, and nothing in them is a control character."""
    out = io.StringIO()
    screen = Screen(
        out=Console(file=out, force_terminal=False, width=400, markup=False), err=Console(file=io.StringIO())
    )
    rows = table("name", "text")
    rows.add_row("x", "word " * 40)
    screen.say("y" * 1000)
    screen.show(rows, Text("[bold]not markup[/bold]"))
    lines = out.getvalue().splitlines()
    assert lines[0] == "y" * 1000
    assert lines[1:] == ["name  text", "x     " + ("word " * 40).rstrip(), "[bold]not markup[/bold]"]
    assert not CONTROL.search(out.getvalue())


def test_an_error_says_what_where_and_what_to_do() -> None:
    """Each part of an error has its line."""
    text = io.StringIO()
    screen_on(text).error(SetupError("It is wrong.", place="settings.toml, home", remedy="Correct it."))
    assert text.getvalue() == "Error: It is wrong.\n  where: settings.toml, home\n  do:    Correct it.\n"


def test_a_name_at_the_beginning_of_an_error_is_left_alone() -> None:
    """A message becomes a sentence, but the name of a model keeps its spelling."""
    for message, shown in (("the file is empty", "The file is empty"), ("good/dear gave up", "good/dear gave up")):
        text = io.StringIO()
        screen_on(text).error(SetupError(message))
        assert text.getvalue() == f"Error: {shown}\n"


def drawn(
    picture: RunPicture, width: int, *, height: int = 24, encoding: str = "utf-8", whole: bool = True
) -> list[str]:
    """The tree as lines of text, 65 seconds after the run began."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=stream, width=width, height=height, force_terminal=False, legacy_windows=False)
    with console.capture() as captured:
        console.print(Tree(picture, 65.0, 65.0, whole=whole))
    return [line.rstrip() for line in captured.get().splitlines()]


def picture_of(*events: Progress) -> RunPicture:
    picture = RunPicture()
    for event in events:
        picture = picture.fold(event, 0.0)
    return picture


RUNNING = (
    *BRANCH,
    Progress(path="branches/figures", status="running"),
    Progress(path="branches/figures/0", tool="load_data"),
    Progress(path="approve_merge", status="completed"),
    Progress(path="dispatch", status="completed"),
)


def test_the_tree_shows_status_tool_tokens_money_and_time() -> None:
    """One line a step and a branch, then the sum; approvals that did not wait and mere plumbing are left out."""
    lines = drawn(picture_of(*RUNNING), 90)
    cells = [re.split(r"\s{2,}", line) for line in lines]
    assert cells[0] == ["✓ read the sources", "completed", "0:00"]
    assert cells[1] == ["├─ ✓ speed", "completed", "1.5k", "$0.0200", "0:00"]
    assert cells[2] == ["└─ ▸ figures", "load_data", "1:05"]
    assert lines[3:] == ["1 of 2 branches ended · 1.5k tokens · $0.0200 · 1:05"]


@pytest.mark.parametrize("width", [20, 34, 59, 60, 200])
def test_the_tree_fits_any_width(width: int) -> None:
    """No line is wider than the terminal, and each row stays one line."""
    lines = drawn(picture_of(*RUNNING), width)
    assert len(lines) == 4
    assert all(len(line) <= width for line in lines)


def test_the_tree_does_without_signs_that_the_terminal_lacks() -> None:
    """On a terminal that knows ASCII only, the tree is drawn in ASCII."""
    lines = drawn(picture_of(*RUNNING), 90, encoding="ascii")
    assert lines[1].startswith("|- + speed")
    assert "".join(lines[:3]).isascii()


def test_the_tree_is_cut_to_the_height_of_the_terminal() -> None:
    """While the run goes on, ended steps give way to running ones; at the end all are shown."""
    ended = [Progress(path=f"step{number}", status="completed") for number in range(30)]
    running = [Progress(path=f"branches/b{number}", status="running") for number in range(5)]
    picture = picture_of(*ended, *running)
    lines = drawn(picture, 80, height=12, whole=False)
    assert len(lines) <= 12
    assert "more steps" in lines[0]
    assert all(any(f" b{number} " in line for line in lines) for number in range(5))
    assert len(drawn(picture, 80, height=12, whole=True)) == 36


def test_plain_lines_tell_changes_once() -> None:
    """Where there is no terminal each change is a line: start, tool, end with what was used."""
    text = io.StringIO()
    screen = screen_on(text)
    watching = watcher(screen, RunPicture())
    assert isinstance(watching, EventLines)
    with watching:
        for event in (
            *BRANCH,
            Progress(path="review", status="running"),
            Progress(path="review/0", wait="waits for its turn at openai"),
            Progress(path="review/0", wait=""),
            Progress(path="dispatch", status="running"),
            Progress(path="approve_gate", status="running"),
        ):
            watching.event(event)
    told = [re.sub(r"^\[\d+:\d\d\] ", "", line) for line in text.getvalue().splitlines()]
    assert told == [
        "read the sources: running",
        "read the sources: completed",
        "speed: running",
        "speed: uses search_documents",
        "speed: completed after 0:00 (1.5k tokens, $0.0200)",
        "review the report: running",
        "review the report: waits for its turn at openai",
    ]
    assert not CONTROL.search(text.getvalue())


def test_reading_tells_how_far_it_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line every two seconds at most names the count and the file; what could not be read is told at once."""
    clock = iter([0.0, 0.1, 0.2, 1.9, 2.1, 3.9, 4.2, 4.3, 4.4])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    text = io.StringIO()
    watching = watcher(screen_on(text), RunPicture())
    with watching:
        watching.event(Progress(path="read_sources", status="running"))
        for done in range(1, 7):
            watching.event(Progress(path="read_sources", done=done * 200, of=1200, message=f"{done}.html"))
        watching.event(Progress(path="read_sources", notes=("Not read: a.bin: files of type .bin are not read",)))
    assert text.getvalue().splitlines() == [
        "[0:00] read the sources: running",
        "[0:02] read the sources: 600 of 1,200: 3.html",
        "[0:04] read the sources: 1,000 of 1,200: 5.html",
        "Not read: a.bin: files of type .bin are not read",
    ]


def test_the_tree_shows_how_far_reading_has_come() -> None:
    """The row of a step that counts has the count and the name of the last file."""
    counted = Progress(path="read_sources", done=120, of=1000, message="docs/x.html")
    lines = drawn(picture_of(Progress(path="read_sources", status="running"), counted), 90)
    assert "120 of 1,000: docs/x.html" in lines[0]


def test_the_tree_says_that_it_starts() -> None:
    """Before the first step there is a word to see, since the agents take seconds to load."""
    assert drawn(RunPicture(), 90)[0].startswith("starting")


def test_notes_stay_above_a_live_tree() -> None:
    """What a person is to see for good is printed once, beside the tree that is drawn again."""
    text = io.StringIO()
    with watcher(screen_on(text, terminal=True), RunPicture()) as watching:
        watching.event(Progress(path="read_sources", notes=("Not read: a.bin: empty",)))
    assert text.getvalue().count("Not read: a.bin: empty") == 1


def test_a_free_run_shows_no_tokens() -> None:
    """Where only our own model works, the tree has neither tokens nor money."""
    picture = RunPicture(free=True)
    for event in BRANCH:
        picture = picture.fold(event, 0.0)
    lines = drawn(picture, 90)
    assert not any("1.5k" in line or "$" in line or "token" in line for line in lines)


def test_a_live_tree_ends_with_the_whole_picture() -> None:
    """On a terminal the tree is drawn in place, and stands there whole when the run has ended."""
    text = io.StringIO()
    watching = watcher(screen_on(text, terminal=True), RunPicture())
    assert isinstance(watching, LiveTree)
    with watching:
        for event in BRANCH:
            watching.event(event)
        watching.note("a word")
    shown = text.getvalue()
    assert "a word" in shown
    assert "speed" in shown.split("a word")[1]
    assert "\x1b[?25h" in shown, "the cursor is shown again"


def request(name: str, args: Json) -> ApprovalRecord:
    action = ActionRequest(name=name, args=args, description="Is it right?")
    config = ReviewConfig(action_name=name, allowed_decisions=("approve", "reject"))
    asked = ApprovalRequest(action_requests=(action,), review_configs=(config,))
    return ApprovalRecord(
        id="q1", run_id="r1", point=name.removeprefix("approve_"), request=asked, status="pending", created_at=START
    )


MERGED: Json = {
    "claims": [
        {"id": "c1", "text": "It rose.", "topic": "t", "verdict": "supported", "confidence": 0.9, "passages": []}
    ],
    "contradictions": [
        {
            "id": "x1",
            "subject": "the rate",
            "sides": [
                {"claim_id": f"c{n}", "source_id": "s", "passage_id": "p", "statement": f"It is {n}.", "value": str(n)}
                for n in (1, 2)
            ],
            "preferred": "c2",
            "why": "it is newer",
        }
    ],
}
GATE: Json = {
    "decision": "needs_revision",
    "score": 0.5,
    "coverage": 0.25,
    "citation_validity": 1.0,
    "agreement": 1.0,
    "completeness": 1.0,
    "uncovered": ["Why?"],
}
REPORT: Json = {
    "title": "CO2",
    "sections": [{"heading": "Key findings", "sentences": [{"text": "It rose.", "passages": ["p1", "p2"]}]}],
}


@pytest.mark.parametrize(
    ("name", "args", "parts"),
    [
        (
            "approve_plan",
            {"plan": PLAN.model_dump(mode="json")},
            ["Mode: parallel", "1. How fast", "speed (required)", "table co2.csv"],
        ),
        ("approve_merge", MERGED, ["c1", "supported", "0.90", "> c2: It is 2.", "because it is newer"]),
        ("approve_gate", GATE, ["needs_revision", "coverage", "0.25", "Not covered: Why?"]),
        ("approve_report", REPORT, ["CO2", "Key findings", "It rose. [p1, p2]"]),
        ("pay_invoice", {"amount": 12, "to": "Ann"}, ["amount: 12", "to: Ann"]),
    ],
)
def test_a_request_is_shown_readably(name: str, args: Json, parts: list[str]) -> None:
    """Each point shows what it asks about; an unknown action is shown as YAML."""
    text = io.StringIO()
    screen_on(text, width=120).aside(request_view(request(name, args)))
    for part in ("Is it right?", "request q1", *parts):
        assert part in text.getvalue()


def test_a_request_that_shows_nothing_is_its_question() -> None:
    """No empty braces stand between the question and who may answer."""
    text = io.StringIO()
    screen_on(text, width=120).aside(request_view(request("decision", {})))
    assert [line.rstrip() for line in text.getvalue().splitlines()] == [
        "Approval at decision: Is it right?",
        "request q1",
    ]


def test_a_request_keeps_hostile_text_harmless() -> None:
    """Escape sequences in what is shown do not reach the terminal."""
    plan = PLAN.model_copy(update={"why": "\x1b[2Jgone", "sub_questions": ("a\x1b[31m?",)})
    text = io.StringIO()
    screen_on(text).aside(request_view(request("approve_plan", {"plan": plan.model_dump(mode="json")})))
    assert "\x1b" not in text.getvalue()


def test_a_request_shows_a_call_as_it_stands() -> None:
    """What nobody sees is an escape, lines of a text stay below its name, what is long is cut and says so; an edit
    begins with all of it, and reads it back as it was.
    """
    args: Json = {"to": "ann\u200b\u202e", "text": "Hello.\nto: bob\nrequest q2", "body": "x" * 5000}
    text = io.StringIO()
    screen_on(text, width=120).aside(request_view(request("a.send", args)))
    shown = text.getvalue()
    assert r'to: "ann\u200b\u202e"' in shown
    assert "\u202e" not in shown
    assert [line.strip() for line in shown.splitlines() if line.startswith("  to: ")] == [r'to: "ann\u200b\u202e"']
    assert "(cut: 2,000 of 5,000 characters)" in shown.replace("\n", "").replace("  ", "")
    assert yaml.safe_load(to_yaml(args)) == args


def test_a_branch_that_found_nothing_is_not_called_completed() -> None:
    """How a branch ended is told where it did not complete."""
    nothing = Missing(branch_id="a", focus="costs", status="completed", reason="it found nothing", questions=())
    late = nothing.model_copy(update={"status": "timed_out", "reason": "its time was over"})
    assert missing_text(nothing) == "costs: it found nothing"
    assert missing_text(late) == "costs (timed out): its time was over"
