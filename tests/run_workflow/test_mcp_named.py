"""MCP servers as the settings name them, and what check, tools and doctor say of their tools."""

import sys
from pathlib import Path

import pytest

from run_workflow import doctor
from run_workflow.doctor import setting_values
from run_workflow.settings import load_settings
from run_workflow.workflow_documents import CheckDocument, ProblemBody, ToolsDocument
from state.errors import SetupError
from tests.postgres_fixtures import PROJECT
from tests.run_workflow.cli_double import Line
from tests.run_workflow.engine_double import EngineDouble

MINIMAL = f"{sys.executable} {PROJECT / 'tests' / 'tools' / 'mcp_minimal.py'}"
SERVERS = {"STRETTO_MCP_MINIMAL": MINIMAL, "STRETTO_MCP_MISSING": "/no/such/program --now"}
FILE = """name: w
steps:
  - {id: good, type: action, tool: minimal.count@1.0.0, rollback_actions: [{tool: minimal.die}]}
  - {id: other, type: action, tool: minimal.cuont, depends_on: [good]}
  - {id: newer, type: action, tool: minimal.die@2.0.0, depends_on: [other]}
  - {id: away, type: action, tool: missing.now, depends_on: [newer]}
  - {id: unnamed, type: action, tool: nobody.now, depends_on: [away]}
outputs: {all: [$good, $other, $newer, $away, $unnamed]}
"""


def test_servers_are_named_by_the_file_or_the_environment(tmp_path: Path) -> None:
    """A line is a program or an address; in the file secrets are named, and their values are never shown."""
    file = tmp_path / "settings.toml"
    file.write_text(
        "[mcp]\nshort = \"run --it 'a b'\"\n"
        '[mcp.crm]\nurl = "https://crm.example/mcp"\nsecret = "crm"\ntimeout = 5\n'
        '[mcp.own]\ncommand = ["x", "y z"]\nenv = {KEY = "own"}\ntrusted = true\n',
        encoding="utf-8",
    )
    env = {"STRETTO_SETTINGS": str(file), "HOME": str(tmp_path), "STRETTO_MCP_WEB": "http://localhost:9/mcp"}
    settings = load_settings({**env, "STRETTO_SECRET_CRM": "hush-1", "STRETTO_SECRET_OWN": "hush-2"})
    crm, own, short, web = settings.mcp_servers()
    assert (crm.url, crm.token, crm.timeout, crm.trusted) == ("https://crm.example/mcp", "hush-1", 5, False)
    assert (own.command, own.environment, own.trusted) == (("x", "y z"), {"KEY": "hush-2"}, True)
    assert (short.command, web.url, web.timeout) == (("run", "--it", "a b"), "http://localhost:9/mcp", 60)
    assert (
        "hush" not in f"{settings!r} {settings.model_dump_json()} {setting_values(settings)} {settings.mcp_servers()}"
    )
    with pytest.raises(SetupError, match=r"mcp\.crm: There is no secret 'crm'\. Set STRETTO_SECRET_CRM\."):
        load_settings(env).mcp_servers()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a", 'url = "https://a.example"\ncommand = ["x"]'),
        ("a", "trusted = true"),
        ("a", 'url = "https://a.example"\nenv = {A = "b"}'),
        ("a", 'url = "ftp://a.example"'),
        ("a", 'command = "x"\nretries = 3'),
        ('"A b"', 'command = "x"'),
    ],
)
def test_a_server_that_cannot_be_is_refused(tmp_path: Path, name: str, text: str) -> None:
    """With its place, and what can be written there."""
    file = tmp_path / "settings.toml"
    file.write_text(f"[mcp.{name}]\n{text}\n", encoding="utf-8")
    with pytest.raises(SetupError) as raised:
        load_settings({"STRETTO_SETTINGS": str(file), "HOME": str(tmp_path)})
    assert "mcp" in str(raised.value.place)
    assert raised.value.remedy


@pytest.mark.slow
def test_check_knows_the_tools_of_servers_that_answer(tmp_path: Path) -> None:
    """It asks those that the file names; of one that is silent it says so, and leaves its steps alone."""
    (tmp_path / "w.yaml").write_text(FILE, encoding="utf-8")
    typed = Line(EngineDouble(), tmp_path, SERVERS).type("check", str(tmp_path / "w.yaml"), "--json")
    told = [f"{each.line} {each.severity}: {each.message} {each.remedy}" for each in _problems(typed.out)]
    away = "6 warning: The server of 'missing.now' cannot be asked, and the step is not checked: The program cannot be"
    for line in (
        "4 error: There is no tool 'minimal.cuont'. Did you mean 'minimal.count'?",
        "5 error: 'minimal.die' has no version '2.0.0'.",
        "5 warning: The tool 'minimal.die@2.0.0' changes something outside",
        f"{away} started: No such file or directory: /no/such/program.",
        "7 error: There is no tool 'nobody.now'.",
    ):
        assert any(each.startswith(line) for each in told), (line, told)
    assert len(told) == 5


@pytest.mark.slow
async def test_tools_and_doctor_ask_all_servers(tmp_path: Path) -> None:
    """The tools stand among the others; what cannot be used, and who does not answer, is said."""
    checks = {each.name: each for each in await doctor._mcp(load_settings({**SERVERS, "STRETTO_HOME": str(tmp_path)}))}
    assert (checks["MCP server minimal"].state, checks["MCP server minimal"].found) == ("ok", "2 tools")
    assert checks["MCP server missing"].state == "fault"


@pytest.mark.slow
def test_tools_of_servers_are_listed_and_shown(tmp_path: Path) -> None:
    """Among all others; of a server that does not answer, and of tools that cannot be used, the reason is told."""
    line = Line(EngineDouble(), tmp_path, SERVERS)
    typed = line.type("tools", "--json")
    listed = {each.name: each for each in ToolsDocument.model_validate_json(typed.out).tools}
    assert (listed["minimal.count"].side_effects, listed["minimal.count"].category) == ("write", "mcp")
    assert "http" in listed
    assert "/no/such/program" in typed.err
    assert "minimal.two words" in typed.err
    assert '"left_out"' in line.type("tools", "minimal.count").out
    typed = line.type("tools", "missing.now")
    assert (typed.code, "/no/such/program" in typed.err) == (2, True)


def _problems(out: str) -> list[ProblemBody]:
    return list(CheckDocument.model_validate_json(out).problems)
