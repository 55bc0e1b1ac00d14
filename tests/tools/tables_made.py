"""Tables for tests, and operations on them as a step asks for them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from state.errors import ToolError
from state.tables import ColumnType, TableColumn
from tools.tables.data import Data
from tools.tables.loading import from_columns
from tools.tables.operations import OPERATIONS, perform

SALES: dict[str, list[Any]] = {
    "region": ["North", "South", "North", "East", None],
    "revenue (EUR)": [Decimal("10.10"), Decimal("20.20"), Decimal("0.20"), None, Decimal("5.00")],
    "items": [3, 4, 5, 6, 7],
}


def table(columns: dict[str, list[Any]], name: str = "sales") -> Data:
    return from_columns(columns, name)[0]


def day(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type] # noqa: DTZ001 - tables hold UTC without saying so


def done(operation: str, *tables: Data, **asked: Any) -> tuple[Data, list[str]]:
    known = OPERATIONS[operation]
    return perform(known, tables, known.form.model_validate(asked))


def refused(operation: str, *tables: Data, **asked: Any) -> str:
    with pytest.raises(ToolError) as raised:
        done(operation, *tables, **asked)
    assert raised.value.remedy
    return raised.value.message


def rows(data: Data) -> list[tuple[Any, ...]]:
    return data.rows_of(data.names)


def typed(given_rows: list[tuple[Any, ...]], **types: ColumnType) -> Data:
    """A table of the name of its last column; one without values has no type of its own, so types are told."""
    columns = tuple(TableColumn(name=name, type=type_) for name, type_ in types.items())
    return Data(columns[-1].name, columns, {name: [row[at] for row in given_rows] for at, name in enumerate(types)})
