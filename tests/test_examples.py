"""What the documents say, held to be true: commands are run, settings, codes, options and links are looked up."""

import json
import os
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from chains.models import INTEGRATIONS, key_variable
from examples.services.server import running
from graphs.workflow.draw import mermaid_of
from run_workflow.cli.app import app
from run_workflow.cli.session import EXIT_CODES
from run_workflow.settings import load_settings, setting_rows
from run_workflow.workflow_catalog import WorkflowCatalog
from tests.document_lines import FENCE, LINES, PROGRAM, QUESTION, Terminal, blocks, follow, shell_lines, text_of
from tests.postgres_fixtures import PROJECT, ServerForTests
from tools.documents.formats import FORMATS
from tools.toolbox import Toolbox

DOCUMENTS = sorted(
    path.relative_to(PROJECT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "examples/**/README.md")
    for path in PROJECT.glob(pattern)
)
RUNNING = "docs/running.md"
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")


def table_after(heading: str) -> list[list[str]]:
    """The cells of the table below a heading of docs/running.md, without its head."""
    section = text_of(RUNNING).partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def commands() -> Iterator[str]:
    """Every command as it is typed."""
    for name, command in vars(get_command(app))["commands"].items():
        inner = vars(command).get("commands")
        yield from (f"{name} {each}" for each in inner) if inner else (name,)


def options() -> set[str]:
    """Every option of any command, long and short."""
    found: set[str] = {"--help"}
    waiting = [get_command(app)]
    while waiting:
        command = waiting.pop()
        waiting.extend(vars(command).get("commands", {}).values())
        for parameter in command.params:
            found |= {*parameter.opts, *parameter.secondary_opts}
    return found


@pytest.fixture
def terminal(postgres_server: ServerForTests, tmp_path: Path) -> Iterator[Terminal]:
    """A folder, an environment without keys and settings, and a fresh database."""
    with postgres_server.migrated_database() as dsn:
        own = {"DATABASE_URL": dsn, "STRETTO_HOME": str(tmp_path), "PYTHONPATH": str(PROJECT)}
        own |= {"XDG_CONFIG_HOME": str(tmp_path), "STRETTO_USER": "reader"}
        folder = tmp_path / "typed"
        folder.mkdir()
        keys = {key_variable(name) for name in ("openai", *INTEGRATIONS)}
        yield Terminal(folder, {name: value for name, value in os.environ.items() if name not in keys} | own)


@pytest.mark.slow
def test_commands_of_the_readme(terminal: Terminal) -> None:
    """The commands of the README, one after another, do what it says."""
    follow("README.md", terminal)
    assert list(terminal.folder.glob("output/*/report.html"))


@pytest.mark.slow
def test_commands_of_approvals(terminal: Terminal) -> None:
    """A plan is shown, edited and carried out; a second answer is refused with code 6."""
    follow("docs/approvals.md", terminal)
    assert terminal.type(f"{PROGRAM} approve last")[0] == 6


@pytest.mark.slow
def test_commands_of_agents(terminal: Terminal) -> None:
    """The examples are good, and so is the agent of one's own that the page shows."""
    follow("docs/agents.md", terminal)
    (terminal.folder / "agents.yaml").write_text(blocks("docs/agents.md", "yaml")[0], encoding="utf-8")
    step = "{id: a, type: worker, capability: law, task: x}"
    (terminal.folder / "w.yaml").write_text(f"name: w\nsteps: [{step}]\n", encoding="utf-8")
    code, said = terminal.type(f"{PROGRAM} check w.yaml")
    assert (code, "able to do 'law'" in said) == (2, True)
    terminal.environment["STRETTO_AGENTS"] = "agents.yaml"
    code, said = terminal.type(f"{PROGRAM} check w.yaml")
    assert code == 0, said


@pytest.mark.slow
def test_commands_of_bundles(terminal: Terminal) -> None:
    """The bundle that a run leaves is checked by the command that its page shows."""
    follow("docs/bundles.md", terminal)


@pytest.mark.slow
def test_commands_of_sources(terminal: Terminal) -> None:
    """The folder of the example is read by the command that the page shows."""
    follow("docs/sources.md", terminal)


@pytest.mark.slow
def test_commands_of_workflows(terminal: Terminal) -> None:
    """The workflow of the page is checked, run, approved and sent its event; those with a name are run by it."""
    refund, _, cases, *_ = blocks("docs/workflows.md", "yaml")
    (terminal.folder / "refund.yaml").write_text(refund, encoding="utf-8")
    (terminal.folder / "refund.tests.yaml").write_text(cases, encoding="utf-8")
    follow("docs/workflows.md", terminal)


