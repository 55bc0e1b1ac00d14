"""A workflow as a person reads it: what goes in, what is done, what comes out, which versions there are."""

import json

from rich.console import Group, RenderableType
from rich.text import Text

from run_workflow.console.screen import table
from run_workflow.console.words import moment, one_line
from run_workflow.workflow_documents import WorkflowDocument, WorkflowLine


def workflow_table(lines: tuple[WorkflowLine, ...]) -> RenderableType:
    """The workflows of a list."""
    rows = table("workflow", "version", "what it does", "file")
    for line in lines:
        what = Text(one_line(line.problem), style="red") if line.problem else Text(one_line(line.description))
        rows.add_row(line.name, line.version or "", what, line.file)
    return rows


def workflow_view(document: WorkflowDocument) -> RenderableType:
    """One workflow."""
    parts: list[RenderableType] = [Text(f"{document.name} {document.version}", style="bold")]
    if document.description:
        parts.append(Text(one_line(document.description)))
    return Group(*parts, Text(), _inputs(document), Text(), _steps(document), Text(), *_ends(document))


def _inputs(document: WorkflowDocument) -> RenderableType:
    if not document.inputs:
        return Text("It has no inputs.")
    rows = table("input", "type", "default", "what it is")
    for each in document.inputs:
        default = "needed" if each.required else "" if each.default is None else json.dumps(each.default)
        rows.add_row(each.name, each.type, one_line(default), one_line(each.description))
    return rows


def _steps(document: WorkflowDocument) -> RenderableType:
    rows = table("step", "type", "name")
    for each in document.steps:
        depth = each.path.count(".")
        rows.add_row("  " * depth + each.path.rpartition(".")[2], each.type, one_line(each.name))
    return rows


def _ends(document: WorkflowDocument) -> list[RenderableType]:
    outputs = ", ".join(document.outputs) if document.outputs else "what its last steps give back"
    ends: list[RenderableType] = [Text(f"Outputs: {outputs}.")]
    if document.versions:
        rows = table("version", "hash", "runs", "first run", right=["runs"])
        for each in document.versions:
            rows.add_row(each.version, each.hash[:12], str(each.runs), moment(each.stored_at))
        ends += [Text(), rows]
    return ends
