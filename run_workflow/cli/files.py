"""The files of a report: Markdown, HTML, and beside them its charts with their figures."""

import asyncio
from pathlib import Path

from run_workflow.documents import FilesBody
from run_workflow.services import Services
from state.errors import SetupError
from state.evidence import ArtifactRef
from state.runs import RunRecord


async def write_report(services: Services, run: RunRecord, out: Path) -> FilesBody | None:
    """Writes `<out>/<run id>/`; None where the run has no report. SetupError when the folder cannot be written."""
    output = run.output or {}
    if "report" not in output or "page" not in output:
        return None
    folder = out / run.id
    charts = await services.charts(run.id)
    wanted = {"report.md": ArtifactRef.model_validate(output["report"])}
    wanted["report.html"] = ArtifactRef.model_validate(output["page"])
    for chart in charts:
        for file in (chart.image, chart.data):
            wanted[Path(file.name).name] = file
    contents = {name: await services.read(ref.sha256) for name, ref in wanted.items()}
    await asyncio.to_thread(_write, folder, contents)
    report, page, *others = [str(folder / name) for name in wanted]
    return FilesBody(report=report, page=page, charts=tuple(others))


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