@pytest.mark.slow
@pytest.mark.timeout(300)  # many commands
def test_commands_of_the_catalogue(terminal: Terminal) -> None:
    """Each workflow that comes along is run with its example; a second process answers what it waits for."""
    for name in ("workflows", "co2"):
        shutil.copytree(PROJECT / "examples" / name, terminal.folder / "examples" / name)
    examples = terminal.folder / "examples" / "workflows"
    with running() as server:
        for file in examples.glob("*.json"):
            named = "services:" in WorkflowCatalog(None).find(file.stem).text
            more = {"services": server.address} if named else {}
            file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), **more}))
        terminal.environment["STRETTO_ALLOWED_HOSTS"] = server.address.removeprefix("http://")
        follow("docs/catalogue.md", terminal)
        counts = server.shop.counts()
    assert counts["transfers"] == {"made": 1, "undone": 0, "repeated": 0}
    assert (counts["payments"]["made"], counts["reservations"]["undone"]) == (1, 1)


def test_every_workflow_is_in_the_catalogue() -> None:
    """Each has an example, and a section of its own by order of names, with its drawing as `graph` prints it."""
    files = WorkflowCatalog(None).files
    sections = re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text_of("docs/catalogue.md"), re.MULTILINE | re.DOTALL)
    assert [name for name, _ in sections if name != "Services"] == [file.name for file in files]
    told = dict(sections)
    for file in files:
        assert file.definition is not None
        assert f"```mermaid\n{mermaid_of(file.definition)}```" in told[file.name], file.name
        assert (PROJECT / "examples" / "workflows" / f"{file.name}.json").exists()


@pytest.mark.slow
def test_commands_of_tools(terminal: Terminal) -> None:
    """The workflow of the page has nothing wrong, and the tools are shown."""
    (terminal.folder / "price_check.yaml").write_text(blocks("docs/tools.md", "yaml")[0], encoding="utf-8")
    follow("docs/tools.md", terminal)


@pytest.mark.slow
def test_commands_of_mcp(terminal: Terminal) -> None:
    """The workflow of the page is checked with its server asked, what is offered is shown, the settings are read."""
    (terminal.folder / "forecast.yaml").write_text(blocks("docs/mcp.md", "yaml")[0], encoding="utf-8")
    terminal.environment["STRETTO_MCP_WEATHER"] = f"{sys.executable} {PROJECT / 'examples' / 'mcp' / 'weather.py'}"
    follow("docs/mcp.md", terminal)
    file = terminal.folder / "settings.toml"
    file.write_text(blocks("docs/mcp.md", "toml")[0], encoding="utf-8")
    secrets = {"STRETTO_SECRET_WEATHER": "a", "STRETTO_SECRET_CRM": "b"}
    crm, weather = load_settings({"STRETTO_SETTINGS": str(file), "HOME": "/nowhere", **secrets}).mcp_servers()
    assert (crm.url, crm.token, crm.trusted) == ("https://crm.example/mcp", "b", False)
    assert (weather.command[-1], weather.environment) == ("examples/mcp/weather.py", {"WEATHER_KEY": "a"})


def test_every_tool_is_documented() -> None:
    """docs/tools.md names each tool, and no other."""
    rows = re.findall(r"^\| (`.+?) \| ", text_of("docs/tools.md").partition("## ")[0], re.MULTILINE)
    assert {name for row in rows for name in _CODE.findall(row)} == set(Toolbox().shown().names())


