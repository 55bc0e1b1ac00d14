"""How numbers, times and states are written for a person: short, and the same everywhere."""

from collections.abc import Mapping
from datetime import datetime

from state.runs import Standing, StepStatus

_CONTROL = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}

STEP_NAMES: Mapping[str, str] = {
    "read_sources": "read the sources",
    "analyze_task": "plan the work",
    "approve_plan": "approval of the plan",
    "dispatch": "send the branches",
    "sync_point": "wait for the branches",
    "merge": "merge the evidence",
    "approve_merge": "approval of the evidence",
    "quality_gate": "measure the quality",
    "approve_gate": "approval of the quality",
    "rebalance": "plan what is missing",
    "synthesize": "write the report",
    "review": "review the report",
    "approve_report": "approval of the report",
    "explain_failure": "say what could not be established",
    "publish": "check and publish",
}
"""Steps in words; a step that is not here is shown by its path."""


def step_name(path: str, is_workflow: bool) -> str:
    """A step in words; one of a workflow file has the name that its author gave it."""
    return path if is_workflow else STEP_NAMES.get(path, path)


STYLES: Mapping[StepStatus | Standing, str] = {
    "completed": "green",
    "running": "cyan",
    "initializing": "cyan",
    "retrying": "yellow",
    "waiting": "yellow",
    "waiting_approval": "yellow",
    "paused": "yellow",
    "interrupted": "yellow",
    "answered": "yellow",
    "rolling_back": "yellow",
    "rolled_back": "red",
    "rollback_failed": "bold red",
    "failed": "red",
    "timed_out": "red",
    "compensated": "magenta",
    "cancelled": "red",
    "skipped": "dim",
    "pending": "dim",
}

FATES: Mapping[str, str] = {"approve": "approved", "reject": "rejected, which ends the run"}
"""What a timeout policy does to a request that nobody answered."""

_MARKS = {
    "completed": "✓",
    "failed": "✗",
    "cancelled": "✗",
    "compensated": "↶",
    "waiting": "?",
    "running": "▸",
    "retrying": "▸",
}
_ASCII_MARKS = {
    "completed": "+",
    "failed": "x",
    "cancelled": "x",
    "compensated": "<",
    "waiting": "?",
    "running": ">",
    "retrying": ">",
}


def clean(text: str) -> str:
    """The text without control characters: what a model or a source wrote must not steer the terminal."""
    return text.translate(_CONTROL)


def one_line(text: str) -> str:
    """The text as one line without control characters."""
    return " ".join(clean(text).split())


def mark(status: StepStatus, ascii_only: bool) -> str:
    """One sign for a state; the state is written out beside it."""
    return (_ASCII_MARKS if ascii_only else _MARKS).get(status, " ")


def count(number: int) -> str:
    """`950`, `12.3k`, `1.2M`."""
    if number < 1_000:
        return str(number)
    if number < 999_950:
        return f"{number / 1_000:.1f}k"
    return f"{number / 1_000_000:.1f}M"


def dollars(money: float) -> str:
    """`$0`, `$0.0042`, `$1.27`: never rounded to nothing."""
    if money == 0:
        return "$0"
    if money < 0.0001:
        return "<$0.0001"
    return f"${money:.4f}" if money < 0.1 else f"${money:,.2f}"


def duration(seconds: float) -> str:
    """`0:07`, `12:30`, `1:02:03`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(at: datetime) -> str:
    """Local date and time to the second."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def plural(number: int, one: str, many: str = "") -> str:
    """`1 branch`, `3 branches`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
