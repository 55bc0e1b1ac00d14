"""Advances one run in a process of its own, with a tool that undoes: `python -m … DSN RUN FILE`.

The tool writes the key of each call to the file, and takes its time.
"""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from run_workflow.engine.engine import Engine
from run_workflow.postgres.database import Database, DatabaseSettings, open_database
from state.ports import Network
from state.runs import Json
from state.tools import RegisteredTool
from tests.run_workflow.engine_graphs import NO_MODELS, QUICK, note
from tools.memory import SystemClock


class SlowUndo:
    """The tools of a run: one that undoes."""

    def __init__(self, file: str, seconds: float) -> None:
        self._file, self._seconds = file, seconds

    async def ready(self, names: Iterable[str]) -> None:
        pass

    def names(self) -> Sequence[str]:
        return ["undo"]

    def find(self, name: str) -> RegisteredTool:
        raise AssertionError(name)

    async def aclose(self) -> None:
        """Nothing is open."""

    async def call(self, name: str, input: Json, *, idempotency_key: str = "") -> Any:
        note({"calls": self._file}, idempotency_key)
        await asyncio.sleep(self._seconds)


def engine_with(database: Database, file: str, seconds: float = 0.05) -> Engine:
    """An engine whose runs have that tool."""
    network = Network(toolbox=lambda _: SlowUndo(file, seconds))
    return Engine(database.pool, NO_MODELS, SystemClock(), {}, network=network, times=QUICK)


async def main(dsn: str, run_id: str, file: str) -> None:
    """Opens the database and advances the run."""
    async with open_database(DatabaseSettings(dsn, Path())) as database:
        await engine_with(database, file).advance(run_id)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
