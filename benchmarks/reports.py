"""How good are the reports of the model that needs no key? The compiled research graph answers questions over corpora
with known evidence, and the scorer that comes with the data sets reads the Markdown that it publishes.

    python -m benchmarks.reports [--set mhqa] [--limit 100] [--seed 1] [--half a] [--show 3] [--data FOLDER]

One setting for all sets. A set's corpus is indexed once; each question is a run of its own, in memory. Where a
question has no answer in the corpus (no evidence is known for it), the right report claims nothing.
"""

import asyncio
import hashlib
import random
import re
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agents.kit import Kit, open_kit
from benchmarks.datasets import json_lines, parser, script
from chains.models import ModelDoor
from chains.scope import Spending
from graphs.research import build
from state.context import RunContext
from state.evidence import Collection, Locator, Passage, SkippedSource, Source, content_id
from state.ports import Passages, Ports
from tools.memory import MemoryPassages, collection_of, memory_ports

SETS = ("mhqa", "mhr_lite")
SHOWN = {
    "fact recall": "fact_recall",
    "evidence F1": "evidence_f1",
    "source recall": "source_recall",
    "gold of cited": "gold_share_of_cited",
    "cit. precision": "citation_precision",
    "dangling": "dangling",
    "answer": "answer_in_report",
}
"""Columns of the table, and what the scorer calls them."""
_ENTRY = re.compile(r"^- \[(\d+)\] .*?[`*]?((?:d|a)[0-9a-f]{10})\b", re.MULTILINE)


class Corpus(MemoryPassages):
    """A store that holds one corpus; whatever sources a run names, it gets that corpus."""

    def __init__(self, documents: Sequence[dict[str, Any]], text: Any) -> None:
        super().__init__()
        pairs = [_document(each, text(each)) for each in documents]
        self._all_sources = sorted((source for source, _ in pairs), key=lambda source: source.uri)
        self._all_passages = [passage for _, passage in sorted(pairs, key=lambda pair: pair[0].uri)]
        self._collection = collection_of(self._all_sources, (), len(self._all_passages))
        self._by_id = {passage.id: passage for passage in self._all_passages}

    async def gather(self, sources: Sequence[Source], skipped: Sequence[SkippedSource]) -> Collection:
        """The whole corpus."""
        return self._collection

    async def sources(self, collection_id: str) -> Sequence[Source]:
        """All documents."""
        return self._all_sources

    async def passages(self, collection_id: str) -> Sequence[Passage]:
        """One passage a document."""
        return self._all_passages

    async def get(self, ids: Sequence[str]) -> Sequence[Passage]:
        """The passages with these ids."""
        return [self._by_id[key] for key in ids if key in self._by_id]


def _document(record: dict[str, Any], text: str) -> tuple[Source, Passage]:
    """A document of a corpus as a source with one passage, the text without the title line."""
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    source = Source(
        id=content_id("s", record["id"], sha256),
        uri=f"{record['id']}.md",
        title=record["title"],
        kind="markdown",
        sha256=sha256,
        size=len(text.encode()),
        date=record["published_at"][:10] if "published_at" in record else None,
    )
    body = text.partition("\n")[2]
    return source, Passage.make(source.id, Locator(), body)


@dataclass(frozen=True)
class Outcome:
    """What became of one question."""

    question: dict[str, Any]
    report: str
    scores: dict[str, float | None]
    seconds: float
    """CPU time of the run."""
    established: bool
    unused: int
    """Listed sources that no sentence cites."""


async def run_one(question: dict[str, Any], shared: Kit, scorer: Any) -> Outcome:
    """One question, from the graph's first step to the score of its report."""
    ports = _ports(shared.ports.passages, question["id"])
    kit = replace(shared, ports=ports, spending=Spending(ports.journal))
    started = time.process_time()
    graph = build(ports, kit).compile()
    state = await graph.ainvoke({"question": question["question"], "sources": []}, context=RunContext())
    seconds = time.process_time() - started
    report = (await ports.artifacts.get(state["report"].sha256)).decode()
    sources = {int(number): document for number, document in _ENTRY.findall(report.rpartition("\n## Sources")[2])}
    scores = scorer.score(question, {"report": report, "sources": sources})
    body = report.rpartition("\n## Sources")[0]
    unused = sum(f"[{number}]" not in body for number in sources)
    return Outcome(question, report, scores, seconds, state["outcome"] == "published", unused)


