"""What becomes of an answer that an agent cannot use: the model is told what is wrong with it, once.

A weak model answers in prose where a call is due, calls tools that do not exist, or fills a form in wrongly. LangChain
takes the first for the end of the agent, and tells the model of the others for as long as there are calls left. Here
both are said once; a second answer of that kind in a row ends the agent with BadOutput. One good call in between
forgives what was before it. It is read from the conversation alone, so that an agent that is run again decides alike.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware, AgentState, hook_config
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langgraph.runtime import Runtime

from chains.scope import CallScope
from state.errors import BadOutput

MISFIT = "misfit"
"""In `additional_kwargs` of a tool's message: why no tool could be called; empty text where one was."""
_NO_FORM = "its arguments do not fit"
ASK_FOR_A_CALL = (
    "Your answer was plain text, which nobody reads. Answer by calling one of your tools with all its arguments; "
    "when you know enough, call the one that takes the final answer."
)
_IN_A_ROW = 2


class RepairedOnce(AgentMiddleware[Any, Any, Any]):
    """Ends an agent whose model gives a second unusable answer in a row; plain text is one unless the agent
    `ends_in_text`.
    """

    def __init__(self, scope: CallScope, *, ends_in_text: bool = False) -> None:
        super().__init__()
        self._scope, self._ends_in_text = scope, ends_in_text

    @hook_config(can_jump_to=["model"])
    async def aafter_model(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Asks again where the answer calls nothing."""
        messages = state["messages"]
        if self._ends_in_text or not messages or not isinstance(messages[-1], AIMessage) or messages[-1].tool_calls:
            return None
        self._stop(messages)
        return {"messages": [HumanMessage(ASK_FOR_A_CALL)], "jump_to": "model"}

    async def abefore_model(self, state: AgentState[Any], runtime: Runtime[Any]) -> None:
        """Stops where the model has been told already."""
        if state["messages"] and not isinstance(state["messages"][-1], AIMessage):
            self._stop(state["messages"])

    def _stop(self, messages: Sequence[AnyMessage]) -> None:
        faults: list[str] = []
        for answer, after in _rounds(messages):
            fault = _fault(answer, after)
            if not fault:
                return
            faults.append(fault)
            if len(faults) == _IN_A_ROW:
                raise BadOutput(
                    f"the model gave an answer that cannot be used, twice: {faults[0]}",
                    place=self._scope.path,
                    remedy="Use a model that is better at calling tools.",
                )


def _rounds(messages: Sequence[AnyMessage]) -> Iterator[tuple[AIMessage, Sequence[AnyMessage]]]:
    """The model's answers, latest first, each with what was said to it."""
    end = len(messages)
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if isinstance(message, AIMessage):
            yield message, messages[place + 1 : end]
            end = place


def _fault(answer: AIMessage, after: Sequence[AnyMessage]) -> str:
    """Why nothing of an answer could be used; empty text where something could.

    What the model said is not repeated: the reason is printed in the report, where nothing unchecked may stand.
    """
    if not answer.tool_calls:
        return "it calls no tool"
    results = [message for message in after if isinstance(message, ToolMessage)]
    faults = [(message.name, _misfit(message)) for message in results]
    if not faults or not all(why for _, why in faults):
        return ""
    return "; ".join(dict.fromkeys(f"it calls {str(name)[:40]}: {why}" for name, why in faults))


def _misfit(message: ToolMessage) -> str:
    """Messages without the mark are LangChain's: of a form that was filled in wrongly, or (errors) of a limit."""
    usual = "" if message.status == "error" else _NO_FORM
    return str(message.additional_kwargs.get(MISFIT, usual))
