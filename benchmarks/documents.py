"""Which documents are read and which are refused, and how long a folder takes the first and the second time.

    python -m benchmarks.documents [--data FOLDER] [--folder FOLDER]

The first table compares what is read from the data set's documents with its manifest: the status, and strings that
must, or must not, be found (white space aside). With `--folder` all that lies there is read into a new local
database: wall seconds, and CPU seconds of this process and of the readers that it started.
"""

import argparse
import asyncio
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
from tools.documents.extracted import squeeze
from tools.documents.formats import format_of
from tools.documents.reading import read_document, read_sources
from tools.memory import SystemClock
from tools.search.index import build_index


def judged(data: Path, entry: dict[str, Any]) -> tuple[str, list[str]]:
    """How a document of the manifest was read (ok, no_text, encrypted, error), and what is wrong with that."""
    path = data / "documents" / entry["file"]
    try:
        document = read_document(path.read_bytes(), path.name, format_of(path.name))
    except EncryptedSource:
        status, text = "encrypted", ""
    except NoText:
        status, text = "no_text", ""
    except SourceError:
        status, text = "error", ""
    else:
        status = "ok"
        pieces = (piece for passage in document.passages for piece in (*passage.locator.heading, passage.text))
        text = squeeze(" ".join([document.source.title, *pieces]))
    faults = [f"is {status}, should be {entry['expect']}"] if status != entry["expect"] else []
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
    if options.folder is None:
        compare(options.data)
    else:
        with tempfile.TemporaryDirectory() as home:
            Path(home).chmod(0o755)  # a root process runs the server as another user
            asyncio.run(read_folder(options.folder, Path(home)))


if __name__ == "__main__":
    parser = datasets.parser(__doc__)
    parser.add_argument("--folder", type=datasets.folder, help="time the reading of this folder instead")
    main(parser.parse_args())
