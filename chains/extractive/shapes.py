"""How a sentence is built that answers a question of a certain form: it defines a thing (`What is a tablespace?`), says
how something is done (`How do I …?`), lists the things that are asked for (`Which … can …?`). By the look of the words,
in English.
"""

import re

from chains.extractive.asked import named
from chains.extractive.relations import says, stems
from chains.extractive.terms import terms

DEFINITION, INSTRUCTION, LISTING, CHOICE = 0.8, 0.5, 0.3, 0.8
"""What such a sentence has before others."""
_OTHER = 0.7
"""Share of it that a sentence has which is built so in part."""
_ASKS_WHAT = re.compile(
    r"what\s+(?:is|are|does)\s+(?:an?\s+|the\s+)?(?P<thing>[\w’'.-]+(?:\s+[\w’'.-]+){0,3}?)(?:\s+(?:mean|do))?",
    re.IGNORECASE,
)
_ASKS_HOW = re.compile(
    r"how\s+(?:(?:do|does|can|could|should|would|must)\s+(?:i|you|we|one|users?|people)|to)\s+(?P<deed>\w+)",
    re.IGNORECASE,
)
_ASKS_WHICH = re.compile(
    r"(?:what|which)\s+(?:[\w-]+\s+){0,2}[\w-]+s\s+(?:are|can|may|could|do|does|exist)\b", re.IGNORECASE
)
_OFFERS = (
    r"(?:offer|provid|support|defin|implement|allow|accept|includ|distinguish|recogni[sz]|request|select|choos|chosen"
    r"|specif|ha(?:s|ve)\b|there (?:is|are)\b|exist|available|comes? (?:in|with)\b)\w*"
)
"""What is said of a thing that there is to be had or chosen."""
_ASKS_CHOICE = re.compile(
    rf"(?:what|which)\s+(?P<kind>(?:[\w-]+\s+){{0,3}}[\w-]+s)\s+(?:(?:do|does|can|may)\s+.{{0,80}}?\b{_OFFERS}"
    rf"|(?:are\s+)?(?:there\b|{_OFFERS}))",
    re.IGNORECASE,
)
_HAS = re.compile(rf"\b{_OFFERS}", re.IGNORECASE)
_SEVERAL = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|several|various|many|different|any of the"
    r"|(?:a|the) (?:\w+ )?(?:number|choice|range|variety|set) of|the following)\s+"
    r"(?P<things>(?:[\w-]+\s+){0,5}?[\w-]+s)\b",
    re.IGNORECASE,
)
"""Several of a kind: `four standard isolation levels`."""
_ENTRY = re.compile(r"(?P<name>[^\s:;.!?(][^:;!?(\n]{0,60})(?:\([^()\n]{1,30}\))?: ")
"""What is told of a thing in a list of such: `work_mem (integer): Sets …`."""
_ARTICLE = re.compile(r"(?:an?|the)\s+", re.IGNORECASE)
_WORD = re.compile(r"[^\s,;:()]+")
_IS = re.compile(
    r"(?:\([^()]{1,30}\))?:\s|(?:(?:in|of|for)\s+\w+\s+)?(?:is|are)\s+(?:an?|the|one|any|used|called|some|simply|basically)\b|—\s"
)
_DOES = re.compile(
    r"(?:in\s+\w+\s+)?(?:means?|refers?|allows?|lets?|enables?|provides?|consists?|represents?|defines?|describes?|can)\b"
    r"|(?!(?:and|or|of|for|with|to|in|on|from|by)\b)[a-z]+s?\s+(?:an?|the)\s"
)
"""What follows the thing in a sentence that says what it is, and in one that says what it does."""
_TELLS_HOW = re.compile(
    r"\b(?:can|may|must|should)\s+be\s+\w+(?:ed|en|wn|lt|nt|un|et)\b|\byou\s+(?:can|may|must|should|need)\b|\bby\s+(?:\w+ly\s+)?\w+ing\b|\busing\s"
    r"|\b(?:use|run|call|set|issue|execute)\s+(?:an?|the|this|[A-Z])",
    re.IGNORECASE,
)
_TO = re.compile(r"(?:if you (?:want|wish|need) )?to\s+(?P<deed>\w+)\b", re.IGNORECASE)
_LISTS = re.compile(r"[\w’'\]]+, (?:[^,;.]{1,40}, )+(?:and|or) \w+|: [^,;.]{1,40}(?:, [^,;.]{1,40}){2,}")
_APPARATUS = frozenset(
    ("index", "contents", "references", "bibliography", "synopsis", "see also", "table of contents", "further reading")
)
"""Parts of a document that lead to others and say nothing themselves."""


def fit(question: str, sentence: str) -> float:
    """What a sentence is worth for being built as an answer to the question; 0 where it is not."""
    asked = question.strip(" ?")
    entry = _ENTRY.match(sentence)
    if entry and named(question) == set(terms(entry["name"])):
        return DEFINITION
    what = _ASKS_WHAT.fullmatch(asked)
    if what:
        return DEFINITION * _defines(sentence, terms(what["thing"]))
    how = _ASKS_HOW.match(asked)
    if how:
        return INSTRUCTION * _instructs(sentence, terms(how["deed"]), terms(asked))
    if is_choice(question, sentence):
        return CHOICE
    return LISTING * (_ASKS_WHICH.match(asked) is not None and _LISTS.search(sentence) is not None)


def is_choice(question: str, sentence: str) -> bool:
    """Whether the question asks which things of a kind there are to be had, and the sentence says it of several of
    them, not of one: `You can request any of the four isolation levels.`
    """
    asked = _ASKS_CHOICE.match(question.strip(" ?"))
    kind = terms(asked["kind"]) if asked else []
    if not kind or not set(kind) <= set(terms(sentence)) or not _HAS.search(sentence):
        return False
    return any(kind[-1] in terms(found["things"]) for found in _SEVERAL.finditer(sentence))


def is_apparatus(where: str) -> bool:
    """Whether a passage stands in an index, a table of contents, or a list of references, by its headings."""
    parts = [part.strip().lower() for part in where.split("›")]
    return bool(_APPARATUS.intersection(parts[:1] + parts[-1:]))


def _defines(sentence: str, thing: list[str]) -> float:
    """1 where the sentence begins with the thing and says what it is, 0.7 where it says what it does or begins with the
    first of its words only.
    """
    if not thing:
        return 0.0
    opening = _ARTICLE.match(sentence)
    place, taken = opening.end() if opening else 0, 0
    for word in _WORD.finditer(sentence, place):
        if taken == len(thing) or "_" in word.group() or terms(word.group()) != [thing[taken]]:
            break
        taken, place = taken + 1, word.end()
    rest = sentence[place:].lstrip()
    told = 1.0 if _IS.match(rest) else _OTHER if _DOES.match(rest) else 0.0
    return told * (taken > 0) * (1.0 if taken == len(thing) else _OTHER)


def _instructs(sentence: str, deed: list[str], question: list[str]) -> float:
    """1 where the sentence begins with the deed that is asked for as its aim, half of it where it tells of a way to do
    it; the more of the rest of the question it has, the more.
    """
    held, rest = stems(sentence), set(question) - set(deed)
    if not deed or not says(deed[0], held):
        return 0.0
    aim = _TO.match(sentence)
    aims = aim is not None and says(deed[0], stems(aim["deed"]))
    share = len(rest & held) / len(rest) if rest else 1.0
    return (1.0 if aims else 0.5 if _TELLS_HOW.search(sentence) else 0.0) * share
