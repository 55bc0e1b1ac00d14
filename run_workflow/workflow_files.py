"""Workflow files from disk, and what they can name here."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

from graphs.workflow.checks.known import Known, KnownChain, KnownTool
from graphs.workflow.yaml_source import MOST_BYTES
from state.agents import AgentTemplate
from state.errors import SetupError

if TYPE_CHECKING:  # slow to import
    from state.ports import RegisteredTool


def read_text(path: Path | Traversable) -> str:
    """The text of a workflow file. SetupError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        remedy = "Save it as UTF-8."
        raise SetupError("The file is not UTF-8 text.", place=f"{path}, byte {error.start}", remedy=remedy) from error
    except OSError as error:
        remedy = "Name a workflow file that can be read."
        raise SetupError(f"{error.strerror or error}.", place=str(path), remedy=remedy) from error


def known(agents: Iterable[AgentTemplate] = ()) -> Known:
    """What workflows can name here beside other workflows, with `agents` of the user's own."""
    from agents.templates import all_templates
    from chains.registry import CHAINS
    from tools.toolbox import Toolbox

    registry = Toolbox().shown()
    return Known(
        tools={name: _tool(registry.versions(name)) for name in registry.names()},
        chains={name: KnownChain(chain.input_schema, chain.output_schema) for name, chain in CHAINS.items()},
        agents={name: template.capabilities for name, template in all_templates(agents).items()},
    )


def _tool(versions: Sequence["RegisteredTool"]) -> KnownTool:
    """A tool by its newest version, with the others."""
    newest, *older = (
        KnownTool(
            parameters=each.parameters,
            output=each.output,
            side_effects="write" if each.side_effects == "write" else "read",
            takes_key=each.takes_key,
            wrong_with=each.wrong_with,
            versions=tuple(other.version for other in versions),
        )
        for each in versions
    )
    return replace(newest, older={each.version: one for each, one in zip(versions[1:], older, strict=True)})
