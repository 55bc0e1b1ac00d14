"""A research agent by rule: search for each question, then quote the sentences that answer it."""

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage, ToolMessage

from chains.extractive.questions import query_for
from chains.extractive.quoting import pick_quotes
from chains.extractive.reply import Call
from chains.forms import FindingDraft, FindingsDraft
from tools.evidence_text import ShownPassage, parse_evidence

_PER_QUESTION = 8


def step(task: dict[str, Any], messages: Sequence[BaseMessage], tools: Sequence[str]) -> list[Call]:
    """The next calls: first the searches, then the findings."""
    results = [message for message in messages if isinstance(message, ToolMessage)]
    questions = [str(question) for question in task["questions"]]
    if not results:
        queries = [query_for(question, str(task["question"])) for question in questions]
        searches = [name for name in ("search_documents", "search_web") if name in tools]
        return [Call(name, {"query": query}) for name in searches for query in queries]
    passages = [passage for message in results for passage in parse_evidence(message.text)]
    return [Call("FindingsDraft", findings(questions, passages).model_dump())]


def findings(questions: Sequence[str], passages: Sequence[ShownPassage]) -> FindingsDraft:
    """For each question the sentences of the passages that answer it, each once."""
    unique = list({passage.id: passage for passage in passages}.values())
    found: dict[str, FindingDraft] = {}
    for question in questions:
        for quote in pick_quotes(question, unique, _PER_QUESTION):
            confidence = round(min(0.95, 0.3 + 0.5 * quote.score), 2)
            found.setdefault(
                quote.text,
                FindingDraft(text=quote.text, passages=[quote.passage_id], topic=question, confidence=confidence),
            )
    return FindingsDraft(findings=list(found.values()))
