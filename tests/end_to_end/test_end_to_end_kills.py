"""Processes that are killed at random moments while they work on workflows; benchmarks/kills does many more."""

import pytest

from benchmarks.kills.trials import bench, killed
from tests.postgres_fixtures import ServerForTests

pytestmark = pytest.mark.slow


async def test_killed_at_random_moments(postgres_server: ServerForTests) -> None:
    """Parallel parts that are undone, and an approval that another process answers: both end as if undisturbed.

    The services hold what each of them did, once, and under its idempotency key.
    """
    with postgres_server.migrated_database() as dsn:
        async with bench(dsn, seed=7) as made:
            for name, effects in (("order_processing", 4), ("financial_transaction", 3)):
                row = await killed(made, name, kills=2, in_a_row=2)
                assert (row.kills, row.different, row.off, row.effects) == (2, [], 0, effects), name
