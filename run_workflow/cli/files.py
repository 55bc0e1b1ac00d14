"""The files of a report: Markdown, HTML, its charts with their figures, and the bundle that holds all it rests on."""

import asyncio
import json
from pathlib import Path

from run_workflow.documents import FilesBody
from run_workflow.services import Services
from state.errors import SetupError
from state.evidence import ArtifactRef
from state.runs import RunRecord

BUNDLE = "bundle.zip"
OUTPUTS = "outputs.json"


async def write_report(services: Services, run: RunRecord, out: Path) -> FilesBody | None:
    """Writes `<out>/<run id>/`; None where the run has no report. SetupError when the folder cannot be written."""
    output = run.output or {}
    if not {"report", "page", "provenance"} <= output.keys():
        return None
    from tools.report.bundle import CHARTS, MARKDOWN, PAGE, RUN, Provenance, chart_files, pack

    async def read(name: str) -> bytes:
        return await services.read(ArtifactRef.model_validate(output[name]).sha256)

    made = Provenance.model_validate_json(await read("provenance"))
    forms = {MARKDOWN: await read("report"), PAGE: await read("page")}
    charts = {ref.name: await services.read(sha256) for sha256, ref in chart_files(made.view).items()}
    manifest = await services.engine.manifest(run.id)
    inside = {**forms, **{f"{CHARTS}{name}": data for name, data in charts.items()}}
    inside[RUN] = manifest.model_dump_json(indent=1).encode()
    bundle = await asyncio.to_thread(pack, made, inside)
    folder = out / run.id
    await asyncio.to_thread(_write, folder, {**forms, **charts, BUNDLE: bundle})
    return FilesBody(
        report=str(folder / MARKDOWN),
        page=str(folder / PAGE),
        charts=tuple(str(folder / name) for name in charts),
        bundle=str(folder / BUNDLE),
    )


async def write_outputs(run: RunRecord, out: Path) -> str | None:
    """Writes `<out>/<run id>/outputs.json`; None where the run is no workflow that has ended well."""
    if not run.is_workflow or run.status != "completed":
        return None
    text = json.dumps((run.output or {}).get("outputs"), indent=2, ensure_ascii=False) + "\n"
    await asyncio.to_thread(_write, out / run.id, {OUTPUTS: text.encode()})
    return str(out / run.id / OUTPUTS)


def written_report(run_id: str, out: Path) -> FilesBody | None:
    """The files of the report that are in `<out>/<run id>/`; None where it was not written there."""
    from tools.report.bundle import MARKDOWN, PAGE

    folder = out / run_id
    fixed = [str(folder / name) for name in (MARKDOWN, PAGE, BUNDLE)]
    if not all(Path(name).is_file() for name in fixed):
        return None
    report, page, bundle = fixed
    charts = sorted(str(path) for path in folder.iterdir() if path.suffix in (".png", ".csv"))
    return FilesBody(report=report, page=page, charts=tuple(charts), bundle=bundle)


def _write(folder: Path, contents: dict[str, bytes]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in contents.items():
            (folder / name).write_bytes(data)
    except OSError as error:
        raise SetupError(
            f"The report cannot be written: {error.strerror or error}.",
            place=str(folder),
            remedy="Name another folder with --out. The report itself is kept: `report RUN --out DIR` writes it again.",
        ) from error
