"""The tools `table_*` and `chart`: steps and agents carry tables by name and hash, and each says how it was made."""

import asyncio
import functools
import hashlib
import json
from collections.abc import Awaitable, Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from langchain_core.tools import BaseTool
from pydantic import BaseModel, ValidationError

from state.errors import ToolError, ToolFailed
from state.runs import Json
from state.tables import Made, Origin, TableRef
from tools.database.results import Rows
from tools.documents.files import MAX_BYTES
from tools.effects import effects
from tools.making import made, schema_of
from tools.run_files import RunFiles, Written
from tools.tables.cells import as_json, written
from tools.tables.data import Data
from tools.tables.frames import frame_of, records
from tools.tables.loading import from_columns, from_file, from_rows
from tools.tables.operations import OPERATIONS, Operation
from tools.tables.profiling import profile
from tools.tables.stored import Step, Stored, TableStore, words
from tools.tables.table_forms import (
    ChartFile,
    DrawnChart,
    LoadForm,
    MadeTable,
    OneTable,
    Profiled,
    QueryForm,
    Saved,
    SaveForm,
    Values,
    ValuesForm,
    stored_form,
)
from tools.threads import computed

if TYPE_CHECKING:  # slow to import
    from tools.charts.made import MadeChart

FIRST_ROWS = 5
MOST_VALUES = 200_000
"""Cells that are given as values."""
Query = Callable[..., Awaitable[Json]]
"""The rows of a statement, as `database_query` gives them."""


class TableTools:
    """The tools of one run."""

    def __init__(self, store: TableStore, files: RunFiles, query: Query) -> None:
        self._store, self._files, self._query = store, files, query

    def tools(self) -> tuple[tuple[BaseTool, Json], ...]:
        """All of them, each with the schema of what it gives back."""
        load = "Loads a table from a file of any format, or from values, and stores it by its hash."
        ask = "Stores the rows that one SQL statement reads as a table."
        look = "Says of each column of a table what it holds, and what in it is suspicious."
        give = "Gives the values of a table, for other tools."
        write = "Writes a table into a CSV file of the run, with how it was made beside it."
        draw = "Draws a chart of a table into a file of the run, with its figures beside it."
        return (
            _tool(self.load, "table_load", load, (LoadForm, MadeTable), effects("read")),
            _tool(self.ask, "table_query", ask, (QueryForm, MadeTable), effects("read", outside=True)),
            *(self._operation(each) for each in OPERATIONS.values()),
            _tool(self.profile, "table_profile", look, (OneTable, Profiled)),
            _tool(self.values, "table_values", give, (ValuesForm, Values)),
            _tool(self.save, "table_save", write, (SaveForm, Saved), effects("write")),
            _tool(self.chart, "chart", draw, (ChartFile, DrawnChart), effects("write")),
        )

    # --- tables in ------------------------------------------------------------------------------------

    async def load(self, **given: Any) -> Json:
        """A table of a file, or of values."""
        asked = LoadForm(**given)
        if asked.path is not None:
            return await self._from_file(asked, asked.path)
        if asked.answer is not None:
            return await self._from_answer(asked.answer, asked.name or "answer", "rows of a database")
        values = json.dumps(asked.columns if asked.columns is not None else asked.rows, default=str).encode()
        if asked.columns is not None:
            data, changes = await computed(from_columns, asked.columns, asked.name or "values")
        else:
            data, changes = await computed(from_rows, asked.rows or [], asked.name or "rows")
        return await self._put(data, "loaded", Origin(name="values of a step", hash=_hash(values)), changes)

    async def _from_file(self, asked: LoadForm, path: str) -> Json:
        from tools.documents.isolation import Readers

        data = await asyncio.to_thread(self._files.read, path, MAX_BYTES)
        name = PurePosixPath(path).name
        async with Readers() as readers:
            table, changes = await from_file(readers, data, name, asked.sheet)
        origin = Origin(name=f"{path}#{asked.sheet}" if asked.sheet else path, hash=_hash(data))
        return await self._put(table.called(asked.name) if asked.name else table, "loaded", origin, changes)

    async def ask(self, **given: Any) -> Json:
        """The rows of a statement, as a table."""
        asked = QueryForm(**given)
        answer = await self._query(**asked.model_dump(exclude={"name"}))
        values = f" with {json.dumps(asked.parameters)}" if asked.parameters else ""
        said = f"asked {asked.database}: {' '.join(asked.sql.split())}{values}"
        return await self._from_answer(answer, asked.name, said, asked.database)

    async def _from_answer(self, answer: Json, name: str, said: str, database: str = "database_query") -> Json:
        try:
            given = Rows.model_validate(answer)
        except ValidationError as error:
            raise ToolError("This is no answer of database_query.", remedy="Give it as `rows`.") from error
        data, changes = await computed(from_rows, given.rows, name, {each.name: each.type for each in given.columns})
        cut = ["the database had more rows: the table is cut at max_rows or max_bytes"] if given.truncated else []
        origin = Origin(name=database, hash=_hash(json.dumps(answer, sort_keys=True).encode()))
        return await self._put(data, said, origin, [*cut, *changes])

    async def _put(self, data: Data, said: str, origin: Origin, changes: list[str]) -> Json:
        return _answer(*await self._store.put(data, Made(operation=said, inputs=(origin,)), changes))

    # --- operations -----------------------------------------------------------------------------------

    def _operation(self, operation: Operation) -> tuple[BaseTool, Json]:
        form, work = stored_form(operation), functools.partial(self._perform, operation)
        return _tool(work, f"table_{operation.name}", operation.description, (form, MadeTable))

    async def _perform(self, operation: Operation, **given: Any) -> Json:
        tables = [given.pop(name) for name in ("table", "other") if name in given]
        form = operation.form.model_validate(given)
        return _answer(*await self._store.perform(operation, [_hash_of(each) for each in tables], form))

    # --- tables out -----------------------------------------------------------------------------------

    async def profile(self, table: Json | str) -> Json:
        """What a table holds."""
        stored = await self._store.get(_hash_of(table))
        told = await computed(profile, stored.data)
        return Profiled(**told.model_dump(), made=words(stored.steps)).model_dump()

    async def values(self, **given: Any) -> Json:
        """The values of a table."""
        asked = ValuesForm(**given)
        stored = await self._store.get(_hash_of(asked.table))
        columns = [stored.data.column(name) for name in asked.columns] or list(stored.data.columns)
        data = stored.data.over({each.name: stored.data.values[each.name] for each in columns}, columns)
        if data.rows * len(columns) > MOST_VALUES:
            said = f"The table has {data.rows * len(columns):,} cells."
            remedy = f"At most {MOST_VALUES:,} are given as values; name columns, or filter or group before."
            raise ToolError(said, remedy=remedy)
        by_column = {each.name: list(map(as_json, data.values[each.name])) for each in columns}
        return Values(
            row_count=data.rows,
            columns=by_column if asked.form == "columns" else {},
            rows=records(data) if asked.form == "rows" else [],
            made=words(stored.steps),
        ).model_dump()

    async def save(self, table: Json | str, path: str) -> Json:
        """A table as CSV, and its history as JSON beside it."""
        stored = await self._store.get(_hash_of(table))
        return Saved(
            data=await self._written(path, await computed(_csv, stored.data)),
            history=await self._written(f"{path}.json", _history(stored.steps)),
        ).model_dump()

    async def chart(self, **given: Any) -> Json:
        """A chart of a table, and its figures beside it."""
        asked = ChartFile(**given)
        stored = await self._store.get(_hash_of(asked.table))
        made = await computed(_made_chart, stored.data, asked)
        return DrawnChart(
            image=await self._written(asked.path, made.picture),
            data=await self._written(f"{asked.path}.csv", made.csv),
            alt=made.alt,
            made=words(stored.steps),
        ).model_dump()

    async def _written(self, path: str, data: bytes) -> Written:
        return Written.model_validate(await asyncio.to_thread(self._files.write, path, data))


