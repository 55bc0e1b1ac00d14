"""The report as Markdown and HTML: citations that resolve both ways, hostile text that stays text, a golden page."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from state.evidence import Around, Locator, Passage, SkippedSource
from state.research import Draft, Merged, Section, Sentence
from tests.tools.report_views import CHART, CSV, PNG, everywhere, golden, source, view
from tools.numerals import percent
from tools.report.citations import AROUND_WORDS
from tools.report.escaping import cell_text, markdown_text, shorten, visible, web_address
from tools.report.rendering import render_html, render_markdown
from tools.report.view import ReportView, citation_accuracy

SNAPSHOT = Path(__file__).parent / "snapshots" / "report.md"
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "[click](javascript:alert(1))",
    "![pixel](https://evil.example/p.png)",
    "<https://evil.example>",
    "[1]: https://evil.example",
    "{{ 7 * 7 }} {% for x in y %}",
    "| a | b |\n| --- | --- |",
    "# heading\n\n- item\n\n---\n> quote",
    "`code` *bold* __strong__ ~~gone~~ &lt;b&gt; \\[x\\](y)",
    "</blockquote></details><h1>taken over</h1>",
    "text\u202egnp.exe [99] www.evil.example",
)


def soup(text: str) -> BeautifulSoup:
    return BeautifulSoup(text, "html.parser")


def one(root: Tag, selector: str) -> Tag:
    """The one element that a selector finds."""
    (found,) = root.select(selector)
    return found


def resolve(page: BeautifulSoup) -> tuple[list[str], list[str]]:
    """The numbers that are cited and those that are listed, every link of both kinds followed to its end."""
    cites, entries = page.select("a.cite"), page.select(".sources > li")
    for cite in cites:
        (place,) = page.select(f"[id='{str(cite['href'])[1:]}']")
        target = place.find_parent("li")
        assert isinstance(target, Tag)
        assert target in entries
        assert one(target, ".number").get_text() == cite.get_text()
        assert one(target, "details[open] blockquote").get_text()
    back = [str(link["href"])[1:] for link in page.select("a.back")]
    assert sorted(back) == sorted(str(cite["id"]) for cite in cites)
    return [cite.get_text() for cite in cites], [one(entry, ".number").get_text() for entry in entries]


def tokens(text: str) -> list[Token]:
    parsed = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    return [token for each in parsed for token in (each, *(each.children or ()))]


# --- golden -----------------------------------------------------------------------------------------------


def test_golden_markdown() -> None:
    """The small report is, word for word, the one that was read and approved."""
    assert render_markdown(golden(), {CHART.image.sha256: "co2.png"}) == SNAPSHOT.read_text(encoding="utf-8")


def test_deterministic() -> None:
    """The same view gives the same text, also after a way through JSON."""
    again = ReportView.model_validate_json(golden().model_dump_json())
    assert render_html(golden(), {}) == render_html(again, {})
    assert render_markdown(golden(), {}) == render_markdown(again, {})


# --- HTML -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page() -> BeautifulSoup:
    return soup(render_html(golden(), {CHART.image.sha256: PNG, CHART.data.sha256: CSV}))


@pytest.mark.slow
def test_citations_resolve(page: BeautifulSoup) -> None:
    """Every [n] leads to its entry with the passage in sight, and back; numbers follow first use."""
    cited, listed = resolve(page)
    assert list(dict.fromkeys(cited)) == listed == ["[1]", "[2]", "[3]", "[4]"]
    assert "Never cited." not in page.get_text()


def test_entry_shows_passage_and_place(page: BeautifulSoup) -> None:
    """An entry shows the whole passage, where it stands, and links only to an address of the web."""
    entries = page.select(".sources > li")
    assert "cells A2:B66, computed by linear_trend(mean by year)" in entries[0].get_text()
    assert one(entries[1], "blockquote").get_text().count("And so on.") == 20
    assert [link["href"] for link in page.select(".origin > a")] == ["https://example.org/co2?a=1"]


def test_a_citation_opens_the_passage_in_its_context() -> None:
    """Each citation has its own place in the entry: the words and numbers that it rests on are marked for it, and what
    stands before and after the passage is there, cut to its nearest words.
    """
    text = "It began in 1958. Growth reached 418.53 ppm at the summit, they say. It is not known why."
    before, passage, after = (
        Passage.make("s1", Locator(lines=(n, n)), each)
        for n, each in enumerate(("far " * 200 + "near before.", text, "Near after." + " far" * 200))
    )
    said = ("Growth at the summit was 418.5 ppm.", "It began in 1958.")
    sentences = tuple(Sentence(text=each, passages=(passage.id,), verdict="supported") for each in said)
    draft = Draft(title="T", sections=(Section(heading="Key findings", sentences=sentences),))
    around = {passage.id: Around(before=before.id, after=after.id)}
    shown = view(draft, passages=(passage, before, after), sources=(source("s1"),), around=around)
    page = soup(render_html(shown, {}))
    resolve(page)
    assert [cite["href"] for cite in page.select("a.cite")] == ["#source-1-1", "#source-1-2"]
    marked = {use: [mark.get_text() for mark in page.select(f"mark.{use}")] for use in ("u1", "u2")}
    assert marked == {"u1": ["Growth", "418.53 ppm at the summit"], "u2": ["began in 1958"]}
    assert one(page, ".passage").get_text() == text
    first, last = (each.get_text() for each in page.select(".around"))
    assert first.endswith("far near before.")
    assert last.startswith("Near after. far")
    assert len(first.split()) == len(last.split()) == AROUND_WORDS + 1


def test_header(page: BeautifulSoup) -> None:
    """The header says outcome, citation accuracy, sources, models, the model's note and what must be known."""
    head = " ".join(one(page, "header").get_text(" ").split())
    assert "Citation accuracy 60 % (3 of 5 citing sentences supported)" in head
    assert "3 cited of 6 read" in head
    assert "Written by extraction." in head
    assert "plan: went on without approval, nobody was at the terminal" in head
    assert "Instructions in forum.md were not followed." in head


