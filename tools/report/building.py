"""From the view of a run to the page of its report: what stands where, and which number it cites."""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TypedDict

from state.evidence import Chart, Side, SkippedSource
from state.research import Draft, Merged, Missing, Section, Sentence
from tools.numerals import at_scale, interval, percent, with_unit
from tools.report.citations import Citations
from tools.report.confidence import confidence_rows
from tools.report.page import (
    Block,
    ContradictionRow,
    Entry,
    EstimateRow,
    Figure,
    Line,
    NotRead,
    Page,
    Paragraph,
    SideLine,
)
from tools.report.view import ReportView, citing_sentences

PARAGRAPH = 5
"""Sentences in a paragraph, at most."""
_LISTED = re.compile(r"finding|recommend|action|risk|limitation|missing|question|next step", re.IGNORECASE)
"""Headings whose sentences stand as a list."""
_MARKED = {"partly": "partly supported", "contradicted": "contradicted", "unsupported": "not supported"}
_OWN_WORDS = "the editor's own words, no source"
_OUTCOMES = {
    "published": "Published",
    "not_established": "Not established: the sources do not answer the question",
    "rejected": "Rejected at the approval",
}
CONTRADICTIONS, ESTIMATES, CHARTS = "Contradictions", "Figures found more than once", "Charts"
MISSING, CONFIDENCE, ABOUT = "What is missing", "How sure each finding is", "About this report"


def build_page(view: ReportView) -> Page:
    """Number the citations and put every part in its place."""
    citations = Citations(view.passages, view.sources, view.around, view.draft.citation_style)
    blocks = tuple(block for block in _blocks(view, citations) if not block.is_empty())
    entries = citations.entries()
    merged_notes = view.merged.notes if view.merged else ()
    return Page(
        title=view.draft.title or view.question,
        question=view.question,
        run_id=view.run_id,
        outcome=_OUTCOMES[view.outcome],
        established=view.outcome == "published",
        facts=_facts(view, entries),
        model_note=view.draft.model_note,
        notes=tuple(dict.fromkeys((*view.approvals, *view.notes, *merged_notes))),
        blocks=blocks,
        entries=entries,
    )


def _blocks(view: ReportView, citations: Citations) -> Iterator[Block]:
    """The parts in the order in which they stand; numbers are given on the way."""
    merged = view.merged or Merged()
    sections = view.draft.sections
    places = _chart_places(sections, merged.charts)
    headings = [section.heading.casefold() for section in sections]
    numbers = iter(range(1, len(merged.charts) + 1))
    for place, section in enumerate(sections):
        block = _text_block(section, citations)
        block = replace(block, figures=_figures(places[place], numbers, citations))
        if headings[place] == CONTRADICTIONS.casefold():
            block = replace(block, contradictions=_contradictions(merged, sections, citations))
        if headings[place] == MISSING.casefold():
            block = replace(block, **_missing(view))
        yield block
    if CONTRADICTIONS.casefold() not in headings:
        yield Block(CONTRADICTIONS, contradictions=_contradictions(merged, sections, citations))
    yield Block(ESTIMATES, estimates=_estimates(merged, citations))
    yield Block(CHARTS, figures=_figures(places[len(sections)], numbers, citations))
    if MISSING.casefold() not in headings:
        yield replace(Block(MISSING), **_missing(view))
    yield Block(CONFIDENCE, confidences=confidence_rows(merged, view.draft, citations))
    yield Block(ABOUT, points=_about(view, len(citations.unknown)), listed=True)


def _text_block(section: Section, citations: Citations) -> Block:
    """A section's sentences, as a list or as paragraphs of a few."""
    lines = [
        Line(each.text, citations.of(each.passages, each.text), _mark(each, citations)) for each in section.sentences
    ]
    if _LISTED.search(section.heading):
        return Block(section.heading, tuple(_items(section, lines, citations)), listed=True)
    starts = range(0, len(lines), PARAGRAPH)
    return Block(section.heading, tuple(Paragraph(tuple(lines[start : start + PARAGRAPH])) for start in starts))


