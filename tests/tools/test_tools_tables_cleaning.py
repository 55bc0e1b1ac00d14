"""Cleaning tables: what changes, what is said of it, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.tools.tables_made import day, done, refused, rows, table, typed
from tools.tables.profiling import profile

CELLS = st.one_of(st.none(), st.sampled_from(["1", " 2 ", "n/a", "x  y", "2024-01-02", "3.50", "-"]))


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    st.fixed_dictionaries({"a": st.lists(CELLS, min_size=4, max_size=4), "b": st.lists(CELLS, min_size=4, max_size=4)}),
    st.fixed_dictionaries(
        {},
        optional={
            "trim": st.booleans(),
            "markers": st.lists(st.sampled_from(["n/a", "-"]), max_size=2),
            "replace": st.just({"a": {"1": "one"}}),
            "types": st.dictionaries(st.sampled_from("ab"), st.sampled_from(["number", "decimal", "date", "text"])),
            "missing": st.dictionaries(st.sampled_from("ab"), st.sampled_from(["drop", "previous"])),
            "duplicates": st.just("drop"),
        },
    ),
)
def test_cleaning_changes_nothing_that_it_does_not_list(columns: dict[str, list[Any]], asked: dict[str, Any]) -> None:
    """A column without a change in words holds what it held; without words about rows, all rows are there."""
    data = typed(list(zip(columns["a"], columns["b"], strict=True)), a="text", b="text")
    cleaned, told = done("clean", data, **asked)
    if not any("left out" in each for each in told):
        assert cleaned.rows == data.rows
        for name in ("a", "b"):
            if not any(each.startswith(f"{name}: ") and "not there" not in each for each in told):
                assert cleaned.of(name) == data.of(name)
                assert cleaned.column(name) == data.column(name)
    if not told:
        assert (cleaned.columns, cleaned.values) == (data.columns, data.values)


@pytest.mark.slow
def test_each_change_of_a_cleaning_is_told_with_examples() -> None:
    """Types, units, missing values, duplicates and names, in the order of the form."""
    data = table(
        {
            "name": [" Ann", "Bob", "Bob", "n/a", "Cem"],
            "size (cm)": [180, 175, 175, None, 160],
            "born": ["2000-01-02", "x", "x", "1999-05-06", None],
            "town": ["Rom", "ROM", "ROM", "Rom", "Ulm"],
        }
    )
    cleaned, told = done(
        "clean",
        data,
        trim=True,
        markers=["N/A"],
        replace={"town": {"ROM": "Rom"}},
        types={"born": "date"},
        units={"size (cm)": "m"},
        missing={"size (cm)": "median", "name": {"value": "unknown"}},
        duplicates="drop",
        rename={"born": "birthday"},
    )
    assert told == [
        "name: 1 text trimmed (“Ann”)",
        "name: 1 cell read as missing (“n/a”)",
        "town: 2 cells with “ROM” replaced by “Rom”",
        "born: read as date instead of text",
        "born: 2 of 5 values cannot be read as date and count as missing (“x”)",
        "size (cm): converted from cm into m (× 0.01), now size (m)",
        "size (m): 1 missing value filled with “1.75”, the median (row 4)",
        "name: 1 missing value filled with “unknown” (row 4)",
        "1 row repeating an earlier one left out (row 3)",
        "born: now called birthday",
    ]
    assert rows(cleaned)[:2] == [("Ann", 1.8, day(2000, 1, 2), "Rom"), ("Bob", 1.75, None, "Rom")]
    assert (cleaned.column("size (m)").unit, cleaned.column("birthday").type) == ("m", "date")


def test_markers_and_replacements_in_numbers_are_compared_as_numbers() -> None:
    """-999 is found where -999.0 is held; what no cell holds is told, and one number is replaced by one other."""
    data = table({"x": [1.5, -999.0, 2.5], "y": [Decimal("-999.00"), Decimal("0.5"), None], "t": ["-999.0", "-", "a"]})
    cleaned, told = done("clean", data, markers=["-999", " - ", "n/a", "99"])
    assert rows(cleaned) == [(1.5, None, "-999.0"), (None, Decimal("0.5"), None), (2.5, None, "a")]
    assert told == [
        "x: 1 cell read as missing (“-999.0”)",
        "y: 1 cell read as missing (“-999.00”)",
        "t: 1 cell read as missing (“-”)",
        "missing markers that no cell holds: “n/a”, “99”",
    ]
    replaced, told = done("clean", data, replace={"x": {"-999": 0, "none": 1, "7": 1}, "t": {"-999": "b"}})
    assert (replaced.of("x"), replaced.of("t")) == ([1.5, 0.0, 2.5], data.of("t"))
    assert told == [
        "x: 1 cell with “-999” replaced by “0.0”",
        "x: “none” is not there, nothing replaced",
        "x: “7” is not there, nothing replaced",
        "t: “-999” is not there, nothing replaced",
    ]
    assert "the same number (“1.5”, “1.50”)" in refused("clean", data, replace={"x": {"1.5": 1, "1.50": 2}})


def test_keys_of_duplicates() -> None:
    """They name columns as they were before a conversion, and are refused where no duplicates are left out."""
    data = table({"d (km)": [1.0, 1.0, 2.0], "n": [1, 2, 3]})
    cleaned, told = done("clean", data, units={"d (km)": "m"}, duplicates="drop", keys=["d (km)"])
    assert rows(cleaned) == [(1000.0, 1), (2000.0, 3)]
    assert told[1:] == ["1 row repeating an earlier one by d (m) left out (row 2)"]
    with pytest.raises(ValidationError, match="add duplicates: drop"):
        done("clean", data, keys=["n"])


def test_texts_become_numbers_as_their_column_writes_them() -> None:
    """Decimal commas, one currency and percent signs are read and told; several currencies are refused."""
    data = table({"p": ["1.234,56", "2,5", "x"], "s": ["45%", "7.5 %", None], "d": ["$5", "1,000", "$2"]})
    cleaned, told = done("clean", data, types={"p": "decimal", "s": "number", "d": "whole"})
    assert rows(cleaned) == [(Decimal("1234.56"), 45.0, 5), (Decimal("2.5"), 7.5, 1000), (None, None, 2)]
    assert [column.unit for column in cleaned.columns] == ["", "%", ""]
    assert told == [
        "p: read as decimal instead of text",
        "p: commas read as decimal signs",
        "p: 1 of 3 values cannot be read as decimal and count as missing (“x”)",
        "s: read as number instead of text",
        "s: percent signs left out, 45 means 45 %",
        "d: read as whole instead of text",
        "d: thousands separators left out",
        "d: currency sign $ left out",
    ]
    mixed = table({"p": ["$5", "€5", "£1,000"]})
    assert "p mixes currencies ($, €, £)" in refused("clean", mixed, types={"p": "number"})
    assert profile(mixed).columns[0].suspicious == ["3 of 3 texts can be read as number, but mix currencies ($, €, £)"]
