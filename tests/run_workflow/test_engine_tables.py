"""Tables that steps hand on by name, in a run with a database: the example of the page."""

import csv
from pathlib import Path

import pytest

from graphs.workflow.pinned import pinned
from run_workflow.engine.engine import Engine
from run_workflow.postgres.database import Database
from state.context import RunContext
from state.ports import Network
from tests.document_lines import blocks
from tests.run_workflow.engine_graphs import NO_MODELS, QUICK
from tools.memory import SystemClock
from tools.toolbox import Toolbox


@pytest.mark.slow
async def test_the_example_of_tables(database: Database, tmp_path: Path) -> None:
    """The workflow of docs/tools.md leads from two files to a picture; each step says what it changed, and the end says
    how it came to be.
    """
    sales = "region,revenue (EUR)\n" + "".join(f"{'NS'[n % 2]},{n}.10\n" for n in range(40)) + "W,\n,5.00\n"
    (tmp_path / "sales.csv").write_text(sales, encoding="utf-8")
    (tmp_path / "heads.csv").write_text("code,head\nN,Ann\nS,Bob\n", encoding="utf-8")
    text = next(each for each in blocks("docs/tools.md", "yaml") if "name: regions" in each)
    network = Network(toolbox=Toolbox(files=tmp_path / "files", folders=(tmp_path,)))
    engine = Engine(database.pool, NO_MODELS, SystemClock(), {}, network=network, times=QUICK)
    given = {"sales": "sales.csv", "heads": "heads.csv"}
    run = await engine.workflows.start(pinned(text, "regions.yaml", {}), given, RunContext(), actor="ann")
    done = await engine.advance(run.id)
    assert done.status == "completed", done.error
    output = (done.output or {})["outputs"]
    assert output["changes"] == [
        "revenue (EUR): read as decimal instead of number",
        "revenue (EUR): 1 missing value filled with “0” (row 41)",
        "region: 1 row without a value left out (row 42)",
    ]
    assert [row["sum of revenue (EUR)"] for row in output["rows"]] == ["382", "402", "0"]
    assert output["made"] == [
        "sales: loaded (from sales.csv)",
        "sales: cleaned: types of revenue (EUR), missing values of revenue (EUR), region, duplicates (from sales)",
        "heads: loaded (from heads.csv)",
        "sales: joined (left) by region = code (from sales and heads)",
        "sales: grouped by head: sum of revenue (EUR), share of revenue (EUR) (from sales)",
    ]
    (folder,) = (tmp_path / "files").iterdir()
    assert (folder / "revenue.png").read_bytes().startswith(b"\x89PNG")
    figures = list(csv.reader((folder / "revenue.png.csv").read_text(encoding="utf-8").splitlines()))
    assert figures == [["head", "sum of revenue (EUR)"], ["Ann", "382.0"], ["Bob", "402.0"]]
