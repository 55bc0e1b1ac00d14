"""What the server is told of workflows: the files of the project are complete, and those of a user are written."""

import json
from pathlib import Path

import pytest

from run_workflow.cli.studio import RESEARCH, write_files
from run_workflow.documents import StudioDocument
from run_workflow.workflow_catalog import WorkflowCatalog
from tests.run_workflow.cli_double import Line
from tests.run_workflow.engine_double import EngineDouble

ROOT = Path(__file__).parents[2]
STEPS = "steps: [{id: a, type: wait, duration: 0}]"


@pytest.mark.slow
def test_the_project_serves_all_that_comes_with_it() -> None:
    """langgraph.json and run_workflow/studio/shipped.py name each workflow of the package, and nothing else."""
    named = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))["graphs"]
    shipped = {file.name for file in WorkflowCatalog(None).files}
    assert named == RESEARCH | {name: f"run_workflow.studio.shipped:{name}" for name in shipped}
    text = (ROOT / "run_workflow/studio/shipped.py").read_text(encoding="utf-8")
    assert {line for line in text.splitlines() if " = " in line} == {f'{name} = workflow("{name}")' for name in shipped}


def test_files_of_a_user(tmp_path: Path) -> None:
    """The command writes a configuration with the user's workflows, and says which files it left out and why."""
    texts = {"a": f"name: pay-out\n{STEPS}", "b": "name: [", "c": f"name: research\n{STEPS}", "d": STEPS}
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    config, left_out = write_files(WorkflowCatalog(tmp_path), tmp_path / "studio")
    graphs = json.loads(config.read_text(encoding="utf-8"))["graphs"]
    assert {"research", "pay-out", *(file.name for file in WorkflowCatalog(None).files)} == set(graphs)
    assert graphs["pay-out"]["path"] == f"{tmp_path}/studio/graphs.py:pay-out"
    assert [Path(said.split(": ")[0]).name for said in left_out] == ["b.yaml", "d.yaml", "c.yaml"]
    names: dict[str, object] = {}
    exec(config.with_name("graphs.py").read_text(encoding="utf-8"), names)  # noqa: S102 - our own file
    assert callable(names["pay-out"])

    line = Line(EngineDouble(), tmp_path)
    document = StudioDocument.model_validate_json(line.type("studio", "--files-only", "--json").out)
    assert set(document.graphs) >= {"research", "expense_approval"}
