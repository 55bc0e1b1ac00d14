"""The options of the command mcp."""

from dataclasses import dataclass
from typing import Annotated

import typer

from run_workflow.cli.options import Common


@dataclass(frozen=True, kw_only=True)
class Mcp(Common):
    """`mcp`."""

    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Serve HTTP on this port of this machine instead; 0 chooses a free one."),
    ] = None
    allow_write: Annotated[
        list[str] | None,
        typer.Option(metavar="TOOL", help="Offer this tool, which changes something; may be given several times."),
    ] = None
    wait: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, max=600, help="How long a call waits for the end of its run.")
    ] = 30.0
    show: Annotated[bool, typer.Option("--show", help="Print what would be offered, and serve nothing.")] = False
