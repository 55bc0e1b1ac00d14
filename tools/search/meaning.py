"""How near passages are to a query in meaning, by the cosine of their vectors."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from state.ports import Embedder, Vector
from tools.search.vectors import changed_model, unpacked

_QUERIES = 256
"""Branches often ask the same; so many answers of the model are remembered."""

_ALIKE = 1e-6
"""Where cosines differ by less, all passages are as near as each other."""


class Meaning:
    """The vectors of a sequence of passages, and the model that they came from."""

    def __init__(self, embedder: Embedder, vectors: Sequence[Vector]) -> None:
        self._matrix = unpacked(vectors)
        self._embed = lru_cache(_QUERIES)(lambda query: embedder.embed([query])[0])

    def nearness(self, query: str) -> NDArray[np.float64]:
        """For each passage 1 if it is the nearest, 0 if it is no nearer than passages are on average."""
        vector = np.frombuffer(self._embed(query), dtype="<f4")
        if vector.shape != self._matrix.shape[1:]:
            raise changed_model({len(vector), self._matrix.shape[1]})
        # Not `@`: what BLAS makes of equal rows may depend on their places.
        cosines = np.einsum("pn,n->p", self._matrix, vector).astype(np.float64)
        usual = cosines.mean()
        if cosines.max() - usual < _ALIKE:
            return np.ones(len(cosines))
        nearness: NDArray[np.float64] = np.maximum(0, (cosines - usual) / (cosines.max() - usual))
        return nearness
