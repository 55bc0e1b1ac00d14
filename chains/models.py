"""The door to model providers: a `provider/model` name becomes a bare chat model, and has a price and a rate.

Nothing here retries, counts or records: that is the one layer around it (`chains/governed.py`). No key is
read from the environment, neither here nor by a client: what a provider needs is handed in as its settings.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chains.fake.script import FakeScript
from chains.rates import RateGovernor
from state.context import EXTRACTIVE, MINILM
from state.errors import SetupError
from state.ports import Clock
from tools.memory import SystemClock

if TYPE_CHECKING:  # slow to import, and needed only when a model is opened
    from langchain_core.language_models import BaseChatModel

    from state.ports import Embedder
    from tools.search.endpoint import EmbeddingsEndpoint

INTEGRATIONS = (
    "anthropic", "cohere", "deepseek", "fireworks", "google_genai", "groq", "mistralai", "openrouter",
    "perplexity", "together", "xai",
)  # fmt: skip
"""Hosted providers that LangChain has a package for, each with one API key; more work with a base URL."""

_OPENAI_URL = "https://api.openai.com/v1"
_NO_KEY = "not-needed"
_CONNECT_SECONDS = 10.0
_OUTPUT_TOKENS = 4096
_NAME = re.compile(r"(?P<provider>[a-z0-9][a-z0-9_.-]*)/(?P<model>\S+)")
_KEY_VARIABLES = {"google_genai": "GOOGLE_API_KEY", "mistralai": "MISTRAL_API_KEY"}


def key_variable(provider: str) -> str:
    """The name of the environment variable that holds the API key of a provider: `OPENAI_API_KEY`."""
    return _KEY_VARIABLES.get(provider, f"{re.sub(r'[^A-Z0-9]', '_', provider.upper())}_API_KEY")


def provider_of(name: str) -> str:
    """The provider in a `provider/model` name."""
    return name.partition("/")[0]


@dataclass(frozen=True)
class ProviderSettings:
    """How a provider is reached; secrets stay out of its `repr`."""

    base_url: str | None = None
    """Address of a server that speaks the OpenAI protocol; None for the provider's own."""
    api_key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with every request to `base_url`."""
    timeout_seconds: float = 120.0
    """How long one request may take to answer; of an answer that is streamed, how long between two parts."""
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    concurrent_requests: int | None = None
    """None for all three: not known, or named by the provider itself."""
    max_output_tokens: int | None = None
    """Where an answer is cut; 0 to send no limit. None for the provider's own, and for 4,096 at a `base_url`: a small
    model may find no end."""
    stream: bool = False
    """Whether answers come in parts: they are shown as they grow, and no proxy takes a long one for a dead line."""


class ModelDoor:
    """Opens chat models by name, each once; one door a process, so that all share connections and rates."""

    def __init__(
        self,
        providers: Mapping[str, ProviderSettings],
        prices: Mapping[str, tuple[float, float]],
        fakes: Mapping[str, FakeScript] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`prices`: by model name, US dollars for a million input and a million output tokens.

        `clock` is that of the runs; None for the machine's.
        """
        self._providers = providers
        self._prices = prices
        self._fakes = fakes or {}
        self._opened: dict[str, BaseChatModel] = {}
        self._clients: dict[str, Any] = {}
        self._rates: dict[str, RateGovernor] = {}
        self._clock = clock or SystemClock()
        self._endpoints: dict[str, EmbeddingsEndpoint] = {}

    def chat(self, name: str) -> "BaseChatModel":
        """The bare chat model; SetupError if the name, its key or its package is not there."""
        if name not in self._opened:
            self._opened[name] = self._open(name)
        return self._opened[name]

    def price(self, name: str) -> tuple[float, float] | None:
        """US dollars for a million input and output tokens; our own models are free; None if not known."""
        free = name == EXTRACTIVE or provider_of(name) == "fake"
        return self._prices.get(name, (0.0, 0.0) if free else None)

    def rates(self, name: str) -> RateGovernor:
        """The governor of the model's provider, which all its models share."""
        provider = provider_of(name)
        if provider not in self._rates:
            told = self._providers.get(provider, ProviderSettings())
            self._rates[provider] = RateGovernor(
                told.requests_per_minute, told.tokens_per_minute, told.concurrent_requests
            )
        return self._rates[provider]

    def embedder(self, name: str) -> "Embedder":
        """The embedding model: `minilm`, from the extra `embeddings`, or one behind an OpenAI-compatible server.

        SetupError if its package, its key or its server's address is not there.
        """
        if name == MINILM:
            from tools.search.minilm import MiniLm

            return MiniLm()
        if name not in self._endpoints:
            self._endpoints[name] = self._endpoint(name)
        return self._endpoints[name]

    async def close(self) -> None:
        """Closes the connections; the models cannot be used any more."""
        for endpoint in self._endpoints.values():
            endpoint.close()
        for client in self._clients.values():
            await client.aclose()

    def _open(self, name: str) -> "BaseChatModel":
        if name == EXTRACTIVE:
            from chains.extractive.model import ExtractiveChatModel

            return ExtractiveChatModel()
        match = _NAME.fullmatch(name)
        if match is None:
            raise SetupError(
                f"{name!r} is not the name of a model.",
                remedy=f"Write provider/model, for instance openai/gpt-5-mini, or {EXTRACTIVE}.",
            )
        provider, model = match["provider"], match["model"]
        if provider == "fake":
            return self._fake(model)
        settings = self._providers.get(provider, ProviderSettings())
        if provider == "openai" or settings.base_url:
            return self._compatible(provider, model, settings)
        if provider in self._providers or provider in INTEGRATIONS:
            return _integrated(provider, model, settings)
        raise SetupError(
            f"{provider!r} in the model name {name!r} is not a known provider.",
            remedy=f"Known are {', '.join(self._known())}; any other needs the base URL of its server.",
        )

    def _endpoint(self, name: str) -> "EmbeddingsEndpoint":
        provider, _, model = name.partition("/")
        settings = self._providers.get(provider, ProviderSettings())
        if settings.base_url is None and provider != "openai":
            raise SetupError(
                f"the embedding model {name} is not behind an OpenAI-compatible server that is known.",
                remedy=f"Give the provider {provider} the base URL of its server, or take {MINILM}.",
            )
        if settings.base_url is None and not settings.api_key:
            raise SetupError(
                f"the embedding model {name} needs an API key, and there is none.",
                remedy=f"Set {key_variable(provider)}, or take {MINILM}, which needs none.",
            )
        from tools.search.endpoint import EmbeddingsEndpoint, Server

        address, key = settings.base_url or _OPENAI_URL, settings.api_key or _NO_KEY
        return EmbeddingsEndpoint(name, model, Server(address, key, settings.headers, settings.timeout_seconds))

    def _known(self) -> list[str]:
        return sorted({EXTRACTIVE, "fake", "openai", *INTEGRATIONS, *self._providers})

    def _fake(self, name: str) -> "BaseChatModel":
        from chains.fake.model import FakeChatModel

        script = self._fakes.get(name)
        if script is None and not name.endswith(".json"):
            raise SetupError(
                f"there is no fake model {name!r}.",
                remedy=f"Known are {sorted(self._fakes)}; or name a script: fake/path/to/script.json.",
            )
        return FakeChatModel(script=script or FakeScript.load(Path(name)))

    def _compatible(self, provider: str, model: str, settings: ProviderSettings) -> "BaseChatModel":
        """A model behind OpenAI's own API, or behind any server that speaks its protocol."""
        if settings.base_url is None and not settings.api_key:
            raise _no_key(provider, model)
        import openai
        from langchain_openai import ChatOpenAI

        from tools.search.endpoint import without_environment

        official = settings.base_url is None

        async def key() -> str:  # as a coroutine, it keeps the client from opening a second, synchronous pool
            return settings.api_key or _NO_KEY

        chat = ChatOpenAI(
            model=model,
            base_url=settings.base_url or _OPENAI_URL,
            api_key=key,
            default_headers=dict(settings.headers) or None,
            timeout=openai.Timeout(settings.timeout_seconds, connect=_CONNECT_SECONDS),
            stream_chunk_timeout=settings.timeout_seconds,
            max_retries=0,  # chains/governed.py retries
            streaming=settings.stream,
            stream_usage=official or settings.stream,  # many servers know it only for streams
            max_completion_tokens=settings.max_output_tokens or None if official else None,
            extra_body=None if official else _output_limit(settings.max_output_tokens),
            use_responses_api=None if official else False,
            openai_proxy=None,
            http_async_client=self._client(provider),
        )
        without_environment(chat.root_async_client)
        return chat

    def _client(self, provider: str) -> Any:
        """The connections to one provider; what its answers say of its rates is taken in as they come."""
        import openai

        async def learn(response: Any) -> None:
            self.rates(f"{provider}/").learn(response.headers, self._clock)

        if provider not in self._clients:  # LangChain's own would be shared by all event loops of the process
            self._clients[provider] = openai.DefaultAsyncHttpxClient(event_hooks={"response": [learn]})
        return self._clients[provider]


