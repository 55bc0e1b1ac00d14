"""The arguments and options of the commands on this installation and its workflow files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from run_workflow.cli.options import Common


@dataclass(frozen=True, kw_only=True)
class Graph(Common):
    """`graph`."""

    name: Annotated[
        str, typer.Argument(metavar="GRAPH|NAME|FILE", help="research, a workflow of the list, or a workflow file.")
    ] = "research"
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="RUN", help="Draw the workflow of this run, coloured by how its steps stand."),
    ] = None
    form: Annotated[Literal["mermaid", "png"], typer.Option("--format", help="Mermaid text, or a picture.")] = "mermaid"
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write; text goes to standard output if not given.")
    ] = None


@dataclass(frozen=True, kw_only=True)
class Doctor(Common):
    """`doctor`."""

    settings: Annotated[
        bool, typer.Option("--settings", help="Print every setting, where it may stand, and its value.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class Studio(Common):
    """`studio`."""

    host: Annotated[str, typer.Option(help="Address on which the server listens.")] = "127.0.0.1"
    port: Annotated[int, typer.Option(help="Port on which it listens.")] = 2024
    files_only: Annotated[bool, typer.Option("--files-only", help="Write the server's files, and start no server.")] = (
        False
    )


@dataclass(frozen=True, kw_only=True)
class Check(Common):
    """`check`."""

    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="Workflow files (YAML); - reads standard input.")
    ] = None
    against: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|NAME",
            help="An older version, as a file, NAME or NAME@VERSION: say which changes break runs and callers.",
        ),
    ] = None
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of workflow files, for your editor, instead.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class Test(Common):
    """`test`."""

    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A workflow of the list, or a workflow file.")]


@dataclass(frozen=True, kw_only=True)
class Tools(Common):
    """`tools`."""

    name: Annotated[str, typer.Argument(metavar="[TOOL]", help="A tool, or tool@version; without one, all.")] = ""
