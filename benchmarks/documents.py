"""Which documents are read and which are refused, and how long a folder takes the first and the second time.

    python -m benchmarks.documents [--data FOLDER] [--folder FOLDER | --fuzz NUMBER]

The first table compares what is read from the data set's documents with its manifest: the status, and strings that
must, or must not, be found (white space aside). With `--folder` all that lies there is read into a new local
database: wall seconds, and CPU seconds of this process and of the readers that it started. With `--fuzz` so many
broken copies of the documents, and of a small one of each format, are read as a run reads them, the tables too (a
stand-in reads pictures): how many were read, refused, took too long, or ended the process that read them, and the most
memory of such a process.
"""

import argparse
import asyncio
import json
import random
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks import datasets
from chains.models import ModelDoor
from graphs.catalog import CATALOG
from run_workflow.engine.engine import Engine
from run_workflow.fence import Fence
from run_workflow.postgres.database import DatabaseSettings, open_database
from run_workflow.stores.artifacts import PostgresArtifacts
from run_workflow.stores.passages import PostgresPassages
from state.context import RunContext
from state.errors import EncryptedSource, NoText, SourceError
from state.evidence import Passage
from tests.tools.document_samples import MAKERS, mutant, sample
from tests.tools.ocr_engine import stand_in, words_seen
from tools.documents.extracted import squeeze
from tools.documents.formats import FORMATS, format_of
from tools.documents.isolation import Readers, Request
from tools.documents.reading import read_document, read_sources
from tools.memory import SystemClock
from tools.search.index import build_index

_BAD = ("longer than", "broke off", "too much memory")
"""In the reasons why a document was not read: what its reader was ended for, or refused, or that it ended itself."""


def judged(data: Path, entry: dict[str, Any]) -> tuple[str, list[str]]:
    """How a document of the manifest was read (ok, no_text, encrypted, error), and what is wrong with that.

    A scan may be read where an engine for it is installed.
    """
    path = data / "documents" / entry["file"]
    passages: Sequence[Passage] = ()
    try:
        document = read_document(path.read_bytes(), path.name, format_of(path.name))
    except EncryptedSource:
        status, text = "encrypted", ""
    except NoText:
        status, text = "no_text", ""
    except SourceError:
        status, text = "error", ""
    else:
        status, passages = "ok", document.passages
        pieces = (piece for passage in passages for piece in (*passage.locator.heading, passage.text))
        text = squeeze(" ".join([document.source.title, *pieces]))
    is_seen = entry["expect"] == "no_text" and status == "ok" and all(each.locator.ocr for each in passages)
    faults = [f"is {status}, should be {entry['expect']}"] if status != entry["expect"] and not is_seen else []
    if status == "ok":
        faults += [f"lacks {wanted!r}" for wanted in entry["must_find"] if squeeze(wanted) not in text]
        faults += [f"holds {unwanted!r}" for unwanted in entry["must_not_find"] if unwanted in text]
    return status, faults


def compare(data: Path) -> None:
    """The documents of the manifest, a line each, and how many are right."""
    listed = data / "documents" / "manifest.json"
    if not listed.is_file():
        raise SystemExit(f"{listed} is not there: name the folder of the data sets with --data.")
    entries = json.loads(listed.read_text(encoding="utf-8"))
    right = 0
    for entry in entries:
        status, faults = judged(data, entry)
        right += not faults
        print(f"{Path(entry['file']).name:52} {status:10} {'; '.join(faults) or 'as the manifest says'}")
    print(f"\n{right} of {len(entries)} documents are as the manifest says.\n")


@dataclass
class Fuzzed:
    """What became of broken copies."""

    counts: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "")
    worst: list[str] = field(default_factory=list)
    """Those that ended their process, or took too long."""

    def add(self, name: str, seconds: float, reason: str) -> None:
        """Notes one reading."""
        bad = next((each for each in _BAD if each in reason), "")
        self.counts[bad or ("refused" if reason else "read")] += 1
        self.slowest = max(self.slowest, (seconds, name))
        self.worst += [name] if bad else []


async def fuzz(data: Path, number: int, seed: int) -> None:
    """Reads broken copies; what became of them, and the most memory that a reader took, is printed."""
    files = [path for path in sorted((data / "documents" / "files").glob("*")) if path.suffix in FORMATS]
    wholes = {path.name: path.read_bytes() for path in files} | {f"sample{each}": sample(each) for each in MAKERS}
    fuzzed = Fuzzed()
    async with Readers(many=True) as readers:
        for turn in range(number):
            name = sorted(wholes)[turn % len(wholes)]
            broken, format_ = mutant(wholes[name], random.Random(seed + turn)), format_of(name)
            started = time.perf_counter()
            outcome = await readers.read(broken, name, format_)
            fuzzed.add(f"{name} ({seed + turn})", time.perf_counter() - started, outcome.reason)
            started = time.perf_counter()
            found = await readers.tables(broken, Request(format_.kind, name, "table"))
            fuzzed.add(f"{name} ({seed + turn}), its table", time.perf_counter() - started, found.problem)
    for what, count in fuzzed.counts.most_common():
        print(f"{what:40} {count:8,}")
    print(f"{'slowest':40} {fuzzed.slowest[0]:8.1f} s, {fuzzed.slowest[1]}")
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{'most memory of a process that reads':40} {most:8.0f} MB")
    print("\n".join(fuzzed.worst))


def cpu_seconds() -> float:
    """CPU seconds of this process and of those that it started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Prints what the block took."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    yield
    print(f"{what:28} {time.perf_counter() - wall:7.2f} s   {cpu_seconds() - cpu:7.2f} CPU s")


async def read_folder(folder: Path, home: Path) -> None:
    """Reads a folder twice into a new database in `home`, and indexes it."""
    names = [str(folder)]
    async with open_database(DatabaseSettings(None, home)) as database:
        engine = Engine(database.pool, ModelDoor({}, {}), SystemClock(), CATALOG)
        run = await engine.start("research", {"question": "?", "sources": names}, RunContext(), actor="benchmark")
        fence = Fence(database.pool, run.id, 0)  # that of a run that nobody has worked on
        stored, artifacts = PostgresPassages(fence), PostgresArtifacts(fence)
        with timed("first reading"):
            await read_sources(names, stored, artifacts)
        with timed("second reading"):
            collection = await read_sources(names, stored, artifacts)
        with timed("passages from the database"):
            passages = await stored.passages(collection.id)
        with timed("index"):
            build_index(passages, {})
    print(f"\n{collection.sources:,} sources, {collection.passages:,} passages, {len(collection.skipped):,} skipped.")


def main(options: argparse.Namespace) -> None:
    """Prints the tables."""
    if options.fuzz:
        with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
            stand_in(Path(place), patch, words_seen("The lake is deep."))
            asyncio.run(fuzz(options.data, options.fuzz, options.seed))
    elif options.folder is None:
        compare(options.data)
    else:
        with tempfile.TemporaryDirectory() as home:
            Path(home).chmod(0o755)  # a root process runs the server as another user
            asyncio.run(read_folder(options.folder, Path(home)))


if __name__ == "__main__":
    parser = datasets.parser(__doc__)
    parser.add_argument("--folder", type=datasets.folder, help="time the reading of this folder instead")
    parser.add_argument("--fuzz", type=int, default=0, metavar="NUMBER", help="read so many broken copies instead")
    parser.add_argument("--seed", type=int, default=0, help="of the first copy (default: %(default)s)")
    main(parser.parse_args())