@pytest.mark.slow
def test_commands_of_running(terminal: Terminal) -> None:
    """The commands about the installation work, and the picture is written."""
    follow("docs/running.md", terminal)
    assert (terminal.folder / "research.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_first_command(terminal: Terminal) -> None:
    """What `make run` and `scripts/run` start, in a process of its own, writes a report of the example into output/."""
    script = text_of("scripts/run")
    assert "\tscripts/run\n" in text_of("Makefile").replace("@", "")
    assert QUESTION in script
    script = script.replace('cd "$(dirname "$0")/.."', "").replace("scripts/environment run", "")
    code, said = terminal.type(script)
    assert code == 0, said
    assert "Nobody is at the terminal" in said  # as the README says
    assert list(terminal.folder.glob("output/*/report.html"))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_shell_lines_are_accounted_for(document: str) -> None:
    """Each line of an `sh` block is run by a test of this file, or is checked here for what it names."""
    known = {name for row in setting_rows() for name in row.variable.split(", ")} | {"OPENAI_API_KEY"}
    typed = [line for line in shell_lines(document) if line.startswith(PROGRAM)]
    assert len(typed) == len(LINES.get(document, ())), "give each command a row in LINES"
    for line in shell_lines(document):
        first, *rest = line.split()
        if first == "make":
            assert re.search(rf"^{rest[0]}: ", text_of("Makefile"), re.MULTILINE), line
        elif first == "export":
            assert rest[0].partition("=")[0] in known, line
        elif first == "docker":
            assert (PROJECT / "docker-compose.yml").exists()
        else:
            extras = [f".venv/bin/python -m pip install -e '.[{name}]'" for name in ("embeddings", "mcp")]
            others = ("pip install -e .", *extras)
            is_known = line.startswith((PROGRAM, ".venv/bin/python -m examples.services")) or line in others
            assert is_known, f"run or check it here: {line}"


def test_the_extra_of_the_documentation_exists() -> None:
    """What the pages tell to install is declared."""
    extras = tomllib.loads(text_of("pyproject.toml"))["project"]["optional-dependencies"]
    for document in DOCUMENTS:
        assert set(re.findall(r"'\.\[(\w+)\]'", text_of(document))) <= set(extras), document


def test_scripts_that_stand_for_make_exist() -> None:
    """`scripts/run` and `scripts/test`, named in the README, can be started."""
    for name in re.findall(r"`(scripts/\w+)`", text_of("README.md")):
        assert os.access(PROJECT / name, os.X_OK), name


def test_address_of_the_compose_server() -> None:
    """The DATABASE_URL of the documentation is that of docker-compose.yml."""
    service = yaml.safe_load(text_of("docker-compose.yml"))["services"]["postgres"]
    user, name = (service["environment"][f"POSTGRES_{key}"] for key in ("USER", "DB"))
    password = service["environment"]["POSTGRES_PASSWORD"].partition(":-")[2].rstrip("}")
    port = service["ports"][0].partition(":-")[2].partition("}")[0]
    address = f"export DATABASE_URL=postgresql://{user}:{password}@127.0.0.1:{port}/{name}"
    assert address in shell_lines(RUNNING)
    assert address in text_of("docker-compose.yml")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_json_blocks(document: str) -> None:
    """JSON blocks are JSON."""
    for body in blocks(document, "json"):
        json.loads(body)


def test_settings_file_of_the_documentation(tmp_path: Path) -> None:
    """The example of a settings file is read, and each of its parts arrives."""
    (body,) = blocks(RUNNING, "toml")
    file = tmp_path / "settings.toml"
    file.write_text(body, encoding="utf-8")
    settings = load_settings({"STRETTO_SETTINGS": str(file), "MY_SERVER_KEY": "k", "HOME": str(tmp_path)})
    written = tomllib.loads(body)
    assert settings.default_model == written["models"]["default"]
    assert settings.models["critic"] in settings.fallback_models
    assert settings.model_providers()["local"].api_key == "k"
    assert settings.price_table() == {"openai/gpt-5": (1.25, 10.0)}


def test_settings_table() -> None:
    """The table of settings in docs/running.md is what `doctor --settings` prints."""
    result = CliRunner().invoke(app, ["doctor", "--settings", "--json"])
    assert result.exit_code == 0
    rows = ["| variable | key in the file | what it is |", "|---|---|---|"]
    for setting in json.loads(result.stdout)["settings"]:
        places = [f"`{setting[name]}`" if setting[name] else "" for name in ("variable", "key")]
        default = f" Default: {setting['default']}." if setting["default"] else ""
        rows.append(f"| {places[0]} | {places[1]} | {setting['description']}{default} |")
    table = text_of(RUNNING).partition("<!-- settings -->\n")[2].partition("\n<!-- /settings -->")[0]
    assert table == "\n".join(rows)


def test_every_command_is_documented() -> None:
    """docs/running.md has one row for each command, and none for another."""
    named = [row[0].strip("`| ") for row in table_after("Commands")]
    known = list(commands())
    meant = [next((name for name in known if f"{row} ".startswith(f"{name} ")), row) for row in named]
    assert sorted(meant) == sorted(known)


def test_every_exit_code_is_documented() -> None:
    """docs/running.md lists each exit code with the words of the program."""
    assert {int(row[0]): row[1] for row in table_after("Exit codes")} == EXIT_CODES


def test_formats_are_documented() -> None:
    """The page about sources names every suffix that is read, and no other."""
    assert set(re.findall(r"`(\.\w+)`", text_of("docs/sources.md"))) == set(FORMATS)


def test_hosts_are_documented() -> None:
    """docs/running.md names each host that is known by name."""
    assert set(INTEGRATIONS) <= set(_CODE.findall(text_of(RUNNING)))


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS)
def test_options_exist(document: str) -> None:
    """Each option that a document names is one of the program's; benchmarks have their own."""
    text = text_of(document)
    written = [code for code in _CODE.findall(FENCE.sub("", text)) if "benchmarks." not in code]
    codes = [*written, *(line for line in shell_lines(document) if PROGRAM in line)]
    named = {option for code in codes for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", code)}
    assert named <= options()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links(document: str) -> None:
    """Links lead to files, folders and headings that exist."""
    for link in _LINK.findall(text_of(document)):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = (PROJECT / document).parent / name if name else PROJECT / document
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}, link


def test_every_document_is_linked() -> None:
    """The README leads to each document in docs/ and to each example."""
    linked = {link.partition("#")[0].rstrip("/") for link in _LINK.findall(text_of("README.md"))}
    for document in DOCUMENTS:
        assert {document, str(Path(document).parent)} & {*linked, "."}, f"link {document} in README.md"
    assert "docs/images/report.png" in linked
