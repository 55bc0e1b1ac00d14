"""Passages that were computed from a table: they state figures, and can be cited like text that was read."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from state.evidence import Passage, Source
from tools.data import Table
from tools.numerals import p_value, percent
from tools.statistics.hints import counting_column
from tools.statistics.result import StatResult
from tools.statistics.samples import label, span

FIRST_ROWS = 5
MOST_COLUMNS = 40
"""Columns that an overview describes; the others are named only."""
LONGEST_CELL = 60
FEW_VALUES = 12
"""Values of a column that are shown one by one to who reads exactly."""


def statistic_passage(source: Source, table: Table, what: str, columns: Sequence[str], result: StatResult) -> Passage:
    """A statistic as a passage: its sentence, then its figures and what they rest on."""
    figures = "; ".join(
        f"{name} = {value if isinstance(value, str) else f'{value:.10g}'}" for name, value in result.values.items()
    )
    lines = [result.sentence, f"Figures: {figures}; n = {result.n}.", *_weight(result)]
    lines += [f"Assumption: {each}." for each in result.assumptions]
    lines += [f"Warning: {each}" for each in result.warnings]
    lines.append(f"Method: {result.method} ({result.formula}).")
    return computed_passage(source, table, what, columns, lines)


def computed_passage(source: Source, table: Table, what: str, columns: Sequence[str], lines: Sequence[str]) -> Passage:
    """What was computed from columns of a table, and at its end how the table was made."""
    made = [f"Made by {one_line(each)}." for each in table.made]
    return Passage.make(source.id, table.locator(what, columns), "\n".join([*lines, *made]))


def _weight(result: StatResult) -> list[str]:
    """How large the effect is, how sure, and how likely by chance, as far as the method says."""
    said = [f"Effect size: {result.effect.name} = {result.effect.value:.4g}"] if result.effect else []
    if result.interval:
        level, of = percent(result.interval.level), result.interval.of
        said.append(f"{level} interval of {of}: {result.interval.low:.6g} to {result.interval.high:.6g}")
    said += [p_value(result.p)] if result.p is not None else []
    return [f"{'; '.join(said)}."] if said else []


def overview_passage(source: Source, table: Table) -> Passage:
    """What a table holds, as a passage."""
    frame, names = table.frame, list(table.frame.columns)
    kind = "sheet " if source.kind in ("xlsx", "xls") else ""
    sheet = f", {kind}{table.sheet}" if table.sheet else ""
    name = PurePosixPath(source.uri).name if table.stored is None else table.uri
    lines = [f"{name}{sheet} holds {len(frame)} rows and {len(names)} columns."]
    lines += [f"Column {name}: {_kind(frame[name])}." for name in names[:MOST_COLUMNS]]
    if len(names) > MOST_COLUMNS:
        lines.append(f"Other columns: {', '.join(names[MOST_COLUMNS:])}.")
    lines += [f"Changed: {change}." for change in table.changes]
    lines += [f"Note: {note}" for note in table.notes]
    rows = frame[names[:MOST_COLUMNS]].head(FIRST_ROWS)
    lines += [
        f"Row {row}: " + "; ".join(f"{name} = {_shown(value)}" for name, value in cells.items())
        for row, cells in rows.iterrows()
    ]
    return computed_passage(source, table, "load_data", names, lines)


def column_facts(name: str, table: Table) -> dict[str, object]:
    """The columns for who reads exactly: name, type (`number`, `date` or `text`), count of different values and of
    missing ones, and the values where they are few; and the column that counts cases, if there is one.
    """
    facts = {"table": name, "rows": len(table.frame), "columns": [_facts(each) for _, each in table.frame.items()]}
    counting = counting_column(table.frame)
    return facts | ({"counts": counting} if counting else {})


def _facts(values: "pd.Series[Any]") -> dict[str, object]:
    distinct = int(values.nunique())
    facts = {"name": str(values.name), "type": _type(values), "distinct": distinct, "missing": int(values.isna().sum())}
    if distinct > FEW_VALUES or pd.api.types.is_datetime64_any_dtype(values):
        return facts
    named = sorted(map(label, values.dropna().unique()))
    # All of it stands in the overview, too, which is screened for orders to a model.
    return facts | ({"values": named} if all(len(text) <= LONGEST_CELL for text in named) else {})


def _type(values: "pd.Series[Any]") -> str:
    if pd.api.types.is_datetime64_any_dtype(values):
        return "date"
    is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    return "number" if is_number else "text"


def _kind(values: "pd.Series[Any]") -> str:
    """Type, range and gaps of a column, in words."""
    known = values.dropna()
    missing = f", {values.size - known.size} missing" if known.size < values.size else ""
    if known.empty:
        return "empty"
    if pd.api.types.is_datetime64_any_dtype(values):
        return f"dates from {span(known)}{missing}"
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return f"numbers from {span(known)}{missing}"
    distinct = [_shown(value) for value in known.unique()]
    few = distinct if len(distinct) <= FEW_VALUES else distinct[:5]
    named = ", ".join(few) + (", …" if len(distinct) > len(few) else "")
    return f"text, {len(distinct)} different values ({named}){missing}"


def _shown(value: Any) -> str:
    """A cell as text, short."""
    if value is None or value is pd.NaT or value != value:  # noqa: PLR0124 - NaN is not equal to itself
        return "missing"
    text = " ".join(label(value).split())
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"


def one_line(text: str) -> str:
    """Text from a file as part of a line for the model: without line breaks, tags neutralised."""
    return " ".join(text.split()).replace("<", "&lt;").replace(">", "&gt;")
