"""What a person asks of the writer, as far as extraction can act on it: `shorter`, `only X`, `without X`, `X first`,
`say X`, and of a sentence by its place `shorten the first sentence`, `drop the last one`.

To quote less, only what speaks of something, or that before the rest takes no model. To rephrase, or to add what no
branch has found, does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chains.extractive.relations import says, stems
from chains.extractive.terms import terms
from state.research import ACTIONS, ANALYSIS, FINDINGS, RECOMMENDATIONS
from tools.sentences import split_sentences

_SHORTER = re.compile(
    r"\b(?:shorter|shorten|brief(?:er|ly)?|concise|less text|fewer words|too long|trim|summary only)\b", re.IGNORECASE
)
_ONLY = re.compile(
    r"\b(?:only|just|focus on|restrict(?: it)? to|concentrate on)\s+(?:about\s+|on\s+)?(?P<what>[^.;!?\n]+)",
    re.IGNORECASE,
)
_LEAVE_OUT = (
    r"(?:without|leave (?:out|away)|take out|cut(?: out)?|drop|remove|omit|skip|exclude|delete|get rid of"
    r"|(?<!is )(?<!was )(?<!says )(?<!said )nothing (?:on|about)"
    r"|(?:do not|don[’']?t|never) (?:mention|include|speak of|talk about|say))"
)
_WITHOUT = re.compile(rf"\b{_LEAVE_OUT}\s+(?P<what>[^.;!?\n]+)", re.IGNORECASE)
_FIRST = re.compile(
    r"\b(?:begin|start|open|lead)(?:\s+(?:it|the report|the summary))?\s+with\s+(?P<what>[^.;!?\n]+)"
    r"|\b(?:say|state|tell|mention|put|name|give|move|show|bring|include|add|write|cover|talk)\s+(?P<that>[^.;!?\n]+)"
    r"|\b(?:more (?:on|about|of)|too little (?:on|about))\s+(?P<more>[^.;!?\n]+)"
    r"|^(?P<this>[^.;!?\n]+?)\s+(?:(?:should|must|has to|ought to)\s+)?(?:(?:come|be|stand|go)e?s?\s+)?first\W*$",
    re.IGNORECASE,
)
"""What the report is to say before the rest: only what was found can be."""
_PLACE = re.compile(
    r"\b(?:in|as|at|to)\s+(?:the\s+)?(?:very\s+)?(?:first sentence|first place|first|beginning|start|top|summary)\b"
    r"|\b(?:first|up front|at once|right away|clearly|please|also)\b",
    re.IGNORECASE,
)
_ORDINALS = {"first": 0, "opening": 0, "leading": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "last": -1}
_SENTENCE = re.compile(
    rf"\b(?P<place>{'|'.join(_ORDINALS)}|1st|2nd|3rd)\s+(?:sentence|statement|point|one)\b", re.IGNORECASE
)
"""A sentence of the summary by its place."""
_IN_SENTENCE = re.compile(r"\b(?:in|as|at|to|into)\s+(?:the\s+)?(?:very\s+)?$", re.IGNORECASE)
_SECTIONS = {FINDINGS: "findings", ANALYSIS: "analysis", RECOMMENDATIONS: "recommendations", ACTIONS: "actions"}
"""The sections that can be left out, and a word for each; the summary is the report, and the limits are always told."""
_OF_THE_FORM = frozenset(
    terms(
        "report summary text whole answer version sentence sentences section part parts bit little lot please keep "
        "make everything write quote thing it result much rather could would like want half short shorter"
    )
)
"""Words of a request that names nothing of what the report says."""
_NEXT = re.compile(
    r"(?:[;,]?\s+(?:and|but)|,)\s+(?=(?:also\s+|please\s+|then\s+)?(?:say|state|tell|mention|put|name|give|move|show|begin"
    r"|start|open|lead|only|just|focus|restrict|concentrate|drop|remove|omit|skip|exclude|delete|leave out|take out|cut"
    r"|shorten|make|keep|include|add|write|use|translate|rewrite|rephrase|do not|don't|don’t|without)\s)|;\s+",
    re.IGNORECASE,
)
"""Where one request ends and another begins."""
_OF_THE_WRITING = re.compile(
    r"(?:please\s+|also\s+|and\s+|but\s+)*"
    rf"(?:only|just|{_LEAVE_OUT}|(?:begin|start|open|lead)(?:\s+(?:it|the report|the summary))?\s+with)\b"
    r"|.*\b(?:in|as|at|to)\s+(?:the\s+)?(?:very\s+)?"
    r"(?:first (?:sentence|paragraph|place)|beginning|start|top|(?:executive )?summary|title|headings?)\W*$"
    r"|.*\b(?:should|must|has to|ought to)\s+(?:come|be|stand|go)\s+first\W*$"
    r"|.*\b(?:as|in|with|use|make (?:it|them))\s+(?:an?\s+|the\s+)?(?:tables?|lists?|bullets?|bullet points?"
    r"|(?:plain|simple|simpler) (?:english|language|words))\W*$",
    re.IGNORECASE,
)
"""A request about the form of the report, which is nothing to look for."""
_ABOUT_ALL = 0.6
"""Share of the terms of what is to be said first that a claim must hold."""


@dataclass
class Heard:
    """The claims that are left after all requests, and what became of the requests."""

    claims: list[dict[str, Any]]
    shorter: bool = False
    first: tuple[str, ...] = ()
    """Ids of the claims that are to stand before the others."""
    shorter_lead: bool = False
    """Whether the summary is to begin with a shorter sentence."""
    dropped: tuple[int, ...] = ()
    """Sentences of the summary to leave out, by their places; -1 is the last."""
    without: tuple[str, ...] = ()
    """Headings of sections to leave out."""
    unheard: tuple[str, ...] = ()
    """The requests that nothing could be done about."""


def heard(requests: Sequence[str], claims: Sequence[dict[str, Any]]) -> Heard:
    """Acts on the requests, oldest first, each part for itself. One that would leave no claim is not acted on."""
    found = Heard(list(claims))
    for request in (part for whole in requests for part in parts_of(whole)):
        named = _SENTENCE.search(request)
        if named and not _IN_SENTENCE.search(request[: named.start()]):
            is_done = _of_a_sentence(request, named, found)
        else:
            is_done = _of_a_section(request, found) or _of_the_claims(request, found)
        if not is_done:
            found.unheard += (request,)
    return found


def _of_a_sentence(request: str, named: re.Match[str], found: Heard) -> bool:
    """What is asked of one sentence: it can be left out, and in the place of the first a shorter one can be quoted."""
    word = named["place"].lower()
    place = _ORDINALS.get(word, int(word[0]) - 1 if word[0].isdigit() else 0)
    without = _WITHOUT.search(request)
    if _SHORTER.search(request):
        found.shorter_lead = found.shorter_lead or place == 0
        return place == 0
    if without and without.start() < named.start() < without.end():
        found.dropped += (place,)
        return True
    return False


def _of_a_section(request: str, found: Heard) -> bool:
    """Whether a section is to be left out that can be."""
    without = _WITHOUT.search(request)
    wanted = set(terms(without["what"])) - set(terms("section sections part")) if without else set()
    named = [heading for heading, word in _SECTIONS.items() if wanted and wanted <= set(terms(f"{heading} {word}"))]
    found.without += tuple(named)
    return bool(named)


def _of_the_claims(request: str, found: Heard) -> bool:
    """What is asked of the whole, or of what it says of something."""
    left = _chosen(request, found.claims)
    leading = [] if _ONLY.search(request) or _WITHOUT.search(request) else _leading(request, found.claims)
    is_narrower = bool(left) and len(left) < len(found.claims)
    is_shorter = bool(_SHORTER.search(request)) and (is_narrower or not _names_something(request))
    found.shorter = found.shorter or is_shorter
    if is_narrower:
        found.claims = left
    elif leading and not is_shorter:
        found.first = (*leading, *(key for key in found.first if key not in leading))
    return is_narrower or is_shorter or bool(leading)


def _names_something(request: str) -> bool:
    """Whether a request to be shorter is about a part only, which extraction cannot shorten."""
    return bool(set(terms(_SHORTER.sub(" ", request))) - _OF_THE_FORM)


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
    said = next(filter(None, found.groups()), "") if found else ""
    subject = _PLACE.sub(" ", said)
    wanted = set(terms(subject))
    if not wanted:
        return []
    counts = [_said_of(wanted, claim["text"]) for claim in claims]
    most = max(counts, default=0)
    about = [claim for claim, count in zip(claims, counts, strict=True) if count == most >= _ABOUT_ALL * len(wanted)]
    best = sorted(about, key=lambda claim: -float(claim.get("relevance", 0)))
    return [str(claim["id"]) for claim in best[:2]]


def _about(subject: str, claims: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The claims that hold most of the subject's terms, or else of what says the same; none where no claim has any."""
    wanted = set(terms(subject))
    shared = [len(wanted & set(terms(claim["text"]))) for claim in claims]
    if not any(shared):
        shared = [_said_of(wanted, claim["text"]) for claim in claims]
    most = max(shared, default=0)
    return [claim for claim, count in zip(claims, shared, strict=True) if most and count == most]


def _said_of(wanted: set[str], text: str) -> int:
    """How many of the terms a text has, or words that stand for them: `long` for `length`."""
    held = stems(text)
    return sum(says(stem, held) for stem in wanted)
