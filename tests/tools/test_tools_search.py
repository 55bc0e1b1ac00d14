"""Search over passages: what is found, in which order, and that an index is built once."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.evidence import Locator, Passage, Source
from tools.memory import MemoryPassages
from tools.search import indexes
from tools.search.index import Embedded, SearchIndex, build_index
from tools.search.indexes import SearchIndexes

SOURCE = Source(id="s1", uri="a.txt", title="Lighthouses", kind="text", sha256="0" * 64, size=1)


def passage(text: str, *heading: str, source: str = "s1") -> Passage:
    """A passage with this text under these headings."""
    return Passage.make(source, Locator(heading=heading), text)


def found(index: SearchIndex, query: str, limit: int = 10) -> list[str]:
    """The ids that a search gives."""
    return [hit.passage_id for hit in index.search(query, limit)]


def test_words_are_found_in_any_form() -> None:
    """Stems are compared, so that `reading` finds `reads`; what shares no word is not found."""
    reads, other = passage("A transaction reads uncommitted rows."), passage("Lamps burn at night.")
    assert found(build_index([reads, other], {}), "reading a row") == [reads.id]


def test_titles_and_headings_are_searched_with_the_text() -> None:
    """A passage is found by what it stands under."""
    titled, headed = passage("It was built in 1811."), passage("It burns oil.", "Lamps", source="s2")
    index = build_index([titled, headed], {"s1": "Bell Rock", "s2": "Other"})
    assert found(index, "bell rock") == [titled.id]
    assert found(index, "lamp") == [headed.id]


def test_rarer_words_count_more_and_the_limit_holds() -> None:
    """The passage with the rare word comes first; no more than `limit` come."""
    common = [passage(f"The level of the lake in year {n}.") for n in range(20)]
    rare = passage("The level of anomalies in the lake.")
    index = build_index([*common, rare], {})
    assert found(index, "level of anomalies", 1) == [rare.id]
    assert len(found(index, "level", 7)) == 7


def test_equal_passages_come_in_the_order_of_their_ids() -> None:
    """The same search always gives the same list, whatever the order of the passages."""
    same = [passage("The lamp burns.", source=f"s{n}") for n in range(30)]
    expected = sorted(each.id for each in same)[:10]
    assert found(build_index(same, {}), "lamp") == expected
    assert found(build_index(same[::-1], {}), "lamp") == expected


@pytest.mark.parametrize("texts", [[], ["the of and"], ["…"]])
def test_an_index_without_words_finds_nothing(texts: list[str]) -> None:
    """An empty collection is searched like any other."""
    assert build_index([passage(text) for text in texts], {}).search("lamp", 5) == []


@pytest.mark.slow
@given(st.text(max_size=80), st.integers(min_value=-1, max_value=5))
def test_any_query_is_answered(query: str, limit: int) -> None:
    """No query fails, and none gives more than it asked for."""
    index = build_index([passage("A lamp burns."), passage("A bell rings.")], {})
    assert len(index.search(query, limit)) <= max(0, limit)


async def stored(texts: Sequence[str]) -> tuple[MemoryPassages, str]:
    """A store with one collection of these passages."""
    passages = MemoryPassages()
    await passages.add(SOURCE, [passage(text) for text in texts])
    return passages, (await passages.gather([SOURCE], [])).id


async def test_an_index_is_built_once_for_all_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Branches that ask at the same time share one build."""
    built = []

    def counted(
        passages: Sequence[Passage], titles: Mapping[str, str], embedded: Embedded | None = None
    ) -> SearchIndex:
        built.append(titles)
        return build_index(passages, titles, embedded)

    monkeypatch.setattr(indexes, "build_index", counted)
    passages, collection = await stored(["A lamp burns."])
    shared = SearchIndexes(passages)
    first, *others = await asyncio.gather(*(shared.get(collection) for _ in range(5)))
    assert all(other is first for other in others)
    assert built == [{"s1": "Lighthouses"}]
    assert len(found(first, "lighthouse")) == 1


async def test_a_branch_that_is_cut_off_does_not_stop_the_build() -> None:
    """Whoever still waits gets the index when the first one to ask is cancelled."""
    passages, collection = await stored(["A lamp burns."])
    shared = SearchIndexes(passages)
    impatient = asyncio.create_task(shared.get(collection))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(shared.get(collection))
    await asyncio.sleep(0)
    impatient.cancel()
    assert len(found(await waiting, "lamp")) == 1


async def test_a_build_that_nobody_waits_for_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the last one who waits, the build is cancelled: it reads no database after the run; the next asks anew."""
    passages, collection = await stored(["A lamp burns."])
    shared, ended = SearchIndexes(passages), asyncio.Event()

    async def slow(_: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with monkeypatch.context() as hanging:
        hanging.setattr(passages, "sources", slow)
        waiting = asyncio.create_task(shared.get(collection))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert len(found(await shared.get(collection), "lamp")) == 1
    assert ended.is_set()


async def test_a_build_that_failed_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost connection does not leave the run without search."""
    passages, collection = await stored(["A lamp burns."])
    shared = SearchIndexes(passages)
    with monkeypatch.context() as broken:
        broken.setattr(passages, "sources", lambda _: _raise(ConnectionError("lost")))
        with pytest.raises(ConnectionError):
            await shared.get(collection)
    assert len(found(await shared.get(collection), "lamp")) == 1


async def _raise(error: Exception) -> None:
    raise error
