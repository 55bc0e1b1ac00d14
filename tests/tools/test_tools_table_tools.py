"""The tools `table_*` and `chart`, called as a run calls them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from state.errors import ToolFailed
from tests.tools.database_files import sqlite_file
from tests.tools.office_files import parquet_of
from tools.database.conversations import Databases
from tools.memory import memory_ports
from tools.registry import Registry
from tools.toolbox import Toolbox

SALES = "day,region,revenue (EUR)\n2024-01-01,North,10.50\n2024-01-02,South,20.20\n2024-02-01,North,0.50\n"


@pytest.fixture
def tools(tmp_path: Path) -> Registry:
    """The tools of a run that may read in the folder `in`."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in/sales.csv").write_text(SALES, encoding="utf-8")
    box = Toolbox(files=tmp_path / "files", folders=(tmp_path / "in",))
    return box(replace(memory_ports(None), run_id="r1"))  # type: ignore[arg-type]


async def refused(tools: Registry, name: str, **given: Any) -> ToolFailed:
    with pytest.raises(ToolFailed) as raised:
        await tools.call(name, given)
    assert raised.value.error == "bad_input"
    return raised.value


@pytest.mark.slow
async def test_a_table_goes_from_call_to_call_by_its_hash(tools: Registry) -> None:
    """A call gives back a record of a table and five rows; the next takes the record or its hash. The same work has
    the same hash, and the hash names all that was done.
    """
    loaded = await tools.call("table_load", {"path": "sales.csv"})
    assert loaded["table"]["columns"][2] == {"name": "revenue (EUR)", "type": "number", "unit": "EUR"}
    assert (loaded["table"]["name"], loaded["table"]["rows"]) == ("sales", 3)
    asked = {"by": "region", "measures": {"revenue (EUR)": ["sum", "share"]}, "name": "by region"}
    grouped = await tools.call("table_group", {"table": loaded["table"], **asked})
    again = await tools.call("table_group", {"table": loaded["table"]["hash"], **asked})
    assert grouped == again
    assert grouped["first_rows"][0] == {
        "region": "North",
        "rows": 2,
        "sum of revenue (EUR)": 11,
        "share of revenue (%)": pytest.approx(35.26, abs=0.01),
    }
    values = await tools.call("table_values", {"table": grouped["table"], "columns": ["rows"]})
    assert values["columns"] == {"rows": [2, 1]}
    assert values["made"] == [
        "sales: loaded (from sales.csv)",
        "by region: grouped by region: sum of revenue (EUR), share of revenue (EUR) (from sales)",
    ]
    assert grouped["table"]["made_by"]["inputs"] == [{"name": "sales", "hash": loaded["table"]["hash"]}]
    rows = await tools.call("table_values", {"table": grouped["table"], "form": "rows"})
    assert (rows["rows"][1]["region"], rows["columns"]) == ("South", {})


async def test_what_is_no_table_is_refused(tools: Registry) -> None:
    """Hashes of nothing and of other files, columns that there are not, and things to load that are none."""
    written = await tools.call("file_write", {"path": "a.json", "content": {"form": "x"}})
    for table in ("no hash", written["sha256"], {"name": "sales"}):
        assert "No table is stored" in str(await refused(tools, "table_profile", table=table))
    loaded = await tools.call("table_load", {"columns": {"a": [1, 2]}})
    assert "no column “b”" in str(await refused(tools, "table_sort", table=loaded["table"], by="b"))
    assert "1 and 2 values" in str(await refused(tools, "table_load", columns={"a": [1], "b": [1, 2]}))
    assert "no such file" in str(await refused(tools, "table_load", path="none.csv"))
    assert "no answer" in str(await refused(tools, "table_load", answer={"rows": []}))
    assert "one of path" in str(await refused(tools, "table_load", sheet="x"))


@pytest.mark.slow
async def test_files_of_each_kind_become_tables(tools: Registry, tmp_path: Path) -> None:
    """JSON records, and parquet files whose decimals and dates stay exact."""
    (tmp_path / "in/a.json").write_text(json.dumps([{"n": n, "t": "a"} for n in (1, 2, 3)]), encoding="utf-8")
    loaded = await tools.call("table_load", {"path": "a.json"})
    assert loaded["first_rows"][:2] == [{"n": 1, "t": "a"}, {"n": 2, "t": "a"}]
    prices: dict[str, list[Any]] = {"price": [Decimal("0.10"), Decimal("0.20")], "n": [2**60, None]}
    (tmp_path / "in/a.parquet").write_bytes(parquet_of(prices))
    loaded = await tools.call("table_load", {"path": "a.parquet"})
    assert [column["type"] for column in loaded["table"]["columns"]] == ["decimal", "whole"]
    total = await tools.call(
        "table_group", {"table": loaded["table"], "by": [], "measures": {"price": "sum", "n": "max"}}
    )
    assert total["first_rows"] == [{"rows": 2, "sum of price": "0.3", "max of n": 2**60}]
    profiled = await tools.call("table_profile", {"table": loaded["table"]})
    assert (profiled["columns"][1]["missing"], profiled["made"]) == (1, ["a: loaded (from a.parquet)"])


