"""How values stand in columns: open data as `json`, text without what PostgreSQL cannot hold."""

from psycopg.types.json import Json as JsonColumn

from tools.storable import json_text, storable


def as_json(value: object) -> JsonColumn:
    """The parameter for a column of type `json`."""
    return JsonColumn(value, dumps=json_text)


def json_or_null(value: object | None) -> JsonColumn | None:
    """The same, with NULL for None."""
    return None if value is None else as_json(value)


def text_or_null(text: str | None) -> str | None:
    """The parameter for a text column that may be NULL."""
    return None if text is None else storable(text)
