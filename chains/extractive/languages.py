"""In which language a question is asked, by its function words, and the words of that language as search terms. Rules
of grammar are there for English only; of German, French and Spanish the stop words and the stems are known.
"""

import re
from functools import cache

from bm25s import stopwords

from chains.extractive.terms import STOP, words
from tools.stems import stem_words

ENGLISH, UNKNOWN = "English", ""
_ASKING = {
    "German": "wer wen wem wessen was wann wo woher wohin warum wieso weshalb wie viel viele welche welcher welches "
    "welchen wurde wurden wird werden gibt",
    "French": "qui que quoi quel quelle quels quelles quand où pourquoi comment combien est-ce est sont était "
    "ont été fut",
    "Spanish": "quién quiénes qué cuál cuáles cuándo dónde cómo cuánto cuánta cuántos cuántas por fue es son",
}
_STOP = {
    "German": frozenset(stopwords.STOPWORDS_GERMAN),
    "French": frozenset(stopwords.STOPWORDS_FRENCH) | frozenset("le la les un une".split()),
    "Spanish": frozenset(stopwords.STOPWORDS_SPANISH),
}
_OTHERS = {
    name: frozenset(getattr(stopwords, f"STOPWORDS_{name.upper()}"))
    for name in ("Dutch", "Italian", "Portuguese", "Swedish", "Danish", "Norwegian", "Turkish")
}
"""Languages that are told from those that are known, and nothing more."""
_OPENS_ENGLISH = frozenset(
    "who whom whose what which when where why how is are does do did can could will would should has have tell give "
    "list name describe explain compare find the".split()
)
_ELIDED = re.compile(r"\b(?:[ldjmtsnc]|qu|jusqu|lorsqu|puisqu)['’](?=\w)", re.IGNORECASE)
_LEAST = 2
"""Function words from which on a question is taken for one in that language."""
_DERIVED = 4
"""Letters that two forms of a word have in common, and by which one may be longer."""


def language_of(question: str) -> str:
    """The language of the question: one that is known, or an empty text. English where nothing tells."""
    found = _words(question)
    letters = [letter for letter in question if letter.isalpha()]
    if sum(letter > "\u024f" for letter in letters) > len(letters) / 2:
        return UNKNOWN
    if not found or found[0] in _OPENS_ENGLISH:
        return ENGLISH
    counts = {ENGLISH: sum(word in STOP for word in found)}
    known = {name: stop | frozenset(_ASKING[name].split()) for name, stop in _STOP.items()}
    counts |= {name: sum(word in stop for word in found) for name, stop in (known | _OTHERS).items()}
    best = max(counts, key=counts.__getitem__)
    if counts[best] < _LEAST or counts[best] == counts[ENGLISH]:
        return ENGLISH
    return next((name for name in known if counts[name] == counts[best]), UNKNOWN)


def limits(question: str) -> str:
    """What a reader must know who asked in another language than English; else empty."""
    language = language_of(question)
    if language == ENGLISH:
        return ""
    if language == UNKNOWN:
        return (
            "The question is in a language that is not known without a language model: known are English, and in part "
            "German, French and Spanish."
        )
    return (
        f"The question is in {language}, of which only stop words and stems are known without a language model: it is "
        "answered only by sentences that have its own words."
    )


def terms_in(text: str, language: str) -> list[str]:
    """The stems of the words that carry meaning, in order."""
    stop = _STOP[language] | frozenset(_ASKING[language].split())
    return [_stem(word, language) for word in _words(text) if word not in stop and (len(word) > 1 or word.isdigit())]


def says(term: str, held: frozenset[str]) -> bool:
    """Whether a text, given as its stems, has the stem or one derived from it: `longueur` and `long`."""
    return term in held or any(_derived(term, each) for each in held)


def _derived(one: str, other: str) -> bool:
    short, long = sorted((_bare(one), _bare(other)), key=len)
    return len(short) >= _DERIVED and long.startswith(short) and len(long) - len(short) <= _DERIVED


def _bare(stem: str) -> str:
    """Without the syllable that makes a German participle: `gekostet`, `kostete`."""
    return stem[2:] if stem.startswith("ge") and len(stem) >= _DERIVED + 2 else stem


def _words(text: str) -> list[str]:
    return words(_ELIDED.sub("", text))


@cache
def _stem(word: str, language: str) -> str:
    return stem_words([word], language.lower())[0]
