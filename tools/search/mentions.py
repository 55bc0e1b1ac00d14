"""What a text mentions: titles as they are written, and proper names of two words, such as `Bell Rock`."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from tools.search.words import is_common

Key = tuple[str, ...]
"""A name as its words in small letters."""

_WORD = re.compile(r"\w+")
_IN_BRACKETS = re.compile(r"\s*\([^()]*\)\s*$")
_END = ""
"""Key of the name that ends at a node; no word is empty."""


def title_key(title: str) -> Key:
    """The words of a title, without what stands in brackets at its end to tell it from others."""
    return tuple(_WORD.findall(_IN_BRACKETS.sub("", title).lower()))


def split(text: str) -> list[str]:
    """The words of a text as they are written."""
    return _WORD.findall(text)


def proper_names(words: Sequence[str]) -> set[Key]:
    """Neighbouring words that both begin with a capital, without function words: `He` after a full stop is
    no part of a name.
    """
    capitals = [at for at, word in enumerate(words) if word[0].isupper()]
    pairs = {
        (words[first].lower(), words[second].lower()) for first, second in pairwise(capitals) if second == first + 1
    }
    return {pair for pair in pairs if not (is_common(pair[0]) or is_common(pair[1]))}


class TitleFinder:
    """Finds titles in texts, the longest where one holds another."""

    def __init__(self, titles: Iterable[str]) -> None:
        """Titles that consist of function words only are not looked for."""
        self._root: dict[str, Any] = {}
        self._starts: set[str] = set()
        for title in titles:
            key = title_key(title)
            if not all(map(is_common, key)):
                self._plant(key, _WORD.findall(title)[0])

    def in_query(self, query: str) -> set[Key]:
        """The titles that stand in the query, in capitals or not."""
        words = split(query.lower())
        return self._found(words, [at for at, word in enumerate(words) if word in self._root])

    def in_text(self, words: Sequence[str]) -> set[Key]:
        """The titles among these words, each beginning as the title does, or with a capital: prose is full of
        titles like `Home` in small letters.
        """
        return self._found(words, [at for at, word in enumerate(words) if word in self._starts])

    def _plant(self, key: Key, first: str) -> None:
        self._starts |= {first, first[0].upper() + first[1:]}
        node = self._root
        for word in key:
            node = node.setdefault(word, {})
        node[_END] = key

    def _found(self, words: Sequence[str], starts: Sequence[int]) -> set[Key]:
        found: set[Key] = set()
        end = 0
        for at in starts:
            if at >= end and (key := self._longest(words, at)):
                found.add(key)
                end = at + len(key)
        return found

    def _longest(self, words: Sequence[str], start: int) -> Key | None:
        """The longest title that begins there."""
        node, longest = self._root, None
        for at in range(start, len(words)):
            further = node.get(words[at].lower())
            if further is None:
                break
            node = further
            longest = node.get(_END, longest)
        return longest
