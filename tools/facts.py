"""The citation check: whether passages support a statement, without any model.

It settles wrong sources, wrong numbers, wrong quotations and plain negations. Whether a passage that speaks
of all the same things also says the same is beyond it: such a statement is at best `supported` by its
words.
"""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

from state.evidence import Passage, Verdict
from tools.measures import same_subject
from tools.numbers import missing_numbers, restated
from tools.numerals import percent
from tools.polarity import clauses, opposing
from tools.quantities import find_quantities
from tools.replaced import Replacement, replacement
from tools.sentences import sentence_spans, split_sentences
from tools.wording import Worded, bare, names, plain, sentences_of, terms

__all__ = ["Check", "check_statement", "find_quantities", "same_subject", "split_sentences"]

MIN_COVER = 0.30
"""Weighted share of a statement's words below which its passages are about something else."""
FULL_COVER = 0.60
"""Share from which all of the statement counts as said."""
_WINDOW = 3
_WINDOWS = 3
"""Windows, each from another passage, that may carry a statement together."""
_NAME_WEIGHT = 2.0
_LONG = 10
"""Letters from which on a word has its full weight: the more often a word is used the shorter it is (Zipf 1935)."""
_MISSING = 0.8
"""What is left of the support where a number or a date, and again where a name, is missing."""
_QUOTATION = 4
"""Words from which quotation marks claim that somebody said so; fewer may be a title or a term."""
_QUOTED = re.compile(r"“([^”]+)”|\"([^\"\n]+)\"|«([^»]+)»|„([^“”]+)[“”]")
_ELLIPSIS = re.compile(r"\[[^\]]*\]|…|\.\.\.")


@dataclass(frozen=True)
class Check:
    """What the check found out about one statement."""

    verdict: Verdict
    reason: str
    """Why, in words; for `supported` too."""
    cover: float
    """Share of the statement's words, weighted, names and numbers double, that stand close together in its
    passages.
    """
    missing_numbers: tuple[str, ...] = ()
    """Numbers and dates that no passage states, as the statement writes them."""
    missing_quotes: tuple[str, ...] = ()
    missing_names: tuple[str, ...] = ()
    opposed_by: str = ""
    """The clause of a passage that says the opposite."""
    replaced: Replacement | None = None
    """The one place where it differs from the sentence of a passage that it was taken from."""

    @property
    def support(self) -> float:
        """How well its passages support it, 0 to 1: the cover, less where numbers or names are missing."""
        return self.cover * (_MISSING if self.missing_numbers else 1.0) * (_MISSING if self.missing_names else 1.0)


def check_statement(text: str, passages: Sequence[Passage]) -> Check:
    """Whether `passages` support the statement `text`.

    - unsupported: no passage, a quotation (four words or more), a number with its unit or a date that stand in none,
      another number, unit or name than its sentence of the passage has, or too few words in common;
    - contradicted: a clause about the same says the opposite;
    - supported: all numbers, quotations and names are there, and most words stand within three sentences;
    - partly: everything between.
    """
    sentences = [sentence for passage in passages for sentence in sentences_of(passage.text)]
    whole = "\n".join(f"{' '.join(passage.locator.heading)}\n{passage.text}" for passage in passages)
    quotes, text = _missing_quotes(text, whole), restated(text, whole)
    weights = _weights(text)
    cover = _cover(weights, passages)
    found = Check(
        verdict="unsupported",
        reason="It cites no passage." if not passages else "It has no words that can be checked.",
        cover=cover,
        missing_numbers=missing_numbers(text, whole),
        missing_quotes=quotes,
        missing_names=_missing_names(text, whole),
        opposed_by=opposing(text, _clauses(sentences), weights.keys()) if cover >= MIN_COVER else "",
        replaced=replacement(text, sentences),
    )
    if not passages or not weights:
        return found
    verdict, reason = _judged(found)
    return replace(found, verdict=verdict, reason=reason)


def supporting_spans(text: str, passage: Passage) -> list[tuple[int, int]]:
    """Start and end offset of the sentences of a passage that the check weighs for `text`: of the three in a row that
    say most of it, those that say something of it that the others do not.
    """
    weights = _weights(text)
    first, _ = _best_window(weights, passage)
    sentences = [sentence.terms for sentence in sentences_of(passage.text)]
    window = range(first, min(first + _WINDOW, len(sentences)))
    spans, held = sentence_spans(passage.text), frozenset[str]()
    found = []
    for at in sorted(window, key=lambda at: -_weigh(weights, sentences[at])):
        if (sentences[at] - held) & weights.keys():
            found.append(spans[at])
            held |= sentences[at]
    return sorted(found)


