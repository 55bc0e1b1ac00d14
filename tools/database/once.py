"""Changes that are made once for each key, however often they are asked for: the key of a call and its answer stand in
a table of the database that it changes, written in the same transaction.

A process can end between a commit and the record of it. Whoever then asks again finds the key, changes nothing, and is
given the first answer. A second transaction with the key waits for the first one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from pydantic_core import to_json

from state.errors import ToolFailed
from state.runs import Json
from tools.database.connections import NamedDatabase
from tools.database.conversations import Conversation
from tools.database.results import Limits
from tools.database.statements import Purpose, prepared
from tools.database.work import Statement, execute, query

COLUMNS = "key TEXT PRIMARY KEY, request TEXT NOT NULL, answer TEXT, made TEXT NOT NULL"
"""Of the table, in the words of all three kinds of databases."""


@dataclass(frozen=True)
class Once:
    """One key in the table of one database."""

    database: NamedDatabase
    key: str
    request: str
    """Hash of what is asked for."""
    seconds: float

    async def answer(self, conversation: Conversation) -> Json | None:
        """What the same call was given before; None for a key that is new, and now stands in the table.

        Raises ToolFailed: `refused` for a key that was used for something else, `bad_input` without the table.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        sql = "INSERT INTO {} (key, request, made) VALUES (:key, :request, :made) ON CONFLICT (key) DO NOTHING"
        given = self._statement(sql, {"key": self.key, "request": self.request, "made": now})
        try:
            added = await conversation.run(self.seconds, execute, given)
        except ToolFailed as error:
            if error.error != "bad_input":
                raise
            remedy = f"Is there no such table? Make it once: CREATE TABLE {self.database.once} ({COLUMNS});"
            place = f"databases.{self.database.name}.once"
            raise ToolFailed(error.message, "bad_input", place=place, remedy=remedy) from error
        if added.changed:
            return None
        asked = self._statement("SELECT request, answer FROM {} WHERE key = :key", {"key": self.key}, "read")
        found = (await conversation.run(self.seconds, query, asked)).rows[0]
        if found["request"] != self.request:
            said = f"The key {self.key} was used for other statements before: nothing is changed."
            raise ToolFailed(said, "refused", place=self.database.name, remedy="Give these a key of their own.")
        before: Json = json.loads(str(found["answer"]))
        return before

    async def keep(self, conversation: Conversation, answer: Json) -> None:
        """Writes the answer beside its key, in the transaction of the change."""
        values = {"key": self.key, "answer": to_json(answer).decode()}
        statement = self._statement("UPDATE {} SET answer = :answer WHERE key = :key", values)
        await conversation.run(self.seconds, execute, statement)

    def _statement(self, sql: str, values: Json, purpose: Purpose = "write") -> Statement:
        kind = self.database.kind
        sql = prepared(sql.format(self.database.once), values, kind)
        return Statement(sql, values, kind, purpose, Limits(seconds=self.seconds))


def once(database: NamedDatabase, key: str, statements: Sequence[Any], seconds: float) -> Once | None:
    """The key of a call; None where the call has none, or the settings name no table of this database for keys."""
    if not (key and database.once):
        return None
    return Once(database, key, sha256(to_json(statements)).hexdigest(), seconds)
