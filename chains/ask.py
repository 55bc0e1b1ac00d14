"""One typed question to a model: a prompt file and its values go in, a record comes out."""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel

from state.errors import BadOutput
from state.runs import Json
from tools.blocks import block

T = TypeVar("T", bound=BaseModel)

_REPAIR = (
    "Your answer could not be used: {problem}. Answer again by calling the tool {schema} once, "
    "with every required field, and nothing else."
)


@cache
def prompt(name: str) -> str:
    """The text of `chains/prompts/{name}.md`."""
    return files("chains").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8").strip()


def prompt_hashes() -> dict[str, str]:
    """The SHA-256 of each prompt by its name."""
    folder = files("chains").joinpath("prompts")
    names = sorted(entry.name.removesuffix(".md") for entry in folder.iterdir() if entry.name.endswith(".md"))
    return {name: hashlib.sha256(prompt(name).encode()).hexdigest() for name in names}


def system_prompt(name: str, instructions: str = "", *, specialised: bool = False) -> str:
    """The prompt of an agent, and what is added to it for one that was made for the task."""
    return "\n\n".join(filter(None, [prompt(name), instructions, prompt("specialised") if specialised else ""]))


def said(how: BaseModel) -> Json | None:
    """What a speciality says, for the brief; None where it says nothing."""
    return how.model_dump(mode="json", exclude_none=True) or None


def brief(**values: Any) -> HumanMessage:
    """The values as one block named `brief`; None is left out."""
    return HumanMessage(block("brief", {name: value for name, value in values.items() if value is not None}))


async def ask(
    model: BaseChatModel, prompt_name: str, schema: type[T], message: BaseMessage, *, instructions: str = ""
) -> T:
    """Asks once, and once more if the answer does not have the form of `schema`; then raises BadOutput.

    `instructions` are added to the prompt.
    """
    chain = model.with_structured_output(schema, include_raw=True)
    messages: list[BaseMessage] = [SystemMessage(system_prompt(prompt_name, instructions)), message]
    problem = ""
    for _ in range(2):
        answer = await chain.ainvoke(messages)
        if isinstance(answer, dict) and isinstance(answer.get("parsed"), schema):
            parsed: T = answer["parsed"]
            return parsed
        problem = _problem(answer)
        messages = [*messages[:2], HumanMessage(_REPAIR.format(problem=problem, schema=schema.__name__))]
    raise BadOutput(
        f"the model's answer is not a {schema.__name__}: {problem}",
        place=prompt_name,
        remedy="Use a model that can call tools, or give this role another model.",
    )


def _problem(answer: Any) -> str:
    """What is wrong with an answer, in one short line."""
    error = answer.get("parsing_error") if isinstance(answer, dict) else None
    return " ".join(str(error).split())[:300] if error else "it calls no tool"
