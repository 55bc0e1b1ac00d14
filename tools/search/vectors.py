"""The vectors of a collection: those that are kept are used, the others computed, a batch at a time, and kept."""

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from state.errors import ToolError
from state.ports import Embeddings, Vector
from tools.threads import computed

BATCH = 64
"""Passages that are embedded together; each batch is stored before the next."""
TOLD_EVERY = 10
"""Batches between two words on how far the work has come."""

Tell = Callable[[str], None]
"""Shows how far the work has come."""


def packed(rows: NDArray[np.float32]) -> list[Vector]:
    """Rows of numbers as vectors of length 1."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return [row.tobytes() for row in (rows / np.maximum(lengths, 1e-12)).astype("<f4")]


def unpacked(vectors: Sequence[Vector]) -> NDArray[np.float32]:
    """Vectors as rows of numbers; ToolError if they do not have the same length."""
    if len(lengths := {len(vector) // 4 for vector in vectors}) > 1:
        raise changed_model(lengths)
    return np.frombuffer(b"".join(vectors), dtype="<f4").reshape(len(vectors), -1)


def changed_model(lengths: Collection[int]) -> ToolError:
    """The error for vectors of different lengths under one name."""
    return ToolError(
        f"the embedding model gave vectors of {' and '.join(map(str, sorted(lengths)))} numbers",
        place="search",
        remedy="The model behind this name has changed: give the new one a name of its own.",
    )


async def vectors_of(texts: Mapping[str, str], embeddings: Embeddings, tell: Tell) -> Mapping[str, Vector]:
    """The vectors of texts by passage id; ToolError if the model does not answer."""
    model, store = embeddings.embedder, embeddings.vectors
    found = dict(await store.get(model.name, list(texts)))
    missing = [key for key in texts if key not in found]
    for start in range(0, len(missing), BATCH):
        if start % (TOLD_EVERY * BATCH) == 0:
            tell(f"vectors of passages: {start:,} of {len(missing):,}")
        keys = missing[start : start + BATCH]
        made = await computed(model.embed, [texts[key] for key in keys])
        new = dict(zip(keys, made, strict=True))
        await store.put(model.name, new)
        found |= new
    if missing:
        tell(f"vectors of {len(missing):,} passages computed by {model.name}")
    return found
