"""Types of answers, by the words that ask for them, and whether a sentence offers one: a person, an amount of money, a
date, a measure, a number, a place, a reason. By the look of the words."""

import re
from collections.abc import Collection
from enum import Enum, auto

from chains.extractive.relations import says, stems
from chains.extractive.terms import terms
from tools.quantities import find_quantities
from tools.wording import names


class Kind(Enum):
    """What a question expects for an answer."""

    ANY = auto()
    PERSON = auto()
    MONEY = auto()
    DATE = auto()
    OCCASION = auto()
    MEASURE = auto()
    NUMBER = auto()
    PLACE = auto()
    REASON = auto()


_ASKED = {
    Kind.PERSON: r"\b(?:who|whom|whose)\b|\b(?:what|which) (?:person|people|man|woman|author|architect)\b",
    Kind.MONEY: r"\bhow (?:much|expensive)\b.*\b(?:cost|pa(?:y|id)|spen[dt]|worth|price|charge|earn|money|raise)\w*"
    r"|\bwhat\b.*\b(?:costs?|prices?|budget|fees?|salary)\b",
    Kind.NUMBER: r"\bhow many\b|\bwhat (?:is |was |are |were )?(?:the )?(?:(?:total )?number|\w+ number of)\b",
    Kind.MEASURE: r"\bhow (?:high|tall|long|wide|broad|deep|far|heavy|old|fast|large|big|hot|cold|thick|steep)\b"
    r"|\bwhat (?:is|was|are|were) (?:the|its|their) (?:\w+ )?"
    r"(?:height|length|width|depth|distance|weight|age|speed|size|area|span)\b",
    Kind.OCCASION: r"\bwhen (?:is|are|do|does|can|could|should|must|may|will|would|has|have)\b",
    Kind.DATE: r"\b(?:when|(?:what|which) (?:year|date|day|month|century|decade))\b",
    Kind.PLACE: r"\bwhere\b",
    Kind.REASON: r"\bwhy\b",
}
_PATTERNS = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _ASKED.items()}
_DIMENSIONS = {
    "high height tall wide width broad breadth deep depth thick": "km cm m mm mi ft",
    "far distance long length span last": "km cm m mm mi ft ms s min h days weeks months years",
    "heavy weight": "kg g mg t Mt Gt lb",
    "old age": "days weeks months years",
    "fast speed": "km/h mph m/s",
    "large big size area": "km² m² ha acres km m ft",
    "hot cold": "°C °F K",
}
_UNITS = {stem: frozenset(units.split()) for words, units in _DIMENSIONS.items() for stem in terms(words)}
"""For the stem of a word that asks for a measure, the units of its answers."""
_CURRENCIES = frozenset("$ € £ ¥".split())
_NUMBER = re.compile(
    r"\d|\b(?:no|none|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million)s?\b",
    re.IGNORECASE,
)
_NO_NUMBER = re.compile(
    r"\b(?:(?:one|two|three) of (?:the|its|their|these)|no longer|no one|one another|one or more)\b", re.I
)
_BESIDE = 8
"""Words that may stand between a number and what it counts."""
_DATE = re.compile(
    r"\b[12]\d{3}s?\b|\b\d{1,3} ?(?:BC|AD|BCE|CE)\b|\bcentur|\b(?:January|February|March|April|May|June|July|August"
    r"|September|October|November|December|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)\b"
    r"|\b(?:yesterday|today|tomorrow|ago)\b|\b(?:after|before|until|during|since) (?:the|his|her|its|their|[A-Z])",
)
_OCCASION = re.compile(r"\b(?:whenever|when|after|before|once|until|during|every|daily|weekly|if|as soon as)\b")
"""How a condition or a repetition is told, which is no date of what happened."""
_PLACE = re.compile(
    r"\b(?:in|at|on|near|from|to|between|along|over|beside|under|outside|inside|north|south|east|west)\s+"
    r"(?!(?:January|February|March|April|May|June|July|August|September|October|November|December)\b)[^\W\d]",
)
_REASON = re.compile(
    r"\b(?:because|since|due|owing|thanks|reasons?|caus\w+|so|therefore|thus|hence|as (?:it|they|the|a)|after|in order"
    r"|led|result\w*|avoid\w*|prevent\w*|otherwise|means?|follow\w*|to (?!the\b|an?\b|traffic\b)[a-z]+)\b",
    re.IGNORECASE,
)
_AGENT = re.compile(r"\bby (?:the |an? |its |their |local )?\w{3,}", re.IGNORECASE)


