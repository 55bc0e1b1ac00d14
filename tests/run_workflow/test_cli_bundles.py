"""`verify` on the bundle of a report: no database, no run, no network."""

import hashlib
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from run_workflow.documents import BundleDocument, ErrorDocument
from run_workflow.engine.audit import digest
from run_workflow.engine.views import RunManifest
from state.context import RunContext
from state.runs import AuditEvent, RunRecord, Usage
from tests.run_workflow.cli_double import Line
from tests.run_workflow.engine_double import EngineDouble
from tests.tools.test_tools_bundle import bundle, honest
from tools.report.bundle import MARKDOWN, PAGE, RUN, Provenance, pack, package_versions, provenance, unpack

AT = datetime(2026, 1, 2, tzinfo=UTC)


def published(files: dict[str, bytes]) -> dict[str, object]:
    """The output of the run that published these files."""
    hashes = {key: hashlib.sha256(files[name]).hexdigest() for key, name in (("report", MARKDOWN), ("page", PAGE))}
    return {key: {"sha256": sha256} for key, sha256 in hashes.items()}


def manifest(run_id: str = "r1", event: str = "run.created", output: dict[str, object] | None = None) -> bytes:
    """The record of a run with two events; the first one's name may be changed after the hashes were made."""
    chain: list[AuditEvent] = []
    for seq, name in enumerate(("run.created", "run.completed"), start=1):
        previous = chain[-1].hash if chain else ""
        bare = AuditEvent(run_id=run_id, seq=seq, at=AT, actor="ann", event=name, data={}, previous=previous, hash="")
        chain.append(bare.model_copy(update={"hash": digest(bare)}))
    last = chain[-1].hash
    chain[0] = chain[0].model_copy(update={"event": event})
    run = RunRecord(
        id=run_id,
        graph="research",
        definition="d",
        status="completed",
        input={},
        output=output if output is not None else published(unpack(bundle(), "b").files),
        context=RunContext(),
        created_at=AT,
        updated_at=AT,
    )
    parts = {"run": run, "steps": (), "approvals": (), "usage": Usage(), "children": (), "calls": ()}
    return RunManifest(**parts, audit=tuple(chain), audit_head=last).model_dump_json().encode()


def written(folder: Path, run: bytes) -> Path:
    """A bundle with this record of its run."""
    files = unpack(bundle(), "b").files
    others = {name: data for name, data in files.items() if name.startswith(("charts/", "report."))}
    made = Provenance(view=provenance(files, "b").view, versions=package_versions())
    target = folder / "bundle.zip"
    target.write_bytes(pack(made, {**others, RUN: run}))
    return target


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(EngineDouble(), tmp_path)


def test_a_whole_bundle(line: Line, tmp_path: Path) -> None:
    """A whole bundle is code 0; its hash is told, and each check with what it found."""
    target = written(tmp_path, manifest())
    typed = line.type("verify", str(target), "--json")
    document = BundleDocument.model_validate_json(typed.out)
    assert (typed.code, document.whole, document.run) == (0, True, honest().run_id)
    assert document.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()
    assert [check.name for check in document.checks] == ["files", "passages", "citations", "charts", "report", "run"]
    told = line.type("verify", str(target)).out
    assert document.sha256 in told
    assert "audit chain of 2 events is whole" in told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("run", "found"),
    [
        (manifest(event="run.forged"), "the audit chain is broken at event 1"),
        (manifest("r2"), "run.json is of r2, the report of r1"),
        (b"{}", "run.json is not there or cannot be read"),
        (manifest(output={}), "report.md is not the one that the run published"),
    ],
)
def test_a_forged_run_is_found(line: Line, tmp_path: Path, run: bytes, found: str) -> None:
    """A record of the run that is changed, of another run or broken is a fault, and code 1."""
    typed = line.type("verify", str(written(tmp_path, run)), "--json")
    document = BundleDocument.model_validate_json(typed.out)
    assert (typed.code, document.whole) == (1, False)
    assert [check.found for check in document.checks if not check.ok] == [found]


def test_a_changed_file_is_named(line: Line, tmp_path: Path) -> None:
    """A bundle whose report was changed says which file, and is code 1."""
    target = written(tmp_path, manifest())
    with zipfile.ZipFile(target) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data.replace(b"2.4 ppm", b"2.9 ppm") if name == "report.md" else data)
    typed = line.type("verify", str(target))
    assert typed.code == 1
    assert "report.md was changed" in typed.out
    assert "not as it was published" in typed.out


@pytest.mark.slow
@pytest.mark.parametrize(("name", "run"), [("report.html", "r1"), ("report.json", None), ("manifest.json", "r1")])
def test_damage_is_a_change(line: Line, tmp_path: Path, name: str, run: str | None) -> None:
    """A byte of the archive that is no longer what it was is told with the file that it is in, and is code 1."""
    target = written(tmp_path, manifest())
    flip(target, name)
    typed = line.type("verify", str(target), "--json")
    document = BundleDocument.model_validate_json(typed.out)
    assert (typed.code, document.whole, document.run) == (1, False, run)
    assert document.checks[0].found.startswith(f"{name} was changed: its bytes in the archive are damaged")


def flip(target: Path, name: str) -> None:
    """Changes a byte in the middle of a file within the archive."""
    with zipfile.ZipFile(target) as archive:
        entry = archive.getinfo(name)
    data = bytearray(target.read_bytes())
    data[entry.header_offset + 30 + len(name) + entry.compress_size // 2] ^= 0xFF
    target.write_bytes(data)


@pytest.mark.parametrize("name", ["/nope.zip", "nope.zip", "output/nope"])
def test_a_path_that_is_not_there(line: Line, name: str) -> None:
    """A path that leads nowhere is told as such, and not looked for among the runs."""
    error = ErrorDocument.model_validate_json(line.type("verify", name, "--json").out).error
    assert (error.exit_code, error.type, error.place) == (2, "BundleError", name)
    assert error.message == "The bundle cannot be read: No such file or directory."


def test_another_file_is_wrong_use(line: Line, tmp_path: Path) -> None:
    """A file that is no bundle is code 2, with the place and what to name instead."""
    other = tmp_path / "notes.md"
    other.write_text("# Notes", encoding="utf-8")
    typed = line.type("verify", str(other), "--json")
    error = ErrorDocument.model_validate_json(typed.out).error
    assert (typed.code, error.type, error.place) == (2, "BundleError", str(other))
    assert error.remedy is not None
    assert "bundle.zip" in error.remedy
