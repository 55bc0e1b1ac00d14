"""What a person asks of the writer, as far as extraction can act on it: `shorter`, `only X`, `without X`, `X first`,
`say X`.

To quote less, only what speaks of something, or that before the rest takes no model. To rephrase, or to add what no
branch has found, does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chains.extractive.terms import terms
from tools.sentences import split_sentences

_SHORTER = re.compile(r"\b(?:shorter|shorten|brief(?:er|ly)?|concise|less text|too long|summary only)\b", re.IGNORECASE)
_ONLY = re.compile(
    r"\b(?:only|just|focus on|restrict(?: it)? to|concentrate on)\s+(?:about\s+|on\s+)?(?P<what>[^.;!?\n]+)",
    re.IGNORECASE,
)
_WITHOUT = re.compile(
    r"\b(?:without|leave out|drop|remove|omit|nothing (?:on|about))\s+(?P<what>[^.;!?\n]+)", re.IGNORECASE
)
_FIRST = re.compile(
    r"\b(?:begin|start|open|lead)\s+with\s+(?P<what>[^.;!?\n]+)"
    r"|\b(?:say|state|tell|mention|put|name|give|move|show|bring)\s+(?P<that>[^.;!?\n]+)",
    re.IGNORECASE,
)
"""What the report is to say before the rest: only what was found can be."""
_PLACE = re.compile(
    r"\b(?:in|as|at|to)\s+(?:the\s+)?(?:very\s+)?(?:first sentence|first place|first|beginning|start|top|summary)\b"
    r"|\b(?:first|up front|at once|right away|clearly|please|also)\b",
    re.IGNORECASE,
)
_NEXT = re.compile(
    r"[;,]?\s+(?:and|but)\s+(?=(?:also\s+|please\s+)?(?:say|state|tell|mention|put|name|give|move|show|begin|start|open"
    r"|lead|only|just|focus|restrict|concentrate|drop|remove|omit|leave out|shorten|make|keep|add|write)\b)|;\s+",
    re.IGNORECASE,
)
"""Where one request ends and another begins."""
_OF_THE_WRITING = re.compile(
    r"(?:please\s+|also\s+|and\s+|but\s+)*"
    r"(?:only|just|without|leave out|drop|remove|omit|(?:begin|start|open|lead)\s+with)\b"
    r"|.*\b(?:in|as|at|to)\s+(?:the\s+)?(?:very\s+)?"
    r"(?:first (?:sentence|paragraph|place)|beginning|start|top|(?:executive )?summary|title|headings?)\W*$"
    r"|.*\b(?:as|in|with|use|make (?:it|them))\s+(?:an?\s+|the\s+)?(?:tables?|lists?|bullets?|bullet points?"
    r"|(?:plain|simple|simpler) (?:english|language|words))\W*$",
    re.IGNORECASE,
)
"""A request about the form of the report, which is nothing to look for."""
_ABOUT_ALL = 0.6
"""Share of the terms of what is to be said first that a claim must hold."""


@dataclass(frozen=True)
class Heard:
    """The claims that are left after all requests, and what became of the requests."""

    claims: list[dict[str, Any]]
    shorter: bool
    first: tuple[str, ...]
    """Ids of the claims that are to stand before the others."""
    unheard: tuple[str, ...]
    """The requests that nothing could be done about."""


def heard(requests: Sequence[str], claims: Sequence[dict[str, Any]]) -> Heard:
    """Acts on the requests, oldest first, each part for itself. One that would leave no claim is not acted on."""
    kept, shorter, unheard = list(claims), False, list[str]()
    first: list[str] = []
    for request in (part for whole in requests for part in parts_of(whole)):
        left, leading = _chosen(request, kept), _leading(request, kept)
        if _SHORTER.search(request):
            shorter = True
        elif left and len(left) < len(kept):
            kept = left
        elif leading:
            first = [*leading, *(key for key in first if key not in leading)]
        else:
            unheard.append(request)
    return Heard(kept, shorter, tuple(first), tuple(unheard))


def of_the_writing(request: str) -> bool:
    """Whether one request is about the form of the report, so that no search can serve it."""
    return bool(_SHORTER.search(request) or _OF_THE_WRITING.match(request))


def parts_of(request: str) -> list[str]:
    """The single requests in what a person said."""
    parts = [part.strip() for sentence in split_sentences(request) for part in _NEXT.split(sentence)]
    return [part for part in parts if part]


def _chosen(request: str, claims: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The claims that `only X` and `without X` leave."""
    only, without = _ONLY.search(request), _WITHOUT.search(request)
    left = _about(only["what"], claims) if only else list(claims)
    named = _about(without["what"], left) if without else []
    return [claim for claim in left if claim not in named]


def _leading(request: str, claims: Sequence[dict[str, Any]]) -> list[str]:
    """The ids of the claims that say what is to be said first; of several the best two."""
    found = _FIRST.search(request)
    subject = _PLACE.sub(" ", found["what"] or found["that"]) if found else ""
    wanted = set(terms(subject))
    if not wanted:
        return []
    about = [
        claim
        for claim in _about(subject, claims)
        if len(wanted & set(terms(claim["text"]))) >= _ABOUT_ALL * len(wanted)
    ]
    best = sorted(about, key=lambda claim: -float(claim.get("relevance", 0)))
    return [str(claim["id"]) for claim in best[:2]]


def _about(subject: str, claims: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The claims that hold most of the subject's terms; none where no claim holds any."""
    wanted = set(terms(subject))
    shared = [len(wanted & set(terms(claim["text"]))) for claim in claims]
    most = max(shared, default=0)
    return [claim for claim, count in zip(claims, shared, strict=True) if most and count == most]
