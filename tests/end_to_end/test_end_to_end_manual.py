"""A question on a real manual is answered from the right pages."""

import random
import shutil
from pathlib import Path

import pytest

from state.context import RunContext
from tests.graphs.research_runs import MemoryRun

MANUAL = Path("/usr/share/doc/postgresql-doc-15/html")
QUESTION = "Which isolation levels does PostgreSQL offer, and which anomalies does each prevent?"


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """A drawn third of the manual's thousand pages, with all that speak of isolation."""
    pages = sorted(MANUAL.glob("*.html"))
    near = {page for page in pages if "isolation" in page.read_text(encoding="utf-8", errors="replace").lower()}
    for page in near | set(random.Random(7).sample(pages, len(pages) // 3)):
        shutil.copy(page, tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.skipif(not MANUAL.is_dir(), reason="needs Debian's package postgresql-doc-15")
async def test_isolation_levels_are_answered_from_the_manual(part: Path) -> None:
    """The summary is the sentence on the levels and the table of anomalies row by row, from the page on isolation."""
    run = MemoryRun(RunContext())
    state = await run.ask(QUESTION, [str(part)])
    report = await run.report()
    assert state["collection"].sources > 390
    assert state["outcome"] == "published"
    assert state["citation_accuracy"] == 1.0
    summary = report.partition("## Executive summary")[2].partition("\n## ")[0]
    assert summary.strip().startswith(
        "In PostgreSQL, you can request any of the four standard transaction isolation levels"
    )
    for level in ("Read uncommitted", "Read committed", "Repeatable read", "Serializable"):
        assert f"For Isolation Level {level}: Dirty Read is " in summary
    told = report.partition("\n## Sources")[0]
    assert "full treatment" not in told
    assert "Differences in behavior" not in told
    cited = [line for line in report.splitlines() if line.startswith("- [")]
    assert sum("transaction-iso.html" in line for line in cited) >= len(cited) / 2
