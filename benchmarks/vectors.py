"""Vectors of passages in a file, so that a second measurement does not compute them again."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from state.ports import Vector


class FileVectors:
    """A table of SQLite; in memory where no file is named."""

    def __init__(self, path: Path | None = None) -> None:
        self._table = sqlite3.connect(path or ":memory:", check_same_thread=False)
        self._table.execute(
            "CREATE TABLE IF NOT EXISTS vectors (model text, passage text, vector blob, PRIMARY KEY (model, passage))"
        )

    async def get(self, model: str, passages: Sequence[str]) -> Mapping[str, Vector]:
        """The vectors of the passages with these ids, as far as they are there."""
        wanted = set(passages)
        rows = self._table.execute("SELECT passage, vector FROM vectors WHERE model = ?", (model,))
        return {key: vector for key, vector in rows if key in wanted}

    async def put(self, model: str, vectors: Mapping[str, Vector]) -> None:
        """Stores vectors by the ids of their passages; what is there already stays as it is."""
        rows = [(model, key, vector) for key, vector in vectors.items()]
        with self._table:
            self._table.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?, ?)", rows)
