"""What a question asks for, as weighted terms: the words of the question, names before other words, rare ones first."""

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from chains.extractive.attributed import attributed
from chains.extractive.terms import terms

_NAME = re.compile(r"\b[A-Z][\w'’.-]*|\b[a-z0-9]+_\w+")
"""A capitalised word, or the name of a thing in a program: `work_mem`."""
_ROW = re.compile(r"[^:;]+: [^;]+(?:; [^:;]+: [^;]+)+")
"""A row of a table, as the readers write it: `header: value; header: value`."""
_TOLD = re.compile(r"For [^:;.]{1,80}: (?:[^,:;]+ is [^:;]+)\.")
_LONGEST_VALUE = 8
"""Words of a value that can stand in a sentence made of a row."""
_LIST = re.compile(r"[^:;.]{1,60}: [^,;.]+(?:, [^,;.]+)+\.")
_ASKS_EACH = re.compile(r"\b(?:each|every|compared?|comparison|differ|respectively)\b", re.IGNORECASE)
_ASKS_WHICH = re.compile(r"\b(?:which|what are|what kinds?|list|name|enumerate|kinds of|types of)\b", re.IGNORECASE)
_MOST_NAMES = 12
"""Names that one sentence lists."""
_NAME_WEIGHT = 1.5
"""What a term of a name counts against another of the same frequency."""


ROW_BONUS = 0.5
"""What a row of a table adds to its share of a question that asks about each of several things."""
_PAIR_WEIGHT = 0.5
"""What two terms of a name in a row count besides: a text that has only one of them speaks of a namesake."""


@dataclass(frozen=True)
class Asked:
    """The terms of one question, each with its weight among the texts that were found for it."""

    weights: Mapping[str, float]
    names: frozenset[str]
    """The terms that belong to names: capitalised words, but for the first."""
    missing: frozenset[str]
    """The terms that no text holds. They tell nothing about which text is better, only about all of them."""
    sources: tuple[tuple[str, ...], ...] = ()
    """The publications that it names as where something is said, each as its terms."""

    def share(self, held: Collection[str]) -> float:
        """Weighted share of the question's terms, of those that any text holds, that are among `held`; 0 to 1."""
        known = [term for term in self.weights if term not in self.missing]
        total = math.fsum(self.weights[term] for term in known)
        return math.fsum(self.weights[term] for term in known if term in held) / total if total else 0.0

    def spoken(self, held: Collection[str]) -> float:
        """Weighted share of all the question's terms that are among `held`, also of those that no text holds."""
        return _share(self.weights, self.weights, held)

    def named(self, held: Collection[str]) -> float:
        """The same of the names that it is about, not those of its sources; of all its terms where it names none."""
        sources = {term for source in self.sources for term in source}
        about = [term for term in self.weights if self._is_named(term) and not sources.intersection(term.split())]
        return _share(self.weights, about or self.weights, held)

    def _is_named(self, term: str) -> bool:
        return term in self.names or " " in term


def _share(weights: Mapping[str, float], counted: Collection[str], held: Collection[str]) -> float:
    total = math.fsum(weights[term] for term in counted)
    return math.fsum(weights[term] for term in counted if term in held) / total if total else 0.0


def is_row(text: str) -> bool:
    """Whether the text is a row of a table, as it stands or told."""
    return _ROW.fullmatch(text) is not None or is_told(text)


def is_told(text: str) -> bool:
    """Whether the text is a row of a table that `told` made a sentence of."""
    return _TOLD.fullmatch(text) is not None


def told(row: str) -> str:
    """A row of a table as a sentence with its headers: `For Level High: Cost is 4 and Speed is 2.` As it stands where
    its values are longer than that can be read.
    """
    cells = [cell.partition(": ") for cell in row.strip().split("; ")]
    pairs = [(header.strip(), value.strip()) for header, _, value in cells if value.strip()]
    if not _ROW.fullmatch(row) or len(pairs) < 2 or any(len(value.split()) > _LONGEST_VALUE for _, value in pairs):
        return row
    (header, name), *rest = pairs
    said = [f"{each} is {value}" for each, value in rest]
    listed = " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)
    return f"For {header} {name}: {listed}."


def enumerations(question: str, text: str) -> list[str]:
    """Where a question asks which things there are, and a table in the text has a column of that name in front: the
    names in it, as one sentence (`Isolation Level: Read committed, Serializable.`).
    """
    if not _ASKS_WHICH.search(question):
        return []
    columns: dict[str, list[str]] = {}
    for line in text.split("\n"):
        if is_row(line.strip()):
            header, _, name = line.strip().partition(";")[0].partition(": ")
            columns.setdefault(header, []).append(name.strip())
    wanted = set(terms(question))
    named = {header: names for header, names in columns.items() if terms(header) and wanted >= set(terms(header))}
    return [f"{header}: {', '.join(names)}." for header, names in named.items() if 2 <= len(names) <= _MOST_NAMES]


def is_list(text: str) -> bool:
    """Whether the text is a sentence of `enumerations`."""
    return _LIST.fullmatch(text) is not None


def answers_each(question: str, text: str) -> bool:
    """Whether the question asks about each of several things, and the text is a row of a table, which tells of one."""
    return _ASKS_EACH.search(question) is not None and is_row(text)


def named(question: str) -> frozenset[str]:
    """The terms of the names in a question."""
    later = " ".join(question.split()[1:])
    return frozenset(term for name in _NAME.findall(later) for term in terms(name)) & set(terms(question))


def held(text: str) -> frozenset[str]:
    """The terms of a text, and each two that follow each other: what a question's terms are looked for in."""
    found = terms(text)
    return frozenset((*found, *map(" ".join, pairwise(found))))


def asked(question: str, texts: Sequence[Collection[str]]) -> Asked:
    """The terms of `question` weighted by their inverse document frequency (Spärck Jones 1972) over `texts`, each
    given as its terms.
    """
    words = terms(question)
    names = named(question)
    pairs = [f"{one} {other}" for one, other in pairwise(words) if one in names and other in names]
    wanted = list(dict.fromkeys([*words, *pairs]))
    counts = Counter(term for text in texts for term in wanted if term in text)
    factor = dict.fromkeys(words, 1.0) | dict.fromkeys(names, _NAME_WEIGHT) | dict.fromkeys(pairs, _PAIR_WEIGHT)
    weights = {term: factor[term] * math.log(1 + len(texts) / (0.5 + counts[term])) for term in wanted}
    missing = frozenset(term for term in wanted if not counts[term])
    return Asked(weights, names, missing, tuple(attributed(question)))
