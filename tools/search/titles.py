"""How much of a passage's title, or of a heading it stands under, a query names."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tools.search.words import WordIndex, tokens


class Titles:
    """The titles and headings of a sequence of passages."""

    def __init__(self, carried: Sequence[Sequence[str]], words: WordIndex) -> None:
        """`carried` holds title and headings of each passage, at least one."""
        places = {title: place for place, title in enumerate(dict.fromkeys(title for own in carried for title in own))}
        stems = [set(found) for found in tokens(list(places))]
        holding = defaultdict(list)
        for place, found in enumerate(stems):
            for word in found:
                holding[word].append(place)
        weights = {word: words.weight(word) for word in sorted(holding)}
        self._holding = {word: np.array(found) for word, found in holding.items()}
        self._weights = np.array([sum(weights[word] for word in sorted(found)) for found in stems])
        self._titles = np.array([places[title] for own in carried for title in own], dtype=np.intp)
        self._starts = np.cumsum([0, *map(len, carried)])[:-1]

    def scores(self, weights: Mapping[str, float]) -> NDArray[np.float64]:
        """For each passage the weight of the query's words in its best title, times the share of the title
        that they make up; `weights` are those of the query's words.
        """
        named = np.zeros(len(self._weights))
        for word, weight in weights.items():
            if word in self._holding:
                named[self._holding[word]] += weight
        scores = named * named / np.maximum(self._weights, 1e-9)
        best: NDArray[np.float64] = np.maximum.reduceat(scores[self._titles], self._starts)
        return best
