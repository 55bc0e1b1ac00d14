"""How many questions about data the analysis agent answers with the right figures, scripted and extractive.

    python -m benchmarks.cards [--data FOLDER]

Each card is a file, a question and the known answer. The real agent works with its real tools, in memory. A gold value
is reached if a finding cites a computation with the figure of that name (`benchmarks/card_plans.py`) within the card's
tolerance; it is stated if a number within tolerance stands in the text of a finding. A card is right if all its gold
values are reached. A trap is told if a cited computation warns of it, or is avoided by the right figures.
Cards without a plan are left out.
"""

import argparse
import asyncio
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from agents.analysis import analyse
from agents.kit import open_kit
from benchmarks import datasets
from benchmarks.card_plans import PLANS, CardPlan
from chains.fake.script import FakeScript
from chains.forms import FindingsDraft
from chains.models import ModelDoor
from chains.scope import open_scope
from state.context import RunContext
from state.evidence import Collection, Passage
from state.ports import Ports
from state.research import Branch, BranchTask
from tools.analysis_tools import analysis_tools
from tools.documents.reading import read_sources
from tools.memory import memory_ports

_NUMBER = re.compile(r"-?\d[\d,]*\.?\d*(?:e[+-]?\d+)?")


class Outcome(NamedTuple):
    """What an agent made of one card."""

    card: str
    values: int
    reached: int
    stated: int
    trap: bool
    """Whether the trap was told, or there is none to tell."""
    missed: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether all values were reached."""
        return self.reached == self.values


async def outcome(card: dict[str, Any], folder: Path, model: str) -> Outcome:
    """Lets the analysis agent answer a card: `model` is `scripted` or `extractive`."""
    plan = PLANS[card["id"]]
    path = folder / card["file"]
    scripts = {"analyst": await _script(card, plan, path)} if model == "scripted" else {}
    ports = memory_ports(ModelDoor({}, {}, scripts))
    collection = await read_sources([str(path)], ports.passages, ports.artifacts)
    findings = await _answered(
        ports, collection, card["question"], "fake/analyst" if model == "scripted" else "extractive"
    )
    cited = {each for finding in findings.findings for each in finding.passages}
    passages = {passage.id: passage for passage in await ports.passages.get(sorted(cited))}
    return _judged(card, plan, findings, passages)


async def _answered(ports: Ports, collection: Collection, question: str, model: str) -> FindingsDraft:
    kit, context = open_kit(ports), RunContext(default_model=model)
    branch = Branch(id="figures", kind="analysis", focus="figures", questions=(question,), tables=collection.tables)
    task = BranchTask(
        branch=branch, question=question, collection=collection, round=0, wave=("figures",), guidance=(), prior=()
    )
    scope = open_scope(ports, kit.spending, "branches/figures/0", context, branch.limits, lambda progress: None)
    return await analyse(kit, scope, task, context, await kit.team.of_branch(branch, context))


async def _script(card: dict[str, Any], plan: CardPlan, path: Path) -> FakeScript:
    """Load, compute, report: the ids of passages follow from their content, so they are known from a first run."""
    ports = memory_ports(ModelDoor({}, {}))
    collection = await read_sources([str(path)], ports.passages, ports.artifacts)
    (table,) = collection.tables
    tools = {tool.name: tool for tool in analysis_tools(ports, collection)}
    calls = [{"name": "run_statistics", "args": {"table": table, **call}} for call in plan.calls]
    findings = []
    for call in calls:
        message = await tools["run_statistics"].ainvoke({"type": "tool_call", "id": "1", **call})
        for passage in await ports.passages.get(message.artifact["passages"]):
            text = passage.text.partition("\n")[0]
            findings.append({"text": text, "passages": [passage.id], "topic": card["question"], "confidence": 0.9})
    steps = [
        {"turn": 0, "tool_calls": [{"name": "load_data", "args": {"table": table}}]},
        {"turn": 1, "tool_calls": calls},
        {"turn": 2, "structured": {"FindingsDraft": {"findings": findings}}},
    ]
    return FakeScript.model_validate({"steps": steps})


def _judged(card: dict[str, Any], plan: CardPlan, findings: FindingsDraft, passages: dict[str, Passage]) -> Outcome:
    figures = [(name, value) for passage in passages.values() for name, value in _figures(passage)]
    reached = [key for key, gold in card["gold"].items() if _among(plan.figures[key], gold, card["rel_tol"], figures)]
    numbers = [number for finding in findings.findings for number in _NUMBER.findall(finding.text)]
    words = " ".join(finding.text for finding in findings.findings).split()
    stated = [key for key in reached if _stands(card["gold"][key], card["rel_tol"], numbers, words)]
    warned = any(
        line.startswith("Warning: ") and plan.trap in line for p in passages.values() for line in p.text.split("\n")
    )
    return Outcome(
        card["id"],
        len(card["gold"]),
        len(reached),
        len(stated),
        warned if plan.trap else len(reached) == len(card["gold"]),
        tuple(key for key in card["gold"] if key not in reached),
    )


def _figures(passage: Passage) -> list[tuple[str, str]]:
    """The figures of a computed passage; none of a passage that was read."""
    line = next((each for each in passage.text.split("\n") if each.startswith("Figures: ")), "")
    if not passage.locator.computed or not passage.locator.cells:
        return []
    parts = line.removeprefix("Figures: ").rstrip(".").split("; ")
    return [(name, value) for part in parts for name, equals, value in [part.partition(" = ")] if equals]


def _among(name: str, gold: float | str, tolerance: float, figures: Sequence[tuple[str, str]]) -> bool:
    return any(name == each and _equal(value, gold, tolerance) for each, value in figures)


def _equal(value: str, gold: float | str, tolerance: float) -> bool:
    if isinstance(gold, str):
        return value == gold
    try:
        return abs(float(value.replace(",", "")) - gold) <= tolerance * abs(gold)
    except ValueError:
        return False


def _stands(gold: float | str, tolerance: float, numbers: Sequence[str], words: Sequence[str]) -> bool:
    if isinstance(gold, str):
        return gold in words
    # In an equation the sign stands apart from the number.
    return any(_equal(number.rstrip(",."), each, tolerance) for number in numbers for each in (gold, abs(gold)))


async def _all(cards: Sequence[dict[str, Any]], folder: Path) -> None:
    for model in ("scripted", "extractive"):
        found = [await outcome(card, folder, model) for card in cards]
        print(f"{model:24} values  reached  stated  trap told")
        for each in found:
            missed = f"  missed: {', '.join(each.missed)}" if each.missed else ""
            told = "yes" if each.trap else "NO"
            print(f"{each.card:24} {each.values:6} {each.reached:8} {each.stated:7}  {told}{missed}")
        values, reached = sum(each.values for each in found), sum(each.reached for each in found)
        stated = sum(each.stated for each in found)
        right, traps = sum(each.right for each in found), sum(each.trap for each in found)
        print(
            f"{right} of {len(found)} cards right; {reached} of {values} values reached, {stated} stated; "
            f"{traps} of {len(found)} traps told or avoided\n"
        )


def main(options: argparse.Namespace) -> None:
    """Prints a table for each model."""
    listed = options.data / "analysis" / "cards.json"
    if not listed.is_file():
        raise SystemExit(f"{listed} is not there: name the folder of the data sets with --data.")
    cards = [card for card in json.loads(listed.read_text(encoding="utf-8")) if card["id"] in PLANS]
    asyncio.run(_all(cards, listed.parent))


if __name__ == "__main__":
    main(datasets.parser(__doc__).parse_args())
