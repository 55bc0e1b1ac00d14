"""Advances one run in a process of its own: `python -m tests.run_workflow.engine_process DSN RUN LEASE`.

It prints `working` with the first event and, at the end, the run's status or the kind of error.
"""

import asyncio
import sys
from pathlib import Path

from run_workflow.engine.leases import LeaseTimes
from run_workflow.postgres.database import DatabaseSettings, open_database
from state.errors import StrettoError
from state.runs import Progress
from tests.run_workflow.engine_graphs import engine_on


def say(line: str) -> None:
    """Writes a line for the test that reads this process's output."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(dsn: str, run_id: str, lease: float) -> None:
    """Opens the database, advances the run, says how it ended."""

    def watch(event: Progress) -> None:
        say(f"working {event.path}")

    async with open_database(DatabaseSettings(dsn, Path())) as database:
        engine = engine_on(database, times=LeaseTimes(lease=lease, renew=lease / 4, watch=0.1))
        try:
            say((await engine.advance(run_id, watch=watch)).status)
        except StrettoError as error:
            say(f"{type(error).__name__} {error}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
