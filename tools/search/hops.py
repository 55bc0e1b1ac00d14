"""Search in steps, without a model: the best passage for the query, then the best for what is still open, which may
be one that the passages chosen so far refer to.

A question often needs a passage that shares few words with it: its subject is named only in another passage. So each
choice weighs the words of the query (less, once a chosen passage holds them), a title that the query names, and links
from the passages chosen so far. A link counts only as far as its end also speaks to the query: without that gate,
neighbours of good passages drown the rest. Where there is an embedding model, nearness in meaning is one more part
of the same sum, before any step is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tools.search.links import Links, Places
from tools.search.meaning import Meaning
from tools.search.titles import Titles
from tools.search.words import WordIndex

TITLE = 0.5
"""Weight of the title's words against the same words in the text."""
NAMED = 0.25
"""Weight of a title that stands in the query as it is written."""
COVERED = 0.1
"""How much less a word counts once a chosen passage holds it."""
LINK = 0.8
"""What the strongest link is worth, against the score of the best passage."""
GATE = 0.05
"""A link counts in full when its end has this share of the best passage's score by itself."""
MEANING = 0.5
"""What the passage nearest in meaning gets for it, against the best score without."""
STEPS_FROM = 5
"""Links are followed from the first choices only."""
CANDIDATES = 100
"""Passages without a link are chosen among as many of the best as asked for, and these more."""

Scores = NDArray[np.float64]


@dataclass
class Choice:
    """The state of one search: what is chosen, and what each candidate is worth now."""

    words: Scores
    """Scores of words x passages."""
    own: Scores
    """What each passage has from its titles, and from being near in meaning."""
    best: float
    """The best score before anything was chosen."""
    covered: Scores
    linked: Scores
    taken: NDArray[np.bool_]
    candidates: Places
    own_words: Scores = field(init=False)
    """The columns of `words` that belong to the candidates."""

    def __post_init__(self) -> None:
        self.own_words = self.words[:, self.candidates]

    def next(self) -> tuple[int, float]:
        """The best candidate and its worth; the first in order among equals."""
        related = ((1 - COVERED * self.covered)[:, None] * self.own_words).sum(axis=0)
        gate = np.minimum(1, related / (GATE * self.best))
        worth = related + self.own[self.candidates] + self.linked[self.candidates] * gate
        worth[self.taken[self.candidates]] = 0
        at = int(np.argmax(worth))
        return int(self.candidates[at]), float(worth[at])

    def take(self, place: int, peaks: Scores) -> None:
        """Chooses a candidate: its words count less from now on."""
        self.taken[place] = True
        self.covered = np.maximum(self.covered, self.words[:, place] / peaks)

    def follow(self, place: int, ends: Places, strengths: Scores) -> None:
        """The ends of the links of a chosen passage become candidates."""
        score = self.words[:, place].sum() + self.own[place]
        trust = min(1.0, float(score) / self.best)
        self.linked[ends] = np.maximum(self.linked[ends], LINK * self.best * trust * strengths)
        self.candidates = np.union1d(self.candidates, ends)
        self.own_words = self.words[:, self.candidates]


class Hops:
    """Search in steps over passages known by their places."""

    def __init__(self, words: WordIndex, titles: Titles, links: Links, meaning: Meaning | None = None) -> None:
        self._words, self._titles, self._links, self._meaning = words, titles, links, meaning

    def search(self, query: str, limit: int) -> list[tuple[int, float]]:
        """Places and scores of the best `limit` passages, best first. By words alone, none that shares no word with
        the query.
        """
        words = self._words.known(query)
        if limit < 1 or not (words or self._meaning):
            return []
        choice = self._begin(query, words, limit)
        peaks = choice.words.max(axis=1)
        found: list[tuple[int, float]] = []
        for step in range(limit):
            place, worth = choice.next()
            if worth <= 0:
                break
            found.append((place, min(worth, found[-1][1]) if found else worth))
            choice.take(place, peaks)
            if step < STEPS_FROM:
                choice.follow(place, *self._links.around(place))
        return found

    def _begin(self, query: str, words: Sequence[str], limit: int) -> Choice:
        scores = self._words.scores(words)
        weights = {word: self._words.weight(word) for word in words}
        titles = self._titles.scores(weights)
        own = TITLE * titles
        named = self._links.named(query)
        own[named] += NAMED * titles[named]
        total = scores.sum(axis=0) + own
        if self._meaning is not None:
            own += MEANING * (total.max() or 1.0) * self._meaning.nearness(query)
            total = scores.sum(axis=0) + own
        return Choice(
            words=scores,
            own=own,
            best=float(total.max()),
            covered=np.zeros(len(words)),
            linked=np.zeros(len(total)),
            taken=np.zeros(len(total), dtype=bool),
            candidates=np.union1d(_best(total, limit + CANDIDATES), named),
        )


def _best(scores: Scores, count: int) -> Places:
    """The places of the `count` greatest scores, of equal ones the first."""
    if count >= len(scores):
        return np.arange(len(scores))
    least = np.partition(scores, -count)[-count]
    above = np.flatnonzero(scores > least)
    return np.concatenate([above, np.flatnonzero(scores == least)[: count - len(above)]])
