"""Writes a report by rule: the claims as they were quoted or computed, in groups, each with its passages."""

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage, ToolMessage

from chains.extractive.reply import Call
from chains.forms import RepairDraft, ReportDraft, ReviewDraft, SectionDraft, SentenceDraft
from tools.blocks import read_block

_SUMMARY = 5
_PER_TOPIC = 6


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
    """The report for a brief with `question`, `claims` and `uncovered`; `outline` lists claim ids by topic."""
    claims = {str(claim["id"]): claim for claim in brief["claims"]}
    groups = [[claims[key] for key in part["claims"] if key in claims] for part in outline]
    quoted = [[claim for claim in group if not claim["computed"]] for group in groups]
    computed = [claim for group in groups for claim in group if claim["computed"]]
    summary = [claim for group in quoted for claim in _first_sentence(group)][:_SUMMARY]
    summary += computed[: max(0, min(2, _SUMMARY - len(summary)))]
    sections = [
        SectionDraft(heading="Executive summary", sentences=_sentences(summary)),
        SectionDraft(heading="Key findings", sentences=_sentences([c for group in quoted for c in group[:_PER_TOPIC]])),
        SectionDraft(heading="Analysis", sentences=_sentences(computed)),
        SectionDraft(heading="Recommendations", sentences=[SentenceDraft(**part) for part in advice]),
        SectionDraft(heading="Action items", sentences=_actions(brief)),
    ]
    kept = [section for section in sections if section.sentences]
    return ReportDraft(title=_title(str(brief["question"])), sections=kept or sections[:1])


def _first_sentence(claims: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The weightiest claim that is a sentence: a row of a table sums nothing up."""
    return [claim for claim in claims if claim["text"].endswith((".", "!", "”", ")"))][:1] or list(claims[:1])


def _sentences(claims: Sequence[dict[str, Any]]) -> list[SentenceDraft]:
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