def test_parts_in_their_place(page: BeautifulSoup) -> None:
    """Sections keep their order; chart and contradiction stand in the sections made for them."""
    headings = [heading.get_text() for heading in page.select("h2")]
    assert headings == [
        "Executive summary",
        "Key findings",
        "Analysis",
        "Contradictions",
        "Figures found more than once",
        "What is missing",
        "How sure each finding is",
        "About this report",
        "Sources",
    ]
    sections = {one(section, "h2").get_text(): section for section in page.select("section")}
    assert one(sections["Analysis"], "figure img")["alt"] == "A line that rises."
    assert "2.4 ppm" in one(sections["Contradictions"], ".side.preferred").get_text()
    assert "It is newer." in sections["Contradictions"].get_text()
    assert "1.66 to 2.64 ppm" in sections["Figures found more than once"].get_text()
    missing = sections["What is missing"].get_text(" ")
    assert all(each in missing for each in ("ran out of time", "scan.pdf", "no text", "What does it cost?"))
    sure = sections["How sure each finding is"].get_text(" ")
    assert "One source states it, 1 contradicts it." in sure
    assert "agreement 0.67, source quality 0.90" in sure
    about = sections["About this report"].get_text()
    assert "citation validity 99 %" in about
    assert "Decision on the gate by Ada: respond, “Mind the units.”" in about
    assert "Open defect: One question is open." in about
    assert one(sections["Executive summary"], ".mark").get_text() == "partly supported"


