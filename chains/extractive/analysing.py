"""An analysis agent by rule: load each table, describe and test the columns that the question is about, draw one chart
a table, and report what was computed in the words of the computation."""

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage, ToolMessage

from chains.extractive.reply import Call
from chains.extractive.terms import terms
from chains.forms import FindingDraft, FindingsDraft
from tools.blocks import read_block
from tools.evidence_text import ShownPassage, parse_evidence

_TIME = frozenset({"year", "date", "month", "day", "quarter", "week", "time"})
_MOST_GROUPS = 12


def step(task: dict[str, Any], messages: Sequence[BaseMessage], tools: Sequence[str]) -> list[Call]:
    """The next calls: load, then compute, then the findings."""
    results = [message for message in messages if isinstance(message, ToolMessage)]
    asked = " ".join([str(task["question"]), *map(str, task["questions"])])
    if not results:
        return [Call("load_data", {"table": table}) for table in task.get("tables") or []] or [_findings(task, [])]
    loaded = [read_block(message.text, "table") for message in results if message.name == "load_data"]
    if all(message.name == "load_data" for message in results):
        calls = [call for table in loaded if table for call in computations(table, asked)]
        return calls or [_findings(task, [])]
    computed = [message for message in results if message.name != "load_data"]
    return [_findings(task, [passage for message in computed for passage in parse_evidence(message.text)])]


def computations(table: dict[str, Any], asked: str) -> list[Call]:
    """What is worth computing from one table: over time, between groups, or between two columns."""
    columns = list(table["columns"])
    along = next((column for column in columns if _is_time(column)), None)
    numbers = sorted(
        (column for column in columns if column["type"] == "number" and column is not along),
        key=lambda column: -len(set(terms(column["name"])) & set(terms(asked))),
    )
    if not numbers:
        return []
    name, value = str(table["table"]), str(numbers[0]["name"])
    calls = [Call("describe_data", {"table": name, "column": value})]
    group = next((c for c in columns if c["type"] == "text" and 2 <= int(c["distinct"]) <= _MOST_GROUPS), None)
    if along:
        x = str(along["name"])
        return [
            *calls,
            Call("test_trend", {"table": name, "x": x, "y": value}),
            _chart("line", name, x, value, trend=True),
        ]
    if group:
        by = str(group["name"])
        return [
            *calls,
            Call("test_groups", {"table": name, "value": value, "group": by}),
            _chart("bar", name, by, value),
        ]
    if len(numbers) > 1:
        x = str(numbers[1]["name"])
        return [
            *calls,
            Call("test_correlation", {"table": name, "x": x, "y": value}),
            _chart("scatter", name, x, value),
        ]
    return [*calls, _chart("histogram", name, value, value)]


def _is_time(column: dict[str, Any]) -> bool:
    return column["type"] == "date" or bool(_TIME & set(str(column["name"]).lower().replace("_", " ").split()))


def _chart(kind: str, table: str, x: str, y: str, *, trend: bool = False) -> Call:
    title = f"{y} by {x}" if x != y else y
    drawn = [y] if x != y else []
    asked = {"table": table, "kind": kind, "x": x, "y": drawn, "title": title[0].upper() + title[1:]}
    return Call("make_chart", asked | ({"trend": True} if trend else {}))


def _findings(task: dict[str, Any], passages: Sequence[ShownPassage]) -> Call:
    """Every computed figure as one finding, under the question that shares most words with it. A test says more than
    a description, and a chart says nothing that they do not.
    """
    questions = [str(question) for question in task["questions"]]
    figures = {passage.id: passage for passage in passages if " chart(" not in passage.where}
    found = [
        FindingDraft(
            text=_first(passage.text),
            passages=[passage.id],
            topic=_topic(passage.text, questions),
            confidence=0.8 if "describe(" in passage.where else 0.9,
        )
        for passage in figures.values()
    ]
    return Call("FindingsDraft", FindingsDraft(findings=found).model_dump())


def _first(text: str) -> str:
    """The sentence of a computation; its figures, assumptions and method follow on lines of their own."""
    sentence = " ".join(text.partition("\n")[0].split())
    begins = sentence.partition(" ")[0]
    return sentence[:1].upper() + sentence[1:] if begins.isalpha() else sentence


def _topic(text: str, questions: Sequence[str]) -> str:
    held = set(terms(text))
    return max(questions, key=lambda question: len(held & set(terms(question))), default="")
