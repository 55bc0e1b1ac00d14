"""Texts by rule: drafts put together from given facts, answers that are quoted, scores that are counted."""

import math
import re
from typing import Any

from chains.drafting import Answered, Review, TextDraft
from chains.extractive.terms import terms
from chains.extractive.texts import sentences_in, telling, text_in
from chains.summary import SummaryDraft
from tools.numbers import missing_numbers

_NOTHING = "No facts were given."
_ABOUT = 0.5
"""Share of a criterion's words that a text holds if it says something about it."""
_ANSWERS = 0.5
"""The same of a question's words, for a sentence that answers it."""
_QUOTED = 3
_FOREIGN = 3
"""Points that a number takes which the material does not have."""
_UNSAID = 6
"""Points that all criteria take together."""
_QUOTES = re.compile(r"“(.+)”")


def summarize(brief: dict[str, Any]) -> SummaryDraft:
    """The sentences that say most."""
    picked = telling(sentences_in(brief["text"]), int(brief["words"]), str(brief.get("focus") or ""))
    return SummaryDraft(summary=" ".join(picked))


def draft(brief: dict[str, Any]) -> TextDraft:
    """The facts as sentences, those first that bear on the task; of a text with defects, what they miss is added."""
    facts = sentences_in(brief.get("material"))
    words = int(brief["words"])
    if "defects" in brief:
        return TextDraft(text=_mended(str(brief["text"]), [str(each) for each in brief["defects"]], facts))
    about = f"{brief['task']} {' '.join(map(str, brief.get('criteria') or ()))}"
    return TextDraft(text=" ".join(telling(facts, words, about)) or _NOTHING)


def _mended(text: str, defects: list[str], facts: list[str]) -> str:
    """The text without the sentences that a defect quotes, and with the facts that bear on the other defects."""
    quoted = {found for defect in defects for found in _QUOTES.findall(defect)}
    kept = [line for line in sentences_in(text) if line not in quoted]
    wanted = {term for defect in defects for term in terms(_QUOTES.sub("", defect))}
    more = [fact for fact in facts if fact not in kept and wanted & set(terms(fact))]
    return " ".join([*kept, *more]) or text


def answer(brief: dict[str, Any]) -> Answered:
    """The sentences that hold most of the question's words; none where none holds half of them."""
    wanted = set(terms(str(brief["question"])))
    sentences = sentences_in(brief["material"])
    shares = [len(wanted & set(terms(line))) / max(1, len(wanted)) for line in sentences]
    best = sorted(range(len(sentences)), key=lambda place: (-shares[place], place))[:_QUOTED]
    enough = max(_ANSWERS, max(shares, default=0.0) * 0.8)
    said = [sentences[place] for place in sorted(best) if shares[place] >= enough]
    return Answered(answer=" ".join(said), found=bool(said))


def review(brief: dict[str, Any]) -> Review:
    """Ten points, less those for criteria that the text says nothing about and for numbers that are nowhere given."""
    text = str(brief["text"])
    criteria = [str(each) for each in brief.get("criteria") or ()]
    held = set(terms(text))
    if not held:
        return Review(score=1, defects=["The text says nothing."])
    unsaid = [each for each in criteria if not _is_said(each, held)]
    defects = [f"It says nothing about this: {each}" for each in unsaid]
    points = 10.0 - (_UNSAID * len(unsaid) / len(criteria) if criteria else 0.0)
    material = text_in(brief.get("material"))
    if material:
        for line in sentences_in(text):
            foreign = missing_numbers(line, f"{material} {brief.get('task', '')}")
            if foreign:
                defects.append(f"The material does not have {', '.join(map(str, foreign))}: “{line}”")
                points -= _FOREIGN
    return Review(score=max(1, math.floor(points)), defects=defects)


def _is_said(criterion: str, held: set[str]) -> bool:
    wanted = set(terms(criterion))
    return len(wanted & held) >= _ABOUT * len(wanted)
