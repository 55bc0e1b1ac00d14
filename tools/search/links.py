"""Who is a step away from whom: passages that mention the title of another, and passages that share a rare name.

That is how a reader goes on from one document to the next. A step counts the more, the fewer passages it could lead to.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.search.mentions import Key, TitleFinder, proper_names, split, title_key

MENTION = 1.0
"""Worth of the step from a passage to one whose title or heading it mentions."""
MENTIONED = 0.5
"""Worth of the step back."""
SHARED = 0.2
"""Worth of the step to a passage that holds the same proper name."""
MOST_LINKED = 60
"""A name that more passages have is a subject of the whole collection, and leads nowhere."""

Places = NDArray[np.intp]


@dataclass(frozen=True)
class _Way:
    """One kind of step: by the names that a passage has to the passages that have them in another role."""

    names: Sequence[Collection[Key]]
    ends: Mapping[Key, Sequence[int]]
    back: Mapping[Key, Sequence[int]]
    """The passages that have the names in the first role."""
    worth: float


class Links:
    """The steps between passages, each known by its place; none leads to a passage of the same source."""

    def __init__(self, carried: Sequence[Sequence[str]], texts: Sequence[str], sources: Sequence[str]) -> None:
        """`carried` holds the title and the headings of each passage."""
        self._sources = sources
        self._titles = TitleFinder(dict.fromkeys(title for own in carried for title in own))
        own = [{title_key(title) for title in titles} for titles in carried]
        mentioned, shared = [], []
        for words in map(split, texts):
            mentioned.append(self._titles.in_text(words))
            shared.append(proper_names(words))
        self._carriers, mentioners = _holders(own), _holders(mentioned)
        holders = {name: places for name, places in _holders(shared).items() if len(places) > 1}
        self._ways = (
            _Way(mentioned, self._carriers, mentioners, MENTION),
            _Way(own, mentioners, self._carriers, MENTIONED),
            _Way([names & holders.keys() for names in shared], holders, holders, SHARED),
        )

    def named(self, query: str) -> Places:
        """The passages whose title or heading stands in the query as it is written."""
        found = {place for name in self._titles.in_query(query) for place in self._carriers[name]}
        return np.array(sorted(found), dtype=np.intp)

    def around(self, place: int) -> tuple[Places, NDArray[np.float64]]:
        """The neighbours of a passage, and how strong each link is, at most 1."""
        strengths: dict[int, float] = {}
        for way in self._ways:
            for name in way.names[place]:
                ends = way.ends.get(name, ())
                strength = way.worth * self._rarity(len(ends), len(way.back[name]))
                for end in ends if strength > 0 else ():
                    if self._sources[end] != self._sources[place]:
                        strengths[end] = max(strength, strengths.get(end, 0.0))
        places = sorted(strengths)
        return np.array(places, dtype=np.intp), np.array([strengths[end] for end in places])

    def _rarity(self, ends: int, back: int) -> float:
        """1 for a name that leads from one passage to one, less the more have it; 0 for too many. What it leads to
        shares the strength: the mention of a long document is no reference to each of its passages.
        """
        if ends == 0 or max(ends, back) > MOST_LINKED:
            return 0.0
        rarity = 1 - math.log(max(ends, back)) / math.log(len(self._sources) + 1)
        return rarity / math.sqrt(ends)


def _holders(names: Sequence[Collection[Key]]) -> dict[Key, list[int]]:
    """The places that have each name, in order."""
    holders: dict[Key, list[int]] = defaultdict(list)
    for place, own in enumerate(names):
        for name in own:
            holders[name].append(place)
    return dict(holders)
