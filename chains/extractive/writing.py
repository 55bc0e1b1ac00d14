"""Writes a report by rule: the claims as they were quoted or computed, in groups, each with its passages."""

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from langchain_core.messages import BaseMessage, ToolMessage

from chains.extractive.asked import is_list, is_told
from chains.extractive.reply import Call
from chains.extractive.requests import heard
from chains.extractive.terms import terms
from chains.extractive.wording import adds_nothing, leans
from chains.forms import RepairDraft, ReportDraft, ReviewDraft, SectionDraft, SentenceDraft
from state.research import ACTIONS, ANALYSIS, FINDINGS, RECOMMENDATIONS, SUMMARY
from tools.blocks import read_block

_SUMMARY = 5
_PER_TOPIC = 16
_FIGURE = re.compile(r"(?<!\w)\d")
"""Where a figure begins; that of a name (`CO2`) is none."""
_SAME_SUBJECT = 0.7
"""Share of the terms of a computed claim's subject from which on a sentence is of the same."""
_WEAK = 0.6
"""A claim leads only with this share of the relevance of the best one."""

_CLEARLY_SHORTER = 0.8
"""Share of the length of a sentence up to which another is a shorter one."""

Claim = dict[str, Any]


def step(brief: dict[str, Any], messages: Sequence[BaseMessage], tools: Sequence[str]) -> list[Call]:
    """The next calls of a synthesis agent: an outline and recommendations, then the report."""
    results = {message.name: message.text for message in messages if isinstance(message, ToolMessage)}
    wanted = [name for name in ("outline", "recommend") if name in tools and name not in results]
    if wanted:
        return [Call(name, {}) for name in wanted]
    outline = read_block(results.get("outline", ""), "outline") or []
    advice = read_block(results.get("recommend", ""), "recommendations") or []
    return [Call("ReportDraft", report(brief, outline, advice).model_dump())]


def report(brief: dict[str, Any], outline: list[dict[str, Any]], advice: list[dict[str, Any]]) -> ReportDraft:
    """The report for a brief with `question`, `claims` and `uncovered`; `outline` lists claim ids by topic.

    It leads with the best sentence of each passage; what else the passages say follows, and nothing is said twice.
    What people asked for is done as far as choosing goes (`requests`).
    """
    asked = heard(brief.get("requests") or [], brief["claims"])
    length = (brief.get("specialisation") or {}).get("length")
    claims = {str(claim["id"]): claim for claim in asked.claims}
    topics = [[claims[key] for key in part["claims"] if key in claims] for part in outline]
    computed = [claim for topic in topics for claim in topic if claim["computed"]]
    advised = {str(part["text"]) for part in advice}
    most = 2 * _PER_TOPIC if length == "long" else _PER_TOPIC
    groups = [_by_passage(_relevant_first(topic, most)) for topic in topics]
    first = [claim for claim in asked.claims if claim["id"] in asked.first]
    leading = _leading(groups)
    summary = _shortened([*first, *(claim for claim in leading if claim not in first)], max(_SUMMARY, len(first)))
    summary += _news(computed, summary)[: max(0, min(2, _SUMMARY - len(summary)))]
    told = _once([*summary, *(claim for topic in groups for group in topic for claim in _in_order(group))])
    summary = [claim for claim in told if any(claim["id"] == each["id"] for each in summary)]
    if gone := _dropped(brief, outline):
        summary, told = ([claim for claim in each if claim["text"] not in gone] for each in (summary, told))
    if asked.shorter_lead and not first:
        summary = _shorter_lead(summary, [claim for topic in topics for claim in topic])
    said = advised | {claim["text"] for claim in summary}
    rest = [] if asked.shorter or length == "short" else [claim for claim in told if claim["text"] not in said]
    sections = [
        SectionDraft(heading=SUMMARY, sentences=_sentences(summary)),
        SectionDraft(heading=FINDINGS, sentences=_sentences(rest)),
        SectionDraft(
            heading=ANALYSIS, sentences=_sentences([claim for claim in computed if claim["text"] not in said])
        ),
        SectionDraft(heading=RECOMMENDATIONS, sentences=[SentenceDraft(**part) for part in advice]),
        SectionDraft(heading=ACTIONS, sentences=_actions(brief)),
    ]
    kept = [section for section in sections if section.sentences and section.heading not in asked.without]
    return ReportDraft(title=_title(str(brief["question"])), sections=kept or sections[:1])


def _dropped(brief: dict[str, Any], outline: list[dict[str, Any]]) -> set[str]:
    """The sentences that were to be left out by their places: those of the summary that whoever said so had seen."""
    gone: set[str] = set()
    requests = brief.get("requests") or []
    for number, request in enumerate(requests):
        places = heard([request], brief["claims"]).dropped
        seen = report({**brief, "requests": requests[:number]}, outline, []).sections[0].sentences if places else []
        gone |= {seen[place].text for place in places if -len(seen) <= place < len(seen) and len(seen) > len(places)}
    return gone


def _shorter_lead(summary: list[Claim], claims: Sequence[Claim]) -> list[Claim]:
    """The summary with the best of the shorter sentences in the place of its first, if one answers about as well."""
    if not summary:
        return summary
    lead, *rest = summary
    able = [
        claim
        for claim in claims
        if len(claim["text"]) <= _CLEARLY_SHORTER * len(lead["text"])
        and claim["relevance"] >= _WEAK * lead["relevance"]
        and _is_sentence(claim)
        and not leans(claim["text"])
    ]
    best = max(able, key=lambda claim: float(claim["relevance"]), default=None)
    return summary if best is None else [best, *(claim for claim in rest if claim["id"] != best["id"])]