def _items(section: Section, lines: Sequence[Line], citations: Citations) -> Iterator[Paragraph]:
    """One item a sentence; sentences in a row that rest on the same passage are one item. Where there are such, every
    item of one passage is named by its source, so that a sentence without its neighbours has a subject.
    """
    pairs = zip(section.sentences, lines, strict=True)
    grouped = [
        (keys, tuple(line for _, line in group)) for keys, group in groupby(pairs, lambda pair: pair[0].passages)
    ]
    named = any(keys and len(together) > 1 for keys, together in grouped)
    for keys, together in grouped:
        if keys:
            yield Paragraph(together, citations.title(keys[0]) if named and len(keys) == 1 else "")
        else:
            yield from (Paragraph((line,)) for line in together)


def _mark(sentence: Sentence, citations: Citations) -> str:
    """What a reader must know of a sentence; empty where it is supported and undisputed."""
    own = _OWN_WORDS if sentence.own_words else ""
    disputed = "disputed" if sentence.disputed else ""
    marks = (own, _MARKED.get(sentence.verdict or "", ""), disputed, _reserved(sentence.passages, citations))
    return ", ".join(filter(None, marks))


def _reserved(ids: Sequence[str], citations: Citations) -> str:
    said = citations.reservation(ids)
    return f"its source calls itself {said}" if said else ""


def _chart_places(sections: Sequence[Section], charts: Sequence[Chart]) -> dict[int, list[Chart]]:
    """The charts by place of section: the analysis, else the first that cites the chart, else after all."""
    places: dict[int, list[Chart]] = {place: [] for place in range(len(sections) + 1)}
    analysis = [place for place, section in enumerate(sections) if section.heading.casefold() == "analysis"]
    for chart in charts:
        citing = [
            place
            for place, section in enumerate(sections)
            if any(chart.passage_id in sentence.passages for sentence in section.sentences)
        ]
        places[next(iter((*analysis, *citing)), len(sections))].append(chart)
    return places


def _figures(charts: Sequence[Chart], numbers: Iterator[int], citations: Citations) -> tuple[Figure, ...]:
    return tuple(Figure(next(numbers), chart, citations.of([chart.passage_id], chart.alt)) for chart in charts)


def _contradictions(merged: Merged, sections: Sequence[Section], citations: Citations) -> tuple[ContradictionRow, ...]:
    """The contradictions; the statement of a side only where it stands nowhere else in the report."""
    told = {" ".join(sentence.text.split()) for section in sections for sentence in section.sentences}

    def side_line(side: Side, preferred: str) -> SideLine:
        statement = " ".join(side.statement.split())
        is_told = any(statement in text for text in told)
        told.add(statement)
        cites = citations.of([side.passage_id], side.statement)
        line = Line("" if is_told else side.statement, cites, _reserved([side.passage_id], citations))
        return SideLine(line, value=side.value, date=side.date or "", preferred=side.claim_id == preferred)

    return tuple(
        ContradictionRow(each.subject, tuple(side_line(side, each.preferred) for side in each.sides), each.why)
        for each in merged.contradictions
    )


def _estimates(merged: Merged, citations: Citations) -> tuple[EstimateRow, ...]:
    passages = {claim.id: claim.passages for claim in merged.claims}
    return tuple(
        EstimateRow(
            subject=each.subject,
            mean=with_unit(at_scale(each.mean, (each.high - each.low) / 2, 3), each.unit),
            interval=interval(each.low, each.high, each.unit).removeprefix("95 % CI "),
            n=each.n,
            cites=citations.of((id_ for claim in each.claims for id_ in passages.get(claim, ())), each.subject),
        )
        for each in merged.estimates
    )


class _MissingParts(TypedDict):
    branches: tuple[Missing, ...]
    skipped: tuple[NotRead, ...]
    points: tuple[str, ...]


