"""A run while it goes on: a live tree on a terminal, one line an event elsewhere."""

import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.table import Table
from rich.text import Text

from run_workflow.console.picture import ENDED, Row, RunPicture
from run_workflow.console.screen import Screen
from run_workflow.console.words import STYLES, count, dollars, duration, mark, one_line, plural, step_name
from state.runs import Progress

_NARROW = 60
"""Columns below which tokens and money are left out."""
_PER_SECOND = 4
_COUNT_SECONDS = 2.0
"""How often at most a line says how far a step has come."""
_QUIET = ("dispatch", "sync_point")
"""Steps that only pass on; the live tree does without them."""


class Watcher(Protocol):
    """Shows a run; entered while it goes on."""

    picture: RunPicture

    def event(self, progress: Progress) -> None:
        """Something happened."""

    def note(self, text: str) -> None:
        """A line for the person."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def watcher(screen: Screen, picture: RunPicture) -> Watcher:
    """The one that fits the screen; the picture shows what happened before."""
    return LiveTree(screen, picture) if screen.live else EventLines(screen, picture)


class LiveTree:
    """Draws the picture again and again in one place."""

    def __init__(self, screen: Screen, picture: RunPicture) -> None:
        self.picture = picture
        self._screen = screen
        self._began = time.monotonic()
        self._over = False
        self._live = Live(
            console=screen.err,
            get_renderable=self._view,
            refresh_per_second=_PER_SECOND,
            vertical_overflow="crop",
        )

    def event(self, progress: Progress) -> None:
        self.picture = self.picture.fold(progress, time.monotonic())
        for text in progress.notes:
            self._screen.note(one_line(text))

    def note(self, text: str) -> None:
        self._screen.note(text, "bold")

    def _view(self) -> "Tree":
        now = time.monotonic()
        return Tree(self.picture, now, now - self._began, whole=self._over)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        self._live.__exit__(kind, error, trace)


class EventLines(AbstractContextManager["EventLines"]):
    """Writes one line for each change of a step and each tool that is taken up."""

    def __init__(self, screen: Screen, picture: RunPicture) -> None:
        self.picture = picture
        self._screen = screen
        self._began = time.monotonic()
        self._counted = self._began

    def event(self, progress: Progress) -> None:
        now = time.monotonic()
        for text in progress.notes:
            self.note(one_line(text))
        before = {row.path: row for row in self.picture.rows}
        self.picture = self.picture.fold(progress, now)
        if progress.status is not None:
            self._counted = now
        if progress.of is not None:
            if now - self._counted < _COUNT_SECONDS:
                return
            self._counted = now
        for row in self.picture.rows:
            if row is before.get(row.path) or not _worth_showing(row):
                continue
            if words := _change(before.get(row.path), row, now, self.picture.free):
                self._screen.note(f"[{duration(now - self._began)}] {_name(row)}: {words}")

    def note(self, text: str) -> None:
        self._screen.note(text)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class Tree:
    """The picture at one moment, cut to the height of the terminal unless `whole`."""

    def __init__(self, picture: RunPicture, now: float, elapsed: float, *, whole: bool) -> None:
        self._picture, self._now, self._elapsed, self._whole = picture, now, elapsed, whole

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = options.max_width >= _NARROW and not self._picture.free
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True, overflow="ellipsis", ratio=2)
        grid.add_column(no_wrap=True, overflow="ellipsis", ratio=3)
        for _ in range(3 if wide else 1):
            grid.add_column(no_wrap=True, justify="right")
        grid.expand = True
        rows = [row for row in self._picture.rows if _worth_showing(row)]
        room = max(4, console.height - 3)
        shown = rows if self._whole else _latest(rows, room)
        if len(shown) < len(rows):
            grid.add_row(
                Text(f"  ({plural(len(rows) - len(shown), 'more step')})", style="dim"),
                *[""] * (len(grid.columns) - 1),
            )
        last = next((row for row in reversed(shown) if row.is_branch), None)
        for row in shown:
            grid.add_row(*self._cells(row, row is last, wide, options.ascii_only))
        if not self._picture.rows:
            grid.add_row(Text("starting", style="dim"), *[""] * (len(grid.columns) - 1))
        yield grid
        yield Text(self._total(), style="dim", no_wrap=True, overflow="ellipsis")

    def _cells(self, row: Row, last: bool, wide: bool, ascii_only: bool) -> list[Text]:
        style = STYLES.get(row.status, "")
        guide = ""
        if row.is_branch:
            guide = ("`- " if last else "|- ") if ascii_only else ("└─ " if last else "├─ ")
        name = Text.assemble((guide, "dim"), (f"{mark(row.status, ascii_only)} ", style), one_line(_name(row)))
        used = row.usage
        numbers = [count(used.tokens) if used.tokens else "", dollars(used.money) if used.money else ""]
        numbers = [*numbers, duration(row.seconds(self._now))] if wide else [duration(row.seconds(self._now))]
        return [name, Text(one_line(_doing(row)), style=style), *(Text(number) for number in numbers)]

    def _total(self) -> str:
        used, branches = self._picture.usage, self._picture.branches
        ended = sum(row.status in ENDED for row in branches)
        parts = [f"{ended} of {plural(len(branches), 'branch', 'branches')} ended"] if branches else []
        if self._picture.free:
            return " · ".join([*parts, duration(self._elapsed)])
        parts += [
            f"{count(used.tokens)} tokens",
            dollars(used.money) if not used.unpriced_calls else "price not known",
        ]
        return " · ".join([*parts, duration(self._elapsed)])


def _name(row: Row) -> str:
    return row.name if row.is_branch else step_name(row.path, row.is_workflow)


def _doing(row: Row) -> str:
    """What the row is at, in words."""
    if row.status in ("running", "retrying"):
        return row.wait or row.tool or row.message or ("again" if row.times > 1 else row.status)
    if row.status == "waiting":
        return "waits" if row.is_workflow else "waits for an answer"
    return f"{row.status}: {row.message}" if row.message and row.status != "completed" else row.status


def _change(before: Row | None, row: Row, now: float, free: bool) -> str:
    """What is new about a row, in words; nothing where only its usage grew."""
    if before is None or before.status != row.status:
        words = _doing(row)
        if row.ended is None or not row.usage.tokens:
            return words
        if free:
            return f"{words} after {duration(row.seconds(now))}"
        money = f", {dollars(row.usage.money)}" if row.usage.money else ""
        return f"{words} after {duration(row.seconds(now))} ({count(row.usage.tokens)} tokens{money})"
    if row.wait and row.wait != before.wait:
        return one_line(row.wait)
    if row.tool and row.tool != before.tool:
        return f"uses {one_line(row.tool)}"
    return one_line(row.message) if row.message != before.message else ""


def _worth_showing(row: Row) -> bool:
    if row.is_workflow:
        return True
    if row.path.startswith("approve_"):
        return row.waited
    return row.path not in _QUIET or row.status == "failed"


def _latest(rows: list[Row], room: int) -> list[Row]:
    """As many rows as there is room for; what has ended goes first, steps before branches, old before new."""
    over = len(rows) - room
    if over <= 0:
        return rows
    ended = [row for row in rows if row.status in ENDED]
    gone = {row.path for row in sorted(ended, key=lambda row: row.is_branch)[: over + 1]}
    return [row for row in rows if row.path not in gone][:room]
