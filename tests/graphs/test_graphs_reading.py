"""What a run tells while it reads its sources, and what stays of that."""

from pathlib import Path
from typing import Any

import pytest

from state.context import RunContext
from state.runs import Progress
from tests.graphs.research_runs import ALPHA, MemoryRun, write_sources

pytestmark = pytest.mark.slow


async def test_reading_tells_counts_names_and_what_was_left_out(tmp_path: Path) -> None:
    """Progress counts the files; sources that cannot be read are named with the reason, the first few of them."""
    notes_of_rivers = {f"{number}.md": f"River {number} is {number} km long." for number in range(7)}
    files = {"a.md": ALPHA, **notes_of_rivers, **{f"{number}.bin": "x" for number in range(7)}}
    sources = write_sources(tmp_path / "sources", files)
    run = MemoryRun(RunContext())
    given: Any = {"question": "How high is the alpha bridge?", "sources": sources}
    told = [
        Progress.model_validate(part)
        async for part in run.app.astream(given, run.config, context=run.context, stream_mode="custom")
    ]
    reading = [event for event in told if event.path == "read_sources"]
    counted = [event for event in reading if event.of is not None]
    assert (counted[-1].done, counted[-1].of) == (8, 8)
    assert counted[-1].message in files
    (notes,) = [event.notes for event in reading if event.notes]
    assert len(notes) == 4
    assert notes[0] == "Not read: 0.bin: files of type .bin are not read"
    assert notes[-1] == "and 4 more that were not read; the report lists them"
    (step,) = await run.ports.ledger.steps("read_sources")
    assert step.result == {"sources": 8, "passages": 8, "tables": 0, "not_read": 7}
