"""Picks the sentences of shown passages that answer a question: quotes only, nothing is rephrased.

Which passages are quoted is decided first (`relevance`). In each of them a sentence's score is the share of the
question's weighted terms that it holds, with half a share for those that only its title or heading holds, more where
it names another chosen passage (then it is what links the two), and more for the first sentence, which in most texts
says what the passage is about. What repeats an earlier choice is passed over (after Carbonell and Goldstein 1998,
maximal marginal relevance).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chains.extractive.answering import Wanted, wanted_by
from chains.extractive.asked import ROW_BONUS, Asked, answers_each, asked, enumerations, held, told
from chains.extractive.entries import Told, told_sentences
from chains.extractive.foreign import quotes_in
from chains.extractive.languages import ENGLISH, language_of
from chains.extractive.quotes import Quote
from chains.extractive.relevance import Chosen, choose
from chains.extractive.shapes import fit, is_choice
from chains.extractive.wording import NUMBER, alike, is_code, is_heading, leans, points_back, refers
from tools.evidence_text import ShownPassage

_MOST_SENTENCES = 4
"""Sentences of one passage that are quoted."""
_UNSURE = 0.15
"""Probability below which a passage is only quoted with half as many."""
_LONGEST = 60
"""Words of a sentence that can be quoted; a longer one is a list or a mistake in reading."""
_FULL_STOP = (".", ".)", ".”", '."')
_BULLET = re.compile(r"^(?:[*•·–-]\s+)+")
_FIELD = re.compile(r"[A-Z][\w ]{0,20}: \S.{0,60}")
"""A line that describes the document: `Published: 2023-10-07`."""
_DESCRIBES = re.compile(r"#|Table .+: [\d,]+ rows\b|Column .+: (?:numbers|dates|text|values)\b")
"""How a line begins that describes a table or comments on its columns; what a table says is computed from it."""
_REFERS = re.compile(
    r"(?:please )?(?:see|refer to|click|read more)\b"
    r"|for (?:[^.;]{1,100},|[^.;,]{0,40}\b(?:information|details?)\b[^.;,]{0,60}) (?:please |also )?"
    r"(?:see|refer to|consult)\b"
    r"|[^.,;:]+ (?:is|are) (?:described|detailed|discussed|explained|listed|shown) (?:further )?"
    r"(?:below|above|in (?:the (?:following|next)|(?:sub)?section|chapter|table|appendix))(?:[^.,;:]|\.(?=\S))*\.?$",
    re.IGNORECASE,
)
"""A sentence that only sends the reader elsewhere, or how one begins."""
_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|high|large|fast|long|far|big|old)\b|\brate\b|\bnumber\b|\bwhen\b|\bwhat year\b", re.IGNORECASE
)
_NUMBER_BONUS, _FIRST_BONUS, _LINK_BONUS, _LEANING, _REFERRING = 0.1, 0.15, 0.3, 0.4, 0.2
_ANSWER_BONUS = 0.8
"""What a sentence has before others that holds the relation that is asked for, with an answer of its type."""
_LISTED = 0.1
"""What a list of all that is asked for has before the best sentence of its passage."""
_ROW_LENGTH = 0.3
"""What a row of a table that is asked for counts against the sentences that are quoted."""


@dataclass(frozen=True)
class _Unit:
    """What is quoted whole or not at all."""

    text: str
    length: float
    """In sentences."""
    place: int
    """Its number in the passage, counted from 0."""
    score: float
    tells: bool = True
    """Whether it has a word of the question itself, or is raised for what it is; the headings' words do not count."""
    answers: bool = False
    """Whether it has what is asked for by a direct question, or of each of several things."""


def pick_quotes(query: str, passages: Sequence[ShownPassage], question: str = "") -> list[Quote]:
    """The sentences that answer the question, the best of each passage first; none where nothing is evidence, or where
    it only speaks of what the question is about.

    `passages` stand in the order of a search, of the question itself or of a `query` that names what it is about.
    """
    language = language_of(question or query)
    if language != ENGLISH:
        return quotes_in(language, question or query, passages)
    chosen = _complete(question or query, choose(query, passages))
    wanted = wanted_by(question or query, query, passages)
    if wanted:
        about = wanted.about([each.passage for each in chosen])
        if not wanted.is_answered(about):
            return []
        about = about if wanted.is_open else [each for each in about if wanted.is_said_in(each)]
        chosen = [each for each in chosen if each.passage in about]
    words = asked(query, [held(f"{each.title} {each.where} {each.text}") for each in passages])
    found = [(each, _units(query, words, each.passage, _others(each, chosen), wanted)) for each in chosen]
    is_answered = any(unit.answers for _, units in found for unit in units)
    picked: list[tuple[Chosen, _Unit]] = []
    for each, units in found:
        room = _MOST_SENTENCES if each.probability >= _UNSURE else _MOST_SENTENCES // 2
        telling = [unit for unit in units if unit.tells or not is_answered]
        picked += [(each, unit) for unit in _best(telling, room, [unit.text for _, unit in picked])]
    scores = [max(0.0, unit.score) for _, unit in picked]  # where all lean on others none is above 0
    most = max(scores, default=0.0) or 1.0
    quotes = [
        Quote(unit.text, each.passage.id, _confidence(each, score / most))
        for (each, unit), score in zip(picked, scores, strict=True)
    ]
    return sorted(quotes, key=lambda quote: -quote.confidence)


