"""The tools `database_*`: SQL on databases that the settings name, with values as parameters and nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from langchain_core.tools import BaseTool, InjectedToolArg
from pydantic import BaseModel, ConfigDict, Field

from state.errors import ToolFailed
from state.runs import Json
from tools.database.connections import NamedDatabase
from tools.database.conversations import Conversation, Databases
from tools.database.once import once
from tools.database.results import MOST_BYTES, MOST_ROWS, Changed, Limits, Rows
from tools.database.schema import MOST_SAMPLES, Described, describe
from tools.database.statements import Purpose, check, prepared
from tools.database.transactions import Transactions
from tools.database.work import Statement, commit, execute, query
from tools.effects import Effects, effects
from tools.making import made, schema_of
from tools.schemas import CONSTANT

MOST_SECONDS = 600.0
LONGEST = 3600.0
"""Seconds of a whole call: connecting, and many statements, each with its own time."""
Name = Annotated[str, Field(description="Name of the database in the settings.")]
Sql = Annotated[
    str,
    Field(
        max_length=100_000,
        description="One statement. Values stand as :name in it, and are given in parameters.",
        json_schema_extra={CONSTANT: True},
    ),
]
Value = str | int | float | bool | None
Values = Annotated[
    dict[str, Value | list[Value]],
    Field(default_factory=dict, description="By name, without the colon; dates and exact decimals as text."),
]
Transaction = Annotated[str | None, Field(description="Of database_begin; without one the call stands for itself.")]
Seconds = Annotated[float, Field(gt=0, le=MOST_SECONDS, description="Seconds for each statement.")]


class _Input(BaseModel):
    """What tools for databases are given."""

    model_config = ConfigDict(extra="forbid")

    database: Name


class QueryInput(_Input):
    """What to ask."""

    sql: Sql
    parameters: Values
    max_rows: int = Field(default=Limits.rows, ge=1, le=MOST_ROWS)
    max_bytes: int = Field(default=Limits.bytes, ge=1, le=MOST_BYTES, description="Of the rows as JSON.")
    timeout: Seconds = Limits.seconds
    transaction: Transaction = None


class SchemaInput(_Input):
    """What to describe."""

    tables: list[str] = Field(default_factory=list, description="Names; empty for all.")
    db_schema: str | None = Field(default=None, description="A schema other than the usual one.")
    samples: int = Field(default=0, ge=0, le=MOST_SAMPLES, description="Rows of each table to show.")


class Change(BaseModel):
    """One statement that changes rows."""

    model_config = ConfigDict(extra="forbid")

    sql: Sql
    parameters: Values
    rows: int | None = Field(default=None, ge=0, description="How many rows it must change; else nothing is changed.")


class ExecuteInput(_Input):
    """What to change."""

    statements: list[Change] = Field(min_length=1, max_length=100, description="All of them take effect, or none.")
    timeout: Seconds = Limits.seconds
    transaction: Transaction = None


class ExecuteOnceInput(ExecuteInput):
    """The same, where a database has a table for the keys of calls."""

    idempotency_key: Annotated[str, InjectedToolArg] = ""


class BeginInput(_Input):
    """Where to begin a transaction."""


class EndInput(BaseModel):
    """Which transaction to end."""

    model_config = ConfigDict(extra="forbid")

    transaction: str


class Begun(BaseModel):
    """A transaction that is open."""

    transaction: str


class Ended(BaseModel):
    """How a transaction ended."""

    committed: bool


class Executed(BaseModel):
    """What was changed, statement by statement."""

    results: list[Changed]


class DatabaseTools:
    """The tools of one run."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._transactions = Transactions(databases)

    def tools(self) -> tuple[tuple[BaseTool, Json], ...]:
        """All of them, each with the schema of what it gives back."""
        names = ", ".join(each.title for each in self._databases.named.values()) or "none"
        has_keys = any(each.once for each in self._databases.named.values())
        there = f"Databases in the settings: {names}."
        return (
            _tool(self.query, "database_query", f"Reads rows by one SQL statement. {there}", (QueryInput, Rows)),
            _tool(
                self.schema,
                "database_schema",
                f"Says which tables a database has, with columns and keys. {there}",
                (SchemaInput, Described),
            ),
            _tool(
                self.execute,
                "database_execute",
                f"Changes rows by SQL statements: INSERT, UPDATE, DELETE or MERGE. {there}",
                (ExecuteOnceInput if has_keys else ExecuteInput, Executed),
                "write",
            ),
            _tool(
                self.begin,
                "database_begin",
                "Begins a transaction that several calls use.",
                (BeginInput, Begun),
                "none",
            ),
            _tool(self.commit, "database_commit", "Makes what a transaction did last.", (EndInput, Ended), "write"),
            _tool(self.rollback, "database_rollback", "Undoes what a transaction did.", (EndInput, Ended), "none"),
        )

    async def close(self) -> None:
        """Rolls back the transactions that are open."""
        await self._transactions.close()

    async def query(self, **given: Any) -> Json:
        """The rows of a statement that reads."""
        asked = QueryInput(**given)
        limits = Limits(asked.max_rows, asked.max_bytes, asked.timeout)
        statement = _statement(self._databases.find(asked.database), asked, "read", limits)
        async with self._talking(asked.database, "read", asked.transaction) as conversation:
            rows = await conversation.run(asked.timeout, query, statement)
        return rows.model_dump()

    async def schema(self, **given: Any) -> Json:
        """The tables of a database."""
        asked = SchemaInput(**given)
        database = self._databases.find(asked.database)
        async with self._databases.talking(asked.database, "read") as conversation:
            tables, left = await conversation.run(
                Limits.seconds, describe, database.kind, asked.tables, asked.db_schema, asked.samples
            )
        return Described(
            database=database.name, kind=database.kind, writable=database.writable, tables=tables, left_out=left
        ).model_dump()

    async def execute(self, **given: Any) -> Json:
        """Changes rows, by all statements or by none; by a key that was used before not at all."""
        asked = ExecuteOnceInput(**given)
        database = self._databases.find(asked.database)
        statements = [
            (each, _statement(database, each, "write", Limits(seconds=asked.timeout))) for each in asked.statements
        ]
        kept = once(database, asked.idempotency_key, asked.statements, asked.timeout)
        async with self._talking(asked.database, "write", asked.transaction) as conversation:
            before = await kept.answer(conversation) if kept else None
            if before is not None:
                return before
            results = [await _changed(conversation, *each) for each in statements]
            answer = Executed(results=results).model_dump()
            if kept:
                await kept.keep(conversation, answer)
            if asked.transaction is None:
                await conversation.run(asked.timeout, commit)
        return answer

    async def begin(self, **given: Any) -> Json:
        """Begins a transaction."""
        return Begun(transaction=await self._transactions.begin(BeginInput(**given).database)).model_dump()

    async def commit(self, **given: Any) -> Json:
        """Ends a transaction; what it did stays."""
        await self._transactions.end(EndInput(**given).transaction, keep=True)
        return Ended(committed=True).model_dump()

    async def rollback(self, **given: Any) -> Json:
        """Ends a transaction; nothing that it did stays."""
        await self._transactions.end(EndInput(**given).transaction, keep=False)
        return Ended(committed=False).model_dump()

    @asynccontextmanager
    async def _talking(self, name: str, purpose: Purpose, transaction: str | None) -> AsyncIterator[Conversation]:
        if transaction is None:
            async with self._databases.talking(name, purpose) as conversation:
                yield conversation
            return
        async with self._transactions.using(transaction, name) as conversation:
            if purpose == "write" and conversation.purpose == "read":
                raise ToolFailed(f"The settings do not say that {name} may be changed.", "refused", place=name)
            yield conversation


async def _changed(conversation: Conversation, change: Change, statement: Statement) -> Changed:
    result = await conversation.run(statement.limits.seconds, execute, statement)
    if change.rows is not None and result.changed != change.rows:
        said = f"It would change {result.changed} rows, and {change.rows} were expected: nothing is changed."
        raise ToolFailed(said, "refused", place=change.sql[:80])
    return result


def _statement(database: NamedDatabase, asked: QueryInput | Change, purpose: Purpose, limits: Limits) -> Statement:
    check(asked.sql, database.kind, purpose)
    sql = prepared(asked.sql, asked.parameters, database.kind)
    return Statement(sql, asked.parameters, database.kind, purpose, limits)


def _tool(
    coroutine: Any,
    name: str,
    description: str,
    schemas: tuple[type[BaseModel], type[BaseModel]],
    kind: Effects = "read",
) -> tuple[BaseTool, Json]:
    given, back = schemas
    mark = effects(kind, outside=True)
    tool = made(coroutine=coroutine, name=name, description=description, args_schema=given, metadata=mark)
    return tool, schema_of(back)
