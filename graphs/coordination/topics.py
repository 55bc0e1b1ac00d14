"""Which sub-question a finding answers, and which sub-questions are answered at all."""

from collections.abc import Mapping

from graphs.coordination.statements import matching_question, same_question, same_statement
from state.evidence import Claim, Finding
from state.research import Branch, BranchResult, Merged, Plan
from tools.synthesis_tools import usable


def topic_of(finding: Finding, branch: Branch | None, plan: Plan) -> str:
    """The sub-question of the plan that the finding answers; its own topic where that is none of them.

    A finding that names no topic answers the only question of its branch, or the one nearest to its words.
    """
    asked = branch.questions if branch else ()
    named = finding.topic or (asked[0] if len(asked) == 1 else finding.text)
    return (
        matching_question(named, plan.sub_questions)
        or matching_question(named, asked)
        or finding.topic
        or (asked[0] if asked else "")
    )


def asks(branch: Branch, question: str) -> bool:
    """Whether the question is one of the branch's, in the same or nearly the same words."""
    return any(same_question(question, own) for own in branch.questions)


def answered(plan: Plan, merged: Merged, results: Mapping[str, BranchResult]) -> set[str]:
    """The sub-questions with a usable claim.

    A claim has one topic, but the findings that it was made of may have several: each of them is answered.
    """
    claims = usable(merged.claims)
    branches = {branch.id: branch for branch in plan.branches}
    topics = {claim.topic for claim in claims}
    for result in results.values():
        for finding in result.findings:
            topic = topic_of(finding, branches.get(result.branch_id), plan)
            if topic not in topics and any(_is_part(finding, claim) for claim in claims):
                topics.add(topic)
    return topics & set(plan.sub_questions)


def _is_part(finding: Finding, claim: Claim) -> bool:
    shared = bool(set(finding.passages) & set(claim.passages))
    return shared and same_statement(finding.text, claim.text, share_passage=True)
