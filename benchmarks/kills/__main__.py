"""Processes killed at random moments while they work on workflows: what the runs come to, and what was done twice.

`python -m benchmarks.kills [--kills 100] [--in-a-row 3] [--seed 1]`
"""

import argparse
import asyncio
import time

from benchmarks.kills.cases import cases
from benchmarks.kills.trials import bench, killed
from tests.postgres_fixtures import session_server


async def report(dsn: str, kills: int, in_a_row: int, seed: int) -> None:
    """Prints a line a workflow; the kills are shared out among them."""
    print(f"{'workflow':14}{'kills':>6}{'runs':>6}{'calls repeated':>16}{'other ends':>12}{'effects off':>13}")
    async with bench(dsn, seed) as made:
        wanted = cases()
        for place, (name, workflow) in enumerate(wanted.items()):
            share = (kills + len(wanted) - 1 - place) // len(wanted)
            row = await killed(made, workflow, share, in_a_row)
            print(f"{name:14}{row.kills:6}{row.runs:6}{row.repeated:16}{len(row.different):12}{row.doubled:13}")
            for outcome in row.different:
                print(outcome)


def main() -> None:
    """Starts a database server of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--in-a-row", type=int, default=3, help="at most, of one run")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    started = time.monotonic()
    with session_server() as server, server.migrated_database() as dsn:
        asyncio.run(report(dsn, given.kills, given.in_a_row, given.seed))
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
