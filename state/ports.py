"""The seams to the outside as Protocols. A room that needs one names it here and is handed the real thing at build.

Every port is bound to one run: whoever builds a graph makes the ports for that run, so no method takes a run id.
The Postgres versions live in `run_workflow/`; `tools/memory.py` has twins that need nothing.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from state.agents import AgentTemplate, AgentTrack
from state.evidence import Around, ArtifactRef, Collection, Passage, SkippedSource, Source, host_of
from state.runs import CallKey, CallRecord, Json, StepRecord, StepStatus, Usage
from state.tools import Chains, ToolRegistry, Workflows

if TYPE_CHECKING:  # slow to import, and only their names are needed here
    from langchain_core.language_models import BaseChatModel


class Ledger(Protocol):
    """What each step of the run did.

    Every write is durable when the call returns, and so are all that were asked for before it; or it raises LeaseLost.
    """

    async def begin(self, path: str, iteration: int = 0, *, result: Json | None = None) -> None:
        """The step starts, or starts again: `attempts` counts. `result` stands there until it ends."""

    async def end(
        self,
        path: str,
        status: StepStatus,
        *,
        iteration: int = 0,
        error: str | None = None,
        result: Json | None = None,
    ) -> None:
        """The step ended with `status`; one that is `compensated` ended when it completed."""

    async def steps(self, prefix: str = "") -> Sequence[StepRecord]:
        """The steps whose path starts with `prefix`, in the order in which they started."""


class CallJournal(Protocol):
    """The model and tool calls of the run's agents: a call that finished is never made again."""

    async def find(self, key: CallKey) -> CallRecord | None:
        """What the call gave back, if it finished before."""

    async def record(self, key: CallKey, call: CallRecord) -> None:
        """Stores a finished call before its result is used; the first record of a key stays. Raises LeaseLost."""

    async def usage(self, prefix: str = "") -> Usage:
        """The sum over the recorded calls whose path starts with `prefix`."""

    async def models(self) -> Sequence[str]:
        """The names of the models that answered, each once, in the order of the alphabet."""


class Library(Protocol):
    """Sources as they are read: stored once by content, gathered in collections."""

    async def add(self, source: Source, passages: Sequence[Passage]) -> None:
        """Stores a source and its passages, all or nothing; what is there already stays as it is."""

    async def add_all(self, documents: Sequence[tuple[Source, Sequence[Passage]]]) -> None:
        """Stores several sources, each with its passages, all or nothing; what is there already stays as it is."""

    async def find(self, ids: Sequence[str]) -> Sequence[Source]:
        """Those of the sources with these ids that are stored."""

    async def gather(self, sources: Sequence[Source], skipped: Sequence[SkippedSource]) -> Collection:
        """Makes (or finds: the id is content-addressed) the collection of these sources."""


class Passages(Library, Protocol):
    """The library, and what was read from it."""

    async def sources(self, collection_id: str) -> Sequence[Source]:
        """The sources of a collection, ordered by uri."""

    async def passages(self, collection_id: str) -> Sequence[Passage]:
        """All passages of a collection, ordered by source uri and place."""

    async def get(self, ids: Sequence[str]) -> Sequence[Passage]:
        """The passages with these ids, in the order of the ids; unknown ids are left out."""

    async def around(self, ids: Sequence[str]) -> Mapping[str, Around]:
        """What stands around each of these passages; those that are unknown, or were computed, are left out."""


class Artifacts(Protocol):
    """Files by the hash of their bytes: data files, charts, reports."""

    async def put(self, data: bytes, media_type: str, name: str) -> ArtifactRef:
        """Stores the bytes once and says how to find them."""

    async def get(self, sha256: str) -> bytes:
        """The bytes; KeyError if they were never stored."""


class Clock(Protocol):
    """Time, so that tests can move it."""

    def now(self) -> datetime:
        """The time of day, with time zone UTC."""

    def elapsed(self) -> float:
        """Seconds on a clock that never goes back."""

    async def sleep(self, seconds: float) -> None:
        """Waits."""


@dataclass
class Sent:
    """A request that a provider was sent."""

    at: float
    """Seconds on the clock of who sent it."""
    tokens: int
    """What it is expected to use; corrected when that is known."""


@dataclass(frozen=True)
class Turn:
    """Who wants to send a request, and what for."""

    run: str
    """Runs are served in turn."""
    tokens: int
    clock: Clock
    waiting: Callable[[], AbstractContextManager[None]]
    """Entered for as long as it has to wait."""
    again: bool = False
    """Whether it was refused before: then it goes first."""


class Rates(Protocol):
    """What a provider takes a minute, shared by all who ask it."""

    def turn(self, turn: Turn) -> AbstractAsyncContextManager[Sent]:
        """Entered when the request may be sent; a RateLimited that leaves it holds the others back."""


class Models(Protocol):
    """The door to model providers."""

    def chat(self, name: str) -> "BaseChatModel":
        """The bare chat model of a `provider/model` name; SetupError if the name or its key is not known."""

    def price(self, name: str) -> tuple[float, float] | None:
        """US dollars for a million input and for a million output tokens; None if not known."""

    def rates(self, name: str) -> Rates:
        """The rates of the provider of a model."""


@dataclass(frozen=True)
class Page:
    """What an address gave."""

    url: str
    """The address after redirects."""
    media_type: str
    """As the server says, in small letters, without parameters; empty if it says nothing."""
    data: bytes
    """Text in UTF-8 where the server says in which encoding it sent it."""


