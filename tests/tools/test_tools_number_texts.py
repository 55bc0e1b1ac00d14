"""Numbers in texts: what a column's signs and separators mean, and what is no number."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.number_texts import read_numbers


@pytest.mark.parametrize(
    ("texts", "numerals", "told"),
    [
        (["1,234", "12"], ["1234", "12"], ["x: thousands separators left out"]),
        (["1,234", "2,5"], ["1.234", "2.5"], ["x: commas read as decimal signs"]),
        (["1.234,56", "1.234"], ["1234.56", "1234"], ["x: commas read as decimal signs"]),
        (["1.234", "5"], ["1.234", "5"], []),
        (["£1,000", "-£5", "(£2)"], ["1000", "-5", "-2"], ["thousands", "x: currency sign £ left out"]),
        (["1.234,56 €", "\u22125 €"], ["1234.56", "-5"], ["commas", "x: currency sign € left out"]),
        (["45 %", "7.5%"], ["45", "7.5"], ["x: percent signs left out, 45 means 45 %"]),
        (["1e3", "1e9999", "x", "", "$", "5$%", "1 2"], ["1e3", *[None] * 6], []),
    ],
)
def test_a_column_tells_how_its_numbers_are_written(texts: list[str], numerals: list[str], told: list[str]) -> None:
    """Commas, points, spaces and signs, each told; what is no number is none."""
    read = read_numbers(texts)
    assert list(read.numerals) == numerals
    assert [known in said for known, said in zip(told, read.changes("x"), strict=True)] == [True] * len(told)
    assert not read.mixture


@pytest.mark.parametrize(
    ("texts", "mixture"),
    [
        (["$5", "€5", "£1,000"], "currencies ($, €, £)"),
        (["5%", "0.05"], "percentages and other numbers"),
        (["$5", "6", "about €7"], ""),
    ],
)
def test_numbers_of_several_units_are_a_mixture(texts: list[str], mixture: str) -> None:
    """Several currencies, and percentages beside others; a sign in what is no number does not count."""
    assert read_numbers(texts).mixture == mixture


@settings(max_examples=40, deadline=None)
@given(st.decimals(-(10**9), 10**9, places=2), st.sampled_from(["", "$", "€"]), st.booleans())
def test_what_is_written_for_readers_reads_back(number: Decimal, sign: str, european: bool) -> None:
    """An amount with separators of either kind is the same number again, exactly."""
    text = f"{number:,.2f}"
    shown = text.translate(str.maketrans(",.", ".,")) + f" {sign}" if european else f"{sign}{text}"
    (numeral,) = read_numbers([shown]).numerals
    assert Decimal(numeral or "nan") == number
