"""An edited report: what was not edited stays, what was is checked, and own words are confirmed."""

from typing import Any

import pytest

from agents.report_edits import read_report, show_report
from state.errors import NotBorneOut
from state.evidence import Locator, Passage, Source
from state.research import Draft, ResearchState, Section, Sentence
from tools.memory import MemoryPassages

HEIGHT = "The Alpha Bridge is 134 m high."
OPENED = "The Alpha Bridge was opened in 1932."
RISK = "One source was read."


Library = tuple[ResearchState, MemoryPassages, str, str]


def passage(source: str, text: str) -> tuple[Source, Passage]:
    made = Source(id=source, uri=f"{source}.md", title=source, kind="markdown", sha256=source, size=len(text))
    return made, Passage.make(made.id, Locator(), text)


@pytest.fixture
async def library() -> Library:
    """A draft over one source, a passage of it, and a passage of another run's source."""
    passages = MemoryPassages()
    (own, told), (other, foreign) = passage("alpha", f"{HEIGHT} {OPENED}"), passage("beta", "The Beta Bridge is low.")
    await passages.add(own, [told])
    await passages.add(other, [foreign])
    draft = Draft(
        title="Bridges",
        sections=(
            Section(
                heading="Key findings",
                sentences=(Sentence(text=HEIGHT, passages=(told.id,), verdict="supported", disputed=True),),
            ),
            Section(heading="Recommendations", sentences=(Sentence(text="Go and see it."),)),
            Section(heading="Risks and limitations", sentences=(Sentence(text=RISK),)),
        ),
    )
    collection = await passages.gather([own], [])
    state: ResearchState = {"question": "How high?", "sources": [], "draft": draft, "collection": collection}
    return state, passages, told.id, foreign.id


async def test_what_is_not_edited_stays(library: Library) -> None:
    """The edit that changes nothing gives the draft back, with its verdicts and marks."""
    state, passages, *_ = library
    assert (await read_report(state, show_report(state), passages))["draft"] == state["draft"]


async def test_a_new_sentence_gets_the_verdict_of_its_passage(library: Library) -> None:
    """It may cite another passage than the draft; blank ones and sections left empty are left out."""
    state, passages, told, _ = library
    args = show_report(state)
    args["sections"][0]["sentences"] = [{"text": OPENED, "passages": [told]}, {"text": " "}]
    args["sections"][1]["sentences"] = []
    draft = (await read_report(state, args, passages))["draft"]
    assert [section.heading for section in draft.sections] == ["Key findings", "Risks and limitations"]
    assert draft.sections[0].sentences == (Sentence(text=OPENED, passages=(told,), verdict="supported"),)


@pytest.mark.parametrize(
    ("section", "text", "cites", "reason"),
    [
        (0, "The Alpha Bridge is 777 m high.", "told", "No passage states: 777"),
        (0, "The Alpha Bridge is not 134 m high.", "told", "A passage says the opposite"),
        (0, "It is a fine bridge.", "", "it cites no passage"),
        (0, "Go and see it.", "", "it cites no passage"),
        (1, "It cost 3 million.", "", "it cites no passage"),
        (2, "Much is left open.", "", "it cites no passage"),
        (2, "The Gamma Bridge is 9 km long.", "told", "No passage states: 9"),
        (0, HEIGHT, "foreign", "the sources of this run have no passage"),
        (0, HEIGHT, "nowhere", "the sources of this run have no passage 'nowhere'"),
    ],
)
async def test_what_is_not_borne_out_is_told_or_marked(
    library: Library, section: int, text: str, cites: str, reason: str
) -> None:
    """The refusal names the sentence and why; confirmed, the sentence cites nothing and is said to be the person's."""
    state, passages, told, foreign = library
    known: dict[str, list[str]] = {"told": [told], "foreign": [foreign], "": []}
    args: dict[str, Any] = show_report(state)
    args["sections"][section]["sentences"].append({"text": text, "passages": known.get(cites, [cites])})
    with pytest.raises(NotBorneOut) as refused:
        await read_report(state, args, passages)
    assert "One sentence that you wrote is not borne out" in refused.value.message
    assert f"“{text}” ({args['sections'][section]['heading']}): {reason}" in refused.value.message
    draft = (await read_report(state, {**args, "as_own_words": True}, passages))["draft"]
    assert draft.sections[section].sentences[-1] == Sentence(text=text, own_words=True)
