"""Processes killed at random moments while they work on the workflows that come with Stretto: what the runs come to
beside runs that nobody kills, and what the services did twice.

`python -m benchmarks.kills [--kills 100] [--in-a-row 3] [--seed 1]`
"""

import argparse
import asyncio
import time
from collections import Counter
from typing import get_args

from benchmarks.kills.cases import CASES
from benchmarks.kills.outcomes import Moment
from benchmarks.kills.trials import Row, bench, killed
from tests.postgres_fixtures import session_server

MOMENTS: tuple[Moment, ...] = get_args(Moment)
_WIDTHS = (22, 6, 6, *(9 for _ in MOMENTS), 9, 10, 8, 7)


def _line(*cells: object) -> str:
    first, *rest = zip(cells, _WIDTHS, strict=True)
    return f"{first[0]:<{first[1]}}{''.join(f'{cell:>{width}}' for cell, width in rest)}"


def _of(row: Row) -> str:
    moments = (row.moments[each] for each in MOMENTS)
    return _line(row.name, row.kills, row.runs, *moments, row.effects, row.repeated, len(row.different), row.off)


async def report(dsn: str, kills: int, in_a_row: int, seed: int) -> None:
    """Prints a line a workflow; the kills are shared out among them."""
    print(_line("workflow", "kills", "runs", *MOMENTS, "effects", "repeated", "others", "off"))
    total = Row("all")
    async with bench(dsn, seed) as made:
        for place, name in enumerate(CASES):
            share = (kills + len(CASES) - 1 - place) // len(CASES)
            row = await killed(made, name, share, in_a_row)
            print(_of(row), flush=True)
            for difference in row.different:
                print(f"  {difference}")
            total.runs, total.moments = total.runs + row.runs, Counter(total.moments) + Counter(row.moments)
            total.repeated, total.off = total.repeated + row.repeated, total.off + row.off
            total.effects, total.different = total.effects + row.effects, total.different + row.different
    print(_of(total))


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
