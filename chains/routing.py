"""Chains that choose a way: a model classifies an input to one of several named routes, or a value decides."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable, RunnableLambda
from pydantic import BaseModel, ConfigDict, Field, create_model

from chains.ask import ask, brief

NO_ROUTE = "none_of_these"
"""What a model answers where nothing fits."""


class RouteInput(BaseModel):
    """What is to be classified, and to what."""

    model_config = ConfigDict(extra="forbid")

    text: Any = Field(description="what to classify: a text, or any value")
    routes: dict[str, str] = Field(min_length=1, description="by name of the route: what belongs to it, in words")


class Route(BaseModel):
    """The route that was chosen."""

    route: str | None = Field(description="the name of the route; null where none fits")
    why: str = Field(description="the reason, in a few words")
    confidence: float = Field(ge=0, le=1, description="how sure the choice is, from 0 to 1")


class Taken(BaseModel):
    """What a conditional chain gives back."""

    route: str | None = Field(description="the way that was taken; null where there was none")
    result: Any = Field(description="what the chain of that way gave back; null where there was none")


def router(model: BaseChatModel) -> Runnable[RouteInput, Route]:
    """Classifies. Raises BadOutput where the model names no route that there is, also after being told."""

    async def route(given: RouteInput) -> Route:
        form = _form(tuple(given.routes))
        draft = await ask(model, "route", form, brief(text=given.text, routes=given.routes))
        chosen = draft.model_dump()
        name = chosen["route"]
        return Route(route=name if name in given.routes else None, why=chosen["why"], confidence=chosen["confidence"])

    return RunnableLambda(route, name="classify").with_types(input_type=RouteInput, output_type=Route)


def _form(names: tuple[str, ...]) -> type[BaseModel]:
    """A form in which only these routes can be chosen."""
    fields: dict[str, Any] = {
        "route": (Literal[(*names, NO_ROUTE)], Field(description="the route whose description fits best")),
        "why": (str, Field(default="", description="the reason, in a few words")),
        "confidence": (float, Field(default=0.5, ge=0, le=1, description="how sure you are")),
    }
    made: type[BaseModel] = create_model("RouteDraft", __doc__="The route that fits the text.", **fields)
    return made


def conditional(
    choose: Runnable[Any, Any] | Callable[[Any], Any],
    ways: Mapping[str, Runnable[Any, Any]],
    otherwise: Runnable[Any, Any] | None = None,
) -> Runnable[Any, Taken]:
    """Hands its input to one of several chains, and says which in the result.

    `choose` gives the name of the way: a function of the input (a choice by value), or a chain that ends in a name or
    a `Route` (a choice by a model). A name that is none of `ways` leads to `otherwise`. A stream shows the way first,
    then the result as it grows.
    """
    chooser = choose if isinstance(choose, Runnable) else RunnableLambda(choose)

    async def take(given: Any) -> AsyncIterator[Taken]:
        chosen = await chooser.ainvoke(given)
        name = chosen.route if isinstance(chosen, Route) else chosen
        way = ways.get(name, otherwise) if name is not None else otherwise
        taken = name if name in ways else None
        yield Taken(route=taken, result=None)
        if way is not None:
            async for part in way.astream(given):
                yield Taken(route=taken, result=part)

    return RunnableLambda(take, name="conditional").with_types(output_type=Taken)
