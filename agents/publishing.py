"""The end of a research run: the report is rendered and stored; also the report of a run that
could establish nothing, which says so and shows where it looked."""

import asyncio
from typing import TypedDict

from langgraph.runtime import Runtime

from agents.kit import Kit, Node, context_of
from chains.ask import prompt_hashes
from chains.extractive.languages import limits
from state.context import EXTRACTIVE, RunContext
from state.evidence import Passage
from state.research import (
    NOT_ESTABLISHED,
    Draft,
    Merged,
    Outcome,
    Plan,
    ResearchOutput,
    ResearchState,
    Section,
    Sentence,
)
from state.runs import TIMEOUT_ACTOR, UNATTENDED_ACTOR
from tools.numerals import percent
from tools.report.bundle import MARKDOWN, PAGE, REPORT, Provenance, chart_files, package_versions, rendered
from tools.report.view import ReportView, citation_accuracy
from tools.screening import SHOWN, WITHHELD


class FailureUpdate(TypedDict):
    """What explain_failure writes."""

    draft: Draft
    outcome: Outcome


async def explain_failure(state: ResearchState, runtime: Runtime[RunContext]) -> FailureUpdate:
    """Writes the report of a run that was rejected, or found nothing that a passage supports."""
    rejected = state.get("outcome") == "rejected"
    sentences = [
        "The run was rejected at an approval point, so no report was written."
        if rejected
        else "The sources do not establish an answer to this question. Nothing is claimed here."
    ]
    merged = state.get("merged")
    if not rejected and merged and merged.searched:
        sentences.append("What was searched for: " + "; ".join(merged.searched))
    if not rejected and context_of(runtime).model_for("researcher") == EXTRACTIVE:
        sentences += filter(None, [limits(state["question"])])
    sections = (Section(heading=NOT_ESTABLISHED, sentences=tuple(Sentence(text=text) for text in sentences)),)
    gate = state.get("gate")
    draft = Draft(title=state["question"], sections=sections, defects=gate.defects if gate else ())
    return {"draft": draft, "outcome": "rejected" if rejected else "not_established"}


def publishing_node(kit: Kit) -> Node[ResearchState, ResearchOutput]:
    """The node that renders and stores the report as Markdown and as one HTML file."""

    async def publish(state: ResearchState, runtime: Runtime[RunContext]) -> ResearchOutput:
        outcome = state.get("outcome", "published")
        view = await _view(kit, state, context_of(runtime), outcome)
        artifacts = kit.ports.artifacts
        forms = rendered(view, {key: await artifacts.get(key) for key in chart_files(view)})
        made = Provenance(view=view, prompts=prompt_hashes(), versions=await asyncio.to_thread(package_versions))
        return {
            "outcome": outcome,
            "report": await artifacts.put(forms[MARKDOWN], "text/markdown", MARKDOWN),
            "page": await artifacts.put(forms[PAGE], "text/html", PAGE),
            "provenance": await artifacts.put(made.model_dump_json().encode(), "application/json", REPORT),
            "citation_accuracy": citation_accuracy(view.draft),
            "missing": view.merged.missing if view.merged else (),
            "defects": view.draft.defects,
        }

    return publish


async def _view(kit: Kit, state: ResearchState, context: RunContext, outcome: Outcome) -> ReportView:
    """All that the report shows."""
    draft, merged = state["draft"], state.get("merged")
    passages = await _passages(kit, draft, merged)
    around = await kit.ports.passages.around(list(passages))
    beside = {key for each in around.values() for key in (each.before, each.after) if key} - passages.keys()
    near = await kit.ports.passages.get(sorted(beside))
    sources = await kit.ports.passages.sources(state["collection"].id)
    done = SHOWN if context.untrusted.show_orders else WITHHELD
    orders = await kit.screened.notes(state["collection"].id, done)
    return ReportView(
        run_id=kit.ports.run_id,
        question=state["question"],
        outcome=outcome,
        draft=draft,
        merged=merged,
        gate=state.get("gate"),
        passages=(*passages.values(), *near),
        around=dict(around),
        sources=tuple(sources),
        collection=state["collection"],
        feedback=state.get("feedback", ()),
        notes=(*_unanswered(state), *await _cost(kit, context), *orders),
        models=tuple(await kit.ports.journal.models()),
        agents=_agents(state.get("plan")),
    )


def _agents(plan: Plan | None) -> dict[str, str]:
    """Who did what."""
    if plan is None:
        return {}
    named = {"coordination": plan.coordinator, "synthesis": plan.writer}
    named |= {f"branches/{branch.id}": branch.agent.name for branch in plan.branches}
    return {what: name for what, name in named.items() if name}


def _unanswered(state: ResearchState) -> tuple[str, ...]:
    """The approval points at which the run went on although nobody had looked."""
    policy = {TIMEOUT_ACTOR: "nobody answered in time", UNATTENDED_ACTOR: "nobody was at the terminal"}
    return tuple(
        f"Approval of the {entry.point}: the run went on without one, because {policy[entry.by]}."
        for entry in state.get("feedback", ())
        if entry.by in policy
    )


async def _cost(kit: Kit, context: RunContext) -> tuple[str, ...]:
    """What the run really cost, where it had a budget."""
    if context.budget is None:
        return ()
    used = await kit.spending.total()
    saved = context.cheaper_model and await kit.spending.must_save(context.budget, context.soft_limit)
    words = f"The run cost ${used.money:.4f} of its budget of ${context.budget:.4g}: {used.model_calls} model calls"
    saving = f"; past {percent(context.soft_limit)} of it, {context.cheaper_model} plays all roles"
    return (words + (saving if saved else "") + ".",)


async def _passages(kit: Kit, draft: Draft, merged: Merged | None) -> dict[str, Passage]:
    keys = [key for section in draft.sections for sentence in section.sentences for key in sentence.passages]
    if merged:
        keys += [side.passage_id for found in merged.contradictions for side in found.sides]
        keys += [key for claim in merged.claims for key in claim.passages]
        keys += [chart.passage_id for chart in merged.charts]
    return {passage.id: passage for passage in await kit.ports.passages.get(list(dict.fromkeys(keys)))}
