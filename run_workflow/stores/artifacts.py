"""Files in Postgres by the hash of their bytes: data files, charts, reports."""

import hashlib

from run_workflow.fence import Fence
from state.evidence import ArtifactRef
from tools.storable import storable

_PUT = """
INSERT INTO artifacts (sha256, media_type, name, bytes) VALUES (%s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""
_GET = "SELECT bytes FROM artifacts WHERE sha256 = %s"


class PostgresArtifacts:
    """What the runs have made, written under the run's fence."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence

    async def put(self, data: bytes, media_type: str, name: str) -> ArtifactRef:
        """Stores the bytes once and says how to find them."""
        sha256 = hashlib.sha256(data).hexdigest()
        async with self._fence.writing() as connection:
            await connection.execute(_PUT, (sha256, media_type, storable(name), data))
        return ArtifactRef(sha256=sha256, media_type=media_type, name=name, size=len(data))

    async def get(self, sha256: str) -> bytes:
        """The bytes; KeyError if they were never stored."""
        async with self._fence.pool.connection() as connection:
            row = await (await connection.execute(_GET, (sha256,))).fetchone()
        if row is None:
            raise KeyError(sha256)
        data: bytes = row["bytes"]
        return data