def kind_of(question: str) -> Kind:
    """The type of answer that the question expects."""
    return next((kind for kind, pattern in _PATTERNS.items() if pattern.search(question)), Kind.ANY)


def answers(kind: Kind, sentence: str, relation: str, subject: Collection[str], *, headed: bool = False) -> bool:
    """Whether the sentence has an answer of that type to the relation, a stem that is asked of the subject, given as
    terms; none where it is empty. Under a heading that says it (`headed`) a sentence need not.
    """
    held = stems(sentence)
    said = not relation or headed or says(relation, held)
    if kind is Kind.MEASURE:
        return _measures(sentence, relation, held, said=said)
    if kind is Kind.MONEY:
        amount = any(found.unit in _CURRENCIES for found in find_quantities(sentence))
        told = said and _NUMBER.search(sentence) is not None
        return told or (amount and bool(held & set(subject)))
    return said and _offers(kind, sentence, relation, subject)


def _offers(kind: Kind, sentence: str, relation: str, subject: Collection[str]) -> bool:
    if kind is Kind.PERSON:
        return _names_somebody(sentence, relation, subject)
    if kind is Kind.NUMBER:
        return _counts(sentence, relation)
    if kind is Kind.OCCASION:
        return _DATE.search(sentence) is not None or _OCCASION.search(sentence) is not None
    pattern = {Kind.DATE: _DATE, Kind.PLACE: _PLACE, Kind.REASON: _REASON}.get(kind)
    return pattern is None or pattern.search(sentence) is not None


def _counts(sentence: str, counted: str) -> bool:
    """Whether it has a number, beside what is counted where it says that."""
    words = _NO_NUMBER.sub(" ", sentence).split()
    numbers = [place for place, word in enumerate(words) if _NUMBER.search(word)]
    said = [place for place, word in enumerate(words) if counted and says(counted, stems(word))]
    return any(abs(number - place) <= _BESIDE for number in numbers for place in said or [number])


def _names_somebody(sentence: str, relation: str, subject: Collection[str]) -> bool:
    """Whether it has a name that is not the subject's, or says by whom."""
    named = [name for name in names(sentence) if not set(terms(name)) <= set(subject)]
    others = [name for name in named if not name.isupper() or _does(name, sentence, relation)]
    begins = [terms(word) for word in sentence.split()[:2]]
    acts = len(begins) == 2 and bool(begins[0] and begins[1]) and says(relation, stems(sentence.split()[1]))
    return bool(others) or _AGENT.search(sentence) is not None or acts


def _does(initials: str, sentence: str, relation: str) -> bool:
    """Whether an abbreviation stands where somebody does something (`NASA built`): most are no persons."""
    following = re.search(rf"\b{re.escape(initials)}\s+(\w+)", sentence)
    return following is not None and says(relation, stems(following[1]))


def _measures(sentence: str, relation: str, held: frozenset[str], *, said: bool) -> bool:
    """Whether it has a figure of the dimension: one beside the word for it, or a unit of it and no word for another."""
    if said and _NUMBER.search(sentence):
        return True
    units = _UNITS.get(relation, frozenset())
    other = any(says(dimension, held) for dimension in _UNITS if not says(dimension, frozenset({relation})))
    return not other and any(found.unit in units for found in find_quantities(sentence))