def _answer(ref: TableRef, stored: Stored) -> Json:
    changes = list(stored.steps[-1].changes)
    return MadeTable(table=ref, changes=changes, first_rows=records(stored.data, FIRST_ROWS)).model_dump(mode="json")


def _hash_of(table: Json | str) -> str:
    return str(table.get("hash", "") if isinstance(table, dict) else table)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _history(steps: tuple[Step, ...]) -> bytes:
    return json.dumps([step.model_dump(mode="json") for step in steps], indent=2).encode()


def _csv(data: Data) -> bytes:
    """The table, its values as they are written exactly; what a spreadsheet takes for a formula is marked as text."""
    import csv
    import io

    from tools.report.escaping import cell_text

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([cell_text(name) for name in data.names])
    for row in data.rows_of(data.names):
        writer.writerow(
            ["" if value is None else cell_text(value) if isinstance(value, str) else written(value) for value in row]
        )
    return text.getvalue().encode(errors="replace")


def _made_chart(data: Data, asked: ChartFile) -> "MadeChart":
    from tools.charts.made import make

    spec = asked.spec(lambda name: data.column(name).name, lambda name: data.column(name).unit)
    return make(frame_of(data), spec, "svg" if asked.path.endswith(".svg") else "png")


def _tool(
    work: Callable[..., Awaitable[Json]],
    name: str,
    description: str,
    schemas: tuple[type[BaseModel], type[BaseModel]],
    mark: Json | None = None,
) -> tuple[BaseTool, Json]:
    async def told(**given: Any) -> Json:
        try:
            return await work(**given)
        except ToolFailed:
            raise
        except ToolError as error:
            raise ToolFailed(error.message, "bad_input", place=error.place or name, remedy=error.remedy) from error

    asked, back = schemas
    tool = made(coroutine=told, name=name, description=description, args_schema=asked, metadata=mark or effects("none"))
    return tool, schema_of(back)
