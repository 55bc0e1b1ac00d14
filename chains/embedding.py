"""An embedding model that is paid for: its requests wait for their turn, are tried again, counted and limited as those
of chat models are.

What it gave is kept by whoever asked (the vectors of passages) or asked again (those of queries): the journal records
what each request used, not what came of it, so each is a call of its own.
"""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

from chains.classify import Classified
from chains.models import provider_of
from chains.retrying import retrying
from chains.scope import CallScope, Made
from state.errors import LimitReached, ModelError, ToolError
from state.ports import MeteredEmbedder, Turn, Vector
from state.runs import Usage

_CHARACTERS_A_TOKEN = 4


class GovernedEmbedder:
    """The requests of one run to one embedding model.

    Made in the event loop of the run; `embed` is called in threads, and does its waiting there.
    """

    def __init__(self, bare: MeteredEmbedder, scope: CallScope) -> None:
        self.name = bare.name
        self._bare = bare
        self._scope = scope
        self._loop = asyncio.get_running_loop()

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """One vector for each text; ToolError if the model does not answer, or costs more than is left."""
        if not texts:
            return []
        return asyncio.run_coroutine_threadsafe(self._embedded(texts), self._loop).result()

    async def _embedded(self, texts: Sequence[str]) -> list[Vector]:
        vectors: list[Vector] = []

        async def make() -> Made:
            made, tokens = await self._tried(texts)
            vectors.extend(made)
            return Made({"vectors": len(made)}, self._usage(_likely(texts) if tokens is None else tokens))

        try:
            expected = self._usage(_likely(texts))
            await self._scope.recorded("model", self.name, {"request": uuid4().hex}, make, expected)
        except (ModelError, LimitReached) as error:
            raise ToolError(
                f"the embedding model {self.name} did not do its work: {error.message}",
                place=self._scope.path,
                remedy="Check the server and the model's name, or take the setting `embeddings` away.",
            ) from error
        return vectors

    async def _tried(self, texts: Sequence[str]) -> tuple[list[Vector], int | None]:
        """What the model gives, tried again while it is unavailable."""
        async for attempt in retrying(self._scope.clock):
            with attempt:
                return await self._once(texts, again=attempt.retry_state.attempt_number > 1)
        raise AssertionError("tenacity raises when it gives up")

    async def _once(self, texts: Sequence[str], *, again: bool) -> tuple[list[Vector], int | None]:
        """One request, when its turn has come."""
        scope = self._scope
        words = f"waits for its turn at {provider_of(self.name)}"
        turn = Turn(scope.run_id, _likely(texts), scope.clock, lambda: scope.waiting(words), again=again)
        async with scope.models.rates(self.name).turn(turn) as sent:
            with Classified(self.name):
                vectors, tokens = await asyncio.to_thread(self._asked, texts)
            sent.tokens = sent.tokens if tokens is None else tokens
            return vectors, tokens

    def _asked(self, texts: Sequence[str]) -> tuple[list[Vector], int | None]:
        """What the client raised, where it raised something: the reason decides whether to try again."""
        try:
            return self._bare.counted(texts)
        except ToolError as error:
            raise error.__cause__ or error from None

    def _usage(self, tokens: int) -> Usage:
        """Of one request; it is no call of a chat model, and is not counted among them."""
        price = self._scope.models.price(self.name)
        return Usage(input_tokens=tokens, money=tokens * price[0] / 1e6 if price else 0.0, unpriced_calls=price is None)


def _likely(texts: Sequence[str]) -> int:
    """Tokens of texts, roughly."""
    return sum(len(text) for text in texts) // _CHARACTERS_A_TOKEN + len(texts)
