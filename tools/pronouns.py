"""What a pronoun at the start of a sentence stands for, by rule: the subject of the sentence before.

Only for comparing statements. It is the usual reading, not the only one: nothing is quoted or published in this form.
"""

import re
from collections.abc import Sequence

from tools.sentences import split_sentences

_PRONOUN = re.compile(r"(?P<whole>it|he|she|they)\s+(?=[a-z])|(?P<own>its|his|her|their)\s+", re.IGNORECASE)
_SUBJECT = re.compile(
    r"(?P<subject>(?:[A-Z]|the\s)[^,;:()]{0,80}?)"
    r"(?:\s*\([^)]*\))?(?:,[^,]{1,80},)?\s+"
    r"(?:is|was|are|were|has|had|have|can|will|may|lies|lay|stands|stood|runs|ran|rises|rose|fell|grew|began|became|"
    r"remains|remained|serves|served|uses|used|offers|offered|contains|covers|consists|refers|played|plays|won|made|"
    r"carries|carried|measures|measured|weighs|weighed|costs|cost|lasts|lasted|reaches|reached|receives|received|"
    r"opened|crosses|crossed|connects|links|spans|makes|provides|supports|includes|held|holds|led|leads|took|died)\b"
)
_POINTING = frozenset("It Its He His She Her They Their This That These Those There".split())
_MOST = 8
"""Words of a subject, at most."""
_BACK = 3
"""Sentences that are gone back, at most."""


def with_subjects(text: str, passages: Sequence[str]) -> str:
    """The text with the subject of the sentence before it instead of each pronoun that begins a sentence.

    The sentence before the first is looked up in the passages that hold it. Where no subject is found the pronoun
    stays.
    """
    told: list[str] = []
    for sentence in split_sentences(text):
        before = told or _before(sentence, passages)
        told.append(_resolved(sentence, before[-1]) if before else sentence)
    return " ".join(told)


def subject_of(sentence: str) -> str:
    """The words before the verb of a sentence that begins with a name or a noun; empty where none are found."""
    found = _SUBJECT.match(sentence)
    subject = found["subject"].strip() if found else ""
    words = subject.split()
    return subject if words and len(words) <= _MOST and words[0] not in _POINTING else ""


def _before(sentence: str, passages: Sequence[str]) -> list[str]:
    """The nearest sentence before it that begins with no pronoun, where the sentence begins with one."""
    if not _PRONOUN.match(sentence):
        return []
    wanted = " ".join(sentence.split())
    for passage in passages:
        known = [" ".join(each.split()) for each in split_sentences(passage)]
        if wanted in known:
            place = known.index(wanted)
            return next(([each] for each in known[max(0, place - _BACK) : place][::-1] if not _PRONOUN.match(each)), [])
    return []


def _resolved(sentence: str, before: str) -> str:
    found, subject = _PRONOUN.match(sentence), subject_of(before) or subject_of(before.partition(",")[2].strip())
    if not found or not subject:
        return sentence
    return f"{subject}{' ' if found['whole'] else '’s '}{sentence[found.end() :]}"
