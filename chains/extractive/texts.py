"""Any value as sentences, and the sentences that say most of it: what the keyless model sums up and drafts from."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from chains.extractive.terms import terms
from tools.sentences import split_sentences

_FOCUS = 2.0
"""What a word of the focus counts against another of the same frequency."""


def sentences_in(value: Any, name: str = "") -> list[str]:
    """The sentences of a text, and a sentence for each other value: `Order total: 120.`"""
    if isinstance(value, dict):
        return [line for key, each in value.items() for line in sentences_in(each, _label(str(key)))]
    if isinstance(value, list | tuple):
        plain = all(not isinstance(each, dict | list | tuple) for each in value)
        told = any(isinstance(each, str) and each.rstrip().endswith((".", "!", "?")) for each in value)
        if name and plain and value and not told:
            return [f"{name}: {', '.join(map(_plain, value))}."]
        return [line for each in value for line in sentences_in(each, name)]
    if value is None or value == "":
        return []
    text = _plain(value)
    found = [" ".join(line.split()) for line in split_sentences(text)]
    if isinstance(value, str) and (len(found) > 1 or not name or text.rstrip().endswith((".", "!", "?"))):
        return found
    return [f"{name}: {text}." if name else text]


def text_in(value: Any) -> str:
    """The sentences of a value, a line each."""
    return value if isinstance(value, str) else "\n".join(sentences_in(value))


def telling(sentences: Sequence[str], words: int, focus: str = "") -> list[str]:
    """The sentences that say most of a text in at most about `words` words, in the order of the text.

    SumBasic (Nenkova and Vanderwende 2005): the sentence whose words are most probable is taken, then the probability
    of its words is squared, so that the next says something else. Words of the focus count more.
    """
    held = [terms(sentence) for sentence in sentences]
    counts = Counter(term for each in held for term in each)
    total = sum(counts.values()) or 1
    wanted = set(terms(focus))
    weights = {term: count / total * (_FOCUS if term in wanted else 1.0) for term, count in counts.items()}
    left = [place for place, each in enumerate(held) if each]
    taken: list[int] = []
    room = words
    while left:
        best = max(left, key=lambda place: (_worth(held[place], weights), -place))
        left.remove(best)
        length = len(sentences[best].split())
        if taken and length > room:
            continue
        taken.append(best)
        room -= length
        for term in set(held[best]):
            weights[term] **= 2
    return [sentences[place] for place in sorted(taken)]


def _worth(held: Sequence[str], weights: dict[str, float]) -> float:
    return math.fsum(weights[term] for term in held) / len(held)


def _label(key: str) -> str:
    words = key.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
