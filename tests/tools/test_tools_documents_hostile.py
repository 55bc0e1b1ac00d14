"""Broken and malicious files: none makes the process fail, hang or eat memory; each costs one line of a list."""

import json
import random
import re
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from state.errors import SourceError
from tests.tools.document_files import pdf_of
from tests.tools.document_samples import MAKERS, TEXT, mutant, sample
from tests.tools.ocr_engine import stand_in, words_seen
from tests.tools.office_files import unzipped, zip_of
from tools.documents import isolation, packages
from tools.documents.extracted import Reading
from tools.documents.formats import FORMATS, Format, format_of
from tools.documents.isolation import OUTCOME, Outcome, Readers, Request, outcome_of


@pytest.fixture(autouse=True, scope="module")
def engine_for_pictures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A program that sees the same text in every picture."""
    with pytest.MonkeyPatch.context() as patch:
        stand_in(tmp_path_factory.mktemp("engine"), patch, words_seen("The lake is deep."))
        yield


def test_every_format_has_a_sample() -> None:
    """A format that is added is tried with broken bytes too."""
    assert {FORMATS[suffix].kind for suffix in MAKERS} == {format_.kind for format_ in FORMATS.values()}
    for suffix in MAKERS:
        assert outcome_of(sample(suffix), f"a{suffix}", FORMATS[suffix]).problem == "", suffix


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [each for each in MAKERS if each not in (".tif", ".gif")])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_the_bytes_there_is_an_outcome(suffix: str, data: st.DataObject) -> None:
    """A file that is cut off, overwritten in places or shuffled is read or refused with a reason, never a failure."""
    whole = sample(suffix)
    end = data.draw(st.integers(0, len(whole)))
    broken = bytearray(whole[:end] if data.draw(st.booleans()) else whole)
    for place in data.draw(st.lists(st.integers(0, max(0, len(broken) - 1)), max_size=20)):
        broken[place : place + 1] = bytes([data.draw(st.integers(0, 255))])
    outcome = outcome_of(bytes(broken), f"a{suffix}", FORMATS[suffix])
    assert bool(outcome.parts) != bool(outcome.reason)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".docx", ".pptx", ".xlsx", ".epub"])
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_whatever_the_parts_there_is_an_outcome(suffix: str, data: st.DataObject) -> None:
    """An archive that is whole, with parts that are not: their XML is cut off or changed."""
    parts = dict(unzipped(sample(suffix)))
    name = data.draw(
        st.sampled_from(sorted(name for name in parts if name.endswith((".xml", ".rels", ".opf", "html"))))
    )
    content = parts[name]
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(content))] * 2)))
    parts[name] = content[:start] + data.draw(st.sampled_from([b"", b"<x>", b"&y;", b'"0"'])) + content[end:]
    outcome = outcome_of(zip_of(parts), f"a{suffix}", FORMATS[suffix])
    assert bool(outcome.parts) != bool(outcome.reason)


@pytest.mark.slow
async def test_broken_files_leave_the_readers_whole() -> None:
    """Copies of every format, cut off, overwritten, with other numbers in them, or with their packed parts broken: each
    has an outcome, and a table or a reason for none, in the processes that read them, which none of them ends.
    """
    chance = random.Random(17)
    async with Readers(many=True) as readers:
        for suffix in sorted(MAKERS) * 2:
            broken, format_ = mutant(sample(suffix), chance), FORMATS[suffix]
            outcome = await readers.read(broken, f"a{suffix}", format_)
            found = await readers.tables(broken, Request(format_.kind, f"a{suffix}", "table"))
            assert bool(outcome.parts) != bool(outcome.reason)
            assert bool(found.grid) != bool(found.problem)
            assert "broke off" not in outcome.reason + found.problem


@pytest.mark.slow
async def test_a_page_that_unpacks_to_too_much_is_refused() -> None:
    """A PDF whose page unpacks to hundreds of times its size, at once or twice over."""
    page = zlib.compress(bytes(100_000_000), 1)
    async with Readers() as readers:
        for packed, filters in ((page, "/FlateDecode"), (zlib.compress(page), "[/FlateDecode /FlateDecode]")):
            content = f"<< /Length {len(packed)} /Filter {filters} >>".encode()
            bomb = pdf_of("").replace(b"<< /Length 0 >>\nstream\n\n", content + b"\nstream\n" + packed + b"\n")
            assert len(packed) < len(bomb) < 500_000
            outcome = await readers.read(bomb, "a.pdf", FORMATS[".pdf"])
            assert "Limit reached while decompressing" in outcome.reason


def refused(data: bytes, name: str) -> str:
    """The reason that a file is refused for."""
    outcome = outcome_of(data, name, format_of(name))
    assert not outcome.parts
    return outcome.reason


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".docx", ".pptx", ".xlsx", ".epub"])
def test_an_archive_that_unpacks_to_too_much_is_not_unpacked(suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file that unpacks to hundreds of times its size, to too many parts or to too much in all is refused."""
    bomb = zip_of({**unzipped(sample(suffix)), "bomb.bin": bytes(30_000_000)})
    assert "may be a trap" in refused(bomb, f"a{suffix}")
    monkeypatch.setattr(packages, "MAX_UNPACKED", 100)
    assert "too much" in refused(sample(suffix), f"a{suffix}")
    monkeypatch.undo()
    monkeypatch.setattr(packages, "MAX_PARTS", 1)
    assert "too much" in refused(sample(suffix), f"a{suffix}")


