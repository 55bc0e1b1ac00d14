"""Tools for files, texts and figures, called as a run calls them."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from state.errors import ToolFailed
from state.runs import Json
from tests.tools.document_files import pdf_of
from tools.memory import memory_ports
from tools.registry import Registry
from tools.toolbox import Toolbox


@pytest.fixture
def tools(tmp_path: Path) -> Registry:
    """The tools of a run that may read in the folder `in`."""
    (tmp_path / "in").mkdir()
    box = Toolbox(files=tmp_path / "files", folders=(tmp_path / "in",))
    return box(replace(memory_ports(None), run_id="r1"))  # type: ignore[arg-type]


def texts_in(folder: Path) -> list[Path]:
    return list(folder.rglob("*.txt"))


async def refused(tools: Registry, name: str, **given: Any) -> ToolFailed:
    with pytest.raises(ToolFailed) as raised:
        await tools.call(name, given)
    return raised.value


async def test_what_a_run_writes_it_reads(tools: Registry, tmp_path: Path) -> None:
    """Texts as they are, values as JSON; each run has a folder of its own, and a second writing replaces the first."""
    written = await tools.call("file_write", {"path": "a/note.txt", "content": "café"})
    assert (written["path"], written["size"]) == ("a/note.txt", 5)
    assert await tools.call("file_read", {"path": "a/note.txt"}) == "café"
    for value in ([1, {"a": None}], {"b": 2.5}):
        await tools.call("file_write", {"path": "v.json", "content": value})
        assert await tools.call("file_read", {"path": "v.json", "form": "json"}) == value
    assert sorted(each.name for each in (tmp_path / "files/r1").iterdir()) == ["a", "v.json"]
    assert (await refused(tools, "file_read", path="a/note.txt", form="json")).error == "bad_output"


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", ["../out.txt", "/etc/passwd", "a/../../out.txt", ".hidden", "a/.env", ".", "", "a\0b", "../r1x/a.txt"]
)
async def test_nothing_is_written_outside_of_the_runs_folder(tools: Registry, tmp_path: Path, path: str) -> None:
    """Nor where hidden files are."""
    assert (await refused(tools, "file_write", path=path, content="x")).error == "bad_input"
    assert not texts_in(tmp_path)


async def test_only_the_folders_that_were_named_are_read(
    tools: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a path within or a whole one; no link leads out, and hidden files stay hidden."""
    (tmp_path / "in/a.txt").write_text("inside", encoding="utf-8")
    (tmp_path / "in/.env").write_text("hush", encoding="utf-8")
    (tmp_path / "out.txt").write_text("hush", encoding="utf-8")
    (tmp_path / "in/link.txt").symlink_to(tmp_path / "out.txt")
    os.mkfifo(tmp_path / "in/pipe.txt")
    for path in ("a.txt", str(tmp_path / "in/a.txt")):
        assert await tools.call("file_read", {"path": path}) == "inside"
    for path in (".env", "link.txt", "../out.txt", str(tmp_path / "out.txt"), "/etc/passwd", "in/a.txt"):
        error = await refused(tools, "file_read", path=path)
        assert error.error == "bad_input"
        assert "outside" in str(error) or "no such file" in str(error)
    assert "no such file" in str(await refused(tools, "file_read", path="pipe.txt"))
    monkeypatch.chdir(tmp_path / "in")
    here = Toolbox(files=tmp_path / "files").shown()
    assert await here.call("file_read", {"path": "a.txt"}) == "inside"


@pytest.mark.slow
async def test_a_document_becomes_text_with_places(tools: Registry, tmp_path: Path) -> None:
    """A PDF by pages; what cannot be read says why."""
    (tmp_path / "in/a.pdf").write_bytes(pdf_of(["The first page is about lakes."], ["The second is about rivers."]))
    document = await tools.call("read_document", {"path": "a.pdf"})
    assert (document["kind"], [part["page"] for part in document["passages"]]) == ("pdf", [1, 2])
    assert "about lakes" in document["text"]
    assert "about rivers" in document["text"]
    (tmp_path / "in/a.png").write_bytes(b"\x89PNG")
    (tmp_path / "in/b.pdf").write_bytes(b"%PDF-none")
    for path in ("a.png", "b.pdf"):
        assert (await refused(tools, "read_document", path=path)).error == "bad_input"


