"""A chat model whose calls are recorded, limited, counted and retried: the only kind that agents are given.

Around one bare model, its fallbacks and the cheaper one for the end of the budget it is the one retry layer. What
comes back from the journal is the same message, ids and all, as what came from the provider.
"""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.model_profile import ModelProfile
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable, RunnableBinding
from langchain_core.tools import BaseTool
from pydantic import Field, SkipValidation

from chains.answers import ENDINGS, asked, estimated, fault, restored, stored
from chains.classify import Classified
from chains.meter import AnswerMeter
from chains.models import provider_of
from chains.retrying import retrying
from chains.scope import CallScope, Made
from state.errors import BadOutput, LimitReached, ModelError, ModelRefused, ModelUnavailable, SetupError
from state.ports import Turn
from state.runs import Json, Usage


@dataclass(frozen=True)
class Target:
    """One bare model under its `provider/model` name."""

    name: str
    model: BaseChatModel


_Order = list[tuple[Target, dict[str, Any]]]


def governed(scope: CallScope, name: str, fallbacks: Sequence[str] = (), cheaper: str | None = None) -> "GovernedModel":
    """The model `name` for the calls of `scope`; `fallbacks` are asked in order when it cannot answer.

    Past the soft limit of the run's budget `cheaper` is asked first. Raises SetupError if one cannot be opened.
    """

    def opened(each: str) -> Target:
        return Target(each, scope.models.chat(each))

    return GovernedModel(
        scope=scope,
        targets=tuple(opened(each) for each in dict.fromkeys((name, *fallbacks))),
        cheaper=opened(cheaper) if cheaper and cheaper != name else None,
    )