def _ports(corpus: Passages, run_id: str) -> Ports:
    """The seams of one run over the corpus."""
    return replace(memory_ports(ModelDoor({}, {}), run_id=run_id), passages=corpus)


async def run_set(name: str, chosen: Namespace) -> list[Outcome]:
    """The chosen questions of one set, one after another."""
    folder = chosen.data / "retrieval" / name
    documents = list(json_lines(folder / "corpus.jsonl"))
    questions = select(list(json_lines(folder / "queries.jsonl")), chosen)
    text = script(chosen.data, "rmetrics").doc_text
    scorer = script(chosen.data, "report_score").Scorer(documents, text)
    corpus = Corpus(documents, text)
    shared = open_kit(_ports(corpus, name))
    await shared.search(RunContext()).get((await corpus.gather((), ())).id)
    return [await run_one(question, shared, scorer) for question in questions]


def select(questions: list[dict[str, Any]], chosen: Namespace) -> list[dict[str, Any]]:
    """The half that was asked for (by a hash of the id), then a random sample of it."""
    if chosen.half:
        wanted = chosen.half == "a"
        questions = [each for each in questions if (hashlib.sha256(each["id"].encode()).digest()[0] < 128) == wanted]
    if chosen.limit and chosen.limit < len(questions):
        return random.Random(chosen.seed).sample(questions, chosen.limit)
    return questions


def table(name: str, outcomes: Sequence[Outcome]) -> str:
    """The means as two lines of a Markdown table's body: questions with evidence, and those without."""
    known = [each for each in outcomes if each.question["gold_doc_ids"]]
    open_ = [each for each in outcomes if not each.question["gold_doc_ids"]]
    means = [_mean([each.scores[key] for each in known]) for key in SHOWN.values()]
    quiet = f"{sum(not each.established for each in open_)} of {len(open_)}" if open_ else "-"
    lost = sum(not each.established for each in known)
    seconds = sum(each.seconds for each in outcomes) / max(1, len(outcomes))
    unused = sum(each.unused for each in outcomes)
    cells = [name, str(len(known)), *means, str(unused), str(lost), quiet, f"{seconds:.2f}"]
    return f"| {' | '.join(cells)} |"


def _mean(values: Sequence[float | None]) -> str:
    numbers = [value for value in values if value is not None]
    return f"{sum(numbers) / len(numbers):.3f}" if numbers else "-"


def header() -> str:
    """The head of the table."""
    names = ["set", "questions", *SHOWN, "unused", "not established", "no answer: said so", "CPU s"]
    return f"| {' | '.join(names)} |\n|{'---|' * len(names)}"


def _parser() -> ArgumentParser:
    made = parser(__doc__)
    made.add_argument("--set", choices=SETS, action="append", help="a set of questions (default: all)")
    made.add_argument("--limit", type=int, default=0, help="questions of each set, chosen at random (default: all)")
    made.add_argument("--seed", type=int, default=1, help="of that choice (default: %(default)s)")
    made.add_argument("--half", choices=("a", "b"), help="only one half of the questions")
    made.add_argument("--save", type=Path, help="a folder for the reports")
    return made


def main() -> None:
    """Prints the table."""
    chosen = _parser().parse_args()
    print(header())
    for name in chosen.set or SETS:
        outcomes = asyncio.run(run_set(name, chosen))
        print(table(name, outcomes), flush=True)
        if chosen.save:
            chosen.save.mkdir(parents=True, exist_ok=True)
            for each in outcomes:
                (chosen.save / f"{each.question['id']}.md").write_text(each.report, encoding="utf-8")


if __name__ == "__main__":
    main()
