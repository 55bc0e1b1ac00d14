"""An embedding model behind an OpenAI-compatible server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from state.errors import ToolError
from state.ports import Vector
from tools.search.vectors import packed

if TYPE_CHECKING:  # slow to import
    import openai


def without_environment(client: "openai.OpenAI | openai.AsyncOpenAI") -> None:
    """Takes back what the client read from OPENAI_ORG_ID and OPENAI_PROJECT_ID: it would send them to any server."""
    client.organization = client.project = None


@dataclass(frozen=True)
class Server:
    """How a server is reached; secrets stay out of its `repr`."""

    base_url: str
    api_key: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_seconds: float = 120.0
    """How long one request may take."""


class EmbeddingsEndpoint:
    """One model of one server."""

    def __init__(self, name: str, model: str, server: Server) -> None:
        """`name` is what the user calls it, `model` what the server does."""
        self.name = name
        self._model = model
        self._server = server

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """One vector for each text; ToolError says what the server answered, or that it did not."""
        return self.counted(texts)[0] if texts else []

    def counted(self, texts: Sequence[str]) -> tuple[list[Vector], int | None]:
        """One request: as `embed`, with the tokens that the server counted; the client's error is the error's cause."""
        import openai

        try:
            answer = self._client.embeddings.create(model=self._model, input=list(texts), encoding_format="float")
        except openai.OpenAIError as error:
            raise self._failed(f"{type(error).__name__}: {error}") from error
        rows = {entry.index: entry.embedding for entry in answer.data}
        if sorted(rows) != list(range(len(texts))) or len({len(row) for row in rows.values()}) != 1:
            raise self._failed(f"it gave {len(rows)} vectors for {len(texts)} texts, or not all of one length")
        vectors = packed(np.array([rows[at] for at in range(len(texts))], dtype=np.float32))
        return vectors, answer.usage.total_tokens if answer.usage else None

    def close(self) -> None:
        """Closes the connections, if any were opened."""
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _client(self) -> "openai.OpenAI":
        import openai

        client = openai.OpenAI(
            base_url=self._server.base_url,
            api_key=self._server.api_key,
            default_headers=dict(self._server.headers),
            timeout=self._server.timeout_seconds,
            max_retries=0,  # chains/embedding.py tries again
        )
        without_environment(client)
        return client

    def _failed(self, reason: str) -> ToolError:
        return ToolError(
            f"the embedding model {self.name} did not do its work: {reason}",
            place="search",
            remedy="Check the server and the model's name, or take the setting `embeddings` away.",
        )
