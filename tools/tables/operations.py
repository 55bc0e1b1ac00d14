"""The operations on tables: what each is called, what it takes, what it does, and what it is in words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from state.errors import ToolError
from tools.tables.cleaning import clean
from tools.tables.data import Data
from tools.tables.forms import (
    CleanForm,
    Condition,
    DeriveForm,
    FilterForm,
    Form,
    GroupForm,
    JoinForm,
    PivotForm,
    SortForm,
)
from tools.tables.grouping import group, pivot
from tools.tables.joining import join
from tools.tables.selecting import derive, filter_rows, sort


@dataclass(frozen=True)
class Operation:
    """One operation: pure, from a table (or two) to a table and its changes in words."""

    name: str
    description: str
    form: type[Form]
    act: Callable[..., tuple[Data, list[str]]]
    words: Callable[[Any], str]
    """What is asked for, in a few words: `grouped by region: sum of revenue`."""
    takes_other: bool = False


def perform(operation: Operation, tables: Sequence[Data], form: Form) -> tuple[Data, list[str]]:
    """The new table under its name, and what was changed; ToolError as the operation says. Blocking."""
    try:
        made, changes = operation.act(*tables, form)
    except (ArithmeticError, ValueError) as error:
        remedy = "Look at the columns with a profile; a decimal column holds any number."
        raise ToolError(f"A number is too large for its column ({error}).", remedy=remedy) from error
    return made.called(form.name or tables[0].name), changes


def _clean_words(form: CleanForm) -> str:
    parts: list[tuple[str, object]] = [
        ("spaces", form.trim),
        ("missing markers", form.markers),
        ("values", form.replace),
        ("types", form.types),
        ("units", form.units),
        ("missing values", form.missing),
        ("duplicates", form.duplicates == "drop"),
        ("names", form.rename),
    ]
    named = ", ".join(f"{part} of {', '.join(of)}" if isinstance(of, dict) else part for part, of in parts if of)
    return f"cleaned: {named}" if named else "cleaned: nothing asked for"


def _condition(condition: Condition) -> str:
    value = condition.value
    shown = "" if value is None else f" {', '.join(map(str, value)) if isinstance(value, list) else value}"
    return f"{condition.column} {condition.operator}{shown}"


def _filter_words(form: FilterForm) -> str:
    between = " and " if form.match == "all" else " or "
    return f"rows where {between.join(map(_condition, form.where))}"


def _join_words(form: JoinForm) -> str:
    on = ", ".join(mine if mine == theirs else f"{mine} = {theirs}" for mine, theirs in form.on.items())
    return f"joined ({form.how}) by {on}"


def _group_words(form: GroupForm) -> str:
    measures = [
        f"{measure} of {name}"
        for name, each in form.measures.items()
        for measure in ([each] if isinstance(each, str) else each)
    ]
    told = f": {', '.join(measures)}" if measures else ""
    return f"grouped by {', '.join(form.by)}{told}" if form.by else f"all rows as one{told}"


def _pivot_words(form: PivotForm) -> str:
    return f"{form.measure} of {form.values} by {', '.join(form.rows)} and {form.columns}"


def _sort_words(form: SortForm) -> str:
    top = f", the first {form.top}" if form.top else ""
    return f"sorted by {', '.join(form.by)}{' downwards' if form.descending else ''}{top}"


OPERATIONS: Mapping[str, Operation] = {
    each.name: each
    for each in (
        Operation(
            "clean",
            "Cleans a table: types, units, missing values, duplicates, names; every change is listed.",
            CleanForm,
            clean,
            _clean_words,
        ),
        Operation(
            "filter", "Keeps the rows of a table that fulfil conditions.", FilterForm, filter_rows, _filter_words
        ),
        Operation(
            "derive",
            "Adds a column to a table, computed by a formula from others.",
            DeriveForm,
            derive,
            lambda form: f"{form.column} = {form.formula}",
        ),
        Operation(
            "join",
            "Brings two tables together by keys; repeated and unmatched keys are told.",
            JoinForm,
            join,
            _join_words,
            takes_other=True,
        ),
        Operation(
            "group", "Puts rows together: sum, mean, count and others of groups.", GroupForm, group, _group_words
        ),
        Operation("pivot", "Makes a table across two columns of names.", PivotForm, pivot, _pivot_words),
        Operation("sort", "Sorts the rows of a table; keeps the first ones with top.", SortForm, sort, _sort_words),
    )
}
