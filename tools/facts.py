"""The citation check: whether passages support a statement, without any model.

It settles wrong sources, wrong numbers, wrong quotations and plain negations. Whether a passage that speaks
of all the same things also says the same is beyond it: such a statement is at best `supported` by its
words.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from state.evidence import Passage, Verdict
from tools.dates import MONTHS
from tools.numbers import missing_numbers
from tools.polarity import clauses, opposing
from tools.quantities import find_quantities, same_subject
from tools.sentences import split_sentences
from tools.stems import stem_words

__all__ = ["Check", "check_statement", "find_quantities", "same_subject", "split_sentences"]

MIN_COVER = 0.30
"""Weighted share of a statement's words below which its passages are about something else."""
FULL_COVER = 0.60
"""Share from which all of the statement counts as said."""
_WINDOW = 3
_WINDOWS = 3
"""Windows, each from another passage, that may carry a statement together."""
_NAME_WEIGHT = 2.0
_QUOTATION = 4
"""Words from which quotation marks claim that somebody said so; fewer may be a title or a term."""
_STOP = frozenset(
    "a about after all also am an and any are as at be been being but by can could did do does during each for "
    "from had has have he her his how i if in into is it its may might more most must no not of on only or our "
    "over same she should so some such than that the their them then there these they this those through to "
    "under until up was we were what when where which while who will with within without would you your never "
    "none cannot nor neither".split()
)
_WORD = re.compile(r"[^\W_]+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_NAME = re.compile(r"\b[A-Z][\w’'-]*(?:\.\d+)*")
_QUOTED = re.compile(r"“([^”]+)”|\"([^\"\n]+)\"|«([^»]+)»|„([^“”]+)[“”]")
_ELLIPSIS = re.compile(r"\[[^\]]*\]|…|\.\.\.")


@dataclass(frozen=True)
class Check:
    """What the check found out about one statement."""

    verdict: Verdict
    reason: str
    """Why, in words; for `supported` too."""
    cover: float
    """Share of the statement's words, names and numbers counted double, that stand close together in its
    passages.
    """
    missing_numbers: tuple[str, ...] = ()
    """Numbers and dates that no passage states, as the statement writes them."""
    missing_quotes: tuple[str, ...] = ()
    missing_names: tuple[str, ...] = ()
    opposed_by: str = ""
    """The clause of a passage that says the opposite."""


def check_statement(text: str, passages: Sequence[Passage]) -> Check:
    """Whether `passages` support the statement `text`.

    - unsupported: no passage, a quotation (four words or more), a number or a date that stand in none, or too few
      words in common;
    - contradicted: a clause about the same says the opposite;
    - supported: all numbers, quotations and names are there, and most words stand within three sentences;
    - partly: everything between.
    """
    whole = "\n".join(f"{' '.join(passage.locator.heading)}\n{passage.text}" for passage in passages)
    weights = _weights(text)
    cover = _cover(weights, passages)
    numbers, quotes, names = missing_numbers(text, whole), _missing_quotes(text, whole), _missing_names(text, whole)
    opposed = opposing(text, _clauses(passages), weights.keys()) if cover >= MIN_COVER else ""
    is_misquoted = any(len(quote.split()) >= _QUOTATION for quote in quotes)
    misquoted = f"The quoted words do not stand there: {', '.join(f'“{quote}”' for quote in quotes)}."
    covered = f"{cover:.0%} of its words stand close together in a passage."
    rules: tuple[tuple[object, Verdict, str], ...] = (
        (not passages, "unsupported", "It cites no passage."),
        (not weights, "unsupported", "It has no words that can be checked."),
        (is_misquoted, "unsupported", misquoted),
        (numbers, "unsupported", f"No passage states: {', '.join(numbers)}."),
        (cover < MIN_COVER, "unsupported", f"Only {covered}"),
        (opposed, "contradicted", f"A passage says the opposite: “{opposed[:200]}”"),
        (quotes, "partly", misquoted),
        (names, "partly", f"No passage names: {', '.join(names)}."),
        (cover < FULL_COVER, "partly", covered),
        (True, "supported", f"All names and numbers stand there, and {covered}"),
    )
    verdict, reason = next((verdict, reason) for applies, verdict, reason in rules if applies)
    return Check(verdict, reason, cover, numbers, quotes, names, opposed)


# --- words ----------------------------------------------------------------------------------------------------


def _stems(text: str) -> list[tuple[str, str]]:
    """The words that carry meaning, each with its stem."""
    words = [word for word in _WORD.findall(_THOUSANDS.sub("", _plain(text))) if word not in _STOP]
    return list(zip(words, stem_words(words), strict=True))


def _plain(text: str) -> str:
    """Small letters without accents."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _terms(text: str) -> set[str]:
    return {stem for _, stem in _stems(text)}


def _weights(text: str) -> dict[str, float]:
    """The statement's stems, each with its weight: names and numbers say more than other words."""
    names = {_plain(part) for name in _names(text) for part in re.findall(r"\w+", name)}
    return {stem: _NAME_WEIGHT if word in names or word[0].isdigit() else 1.0 for word, stem in _stems(text)}


def _cover(weights: Mapping[str, float], passages: Sequence[Passage]) -> float:
    """Share of the statement's weight in the best three sentences in a row, of up to three passages
    together.
    """
    best = sorted((_best_window(weights, passage) for passage in passages), key=lambda held: -_weigh(weights, held))
    together = set().union(*best[:_WINDOWS])
    return _weigh(weights, together) / (sum(weights.values()) or 1.0)


def _best_window(weights: Mapping[str, float], passage: Passage) -> set[str]:
    sentences = [_terms(sentence) for sentence in split_sentences(passage.text)]
    headings = _terms(" ".join(passage.locator.heading))
    windows = [headings.union(*sentences[first : first + _WINDOW]) for first in range(len(sentences))]
    return max(windows, key=lambda held: _weigh(weights, held), default=headings)


def _weigh(weights: Mapping[str, float], held: set[str]) -> float:
    return sum(weight for stem, weight in weights.items() if stem in held)


def _clauses(passages: Sequence[Passage]) -> list[tuple[str, set[str]]]:
    return [
        (clause, _terms(clause))
        for passage in passages
        for sentence in split_sentences(passage.text)
        for clause in clauses(sentence)
    ]


# --- quotations and names -------------------------------------------------------------------------------------


def _missing_quotes(text: str, whole: str) -> tuple[str, ...]:
    standing = f" {_bare(whole)} "
    quotes = ["".join(groups).strip() for groups in _QUOTED.findall(text)]
    return tuple(quote for quote in quotes if not all(f" {part} " in standing for part in _fragments(quote)))


def _fragments(quote: str) -> list[str]:
    """The runs of words of a quotation, which may leave something out (`…`) or put something in (`[…]`)."""
    return [run for run in map(_bare, _ELLIPSIS.split(quote)) if run]


def _bare(text: str) -> str:
    """Words only, so that punctuation, quotation marks and hyphens make no difference."""
    return " ".join(re.findall(r"\w+", _plain(text)))


def _names(text: str) -> list[str]:
    """Capitalised words, but none that only stands at the beginning of a sentence, and no months."""
    starts = {sentence.lstrip("\"“«„'(")[:40].split(" ")[0].strip(",:;") for sentence in split_sentences(text)}
    return [
        name
        for name in (found.rstrip("'’-") for found in _NAME.findall(text))
        if name not in starts and name.lower() not in MONTHS and name.lower() not in _STOP
    ]


def _missing_names(text: str, whole: str) -> tuple[str, ...]:
    standing = _terms(whole)
    return tuple(dict.fromkeys(name for name in _names(text) if not _terms(re.sub(r"['’]s$", "", name)) <= standing))
