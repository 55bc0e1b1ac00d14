"""Research as a step of a workflow: its outputs, its record, and going on after a crash."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from graphs.workflow.outcomes import StepFailed
from state.errors import LeaseLost
from state.runs import Json
from tests.graphs.shipped_runs import ShippedRun, shipped
from tools.memory import MemoryLedger

pytestmark = pytest.mark.slow

TEXT = "The alpha bridge is 134 m high and was opened in 1932. It carries a road and two railway lines."
QUESTION = "How high is the alpha bridge?"


class DyingLedger(MemoryLedger):
    """The process dies when a step begins, or ends: nothing is written any more until `is_dead` is taken back."""

    dies_at = ""
    is_dead = False

    async def begin(self, path: str, iteration: int = 0, *, result: Json | None = None) -> None:
        self.is_dead = self.is_dead or path == self.dies_at
        if self.is_dead:
            raise LeaseLost("dead")
        await super().begin(path, iteration, result=result)

    async def end(self, path: str, *args: Any, **more: Any) -> None:
        self.is_dead = self.is_dead or f"end of {path}" == self.dies_at
        if self.is_dead:
            raise LeaseLost("dead")
        await super().end(path, *args, **more)


@pytest.fixture
async def run(tmp_path: Path) -> ShippedRun:
    """The workflow over a folder with one text."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bridge.txt").write_text(TEXT)
    return ShippedRun(await shipped("research_report"), tmp_path / "files", tmp_path)


async def test_a_report_comes_with_its_figures(run: ShippedRun) -> None:
    """Outcome, accuracy, summary and the report's files; its steps stand below the step in the ledger."""
    done = await run.go({"question": QUESTION, "sources": ["in"]})
    assert (done["outcome"], done["citation_accuracy"]) == ("published", 1.0)
    assert "134 m" in done["summary"]
    assert "134 m" in (run.files / "r" / done["report"]).read_text()
    assert (run.files / "r" / done["page"]).read_text().startswith("<!")
    assert (await run.statuses())["findings.publish"] == "completed"
    assert "findings.publish" in run.told


async def test_a_report_that_establishes_nothing_goes_to_a_person(run: ShippedRun) -> None:
    """It is no failure of the step: the outcome says so, and a person decides."""
    assert not await run.go({"question": "Who painted the ceiling of the opera?", "sources": ["in"]})
    assert (await run.asked())["release"]["outcome"] == "not_established"
    assert (await run.answer())["outcome"] == "not_established"


@pytest.mark.parametrize("moment", ["findings.synthesize", "end of findings"])
async def test_research_goes_on_where_its_process_died(run: ShippedRun, moment: str) -> None:
    """The nodes that had ended are not run again, and the result is that of a run left alone."""
    ledger = DyingLedger("r", run.ports.clock)
    ledger.dies_at = moment
    run.ports = replace(run.ports, ledger=ledger)
    with pytest.raises(LeaseLost):
        await run.go({"question": QUESTION, "sources": ["in"]})
    before = {each.path for each in await ledger.steps() if each.status == "completed"}
    assert {"findings.read_sources", "findings.merge"} <= before
    ledger.dies_at, ledger.is_dead = "", False
    done = await run.go(None)
    assert done["outcome"] == "published"
    assert {each.path: each.attempts for each in await ledger.steps() if each.path in before} == dict.fromkeys(
        before, 1
    )


@pytest.mark.parametrize("source", ["/etc/hostname", "../outside.txt", "missing.txt"])
async def test_only_folders_of_the_user_are_read(run: ShippedRun, source: str) -> None:
    """A path that comes from data of the run leads nowhere else."""
    (run.folder.parent / "outside.txt").write_text("secret")
    with pytest.raises(StepFailed, match=r"outside of what|no such file"):
        await run.go({"question": QUESTION, "sources": [source]})


async def test_what_research_is_given_is_checked_with_the_file(run: ShippedRun) -> None:
    """A misspelt output, and a source that is no list, are errors before anything runs."""
    from run_workflow.workflow_catalog import WorkflowCatalog

    def faults(step: str, output: str) -> list[str]:
        text = f"name: w\nsteps:\n  - {{id: a, type: workflow, workflow: research, {step}}}\noutputs: {{x: {output}}}\n"
        found: Any = WorkflowCatalog(None).checked(text, "w.yaml").problems
        return [str(each) for each in found]

    given = "input_mapping: {question: What?, sources: [in]}"
    assert faults(given, "$a.report") == []
    assert "raport" in faults(given, "$a.raport")[0]
    assert "sources" in faults("input_mapping: {question: What?}", "$a.report")[0]
