"""Lists of terms with what each means, as the readers write them (`term: What it is. Its default is 4.`): the sentences
after the first say nothing of the term that they are about, and quoted alone would seem to be about another.
"""

import re
from dataclasses import dataclass

from chains.extractive.terms import terms
from tools.sentences import sentence_spans

_ENTRY = re.compile(r"(?P<term>[^\s:;.!?“”\"(][^:;!?“”\"\n]{0,60}?)(?:\s*\([^()\n]{1,30}\))?:[ \t]+(?=[A-Z])")
_CELLS = re.compile(r"[^:;\n]{1,40}: (?P<term>[^:;\n]{1,60}); [^:;\n]{1,40}: ")
"""A row of a table, which is about what stands in its first cell."""
_BOXES = frozenset("note tip important warning caution example examples hint remark see summary update".split())
"""What stands before a colon and is no term."""
_MOST = 3
"""Words of a term; more are a heading or a sentence that goes on after its colon."""
_LONGEST = 1500
"""Characters of a paragraph that describes one term; a longer one is a text whose paragraphs were run together."""


@dataclass(frozen=True)
class Told:
    """A sentence of a passage."""

    text: str
    entry: str = ""
    """The term whose description it goes on with, where it does not say it itself; else empty."""

    @property
    def whole(self) -> str:
        """The sentence as it can stand alone."""
        return f"{self.entry}: {self.text}" if self.entry else self.text


def told_sentences(text: str) -> list[Told]:
    """The sentences, in order, those of the paragraph that describes a term with it. Of a description in several
    paragraphs only the first is known to belong to it.
    """
    found = []
    for start, end in sentence_spans(text):
        line, ends = text.rfind("\n", 0, start) + 1, text.find("\n", start)
        sentence = " ".join(text[start:end].split())
        opening = _CELLS.match(text, line) or _ENTRY.match(text, line)
        is_short = (ends if ends >= 0 else len(text)) - line <= _LONGEST
        entry = opening["term"].strip() if opening and is_short and opening.end() <= start else ""
        found.append(Told(sentence, entry if _is_needed(entry, sentence) else ""))
    return found


def _is_needed(entry: str, sentence: str) -> bool:
    named = terms(entry)
    is_term = bool(named) and entry.lower() not in _BOXES and len(entry.split()) <= _MOST and ". " not in entry
    return is_term and not set(named) <= set(terms(sentence))
