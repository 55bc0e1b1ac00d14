"""The review of a draft before it goes out: what rules find, what the critic adds, and whether it is written again."""

from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from agents.bounds import bounded
from agents.citations import CLAIMING
from agents.kit import Kit, Node, context_of
from chains.ask import ask, brief
from chains.forms import ReviewDraft
from state.context import RunContext
from state.errors import ModelError
from state.research import Draft, ResearchState, Review

_MOST_REVISIONS = 1
"""How often a draft is sent back by the review; a person may send it back more often."""

Next = Literal["synthesize", "approve_report"]


def review_node(kit: Kit) -> Node[ResearchState, Command[Next]]:
    """The node that reviews; it sends the draft back at most once."""

    async def review(state: ResearchState, runtime: Runtime[RunContext]) -> Command[Next]:
        context, draft = context_of(runtime), state["draft"]
        revisions = state.get("revisions", 0)
        scope = kit.scope(f"review/{revisions}", runtime)
        found = defects_of(draft, state["plan"].sub_questions)
        told = {
            "question": state["question"],
            "sub_questions": list(state["plan"].sub_questions),
            "draft": draft.model_dump(mode="json", include={"title", "sections"}),
            "defects": found,
        }
        try:
            async with bounded("reviewing", context.time, scope):
                answer = await ask(kit.model(scope, "critic", context), "review", ReviewDraft, brief(**told))
        except ModelError as error:
            answer = ReviewDraft(defects=[f"The draft could not be reviewed by a model: {error.message}"])
        defects = tuple(dict.fromkeys([*found, *answer.defects]))
        again = answer.revise and revisions < _MOST_REVISIONS
        result = Review(defects=defects, revise=again)
        if again:
            return Command(update={"review": result, "revisions": revisions + 1}, goto="synthesize")
        kept = draft.model_copy(update={"defects": tuple(dict.fromkeys([*draft.defects, *defects]))})
        return Command(update={"review": result, "draft": kept}, goto="approve_report")

    return review


def defects_of(draft: Draft, sub_questions: tuple[str, ...]) -> list[str]:
    """What rules can see: no findings at all, or sentences that are only partly supported."""
    claiming = [sentence for section in draft.sections if section.heading in CLAIMING for sentence in section.sentences]
    partly = [sentence.text for sentence in claiming if sentence.verdict == "partly"]
    defects = [] if claiming else ["The report has no finding that a passage supports."]
    if partly:
        defects.append(f"Only partly supported by its passage: “{partly[0][:120]}”" + _more(len(partly) - 1))
    return defects


def _more(count: int) -> str:
    return f" (and {count} more)" if count else ""
