"""Workflow files from disk, and what they can name here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

from graphs.workflow.checks.known import Known, KnownChain, KnownTool
from graphs.workflow.yaml_source import MOST_BYTES
from state.agents import AgentTemplate
from state.errors import SetupError

if TYPE_CHECKING:  # slow to import
    from run_workflow.settings import Settings
    from state.tools import RegisteredTool


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


@dataclass(frozen=True)
class Offered:
    """What is known of MCP servers."""

    tools: Mapping[str, "RegisteredTool"] = field(default_factory=dict)
    """By name, of servers that were asked."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """The other servers, and why one that was asked did not answer."""


async def asked(settings: "Settings", texts: Iterable[str]) -> Offered:
    """What the servers have whose names stand in the texts before a dot; the others are not asked."""
    from run_workflow.services import open_servers

    texts = list(texts)
    tools: dict[str, RegisteredTool] = {}
    unknown = dict.fromkeys(settings.mcp, "")
    async with open_servers(settings) as servers:
        named = [name for name in servers.names if any(f"{name}." in text for text in texts)]
        offered, failed = await servers.offers(named)
        for name, offer in offered.items():
            del unknown[name]
            tools |= {tool.name: tool for tool in offer.tools}
    return Offered(tools, unknown | {name: error.message for name, error in failed.items()})


def known(agents: Iterable[AgentTemplate] = (), offered: Offered = Offered()) -> Known:
    """What workflows can name here beside other workflows, with `agents` of the user's own and tools of servers."""
    from agents.templates import all_templates
    from chains.registry import CHAINS
    from tools.toolbox import Toolbox

    registry = Toolbox().shown()
    return Known(
        tools={name: _tool(registry.versions(name)) for name in registry.names()}
        | {name: _tool([tool]) for name, tool in offered.tools.items()},
        servers=offered.unknown,
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