class GovernedModel(BaseChatModel):
    """The calls of one scope to one model; async only.

    Raises ModelUnavailable, ModelRefused, ContextOverflow, BadOutput or LimitReached, and lets pass what is
    not the model's: LeaseLost, cancellation, bugs.
    """

    scope: SkipValidation[CallScope] = Field(exclude=True, repr=False)
    targets: SkipValidation[tuple[Target, ...]] = Field(exclude=True, repr=False)
    cheaper: SkipValidation[Target | None] = Field(default=None, exclude=True, repr=False)

    @property
    def _llm_type(self) -> str:
        return "governed"

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return self.targets[0].model._get_ls_params(stop=stop, **kwargs)

    def _resolve_model_profile(self) -> ModelProfile | None:
        """The first model's profile; what only some of the models can, the whole cannot."""
        profiles = [target.model.profile for target in self._everyone]
        if profiles[0] is None:
            return None
        native = all(profile is not None and profile.get("structured_output") for profile in profiles)
        return ModelProfile(**{**profiles[0], "structured_output": native})

    @property
    def _everyone(self) -> tuple[Target, ...]:
        """All models that may be asked; the cheaper one is the last."""
        return (*self.targets, self.cheaper) if self.cheaper else self.targets

    def bind_tools(
        self, tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Binds the tools in the form of each model's own provider."""
        first, *others = [_bound(target, tools, kwargs) for target in self._everyone]
        return self.bind(**first, **({"fallback_options": others} if others else {}))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("a governed model is async only: use ainvoke, not invoke")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        others: list[dict[str, Any]] = kwargs.pop("fallback_options", [])
        first = {**kwargs, "stop": stop} if stop else kwargs
        options = [first, *({**each, "stop": stop} if stop else each for each in others)]
        options += [first] * (len(self._everyone) - len(options))
        order = await self._order(messages, options)
        request: Json = {"messages": [asked(message) for message in messages], "options": first}
        problem = ""
        for place in (0, 0, *range(1, len(order))):  # once more the same, then the others, each as a call of its own
            try:
                message = await self._recorded(messages, request, order[place:])
            except (ModelUnavailable, ModelRefused, LimitReached):
                if place == 0:
                    raise
                break  # what the first gave is the trouble, not that nobody could stand in for it
            problem = fault(message)
            if not problem:
                return ChatResult(generations=[ChatGeneration(message=message)])
        nor = ", nor could another model" if len(order) > 1 else ""
        raise BadOutput(
            f"{self.targets[0].name} gave an answer that cannot be used, twice{nor}: {problem}",
            place=self.scope.path,
            remedy="Use a model that is better at calling tools, or ask for shorter answers.",
        )

    async def _recorded(self, messages: list[BaseMessage], request: Json, order: _Order) -> AIMessage:
        """The answer of the first in `order` that gives one. The first of all names the call whoever answers, so that
        a replay finds it.
        """
        async with AsyncExitStack() as held:  # until the answer is recorded
            make, expected = partial(self._answer, messages, order, held), self._expected(messages, *order[0])
            return restored(await self.scope.recorded("model", self.targets[0].name, request, make, expected))

    async def _order(self, messages: list[BaseMessage], options: list[dict[str, Any]]) -> _Order:
        """Whom to ask, one after the other, each with its options."""
        order, scope = list(zip(self._everyone, options, strict=True)), self.scope
        if self.cheaper is None:
            return order
        cost = self._expected(messages, *order[0]).money
        saving = await scope.spending.must_save(scope.budget, scope.soft_limit, cost)
        return [order[-1], *order[:-1]] if saving else order[:-1]

    def _expected(self, messages: list[BaseMessage], target: Target, options: dict[str, Any]) -> Usage:
        """What the prompt will use, and an answer as long as this run has seen."""
        tokens = count_tokens_approximately(messages, tools=options.get("tools"))
        return self._usage(target.name, tokens, self.scope.spending.likely_output())

    def _usage(self, name: str, input_tokens: int, output_tokens: int) -> Usage:
        """One call of `name`; cached input counts at its full price."""
        price = self.scope.models.price(name)
        money = (input_tokens * price[0] + output_tokens * price[1]) / 1e6 if price else 0.0
        return Usage(
            model_calls=1,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            money=money,
            unpriced_calls=int(price is None),
        )

    async def _answer(self, messages: list[BaseMessage], order: _Order, held: AsyncExitStack) -> Made:
        """The answer of the first model that gives one; who would pass a limit on money is not asked instead of
        another. What another costs is set aside in `held`.
        """
        errors: list[ModelError] = []
        first = self._expected(messages, *order[0])
        for target, wanted in order:
            await held.aclose()
            try:
                if errors:
                    await held.enter_async_context(self.scope.instead(first, self._expected(messages, target, wanted)))
                message = await self._tried(target, messages, wanted)
            except LimitReached:
                continue
            except (ModelUnavailable, ModelRefused) as error:
                errors.append(error)
                continue
            used = message.usage_metadata
            assert used is not None
            usage = self._usage(target.name, used["input_tokens"], used["output_tokens"])
            return Made(stored(message), usage, target.name)
        raise errors[0] if len(errors) == 1 else _together(errors) from errors[0]

    async def _tried(self, target: Target, messages: list[BaseMessage], options: dict[str, Any]) -> AIMessage:
        """The answer of one model, tried again while it is unavailable."""
        async for attempt in retrying(self.scope.clock):
            with attempt:
                again = attempt.retry_state.attempt_number > 1
                return await self._once(target, messages, options, again=again)
        raise AssertionError("tenacity raises when it gives up")

    async def _once(
        self, target: Target, messages: list[BaseMessage], options: dict[str, Any], *, again: bool
    ) -> AIMessage:
        """One request, when its turn has come.

        Its callbacks are off: the governed model reports the call, and would be counted twice.
        """
        scope, asked = self.scope, count_tokens_approximately(messages, tools=options.get("tools"))
        words = f"waits for its turn at {provider_of(target.name)}"
        turn = Turn(scope.run_id, asked, scope.clock, lambda: scope.waiting(words), again=again)
        async with scope.models.rates(target.name).turn(turn) as sent:
            with Classified(target.name):
                message = await _asked(target, messages, options, scope)
            answer = estimated(message, messages)
            assert answer.usage_metadata is not None
            sent.tokens = answer.usage_metadata["total_tokens"]
            return answer


async def _asked(target: Target, messages: list[BaseMessage], options: dict[str, Any], scope: CallScope) -> AIMessage:
    """What the model answers; of a stream, the whole of it."""
    if not getattr(target.model, "streaming", False):
        return await target.model.ainvoke(messages, {"callbacks": []}, **options)
    meter = AnswerMeter(scope)
    try:
        message = await target.model.ainvoke(messages, {"callbacks": [meter]}, **options)
    finally:
        meter.close()
    if not ENDINGS & message.response_metadata.keys():
        raise ModelUnavailable(f"{target.name} did not answer: its stream broke off before the end")
    return meter.strict(message)


def _bound(target: Target, tools: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The options that bind `tools` to one model."""
    binding = target.model.bind_tools(tools, **kwargs)
    if not isinstance(binding, RunnableBinding):
        raise SetupError(
            f"the integration of {target.name} binds tools in a way that cannot be recorded.",
            remedy="Reach the model through an OpenAI-compatible base URL instead.",
        )
    return dict(binding.kwargs)


def _together(errors: Sequence[ModelError]) -> ModelError:
    """One error for a model and all its fallbacks; worth another try if one of them is."""
    message = "; ".join(error.message for error in errors)
    if any(error.retryable for error in errors):
        return ModelUnavailable(message, remedy="Try again later, or name other fallback models.")
    return ModelRefused(message, remedy=errors[0].remedy)
