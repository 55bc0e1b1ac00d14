"""Contradictions in a report: each side quoted once; and what a source says against itself."""

from state.evidence import Locator, Passage
from state.research import Draft, Section, Sentence
from tests.tools.report_views import golden, source
from tools.report.rendering import render_markdown


def test_each_side_of_a_contradiction_is_quoted_once() -> None:
    """A side that a section states is not quoted again; the table of confidence calls it by what is disputed."""
    first = golden()
    assert first.merged is not None
    (found,) = first.merged.contradictions
    stated, other = found.sides
    sentence = Sentence(text=stated.statement, passages=(stated.passage_id,), verdict="supported", disputed=True)
    sections = (*first.draft.sections, Section(heading="More", sentences=(sentence,)))
    told = first.model_copy(update={"draft": first.draft.model_copy(update={"sections": sections})})
    text = render_markdown(told, {}).split("## Sources")[0]
    assert text.count(stated.statement) == text.count(other.statement) == 1
    assert f"{found.subject}: {stated.value}" in text


def test_a_sentence_of_a_draft_is_marked() -> None:
    """What a source says against itself stands at the sentences that rest on it alone."""
    first = golden()
    draft = Draft(title="t", sections=(Section(heading="s", sentences=(Sentence(text="It grew.", passages=("p1",)),)),))
    passage = Passage(id="p1", source_id="s1", locator=Locator(), text="It grew.")
    for title, mark in (("A note, first draft", " *(its source calls itself a first draft)*"), ("A note", "")):
        sources = (source("s1").model_copy(update={"title": title}),)
        changed = {"draft": draft, "sources": sources, "passages": (passage,), "merged": None}
        assert f"It grew. [1]{mark}\n" in render_markdown(first.model_copy(update=changed), {})
