"""The two questions to the model that leads workers: which tasks make up a goal, and what their results come to."""

from collections.abc import Sequence
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel, Field, create_model

from chains.ask import ask, brief
from state.runs import Json


class Task(BaseModel):
    """One task for one worker."""

    capability: str = Field(description="what the worker must be able to do, copied from workers")
    task: str = Field(min_length=1, description="what it is to do, complete in itself: it sees nothing else")


class Joined(BaseModel):
    """What the results come to, and what is still to be done."""

    answer: str
    more: list[Task] = Field(default_factory=list)


Workers = Sequence[Json]
"""What there is to do tasks: `{"capability", "does"}` each."""


async def plan_tasks(model: BaseChatModel, goal: str, material: Any, workers: Workers, most: int) -> list[Task]:
    """The tasks that the goal is split into, each for a worker that there is. Raises BadOutput.

    The model is told that it may give out `most`; one that cannot count may name more.
    """
    fields: dict[str, Any] = {"tasks": (_task_list(workers), Field(min_length=1))}
    form = create_model("TasksDraft", __doc__="The tasks that together reach the goal.", **fields)
    message = brief(goal=goal, material=material or None, workers=list(workers), most=most)
    return _tasks((await ask(model, "plan_tasks", form, message)).model_dump()["tasks"])


async def join_results(model: BaseChatModel, goal: str, results: Sequence[Json], workers: Workers, most: int) -> Joined:
    """The answer as far as the results lead, and further tasks where they do not; none are asked for if `most` is 0.

    Raises BadOutput.
    """
    fields: dict[str, Any] = {
        "answer": (str, Field(min_length=1, description="the answer to the goal, from the results alone"))
    }
    if most:
        fields["more"] = (
            _task_list(workers),
            Field(default_factory=list, description=f"further tasks, at most {most}"),
        )
    form = create_model("JoinDraft", __doc__="What the results come to.", **fields)
    message = brief(goal=goal, results=list(results), workers=list(workers), most=most)
    draft = (await ask(model, "join_results", form, message)).model_dump()
    return Joined(answer=draft["answer"], more=_tasks(draft.get("more", ())))


def _task_list(workers: Workers) -> Any:
    """The type of lists of tasks that only workers who are there can be given."""
    names = tuple(dict.fromkeys(str(worker["capability"]) for worker in workers))
    fields: dict[str, Any] = {
        "capability": (Literal[names], Field(description=Task.model_fields["capability"].description)),
        "task": (str, Field(min_length=1, description=Task.model_fields["task"].description)),
    }
    return list[create_model("TaskDraft", __doc__="One task for one worker.", **fields)]  # type: ignore[misc]


def _tasks(drafts: Sequence[Json]) -> list[Task]:
    return [Task.model_validate(draft) for draft in drafts]
