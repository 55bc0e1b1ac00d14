"""Tables in the store of artifacts, each with the operations that made it, so that its hash names its whole history.

The form is JSON text with exact decimals, and the same bytes for the same work: hashes outlive versions of libraries.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from state.errors import ToolError
from state.evidence import Record
from state.ports import Artifacts
from state.tables import Made, Origin, TableColumn, TableRef
from tools.tables.cells import as_json, from_json
from tools.tables.data import Data
from tools.tables.forms import Form
from tools.tables.operations import Operation, perform
from tools.threads import computed

MEDIA_TYPE = "application/vnd.stretto.table+json"
MOST_BYTES = 100_000_000
MOST_STEPS = 500
"""Operations in the history of a table."""
_FORM = "stretto table 1"


class Step(Record):
    """One operation in the history of a table."""

    table: str
    made_by: Made
    changes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """`sales: grouped by region (from sales.csv)`."""
        origins = " and ".join(origin.name for origin in self.made_by.inputs)
        return f"{self.table}: {self.made_by.operation}" + (f" (from {origins})" if origins else "")


@dataclass(frozen=True)
class Stored:
    """A table with the operations that made it, from the files on; the last one is its own."""

    data: Data
    steps: tuple[Step, ...]


def words(steps: Sequence[Step]) -> list[str]:
    """The operations in words, from the files on."""
    return [step.words for step in steps]


def packed(stored: Stored) -> bytes:
    """The bytes of a table; ToolError where they are too many."""
    data = stored.data
    if len(stored.steps) > MOST_STEPS:
        said = f"The table would be made by {len(stored.steps)} operations."
        raise ToolError(said, remedy=f"At most {MOST_STEPS} are kept; write it into a file, and load that.")
    document = {
        "form": _FORM,
        "name": data.name,
        "columns": [column.model_dump(mode="json") for column in data.columns],
        "steps": [step.model_dump(mode="json") for step in stored.steps],
        "values": [[as_json(value) for value in data.values[column.name]] for column in data.columns],
    }
    written = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    if len(written) > MOST_BYTES:
        raise ToolError(f"The table would have {len(written):,} bytes.", remedy=f"At most {MOST_BYTES:,} are stored.")
    return written


def unpacked(written: bytes) -> Stored:
    """What `packed` wrote; ValueError where the bytes are no table."""
    document = json.loads(written)
    if not isinstance(document, dict) or document.get("form") != _FORM:
        raise ValueError("no table")
    columns = tuple(TableColumn.model_validate(each) for each in document["columns"])
    values = {
        column.name: [from_json(value, column.type) for value in of]
        for column, of in zip(columns, document["values"], strict=True)
    }
    return Stored(Data(document["name"], columns, values), tuple(map(Step.model_validate, document["steps"])))


class TableStore:
    """Tables by their hashes."""

    def __init__(self, artifacts: Artifacts, gone: str = "") -> None:
        """`gone` says why a table may no longer be there, where not all are kept."""
        self._artifacts, self._gone = artifacts, gone

    async def put(
        self, data: Data, made: Made, changes: Sequence[str] = (), before: Sequence[Step] = ()
    ) -> tuple[TableRef, Stored]:
        """Stores a table with its history, and says how to find it."""
        steps = tuple(dict.fromkeys((*before, Step(table=data.name, made_by=made, changes=tuple(changes)))))
        stored = Stored(data, steps)
        kept = await self._artifacts.put(await computed(packed, stored), MEDIA_TYPE, f"{data.name}.table.json")
        ref = TableRef(name=data.name, hash=kept.sha256, columns=data.columns, rows=data.rows, made_by=made)
        return ref, stored

    async def get(self, hash: str) -> Stored:
        """The table; ToolError where none is stored under the hash."""
        try:
            return await computed(unpacked, await self._artifacts.get(hash))
        except (KeyError, ValueError, TypeError, ArithmeticError, ValidationError) as error:
            said = f"No table is stored under “{hash[:80]}”."
            remedy = "Give the table as the call that made it gave it back, or its whole hash."
            raise ToolError(said, remedy=f"{remedy} {self._gone}".strip()) from error

    async def perform(self, operation: Operation, hashes: Sequence[str], form: Form) -> tuple[TableRef, Stored]:
        """The table that an operation makes of stored ones. ToolError as the operation says."""
        tables = [await self.get(hash) for hash in hashes]
        data, changes = await computed(perform, operation, [each.data for each in tables], form)
        inputs = tuple(Origin(name=each.data.name, hash=hash) for each, hash in zip(tables, hashes, strict=True))
        before = [step for each in tables for step in each.steps]
        return await self.put(data, Made(operation=operation.words(form), inputs=inputs), changes, before)
