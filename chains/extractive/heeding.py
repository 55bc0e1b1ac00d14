"""Which requests change nothing of a report that is written by rule: who asked is told, and not left to compare."""

from collections.abc import Mapping
from typing import Any

from chains.extractive.requests import heard, parts_of
from chains.extractive.writing import report

CAN = (
    "It can quote less, leave out or keep only what you name, and put it, or a shorter sentence, first. With `edit` "
    "you change the text yourself."
)
"""What can be asked of a writer without a model."""


def unheeded(brief: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The requests of a brief that cannot be done without a model, and those by which nothing had to be changed.

    Each part of what was said is tried on the report as the parts before it left it.
    """
    parts = [part for whole in brief["requests"] or [] for part in parts_of(whole)]
    undone, idle = list[str](), list[str]()
    if not parts:
        return undone, idle
    before = _written(brief, [])
    for number, part in enumerate(parts, start=1):
        after, done = _written(brief, parts[:number]), heard([part], brief["claims"])
        if done.unheard or (after == before and (done.shorter_lead or done.dropped)):
            undone.append(part)
        elif after == before and not done.without:
            idle.append(part)
        before = after
    return undone, idle


def _written(brief: Mapping[str, Any], requests: list[str]) -> Any:
    """The report, by topics in the order in which the claims name them."""
    topics: dict[str, list[str]] = {}
    for claim in brief["claims"]:
        topics.setdefault(str(claim["topic"]), []).append(str(claim["id"]))
    outline = [{"topic": topic, "claims": ids} for topic, ids in topics.items()]
    return report({**brief, "requests": requests}, outline, [])