def test_self_contained(page: BeautifulSoup) -> None:
    """Nothing is fetched and nothing runs: pictures are data, no script, and the policy names the style's hash."""
    assert not page.find_all(["script", "link", "iframe", "object", "embed", "form", "base"])
    assert one(page, "img")["src"] == f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    assert str(one(page, "a.data")["href"]).startswith("data:text/csv;base64,")
    policy = str(one(page, 'meta[http-equiv="Content-Security-Policy"]')["content"])
    digest = base64.b64encode(hashlib.sha256(one(page, "style").get_text().encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert digest in policy
    assert not page.select("[style]")


def test_pictures_that_are_not_at_hand() -> None:
    """Without its bytes a chart is described in words; a picture of another kind is not shown."""
    plain = soup(render_html(golden(), {}))
    assert not plain.find_all("img")
    assert "A line that rises." in one(plain, "figure").get_text()
    assert "![" not in render_markdown(golden(), {})
    data = golden().model_dump(mode="json")
    data["merged"]["charts"][0]["image"]["media_type"] = "text/html"
    disguised = ReportView.model_validate(data)
    assert not soup(render_html(disguised, {CHART.image.sha256: b"<script>"})).find_all("img")


@pytest.mark.parametrize(("outcome", "said"), [("not_established", "Not established"), ("rejected", "Rejected")])
def test_other_outcomes(outcome: str, said: str) -> None:
    """A report that was not published says so first, and what was searched for if nothing was found."""
    merged = Merged(searched=("isolation levels",))
    empty = view(Draft(title="T", sections=()), outcome=outcome, merged=merged)
    page = soup(render_html(empty, {}))
    assert one(page, ".banner").get_text().startswith(said)
    assert "no sentence cites a source" in page.get_text()
    assert ("Searched for: isolation levels" in page.get_text()) == (outcome == "not_established")
    assert not page.select(".sources")


# --- hostile text -----------------------------------------------------------------------------------------


@cache
def calm_page() -> BeautifulSoup:
    return soup(render_html(everywhere("calm"), {}))


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_html(text: str) -> None:
    """Whatever stands in sources, the page holds no other element than its own, and the text as text."""
    calm, attacked = calm_page(), soup(render_html(everywhere(text), {}))

    def shape(page: BeautifulSoup) -> list[tuple[str, list[str]]]:
        tags = [tag for tag in page.find_all(True) if isinstance(tag, Tag)]
        assert all(set(tag.attrs) == {"class"} for tag in tags if tag.name == "mark")
        return [(tag.name, sorted(tag.attrs)) for tag in tags if tag.name != "mark"]

    assert shape(attacked) == shape(calm)
    assert resolve(attacked) == resolve(calm)
    seen = " ".join(text.replace("\u202e", "").split())
    assert one(attacked, "h1").get_text() == seen
    assert "\u202e" not in str(attacked)


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown(text: str) -> None:
    """Whatever stands in sources, Markdown makes the same headings, lists, tables and links of it, and no HTML."""

    def shape(rendered: str) -> list[tuple[str, str]]:
        kinds = [token for token in tokens(rendered) if token.type != "text_special"]
        return [(token.type, token.tag) for token in kinds if token.type not in ("text", "softbreak")]

    attacked = render_markdown(everywhere(text), {})
    assert shape(attacked) == shape(render_markdown(everywhere("calm"), {}))
    assert not any(token.type.startswith("html") for token in tokens(attacked))
    numbers = set(re.findall(r"(?<!\\)\[(\d+)\]", attacked))
    assert numbers == {"1", "2", "3", "4"}


@pytest.mark.parametrize(
    "uri", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//evil.example", "http://[bad", "a b"]
)
def test_no_link_but_to_the_web(uri: str) -> None:
    """Only http and https addresses become links."""
    assert web_address(uri) == ""


def test_address_cannot_end_its_link() -> None:
    """An address with quotes, brackets or spaces stays inside its link."""
    assert web_address('https://e.org/a b>"<') == "https://e.org/a%20b%3E%22%3C"


def test_hidden_text_is_left_out() -> None:
    """Characters that hide text are not printed; those that scripts and emoji need are."""
    assert visible("a\u200b\u202eb\U000e0041\u2066c\ufeff") == "abc"
    assert visible("می\u200cخواهم 👩\u200d🔬") == "می\u200cخواهم 👩\u200d🔬"


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+1", "'+1"),
        ("-x", "'-x"),
        ("a=b", "a=b"),
        ("", ""),
        (-1.5, -1.5),
    ],
)
def test_no_cell_is_a_formula(cell: object, written: object) -> None:
    """A text that a spreadsheet would compute gets an apostrophe; numbers stay numbers."""
    assert cell_text(cell) == written


@given(st.text(alphabet=st.sampled_from(list("abc 12.)[]()*_`~<>!&|#-+=\\\n:/w@")), max_size=40))
@settings(deadline=None)
def test_any_text_stays_text(text: str) -> None:
    """Any text, escaped, is for Markdown one paragraph that reads as the text does."""
    shown = [token for token in tokens(markdown_text(text)) if token.type in ("text", "text_special")]
    others = {token.type for token in tokens(markdown_text(text))} - {
        "text",
        "text_special",
        "inline",
        "paragraph_open",
        "paragraph_close",
    }
    assert not others
    assert "".join(token.content for token in shown) == " ".join(text.split())


# --- any draft --------------------------------------------------------------------------------------------

