"""Commands about the installation: graph, tools and doctor."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from run_workflow.cli import options_here
from run_workflow.cli.session import DONE, WORKFLOW_SUFFIXES, WRONG_USE, Desk
from run_workflow.documents import DoctorDocument, GraphDocument, SettingsDocument
from run_workflow.workflow_documents import ToolBody, ToolDocument, ToolsDocument
from state.errors import RunError, SetupError, ToolFailed

if TYPE_CHECKING:  # slow to import
    from state.tools import RegisteredTool
    from tools.mcp.servers import McpServers
    from tools.registry import Registry


async def graph(desk: Desk, wanted: options_here.Graph) -> int:
    """A drawing of a graph."""
    from run_workflow.drawing import mermaid, png

    if wanted.run is not None:
        name, text = await _of_run(desk, wanted.run)
    else:
        name, text = wanted.name, await asyncio.to_thread(mermaid, wanted.name, desk.settings)
    target = wanted.out
    if wanted.form == "png":
        target = target or Path(
            f"{name.removesuffix(Path(name).suffix if name.endswith(WORKFLOW_SUFFIXES) else '')}.png"
        )
        await asyncio.to_thread(_write, target, await asyncio.to_thread(png, text))
    elif target is not None:
        await asyncio.to_thread(_write, target, text.encode())
    shown = text if wanted.form == "mermaid" else None
    desk.screen.text(str(target) if target else text)
    file = str(target) if target else None
    desk.screen.document(GraphDocument(graph=name, format=wanted.form, text=shown, file=file))
    return DONE


async def _of_run(desk: Desk, name: str) -> tuple[str, str]:
    """The id of a run, and the drawing of its own version of the workflow, coloured by how its steps stand."""
    from graphs.workflow.draw import mermaid_of
    from run_workflow.cli.find import find_run

    async with desk.services() as services:
        view = await services.engine.show(await find_run(services.engine, name))
        if not view.run.is_workflow:
            raise RunError(
                f"The run is one of {view.run.graph}, and no workflow file.",
                place=f"run {view.run.id}",
                remedy=f"`graph {view.run.graph}` draws that.",
            )
        pinned = await services.engine.workflows.definition_of(view.run)
    return view.run.id, mermaid_of(pinned.definition, view.steps)


async def tools(desk: Desk, wanted: options_here.Tools) -> int:
    """All tools, or the schemas of one."""
    import json

    from run_workflow.console.tables import tool_table
    from run_workflow.services import open_servers
    from tools.database.conversations import Databases
    from tools.registry import openai_schema
    from tools.toolbox import Toolbox

    async with open_servers(desk.settings) as servers:
        registry = Toolbox(databases=Databases(desk.settings.named_databases()), servers=servers).shown()
        found = await _found(registry, wanted.name) if wanted.name else None
        if found is None:
            await _ask_all(desk, registry, servers)
    if found is None:
        listed = tuple(_tool(each) for name in registry.names() for each in registry.versions(name))
        desk.screen.show(tool_table(listed))
        desk.screen.document(ToolsDocument(tools=listed))
        return DONE
    shown = ToolDocument(
        tool=_tool(found), parameters=found.parameters, output=found.output, openai=openai_schema(found)
    )
    desk.screen.show(tool_table((shown.tool,)))
    desk.screen.text(json.dumps({"input": found.parameters, "output": found.output}, indent=2))
    desk.screen.document(shown)
    return DONE


async def _found(registry: "Registry", name: str) -> "RegisteredTool":
    """The tool of a name. Raises SetupError."""
    try:
        await registry.ready([name])
        return registry.find(name)
    except ToolFailed as error:
        raise SetupError(error.message, place=error.place, remedy=error.remedy) from error


async def _ask_all(desk: Desk, registry: "Registry", servers: "McpServers") -> None:
    """Makes the tools of all servers known to the registry; says which could not be had."""
    from tools.mcp.servers import SIGN

    offered, failed = await servers.offers(servers.names)
    for error in failed.values():
        desk.screen.note(f"Left out: {error}", "yellow")
    for name, offer in offered.items():
        await registry.ready([f"{name}{SIGN}"])
        for line in offer.left_out:
            desk.screen.note(f"Left out: {line}", "yellow")


def _tool(tool: "RegisteredTool") -> ToolBody:
    return ToolBody(**{name: getattr(tool, name) for name in ToolBody.model_fields})


async def doctor(desk: Desk, wanted: options_here.Doctor) -> int:
    """How everything is that a run needs; or the table of settings."""
    from run_workflow.console.tables import check_table, setting_table
    from run_workflow.doctor import examine, setting_values, wrong_settings

    try:
        settings, wrong = desk.settings, None
    except SetupError as error:
        settings, wrong = None, error
    if wanted.settings:
        rows = setting_values(settings)
        desk.screen.show(setting_table(rows))
        desk.screen.document(SettingsDocument(settings=rows))
        if wrong is not None:
            desk.screen.error(wrong)
        return WRONG_USE if wrong else DONE
    checks = (wrong_settings(wrong),) if wrong else await examine(desk.settings)
    faults = [check for check in checks if check.state == "fault"]
    desk.screen.show(check_table(checks))
    desk.screen.say(
        f"{len(faults)} of {len(checks)} checks found a fault." if faults else "All is well.",
        "bold red" if faults else "bold green",
    )
    desk.screen.document(DoctorDocument(ok=not faults, checks=checks))
    return WRONG_USE if faults else DONE


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise SetupError(
            f"The drawing cannot be written: {error.strerror or error}.",
            place=str(path),
            remedy="Name another file with --out.",
        ) from error
