"""The list of records that may stand in state is complete."""

from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel

from state.records import RECORDS
from state.research import BranchTask, ResearchState
from state.runs import ApprovalRequest


def classes_in(annotation: Any, seen: set[Any]) -> Iterator[type[BaseModel]]:
    """The pydantic classes that a value of this type may hold, however deep."""
    if annotation in seen:
        return
    seen.add(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from classes_in(field.annotation, seen)
    for part in get_args(annotation):
        if isinstance(part, type) or get_args(part):
            yield from classes_in(part, seen)


def test_every_record_of_the_state_is_listed() -> None:
    """What the state, a branch's task or an interrupt may hold can be read from a checkpoint, and nothing else."""
    seen: set[Any] = set()
    reachable: set[type[BaseModel]] = set()
    for holder in (ResearchState, BranchTask):
        for annotation in get_type_hints(holder).values():
            reachable |= set(classes_in(annotation, seen))
    reachable |= set(classes_in(ApprovalRequest, seen))
    assert {each.__name__ for each in reachable} == {each.__name__ for each in RECORDS}
