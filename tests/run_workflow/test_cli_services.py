"""The services of a real process: engine, files and charts on PostgreSQL, used by the command line as they are."""

import asyncio
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from run_workflow.cli import options
from run_workflow.cli.research import research
from run_workflow.cli.session import Desk, Shell
from run_workflow.cli.views import verify
from run_workflow.console.screen import Screen
from run_workflow.postgres.database import Database
from run_workflow.services import open_services
from run_workflow.settings import load_settings

pytestmark = pytest.mark.slow


def url_of(dsn: str) -> str:
    parts = conninfo_to_dict(dsn)
    return f"postgresql:///{parts['dbname']}?host={parts['host']}&port={parts['port']}&user={parts['user']}"


async def test_a_research_run_writes_its_report_and_charts(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A question with a table goes through the real engine: report, page, chart and its figures are written."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    sources = tmp_path / "sources"
    sources.mkdir()
    rows = "\n".join(f"{year},{300 + 2 * (year - 1960)}" for year in range(1960, 2021, 5))
    (sources / "co2.csv").write_text(f"year,co2 (ppm)\n{rows}\n", encoding="utf-8")
    (sources / "note.md").write_text(
        "# CO2\n\nThe concentration of CO2 was 420 ppm in 2020. It has risen by 2 ppm a year since 1960.\n",
        encoding="utf-8",
    )
    environ = {"DATABASE_URL": url_of(database.dsn), "STRETTO_HOME": str(tmp_path), "STRETTO_USER": "ann"}

    shell = Shell(load=lambda: load_settings(environ), open=open_services, screen=Screen.of_process)
    wanted = options.Research(
        question="How fast has CO2 risen, and is the rise speeding up?", sources=[str(sources)], out=tmp_path / "out"
    )
    code = await research(Desk(shell, Screen.of_process(False)), wanted)
    printed = capsys.readouterr()
    assert code == 0, printed.err
    (folder,) = await asyncio.to_thread(lambda: list((tmp_path / "out").iterdir()))
    names = {path.suffix for path in folder.iterdir()}
    assert names == {".md", ".html", ".png", ".csv", ".zip"}
    assert await verify(Desk(shell, Screen.of_process(False)), options.Verify(run=str(folder / "bundle.zip"))) == 0
    assert "citing sentences were checked again" in capsys.readouterr().out
    report = (folder / "report.md").read_text(encoding="utf-8")
    for picture in folder.glob("*.png"):
        assert picture.name in report
    async with open_services(load_settings(environ)) as services:
        view = await services.engine.show(folder.name)
        assert view.run.status == "completed"
        assert await services.engine.verify_audit(folder.name) is None
