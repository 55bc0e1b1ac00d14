"""The checkpointer of one run: LangGraph's own, under the run's fence and with a strict list of types."""

import asyncio
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.event_hooks import SerdeEvent, register_serde_event_listener
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from run_workflow.fence import Fence
from state.errors import BuildError
from state.records import RECORDS


class StrictSerializer(JsonPlusSerializer):
    """Stores plain values, messages and the listed records; anything else is an error, written or read.

    LangGraph's own strict mode gives a value of another type back as a dict, in silence, at the resume.
    """

    def __init__(self, records: Iterable[type] = RECORDS) -> None:
        super().__init__(allowed_msgpack_modules=tuple(records))

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """The value as bytes, which were read back once. Raises BuildError for an unlisted type."""
        written = super().dumps_typed(obj)
        self.loads_typed(written)
        return written

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """The value. Raises BuildError for an unlisted type."""
        refused: list[SerdeEvent] = []
        here = threading.get_ident()

        def note(event: SerdeEvent) -> None:
            # Listeners hear of all threads.
            if threading.get_ident() == here:
                refused.append(event)

        unregister = register_serde_event_listener(note)
        try:
            value = super().loads_typed(data)
        finally:
            unregister()
        if refused:
            name = f"{refused[0]['module']}.{refused[0]['name']}"
            raise BuildError(
                f"A value of type {name} stands in the state of a run, and may not.",
                place="checkpoint",
                remedy="Add the class to RECORDS in state/records.py, or keep the value as plain JSON.",
            )
        return value


class FencedSaver(AsyncPostgresSaver):
    """The checkpoints of one run. A write is one transaction; LeaseLost once the run was taken over."""

    def __init__(self, fence: Fence, records: Iterable[type] = RECORDS) -> None:
        super().__init__(fence.pool, serde=StrictSerializer(records))
        self._fence = fence
        # The stock lock lets one statement through at a time; with a pool each has its own connection.
        self.lock = asyncio.Semaphore(fence.pool.max_size)  # type: ignore[assignment]

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Stores a checkpoint."""
        async with self._fence.writing() as connection:
            saver = AsyncPostgresSaver(connection, serde=self.serde)
            return await saver.aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Stores what a task has written before its superstep ends."""
        async with self._fence.writing() as connection:
            saver = AsyncPostgresSaver(connection, serde=self.serde)
            await saver.aput_writes(config, writes, task_id, task_path)
