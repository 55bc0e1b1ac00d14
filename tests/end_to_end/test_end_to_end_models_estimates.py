"""The estimate that is printed before a run, beside what runs of many shapes really use."""

from pathlib import Path

import pytest

from benchmarks.estimates import SHAPES, Shape, outcome


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES, ids=[shape.name for shape in SHAPES])
async def test_the_estimate_holds_what_the_run_uses(shape: Shape, tmp_path: Path) -> None:
    """Calls, tokens and money lie within the range, and the run did what its shape says."""
    found = await outcome(shape, tmp_path)
    assert found.holds, (found.estimate, found.used)
    once = 1 + min(shape.branches, shape.max_branches) + 2
    assert found.used.model_calls >= once or shape.mode == "adaptive"


def test_there_are_twenty() -> None:
    """No two runs are of the same shape."""
    assert len(set(SHAPES)) == len(SHAPES) == 20
