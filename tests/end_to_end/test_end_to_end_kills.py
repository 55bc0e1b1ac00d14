"""Processes that are killed at random moments while they work on workflows; benchmarks/kills does many more."""

import pytest

from benchmarks.kills.cases import cases
from benchmarks.kills.trials import bench, killed
from tests.postgres_fixtures import ServerForTests

pytestmark = pytest.mark.slow


async def test_killed_at_random_moments(postgres_server: ServerForTests) -> None:
    """Loops, an approval, compensation, a nested workflow and branches end as if undisturbed, each effect done once.

    The service counts what it did, and gives the first answer again where an idempotency key is known.
    """
    with postgres_server.migrated_database() as dsn:
        async with bench(dsn, seed=7) as made:
            for name, workflow in cases().items():
                row = await killed(made, workflow, kills=2, in_a_row=2)
                assert (row.kills, row.different, row.doubled) == (2, [], 0), name
