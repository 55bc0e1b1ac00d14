"""Which words and numbers of a passage a sentence that cites it rests on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from state.evidence import Passage
from tools.facts import supporting_spans
from tools.numbers import restated, stating
from tools.wording import terms, word_spans

_BREAK = re.compile(r"[.;:!?\n|]")
"""What ends a row of words."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a passage, and which of its citations rest on it: their numbers, from 1."""

    text: str
    uses: tuple[int, ...] = ()


def pieces(passage: Passage, said: Sequence[str]) -> tuple[Piece, ...]:
    """The passage cut where a mark begins or ends; `said` is what each citation is for, in the order of the uses."""
    marks = {text: _marks(passage, text) for text in dict.fromkeys(said)}
    cuts = sorted({0, len(passage.text), *(edge for spans in marks.values() for span in spans for edge in span)})
    return tuple(
        Piece(passage.text[start:end], tuple(use for use, text in enumerate(said, 1) if _holds(marks[text], start)))
        for start, end in pairwise(cuts)
    )


def _holds(spans: Sequence[tuple[int, int]], place: int) -> bool:
    return any(start <= place < end for start, end in spans)


def _marks(passage: Passage, said: str) -> list[tuple[int, int]]:
    """Where words and numbers of `said` stand, within what the check weighs; words in a row are one mark."""
    text = passage.text
    said = restated(said, text)
    weighed = supporting_spans(said, passage)
    wanted, numbers = terms(said), dict(stating(said, text))
    marks: list[tuple[int, int]] = []
    in_row = False
    for start, end, stem in word_spans(text):
        if not stem or not _holds(weighed, start):
            continue
        stands = start in numbers if stem[0].isdigit() else stem in wanted
        if stands:
            begin = marks.pop()[0] if in_row and not _BREAK.search(text, marks[-1][1], start) else start
            marks.append((begin, max(end, numbers.get(start, 0))))
        in_row = stands
    return marks
