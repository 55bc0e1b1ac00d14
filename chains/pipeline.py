"""Chains one after another over a state that is kept: each adds its result under its own name, and sees all before."""

from collections.abc import Callable, Mapping
from typing import Any

from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough

State = dict[str, Any]
Stage = tuple[Runnable[Any, Any], Callable[[State], Any]]
"""A chain, and what of the state it is given."""


def pipeline(stages: Mapping[str, Stage]) -> Runnable[State, State]:
    """The state it was given, with the result of each stage by its name, in order.

    A stream gives the state piece by piece, each result when its stage has ended. Raises ValueError without stages.
    """
    if not stages:
        raise ValueError("a pipeline needs at least one stage")
    steps = [
        RunnablePassthrough.assign(**{name: RunnableLambda(given) | chain}) for name, (chain, given) in stages.items()
    ]
    whole: Runnable[State, State] = steps[0]
    for step in steps[1:]:
        whole = whole | step
    return whole
