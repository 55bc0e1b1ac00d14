"""Who names whom: a passage whose text holds the title or a heading of another is one step away from it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.search.words import tokens

MOST_LINKED = 100
"""A name that more passages mention or carry is a subject of the whole collection and leads nowhere."""
BACKWARD = 0.5
"""What a step from the named to the naming passage is worth, against one from the naming to the named."""

Places = NDArray[np.intp]

_WORD = re.compile(r"\w+")
_IN_BRACKETS = re.compile(r"\s*\([^()]*\)\s*$")
_END = ""
"""Key of the name that ends at a node; no word is empty."""


class Links:
    """The steps between passages, each known by its place; none leads to a passage of the same source."""

    def __init__(self, carried: Sequence[Sequence[str]], texts: Sequence[str], sources: Sequence[str]) -> None:
        """`carried` holds title and headings of each passage."""
        self._names = _NameTree(title for own in carried for title in own)
        known = self._names.places
        self._sources = sources
        self._carried = [{known[key] for title in own if (key := _key(title)) in known} for own in carried]
        self._mentioned = [self._names.found(text, any_case=False) for text in texts]
        self._carriers = _turned(self._carried)
        self._mentioners = _turned(self._mentioned)

    def named(self, query: str) -> Places:
        """The passages whose title or heading stands in the query as it is written."""
        found = {place for name in self._names.found(query, any_case=True) for place in self._carriers[name]}
        return np.array(sorted(found), dtype=np.intp)

    def around(self, place: int) -> tuple[Places, NDArray[np.float64]]:
        """The neighbours of a passage, and how strong each link is: 1 if the name occurs nowhere else."""
        strengths: dict[int, float] = {}
        for names, ends, worth in (
            (self._mentioned[place], self._carriers, 1.0),
            (self._carried[place], self._mentioners, BACKWARD),
        ):
            for name in names:
                strength = worth * self._rarity(name)
                for end in ends.get(name, ()) if strength > 0 else ():
                    if self._sources[end] != self._sources[place]:
                        strengths[end] = max(strength, strengths.get(end, 0.0))
        ends_in_order = sorted(strengths)
        return np.array(ends_in_order, dtype=np.intp), np.array([strengths[end] for end in ends_in_order])

    def _rarity(self, name: int) -> float:
        """1 for a name that one passage carries and one mentions, less the more there are."""
        spread = max(len(self._carriers[name]), len(self._mentioners.get(name, ())), 1)
        return 0.0 if spread > MOST_LINKED else 1 - float(np.log(spread) / np.log(len(self._carried) + 1))


class _NameTree:
    """Finds names in texts, the longest where one holds another."""

    def __init__(self, titles: Iterable[str]) -> None:
        written = {key: title for title in titles if (key := _key(title))}
        telling = [key for key, stems in zip(written, tokens([" ".join(key) for key in written]), strict=True) if stems]
        self.places = {key: place for place, key in enumerate(telling)}
        self._root: dict[str, Any] = {}
        self._starts: set[str] = set()
        for key, place in self.places.items():
            first = _WORD.findall(written[key])[0]
            self._starts |= {first, first[0].upper() + first[1:]}
            node = self._root
            for word in key:
                node = node.setdefault(word, {})
            node[_END] = place

    def found(self, text: str, *, any_case: bool) -> set[int]:
        """The names that stand in the text; unless `any_case`, each must start as the title does, or with a
        capital.
        """
        words = _WORD.findall(text.lower() if any_case else text)
        starts = self._root if any_case else self._starts
        found: set[int] = set()
        end = 0
        for at in [place for place, word in enumerate(words) if word in starts]:
            if at >= end:
                name, length = self._longest(words, at)
                end = at + length
                if name is not None:
                    found.add(name)
        return found

    def _longest(self, words: Sequence[str], start: int) -> tuple[int | None, int]:
        """The longest name that starts there, and how many words to move on."""
        node, name, length = self._root, None, 1
        for at in range(start, len(words)):
            further = node.get(words[at].lower())
            if further is None:
                break
            node = further
            if _END in node:
                name, length = node[_END], at - start + 1
        return name, length


def _key(title: str) -> tuple[str, ...]:
    """The words of a title, without what stands in brackets at its end to tell it from others."""
    return tuple(_WORD.findall(_IN_BRACKETS.sub("", title).lower()))


def _turned(sets: Sequence[set[int]]) -> dict[int, list[int]]:
    """From each member to the places of the sets that hold it, in order."""
    turned = defaultdict(list)
    for place, members in enumerate(sets):
        for member in members:
            turned[member].append(place)
    return dict(turned)
