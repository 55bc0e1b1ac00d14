"""Processes that are killed at random moments while they work on workflows; benchmarks/kills does many more."""

import pytest

from benchmarks.kills.trials import bench, killed
from tests.postgres_fixtures import ServerForTests

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("name", "effects"), [("order_processing", 4), ("expense_approval", 0)])
async def test_killed_at_random_moments(postgres_server: ServerForTests, name: str, effects: int) -> None:
    """Parallel parts that are undone, a loop with approvals and an event: they end as if undisturbed.

    The services hold what each of them did, under its idempotency key; answers come from processes of their own.
    """
    with postgres_server.migrated_database() as dsn:
        async with bench(dsn, seed=7) as made:
            row = await killed(made, name, kills=3, in_a_row=3)
    assert (row.kills, row.different, row.off, row.effects) == (3, [], 0, effects)
