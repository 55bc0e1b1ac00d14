"""Chooses how the branches of a plan run: all at once, one after another, or the important ones first."""

import math
import re
from collections.abc import Mapping, Sequence

from chains.extractive.terms import terms
from graphs.coordination.statements import same_question
from state.context import RunContext
from state.evidence import Collection
from state.research import Branch, BranchKind, BranchResult, Mode, Plan

_DEPENDENT = 0.6
"""Interdependence from which on the branches run one after another."""
_COMPLEX = 0.6
"""Complexity from which on a plan that fills the capacity runs its important branches first."""
_BUILDS_ON = re.compile(
    r"\b(?:based on|given (?:that|this|these|those)|depending on|in that case|if so|building on"
    r"|following from|as a (?:result|consequence)|consequently|accordingly|therefore|hence|thus|thereby"
    r"|the (?:former|latter|above|result|results|answer|answers|first|second|third|last|previous|preceding)"
    r"|(?:these|those|such) \w+|of (?:these|those|them)|which (?:one|ones|of)"
    r"|that (?:one|answer|result|case|figure|value|rate|list)"
    r")\b|^(?:and )?then\b|,\s*then\b",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(
    r"\b(?:it|its|they|them|their|this|that|these|those|each|both|one|ones|he|she|his|her)\b", re.IGNORECASE
)


def choose_mode(
    sub_questions: Sequence[str], kinds: Sequence[BranchKind], collection: Collection, context: RunContext
) -> tuple[Mode, str]:
    """The mode for a plan with these sub-questions and one branch for each of `kinds`, and why, in words.

    A mode that the user asked for is taken. Else branches that need each other's answers run one after
    another; where some do, or where a big question fills the capacity, the important ones run first; else all
    run at once.
    """
    size, links = complexity(sub_questions, collection), interdependence(sub_questions)
    figures = (
        f"{_count(len(sub_questions), 'sub-question')} over {_count(collection.sources, 'source')} "
        f"and {_count(len(collection.tables), 'table')}: {_size_in_words(size)}"
        f"{_links_in_words(links) if len(sub_questions) > 1 else ''}. "
        f"{_branches(kinds)}, with room for {context.max_branches} at a time"
    )
    if context.mode != "auto":
        return context.mode, f"It was asked for. {figures}."
    mode, reason = _mode(size, links, len(kinds), context.max_branches)
    return mode, f"{reason[:1].upper()}{reason[1:]}. {figures}."


def _size_in_words(size: float) -> str:
    if size >= _COMPLEX:
        return "a big task"
    return "a task of middling size" if size >= _COMPLEX / 2 else "a small task"


def _links_in_words(links: float) -> str:
    if links >= _DEPENDENT:
        return ", whose later questions build on earlier answers"
    return ", some of whose questions may build on others" if links else ", whose questions do not build on each other"


def _mode(size: float, links: float, branches: int, capacity: int) -> tuple[Mode, str]:
    if branches <= 1:
        return "parallel", "there is nothing to order"
    if links >= _DEPENDENT:
        return "sequential", "later questions build on earlier answers"
    if branches > capacity:
        return "adaptive", "there is no room for all branches at once"
    if links > 0 and branches > 2:
        return "adaptive", "some questions may build on earlier answers"
    if size >= _COMPLEX and branches == capacity:
        return "adaptive", "a big question fills the capacity, so the important parts come first"
    return "parallel", "the branches do not need each other's answers"


def complexity(sub_questions: Sequence[str], collection: Collection) -> float:
    """How big the task is, from 0 to 1.

    Half is for the number of sub-questions (full at 6), a quarter for their mean length (full at 25 words), a
    quarter for the number of sources and tables (full at 1,000, on a logarithmic scale).
    """
    words = sum(len(question.split()) for question in sub_questions) / max(1, len(sub_questions))
    material = math.log10(1 + collection.sources + len(collection.tables)) / 3
    return 0.5 * min(1, len(sub_questions) / 6) + 0.25 * min(1, words / 25) + 0.25 * min(1, material)


def interdependence(sub_questions: Sequence[str]) -> float:
    """Share of the sub-questions after the first that need the answer of another, from 0 to 1.

    One that says so (`based on`, `of these`, `then`) counts whole; one that only has a pronoun with nothing
    before it to stand for counts half, since it may mean the question's subject.
    """
    later = sub_questions[1:]
    return sum(_dependence(question) for question in later) / len(later) if later else 0.0


def _dependence(question: str) -> float:
    if _BUILDS_ON.search(question):
        return 1.0
    pronoun = _POINTS_BACK.search(question)
    return 0.5 if pronoun and len(terms(question[: pronoun.start()])) < 2 else 0.0


def _branches(kinds: Sequence[BranchKind]) -> str:
    tables = sum(kind == "analysis" for kind in kinds)
    return _count(len(kinds), "branch", "branches") + (f", {tables} on tables" if tables else "")


def _count(number: int, one: str, more: str = "") -> str:
    return f"{number} {one if number == 1 else more or one + 's'}"


def waves(plan: Plan, waiting: Sequence[str], done: Mapping[str, BranchResult]) -> tuple[str, ...]:
    """The ids of the branches to send now, of those in `waiting`; empty when no more are needed.

    Parallel: all. Sequential: one, by priority. Adaptive: first those that are required or of priority 1 or 2
    (the best there are, if none is), then those with a question that no finding answers yet.
    """
    branches = [branch for branch in plan.branches if branch.id in waiting]
    ordered = sorted(branches, key=lambda branch: branch.priority)
    if plan.mode == "sequential":
        return tuple(branch.id for branch in ordered[:1])
    if plan.mode == "adaptive":
        return tuple(branch.id for branch in _needed(ordered, done))
    return tuple(branch.id for branch in branches)


def _needed(ordered: Sequence[Branch], done: Mapping[str, BranchResult]) -> Sequence[Branch]:
    first = [branch for branch in ordered if branch.required or branch.priority <= 2]
    if first:
        return first
    if not done:
        return [branch for branch in ordered if branch.priority == ordered[0].priority]
    return [branch for branch in ordered if not covered(branch, done)]


def covered(branch: Branch, done: Mapping[str, BranchResult]) -> bool:
    """Whether each question of the branch is the topic of a finding."""
    topics = {finding.topic for result in done.values() for finding in result.findings}
    return all(any(same_question(topic, question) for topic in topics) for question in branch.questions)


def not_sent(plan: Plan, done: Mapping[str, BranchResult]) -> tuple[str, ...]:
    """Why branches of an adaptive plan were left out, a sentence each; empty in the other modes."""
    if plan.mode != "adaptive":
        return ()
    return tuple(
        f"The branch {branch.id!r} was not sent: others had found answers to all its questions."
        for branch in plan.branches
        if branch.id not in done
    )
