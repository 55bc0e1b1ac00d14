"""An edit of the report: each sentence that a person wrote is checked against the passages that it cites, at once.

What they do not bear out goes out only as the person's own words, marked so and without a citation, and only where the
person says that it shall: it is neither left out silently nor published as if a source said it.
"""

from collections.abc import Mapping, Sequence

from agents.citations import checked
from chains.forms import SentenceDraft
from state.errors import NotBorneOut
from state.evidence import Passage, Record
from state.ports import Passages
from state.research import NOT_ESTABLISHED, OWN_WORDS, RISKS, Draft, ResearchState, Section, Sentence
from state.runs import Json

_COUNTED = frozenset({RISKS, NOT_ESTABLISHED})
"""Sections that code writes from what it counted: whoever adds to them must cite."""


class _SentenceEdit(Record):
    text: str
    passages: tuple[str, ...] = ()


class _SectionEdit(Record):
    heading: str
    sentences: tuple[_SentenceEdit, ...]


class _ReportEdit(Record):
    """What an edit of the report gives back: verdicts are not a person's to give."""

    title: str = ""
    sections: tuple[_SectionEdit, ...]
    as_own_words: bool = False


def show_report(state: ResearchState) -> Json:
    """The draft in the shape in which an edit gives it back."""
    draft = state["draft"]
    sections = [
        {
            "heading": section.heading,
            "sentences": [part.model_dump(mode="json", include={"text", "passages"}) for part in section.sentences],
        }
        for section in draft.sections
    ]
    return {"title": draft.title, "sections": sections, OWN_WORDS: False}


async def read_report(state: ResearchState, args: Json, passages: Passages) -> dict[str, Draft]:
    """The draft as edited, each new sentence with its verdict.

    Raises ValueError where a section is not one of the report's, NotBorneOut where sentences that the person wrote are
    not borne out and were not confirmed to be their own words.
    """
    draft, edit = state["draft"], _ReportEdit.model_validate(args)
    headings = {section.heading for section in draft.sections}
    for each in edit.sections:
        if each.heading not in headings:
            raise ValueError(f"there is no section {each.heading!r}; the report has {sorted(headings)}")
    cited = await _cited(state, edit, passages)
    sections, wrong = [], []
    for each in edit.sections:
        sentences = [_weighed(part, each.heading, draft, cited) for part in each.sentences if part.text.strip()]
        wrong += [f"“{part.text}” ({each.heading}): {reason}" for part, reason in sentences if reason]
        kept = tuple(_own(part) if reason else part for part, reason in sentences)
        sections.append(Section(heading=each.heading, sentences=kept))
    if wrong and not edit.as_own_words:
        raise _not_borne_out(wrong)
    filled = tuple(section for section in sections if section.sentences)
    return {"draft": draft.model_copy(update={"title": edit.title or draft.title, "sections": filled})}


async def _cited(state: ResearchState, edit: _ReportEdit, passages: Passages) -> Mapping[str, Passage]:
    """The passages that the edit cites, as far as the run's sources hold them."""
    ids = dict.fromkeys(key for section in edit.sections for part in section.sentences for key in part.passages)
    sources = {source.id for source in await passages.sources(state["collection"].id)}
    return {each.id: each for each in await passages.get(list(ids)) if each.source_id in sources}


def _weighed(part: _SentenceEdit, heading: str, draft: Draft, cited: Mapping[str, Passage]) -> tuple[Sentence, str]:
    """The sentence with its verdict, and why it is not borne out; one that was not edited stays as it was."""
    for section in draft.sections:
        for known in section.sentences:
            if (known.text, known.passages) == (part.text, part.passages) and (
                known.verdict or section.heading == heading
            ):
                return known, ""
    sentence, reason = checked(SentenceDraft(text=part.text, passages=list(part.passages)), heading, cited)
    if unknown := [key for key in part.passages if key not in cited]:
        return sentence, f"the sources of this run have no passage {', '.join(map(repr, unknown))}"
    if not reason and not part.passages and heading in _COUNTED:
        reason = "it cites no passage"
    return sentence, reason.rstrip(".")


def _own(sentence: Sentence) -> Sentence:
    return Sentence(text=sentence.text, own_words=True)


def _not_borne_out(wrong: Sequence[str]) -> NotBorneOut:
    many = "One sentence that you wrote is" if len(wrong) == 1 else f"{len(wrong)} sentences that you wrote are"
    listed = "".join(f"\n  - {each}." for each in wrong)
    return NotBorneOut(
        f"{many} not borne out by the passages cited:{listed}",
        place="sections",
        remedy="Correct the text, or cite a passage that says so. To publish it all the same, marked as your own "
        f"words and without a citation, give --as-own-words (elsewhere: {OWN_WORDS}: true in the edit).",
    )
