"""A research agent by rule: search for each question, then quote the sentences that answer it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from langchain_core.messages import BaseMessage, ToolMessage

from chains.extractive.questions import query_for
from chains.extractive.quoting import pick_quotes
from chains.extractive.reply import Call
from chains.forms import FindingDraft, FindingsDraft
from tools.evidence_text import ShownPassage, parse_evidence

_HITS = 20
"""Passages that a search is asked for: what is rare among them tells the relevant ones apart."""
_FEW_HITS = 8
"""The same of an agent that is to work quickly."""


def step(task: dict[str, Any], messages: Sequence[BaseMessage], tools: Sequence[str]) -> list[Call]:
    """The next calls: first the searches, then the findings."""
    results = [message for message in messages if isinstance(message, ToolMessage)]
    questions = [str(question) for question in task["questions"]]
    queries = {question: query_for(question, str(task["question"])) for question in questions}
    depth = (task.get("specialisation") or {}).get("depth")
    first = _searches(queries.values(), tools, _FEW_HITS if depth == "quick" else _HITS)
    if not results:
        return first
    passages = [passage for message in results for passage in parse_evidence(message.text)]
    if depth == "thorough":
        alike = _alike(queries.values(), passages)
        if len(results) == len(first) and (second := _searches(alike, tools, _HITS)):
            return second
        passages = [replace(passage, query=alike.get(passage.query, passage.query)) for passage in passages]
    return [Call("FindingsDraft", findings(questions, passages, queries).model_dump())]


def _searches(queries: Iterable[str], tools: Sequence[str], hits: int) -> list[Call]:
    searches: dict[str, dict[str, Any]] = {"search_documents": {"limit": hits}, "search_web": {}}
    return [
        Call(name, {"query": query, **more}) for name, more in searches.items() if name in tools for query in queries
    ]


def _alike(queries: Collection[str], passages: Sequence[ShownPassage]) -> dict[str, str]:
    """For each query the best sentence that it found, which finds others like it; the query by the sentence."""
    found: dict[str, str] = {}
    for query in queries:
        own = {passage.id: passage for passage in passages if passage.query == query}
        best = next(iter(pick_quotes(query, list(own.values()))), None)
        if best is not None and best.text not in queries:
            found.setdefault(best.text, query)
    return found


def findings(
    questions: Sequence[str], passages: Sequence[ShownPassage], queries: Mapping[str, str] | None = None
) -> FindingsDraft:
    """For each question the sentences that answer it, each once; none where they only speak of what it is about.

    `queries` gives for a question what was searched for: its passages are then those that this search found, or all
    where none is said to come of it.
    """
    found: dict[str, FindingDraft] = {}
    for question in questions:
        query = (queries or {}).get(question, question)
        own = [passage for passage in passages if passage.query == query] or passages
        unique = list({passage.id: passage for passage in own}.values())
        for quote in pick_quotes(query, unique, question):
            draft = FindingDraft(
                text=quote.text, passages=[quote.passage_id], topic=question, confidence=quote.confidence
            )
            found.setdefault(quote.text, draft)
    return FindingsDraft(findings=list(found.values()))
