"""Which of an agent's findings are taken over: those that rest on passages that it was shown, and that are sound."""

import html
import re
from collections.abc import Sequence

from agents.kit import Kit
from chains.extractive import researching
from chains.forms import FindingDraft, FindingsDraft
from chains.scope import CallScope
from state.context import RunContext
from state.evidence import Finding, Passage
from state.research import Branch, BranchTask
from tools.evidence_text import parse_evidence, render_evidence
from tools.facts import check_statement, find_quantities
from tools.screening import UNCITED, Order, order_in, place_of, split_orders

_ENTITY = re.compile(r"&#?\w+;")


async def accepted(
    kit: Kit, scope: CallScope, task: BranchTask, context: RunContext, draft: FindingsDraft | None
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """The findings of a branch that are taken over, and what a reader must know of the rest.

    Without a draft, from work that did not complete, the sentences of what it had read that answer are quoted.
    Passages that give orders to a model support nothing, unless the run shows such passages to its models.
    """
    shown = await kit.ports.passages.get(list(dict.fromkeys(scope.shown)))
    hostile, notes = (set[str](), []) if context.untrusted.show_orders else await _hostile(kit, task, shown)
    sound = {passage.id: passage for passage in shown if passage.id not in hostile}
    if draft is None:
        draft = researching.findings(task["branch"].questions, parse_evidence(render_evidence(shown, [])))
    kept = [found for found in draft.findings if sound.keys() & set(found.passages)]
    left = [found for found in draft.findings if not sound.keys() & set(found.passages)]
    obeyed = sum(bool(hostile & set(found.passages)) for found in left)
    of = f"findings of the branch {task['branch'].focus!r}"
    if len(left) > obeyed:
        notes.append(f"{len(left) - obeyed} {of} named no passage that it had read; they were left out.")
    if obeyed:
        notes.append(f"{obeyed} {of} rested on nothing but text that gives orders to a model; they were left out.")
    return tuple(_finding(found, sound) for found in kept), tuple(notes)


async def checked(kit: Kit, scope: CallScope, branch: Branch, draft: FindingsDraft) -> FindingsDraft:
    """The findings that the check without a model finds supported by what they name; the scope notes how many not."""
    keys = dict.fromkeys(key for found in draft.findings for key in found.passages)
    passages = {passage.id: passage for passage in await kit.ports.passages.get(list(keys))}

    def is_supported(found: FindingDraft) -> bool:
        cited = [passages[key] for key in dict.fromkeys(found.passages) if key in passages]
        return bool(cited) and check_statement(found.text, cited).verdict == "supported"

    kept = [found for found in draft.findings if is_supported(found)]
    if left := len(draft.findings) - len(kept):
        said = "were not found supported by what they named; they were left out."
        scope.notes.append(f"Checked: {left} findings of the branch {branch.focus!r} {said}")
    return draft.model_copy(update={"findings": kept})


def _finding(found: FindingDraft, sound: dict[str, Passage]) -> Finding:
    cited = [sound[key] for key in dict.fromkeys(found.passages) if key in sound]
    text = _as_meant(" ".join(found.text.split()), cited)
    return Finding(
        text=text,
        passages=tuple(passage.id for passage in cited),
        confidence=found.confidence,
        topic=found.topic,
        quantities=tuple(find_quantities(text)),
    )


def _as_meant(text: str, cited: Sequence[Passage]) -> str:
    """The text without the escapes that a model copied from what it was shown; those of the source itself stay."""
    for entity in dict.fromkeys(_ENTITY.findall(text)):
        if not any(entity in passage.text for passage in cited):
            text = text.replace(entity, html.unescape(entity))
    return text


async def _hostile(kit: Kit, task: BranchTask, shown: Sequence[Passage]) -> tuple[set[str], list[str]]:
    """The ids of passages that give orders although they were shown, alone or two together, and notes on them."""
    sources = {source.id: source for source in await kit.ports.passages.sources(task["collection"].id)}
    found = [(passage, order_in(passage, sources.get(passage.source_id))) for passage in shown]
    hostile = {passage.id for passage, order in found if order}
    notes = [order.note(UNCITED) for _, order in found if order]
    for one, other, texts in split_orders([passage for passage, order in found if order is None]):
        hostile |= {one.id, other.id}
        place = f"{place_of(one, sources.get(one.source_id))} and what follows there"
        notes.append(Order(place, tuple(texts)).note(UNCITED))
    return hostile, notes
