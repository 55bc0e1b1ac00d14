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
    ("values", "text", "said"),
    [
        ({"a": 1}, "b / 2", "there is no value and no function b"),
        ({"a": 1}, "a /", "ends too early"),
        ({"a": "x"}, "a * 2", "does not fit these types"),
        ({"a": 1}, "a / 0.0 > 1 ? max([]) : 1", "empty"),
        ({"a": 1}, "", "empty"),
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
