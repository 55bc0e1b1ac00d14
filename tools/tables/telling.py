"""Changes in words: what was changed, in how many cells, and which for example. Nothing is changed without one."""

from collections.abc import Iterable, Sequence
from typing import Any

from tools.tables.cells import written

_EXAMPLES = 3
_LONGEST = 30


def counted(count: int, what: str) -> str:
    """`1 row`, `3 rows`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def shown(value: Any) -> str:
    """A value in quotation marks, short."""
    if value is None:
        return "missing"
    text = " ".join(written(value).split())
    return f"“{text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}”"


def examples(values: Iterable[Any]) -> str:
    """Some of the values, each once: `“a”, “b” and others`."""
    known = list(dict.fromkeys(map(shown, values)))
    more = " and others" if len(known) > _EXAMPLES else ""
    return f"{', '.join(known[:_EXAMPLES])}{more}"


def places(positions: Sequence[int]) -> str:
    """Rows by number, counted from 1: `row 4`, `rows 4, 9, 13 and 5 more`."""
    named = ", ".join(str(at + 1) for at in positions[:_EXAMPLES])
    more = f" and {len(positions) - _EXAMPLES} more" if len(positions) > _EXAMPLES else ""
    return f"row{'' if len(positions) == 1 else 's'} {named}{more}"
