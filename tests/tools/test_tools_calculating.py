"""`calculate`: figures from values by constant expressions."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.errors import ToolFailed
from tools.breaker import Breakers
from tools.calculating import OUTPUT, calculate_tool, wrong_with
from tools.memory import SystemClock
from tools.registry import Registry, registered

ROWS = [{"n": 2, "price": 1.25, "open": True}, {"n": 1, "price": 3, "open": False}]


async def calculated(values: dict[str, Any], **results: str) -> Any:
    tool = registered(calculate_tool(), category="values", output=OUTPUT)
    return await Registry([tool], Breakers(SystemClock())).call("calculate", {"values": values, "results": results})


async def test_figures_of_values() -> None:
    """Sums, rounded figures, texts and lists; what stands before can be used; whole numbers divide into fractions."""
    told = await calculated(
        {"rows": ROWS, "tax": 1.19, "name": "ann"},
        net="sum(rows.map(r, r.n * r.price))",
        gross="round(net * tax, 2)",
        each="net / size(rows)",
        most="max(rows.map(r, r.price))",
        open="rows.filter(r, r.open)",
        said="'for ' + name + (gross > 5 ? ': much' : ': little')",
    )
    assert told == {"net": 5.5, "gross": 6.54, "each": 2.75, "most": 3, "open": [ROWS[0]], "said": "for ann: much"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("size(l.filter(x, x > 1)) / size(l)", 0.5),
        ("l.filter(x, x > 1).size() / 4", 0.5),
        ("a % 10", 7),
        ("size('a/b (c') + l[0]", 6),
        ("big", 1234567890123456789),
        ("[big, big]", [1234567890123456789] * 2),
        ("size(l.map(x, size(l)))", 4),
    ],
)
async def test_numbers_are_exact(text: str, value: Any) -> None:
    """Sizes divide into fractions however they are written, and large whole numbers stay as they are."""
    given = {"l": [0, 1, 2, 3], "a": 17, "big": 1234567890123456789}
    assert (await calculated(given, r=text))["r"] == value


@pytest.mark.parametrize(
    ("values", "text", "said"),
    [
        ({"a": 1}, "b / 2", "there is no value and no function b"),
        ({"a": 1}, "a /", "ends too early"),
        ({"a": "x"}, "a * 2", "does not fit these types"),
        ({"a": 1}, "a / 0.0 > 1 ? max([]) : 1", "empty"),
        ({"a": 1}, "", "empty"),
        ({"a": {"b": 1}}, "a.c + 1", "'a.c + 1' cannot be computed: Key not found"),
        ({"a": 17}, "a % 10 / 4", "% cannot be used on"),
        ({"a": 2**60}, "a / 3", "without loss"),
        ({"a-b": 1}, "1", "'a-b' is no name"),
        ({"r": 1}, "1", "is the name of a value too"),
    ],
)
async def test_what_cannot_be_computed(values: dict[str, Any], text: str, said: str) -> None:
    """The error names the expression and what is wrong with it."""
    with pytest.raises(ToolFailed) as raised:
        await calculated(values, r=text)
    assert said in raised.value.message
    assert raised.value.error == "bad_input"


async def test_results_are_bounded() -> None:
    """Doubling again and again ends early instead of filling the memory; so does too much to begin with."""
    doubling = {f"r{number}": f"r{number - 1} + r{number - 1}" for number in range(1, 40)}
    with pytest.raises(ToolFailed, match="5,000,000 bytes"):
        await calculated({}, r0="'0123456789'", **doubling)
    with pytest.raises(ToolFailed, match="5,000,000 bytes"):
        await calculated({"a": "a" * 5_000_000}, r="size(a)")


def test_expressions_of_files_are_looked_at() -> None:
    """Before a run, also where the values are references; unknown values hide nothing else."""
    wrong = list(wrong_with({"values": {"a": "$step.n"}, "results": {"b": "a * 2", "c": "b + d", "e": "a +"}}))
    assert [(place, said.rpartition(": ")[2]) for place, said, _ in wrong] == [
        (("results", "c"), "there is no value and no function d."),
        (("results", "e"), "it ends too early."),
    ]
    assert list(wrong_with({"values": "$step", "results": {"b": "anything"}})) == []


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=20))
async def test_lists_are_added_and_compared(numbers: list[int]) -> None:
    """As Python does."""
    told = await calculated({"l": numbers}, s="sum(l)", low="min(l)", high="max(l)", mean="sum(l) / size(l)")
    assert (told["s"], told["low"], told["high"]) == (sum(numbers), min(numbers), max(numbers))
    assert told["mean"] == pytest.approx(sum(numbers) / len(numbers))
