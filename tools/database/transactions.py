"""Transactions over several calls. They belong to the work on one run in this process, and end with it.

A transaction of a database lives in a connection, and no connection outlives its process. So a run that stops, waits
for a person, or is gone on with elsewhere has none any more: what it did not commit was rolled back, by us or, after a
crash, by the database. Whoever goes on with such a transaction is told to begin again.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from state.errors import ToolFailed
from tools.database.conversations import Conversation, Databases
from tools.database.work import commit, rollback

MOST = 5
"""Open transactions of one run."""
_END_SECONDS = 30.0


@dataclass
class _Open:
    """A transaction, used by one call at a time."""

    conversation: Conversation
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Transactions:
    """Those of one run in this process."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._open: dict[str, _Open] = {}

    async def begin(self, name: str) -> str:
        """Opens one, for writing where the database may be changed; its id."""
        if len(self._open) >= MOST:
            said = f"The run has {MOST} open transactions."
            raise ToolFailed(said, "limit", remedy="End one by database_commit or database_rollback.")
        is_writable = self._databases.find(name).writable
        conversation = await self._databases.open(name, "write" if is_writable else "read")
        id_ = uuid4().hex
        self._open[id_] = _Open(conversation)
        return id_

    @asynccontextmanager
    async def using(self, id_: str, database: str) -> AsyncIterator[Conversation]:
        """The conversation of a transaction, for one call. What fails in it ends the transaction.

        Raises ToolFailed (`refused`) for one that is not open here.
        """
        found = self._found(id_)
        if found.conversation.database.name != database:
            said = f"The transaction is one of {found.conversation.database.name}, and not of {database}."
            raise ToolFailed(said, "bad_input", place="transaction")
        async with found.lock:
            self._found(id_)
            try:
                yield found.conversation
            except BaseException:
                await self._ended(id_)
                raise

    async def end(self, id_: str, *, keep: bool) -> None:
        """Commits it, or rolls it back. Raises ToolFailed (`refused`) for one that is not open here."""
        found = self._found(id_)
        async with found.lock:
            self._found(id_)
            try:
                await found.conversation.run(_END_SECONDS, commit if keep else rollback)
            finally:
                await self._ended(id_)

    async def close(self) -> None:
        """Rolls back all that are open."""
        for id_ in list(self._open):
            await self._ended(id_)

    async def _ended(self, id_: str) -> None:
        if found := self._open.pop(id_, None):
            await found.conversation.close()

    def _found(self, id_: str) -> _Open:
        if found := self._open.get(id_):
            return found
        said = (
            "The transaction is not open: it has ended, or was rolled back when a statement failed or the run stopped."
        )
        raise ToolFailed(said, "refused", place="transaction", remedy="Begin again with database_begin.")
