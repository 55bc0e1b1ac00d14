"""A run with an embedding model: its vectors are made while the sources are read, told, kept and used."""

from pathlib import Path

from langgraph.checkpoint.memory import InMemorySaver

from chains.models import ModelDoor
from graphs.research import build
from run_workflow.checkpoints import StrictSerializer
from state.context import RunContext
from tests.graphs.research_runs import write_sources
from tests.tools.topic_embedder import TopicEmbedder
from tools.memory import memory_ports


async def test_vectors_are_made_while_the_sources_are_read(tmp_path: Path) -> None:
    """Whoever watches is told how far they have come; no branch has to wait for them, and none makes them again."""
    sources = write_sources(
        tmp_path / "notes", {"a.md": "The vessel Otter sank in 1907.", "b.md": "Rye flour is dark."}
    )
    model = TopicEmbedder()
    app = build(memory_ports(ModelDoor({}, {}), embedder=model)).compile(
        checkpointer=InMemorySaver(serde=StrictSerializer())
    )
    events = app.astream(
        {"question": "When did the vessel Otter sink?", "sources": sources},
        {"configurable": {"thread_id": "run"}, "recursion_limit": 100},
        context=RunContext(),
        stream_mode="custom",
    )
    told = [(event["path"], event["status"], event["message"]) async for event in events]
    vectors = [said for path, _, said in told if path == "read_sources" and "vectors" in said]
    assert vectors == ["vectors of passages: 0 of 2", "vectors of 2 passages computed by topics"]
    read = told.index(("read_sources", "completed", ""))
    assert told.index(("read_sources", None, vectors[-1])) < read
    assert len([text for text in model.asked if text.endswith(("1907.", "dark."))]) == 2
    assert len(model.asked) > 2  # the queries
