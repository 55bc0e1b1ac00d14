"""What a person asks of the writer, as far as extraction can act on it: `shorter`, `only X`, `without X`.

To quote less, or only what speaks of something, takes no model. To rephrase, or to add what no branch has found, does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chains.extractive.terms import terms

_SHORTER = re.compile(r"\b(?:shorter|shorten|brief(?:er|ly)?|concise|less text|too long|summary only)\b", re.IGNORECASE)
_ONLY = re.compile(
    r"\b(?:only|just|focus on|restrict(?: it)? to|concentrate on)\s+(?:about\s+|on\s+)?([^.;!?\n]+)", re.IGNORECASE
)
_WITHOUT = re.compile(r"\b(?:without|leave out|drop|remove|omit|nothing (?:on|about))\s+([^.;!?\n]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Heard:
    """The claims that are left after all requests, and what became of the requests."""

    claims: list[dict[str, Any]]
    shorter: bool
    unheard: tuple[str, ...]
    """The requests that nothing could be done about."""


def heard(requests: Sequence[str], claims: Sequence[dict[str, Any]]) -> Heard:
    """Acts on the requests, oldest first. One that would leave no claim is not acted on."""
    kept, shorter, unheard = list(claims), False, []
    for request in requests:
        brief, only, without = bool(_SHORTER.search(request)), _ONLY.search(request), _WITHOUT.search(request)
        left = _about(only.group(1), kept) if only else kept
        if without:
            named = _about(without.group(1), left)
            left = [claim for claim in left if claim not in named]
        changed = bool(left) and len(left) < len(kept)
        kept = left if changed else kept
        shorter = shorter or brief
        if not changed and not brief:
            unheard.append(request)
    return Heard(kept, shorter, tuple(unheard))


def _about(subject: str, claims: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The claims that hold most of the subject's terms; none where no claim holds any."""
    wanted = set(terms(subject))
    shared = [len(wanted & set(terms(claim["text"]))) for claim in claims]
    most = max(shared, default=0)
    return [claim for claim, count in zip(claims, shared, strict=True) if most and count == most]
