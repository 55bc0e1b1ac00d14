"""The command studio: a LangGraph server with research and every workflow of the catalogue, the user's own too."""

import asyncio
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from run_workflow.cli import options_here
from run_workflow.cli.session import DONE, Desk
from run_workflow.cli.workflows import catalog_of
from run_workflow.documents import StudioDocument
from state.errors import SetupError
from tools.extras import install

if TYPE_CHECKING:
    from run_workflow.workflow_catalog import WorkflowCatalog

RESEARCH = {"research": "run_workflow.studio.research:research"}
_APP = "run_workflow.studio.going_on:app"
_JOBS = 4
"""Runs that the server works on at the same time."""
_MODULE = '''"""Written by the command studio, which writes it anew each time."""

from run_workflow.studio.workflows import workflow

globals().update({{name: workflow(name) for name in {}}})
'''


async def studio(desk: Desk, wanted: options_here.Studio) -> int:
    """Writes the server's configuration, and becomes the server. SetupError where it is not installed."""
    catalog = catalog_of(desk.settings)
    folder = desk.settings.home / "studio"
    config, left_out = await asyncio.to_thread(write_files, catalog, folder)
    for line in left_out:
        desk.screen.note(f"Left out: {line}")
    graphs = tuple(json.loads(await asyncio.to_thread(config.read_text, encoding="utf-8"))["graphs"])
    desk.screen.say(f"{config} has {', '.join(graphs)}.")
    desk.screen.document(StudioDocument(config=str(config), graphs=graphs, left_out=tuple(left_out)))
    if not wanted.files_only:
        _become_server(config, wanted)
    return DONE


def _become_server(config: Path, wanted: options_here.Studio) -> NoReturn:
    """This process goes on as the server: signals reach it, and its end is the command's. Raises SetupError."""
    if find_spec("langgraph_api") is None:
        raise SetupError("The Studio server is not installed.", remedy=install("studio"))
    where = ["--config", str(config), "--host", wanted.host, "--port", str(wanted.port)]
    manner = ["--no-browser", "--no-reload", "--n-jobs-per-worker", str(_JOBS)]
    os.execv(sys.executable, [sys.executable, "-m", "langgraph_cli", "dev", *where, *manner])


def write_files(catalog: "WorkflowCatalog", folder: Path) -> tuple[Path, list[str]]:
    """The server's `langgraph.json`, written with the module that it names, and what was left out of it, and why."""
    names = [file.name for file in catalog.files]
    graphs: dict[str, object] = dict(RESEARCH)
    left_out = []
    module = folder / "graphs.py"
    served = []
    for file in catalog.files:
        if file.definition is None:
            left_out.append(f"{file.label}: {file.problem}")
        elif file.name in RESEARCH or names.count(file.name) > 1:
            left_out.append(f"{file.label}: another graph has the name {file.name}.")
        else:
            graphs[file.name] = {"path": f"{module}:{file.name}", "description": file.definition.description}
            served.append(file.name)
    config = {"dependencies": ["."], "graphs": graphs, "http": {"app": _APP}}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        module.write_text(_MODULE.format(served), encoding="utf-8")
        (folder / "langgraph.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        remedy = "Name a folder that can be written to: STRETTO_HOME."
        raise SetupError(f"{error.strerror or error}.", place=str(folder), remedy=remedy) from error
    return folder / "langgraph.json", left_out
