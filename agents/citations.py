"""Checks a draft sentence by sentence against the passages that it cites; repairs once, then drops."""

import re
from collections.abc import Mapping, Sequence

from chains.ask import ask, brief
from chains.forms import RepairDraft, SentenceDraft
from chains.governed import GovernedModel
from state.errors import ModelError
from state.evidence import Passage
from state.research import ANALYSIS, FINDINGS, SUMMARY, Draft, Section, Sentence
from tools.facts import check_statement

CLAIMING = frozenset({SUMMARY, FINDINGS, ANALYSIS})
"""Sections in which every sentence must cite."""
_STATES_FACTS = re.compile(r"\d|[“”\"]")

Sections = list[tuple[str, list[Sentence]]]


def checked(sentence: SentenceDraft, heading: str, passages: Mapping[str, Passage]) -> tuple[Sentence, str]:
    """The sentence with its verdict, and why it is not supported (empty where it is, or where it claims nothing)."""
    text = " ".join(sentence.text.split())
    cited = [passages[key] for key in dict.fromkeys(sentence.passages) if key in passages]
    keys = tuple(passage.id for passage in cited)
    if cited:
        check = check_statement(text, cited)
        reason = "" if check.verdict in ("supported", "partly") else check.reason
        return Sentence(text=text, passages=keys, verdict=check.verdict), reason
    if heading in CLAIMING or _STATES_FACTS.search(text):
        return Sentence(text=text, verdict="unsupported"), "it cites no passage"
    return Sentence(text=text), ""


async def verified(
    title: str,
    written: Sequence[tuple[str, Sequence[SentenceDraft]]],
    passages: Mapping[str, Passage],
    critic: GovernedModel | None,
) -> Draft:
    """A draft of the headed sentences with only what holds.

    What does not hold is given to `critic` once to be written again, then dropped.
    """
    sections: Sections = []
    failing: list[tuple[int, int, str]] = []
    for place, (heading, sentences) in enumerate(written):
        results = [checked(sentence, heading, passages) for sentence in sentences]
        failing += [(place, position, reason) for position, (_, reason) in enumerate(results) if reason]
        sections.append((heading, [sentence for sentence, _ in results]))
    again = await _repaired(sections, failing, passages, critic)
    dropped = 0
    for (place, position, _), sentence in zip(failing, again, strict=True):
        result, reason = checked(sentence, sections[place][0], passages)
        kept = bool(result.text) and not reason
        sections[place][1][position] = result if kept else Sentence(text="")
        dropped += not kept
    return Draft(title=title, sections=_without_empty(sections), dropped=dropped)


async def _repaired(
    sections: Sections,
    failing: Sequence[tuple[int, int, str]],
    passages: Mapping[str, Passage],
    critic: GovernedModel | None,
) -> list[SentenceDraft]:
    """One new sentence for each failing one; empty text where there is none to be had."""
    nothing = [SentenceDraft(text="") for _ in failing]
    if critic is None or not failing:
        return nothing
    wanted = [
        {
            "text": sections[place][1][position].text,
            "reason": reason,
            "passages": {key: passages[key].text for key in sections[place][1][position].passages},
        }
        for place, position, reason in failing
    ]
    try:
        answer = await ask(critic, "repair", RepairDraft, brief(sentences=wanted))
    except ModelError:  # what cannot be mended is dropped; the report goes on without it
        return nothing
    return (answer.sentences + nothing)[: len(failing)]


def _without_empty(sections: Sections) -> tuple[Section, ...]:
    """Sections under one heading joined, empty sentences, doubles and empty sections left out."""
    joined: dict[str, dict[str, Sentence]] = {}
    for heading, sentences in sections:
        kept = joined.setdefault(heading, {})
        for sentence in sentences:
            if sentence.text:
                kept.setdefault(sentence.text, sentence)
    return tuple(Section(heading=heading, sentences=tuple(kept.values())) for heading, kept in joined.items() if kept)