def _judged(found: Check) -> tuple[Verdict, str]:
    """The verdict that follows from what was found, by the first rule that applies, and why."""
    quotes, replaced = found.missing_quotes, found.replaced
    misquoted = f"The quoted words do not stand there: {', '.join(f'“{quote}”' for quote in quotes)}."
    covered = f"{percent(found.cover)} of its words stand close together in a passage."
    other = f"It says “{replaced.said}” where the passage says “{replaced.stands}”." if replaced else ""
    rules: tuple[tuple[object, Verdict, str], ...] = (
        (any(len(quote.split()) >= _QUOTATION for quote in quotes), "unsupported", misquoted),
        (found.missing_numbers, "unsupported", f"No passage states: {', '.join(found.missing_numbers)}."),
        (replaced and replaced.is_fact, "unsupported", other),
        (found.cover < MIN_COVER, "unsupported", f"Only {covered}"),
        (found.opposed_by, "contradicted", f"A passage says the opposite: “{found.opposed_by[:200]}”"),
        (quotes, "partly", misquoted),
        (found.missing_names, "partly", f"No passage names: {', '.join(found.missing_names)}."),
        (replaced, "partly", other),
        (found.cover < FULL_COVER, "partly", covered),
        (True, "supported", f"All names and numbers stand there, and {covered}"),
    )
    return next((verdict, reason) for applies, verdict, reason in rules if applies)


# --- words ----------------------------------------------------------------------------------------------------


def _weights(text: str) -> dict[str, float]:
    """The statement's stems, each with its weight: names and numbers say more than other words, long ones more
    than short ones.
    """
    named = {plain(part) for name in names(text) for part in re.findall(r"\w+", name)}
    said = Worded.of(text)
    pairs = zip(said.words, said.stems, strict=True)
    return {
        stem: (_NAME_WEIGHT if word in named or word[0].isdigit() else 1.0)
        * (0.75 + min(len(word), _LONG) / (2 * _LONG))
        for word, stem in pairs
    }


def _cover(weights: Mapping[str, float], passages: Sequence[Passage]) -> float:
    """Share of the statement's weight in the best three sentences in a row, of up to three passages
    together.
    """
    held = (_best_window(weights, passage)[1] for passage in passages)
    best = sorted(held, key=lambda held: -_weigh(weights, held))
    together = frozenset[str]().union(*best[:_WINDOWS])
    return _weigh(weights, together) / (sum(weights.values()) or 1.0)


def _best_window(weights: Mapping[str, float], passage: Passage) -> tuple[int, frozenset[str]]:
    """Which three sentences in a row hold most of the weight, by the first of them, and their words."""
    sentences = [sentence.terms for sentence in sentences_of(passage.text)]
    headings = terms(" ".join(passage.locator.heading))
    windows = [(first, headings.union(*sentences[first : first + _WINDOW])) for first in range(len(sentences))]
    return max(windows, key=lambda window: _weigh(weights, window[1]), default=(0, headings))


def _weigh(weights: Mapping[str, float], held: Set[str]) -> float:
    return sum(weight for stem, weight in weights.items() if stem in held)


def _clauses(sentences: Sequence[Worded]) -> list[tuple[str, Set[str]]]:
    return [
        (clause, sentence.terms if clause == sentence.text else terms(clause))
        for sentence in sentences
        for clause in clauses(sentence.text)
    ]


# --- quotations and names -------------------------------------------------------------------------------------


def _missing_quotes(text: str, whole: str) -> tuple[str, ...]:
    standing = f" {bare(whole)} "
    quotes = ["".join(groups).strip() for groups in _QUOTED.findall(text)]
    return tuple(quote for quote in quotes if not all(f" {part} " in standing for part in _fragments(quote)))


def _fragments(quote: str) -> list[str]:
    """The runs of words of a quotation, which may leave something out (`…`) or put something in (`[…]`)."""
    return [run for run in map(bare, _ELLIPSIS.split(quote)) if run]


def _missing_names(text: str, whole: str) -> tuple[str, ...]:
    standing = terms(whole)
    return tuple(dict.fromkeys(name for name in names(text) if not terms(re.sub(r"['’]s$", "", name)) <= standing))