def test_an_archive_that_lies_about_its_sizes_is_broken() -> None:
    """The size that the list of contents states is all that is unpacked."""
    parts = unzipped(sample(".docx"))
    parts["word/document.xml"] += b" " * 50_000
    data = zip_of(parts)
    place = data.rindex(b"PK\x01\x02", 0, data.rindex(b"word/document.xml"))
    lying = data[: place + 24] + (100).to_bytes(4, "little") + data[place + 28 :]
    assert "broken" in refused(lying, "a.docx")


_BOMB = '<!DOCTYPE x [<!ENTITY a "{}">{}]>'.format(
    "lake " * 20, "".join(f'<!ENTITY {b} "{f"&{a};" * 20}">' for a, b in zip("abcdef", "bcdefg", strict=True))
)


@pytest.mark.parametrize(
    ("suffix", "part", "tag"),
    [
        (".docx", "word/document.xml", "w:t"),
        (".pptx", "ppt/slides/slide1.xml", "a:t"),
        (".xlsx", "xl/worksheets/sheet1.xml", "t"),
        (".epub", "OPS/book.opf", "dc:title"),
    ],
)
def test_entities_are_not_expanded(suffix: str, part: str, tag: str) -> None:
    """The billion laughs, and a file of this machine, do not come into the text."""
    for entity in (_BOMB, '<!DOCTYPE x [<!ENTITY g SYSTEM "file:///etc/passwd">]>'):
        parts = unzipped(sample(suffix))
        content = re.sub(r"^<\?xml[^>]*\?>\s*", "", parts[part].decode())
        content, count = re.subn(rf"<{tag}>[^<]*<", f"<{tag}>&g;<", content)
        assert count
        parts[part] = (entity + content).encode()
        outcome = outcome_of(zip_of(parts), f"a{suffix}", FORMATS[suffix])
        text = " ".join([outcome.title, *(text for _, text in outcome.parts)])
        assert len(text) < 1000
        assert "root:" not in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.json", b'{"a":' * 100_000),
        ("a.json", b"[" * 90_000 + b"]" * 90_000),
        ("a.json", b"[" * 900 + b"1" + b"]" * 900),
        ("a.ipynb", b'{"cells": ' + b"[" * 90_000),
        ("a.html", b"<html>" + b"<div>" * 5_000 + b"The lake."),
        ("a.html", b"<html>" + b"<sup>" * 5_000 + b"The lake."),
        ("a.html", b"<html>" + b"<table><tr><td>" * 1_000 + b"The lake."),
        ("a.html", b"<html><![broken"),
        ("a.csv", b"# only\n" * 50),
        ("a.md", b"> " * 5_000 + b"The lake."),
        ("a.md", b"[" * 20_000),
        ("a.json", b'{"n": ' + b"1" * 20_000 + b"}"),
    ],
)
def test_depth_and_length_are_no_danger(name: str, data: bytes) -> None:
    """What nests a hundred thousand levels deep, or has a number of ten thousand digits, has an outcome."""
    outcome = outcome_of(data, name, format_of(name))
    assert bool(outcome.parts) != bool(outcome.reason)


