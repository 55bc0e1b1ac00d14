"""graph and doctor: drawings, and what is said of an installation."""

import http.server
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from run_workflow import doctor
from run_workflow.documents import CheckBody, DoctorDocument, GraphDocument, SettingsDocument
from run_workflow.postgres.database import Database, DatabaseSettings
from run_workflow.settings import load_settings
from state.errors import DatabaseError
from tests.run_workflow.cli_double import Line
from tests.run_workflow.engine_double import EngineDouble


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    """A command line without runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return Line(EngineDouble(), tmp_path)


def test_graph_as_mermaid(line: Line) -> None:
    """The drawing names every step of the research graph, as text or in a file."""
    typed = line.type("graph")
    assert typed.code == 0
    for part in ("graph TD;", "read_sources", "approve_plan", "sync_point --> ", "__end__"):
        assert part in typed.out or part.replace("-->", "-.->") in typed.out
    assert "__error_handler__" not in typed.out
    written = line.type("graph", "research", "--out", "deep/graph.mmd", "--json")
    document = GraphDocument.model_validate_json(written.out)
    assert Path("deep/graph.mmd").read_text(encoding="utf-8") == document.text
    assert typed.out == f"{(document.text or '').rstrip()}\n"


@pytest.mark.slow
def test_graph_as_png(line: Line) -> None:
    """The picture is a PNG of a legible size, made without a network."""
    typed = line.type("graph", "--format", "png", "--json")
    document = GraphDocument.model_validate_json(typed.out)
    assert (typed.code, document.file, document.text) == (0, "research.png", None)
    data = Path("research.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(data[16:20], "big") == 1000
    assert len(data) > 20_000


def test_an_unknown_graph_is_refused(line: Line) -> None:
    """The graphs that there are, are named."""
    typed = line.type("graph", "cooking")
    assert typed.code == 2
    assert re.search(r"There are: .*\bexpense_approval, .*\bresearch\b", typed.err)


def test_a_drawing_that_cannot_be_written_is_told(line: Line) -> None:
    """A folder that is a file is named."""
    Path("taken").write_text("", encoding="utf-8")
    typed = line.type("graph", "--out", "taken/graph.mmd")
    assert typed.code == 2
    assert "where: taken/graph.mmd" in typed.err


def by_name(checks: tuple[CheckBody, ...]) -> dict[str, CheckBody]:
    return {check.name: check for check in checks}


async def test_doctor_finds_all_well(database: Database, tmp_path: Path) -> None:
    """On a sound installation every check is ok and says what it found."""

    @asynccontextmanager
    async def opener(_settings: DatabaseSettings) -> AsyncIterator[Database]:
        yield database

    settings = load_settings({"STRETTO_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)})
    checks = by_name(await doctor.examine(settings, opener))
    assert {check.state for check in checks.values()} == {"ok"}
    named = "Python, settings file, data folder, PostgreSQL, messages, model extractive, embeddings, web search"
    assert list(checks) == named.split(", ")
    assert checks["PostgreSQL"].found[0].isdigit()
    assert str(tmp_path) in checks["data folder"].found


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server that answers everything with 404."""
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


@pytest.mark.slow
async def test_doctor_says_what_to_do(tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each fault comes with its remedy; a server that answers at all is there."""

    @asynccontextmanager
    async def opener(_settings: DatabaseSettings) -> AsyncIterator[Database]:
        raise DatabaseError("No server.", remedy="Start it.")
        yield

    path = tmp_path / "settings.toml"
    path.write_text(
        f'web = "http://127.0.0.1:1"\nembeddings = "openai/e"\n'
        f'[models]\ndefault = "local/a"\nwriter = "openai/b"\n'
        f'planner = "keyed/c"\n[providers.local]\nbase_url = "{server}/v1"\n'
        f'[providers.keyed]\nbase_url = "{server}/v1"\napi_key_env = "NOT_SET"\n'
        '[prices."local/a"]\ninput = 0\noutput = 0\n',
        encoding="utf-8",
    )
    monkeypatch.setattr(doctor, "_SCARCE", 10**18)
    settings = load_settings({"STRETTO_HOME": str(tmp_path), "STRETTO_SETTINGS": str(path)})
    checks = by_name(await doctor.examine(settings, opener))
    states = {name: check.state for name, check in checks.items()}
    assert states == {
        "Python": "ok",
        "settings file": "ok",
        "data folder": "warning",
        "PostgreSQL": "fault",
        "model local/a": "ok",
        "model openai/b": "fault",
        "model keyed/c": "fault",
        "embeddings": "fault",
        "server of local": "ok",
        "server of keyed": "ok",
        "web search": "fault",
    }
    assert checks["PostgreSQL"].remedy == "Start it."
    assert "OPENAI_API_KEY" in checks["model openai/b"].remedy
    assert "NOT_SET" in checks["model keyed/c"].remedy
    assert "OPENAI_API_KEY" in checks["embeddings"].remedy
    assert all(check.remedy for check in checks.values() if check.state != "ok")


def test_doctor_at_the_command_line(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """All well is code 0, a fault is code 2, and the document says which."""
    found = [CheckBody(name="Python", state="ok", found="3.11", remedy="")]

    async def examine(_settings: object) -> tuple[CheckBody, ...]:
        return tuple(found)

    monkeypatch.setattr(doctor, "examine", examine)
    typed = line.type("doctor")
    assert typed.code == 0
    assert "All is well." in typed.out
    found.append(CheckBody(name="disk", state="fault", found="full", remedy="Free some space."))
    faulty = line.type("doctor")
    assert faulty.code == 2
    assert "Free some space." in faulty.out
    document = DoctorDocument.model_validate_json(line.type("doctor", "--json").out)
    assert (document.ok, [check.state for check in document.checks]) == (False, ["ok", "fault"])


def test_doctor_lists_the_settings(line: Line) -> None:
    """Every setting is listed with its variable, key and value; secrets only as set or not."""
    line.environ = {
        "OPENAI_API_KEY": "hush-1",
        "DATABASE_URL": "postgresql://u:hush-2@h/d",
        "STRETTO_MODEL_CRITIC": "a/b",
    }
    typed = line.type("doctor", "--settings", "--json")
    document = SettingsDocument.model_validate_json(typed.out)
    rows = {row.name: row for row in document.settings}
    assert (rows["database_url"].value, rows["providers"].value) == ("set", "openai (with key)")
    assert (rows["models"].value, rows["actor"].value) == ("critic: a/b", "ann")
    shown = typed.out + line.type("doctor", "--settings").out
    assert "hush" not in shown
    assert "STRETTO_WEB" in shown


def test_wrong_settings_stop_a_command(line: Line) -> None:
    """A wrong setting is told with its place, with code 2."""
    line.environ = {"STRETTO_LOG": "loud"}
    typed = line.type("list")
    assert typed.code == 2
    assert "where: STRETTO_LOG" in typed.err


def test_doctor_helps_with_wrong_settings(line: Line) -> None:
    """Doctor names the wrong setting, and lists all of them also then."""
    line.environ = {"STRETTO_LOG": "loud"}
    checked = line.type("doctor", "--json")
    document = DoctorDocument.model_validate_json(checked.out)
    assert (checked.code, document.ok, document.checks[0].found[:12]) == (2, False, "STRETTO_LOG:")
    listed = line.type("doctor", "--settings")
    assert listed.code == 2
    assert "STRETTO_HOME" in listed.out
    assert "where: STRETTO_LOG" in listed.err