class Pages(Protocol):
    """Pages from the web as bytes."""

    async def fetch(self, url: str, *, named: bool = False) -> Page:
        """What the address gives; `named` says that a person named it. SourceError if it cannot be had."""


@dataclass(frozen=True)
class WebHit:
    """One result of a web search."""

    url: str
    title: str
    snippet: str
    date: str | None = None
    """Of publication, as ISO 8601; None where the service does not tell it."""

    @property
    def host(self) -> str:
        """Who published it, as far as the address says."""
        return host_of(self.url)


class Web(Protocol):
    """Search on the web, and pages from it as sources."""

    async def search(self, query: str, limit: int) -> Sequence[WebHit]:
        """The best hits, best first; ToolError if the search service does not answer."""

    async def read(self, url: str) -> tuple[Source, Sequence[Passage]]:
        """The page as a source with passages; ToolError if it cannot be had. That of a run fetches it once, and stores
        it, so that it can be cited.
        """


Vector = bytes
"""A text as numbers whose cosine with those of another tells how near they are in meaning: float32, little-endian,
scaled to length 1."""


class Embedder(Protocol):
    """A model that turns texts into vectors."""

    @property
    def name(self) -> str:
        """The model's name: vectors are kept under it, and compared with no others."""

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """One vector for each text, computed before it returns; ToolError if the model does not answer."""


@runtime_checkable
class MeteredEmbedder(Embedder, Protocol):
    """An embedding model that somebody counts, and takes money for."""

    def counted(self, texts: Sequence[str]) -> tuple[list[Vector], int | None]:
        """As `embed`, with the tokens that the provider counted; None if it does not say. Nothing is tried again."""


class Vectors(Protocol):
    """The vectors of passages, computed once for each model."""

    async def get(self, model: str, passages: Sequence[str]) -> Mapping[str, Vector]:
        """The vectors of the passages with these ids, as far as they are there."""

    async def put(self, model: str, vectors: Mapping[str, Vector]) -> None:
        """Stores vectors by the ids of their passages; what is there already stays as it is."""


@dataclass(frozen=True)
class Embeddings:
    """Search by meaning: the model, and where its vectors are kept."""

    embedder: Embedder
    vectors: Vectors


class AgentHistory(Protocol):
    """What became of the work of agents, over all runs that are stored."""

    async def tracks(self) -> Mapping[str, AgentTrack]:
        """By the name of the agent's template."""


class Inbox(Protocol):
    """What comes from outside for a run while it works on other things."""

    async def open(self, shown: Mapping[str, Any]) -> None:
        """From now on the run waits for these, too: by id, what their interrupts show. Raises LeaseLost."""

    async def close(self, ids: Sequence[str]) -> Mapping[str, Json]:
        """It no longer waits for these; gives back, by id, what had come for them until now. Raises LeaseLost."""

    async def drop(self, ids: Sequence[str]) -> None:
        """Nobody is there for these any more: an event that had come for one is free for others. Raises LeaseLost."""

    async def come(self) -> Mapping[str, Json]:
        """What has come for what is open, by id, each of them once; returns when there is something."""


class StepTimes(Protocol):
    """How long the steps of the run's workflow took in earlier runs."""

    async def seconds(self) -> Mapping[str, float]:
        """The median of the seconds that a step worked, by its path without the numbers of turns and items."""


class StepCache(Protocol):
    """Outputs of steps that other runs of the workflow may use."""

    async def find(self, key: str, now: datetime) -> Json | None:
        """What was kept, if it may still be used."""

    async def keep(self, key: str, result: Json, until: datetime, now: datetime) -> None:
        """Keeps a result until a time, in place of an older one."""


@dataclass(frozen=True)
class Network:
    """The ways out that runs have, and who may use them."""

    web: Web | None = None
    pages: Pages | None = None
    embedder: Embedder | None = None
    toolbox: "Callable[[Ports], ToolRegistry] | None" = None
    """Makes the tools of one run, which work with its other ports."""
    served: Callable[[], ToolRegistry] | None = None
    """Makes the tools for other programs, which are no runs."""
    agents: tuple[AgentTemplate, ...] = ()
    """Templates of agents beside those that come with Stretto."""
    pin: Callable[[str, Any], Awaitable[Any]] | None = None
    """Finds the workflows that runs may start by their names; `run_workflow/engine/started.py` has the types."""


@dataclass(frozen=True)
class Ports:
    """All the seams of one run."""

    run_id: str
    ledger: Ledger
    journal: CallJournal
    passages: Passages
    artifacts: Artifacts
    models: Models
    clock: Clock
    web: Web | None = None
    """None where no web search is configured: agents are then not given the tool."""
    pages: Pages | None = None
    """None where addresses cannot be sources."""
    embeddings: Embeddings | None = None
    """None where search goes by words only."""
    tools: ToolRegistry | None = None
    """None where steps and agents have no tools but those that they are handed."""
    workflows: Workflows | None = None
    """None where a run can start no others."""
    chains: Chains = field(default_factory=Chains)
    worked: float = 0.0
    """Seconds that were worked on the run before, waiting left out."""
    agents: tuple[AgentTemplate, ...] = ()
    """Templates of agents beside those that come with Stretto."""
    history: AgentHistory | None = None
    """None where nothing is known of the work of agents in other runs."""
    inbox: Inbox | None = None
    """None where nothing reaches a run that works."""
    times: StepTimes | None = None
    """None where no earlier runs are known."""
    cache: StepCache | None = None
    """None where no step's output is kept for other runs."""
