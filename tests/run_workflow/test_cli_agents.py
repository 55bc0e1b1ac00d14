"""`run research`: agents of the user's own and wishes of how to work reach the run, or are refused with their place."""

from pathlib import Path

import pytest

from run_workflow.documents import ErrorDocument
from tests.run_workflow.cli_double import BRANCH, Line
from tests.run_workflow.engine_double import EngineDouble, Stretch, published

QUESTION = "How fast does it rise?"
AGENTS = """\
agents:
  - {name: scout, description: Looks., capabilities: [research], model: good/fine}
  - {name: lawyer, description: Reads contracts., capabilities: [law], model: good/dear}
"""


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    """A run that ends well, in a folder with one source and a file of agents."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("It rose.", encoding="utf-8")
    (tmp_path / "agents.yaml").write_text(AGENTS, encoding="utf-8")
    return Line(EngineDouble([Stretch(BRANCH, output=published())]), tmp_path, {"STRETTO_AGENTS": "agents.yaml"})


def test_what_agents_are_asked_for_reaches_the_run(line: Line) -> None:
    """A file says how they are to work; models that agents of research bring along are known before the run begins."""
    Path("how.yaml").write_text("research: {depth: quick}\nsynthesis: {citation_style: APA}\n", encoding="utf-8")
    typed = line.type("run", "research", QUESTION, "--sources", "docs", "--specialise", "how.yaml")
    assert typed.code == 0
    (run,) = line.engine.runs.values()
    assert run.context.specialisation.research.depth == "quick"
    assert run.context.specialisation.synthesis.citation_style == "APA"
    assert run.context.agent_models == {"researcher": ("good/fine",)}
    assert "good/fine" in run.context.model_names
    assert not run.context.is_free


@pytest.mark.parametrize(
    ("how", "agents", "told"),
    [
        ("research: {depth: deep}", AGENTS, "how.yaml.research.depth: Input should be 'quick'"),
        ("analysis: {confidence_level: 95}", AGENTS, "how.yaml.analysis.confidence_level: Input should be less than 1"),
        ("writing: {}", AGENTS, "how.yaml.writing: Extra inputs"),
        ("- a", AGENTS, "how.yaml: Input should be"),
        ("research: [", AGENTS, "how.yaml:1:12: This is not YAML"),
        ("{}", AGENTS.replace("good/fine", "bad/model"), "bad/model"),
    ],
)
def test_mistakes_in_what_agents_are_asked_for_are_located(line: Line, how: str, agents: str, told: str) -> None:
    """Nothing is started, and the file, the place and what may stand there are told."""
    Path("how.yaml").write_text(how, encoding="utf-8")
    Path("agents.yaml").write_text(agents, encoding="utf-8")
    typed = line.type("run", "research", QUESTION, "--sources", "docs", "--specialise", "how.yaml", "--json")
    error = ErrorDocument.model_validate_json(typed.out).error
    assert (typed.exception, line.engine.runs) == (None, {})
    assert told in f"{error.place}: {error.message}"
