"""Which branch takes over from which: one that is sent again gets a new id, so that nothing found is lost.

`technical` is followed by `technical-r2`, then `technical-r3`: the number is that of the sending.
"""

import re
from collections.abc import Collection, Mapping

from state.research import Branch, BranchResult, Plan

_SENT_AGAIN = re.compile(r"^(?P<base>.+)-r(?P<number>\d+)$")
_LONGEST_ID = 41


def base_id(branch_id: str) -> str:
    """The id that the branch had when it was first sent."""
    found = _SENT_AGAIN.match(branch_id)
    return found["base"] if found else branch_id


def successor_id(branch_id: str, sending: int, taken: Collection[str]) -> str:
    """The id for the `sending`-th sending of the branch; a higher number where that is taken."""
    while True:
        suffix = f"-r{sending}"
        wanted = base_id(branch_id)[: _LONGEST_ID - len(suffix)] + suffix
        if wanted not in taken:
            return wanted
        sending += 1


def current(plan: Plan, results: Mapping[str, BranchResult]) -> list[Branch]:
    """The branches of the plan that count: those that no branch sent in a later round has taken over from."""
    return [branch for branch in plan.branches if not _taken_over(branch, plan, results)]


def _taken_over(branch: Branch, plan: Plan, results: Mapping[str, BranchResult]) -> bool:
    mine = results.get(branch.id)
    later = (
        results[other.id].round
        for other in plan.branches
        if other.id != branch.id and other.id in results and _follows(other.id, branch.id)
    )
    return mine is not None and any(number > mine.round for number in later)


def _follows(later: str, earlier: str) -> bool:
    """Whether one id is made from the other, also where the end of a long one was cut to make room."""
    found = _SENT_AGAIN.match(later)
    return found is not None and (
        found["base"] == base_id(earlier) or (len(later) == _LONGEST_ID and base_id(earlier).startswith(found["base"]))
    )
