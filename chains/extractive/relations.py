"""Words that ask for the same thing: derivations of one stem, and a table of the relations that people ask for most."""

import re
from functools import cache

from chains.extractive.terms import terms, words

_GROUPS = (
    "design designer architect architecture engineer plan draw devise conceive",
    "cost price expense spend spent budget pay paid fee charge fund worth",
    "build built builder construct construction contractor erect",
    "make made manufacture manufacturer produce producer maker",
    "found founder founded establish create creator start launch set",
    "write wrote written writer author novelist pen poet screenplay story",
    "direct director",
    "compose composer music songwriter",
    "invent inventor devise develop developer",
    "discover discoverer discovery find found",
    "open opening inaugurate unveil",
    "close closure shut",
    "born birth birthplace native",
    "die died death dead kill perish",
    "bury burial grave tomb inter cemetery",
    "marry married marriage wed wife husband spouse widow",
    "father mother parent son daughter child born",
    "own owner ownership belong acquire buy bought",
    "win won winner victory champion",
    "lead led leader head chief president chairman chair run",
    "high height tall rise rose elevation altitude above",
    "long length span run last duration",
    "wide width breadth broad",
    "deep depth",
    "far distance away",
    "heavy weight weigh mass",
    "old age aged",
    "fast speed rate quick",
    "large size area cover big",
    "hot temperature warm",
    "people population inhabitant resident live person",
    "locate location situate lie lies lay stand site found find native",
    "end finish complete completion",
    "begin began begun start commence launch",
    "leave left quit resign depart",
    "earn salary pay paid wage income",
    "study educate education attend graduate degree university",
    "employ work job occupation profession",
    "cause reason because due lead led result",
    "prevent avoid protect forbid disallow possible allow",
    "offer provide support",
    "tune adjust configure configuration set setting control parameter optimize",
    "install installation setup deploy",
    "remove delete drop uninstall discard",
    "cancel abort terminate stop kill interrupt",
    "change alter modify update edit",
    "add insert append",
    "show list display view",
    "check verify test validate inspect",
    "fix repair solve resolve correct",
    "enable activate allow",
    "disable deactivate",
    "restore recover recovery",
    "back backup dump",
    "limit restrict maximum max",
    "minimum min least",
    "average mean",
    "grant permission privilege right",
    "colour color paint red green blue white black yellow grey brown",
    "material steel stone iron brick concrete wood timber make made",
    "cross span across over carry",
    "choose chosen select elect appoint",
)
_SUFFIX = re.compile(r"(?:er|or|ist|ion|ation|ment|al|ur|anc|enc|ant|ent|iti|th|ee|ship|abl|ibl|n)$")
_SHORTEST = 4


@cache
def _groups() -> dict[str, frozenset[str]]:
    """For each stem of the table all stems of its groups."""
    found: dict[str, frozenset[str]] = {}
    for line in _GROUPS:
        stems = frozenset(stem for word in line.split() for stem in terms(word) or [word])
        for stem in stems:
            found[stem] = found.get(stem, frozenset()) | stems
    return found


def stems(text: str) -> frozenset[str]:
    """The stems of a text, also of words that are too common to search for where they state a relation: `won`."""
    return frozenset(terms(text)) | (_groups().keys() & set(words(text)))


def is_known(stem: str) -> bool:
    """Whether the table knows what else may stand for it."""
    return stem in _groups()


def says(stem: str, held: frozenset[str]) -> bool:
    """Whether a text, given as its stems, has the stem, a derivation of it, or a word that stands for it."""
    wanted = _groups().get(stem, frozenset()) | {stem}
    return bool(wanted & held) or any(_derived(stem, each) for each in held)


def _derived(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if len(short) < _SHORTEST or not long.startswith(short):
        return False
    return len(short) == len(long) or _SUFFIX.fullmatch(long[len(short) :]) is not None
