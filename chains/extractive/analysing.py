"""An analysis agent by rule: load each table, compute what the question asks for by name, or describe and test the
columns that it is about, draw one chart a table, and report what was computed in the words of the computation."""

from collections.abc import Collection, Sequence
from typing import Any

from langchain_core.messages import BaseMessage, ToolMessage

from chains.extractive.columns_named import columns_of
from chains.extractive.reply import Call
from chains.extractive.statistics_asked import asked_statistics, is_time
from chains.extractive.terms import terms
from chains.forms import FindingDraft, FindingsDraft
from tools.blocks import read_block
from tools.evidence_text import ShownPassage, parse_evidence

_MOST_CALLS = 16
"""Computations of one table."""
_GRAVE = (
    "Simpson's paradox",
    "Multicollinearity",
    "Ill-conditioned",
    "Outliers",
    "Decisive",
    "The fit goes through",
    "The groups hold the same cases",
    "Each row seems to stand",
    "The variance grows",
    "Values are missing",
)
"""How warnings begin that may turn an answer round."""


def step(task: dict[str, Any], messages: Sequence[BaseMessage], tools: Sequence[str]) -> list[Call]:
    """The next calls: load, then compute, then the findings."""
    results = [message for message in messages if isinstance(message, ToolMessage)]
    asked = " ".join(dict.fromkeys([str(task["question"]), *map(str, task["questions"])]))
    if not results:
        return [Call("load_data", {"table": table}) for table in task.get("tables") or []] or [_findings(task, [])]
    loaded = [read_block(message.text, "table") for message in results if message.name == "load_data"]
    if all(message.name == "load_data" for message in results):
        methods = (task.get("specialisation") or {}).get("methods")
        calls = [call for table in loaded if table for call in computations(table, asked)]
        calls = [call for call in calls if call.name in tools and _is_among(call, methods)]
        return calls or [_findings(task, [])]
    computed = [message for message in results if message.name != "load_data"]
    return [_findings(task, [passage for message in computed for passage in parse_evidence(message.text)])]


def _is_among(call: Call, methods: Sequence[str] | None) -> bool:
    return methods is None or call.name != "run_statistics" or call.args["method"] in methods


def computations(table: dict[str, Any], asked: str) -> list[Call]:
    """What the question asks for by name; else what is worth computing from one table: over time, between groups, or
    between two columns.
    """
    named = asked_statistics(asked, table)
    if named:
        numeric = {column.name for column in columns_of(table) if column.is_number}
        chart = next((call for ask in named if (call := _chart_of(ask, numeric)) is not None), None)
        return [*(Call("run_statistics", ask) for ask in named[:_MOST_CALLS]), *([chart] if chart else [])]
    columns = columns_of(table)
    along = next((column for column in columns if is_time(column)), None)
    numbers = sorted(
        (column for column in columns if column.is_number and column is not along),
        key=lambda column: -len(set(terms(column.name)) & set(terms(asked))),
    )
    if not numbers:
        return []
    name, value = str(table["table"]), numbers[0].name
    described = _statistic("describe", name, values=value)
    group = next((column for column in columns if column.kind == "text" and column.makes_groups()), None)
    if along:
        trend = _statistic("trend", name, values=value, x=[along.name])
        return [described, trend, _chart("line", name, along.name, value, trend=along.is_number)]
    if group:
        compared = _statistic("groups", name, values=value, groups=group.name)
        return [described, compared, _chart("bar", name, group.name, value)]
    if len(numbers) > 1:
        x = numbers[1].name
        correlated = _statistic("correlation", name, values=value, x=[x])
        return [described, correlated, _chart("scatter", name, x, value)]
    return [described, _chart("histogram", name, value, value)]


def _statistic(method: str, table: str, **columns: Any) -> Call:
    return Call("run_statistics", {"table": table, "method": method, **columns})


def _chart_of(ask: dict[str, Any], numeric: Collection[str]) -> Call | None:
    """The picture of a computation, if it has one; a line is fitted only over one of the columns of numbers."""
    table, values, x = str(ask["table"]), ask.get("values"), ask.get("x") or []
    if ask["method"] in ("trend", "period", "season", "change_points") and x:
        return _chart("line", table, x[0], str(values), trend=ask["method"] == "trend" and x[0] in numeric)
    if ask["method"] in ("correlation", "regression") and len(x) == 1:
        return _chart("scatter", table, x[0], str(values))
    if ask["method"] in ("groups", "anova", "paired"):
        return _chart("bar", table, ask["groups"], str(values))
    return None


def _chart(kind: str, table: str, x: str, y: str, *, trend: bool = False) -> Call:
    title = f"{y} by {x}" if x != y else y
    drawn = [y] if x != y else []
    asked = {"table": table, "kind": kind, "x": x, "y": drawn, "title": title[0].upper() + title[1:]}
    return Call("make_chart", asked | ({"trend": True} if trend else {}))


def _findings(task: dict[str, Any], passages: Sequence[ShownPassage]) -> Call:
    """Every computed figure as one finding, and every grave warning as another, under the question that shares most
    words with it. A test says more than a description, and a chart says nothing that they do not.
    """
    questions = [str(question) for question in task["questions"]]
    figures = {passage.id: passage for passage in passages if " chart(" not in passage.where}
    found = [
        FindingDraft(
            text=text,
            passages=[passage.id],
            topic=_topic(passage.text, questions),
            confidence=0.8 if "describe(" in passage.where else 0.9,
        )
        for passage in figures.values()
        for text in (_first(passage.text), *_warnings(passage.text))
    ]
    return Call("FindingsDraft", FindingsDraft(findings=found).model_dump())


def _warnings(text: str) -> list[str]:
    """What a computation says against itself, as far as it concerns the answer: not that values are few or missing."""
    lines = [line.removeprefix("Warning: ") for line in text.split("\n") if line.startswith("Warning: ")]
    return [line for line in lines if line.startswith(_GRAVE)]


def _first(text: str) -> str:
    """The sentence of a computation; its figures, assumptions and method follow on lines of their own."""
    sentence = " ".join(text.partition("\n")[0].split())
    begins = sentence.partition(" ")[0]
    return sentence[:1].upper() + sentence[1:] if begins.isalpha() else sentence


def _topic(text: str, questions: Sequence[str]) -> str:
    held = set(terms(text))
    return max(questions, key=lambda question: len(held & set(terms(question))), default="")
