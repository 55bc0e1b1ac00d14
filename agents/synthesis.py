"""The synthesis agent: writes the report from the merged claims; code checks every citation and adds what is known
about the report itself. A writer that fails costs the prose, never the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from langchain.agents import create_agent
from langchain.agents.structured_output import ToolStrategy
from langchain_core.tools import BaseTool
from langgraph.runtime import Runtime

from agents.bounds import bounded
from agents.citations import verified
from agents.disputes import with_disputes
from agents.judging import judged
from agents.kit import Kit, Node, context_of
from agents.middleware import agent_middleware, run_agent
from agents.research import own_tools
from agents.shift import Shift
from agents.team import SYNTHESIS, Agent
from chains.ask import brief, said, system_prompt
from chains.extractive import writing
from chains.extractive.heeding import CAN, unheeded
from chains.extractive.languages import limits
from chains.extractive.model import NOTE
from chains.extractive.requests import parts_of
from chains.extractive.wishes import for_the_writer
from chains.forms import ReportDraft
from chains.governed import GovernedModel
from chains.scope import CallScope
from state.context import EXTRACTIVE, BranchLimits, RunContext
from state.errors import BadOutput, LimitReached, ModelError
from state.evidence import Claim, Passage
from state.research import (
    NOT_ESTABLISHED,
    RISKS,
    Draft,
    Feedback,
    GateReport,
    Merged,
    Plan,
    ResearchState,
    Section,
    Sentence,
)
from tools.synthesis_tools import outline, recommend, synthesis_tools, usable

_LIMITS = BranchLimits(tokens=400_000, model_calls=12, tool_calls=20)


class DraftUpdate(TypedDict):
    """What synthesize writes."""

    draft: Draft


def synthesis_node(kit: Kit) -> Node[ResearchState, DraftUpdate]:
    """The node that writes, and writes again with what the review or a person asked for."""

    async def synthesize(state: ResearchState, runtime: Runtime[RunContext]) -> DraftUpdate:
        passages = await _cited(kit, state["merged"])
        writer = await _writer(kit, state["plan"], context_of(runtime))
        result, note = await _checked(kit, writer, state, runtime, passages)
        told = await _judged(kit, state, runtime, with_disputes(result, state["merged"], passages), passages)
        style = writer.how.synthesis.citation_style
        return {"draft": _completed(told, state, note).model_copy(update={"citation_style": style})}

    return synthesize


async def _checked(
    kit: Kit, writer: Agent, state: ResearchState, runtime: Runtime[RunContext], passages: Mapping[str, Passage]
) -> tuple[Draft, str]:
    """The report as far as its passages support it, mended once by its writer; and what it says of its making."""
    context, merged = context_of(runtime), state["merged"]
    limits = _LIMITS.model_copy(update={"seconds": 2 * context.time.writing})  # to write, and to mend
    revisions = state.get("revisions", 0)
    scope = kit.scope(f"synthesize/{revisions}", runtime, limits)
    wanted = _brief(state, passages) | {"specialisation": said(writer.how.synthesis)}
    note = _note(wanted) if writer.model_name(context) == EXTRACTIVE else ""
    desk = _Desk(kit, scope, writer, kit.team.model(scope, writer, context))
    mender: GovernedModel | None = desk.model
    try:
        async with Shift(kit.ports.ledger, "synthesize", scope) as shift:
            await shift.begin(writer.template, revisions)
            async with bounded("writing", context.time, scope):
                draft = await _written(desk, state, wanted)
    except ModelError as error:
        draft = writing.report(wanted, outline(merged, state["plan"]), recommend(merged))
        note = f"The writing model failed ({error.message}). {_note(wanted)}"
        mender = None
    sections = [(section.heading, section.sentences) for section in draft.sections]
    try:
        async with bounded("writing", context.time, scope):
            return await verified(draft.title, sections, passages, mender), note
    except LimitReached:  # what was not mended in time is dropped
        return await verified(draft.title, sections, passages, None), note


async def _judged(
    kit: Kit, state: ResearchState, runtime: Runtime[RunContext], draft: Draft, passages: Mapping[str, Passage]
) -> Draft:
    """The draft with what the critic, in calls of its own, says of it within its time."""
    context = context_of(runtime)
    scope = kit.scope(f"judge/{state.get('revisions', 0)}", runtime)
    critic = None if context.model_for("critic") == EXTRACTIVE else kit.model(scope, "critic", context)
    return await judged(draft, passages, critic, bounded("reviewing", context.time, scope))


def _note(wanted: Mapping[str, Any]) -> str:
    """What a report that was extracted says of itself; also which requests changed nothing, and how far it knows the
    language of the question.
    """
    undone, idle = unheeded(wanted)
    parts = (
        NOTE,
        f"What was asked of the writer and could not be done without one: {_quoted(undone)}" if undone else "",
        f"What was asked of the writer, and was so already: {_quoted(idle)}" if idle else "",
        limits(str(wanted["question"])),
    )
    return " ".join(filter(None, parts))


def remark(state: ResearchState, message: str = "") -> str:
    """What a person who sent the report back, or does so with `message`, is told at once: which of their wishes cannot
    be done without a model, and which change nothing. Empty where there are none, or a model wrote it.
    """
    said = [entry.message for entry in state.get("feedback", ()) if entry.point == "report" and entry.message]
    last = parts_of(message or (said[-1] if said else ""))
    if not last or not state["draft"].model_note.startswith(NOTE):
        return ""
    wanted = _brief(state, {})  # whether a claim was computed makes no difference to what is asked of it
    requests = [*(wanted["requests"] or []), *([message] if message else [])]
    undone, idle = ([each for each in found if each in last] for found in unheeded({**wanted, "requests": requests}))
    parts = (
        f"Without a model this cannot be done: {_quoted(undone)}. {CAN}" if undone else "",
        f"This changes nothing, the report is so already: {_quoted(idle)}." if idle else "",
    )
    return " ".join(filter(None, parts))


def _quoted(requests: Sequence[str]) -> str:
    return "; ".join(f"“{request.rstrip('.')}”" for request in requests)


async def _writer(kit: Kit, plan: Plan, context: RunContext) -> Agent:
    """Whom the plan names, or the best."""
    if plan.writer:
        return await kit.team.named(plan.writer, SYNTHESIS, context)
    return await kit.team.chosen(SYNTHESIS, context.limits, context)


@dataclass(frozen=True)
class _Desk:
    """Where a report is written, and by whom."""

    kit: Kit
    scope: CallScope
    writer: Agent
    model: GovernedModel


async def _written(desk: _Desk, state: ResearchState, wanted: dict[str, Any]) -> ReportDraft:
    writer, scope = desk.writer, desk.scope
    tools: list[BaseTool] = list(synthesis_tools(state["merged"], state["plan"]))
    own = await own_tools(desk.kit, scope, writer, tools)
    agent = create_agent(
        desk.model,
        [*tools, *own.tools],
        system_prompt=system_prompt(
            "synthesize", writer.instructions, specialised=wanted["specialisation"] is not None
        ),
        middleware=[*agent_middleware(scope, _LIMITS, was_fed=True), *own.middleware],
        response_format=ToolStrategy(ReportDraft),
        checkpointer=False,
        name="synthesis_agent",
    )
    answer = (await run_agent(agent, [brief(**wanted)], scope)).get("structured_response")
    if not isinstance(answer, ReportDraft):
        raise BadOutput("the writer ended without a report in the form that was asked for")
    return answer


async def _cited(kit: Kit, merged: Merged) -> dict[str, Passage]:
    """The passages that any claim rests on, by id."""
    keys = dict.fromkeys(key for claim in merged.claims for key in claim.passages)
    keys |= dict.fromkeys(side.passage_id for found in merged.contradictions for side in found.sides)
    return {passage.id: passage for passage in await kit.ports.passages.get(list(keys))}


def _brief(state: ResearchState, passages: Mapping[str, Passage]) -> dict[str, Any]:
    """What the writer is told."""
    merged, gate = state["merged"], state.get("gate")
    said = requests_in(state.get("feedback", ()))
    review = state.get("review")
    return {
        "question": state["question"],
        "sub_questions": list(state["plan"].sub_questions),
        "claims": [
            {
                "id": claim.id,
                "text": claim.text,
                "topic": claim.topic,
                "passages": list(claim.passages),
                "confidence": claim.confidence,
                "relevance": claim.relevance,
                "computed": _is_computed(claim.passages, passages),
                "place": _place(claim, passages),
            }
            for claim in usable(merged.claims)
        ],
        "contradictions": [
            {
                "subject": found.subject,
                "statements": [side.statement for side in found.sides],
                "passages": [side.passage_id for side in found.sides],
                "preferred": next((s.statement for s in found.sides if s.claim_id == found.preferred), "neither"),
                "why": found.why,
            }
            for found in merged.contradictions
        ],
        "uncovered": list(gate.uncovered) if gate else [],
        "requests": [*said, *(review.defects if review and review.revise else ())] or None,
    }


def requests_in(feedback: Sequence[Feedback]) -> list[str]:
    """What people said that concerns the writer; of what they said of the plan only what is about the writing."""
    return [
        request
        for entry in feedback
        for request in (for_the_writer(entry.message) if entry.point == "plan" else [entry.message])
        if request
    ]


def _is_computed(keys: Sequence[str], passages: Mapping[str, Passage]) -> bool:
    return any(key in passages and passages[key].locator.computed for key in keys)


def _place(claim: Claim, passages: Mapping[str, Passage]) -> int:
    """Where in its passage a quoted claim stands, as an offset; 0 for other claims."""
    texts = [" ".join(passages[key].text.split()) for key in claim.passages if key in passages]
    return max((0, *(text.find(claim.text) for text in texts)))


def _completed(draft: Draft, state: ResearchState, note: str) -> Draft:
    """The draft with what only the program knows: limits of the evidence, open defects, the model's own note."""
    gate = state.get("gate")
    limits = [Sentence(text=text) for text in _limitations(draft, state["merged"], gate)]
    own = [section for section in draft.sections if section.heading == RISKS]
    others = tuple(section for section in draft.sections if section.heading != RISKS)
    sentences = (*(sentence for section in own for sentence in section.sentences), *limits)
    risks = (Section(heading=RISKS, sentences=sentences),) if sentences else ()
    open_ = tuple(Sentence(text=question) for question in gate.uncovered) if gate else ()
    unanswered = (Section(heading=NOT_ESTABLISHED, sentences=open_),) if open_ else ()
    defects = tuple(dict.fromkeys((*draft.defects, *(gate.defects if gate else ()))))
    return draft.model_copy(
        update={"sections": (*others[:1], *unanswered, *others[1:], *risks), "defects": defects, "model_note": note}
    )


def _limitations(draft: Draft, merged: Merged, gate: GateReport | None) -> list[str]:
    single = [claim for claim in usable(merged.claims) if len(claim.passages) == 1]
    lines = []
    if single:
        lines.append(f"{len(single)} of {len(usable(merged.claims))} claims rest on a single passage.")
    if merged.contradictions:
        lines.append("The sources contradict each other; both sides are listed under Contradictions.")
    if gate and gate.uncovered:
        lines.append("The sources do not answer every part of the question; see What is missing.")
    if merged.missing:
        lines.append("Not every branch of the work delivered; see What is missing.")
    if draft.dropped:
        lines.append(f"Sentences left out because no passage supports them: {draft.dropped}.")
    return lines
