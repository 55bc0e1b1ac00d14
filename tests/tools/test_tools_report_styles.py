"""Citations and the list of sources in the style that was asked for: their forms, and that every citation still leads
to its passage.
"""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest
from bs4 import BeautifulSoup

from state.evidence import Locator, Passage
from state.specialisation import CitationStyle
from tests.tools.report_views import GREW, LESS, SOURCES, everywhere, golden, source
from tools.report.rendering import render_html, render_markdown
from tools.report.styles import Work, in_text, reference, works
from tools.report.view import ReportView, citation_accuracy

STYLES: tuple[CitationStyle, ...] = get_args(CitationStyle)
WEB = source("s1", uri="https://www.example.org/co2", title="The record", date="2021-05-04", kind="html")
YEAR = source("s2", uri="https://example.org/a", title="What is known?", date="2019", kind="html")
PAPER = source("s3", uri="notes/observatory.pdf", title="Notes of the observatory")
MARKS = re.compile(r"(?<!\\)\[(\d+)\]")


def styled(style: CitationStyle, view: ReportView) -> ReportView:
    return view.model_copy(update={"draft": view.draft.model_copy(update={"citation_style": style})})


def at(source_id: str, **locator: Any) -> Passage:
    return Passage.make(source_id, Locator(**locator), "Growth was 2.4 ppm a year.")


@pytest.mark.parametrize(
    ("style", "web", "paper"),
    [
        ("APA", "(example.org, 2021)", "(“Notes of the observatory”, n.d., p. 3)"),
        ("Chicago", "(example.org 2021)", "(“Notes of the observatory”, n.d., 3)"),
        ("IEEE", "", ""),
    ],
)
def test_citations_in_the_text(style: CitationStyle, web: str, paper: str) -> None:
    """Author and year, the host or the title standing for an author that nobody names; IEEE goes by numbers."""
    assert in_text(style, Work(WEB), at("s1")) == web
    assert in_text(style, Work(PAPER), at("s3", page=3)) == paper


@pytest.mark.parametrize(
    ("style", "web", "year", "paper"),
    [
        (
            "APA",
            "example.org. (2021, May 4). The record.",
            "example.org. (2019). What is known?",
            "Notes of the observatory. (n.d.). P. 3.",
        ),
        (
            "Chicago",
            "example.org. 2021. “The record.” May 4.",
            "example.org. 2019. “What is known?”",
            "“Notes of the observatory.” n.d. P. 3.",
        ),
        (
            "IEEE",
            "“The record,” example.org, May 4, 2021. [Online]. Available:",
            "“What is known?” example.org, 2019. [Online]. Available:",
            "“Notes of the observatory.” P. 3.",
        ),
    ],
)
def test_entries_of_the_list(style: CitationStyle, web: str, year: str, paper: str) -> None:
    """With a day, a year or no date; on the web or not. Where it is to be had is added by the report."""
    assert reference(style, Work(WEB), at("s1")) == web
    assert reference(style, Work(YEAR), at("s2")) == year
    assert reference(style, Work(PAPER), at("s3", page=3)) == paper


def test_a_date_may_be_a_month() -> None:
    """It is told as far as it is stated."""
    work = Work(WEB.model_copy(update={"date": "2021-03"}))
    parts: dict[CitationStyle, str] = {
        "APA": "(2021, March)",
        "Chicago": "2021. “The record.” March.",
        "IEEE": "example.org, Mar. 2021.",
    }
    assert all(part in reference(style, work, at("s1")) for style, part in parts.items())


def test_works_that_would_be_cited_alike_have_letters() -> None:
    """By their addresses, whatever their order; a stated date that is none counts as none."""
    alike = [
        source(id_, uri=f"https://example.org/{id_}", kind="html", date=date)
        for id_, date in (("b", "2022"), ("a", "2022-03-01"), ("c", "n"), ("d", None), ("e", "2023"))
    ]
    for ordered in (alike, alike[::-1]):
        years = {key: work.year for key, work in works(ordered).items()}
        assert years == {"a": "2022a", "b": "2022b", "c": "n.d.-a", "d": "n.d.-b", "e": "2023"}
    many = works([source(f"s{n:02}", uri=f"https://example.org/{n:02}", kind="html", date="2022") for n in range(28)])
    assert [many[f"s{n:02}"].year for n in (25, 26, 27)] == ["2022z", "2022aa", "2022ab"]


@pytest.mark.parametrize("style", STYLES)
def test_every_citation_leads_to_its_passage(style: CitationStyle) -> None:
    """In each style the same numbers stand in the Markdown, and each link of the page goes to its entry and back."""
    plain, view = golden(), styled(style, golden())
    text = render_markdown(view, {})
    assert MARKS.findall(text.replace("[Online]", "")) == MARKS.findall(render_markdown(plain, {}))
    page = BeautifulSoup(render_html(view, {}), "html.parser")
    for cite in page.select("a.cite"):
        number = re.fullmatch(r"#source-(\d+)-\d+", str(cite["href"]))
        assert number is not None
        (entry,) = page.select(f"#source-{number[1]}")
        assert entry.select(f"a.back[href='#{cite['id']}']")
        assert cite.get_text() == f"[{number[1]}]" if style == "IEEE" else cite.get_text().startswith("(")
    assert len(page.select("a.cite")) == len(BeautifulSoup(render_html(plain, {}), "html.parser").select("a.cite"))
    assert citation_accuracy(view.draft) == citation_accuracy(plain.draft)
    known = works(SOURCES)
    for passage, each in ((GREW, "s1"), (LESS, "s2")):
        assert in_text(style, known[each], passage) in text.replace("\\", "")
        assert reference(style, known[each], passage) in text.replace("\\", "")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("text", ["[99](https://evil.example) [98]", "<b>x</b>\n\n# y", "](javascript:a) ](<"])
def test_hostile_titles_stay_text(style: CitationStyle, text: str) -> None:
    """No mark, link or element comes of what a source calls itself."""
    attacked, calm = (styled(style, everywhere(each)) for each in (text, "calm"))
    marks = [set(MARKS.findall(render_markdown(each, {}))) for each in (attacked, calm)]
    assert marks[0] == marks[1] == {"1", "2", "3", "4"}
    shapes = [
        [tag.name for tag in BeautifulSoup(render_html(each, {}), "html.parser").find_all(True) if tag.name != "mark"]
        for each in (attacked, calm)
    ]
    assert shapes[0] == shapes[1]
