"""A report with all that it rests on as one archive, which can be checked without the database.

The archive is a zip file:

- `report.md`, `report.html`: the report as it was published;
- `report.json`: what it was rendered from: sentences with their verdicts, claims, contradictions, estimates, what the
  quality gate measured, decisions of people; hashes of the prompts, and versions of the packages;
- `passages.json`, `sources.json`: every passage that it cites, those beside it, and the source that each stands in;
- `charts/`: each chart's picture, and its figures as CSV;
- `run.json`: the run itself: models, limits, calls, usage, approvals, audit events;
- `manifest.json`: the format, and size and SHA-256 of every other file.

The same contents always make the same bytes.
"""

import hashlib
import io
import json
import platform
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

from state.errors import BundleError
from state.evidence import ArtifactRef, Passage, Record, Source
from tools.report.rendering import render_html, render_markdown
from tools.report.view import ReportView

FORMAT = "stretto-bundle/1"
MANIFEST, RUN = "manifest.json", "run.json"
REPORT, MARKDOWN, PAGE, PASSAGES, SOURCES = "report.json", "report.md", "report.html", "passages.json", "sources.json"
CHARTS = "charts/"
MOST_BYTES = 500_000_000
"""Most that the files of a bundle may hold unpacked; more is refused unread."""
_PACKAGES = (
    "stretto",
    "langgraph",
    "langchain",
    "langchain-core",
    "langchain-openai",
    "bm25s",
    "pypdf",
    "pandas",
    "scipy",
)
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
)
"""What reading a zip file raises where its bytes are not as they were written."""
_BEGINNING = (1980, 1, 1, 0, 0, 0)
"""The time of every file: the earliest that a zip file can tell."""
_PASSAGES, _SOURCES = TypeAdapter(tuple[Passage, ...]), TypeAdapter(tuple[Source, ...])


class Provenance(Record):
    """What a report was made from and with."""

    view: ReportView
    prompts: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of each prompt by its name."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Version of each package that had a part in it, `stretto` among them."""


class Listed(Record):
    """A file as the manifest lists it."""

    size: int
    sha256: str


class Manifest(Record):
    """What a bundle holds."""

    format: str
    files: dict[str, Listed]


@cache
def package_versions() -> dict[str, str]:
    """The versions of the packages that have a part in a report; what is not installed is left out.

    They stay what they are while a process runs, and are looked up in a file for each.
    """
    found = {}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return {"python": platform.python_version(), **found}


def chart_files(view: ReportView) -> dict[str, ArtifactRef]:
    """The files of the charts of a report by hash: pictures and figures."""
    charts = view.merged.charts if view.merged else ()
    return {ref.sha256: ref for chart in charts for ref in (chart.image, chart.data)}


def rendered(view: ReportView, charts: Mapping[str, bytes]) -> dict[str, bytes]:
    """The report in its two forms by file name; `charts` gives the bytes of the charts' files by hash."""
    names = {sha256: ref.name for sha256, ref in chart_files(view).items()}
    return {MARKDOWN: render_markdown(view, names).encode(), PAGE: render_html(view, charts).encode()}


def pack(made: Provenance, files: Mapping[str, bytes]) -> bytes:
    """The bundle of a report; `files` are the others by name: the report's two forms, `charts/…`, `run.json`."""
    view = made.view
    bare = made.model_copy(update={"view": view.model_copy(update={"passages": (), "sources": ()})})
    contents = {
        **files,
        REPORT: _json(bare.model_dump(mode="json")),
        PASSAGES: _json(_PASSAGES.dump_python(view.passages, mode="json")),
        SOURCES: _json(_SOURCES.dump_python(view.sources, mode="json")),
    }
    listed = {name: Listed(size=len(data), sha256=_sha256(data)) for name, data in sorted(contents.items())}
    contents[MANIFEST] = _json(Manifest(format=FORMAT, files=listed).model_dump(mode="json"))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, _BEGINNING)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return target.getvalue()


class Unpacked(NamedTuple):
    """What is in a bundle."""

    files: dict[str, bytes]
    """By name; those that are damaged are left out."""
    damaged: tuple[str, ...]
    """Names of the files whose bytes are not those that were packed."""


def unpack(data: bytes, place: str) -> Unpacked:
    """The files of a bundle. BundleError if it is no zip file, not one of ours, or holds too much."""
    files: dict[str, bytes] = {}
    damaged: list[str] = []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _refuse_too_much(sum(entry.file_size for entry in entries), place)
            for entry in entries:
                try:
                    files[entry.filename] = archive.read(entry)
                except _DAMAGE:
                    damaged.append(entry.filename)
    except _DAMAGE as error:
        raise _no_bundle(str(error), place) from error
    if not {MANIFEST, REPORT} & {*files, *damaged}:
        raise _no_bundle(f"it holds neither {MANIFEST} nor {REPORT}", place)
    return Unpacked(files, tuple(damaged))


def _refuse_too_much(size: int, place: str) -> None:
    if size > MOST_BYTES:
        raise BundleError(
            f"The bundle would unpack to {size:,} bytes.",
            place=place,
            remedy=f"No bundle holds more than {MOST_BYTES:,}: this is another file.",
        )


def _no_bundle(why: str, place: str) -> BundleError:
    return BundleError(
        f"This is not a bundle of a report: {why}.",
        place=place,
        remedy="Name the bundle.zip that stands beside a report, or a run; if it is one, it was cut off: get it again.",
    )


def provenance(files: Mapping[str, bytes], place: str) -> Provenance:
    """What the report of an unpacked bundle was made from. BundleError if it cannot be read."""
    try:
        made = Provenance.model_validate_json(files[REPORT])
        parts = {
            "passages": _PASSAGES.validate_json(files[PASSAGES]),
            "sources": _SOURCES.validate_json(files[SOURCES]),
        }
    except KeyError as error:
        raise BundleError(
            f"The bundle lacks {error.args[0]}.", place=place, remedy="Take the bundle from its run again: report RUN."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BundleError(
            f"{error.title} in the bundle cannot be read: {where}: {first['msg']}.",
            place=place,
            remedy="Take the bundle from its run again: report RUN.",
        ) from error
    return made.model_copy(update={"view": made.view.model_copy(update=parts)})


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode("utf-8", "replace")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
