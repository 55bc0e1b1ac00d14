"""An embedding model for tests: three numbers that count the words of three topics."""

from collections.abc import Sequence

import numpy as np

from state.ports import Vector
from tools.search.vectors import packed

TOPICS = (("ship", "boat", "vessel"), ("lamp", "light", "beacon"), ("bread", "loaf", "flour"))


class TopicEmbedder:
    """Knows what it was asked."""

    name = "topics"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Counts."""
        self.asked.extend(texts)
        counts = [[0.1 + sum(text.lower().count(word) for word in words) for words in TOPICS] for text in texts]
        return packed(np.array(counts))
