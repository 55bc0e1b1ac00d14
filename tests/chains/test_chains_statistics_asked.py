"""Which computations a question asks for: by the words for methods, and by the columns that it names."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.cards import outcome
from chains.extractive.columns_named import columns_of, named_columns
from chains.extractive.statistics_asked import asked_statistics

CARDS = Path(__file__).parents[3] / "shared" / "data" / "analysis" / "cards.json"


def table(*columns: tuple[str, str, int] | tuple[str, str, int, list[str]], **more: str) -> dict[str, Any]:
    """A table as `load_data` shows it: name, type, number of values, and the values where they are few."""
    keys = ("name", "type", "distinct", "values")
    return {"table": "t.csv", "columns": [dict(zip(keys, each, strict=False)) for each in columns], **more}


AIR = table(("Ozone_ppb", "number", 67), ("Wind", "number", 31), ("Month", "number", 5, ["5", "6", "7", "8", "9"]))
PASSENGERS = table(
    ("Class", "text", 2, ["1st", "2nd"]),
    ("Sex", "text", 2, ["Female", "Male"]),
    ("Survived", "text", 2, ["No", "Yes"]),
    ("Freq", "number", 22),
    counts="Freq",
)
TEETH = table(("len", "number", 43), ("supp", "text", 2, ["OJ", "VC"]), ("dose", "number", 3, ["0.5", "1", "2"]))
DRUG = table(("sleep", "number", 17), ("drug", "number", 2, ["1", "2"]), ("patient", "number", 10))
SETS = table(*((f"{letter}{i}", "number", 11) for letter in "xy" for i in (1, 2)))
CARS = table(("speed", "number", 19), ("dist", "number", 35), ("weight", "number", 30), ("kind", "text", 3, ["a", "b"]))
RIVER = table(("year", "number", 100), ("flow", "number", 80))


@pytest.mark.parametrize(
    ("question", "shown", "asked"),
    [
        ("Mean ozone, and the month with the highest mean", AIR, ["describe(Ozone_ppb)", "describe(Ozone_ppb; Month)"]),
        ("How many values are missing?", AIR, ["count()"]),
        ("Regress dist on speed and weight.", CARS, ["regression(dist; speed, weight)"]),
        ("Regress dist on all other columns", CARS, ["regression(dist; speed, weight)"]),
        ("Fit a quadratic of dist on speed", CARS, ["regression(dist; speed; degree 2)"]),
        ("Fit dist on speed; predicted dist for speed = 12", CARS, ["regression(dist; speed; at 12)"]),
        (
            "Fit dist on weight; predict it for 3,000 lb (weight is in 1000 lb)",
            CARS,
            ["regression(dist; weight; at 3)"],
        ),
        ("Correlation of speed and dist within each kind", CARS, ["correlation(speed; dist; kind)"]),
        ("Which of all the correlations is strongest?", CARS, ["correlations(speed, dist, weight)"]),
        ("Does dist differ between kinds?", CARS, ["groups(dist; kind)"]),
        ("Survival rate of men and women", PASSENGERS, ["share(Survived; Sex; Freq; Yes)"]),
        ("Chi-squared test of Survived against Class", PASSENGERS, ["chi_square(Survived; Class; Freq)"]),
        ("One-way ANOVA of len by supp", TEETH, ["anova(len; supp)"]),
        (
            "Do the same patients sleep differently under both drugs? Paired test",
            DRUG,
            ["paired(sleep; drug; patient)"],
        ),
        ("Strongest period of the flow?", RIVER, ["period(flow; year)"]),
        ("When did the flow change? Find the change point.", RIVER, ["change_points(flow; year)"]),
        ("Is there a trend in flow over time?", RIVER, ["trend(flow; year)"]),
        ("Outliers of the flow?", RIVER, ["outliers(flow)"]),
        ("A bootstrap interval of the flow", RIVER, ["bootstrap(flow)"]),
        ("Correlation for each pair of x and y", SETS, ["correlation(y1; x1)", "correlation(y2; x2)"]),
        ("What is this about?", RIVER, []),
    ],
)
def test_what_a_question_asks(question: str, shown: dict[str, Any], asked: list[str]) -> None:
    """Words for methods, and columns by name, stem, abbreviation or value, decide what is computed."""
    assert [short(ask) for ask in asked_statistics(question, shown)] == asked


def short(ask: dict[str, Any]) -> str:
    """A computation in few words."""
    roles = (ask.get("values"), ", ".join(ask.get("x", [])), *(ask.get(role) for role in ("groups", "within", "pairs")))
    more = (ask.get("weights"), ask.get("value"), f"degree {ask['degree']}" if "degree" in ask else None)
    at = f"at {next(iter(ask['at'].values())):g}" if "at" in ask else None
    return f"{ask['method']}({'; '.join(part for part in (*roles, *more, at) if part)})"


def test_two_factors_and_their_means() -> None:
    """A number that names a group is one of two factors."""
    asked = asked_statistics("Two-way ANOVA of len by supp and dose", TEETH)
    assert [short(ask) for ask in asked] == ["anova(len; supp; dose)", "describe(len; supp)", "describe(len; dose)"]


@given(st.text(max_size=120), st.sampled_from([AIR, PASSENGERS, TEETH, SETS, RIVER]))
def test_any_question(question: str, shown: dict[str, Any]) -> None:
    """No question breaks the rules, and what they ask for names columns of the table."""
    names = {column.name for column in columns_of(shown)}
    for ask in asked_statistics(question, shown):
        assert {ask[role] for role in ("values", "groups", "within", "weights", "pairs") if role in ask} <= names


def test_columns_in_the_order_of_the_question() -> None:
    """Columns come in the order in which they are named; `dept` is a department, `men` are male."""
    shown = table(("Dept", "text", 6), ("Gender", "text", 2, ["Female", "Male"]))
    named = named_columns("men and women in each department", columns_of(shown))
    assert [(each.column.name, each.by_value) for each in named] == [("Gender", True), ("Dept", False)]


@pytest.mark.slow
@pytest.mark.skipif(not CARDS.exists(), reason="the task cards are not on this machine")
@pytest.mark.parametrize(("card", "model"), [("T10-ucb-admissions", "extractive"), ("T09-sleep-paired", "scripted")])
def test_a_card_is_answered(card: str, model: str) -> None:
    """The analysis agent ends with the right figures, in findings that cite the computation, and tells the trap."""
    entry = next(each for each in json.loads(CARDS.read_text()) if each["id"] == card)
    found = asyncio.run(outcome(entry, CARDS.parent, model))
    assert found.right
    assert found.trap
