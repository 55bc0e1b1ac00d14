"""The words of a text as the citation check compares them: small letters, stems, without those that say little."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache

from tools.dates import MONTHS
from tools.sentences import split_sentences
from tools.stems import stem_words

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


@dataclass(frozen=True)
class Worded:
    """A sentence and the words of it that carry meaning, in order, each with its stem."""

    text: str
    words: tuple[str, ...]
    stems: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Worded":
        words = tuple(word for word in _WORD.findall(_THOUSANDS.sub("", plain(text))) if word not in _STOP)
        return cls(text, words, tuple(stem_words(words)))

    @cached_property
    def terms(self) -> frozenset[str]:
        """The stems, each once."""
        return frozenset(self.stems)

    @cached_property
    def capitalised(self) -> frozenset[str]:
        """The words that are written like names, in small letters; the first one only before another name."""
        found = re.findall(r"(?<=[\w,;:)\"“'’-] )[A-Z]\w*|^\W*[A-Z]\w*(?= [A-Z])", self.text)
        return frozenset(plain(word.strip("\"“‘'(")) for word in found)


@lru_cache(maxsize=1024)
def sentences_of(text: str) -> tuple[Worded, ...]:
    """The sentences of a text; the same passage is asked for many times."""
    return tuple(map(Worded.of, split_sentences(text)))


def word_spans(text: str) -> list[tuple[int, int, str]]:
    """Start, end and stem of each word of a text; of one that says little the stem is empty."""
    found = [(match.span(), plain(match.group())) for match in _WORD.finditer(text)]
    stems = stem_words([word for _, word in found])
    return [(*span, "" if word in _STOP else stem) for (span, word), stem in zip(found, stems, strict=True)]


def terms(text: str) -> frozenset[str]:
    """The stems of the words that carry meaning."""
    return Worded.of(text).terms


def plain(text: str) -> str:
    """Small letters without accents."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def bare(text: str) -> str:
    """Words only, so that punctuation, quotation marks and hyphens make no difference."""
    return " ".join(re.findall(r"\w+", plain(text)))


def names(text: str) -> list[str]:
    """Capitalised words, but none that only stands at the beginning of a sentence, and no months."""
    starts = {sentence.lstrip("\"“«„'(")[:40].split(" ")[0].strip(",:;") for sentence in split_sentences(text)}
    return [
        name
        for name in (found.rstrip("'’-") for found in _NAME.findall(text))
        if name not in starts and name.lower() not in MONTHS and name.lower() not in _STOP
    ]