async def read(data: bytes, name: str) -> tuple[Outcome, Outcome]:
    """What comes of a file, and of a good one that is read after it by the same readers."""
    async with Readers(many=True) as readers:
        first = await readers.read(data, name, format_of(name))
        return first, await readers.read(TEXT.encode(), "b.txt", format_of("b.txt"))


@pytest.mark.slow
async def test_a_reader_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process is gone, not only forgotten; the next file is read by another."""
    ended: list[int] = []
    killed = isolation._Process.kill

    def kill(self: isolation._Process) -> None:
        killed(self)
        assert self._running is not None
        ended.append(self._running.returncode)

    monkeypatch.setattr(isolation._Process, "kill", kill)
    monkeypatch.setattr(isolation, "READ_SECONDS", 3.0)
    slow = b"<a" * 2_000_000
    first, second = await read(slow, "a.html")
    assert first.reason == "reading it took longer than 3 s"
    assert second.parts
    assert ended == [-9, -9]


@pytest.mark.slow
async def test_a_reader_that_takes_too_much_memory_is_refused_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit holds for the reader's process alone, and the next file is read."""
    monkeypatch.setattr(isolation, "READ_MEMORY", 400_000_000)
    first, second = await read(b"x " * 25_000_000, "a.txt")
    assert first.reason in ("reading it takes too much memory", "the process that read it broke off")
    assert second.parts


async def test_a_process_that_was_ended_before_it_started_never_does() -> None:
    """A reading that is cancelled while its process starts leaves none behind."""
    process = isolation._Process()
    process.kill()
    answer = await process.ask(Request("text", "a.txt"), b"x")
    assert (answer, process._running) == ("the process that read it broke off", None)


@pytest.mark.slow
async def test_half_a_character_is_replaced() -> None:
    """JSON can write what no other text can hold; it does not end the reader, and is not lost without a trace."""
    source = rb'{"text": "x\udc00y", "rows": [{"\ud800": 1}, {"\ud800": 2}, {"\ud800": 3}]}'
    first, second = await read(source, "a.json")
    assert [part for _, part in first.parts][::2] == ["text: x\ufffdy", "\ufffd: 1\n\ufffd: 2\n\ufffd: 3"]
    assert second.parts


def test_half_a_character_in_a_reason_is_replaced() -> None:
    """An error that repeats what a file says can be sent and stored like any other outcome."""

    def refused(data: bytes, uri: str) -> Reading:
        raise SourceError("no such part: \ud800")

    outcome = outcome_of(b"x", "a.txt", Format("text", "text/plain", refused))
    assert json.loads(OUTCOME.dump_json(outcome))["reason"] == "no such part: \ufffd"


@pytest.mark.slow
async def test_what_a_process_reads_is_what_is_read_here() -> None:
    """Title, date, places and the number of tables come back as they are."""
    async with Readers(many=True) as readers:
        for suffix in (".docx", ".json", ".pdf"):
            there = await readers.read(sample(suffix), f"a{suffix}", FORMATS[suffix])
            assert there == outcome_of(sample(suffix), f"a{suffix}", FORMATS[suffix])
            assert there.parts