@pytest.mark.slow
async def test_two_tables_are_joined(tools: Registry) -> None:
    """By keys that are checked; both histories are kept."""
    sales = await tools.call("table_load", {"path": "sales.csv"})
    heads = await tools.call("table_load", {"rows": [{"region": "North", "head": "Ann"}], "name": "heads"})
    joined = await tools.call("table_join", {"table": sales["table"], "other": heads["table"], "on": "region"})
    assert [row["head"] for row in joined["first_rows"]] == ["Ann", None, "Ann"]
    assert joined["changes"] == ["1 row of sales without a partner kept without partner (“South”)"]
    made = (await tools.call("table_profile", {"table": joined["table"]}))["made"]
    assert made == [
        "sales: loaded (from sales.csv)",
        "heads: loaded (from values of a step)",
        "sales: joined (left) by region (from sales and heads)",
    ]


@pytest.mark.slow
async def test_a_table_of_a_database_names_its_query(tmp_path: Path) -> None:
    """The rows stay out of the state of the run, and the statement with its values is where the table is from."""
    async with Databases([sqlite_file(tmp_path)]) as databases:
        tools = Toolbox(files=tmp_path, databases=databases)(memory_ports(None))  # type: ignore[arg-type]
        sql = "SELECT article, price FROM stock WHERE quantity > :least ORDER BY article"
        asked = {"database": "shop", "sql": sql, "parameters": {"least": 0}, "max_rows": 1}
        made = await tools.call("table_query", {**asked, "name": "stock"})
        assert made["first_rows"] == [{"article": "desk", "price": 250}]
        assert made["changes"] == ["the database had more rows: the table is cut at max_rows or max_bytes"]
        assert made["table"]["made_by"]["operation"] == f'asked shop: {sql} with {{"least": 0}}'
        answer = await tools.call("database_query", asked)
        assert (await tools.call("table_load", {"answer": answer}))["first_rows"] == made["first_rows"]
    await tools.aclose()


async def test_a_table_is_written_with_its_history(tools: Registry, tmp_path: Path) -> None:
    """Values as they are; what a spreadsheet would compute is marked as text; how it was made lies beside it."""
    rows = [{"name": "=1+1", "n": -2.5, "when": None}, {"name": "b", "n": 3, "when": None}]
    loaded = await tools.call("table_load", {"rows": rows})
    saved = await tools.call("table_save", {"table": loaded["table"], "path": "out/a.csv"})
    written = (tmp_path / "files/r1/out/a.csv").read_text()
    assert list(csv.reader(io.StringIO(written))) == [["name", "n", "when"], ["'=1+1", "-2.5", ""], ["b", "3.0", ""]]
    (step,) = json.loads((tmp_path / "files/r1" / saved["history"]["path"]).read_text())
    assert step["made_by"]["inputs"][0]["name"] == "values of a step"


@pytest.mark.slow
async def test_a_chart_is_written_with_its_figures(tools: Registry, tmp_path: Path) -> None:
    """SVG by its name, the figures as CSV beside it, and words for who cannot see it."""
    loaded = await tools.call("table_load", {"path": "sales.csv"})
    asked = {"table": loaded["table"], "kind": "bar", "x": "region", "y": "revenue (EUR)", "title": "Revenue"}
    drawn = await tools.call("chart", {**asked, "path": "revenue.svg"})
    folder = tmp_path / "files/r1"
    assert b"<svg" in (folder / "revenue.svg").read_bytes()
    assert (folder / drawn["data"]["path"]).read_text() == "region,revenue (EUR)\nNorth,5.5\nSouth,20.2\n"
    assert drawn["alt"].startswith("Bar chart of revenue (EUR) by region: revenue (EUR) lowest 5.5 EUR at North")
    assert drawn["made"] == ["sales: loaded (from sales.csv)"]
    assert "no column “x”" in str(await refused(tools, "chart", **{**asked, "x": "x", "path": "b.png"}))
