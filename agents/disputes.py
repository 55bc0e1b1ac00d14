"""What the sources dispute is not told as a fact: the summary says that they disagree, other sentences are marked.

A side that is preferred for a reason may be stated; the other side, and both where nothing decides, may not.
"""

from collections.abc import Mapping

from state.evidence import Claim, Contradiction, Side
from state.research import SUMMARY, Draft, Merged, Section, Sentence
from tools.numbers import missing_numbers
from tools.polarity import opposes
from tools.wording import terms

_ALIKE = 0.6
"""Share of the words of a side that a sentence has which states it."""


def with_disputes(draft: Draft, merged: Merged) -> Draft:
    """The draft in which no disputed side stands as a fact in the summary, or unmarked elsewhere."""
    if not merged.contradictions:
        return draft
    claims = {claim.id: claim for claim in merged.claims}
    sections = tuple(_section(section, merged, claims) for section in draft.sections)
    return draft.model_copy(update={"sections": sections})


def _section(section: Section, merged: Merged, claims: Mapping[str, Claim]) -> Section:
    told = [_told(sentence, section.heading, merged, claims) for sentence in section.sentences]
    once = {(sentence.text, sentence.passages): sentence for sentence in told}
    return section.model_copy(update={"sentences": tuple(once.values())})


def _told(sentence: Sentence, heading: str, merged: Merged, claims: Mapping[str, Claim]) -> Sentence:
    found = next((each for each in merged.contradictions if _states_as_fact(sentence, each, claims)), None)
    if found is None:
        return sentence
    return _disagreement(found, claims) if heading == SUMMARY else sentence.model_copy(update={"disputed": True})


def _states_as_fact(sentence: Sentence, found: Contradiction, claims: Mapping[str, Claim]) -> bool:
    """Whether the sentence states one side, from its passages, and that is not the preferred one."""
    stated = [side for side in found.sides if _states(sentence, side)]
    if len(stated) != 1 or stated[0].claim_id == found.preferred:
        return False
    claim = claims.get(stated[0].claim_id)
    return not {stated[0].passage_id, *(claim.passages if claim else ())}.isdisjoint(sentence.passages)


def _states(sentence: Sentence, side: Side) -> bool:
    """Whether the sentence says what the side says: most of its words, and its value."""
    wanted = terms(side.statement)
    if len(wanted & terms(sentence.text)) < _ALIKE * len(wanted):
        return False
    return not missing_numbers(side.value, sentence.text) and not opposes(side.statement, sentence.text)


def _disagreement(found: Contradiction, claims: Mapping[str, Claim]) -> Sentence:
    """That the sources disagree, with both sides; each was checked as a claim against its own passage."""
    first, second = sorted(found.sides, key=lambda side: side.claim_id != found.preferred)
    both = f"{first.statement.rstrip('.')}; against that: {second.statement.rstrip('.')}"
    which = f"the first is preferred: {found.why}" if found.preferred else found.why
    known = [claims[side.claim_id].verdict for side in found.sides if side.claim_id in claims]
    return Sentence(
        text=f"The sources disagree: {both} ({which}).",
        passages=tuple(dict.fromkeys((first.passage_id, second.passage_id))),
        verdict="supported" if known == ["supported", "supported"] else "partly",
        disputed=True,
    )