def _output_limit(tokens: int | None) -> dict[str, int] | None:
    """What a server of one's own is told of the length of an answer: not all know OpenAI's newer name for it."""
    return None if tokens == 0 else {"max_tokens": tokens or _OUTPUT_TOKENS}


def _integrated(provider: str, model: str, settings: ProviderSettings) -> "BaseChatModel":
    """A model of a provider that LangChain has a package for."""
    from langchain.chat_models import init_chat_model

    if not settings.api_key:
        raise _no_key(provider, model)
    try:
        return init_chat_model(
            model,
            model_provider=provider,
            api_key=settings.api_key,
            timeout=settings.timeout_seconds,
            max_retries=0,
        )
    except ImportError as error:
        package = f"langchain-{provider.replace('_', '-')}"
        raise SetupError(
            f"the model {provider}/{model} needs a package that is not installed: {error}.",
            remedy=f"Install it: pip install {package}",
        ) from error
    except ValueError as error:
        raise SetupError(
            f"the model {provider}/{model} cannot be opened: {error}.",
            remedy=f"Check the model's name, or give the provider {provider} the base URL of its server.",
        ) from error


def _no_key(provider: str, model: str) -> SetupError:
    return SetupError(
        f"the model {provider}/{model} needs an API key, and there is none.",
        remedy=f"Set {key_variable(provider)}, or choose another model: {EXTRACTIVE} needs no key.",
    )