async def test_texts_and_figures_are_looked_through(tools: Registry) -> None:
    """Search, check and statistics work on what they are given."""
    texts = ["The lake is 31 metres deep.", "Rivers flow to the sea.", "A lake has no tide."]
    hits = await tools.call("search_texts", {"query": "depth of the lake in metres", "texts": texts, "limit": 1})
    assert [(hit["index"], hit["text"]) for hit in hits] == [(0, texts[0])]
    assert (await tools.call("check_statement", {"statement": "The lake is 31 metres deep.", "texts": texts}))[
        "verdict"
    ] == "supported"
    wrong = await tools.call("check_statement", {"statement": "The lake is 13 metres deep.", "texts": texts})
    assert wrong["verdict"] == "unsupported"
    assert [each["says"] for each in wrong["texts"]] == ["contradicts", "nothing", "nothing"]
    assert (wrong["texts"][0]["value"], wrong["texts"][0]["against"]) == ("13 metres", "31 metres")
    told = await tools.call("statistics", {"values": [1, 2, None, 3], "name": "depth (m)"})
    assert (told["values"]["mean"], told["n"]) == (2, 3)
    assert "depth has a mean of 2" in told["sentence"]
    rising = await tools.call("statistics", {"method": "trend", "values": [2, 4, 6, 8.1], "x": [1, 2, 3, 4]})
    assert rising["values"]["slope"] == pytest.approx(2.03)
    groups = {"method": "groups", "values": [1, 2, 3, 11, 12, 13], "groups": list("aaabbb")}
    assert "significant" in (await tools.call("statistics", groups))["sentence"]
    line = {"method": "regression", "values": [1, 3, 2, 6, 4.5], "x": {"a": [0, 1, 2, 3, 4], "b": [1, 0, 0, 1, 0]}}
    fitted = await tools.call("statistics", line)
    assert {"intercept", "a", "b", "p of a"} <= set(fitted["values"])
    assert (fitted["effect"]["name"], fitted["interval"]["of"]) == ("r²", "a")
    for given in ({"method": "trend", "values": [1, 2]}, {"values": [None]}, {"method": "groups", "values": [1, 2]}):
        assert (await refused(tools, "statistics", **given)).error == "bad_input"


async def test_set_gives_back_what_it_is_given(tools: Registry) -> None:
    """Whatever that is."""
    assert await tools.call("set", {"a": [1], "b": {"c": None}}) == {"a": [1], "b": {"c": None}}
    assert await tools.call("set", {}) == {}


async def test_tables_of_other_programs_are_kept_within_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that was not used for longest is dropped, and a call that names it says so; a run keeps all."""
    monkeypatch.setattr("tools.toolbox.SERVED_BYTES", 1000)
    box = Toolbox(files=tmp_path / "files")

    async def first_of(kept: Registry) -> str:
        given: list[Json] = [{"columns": {"a": ["x" * 300], "n": [n]}, "name": "t"} for n in range(3)]
        first, _, last = [(await kept.call("table_load", each))["table"]["hash"] for each in given]
        assert (await kept.call("table_values", {"table": last}))["columns"]["n"] == [2]
        return str(first)

    served, run = box.served(None), box(replace(memory_ports(None), run_id="r1"))  # type: ignore[arg-type]
    gone = await first_of(served)
    assert "It may have been dropped" in str(await refused(served, "table_values", table=gone))
    there = await first_of(run)
    assert (await run.call("table_values", {"table": there}))["columns"]["n"] == [0]
