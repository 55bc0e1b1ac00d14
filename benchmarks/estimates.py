"""Whether the estimate that is printed before a run holds what the run uses: scripted runs of 20 shapes.

    python -m benchmarks.estimates

Each line is one run of the research graph in memory, with a scripted model and one page of text. The estimate is made
as the command line makes it: from the limits and the kind of sources, before anything is known of the plan. The
scripted model counts a token for every four characters of messages and answers.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from chains.fake.script import FakeScript
from chains.models import ModelDoor
from graphs.coordination.estimate import USUAL_BRANCHES, RunEstimate, estimate_run
from graphs.research import build
from state.context import BranchLimits, GatePolicy, RunContext
from state.runs import Usage
from tools.documents.reading import read_sources
from tools.memory import memory_ports

MODEL = "fake/team"
PRICES = {MODEL: (1.0, 4.0)}
FACT = "The alpha bridge is 134 m high and was opened in 1932."
_TEXT = f"# Bridges\n\n{FACT}\n"
_TABLE = "year,span\n" + "".join(f"{2000 + year},{100 + 3 * year}\n" for year in range(20))
_PAGES = 40
"""Paragraphs about other bridges in the long text."""


@dataclass(frozen=True)
class Shape:
    """What a run is like."""

    name: str
    branches: int
    mode: str = "auto"
    searches: int = 1
    """How often a branch searches before it answers."""
    tables: int = 0
    """How many of the branches compute from a table."""
    silent: int = 0
    """How many find nothing, so that their questions are sent again."""
    revisions: int = 1
    misplanned: bool = False
    """The first plan has not the form that is asked for."""
    invented: bool = False
    """The writer invents a sentence, which is sent for repair."""
    rewritten: bool = False
    """The review sends the draft back once."""
    max_branches: int = 6
    long_text: bool = False
    limits: BranchLimits = field(default_factory=BranchLimits)


SHAPES = (
    Shape("one branch", 1),
    Shape("two branches", 2),
    Shape("three branches", 3),
    Shape("six branches", 6),
    Shape("three, sequential", 3, mode="sequential"),
    Shape("five, adaptive", 5, mode="adaptive"),
    Shape("twelve branches", 12, max_branches=12),
    Shape("twenty branches", 20, max_branches=20),
    Shape("many searches", 3, searches=6),
    Shape("up to the limit of calls", 2, searches=30, limits=BranchLimits(model_calls=8)),
    Shape("up to the limit of tokens", 2, searches=30, limits=BranchLimits(tokens=5_000)),
    Shape("a long text", 3, searches=4, long_text=True),
    Shape("a table", 2, tables=1),
    Shape("tables only", 3, tables=3),
    Shape("nothing found, sent again", 3, silent=1),
    Shape("nothing found, three rounds", 4, silent=3, revisions=3),
    Shape("planned twice", 3, misplanned=True),
    Shape("a sentence repaired", 3, invented=True),
    Shape("written twice", 3, rewritten=True),
    Shape("all of it", 6, searches=4, tables=2, silent=2, revisions=2, misplanned=True, invented=True, rewritten=True),
)


@dataclass(frozen=True)
class Outcome:
    """One run: what was said before, and what it used."""

    shape: Shape
    estimate: RunEstimate
    used: Usage

    @property
    def holds(self) -> bool:
        """Whether calls, tokens and money lie within the range."""
        low, high = self.estimate.low, self.estimate.high
        assert low.money is not None
        assert high.money is not None
        return (
            low.model_calls <= self.used.model_calls <= high.model_calls
            and low.tokens <= self.used.tokens <= high.tokens
            and low.money <= self.used.money <= high.money
        )


async def outcome(shape: Shape, folder: Path) -> Outcome:
    """Estimates and runs a shape, with its sources in `folder`."""
    sources = _write(shape, folder)
    script = FakeScript.model_validate({"steps": _steps(shape, await _passage(sources))})
    context = RunContext.model_validate(
        {
            "default_model": MODEL,
            "mode": shape.mode,
            "max_branches": shape.max_branches,
            "limits": shape.limits,
            "gate": GatePolicy(max_revisions=shape.revisions),
        }
    )
    usual = min(USUAL_BRANCHES, shape.max_branches)
    estimate = estimate_run(context, bool(shape.tables), (1, usual, shape.max_branches), PRICES.get)
    ports = memory_ports(ModelDoor({}, PRICES, {"team": script}))
    asked: Any = {"question": "How high is the alpha bridge?", "sources": sources}
    await build(ports).compile().ainvoke(asked, {"recursion_limit": 200}, context=context)
    return Outcome(shape, estimate, await ports.journal.usage())


def _write(shape: Shape, folder: Path) -> list[str]:
    others = "".join(
        f"\n## Bridge {page}\n\nThe alpha bridge is older than bridge {page}, which is {40 + page} m high and "
        f"carries {page + 2} lanes over a river whose banks are soft, so that its piers stand on long piles.\n"
        for page in range(_PAGES if shape.long_text else 0)
    )
    (folder / "bridges.md").write_text(_TEXT + others, encoding="utf-8")
    if shape.tables:
        (folder / "spans.csv").write_text(_TABLE, encoding="utf-8")
    return [str(folder)]


async def _passage(sources: list[str]) -> str:
    """The id of the passage with the fact; it is content, so that a script may name it before the run."""
    ports = memory_ports(ModelDoor({}, {}))
    collection = await read_sources(sources, ports.passages, ports.artifacts)
    return next(each.id for each in await ports.passages.passages(collection.id) if FACT in each.text)


def _steps(shape: Shape, passage: str) -> list[dict[str, Any]]:
    """The script: what each role answers, whoever comes first."""
    plan = [{"when": "PlanDraft", "structured": {"PlanDraft": _plan(shape)}, "repeat": "always"}]
    broken = {"when": "PlanDraft", "structured": {"PlanDraft": {"sub_questions": []}}}
    review = [_form("ReviewDraft", {"defects": [], "revise": False})]
    again = {"when": "ReviewDraft", "structured": {"ReviewDraft": {"defects": ["Say more."], "revise": True}}}
    branches = [step for number in range(shape.branches) for step in _branch(shape, number, passage)]
    return [
        *([broken] if shape.misplanned else []),
        *plan,
        *([again] if shape.rewritten else []),
        *review,
        *branches,
        _form("ReportDraft", _report(shape, passage)),
        _form("RepairDraft", {"sentences": [{"text": FACT, "passages": [passage]}]}),
    ]


def _plan(shape: Shape) -> dict[str, Any]:
    questions = [f"What of topic {number}?" for number in range(shape.branches)]
    return {
        "sub_questions": questions,
        "branches": [
            {
                "kind": "analysis" if number < shape.tables else "research",
                "focus": f"topic {number}",
                "questions": [question],
                "tables": ["spans.csv"] if number < shape.tables else [],
                "priority": 1 + number % 5,
            }
            for number, question in enumerate(questions)
        ],
    }


def _branch(shape: Shape, number: int, passage: str) -> list[dict[str, Any]]:
    """The steps of one branch: searches, then its findings."""
    question = f"What of topic {number}?"
    finding = {"text": FACT, "passages": [passage], "topic": question, "confidence": 0.9}
    found = [] if number >= shape.branches - shape.silent else [finding]
    use = {"name": "list_tables", "args": {}} if number < shape.tables else None
    shared = {"about": question, "when": "FindingsDraft", "repeat": "always"}
    searches = [
        {
            **shared,
            "turn": turn,
            "tool_calls": [use or {"name": "search_documents", "args": {"query": f"alpha bridge high {turn}"}}],
        }
        for turn in range(shape.searches)
    ]
    return [*searches, {**shared, "structured": {"FindingsDraft": {"findings": found}}}]


def _report(shape: Shape, passage: str) -> dict[str, Any]:
    sentences = [{"text": "The alpha bridge is 134 m high.", "passages": [passage]}]
    if shape.invented:
        sentences.append({"text": "The alpha bridge is 999 m high.", "passages": [passage]})
    return {"title": "Bridges", "sections": [{"heading": "Key findings", "sentences": sentences}]}


def _form(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"when": name, "structured": {name: arguments}, "repeat": "always"}


def _drawn(outcomes: Sequence[Outcome]) -> Table:
    """A line a run."""
    shown = Table("run", "calls: estimate", "used", "tokens: estimate", "used", "US$: estimate", "used", "holds")
    for each in outcomes:
        low, usual, high, used = each.estimate.low, each.estimate.typical, each.estimate.high, each.used
        shown.add_row(
            each.shape.name,
            f"{low.model_calls} … {usual.model_calls} … {high.model_calls}",
            str(used.model_calls),
            f"{low.tokens:,} … {usual.tokens:,} … {high.tokens:,}",
            f"{used.tokens:,}",
            f"{low.money:.4f} … {usual.money:.3f} … {high.money:.2f}",
            f"{used.money:.4f}",
            "yes" if each.holds else "NO",
        )
    return shown


async def _outcomes() -> list[Outcome]:
    """All shapes, run one after the other."""
    found = []
    for shape in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            found.append(await outcome(shape, Path(folder)))
    return found


def main() -> None:
    """Prints the table."""
    parsing = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parsing.add_argument("--json", action="store_true", help="print JSON instead of a table")
    wanted = parsing.parse_args()
    found = asyncio.run(_outcomes())
    if wanted.json:
        rows = [{"run": each.shape.name, **each.used.model_dump(), "holds": each.holds} for each in found]
        print(json.dumps(rows, indent=1))
        return
    Console(width=150).print(_drawn(found))
    print(f"{sum(each.holds for each in found)} of {len(found)} runs lie within their estimate.")


if __name__ == "__main__":
    main()
