"""The operations on tables: what they give, what they say that they changed, and what they refuse."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.data_files import load_table
from tests.tools.tables_made import SALES, day, done, refused, rows, table, typed
from tools.tables.data import MOST_ROWS
from tools.tables.loading import from_columns, from_document, from_rows
from tools.tables.profiling import profile
from tools.tables.stored import Stored, packed, unpacked

# --- against a reference in plain Python ------------------------------------------------------------------

KEYS = st.one_of(st.none(), st.sampled_from(["a", "b", "c", "d"]))
VALUES = st.one_of(st.none(), st.integers(-50, 50), st.decimals(-9, 9, places=2))
SMALL = st.lists(st.tuples(KEYS, VALUES), max_size=8)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(SMALL, SMALL, st.sampled_from(["left", "inner", "outer"]))
def test_joins_as_two_loops_do(left: list[tuple[Any, Any]], right: list[tuple[Any, Any]], how: str) -> None:
    """Each row with each partner, in order; those without one by the kind of join."""
    joined, told = done(
        "join", typed(left, k="text", x="decimal"), typed(right, k="text", y="decimal"), on="k", how=how, many=True
    )
    expected, used = [], set()
    for key, x in left:
        partners = [at for at, (other, _) in enumerate(right) if key is not None and other == key]
        used.update(partners)
        expected += [(key, x, right[at][1]) for at in partners]
        expected += [(key, x, None)] if not partners and how != "inner" else []
    if how == "outer":
        expected += [(key, None, y) for at, (key, y) in enumerate(right) if at not in used]
    assert rows(joined) == expected
    alone = sum(1 for key, _ in left if key is not None and all(key != other for other, _ in right))
    assert any(f"{alone} row{'' if alone == 1 else 's'} of x without a partner" in each for each in told) == bool(alone)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(SMALL)
def test_groups_as_a_dictionary_does(given_rows: list[tuple[Any, Any]]) -> None:
    """Sums are exact, missing values left out, keys in order with the missing one last."""
    grouped, _ = done(
        "group", typed(given_rows, k="text", x="decimal"), by="k", measures={"x": ["sum", "count", "min", "mean"]}
    )
    groups: dict[Any, list[Any]] = {}
    for key, x in given_rows:
        groups.setdefault(key, []).append(x)
    expected = []
    for key in sorted(groups, key=lambda key: (key is None, key or "")):
        known = [x for x in groups[key] if x is not None]
        total = sum(map(Fraction, known), Fraction(0)) if known else None
        mean = float(total / len(known)) if total is not None else None
        least = min(known) if known else None
        expected.append((key, len(groups[key]), total, len(known), least, mean))
    assert rows(grouped) == expected


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(KEYS, KEYS, VALUES), max_size=8))
def test_a_pivot_is_a_group_laid_out(given_rows: list[tuple[Any, Any, Any]]) -> None:
    """Each cell is the sum of its group, and a cell without rows is missing."""
    data = typed(given_rows, k="text", h="text", x="decimal")
    laid, _ = done("pivot", data, rows="k", columns="h", values="x")
    expected: dict[tuple[Any, Any], Any] = {}
    for key, head, x in given_rows:
        held = expected.get((key, head))
        expected[key, head] = held if x is None else x + (held or 0)
    found = {
        (key, None if head == "missing" else head): cell
        for head in laid.names[1:]
        for key, cell in zip(laid.of("k"), laid.of(head), strict=True)
        if (key, None if head == "missing" else head) in expected or cell is not None
    }
    assert found == expected


# --- what is said -----------------------------------------------------------------------------------------


def test_exact_decimals_stay_exact() -> None:
    """Sums of decimals, and of floating-point numbers as they are written, have no noise; a share adds up to 100."""
    exact, _ = done("group", table(SALES), by=[], measures={"revenue (EUR)": "sum"})
    assert rows(exact) == [(5, Decimal("35.50"))]
    floats, told = done("group", table({"x": [0.1, 0.2, None]}), by=[], measures={"x": ["sum", "median"]})
    assert rows(floats) == [(3, 0.3, 0.15)]
    assert told == ["x: 1 missing value left out of its measures"]
    shares, told = done("group", table(SALES), by="region", measures={"items": "share"})
    assert sum(shares.of("share of items (%)")) == pytest.approx(100)
    assert told == ["region: 1 row without a value, in the group of missing ones"]


def test_keys_are_checked_before_a_join() -> None:
    """Repeated keys are refused unless they are wanted; what has no partner is counted, with examples."""
    people = table({"code": ["N", "N", "W"], "head": ["Ann", "Bob", "Cem"]}, "people")
    regions = table({"region": ["N", "S", None], "items": [1, 2, 3]}, "regions")
    assert "people has several rows for 1 key (“N”)" in refused("join", regions, people, on={"region": "code"})
    joined, told = done("join", regions, people, on={"region": "code"}, many=True)
    assert rows(joined) == [("N", 1, "Ann"), ("N", 1, "Bob"), ("S", 2, None), (None, 3, None)]
    assert told[1:] == [
        "1 row of regions without a key kept without partner",
        "1 row of regions without a partner kept without partner (“S”)",
        "1 row of people without a partner left out (“W”)",
    ]
    assert "cannot be compared" in refused("join", regions, people, on={"items": "code"})
    same, told = done("join", people, people, on="code", how="inner", many=True)
    assert same.names == ["code", "head", "head_2"]
    assert told[-1] == "head of people is called head_2, as people has a column of its name"


def test_keys_of_two_types_of_numbers_keep_their_values() -> None:
    """An outer join of whole numbers with others has an exact column that holds both."""
    joined, _ = done("join", table({"k": [1]}), table({"k": [1.5, 1.0], "y": [7, 8]}), on="k", how="outer")
    assert (rows(joined), joined.column("k").type) == ([(1, 8), (Decimal("1.5"), 7)], "decimal")


def test_an_explosion_is_refused_before_it_is_made() -> None:
    """A join that would have more rows than a table may have makes nothing; so does a pivot with too many columns."""
    many = table({"k": [1] * 1000, "x": list(range(1000))})
    assert f"{10**6:,} rows" in refused("join", many, many, on="k", many=True)
    assert MOST_ROWS < 10**6
    assert "makes 1000 columns" in refused("pivot", many, rows="k", columns="x", values="x")


def test_rows_by_conditions() -> None:
    """Comparisons are exact, a missing value fulfils none, and it is told how many did not."""
    data = table(SALES)
    kept, told = done("filter", data, where=[{"column": "revenue (EUR)", "operator": ">=", "value": 10.1}])
    assert kept.of("region") == ["North", "South"]
    assert told == [
        "3 rows of 5 left out, 2 kept",
        "revenue (EUR): 1 missing value, fulfilling no condition",
    ]
    either = [{"column": "region", "operator": "in", "value": ["East"]}, {"column": "region", "operator": "is missing"}]
    kept, told = done("filter", data, where=either, match="any", columns=["items"])
    assert (kept.names, kept.of("items")) == (["items"], [6, 7])
    assert told[-1] == "columns left out: region, revenue (EUR)"
    contains = [{"column": "region", "operator": "contains", "value": "OUT"}]
    assert done("filter", data, where=contains)[0].of("items") == [4]
    for column in ("items", "revenue (EUR)"):
        looked = [{"column": column, "operator": "contains", "value": "2"}]
        assert "contains looks into texts" in refused("filter", data, where=looked)
    assert "cannot be compared" in refused("filter", data, where=[{"column": "items", "value": "many"}])
    assert "no column “item”" in refused("filter", data, where=[{"column": "item", "value": 1}])


def test_a_column_by_a_formula() -> None:
    """Only arithmetic is read; rows without a result have none, and that is told."""
    data = table({"revenue": [3, 4, None], "unit price": [2.0, 0.0, 1.0]})
    made, told = done("derive", data, column="items (kg)", formula="revenue / p", names={"p": "unit price"}, digits=1)
    assert (made.of("items (kg)"), made.column("items (kg)").unit) == ([1.5, None, None], "kg")
    assert told == [
        "items (kg): computed as revenue / p",
        "items (kg): rounded to 1 digits after the point",
        "items (kg): no value in 2 rows (rows 2, 3)",
    ]
    for formula in ("__import__('os')", "revenue.real", "(lambda: 1)()", "price"):
        refused("derive", data, column="x", formula=formula)
    assert "a column revenue already" in refused("derive", data, column="revenue", formula="1 + 1")


def test_the_first_rows_of_an_order() -> None:
    """Missing values are last in both directions, equal rows stay in order, and a tie at the cut is told."""
    data = table({"n": [2, None, 3, 3], "at": [0, 1, 2, 3]})
    assert done("sort", data, by="n", descending=True)[0].of("at") == [2, 3, 0, 1]
    cut, told = done("sort", data, by="n", descending=True, top=1)
    assert cut.of("at") == [2]
    assert told[1:] == [
        "the first 1 row kept, 3 left out",
        "the last row that is kept and the first that is left out are equal in this order",
    ]


def test_numbers_that_no_column_holds_are_refused() -> None:
    """In words, and not as an error of the program."""
    huge = table({"x (km)": [1.5e308], "n": [2**62]})
    assert "too large" in refused("clean", huge, units={"x (km)": "m"})
    assert "too large" in refused("group", table({"x": [1.5e308, 1.5e308]}), by=[], measures={"x": "sum"})
    assert "beyond 64 bits" in refused("group", table({"n": [2**62] * 2}), by=[], measures={"n": "sum"})
    assert "EUR into USD" in refused("clean", table(SALES), units={"revenue (EUR)": "USD"})


def test_a_profile_says_what_is_suspicious() -> None:
    """Gaps, ranges, frequent values, spellings, spaces, markers, texts that are numbers, values far from the others."""
    data = table(
        {
            "town": ["Rom", "rom", "Ulm ", "n/a", "Ulm", "Ulm", "Bonn", "Bonn"],
            "size (m)": [1.0, 1.1, 1.2, 1.3, 1.1, 90.0, 1.2, 1.1],
            "code": ["1", "2", "3", "4", "4", None, "5", "6"],
        }
    )
    told = profile(data)
    town, size, code = told.columns
    assert (told.rows, told.repeated_rows, town.distinct, code.missing) == (8, 0, 6, 1)
    assert (size.unit, size.lowest, size.highest, size.median) == ("m", 1.0, 90.0, 1.15)
    assert town.frequent["Ulm"] == 2
    assert [each.partition(" (")[0] for each in town.suspicious] == [
        "1 text with spaces around or doubled",
        "the same text in several spellings",
        "1 text that may mean a missing value",
    ]
    assert size.suspicious == ["1 value far from the others: “90.0” in row 6"]
    assert code.suspicious == ["7 of 7 texts can be read as number: clean with types"]
    early = profile(table({"at": ["0001-01-01T00:00:00+14:00", "x"]}))  # in UTC it is before the first year
    assert early.columns[0].suspicious == []


def test_rows_of_a_database_keep_their_types() -> None:
    """Exact decimals and dates, which come as text, are what the database says; what is mixed is told."""
    given_rows: list[dict[str, Any]] = [
        {"price": "0.10", "day": "2024-01-02", "": 1},
        {"price": "1e400", "day": None, "": "x"},
    ]
    data, told = from_rows(given_rows, "prices", {"price": "numeric(9,2)", "day": "date"})
    assert [column.type for column in data.columns] == ["decimal", "date", "text"]
    assert (data.of("price")[0], data.of("day")[0]) == (Decimal("0.10"), day(2024, 1, 2))
    assert told == [
        "the column “” is called column 3",
        "column 3: values of several types, all read as text",
    ]


def test_types_of_a_database_are_compared_as_words() -> None:
    """Ranges and lists of dates and decimals are texts, not dates and decimals that cannot be read."""
    types = {
        "stay": "daterange",
        "prices": "numeric(9,2)[]",
        "price": "DECIMAL(9, 2)",
        "at": "timestamp(3) with time zone",
    }
    row = {"stay": "[2024-01-01,2024-01-05)", "prices": "{1.5}", "price": "1.50", "at": "2024-01-02T00:00:00"}
    data, told = from_rows([row], "stays", types)
    assert [column.type for column in data.columns] == ["text", "text", "decimal", "date"]
    assert rows(data) == [(row["stay"], "{1.5}", Decimal("1.50"), day(2024, 1, 2))]
    assert told == []


def test_what_a_document_holds_beyond_its_type_is_listed() -> None:
    """A number beyond floating point is missing in the table, and told."""
    data, told = from_document(load_table(b"a,b\nx,1e999\ny,2\n", "a.csv"), "a")
    assert data.of("b") == [None, 2]
    assert told == ["b: 1 value cannot be read as number and count as missing (“inf”)"]


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.decimals(allow_nan=True, places=3),
    st.text(alphabet=st.characters(), max_size=4),
    st.datetimes(),
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(ANYTHING, min_size=1, max_size=5))
def test_what_is_stored_comes_back(cells: list[Any]) -> None:
    """Whatever the cells, each has the type of its column, comes back as it was, and has the same bytes again; what
    could not be kept is told.
    """
    data, told = from_columns({"a": cells, "n (m)": list(range(len(cells)))}, "t")
    written = packed(Stored(data, ()))
    back = unpacked(written).data
    assert (back.columns, {**back.values}) == (data.columns, {**data.values})
    assert packed(Stored(back, ())) == written
    kinds = {"whole": int, "number": float, "decimal": Decimal, "text": str, "truth": bool, "date": datetime}
    assert {type(value) for value in data.of("a")} <= {kinds[data.column("a").type], type(None)}
    lost = [cell for cell, value in zip(cells, data.of("a"), strict=True) if cell is not None and value is None]
    assert any("count as missing" in each for each in told) == bool(lost)
    assert profile(data).rows == len(cells)


def test_a_column_that_is_named_twice_counts_once() -> None:
    """Names of groups, and of rows of a pivot, may be repeated."""
    data = table({"k": ["a", "b"], "h": ["x", "x"], "n": [1, 2]})
    assert done("group", data, by=["k", "k"])[0].names == ["k", "rows"]
    assert done("pivot", data, rows=["k", "k"], columns="h", values="n")[0].names == ["k", "x"]