def _once(claims: Sequence[Claim]) -> list[Claim]:
    """The claims without those that add nothing to an earlier one, which then cites their passages too."""
    kept: list[Claim] = []
    for claim in claims:
        if any(claim["id"] == each["id"] for each in kept):
            continue
        place = next((place for place, each in enumerate(kept) if adds_nothing(claim["text"], each["text"])), None)
        if place is None:
            kept.append(claim)
        else:
            both = list(dict.fromkeys([*kept[place]["passages"], *claim["passages"]]))
            kept[place] = {**kept[place], "passages": both}
    return kept


def _news(computed: Sequence[Claim], summary: Sequence[Claim]) -> list[Claim]:
    """The computed claims whose subject, what they say before their first figure, no sentence of the summary has."""
    said = [set(terms(claim["text"])) for claim in summary]
    heads = [set(terms(_FIGURE.split(claim["text"], maxsplit=1)[0])) for claim in computed]
    return [
        claim
        for claim, head in zip(computed, heads, strict=True)
        if not any(len(head & each) >= _SAME_SUBJECT * len(head) for each in said)
    ]


def _relevant_first(claims: Sequence[Claim], most: int) -> list[Claim]:
    """The quoted claims of a topic that weigh most, those first that answer it best: a disputed answer stays one, and
    what nobody disputes is none for that.
    """
    quoted = [claim for claim in claims if not claim["computed"]][:most]
    return sorted(quoted, key=lambda claim: -float(claim["relevance"]))


def _by_passage(claims: Sequence[Claim]) -> list[list[Claim]]:
    """Claims that rest on the same passage together, in the order of the first of each."""
    groups: dict[str, list[Claim]] = {}
    for claim in claims:
        groups.setdefault(str(claim["passages"][0]), []).append(claim)
    return list(groups.values())


def _leading(topics: Sequence[Sequence[Sequence[Claim]]]) -> list[Claim]:
    """The best sentence of each passage that is about as good as the best one; each topic has its turn."""
    leads = [[claim for group in topic for claim in _leads(group)] for topic in topics]
    best = max((claim["relevance"] for topic in leads for claim in topic), default=0.0)
    turns = [claim for turn in zip_longest(*leads) for claim in turn if claim is not None]
    firsts = [topic[0]["id"] for topic in leads if topic]
    strong = [claim for claim in turns if claim["relevance"] >= _WEAK * best or claim["id"] in firsts]
    told = [claim for claim in strong if _is_sentence(claim)] or strong[:1]
    alone = [claim for claim in told if not leans(claim["text"])]
    return _shortened(alone or told)


def _shortened(claims: list[Claim], most: int = _SUMMARY) -> list[Claim]:
    """The first of them; of a table whose rows have begun the rest too, unless it is a long one: part of a table that
    tells of each thing would be read as the whole.
    """
    kept, left = claims[:most], [claim for claim in claims[most:] if is_told(claim["text"])]
    goes_on = any(is_told(claim["text"]) for claim in kept)
    return [*kept, *left] if goes_on and len(left) < most else kept


def _lead(group: Sequence[Claim]) -> Claim:
    """The weightiest claim that is a sentence and can be read alone: a row of a table sums nothing up."""
    sentences = [claim for claim in group if _is_sentence(claim)] or list(group)
    return next((claim for claim in sentences if not leans(claim["text"])), sentences[0])


def _leads(group: Sequence[Claim]) -> list[Claim]:
    """The claim that leads; of a table that tells of each thing that is asked for, the list and all its rows."""
    lead = _lead(group)
    listed = [claim for claim in group if is_list(claim["text"]) or is_told(claim["text"])]
    return sorted(listed, key=lambda claim: not is_list(claim["text"])) if lead in listed else [lead]


def _is_sentence(claim: Claim) -> bool:
    return re.search(r"[.!…](?:[)\]”’\"']|\s*\[\d+\])*$|[”\"]$", str(claim["text"])) is not None


def _in_order(group: Sequence[Claim]) -> list[Claim]:
    """As they stand in the passage, so that one can be read after the other."""
    return sorted(group, key=lambda claim: int(claim.get("place", 0)))


def _sentences(claims: Sequence[Claim]) -> list[SentenceDraft]:
    return [SentenceDraft(text=claim["text"], passages=claim["passages"]) for claim in claims]


def _actions(brief: dict[str, Any]) -> list[SentenceDraft]:
    """What is left to do: the questions that no source answers."""
    return [
        SentenceDraft(text=f"Find a source that answers the open question: {question}")
        for question in brief.get("uncovered") or []
    ]


def _title(question: str) -> str:
    title = " ".join(question.split())
    return title if len(title) <= 120 else title[:117].rsplit(" ", 1)[0] + " …"


def repair(brief: dict[str, Any]) -> RepairDraft:
    """Gives up what its passages do not say: extraction has no other words for it."""
    return RepairDraft(sentences=[SentenceDraft(text="") for _ in brief["sentences"]])


def review(brief: dict[str, Any]) -> ReviewDraft:
    """Repeats what the rules found; extraction has no judgement to add."""
    return ReviewDraft(defects=[str(defect) for defect in brief.get("defects") or []], revise=False)
