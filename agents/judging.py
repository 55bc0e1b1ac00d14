"""What the check by words leaves open, a sentence that is supported in part, is asked of a model where there is one.

A model that says that the passage does not support it ends the sentence. It cannot make one good that the check found
wrong: only sentences that are partly supported are asked about, and an answer on any other is not read.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from chains.ask import ask, brief
from chains.forms import JudgementDraft, JudgementsDraft
from chains.governed import GovernedModel
from state.errors import ModelError
from state.evidence import Passage
from state.research import Draft, Section, Sentence
from tools.facts import check_statement

MOST = 24
"""Sentences of a report that are asked about, at most; the first ones, and those of the summary come first."""
BATCH = 8
"""Sentences of one call."""


@dataclass(frozen=True)
class _Open:
    """A sentence that the check leaves open."""

    sentence: Sentence
    reason: str

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        return self.sentence.text, self.sentence.passages


Verdicts = dict[tuple[str, tuple[str, ...]], JudgementDraft]
"""By sentence: its text and its passages."""


async def judged(
    draft: Draft,
    passages: Mapping[str, Passage],
    critic: GovernedModel | None,
    limit: AbstractAsyncContextManager[None],
) -> Draft:
    """The draft with what `critic` says of its partly supported sentences, and with a word on what was judged.

    `critic` is None where the role is played by no language model. All its calls are made within `limit`; what it
    said before LimitReached counts.
    """
    open_ = {each.key: each for each in _open(draft, passages)}
    if not open_:
        return draft
    if critic is None:
        said = (
            "Whether a passage supports all of a sentence that it supports in part takes a language model, and none "
            f"was used. Not judged: {len(open_)}."
        )
        return draft.model_copy(update={"judgement": said})
    asked = list(open_.values())[:MOST]
    answers: Verdicts = {}
    failure = ""
    try:
        async with limit:
            for first in range(0, len(asked), BATCH):
                answers |= await _answers(asked[first : first + BATCH], passages, critic)
    except ModelError as error:  # what cannot be judged stays marked as partly supported
        failure = f" The model could not judge all: {error.message}."
    sections = tuple(_section(section, answers) for section in draft.sections)
    dropped = sum(_ends(sentence, answers) for section in draft.sections for sentence in section.sentences)
    kept = tuple(section for section in sections if section.sentences)
    said = _told(list(answers.values()), len(open_)) + failure
    return draft.model_copy(update={"sections": kept, "dropped": draft.dropped + dropped, "judgement": said})


def _open(draft: Draft, passages: Mapping[str, Passage]) -> Iterator[_Open]:
    for section in draft.sections:
        for sentence in section.sentences:
            if sentence.verdict == "partly" and not sentence.by_model and not sentence.disputed:
                cited = [passages[key] for key in sentence.passages if key in passages]
                yield _Open(sentence, check_statement(sentence.text, cited).reason)


async def _answers(batch: Sequence[_Open], passages: Mapping[str, Passage], critic: GovernedModel) -> Verdicts:
    """The answers by sentence; numbers that were not asked about are left out."""
    wanted = [
        {
            "number": number,
            "text": each.sentence.text,
            "found_by_rule": each.reason,
            "passages": {key: passages[key].text for key in each.sentence.passages if key in passages},
        }
        for number, each in enumerate(batch, start=1)
    ]
    answer = await ask(critic, "judge", JudgementsDraft, brief(sentences=wanted))
    return {batch[said.number - 1].key: said for said in answer.judgements if 1 <= said.number <= len(batch)}


def _section(section: Section, answers: Verdicts) -> Section:
    kept = []
    for sentence in section.sentences:
        answer = answers.get((sentence.text, sentence.passages))
        if answer is None or sentence.verdict != "partly":
            kept.append(sentence)
        elif answer.verdict != "unsupported":
            kept.append(sentence.model_copy(update={"verdict": answer.verdict, "by_model": True}))
    return section.model_copy(update={"sentences": tuple(kept)})


def _ends(sentence: Sentence, answers: Verdicts) -> bool:
    answer = answers.get((sentence.text, sentence.passages))
    return answer is not None and sentence.verdict == "partly" and answer.verdict == "unsupported"


def _told(answers: Sequence[JudgementDraft], open_: int) -> str:
    """What the model judged, in words."""
    verdicts = [answer.verdict for answer in answers]
    return (
        f"Sentences that the check by words found supported in part: {open_}. Judged by the model: {len(verdicts)}; "
        f"supported {verdicts.count('supported')}, in part {verdicts.count('partly')}, "
        f"not supported and left out {verdicts.count('unsupported')}."
    )
