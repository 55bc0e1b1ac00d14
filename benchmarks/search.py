"""How well search finds what questions need, on three collections that others wrote, and what it costs.

    python -m benchmarks.search [--data FOLDER] [--halves] [--embeddings MODEL [--vectors FILE]]

Each document of a collection is one passage of a source with the document's title, so that figures compare with those
of other systems. All@10: all documents that the question needs are among the first ten. `--halves` shows each figure
for two halves of the questions, split by a hash of their ids: a setting that helps only one of them is chance.
`--embeddings` adds search by meaning: minilm (the extra `embeddings`), or openai/MODEL behind --server ADDRESS. Vectors
are computed once and kept in FILE; for the largest collection minilm takes about a quarter of an hour of CPU.
Costs are CPU seconds of this process, without those of the vectors of passages.
"""

import argparse
import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import datasets
from benchmarks.vectors import FileVectors
from chains.models import ModelDoor, ProviderSettings
from state.evidence import Locator, Passage
from state.ports import Embeddings
from tools.search.index import Embedded, SearchIndex, build_index, indexed_text
from tools.search.vectors import vectors_of

SETS = ("mhqa", "mhr_lite", "anthropic_docs")
LIMIT = 10

Row = dict[str, Any]


@dataclass(frozen=True)
class Retrieval:
    """One collection with its questions."""

    name: str
    documents: list[Row]
    questions: list[Row]

    def passages(self) -> tuple[list[Passage], dict[str, str]]:
        """One passage for each document under its id, and the titles by source."""
        made = [
            Passage(id=row["id"], source_id=row["id"], locator=Locator(), text=_text(row)) for row in self.documents
        ]
        return made, {row["id"]: row["title"] for row in self.documents}


def load(data: Path, name: str) -> Retrieval:
    """The collection `retrieval/NAME`."""
    folder = data / "retrieval" / name
    return Retrieval(
        name,
        list(datasets.json_lines(folder / "corpus.jsonl")),
        [row for row in datasets.json_lines(folder / "queries.jsonl") if row["gold_doc_ids"]],
    )


def _text(row: Row) -> str:
    """The text as the data sets' scorer sees it, without the title."""
    origin = f"Source: {row['source']}\nPublished: {row['published_at'][:10]}\n" if "source" in row else ""
    return f"{origin}{row['text']}"


def ranked(index: SearchIndex, questions: Sequence[Row]) -> dict[str, list[str]]:
    """The ids of the first ten passages for each question."""
    return {row["id"]: [hit.passage_id for hit in index.search(row["question"], LIMIT)] for row in questions}


def half(question: Row) -> int:
    """0 or 1, from a hash of the id."""
    return hashlib.sha256(question["id"].encode()).digest()[0] % 2


def reciprocal_rank(questions: Sequence[Row], found: dict[str, list[str]], depth: int) -> float:
    """The mean of 1 / rank of the first document that is needed, 0 if none is among the first `depth`."""
    ranks = []
    for row in questions:
        hits = [n for n, key in enumerate(found[row["id"]][:depth], 1) if key in row["gold_doc_ids"]]
        ranks.append(1 / hits[0] if hits else 0.0)
    return sum(ranks) / len(ranks)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = datasets.parser(__doc__)
    parser.add_argument("--halves", action="store_true", help="show two halves of the questions apart")
    parser.add_argument("--embeddings", metavar="MODEL", help="minilm, or openai/MODEL with --server")
    parser.add_argument("--server", metavar="ADDRESS", help="address of an OpenAI-compatible server")
    parser.add_argument("--vectors", type=Path, metavar="FILE", help="where vectors are kept (default: nowhere)")
    return parser.parse_args()


def embeddings(chosen: argparse.Namespace) -> Embeddings | None:
    """The embedding model that was asked for."""
    if chosen.embeddings is None:
        return None
    providers = {"openai": ProviderSettings(base_url=chosen.server)} if chosen.server else {}
    return Embeddings(ModelDoor(providers, {}).embedder(chosen.embeddings), FileVectors(chosen.vectors))


def embedded(passages: Sequence[Passage], titles: dict[str, str], model: Embeddings | None) -> Embedded | None:
    """The vectors of the passages, if there is a model."""
    if model is None:
        return None
    texts = {passage.id: indexed_text(passage, titles) for passage in passages}
    return Embedded(model.embedder, asyncio.run(vectors_of(texts, model, lambda done: print(done, flush=True))))


def main() -> None:
    """Prints the table."""
    chosen = arguments()
    metrics = datasets.script(chosen.data, "rmetrics")
    model = embeddings(chosen)
    lines, costs = [], []
    for name in SETS:
        retrieval = load(chosen.data, name)
        passages, titles = retrieval.passages()
        vectors = embedded(passages, titles, model)
        start = time.process_time()
        index = build_index(passages, titles, vectors)
        built = time.process_time()
        found = ranked(index, retrieval.questions)
        ended = time.process_time()
        costs.append((name, len(passages) / (built - start), len(retrieval.questions) / (ended - built)))
        parts = [(name, retrieval.questions)]
        if chosen.halves:
            parts += [(f"  half {n}", [row for row in retrieval.questions if half(row) == n]) for n in (0, 1)]
        for label, questions in parts:
            score = metrics.score(questions, retrieval.documents, found)
            figures = (
                score["All@10"],
                score["R@5"],
                score["MRR@10"],
                reciprocal_rank(questions, found, 3),
                score["R@3"],
            )
            lines.append(f"{label:22}{''.join(f'{figure:8.3f}' for figure in figures)}{len(questions):6}")
    print(f"{'':22}{'All@10':>8}{'R@5':>8}{'MRR@10':>8}{'MRR@3':>8}{'R@3':>8}{'n':>6}", *lines, sep="\n")
    print(f"\n{'per CPU second':22}{'passages indexed':>18}{'queries':>10}")
    for name, indexed, asked in costs:
        print(f"{name:22}{indexed:18.0f}{asked:10.0f}")


if __name__ == "__main__":
    main()