def _complete(question: str, chosen: Sequence[Chosen]) -> Sequence[Chosen]:
    """Where one says what there is of the kind that is asked for, those that say it, and no others: each member has
    a passage of its own, which tells what only it is.
    """
    having = [
        each for each in chosen if any(is_choice(question, one.whole) for one in told_sentences(each.passage.text))
    ]
    return (
        [each for each in chosen if each in having or enumerations(question, each.passage.text)] if having else chosen
    )


def _others(one: Chosen, chosen: Sequence[Chosen]) -> list[str]:
    """The titles of the other sources."""
    return [other.passage.title for other in chosen if other.passage.source != one.passage.source]


def _confidence(chosen: Chosen, share: float) -> float:
    return round((0.4 + 0.55 * max(chosen.probability, chosen.alone)) * (0.6 + 0.4 * share), 3)


def _units(
    question: str, words: Asked, passage: ShownPassage, others: Sequence[str], wanted: Wanted | None
) -> list[_Unit]:
    """The passage in parts that can stand alone, each with its score."""
    around = held(f"{passage.title} {passage.where}")
    units = []
    for place, group in enumerate(_groups(passage.text)):
        text = _BULLET.sub("", " ".join([group[0].whole, *(each.text for each in group[1:])]))
        own = held(text)
        usual = 0.5 * (words.share(own) + words.share(own | around))
        score = usual + _FIRST_BONUS * (place == 0) + _LINK_BONUS * any(title and title in text for title in others)
        score += _NUMBER_BONUS if _ASKS_NUMBER.search(question) and NUMBER.search(text) else 0.0
        is_met = wanted is not None and wanted.is_met_by(text, passage)
        in_table = answers_each(question, text)
        score += _ANSWER_BONUS * is_met + ROW_BONUS * in_table + fit(question, text)
        tells = words.share(own) > 0 or score > usual
        score -= _LEANING * leans(text) + _REFERRING * refers(text)
        shown, length = (told(text), _ROW_LENGTH) if in_table else (text, len(group))
        units.append(_Unit(shown, length, place, score, tells, is_met or in_table))
    most = max((unit.score for unit in units), default=0.0)
    return [*units, *(_Unit(text, _ROW_LENGTH, 0, most + _LISTED) for text in enumerations(question, passage.text))]


def _groups(text: str) -> list[list[Told]]:
    """The sentences, those that say `it` together with the one before them."""
    groups: list[list[Told]] = []
    for sentence in told_sentences(text):
        if groups and _belongs(sentence.text, [each.text for each in groups[-1]]):
            groups[-1].append(sentence)
        else:
            groups.append([sentence])
    return [group for group in groups if _is_quotable([each.text for each in group])]


def _belongs(sentence: str, group: Sequence[str]) -> bool:
    """Whether the sentence goes on with the group: an aside in brackets, or the first that says `it`."""
    if not group[-1].endswith(_FULL_STOP) or len(group) > 2:
        return False
    told = sum(not each.startswith("(") for each in group)
    return (sentence.startswith("(") and len(group) < 2) or (points_back(sentence) and told < 2)


def _is_quotable(group: Sequence[str]) -> bool:
    text = " ".join(group)
    is_told = 3 <= len(text.split()) <= _LONGEST * len(group) and not text.endswith(("?", ":"))
    is_said = not _FIELD.fullmatch(text) and not _REFERS.match(text) and not _DESCRIBES.match(text)
    return is_told and is_said and not is_heading(text) and not is_code(text)


def _best(units: Sequence[_Unit], room: int, said: Sequence[str]) -> list[_Unit]:
    """The best units, best first, up to `room` sentences of them; of what was said already none."""
    taken: list[_Unit] = []
    for unit in sorted(units, key=lambda unit: (-unit.score, unit.place)):
        length = sum(each.length for each in taken)
        if length and length + unit.length > room:
            break
        if not any(alike(unit.text, other) for other in [*said, *(each.text for each in taken)]):
            taken.append(unit)
    return taken
