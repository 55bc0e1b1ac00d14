"""The bundle of a report: packed the same each time, and every change to its files is found."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from state.errors import BundleError
from state.evidence import Around
from state.research import Draft, Section, Sentence
from tests.tools.report_views import CHART, CSV, GREW, LESS, PNG, SOURCES, golden, view
from tools.report.bundle import (
    CHARTS,
    MANIFEST,
    MARKDOWN,
    PAGE,
    PASSAGES,
    REPORT,
    Provenance,
    pack,
    package_versions,
    provenance,
    rendered,
    unpack,
)
from tools.report.checking import BundleCheck, check_contents, check_files
from tools.report.view import ReportView

Files = dict[str, bytes]


def honest() -> ReportView:
    """A report whose one citing sentence is what its passage says."""
    said = Sentence(text="Growth was 2.4 ppm a year.", passages=(GREW.id,), verdict="supported")
    draft = Draft(title="Growth", sections=(Section(heading="Key findings", sentences=(said,)),))
    return view(draft, merged=golden().merged, passages=golden().passages, sources=SOURCES)


def bundle(report: ReportView | None = None, versions: dict[str, str] | None = None) -> bytes:
    made = Provenance(view=report or honest(), prompts={"plan": "0"}, versions=versions or package_versions())
    charts = {CHART.image.sha256: PNG, CHART.data.sha256: CSV}
    named = {f"{CHARTS}{CHART.image.name}": PNG, f"{CHARTS}{CHART.data.name}": CSV}
    return pack(made, {**rendered(made.view, charts), **named})


def findings(files: Files) -> dict[str, BundleCheck]:
    found = (check_files(files), *check_contents(provenance(files, "b"), files))
    return {each.name: each for each in found}


def faults(files: Files) -> set[str]:
    return {name for name, each in findings(files).items() if not each.ok}


def test_a_bundle_is_whole_and_always_the_same() -> None:
    """What was packed comes back and passes every check; the same report gives the same bytes."""
    assert bundle() == bundle()
    files = unpack(bundle(), "b").files
    assert faults(files) == set()
    assert provenance(files, "b").view == honest()
    assert findings(files)["citations"].found.startswith("1 citing sentences were checked again: 1 supported")


CHANGES: dict[str, tuple[Callable[[Files], object], str, set[str]]] = {
    "a number in the report": (
        lambda files: files.update({MARKDOWN: files[MARKDOWN].replace(b"2.4", b"2.9")}),
        "report.md was changed",
        {"files", "report"},
    ),
    "a passage": (
        lambda files: files.update({PASSAGES: files[PASSAGES].replace(b"2.4 ppm", b"2.9 ppm")}),
        f"passage {GREW.id} is not as it was read",
        {"files", "passages", "citations", "report"},
    ),
    "a verdict": (
        lambda files: files.update({REPORT: files[REPORT].replace(b'"supported"', b'"partly"')}),
        "is said to be partly, and is supported",
        {"files", "citations", "report"},
    ),
    "a picture": (
        lambda files: files.update({f"{CHARTS}{CHART.image.name}": PNG + b"."}),
        "charts/co2.png is not the file of the report",
        {"files", "charts", "report"},
    ),
    "a file too many": (lambda files: files.update({"more.txt": b""}), "more.txt is not listed", {"files"}),
    "a file too few": (lambda files: files.pop(PAGE), "report.html is not there", {"files", "report"}),
    "another format": (
        lambda files: files.update({MANIFEST: b'{"format": "other/1", "files": {}}'}),
        "the format is other/1",
        {"files"},
    ),
    "no list": (lambda files: files.pop(MANIFEST), "manifest.json is not there", {"files"}),
}


@pytest.mark.slow
@pytest.mark.parametrize(("change", "told", "failing"), CHANGES.values(), ids=CHANGES)
def test_every_change_is_found(change: Callable[[Files], object], told: str, failing: set[str]) -> None:
    """A changed, added or missing file fails the checks that it bears on, each with what is wrong."""
    files = unpack(bundle(), "b").files
    change(files)
    assert faults(files) == failing
    assert any(told in each.found for each in findings(files).values())


def test_hashes_that_were_made_to_fit_do_not_hide_a_false_citation() -> None:
    """A bundle packed anew around a changed sentence passes the file check, and fails the citation check."""
    said = honest().draft.sections[0].sentences[0].model_copy(update={"text": "Growth was 9.9 ppm a year."})
    forged = honest().model_copy(
        update={"draft": Draft(title="Growth", sections=(Section(heading="Key findings", sentences=(said,)),))}
    )
    assert faults(unpack(bundle(forged), "b").files) == {"citations"}


def test_a_citation_that_leads_nowhere_is_a_fault() -> None:
    """A cited passage that the bundle does not hold is named."""
    bare = honest().model_copy(update={"passages": (LESS,)})
    assert f"passage {GREW.id} is cited and not there" in findings(unpack(bundle(bare), "b").files)["citations"].found


def test_a_false_neighbour_is_a_fault() -> None:
    """What is shown beside a passage is of the same source, and there."""
    beside = honest().model_copy(update={"around": {GREW.id: Around(before=LESS.id, after="p0")}})
    told = findings(unpack(bundle(beside), "b").files)["passages"].found
    assert told == f"passage {LESS.id} does not stand beside {GREW.id}; passage p0 does not stand beside {GREW.id}"


def test_a_report_of_another_version_is_not_rendered_again() -> None:
    """Another version may render otherwise: the check says so instead of finding a fault."""
    files = unpack(bundle(versions={"stretto": "0.0.0"}), "b").files
    files[PAGE] += b" "
    files[MANIFEST] = json.dumps(
        {
            "format": "stretto-bundle/1",
            "files": {
                name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                for name, data in files.items()
                if name != MANIFEST
            },
        }
    ).encode()
    assert faults(files) == set()
    assert "version 0.0.0 made it" in findings(files)["report"].found


@given(st.binary(max_size=200))
def test_other_files_are_refused(data: bytes) -> None:
    """What is no zip file is refused with its place, whatever it is."""
    with pytest.raises(BundleError, match="not a bundle of a report") as refused:
        unpack(data, "x.zip")
    assert refused.value.place == "x.zip"


@pytest.mark.slow
@settings(max_examples=60)
@given(st.integers(0, len(bundle()) - 1), st.integers(1, 255))
def test_a_damaged_bundle_is_found(place: int, flip: int) -> None:
    """Whatever byte is damaged: the bundle is refused, a check fails, or nothing that it holds has changed."""
    whole = bundle()
    damaged = bytearray(whole)
    damaged[place] ^= flip
    with suppress(BundleError):
        files, lost = unpack(bytes(damaged), "b")
        assert files == unpack(whole, "b").files or not check_files(files, lost).ok


def test_a_zip_file_of_something_else_is_refused() -> None:
    """A zip file of something else is refused; one without a report says what it lacks; a broken report, where."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a.txt", b"a")
    with pytest.raises(BundleError, match=r"neither manifest\.json nor report\.json"):
        unpack(target.getvalue(), "b")
    with pytest.raises(BundleError, match=r"lacks report\.json"):
        provenance({}, "b")
    files = unpack(bundle(), "b").files
    with pytest.raises(BundleError, match=r"cannot be read: view\.outcome"):
        provenance({**files, REPORT: files[REPORT].replace(b'"published"', b'"sold"')}, "b")


def test_a_bundle_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sizes that the archive names are added up before anything is unpacked."""
    monkeypatch.setattr("tools.report.bundle.MOST_BYTES", 1000)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(1001))
    with pytest.raises(BundleError, match="would unpack to 1,001 bytes"):
        unpack(target.getvalue(), "b")