PASSAGES = tuple(Passage.make("s1" if i % 2 else "s2", Locator(page=i + 1), f"Passage {i}.") for i in range(6))
IDS = st.sampled_from([*(passage.id for passage in PASSAGES), "p-unknown"])
SENTENCES = st.builds(
    Sentence,
    text=st.sampled_from(["One.", "Two [7].", "<b>", ""]),
    passages=st.lists(IDS, max_size=4).map(tuple),
    verdict=st.sampled_from(["supported", "partly", "unsupported", None]),
)
HEADINGS = st.sampled_from(["Analysis", "Key findings", "Contradictions", "What is missing", "Sources", "[3]"])
SECTIONS = st.builds(Section, heading=HEADINGS, sentences=st.lists(SENTENCES, max_size=4).map(tuple))
DRAFTS = st.builds(Draft, title=st.just("T"), sections=st.lists(SECTIONS, max_size=4).map(tuple))


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(DRAFTS)
def test_no_citation_dangles_and_none_is_unused(draft: Draft) -> None:
    """In any draft each [n] has one entry, each entry is cited, and numbers run from 1 in order of first use."""
    shown = view(draft, passages=PASSAGES, sources=(source("s1"), source("s2")))
    cited, listed = resolve(soup(render_html(shown, {})))
    assert set(cited) == set(listed)
    assert listed == [f"[{number}]" for number in range(1, len(listed) + 1)]
    whole = render_markdown(shown, {})
    text, _, sources = whole.rpartition("\n## Sources\n")  # there is none where nothing is cited
    numbers = re.findall(r"(?<!\\)\[(\d+)\]", text)
    entries = re.findall(r"^- \[(\d+)\]", sources, re.MULTILINE)
    assert sorted(set(numbers), key=int) == entries
    assert [f"[{number}]" for number in numbers] == cited
    unknown = any("p-unknown" in sentence.passages for section in draft.sections for sentence in section.sentences)
    assert ("their passage is not at hand: 1" in whole) == unknown


def test_accuracy() -> None:
    """Accuracy counts citing sentences only, is 1 without any, and is never rounded up."""
    supported, unsupported = (Sentence(text="a", passages=("p",), verdict=v) for v in ("supported", "unsupported"))
    draft = Draft(title="t", sections=(Section(heading="h", sentences=(supported, unsupported, Sentence(text="b"))),))
    assert citation_accuracy(draft) == view(draft).citation_accuracy == 0.5
    assert citation_accuracy(Draft(title="t", sections=())) == 1.0
    assert [percent(value) for value in (1.0, 0.996, 0.29, 0.0)] == ["100 %", "99 %", "29 %", "0 %"]


def test_findings_as_sure_for_the_same_reasons_share_a_row() -> None:
    """The table of confidence says a reason once, with the first findings in short; one alone has its citation."""
    first = golden()
    assert first.merged is not None
    (claim,) = [each for each in first.merged.claims if each.grounds]
    more = [claim.model_copy(update={"id": f"more{n}", "text": f"Growth was {n}."}) for n in range(4)]
    other = claim.model_copy(update={"id": "other", "confidence": 0.5})
    merged = first.merged.model_copy(update={"claims": (claim, *more, other), "contradictions": ()})
    text = render_markdown(first.model_copy(update={"merged": merged}), {})
    rows = [line for line in text.splitlines() if line.startswith("| “")]
    assert [row.count("Growth was") for row in rows] == [3, 1]
    assert "and 2 more |" in rows[0]
    assert "[3] |" in rows[1]


def test_shorten() -> None:
    """A text is cut between words, and only where it is longer."""
    assert shorten("one two\nthree", 3) == "one two three"
    assert shorten("one two three", 2) == "one two …"


def test_files_that_were_not_read_stand_with_their_reason_once() -> None:
    """Equal reasons are one line that names the files; others have a line of their own."""
    why = {"a.svg": "files of type .svg are not read", "b.pdf": "no text", "c.svg": "files of type .svg are not read"}
    skipped = tuple(SkippedSource(uri=uri, reason=reason) for uri, reason in why.items())
    report = golden()
    report = report.model_copy(update={"collection": report.collection.model_copy(update={"skipped": skipped})})
    text = render_markdown(report, {})
    assert "- Not read: a.svg, c.svg (files of type .svg are not read)" in text
    assert "- Not read: b.pdf (no text)" in text
    items = [" ".join(item.get_text().split()) for item in soup(render_html(report, {})).select("li")]
    assert "Not read: a.svg, c.svg (files of type .svg are not read)" in items
