"""Tools of the synthesis agent: an outline, summaries and recommendations, computed from the merged claims."""

from collections.abc import Sequence

from langchain_core.tools import BaseTool

from state.errors import ToolError
from state.evidence import Claim, Contradiction
from state.research import Merged, Plan
from tools.advising import ADVISES
from tools.blocks import block
from tools.effects import effects
from tools.making import made
from tools.naming import disagreement

_MOST = 5


def usable(claims: Sequence[Claim]) -> list[Claim]:
    """The claims that a report may state: those that their passages support, at least partly."""
    return [claim for claim in claims if claim.verdict in ("supported", "partly")]


def _rank(claim: Claim) -> float:
    """What puts one claim before another: whence it comes, how well it answers, how sure it is."""
    return round(claim.weight * claim.relevance * claim.confidence, 4)


def outline(merged: Merged, plan: Plan) -> list[dict[str, object]]:
    """Topics in the plan's order, each with the ids of its claims, the weightiest first; empty topics are left out."""
    topics = list(dict.fromkeys([*plan.sub_questions, *(claim.topic for claim in merged.claims)]))
    parts: list[dict[str, object]] = []
    for topic in topics:
        claims = [claim for claim in usable(merged.claims) if claim.topic == topic]
        ordered = sorted(claims, key=lambda claim: (-_rank(claim), claim.text))
        if ordered:
            parts.append({"topic": topic, "claims": [claim.id for claim in ordered]})
    return parts


def summarise(merged: Merged, topic: str, sentences: int) -> list[dict[str, object]]:
    """The claims of one topic that matter most, as sentences with their passages."""
    claims = [claim for claim in usable(merged.claims) if claim.topic == topic]
    if not claims:
        known = sorted({claim.topic for claim in usable(merged.claims)})
        raise ToolError(f"no claims on the topic {topic!r}.", remedy=f"Topics with claims: {known}.")
    best = sorted(claims, key=lambda claim: (-_rank(claim), claim.text))[:sentences]
    return [{"text": claim.text, "passages": list(claim.passages)} for claim in best]


def recommend(merged: Merged) -> list[dict[str, object]]:
    """What follows from the evidence itself: what sources advise, and which contradictions want settling."""
    advice: list[dict[str, object]] = [
        {"text": claim.text, "passages": list(claim.passages)}
        for claim in usable(merged.claims)
        if ADVISES.search(claim.text)
    ]
    return (advice + [_settle(found) for found in merged.contradictions])[:_MOST]


def _settle(contradiction: Contradiction) -> dict[str, object]:
    first, second = contradiction.sides
    return {
        "text": f"Settle first {disagreement(contradiction.subject, first.value, second.value)}.",
        "passages": [first.passage_id, second.passage_id],
    }


def synthesis_tools(merged: Merged, plan: Plan) -> list[BaseTool]:
    """The three tools over one body of evidence."""

    async def give_outline() -> str:
        return block("outline", outline(merged, plan))

    async def give_summary(topic: str, sentences: int = 3) -> str:
        return block("summary", summarise(merged, topic, sentences))

    async def give_recommendations() -> str:
        return block("recommendations", recommend(merged))

    return [
        made(
            coroutine=give_outline,
            metadata=effects("none"),
            name="outline",
            description="The topics in order, each with the ids of its claims.",
        ),
        made(
            coroutine=give_summary,
            metadata=effects("none"),
            name="summarise",
            description="The weightiest sentences on one topic, with passages.",
        ),
        made(
            coroutine=give_recommendations,
            metadata=effects("none"),
            name="recommend",
            description="What the sources advise, and which contradictions want settling, with passages.",
        ),
    ]
