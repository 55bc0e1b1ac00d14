"""What the sources dispute is not told as a fact: the summary says what they disagree on, and every sentence that
states a side is marked.

A side that is preferred for a reason may be stated in the summary, marked as well; the other side, and both where
nothing decides, may not, unless the sentence says other things too: those stay, behind what is disputed. The statements
themselves are quoted where they stand, once.
"""

from collections.abc import Mapping, Sequence

from state.evidence import Claim, Contradiction, Passage, Side
from state.research import SUMMARY, Draft, Merged, Sentence
from tools.facts import check_statement
from tools.naming import disagreement
from tools.numbers import missing_numbers
from tools.polarity import opposes
from tools.wording import terms

_ALIKE = 0.6
"""Share of the words of a side that a sentence has which states it."""
_MORE = 3
"""Words beyond what is disputed from which on a sentence tells something else."""


def with_disputes(draft: Draft, merged: Merged, passages: Mapping[str, Passage]) -> Draft:
    """The draft in which no disputed side stands as a fact in the summary, or unmarked elsewhere."""
    if not merged.contradictions:
        return draft
    claims = {claim.id: claim for claim in merged.claims}
    sections = []
    for section in draft.sections:
        told = [each for known in section.sentences for each in _told(known, section.heading, merged, claims, passages)]
        once = {(sentence.text, sentence.passages): sentence for sentence in told}
        sections.append(section.model_copy(update={"sentences": tuple(once.values())}))
    return draft.model_copy(update={"sections": tuple(sections)})


def _told(
    sentence: Sentence, heading: str, merged: Merged, claims: Mapping[str, Claim], passages: Mapping[str, Passage]
) -> list[Sentence]:
    """The sentence, marked where it states a side; in the summary what is disagreed on instead of a side that is not
    preferred, where the passages bear that out."""
    stated = [(found, side) for found in merged.contradictions if (side := _side(sentence, found, claims))]
    if not stated:
        return [sentence]
    marked = sentence.model_copy(update={"disputed": True})
    open_ones = [found for found, side in stated if side.claim_id != found.preferred]
    if heading == SUMMARY and open_ones:
        told = [_disagreement(found, passages) for found in open_ones]
        if all(each.verdict in ("supported", "partly") for each in told):
            return [*told, marked] if _says_more(sentence, stated) else told
    return [marked]


def _says_more(sentence: Sentence, stated: Sequence[tuple[Contradiction, Side]]) -> bool:
    """Whether the sentence says other things than what is disputed of it."""
    disputed = {term for found, side in stated for term in terms(f"{found.subject} {side.value}")}
    return len(terms(sentence.text) - disputed) >= _MORE


def _side(sentence: Sentence, found: Contradiction, claims: Mapping[str, Claim]) -> Side | None:
    """The one side that the sentence states, from its passages; None where it states none or both."""
    stated = [side for side in found.sides if _states(sentence, side)]
    if len(stated) != 1 or (found.subject.startswith(("when ", "whether ")) and found.subject in sentence.text):
        return None
    claim = claims.get(stated[0].claim_id)
    own = {stated[0].passage_id, *(claim.passages if claim else ())}
    return None if own.isdisjoint(sentence.passages) else stated[0]


def _states(sentence: Sentence, side: Side) -> bool:
    """Whether the sentence says what the side says: most of its words, and its value."""
    wanted = terms(side.statement)
    if len(wanted & terms(sentence.text)) < _ALIKE * len(wanted):
        return False
    return not missing_numbers(side.value, sentence.text) and not opposes(side.statement, sentence.text)


def _disagreement(found: Contradiction, passages: Mapping[str, Passage]) -> Sentence:
    """What the sources disagree on, the preferred value first, as the check finds it borne out by both passages."""
    first, second = sorted(found.sides, key=lambda side: side.claim_id != found.preferred)
    text = f"The sources disagree on {disagreement(found.subject, first.value, second.value)}."
    if found.preferred and not found.subject.startswith("whether "):
        text = f"{text[:-1]}; the first is preferred."
    keys = tuple(dict.fromkeys((first.passage_id, second.passage_id)))
    cited = [passages[key] for key in keys if key in passages]
    return Sentence(text=text, passages=keys, verdict=check_statement(text, cited).verdict, disputed=True)
