"""Plans by rule: the question is split, texts get a research branch a sub-question, tables an analysis branch."""

from typing import Any

from chains.extractive.questions import split_question
from chains.extractive.terms import terms
from chains.extractive.wishes import asked_for
from chains.forms import BranchDraft, PlanDraft

_COMPUTES = frozenset(
    terms(
        "trend rate growth increase decrease average mean median correlation difference compare distribution change "
        "changed rise risen fall fallen grow fast faster figures data statistics numbers percent significant highest"
    )
)


def plan(brief: dict[str, Any]) -> PlanDraft:
    """The plan for a brief with `question`, `tables` [{uri, title}], `max_branches` and, if any, `guidance`."""
    question = str(brief["question"])
    guided = [str(line) for line in brief.get("guidance") or []]
    questions = split_question(question)
    extra = [part for line in guided for part in asked_for(line)]
    questions = list(dict.fromkeys([*questions, *extra]))[:6]
    tables = [str(table) for table in brief.get("tables") or []]
    analysis = [_analysis(question, questions, tables)] if tables and _wants_figures(question, tables) else []
    room = max(1, int(brief.get("max_branches", 6)) - len(analysis))
    research = [
        BranchDraft(
            kind="research",
            focus=_focus(group[0]),
            questions=group,
            priority=min(5, 1 + place),
            required=not place,
        )
        for place, group in enumerate(_groups(questions, room))
    ]
    return PlanDraft(sub_questions=questions, branches=[*research, *analysis])


def _wants_figures(question: str, tables: list[str]) -> bool:
    asked = set(terms(question))
    return bool(asked & _COMPUTES) or any(asked & set(terms(table.replace("_", " "))) for table in tables)


def _analysis(question: str, questions: list[str], tables: list[str]) -> BranchDraft:
    figures = [part for part in questions if set(terms(part)) & _COMPUTES] or questions
    return BranchDraft(kind="analysis", focus="figures in the tables", questions=figures, tables=tables, priority=2)


def _groups(questions: list[str], room: int) -> list[list[str]]:
    """The questions dealt out to at most `room` branches."""
    return [questions[place::room] for place in range(min(room, len(questions)))]


def _focus(question: str) -> str:
    return " ".join(question.strip(" ?").split()[:8])
