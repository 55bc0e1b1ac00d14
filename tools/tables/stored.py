"""Tables in the store of artifacts: each with what it was made from, so that its hash names its whole history.

The form is JSON text with exact decimals, and the same bytes for the same work: hashes outlive versions of libraries.
"""

import json
from collections.abc import Sequence

from pydantic import ValidationError

from state.errors import ToolError
from state.evidence import Record
from state.ports import Artifacts
from state.tables import Made, TableColumn, TableRef
from tools.tables.cells import as_json, from_json
from tools.tables.data import Data
from tools.threads import computed

MEDIA_TYPE = "application/vnd.stretto.table+json"
MOST_BYTES = 100_000_000
_FORM = "stretto table 1"
_DEEPEST = 200


class Step(Record):
    """One operation in the history of a table."""

    table: str
    hash: str
    made_by: Made
    changes: tuple[str, ...]

    @property
    def words(self) -> str:
        """`sales: grouped by region (from sales.csv)`."""
        origins = ", ".join(origin.name for origin in self.made_by.inputs)
        return f"{self.table}: {self.made_by.operation}" + (f" (from {origins})" if origins else "")


def packed(data: Data, made: Made, changes: Sequence[str]) -> bytes:
    """The bytes of a table; ToolError where they are too many."""
    document = {
        "form": _FORM,
        "name": data.name,
        "columns": [column.model_dump(mode="json") for column in data.columns],
        "made_by": made.model_dump(mode="json"),
        "changes": list(changes),
        "values": [[as_json(value) for value in data.values[column.name]] for column in data.columns],
    }
    written = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    if len(written) > MOST_BYTES:
        raise ToolError(f"The table would have {len(written):,} bytes.", remedy=f"At most {MOST_BYTES:,} are stored.")
    return written


def unpacked(written: bytes) -> tuple[Data, Made, tuple[str, ...]]:
    """The table, how it was made, and what was changed then; ValueError where the bytes are no table."""
    document = json.loads(written)
    if not isinstance(document, dict) or document.get("form") != _FORM:
        raise ValueError("no table")
    columns = tuple(TableColumn.model_validate(each) for each in document["columns"])
    values = {
        column.name: [from_json(value, column.type) for value in of]
        for column, of in zip(columns, document["values"], strict=True)
    }
    return Data(document["name"], columns, values), Made.model_validate(document["made_by"]), tuple(document["changes"])


class TableStore:
    """Tables by their hashes."""

    def __init__(self, artifacts: Artifacts) -> None:
        self._artifacts = artifacts

    async def put(self, data: Data, made: Made, changes: Sequence[str] = ()) -> TableRef:
        """Stores a table, and says how to find it."""
        written = await computed(packed, data, made, changes)
        stored = await self._artifacts.put(written, MEDIA_TYPE, f"{data.name}.table.json")
        return TableRef(name=data.name, hash=stored.sha256, columns=data.columns, rows=data.rows, made_by=made)

    async def get(self, hash: str) -> Data:
        """The table; ToolError where none is stored under the hash."""
        return (await self._read(hash))[0]

    async def history(self, hash: str) -> list[Step]:
        """The operations that made the table, from the files on; each once."""
        found: dict[str, Step] = {}
        await self._walk(hash, found, 0)
        return list(found.values())

    async def _walk(self, hash: str, found: dict[str, Step], depth: int) -> None:
        if hash in found or depth > _DEEPEST:
            return
        data, made, changes = await self._read(hash)
        if not made.is_first:
            for origin in made.inputs:
                await self._walk(origin.hash, found, depth + 1)
        found[hash] = Step(table=data.name, hash=hash, made_by=made, changes=changes)

    async def _read(self, hash: str) -> tuple[Data, Made, tuple[str, ...]]:
        try:
            return await computed(unpacked, await self._artifacts.get(hash))
        except (KeyError, ValueError, TypeError, ArithmeticError, ValidationError) as error:
            said = f"No table is stored under “{hash[:80]}”."
            remedy = "Give the table as the call that made it gave it back, or its whole hash."
            raise ToolError(said, remedy=remedy) from error


def in_words(history: Sequence[Step]) -> list[str]:
    """The history, a line for each operation."""
    return [step.words for step in history]