def _missing(view: ReportView) -> _MissingParts:
    """Branches that did not deliver, files that were not read, questions that no claim answers."""
    uncovered = view.gate.uncovered if view.gate else ()
    searched = view.merged.searched if view.merged and view.outcome == "not_established" else ()
    known = {view.question.strip(" ?").casefold()}  # it stands at the top, and was searched for as it is
    return {
        "branches": view.merged.missing if view.merged else (),
        "skipped": _not_read(view.collection.skipped),
        "points": (
            *(f"Not covered by a supported claim: {each}" for each in _others(uncovered, known)),
            *(f"Searched for: {each}" for each in _others(searched, known)),
        ),
    }


def _not_read(skipped: Iterable[SkippedSource]) -> tuple[NotRead, ...]:
    """The files by the reason, each reason where it comes first."""
    uris: dict[str, list[str]] = {}
    for each in skipped:
        uris.setdefault(each.reason, []).append(each.uri)
    return tuple(NotRead(reason, tuple(those)) for reason, those in uris.items())


def _others(lines: Iterable[str], known: Container[str]) -> list[str]:
    return [line for line in lines if line.strip(" ?").casefold() not in known]


def _facts(view: ReportView, entries: Sequence[Entry]) -> tuple[tuple[str, str], ...]:
    """What stands at the top."""
    citing = citing_sentences(view.draft)
    supported = sum(sentence.verdict == "supported" for sentence in citing)
    accuracy = f"{percent(view.citation_accuracy)} ({supported} of {len(citing)} citing sentences supported)"
    cited = len({entry.uri for entry in entries})
    facts = [
        ("Outcome", _OUTCOMES[view.outcome]),
        ("Citation accuracy", accuracy if citing else "no sentence cites a source"),
        ("Sources", f"{cited} cited of {view.collection.sources} read"),
    ]
    if view.models:
        facts.append(("Models", ", ".join(dict.fromkeys(view.models))))
    return tuple(facts)


def _about(view: ReportView, unknown: int) -> tuple[str, ...]:
    """How the report came about, and what is still wrong with it."""
    gate, draft = view.gate, view.draft
    points = []
    if citing_sentences(draft):
        points.append(
            "Citation accuracy is the share of citing sentences whose words, numbers and names were found in the "
            "passages that they cite, by a check without a language model."
            + (" It counts those that a model judged to be supported." if _judged(draft) else "")
        )
    if draft.judgement:
        points.append(draft.judgement)
    if gate:
        figures = {"coverage": gate.coverage, "citation validity": gate.citation_validity}
        figures |= {"undisputed": gate.agreement, "completeness": gate.completeness}
        shares = ", ".join(f"{name} {percent(value)}" for name, value in figures.items())
        points.append(f"Quality gate: {gate.decision.replace('_', ' ')}, score {percent(gate.score)} ({shares}).")
    points += _compared(view)
    if draft.dropped:
        points.append(f"Sentences left out because no passage supports them: {draft.dropped}.")
    if own := sum(part.own_words for section in draft.sections for part in section.sentences):
        points.append(f"Sentences that an editor added in their own words, and that no passage bears out: {own}.")
    if unknown:
        points.append(f"Citations left out because their passage is not at hand: {unknown}.")
    defects = dict.fromkeys((*draft.defects, *(gate.defects if gate else ())))
    points += [f"Open defect: {each}" for each in defects]
    for each in view.feedback:
        by = f" by {each.by}" if each.by else ""
        points.append(f"Decision on the {each.point}{by}: {each.type}{f', “{each.message}”' if each.message else ''}.")
    return tuple(points)


def _compared(view: ReportView) -> list[str]:
    """How far contradictions were looked for; nothing where there are not two sources to disagree."""
    claims = [claim for claim in view.merged.claims if claim.grounds] if view.merged else []
    if not claims or view.collection.sources < 2:
        return []
    compared = sum(bool(claim.grounds and (claim.grounds.beside or claim.grounds.against)) for claim in claims)
    return [
        "Contradictions are looked for by rule: figures of one measure, dates of one event, a statement and its "
        f"opposite. {compared} of {len(claims)} claims had one of another source to be compared with; what sources "
        "say in other words may still disagree."
    ]


def _judged(draft: Draft) -> bool:
    return any(sentence.by_model and sentence.verdict == "supported" for sentence in citing_sentences(draft))
