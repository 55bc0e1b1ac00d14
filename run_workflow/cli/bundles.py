"""`verify BUNDLE`: the archive of a report is checked without the database."""

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from run_workflow.cli.session import DONE, FAILED, Desk
from run_workflow.documents import BundleCheckBody, BundleDocument
from run_workflow.engine.audit import broken_at
from run_workflow.engine.views import RunManifest
from state.errors import BundleError
from tools.report.bundle import MARKDOWN, PAGE, RUN, provenance, unpack
from tools.report.checking import BundleCheck, check_contents, check_files


async def verify_bundle(desk: Desk, path: Path) -> int:
    """Says what each check found. BundleError if the file cannot be read at all."""
    from run_workflow.console.tables import bundle_table

    document = await asyncio.to_thread(_checked, path)
    desk.screen.show(bundle_table(document.checks))
    if document.whole:
        desk.screen.say(f"The bundle of run {document.run} is as it was published.", "green")
        desk.screen.say(f"SHA-256 {document.sha256}: compare it with the one that you were told.")
    else:
        desk.screen.say("The bundle is not as it was published.", "bold red")
    desk.screen.document(document)
    return DONE if document.whole else FAILED


def _checked(path: Path) -> BundleDocument:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(
            f"The bundle cannot be read: {error.strerror or error}.",
            place=str(path),
            remedy="Check the path and who may read the file.",
        ) from error
    files, damaged = unpack(data, str(path))
    run, contents = _contents(files, str(path))
    findings = (check_files(files, damaged), *contents)
    return BundleDocument(
        bundle=str(path),
        sha256=hashlib.sha256(data).hexdigest(),
        run=run,
        whole=all(finding.ok for finding in findings),
        checks=tuple(BundleCheckBody(name=each.name, ok=each.ok, found=each.found) for each in findings),
    )


def _contents(files: Mapping[str, bytes], place: str) -> tuple[str | None, tuple[BundleCheck, ...]]:
    """The run that the bundle is of, and what the checks of what its files say found."""
    try:
        made = provenance(files, place)
    except BundleError as error:
        return None, (BundleCheck(name="contents", ok=False, found=error.message),)
    return made.view.run_id, (*check_contents(made, files), _audit(made.view.run_id, files))


def _audit(run_id: str, files: Mapping[str, bytes]) -> BundleCheck:
    """Whether the record of the run in the bundle is that of the report, and its audit chain whole."""
    try:
        manifest = RunManifest.model_validate_json(files.get(RUN, b""))
    except ValidationError:
        return BundleCheck(name="run", ok=False, found=f"{RUN} is not there or cannot be read")
    if manifest.run.id != run_id:
        return BundleCheck(name="run", ok=False, found=f"{RUN} is of {manifest.run.id}, the report of {run_id}")
    if not manifest.audit:
        return BundleCheck(name="run", ok=False, found="the audit chain is empty")
    for key, name in (("report", MARKDOWN), ("page", PAGE)):
        published = (manifest.run.output or {}).get(key) or {}
        if published.get("sha256") != hashlib.sha256(files.get(name, b"")).hexdigest():
            return BundleCheck(name="run", ok=False, found=f"{name} is not the one that the run published")
    bad = broken_at(manifest.audit, manifest.audit_head)
    if bad is not None:
        return BundleCheck(name="run", ok=False, found=f"the audit chain is broken at event {bad}")
    return BundleCheck(name="run", ok=True, found=f"the audit chain of {len(manifest.audit)} events is whole")
