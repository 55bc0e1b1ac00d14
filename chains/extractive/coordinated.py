"""Questions that ask for several things of one subject in one breath, as a question each: `the length and cost of X`,
`Who designed and built X`, `When and where was X built`. And what `it` stands for in a later part. By rule, in English.

Each part is then searched for and judged for itself, so that half an answer is not taken for a whole one.
"""

import re
from collections.abc import Callable, Sequence

from chains.extractive.relations import is_known
from chains.extractive.terms import STOP, terms

_AND = r"(?:\s*,\s*(?:and\s+)?(?:also\s+)?|\s+and\s+(?:also\s+)?|\s+as\s+well\s+as\s+)"
_BE = r"(?:is|are|was|were)"
_WORD = r"(?:[a-z]+(?:-[a-z]+)?|[A-Z]{2,})"
_THING = rf"(?-i:(?:{_WORD}\s+)?{_WORD})"
"""A noun with at most one word before it: `total length`. Capitalised, it would be part of a name."""
_MANNER = r"(?:when|where|why|how|by whom)"
_OF = re.compile(
    rf"(?:(?:what|which)\s+(?P<be>{_BE})|(?:please\s+)?(?:tell\s+me|give(?:\s+me)?|state|name|report|find))\s+(?:both\s+)?"
    rf"the\s+(?P<list>{_THING}(?:{_AND}(?:the\s+)?{_THING})+)\s+(?P<rest>of\s+.+)",
    re.IGNORECASE,
)
_OF_THEN = re.compile(
    rf"what\s+(?P<be>{_BE})\s+the\s+(?P<one>{_THING})\s+(?P<rest>of\s+.+?){_AND}(?:its|the)\s+(?P<other>{_THING})",
    re.IGNORECASE,
)
_OWNED = re.compile(
    rf"what\s+(?P<be>{_BE})\s+(?P<whose>(?:the\s+)?[A-Z][^,]*?['’]s?|its)\s+"
    rf"(?P<list>{_THING}(?:{_AND}(?:its\s+)?{_THING})+)",
    re.IGNORECASE,
)
_HOW = re.compile(rf"how\s+(?P<list>[a-z]+(?:{_AND}(?:how\s+)?[a-z]+)+)\s+(?P<rest>{_BE}\s+.+)", re.IGNORECASE)
_WHO = re.compile(rf"who\s+(?P<list>[a-z]+(?:{_AND}[a-z]+)+)\s+(?P<rest>(?:the\s|an?\s|it\b|[A-Z]).*)")
_DONE = re.compile(
    rf"(?P<start>(?:{_MANNER}|who)\s+{_BE}\s+.*?)\s+(?P<list>(?-i:[a-z]+(?:{_AND}[a-z]+)+))(?P<rest>(?:\s+by)?)",
    re.IGNORECASE,
)
_FIRST = re.compile(rf"(?P<list>{_MANNER}(?:{_AND}{_MANNER})+)\s+(?P<rest>(?:{_BE}|do|does|did|has|have)\s+.+)", re.I)
_LAST = re.compile(rf"(?P<start>.+?){_AND}(?P<more>{_MANNER}(?:{_AND}{_MANNER})*)", re.IGNORECASE)
_ASKED_OF = re.compile(rf"{_MANNER}\s+(?P<rest>{_BE}\s+.+)", re.IGNORECASE)
_DID = re.compile(r"who\s+(?P<verb>[a-z]+)\s+(?P<rest>(?:the\s|an?\s|[A-Z]).+)", re.IGNORECASE)
_PARTICIPLES = {"wrote": "written", "drew": "drawn", "began": "begun", "gave": "given", "took": "taken"} | {
    "chose": "chosen",
    "sang": "sung",
    "stole": "stolen",
    "broke": "broken",
}
_DIFFER = (
    re.compile(
        r"what\s+(?:is|are)\s+the\s+differences?\s+between\s+(?P<one>[^,]+?)\s+and\s+(?P<other>[^,]+)", re.IGNORECASE
    ),
    re.compile(r"how\s+(?:do|does)\s+(?P<one>[^,]+?)\s+differ\s+from\s+(?P<other>[^,]+)", re.IGNORECASE),
)
_COUNTED = frozenset({"many", "much", "come", "about"})
_JOIN = re.compile(_AND)
_BOTH = re.compile(r"\b(?:and|or|both|between)\b", re.IGNORECASE)
_NAME = re.compile(
    r"(?:\b[Tt]he\s+)?(?<![\w’'-])(?!I\b)[A-Z0-9][\w’'-]*(?:\s+(?:(?:of|de|del|von|van|and|the|&|on|in)\s+){0,2}[A-Z0-9][\w’'-]*)*"
)
_PLAIN = (
    re.compile(r"what\s+(?:is|are)\s+(?P<noun>(?:the\s+|an?\s+)?[a-z][\w-]*(?:\s[\w-]+){0,2})", re.IGNORECASE),
    re.compile(r"who\s+[a-z]+\s+(?P<noun>(?:the|an?)\s+[a-z][\w-]*(?:\s[\w-]+){0,2})", re.IGNORECASE),
    re.compile(rf"(?:when|where|why|how)\s+{_BE}\s+(?P<noun>(?:the|an?)\s+[\w-]+)\s+[\w-]+", re.IGNORECASE),
)
"""Questions about a thing that has no name."""
_AUXILIARY = r"(?:is|are|was|were|do|does|did|can|has|have)\b"
_ASKS_WHICH = re.compile(rf"(?:which|what)\s+(?!{_AUXILIARY})\w+\s+(?!{_AUXILIARY})", re.IGNORECASE)
"""The thing that is asked for is the subject, and `it` may be that: `Which company built X and where is it?`"""
_AFTER_VERB = re.compile(rf"\b{_AUXILIARY}\s+$", re.IGNORECASE)
_BEFORE_NOUN = re.compile(rf"(?:what|how\s+(?:old|large|big|tall|high|wide|deep))\s+{_BE}\s+$", re.IGNORECASE)
"""What may stand before a name with its noun at the end: `What is the Finch bakery`, not `When did the Nile flood`."""
_NO_NOUN = frozenset("first again ever away worth like known held kept lost sunk seen".split())
"""Words after a name that say something of it."""
_WHO_IS = re.compile(r"(?:who\s+(?!is\b|was\b)|what\b|which\b)", re.IGNORECASE)
_IT = re.compile(r"\b(?:it|its)\b", re.IGNORECASE)
_PERSON = re.compile(r"\b(?:he|she|him|his|her)\b", re.IGNORECASE)
_POSSESSIVE = frozenset({"its", "his"})


def coordinated(question: str) -> list[str]:
    """The question, without its question mark, as one for each thing that it asks for; itself where that is one."""
    rules: tuple[Callable[[str], list[str]], ...] = (_differ, _of, _of_then, _owned, _how, _who, _done, _first, _last)
    return next((parts for rule in rules if (parts := rule(question))), [question])


def subject_of(question: str) -> str:
    """What `it` would stand for after this question, with its article; empty where that is not clear."""
    if _ASKS_WHICH.match(question):
        return ""
    names = _names(question)
    if names:
        return _with_noun(names[0], question) if len(names) == 1 else ""
    plain = next((found for pattern in _PLAIN if (found := pattern.fullmatch(question))), None)
    return plain["noun"] if plain else ""


def _names(question: str) -> list[str]:
    return [match.group() for match in _NAME.finditer(question) if match.start()]


def _with_noun(name: str, question: str) -> str:
    """The name with the noun that it stands before, as in `the Finch bakery`; alone where that may be another word."""
    before, after = question.split(name, 1)
    words = after.split()
    small = next((place for place, word in enumerate(words) if word in STOP and not _is_verb(word)), len(words))
    is_done = small > 1 and _is_verb(words[small - 1])
    is_end = small == len(words) and _BEFORE_NOUN.fullmatch(before)
    nouns = words[: small - 1] if is_done else words[:small]
    if not name.startswith("the ") or not (is_done or is_end or not _AFTER_VERB.search(before)):
        return name
    return " ".join([name, *nouns]) if 0 < len(nouns) <= 2 and all(map(_is_noun, nouns)) else name


def _is_noun(word: str) -> bool:
    """Whether a word after a name can be the noun that the name goes with."""
    is_plain = re.fullmatch(r"[a-z]+(?:-[a-z]+)?", word) is not None
    return is_plain and not word.endswith("ly") and word not in _NO_NOUN and not _is_verb(word)


def with_subjects(parts: Sequence[str]) -> list[str]:
    """The parts of one question, `it` in a later one replaced by the subject of the first, as long as no other thing
    was asked about in between.
    """
    before, told = parts[0], [parts[0]]
    for part in parts[1:]:
        told.append(resolved(part, before))
        other = subject_of(part) or _names(part)
        if told[-1] == part and other and other != subject_of(before):
            before = ""
    return told


def resolved(part: str, before: str) -> str:
    """The part with its pronoun replaced by the subject of the question before it, where that is clear."""
    subject = subject_of(before)
    pronoun = _IT if not (_PERSON.search(part) and not _WHO_IS.match(before)) else _PERSON
    found = list(pronoun.finditer(part))
    if not subject or len(found) != 1 or _names(part):
        return part
    subject = re.sub(r"^(?:The|An?)\b", lambda match: match.group().lower(), subject)
    word = found[0].group().lower()
    owns = word in _POSSESSIVE or (word == "her" and re.match(r"\s+[a-z]", part[found[0].end() :]) is not None)
    return f"{part[: found[0].start()]}{subject}{'’s' if owns else ''}{part[found[0].end() :]}"


def _listed(text: str) -> list[str]:
    """The members of a list, each without an article or the word before the list."""
    parts = [part.strip() for part in _JOIN.split(text) if part.strip()]
    return [re.sub(r"^(?:the|its|how)\s+", "", part, flags=re.IGNORECASE) for part in parts]


def _is_one(be: str | None, listed: str) -> bool:
    """Whether it is one thing with `and` in what qualifies it, as `research and development budget`: only the last
    member has two words and none of its own before them, and the verb does not say that there are several.
    """
    *others, last = [part.split() for part in _JOIN.split(listed) if part.strip()]
    several = (be or "").lower() in ("are", "were") and not _is_plural(last[-1])
    marked = last[0].lower() in ("the", "its")
    return len(last) == 2 and not marked and not several and all(len(each) == 1 for each in others)


def _be(be: str | None, thing: str) -> str:
    """The verb for one thing of several."""
    past = (be or "is").lower() in ("was", "were")
    many = _is_plural(thing)
    return ("were" if many else "was") if past else ("are" if many else "is")


def _is_plural(noun: str) -> bool:
    return noun.endswith("s") and not noun.endswith(("ss", "us", "is"))


def _differ(question: str) -> list[str]:
    """Two kinds of a thing are told apart by what each of them is."""
    found = next((match for pattern in _DIFFER if (match := pattern.fullmatch(question))), None)
    if not found or any(_BOTH.search(each) or re.search(r"\d|\bof\b", each) for each in found.groups()):
        return []
    return [f"What {_be('is', each)} {each}" for each in (found["one"], found["other"])]


def _of(question: str) -> list[str]:
    found = _OF.fullmatch(question)
    if not found or _BOTH.search(found["rest"]) or _is_one(found["be"], found["list"]):
        return []
    return [f"What {_be(found['be'], each)} the {each} {found['rest']}" for each in _listed(found["list"])]


def _of_then(question: str) -> list[str]:
    found = _OF_THEN.fullmatch(question)
    if not found or _BOTH.search(found["rest"]) or not terms(found["other"]):
        return []
    return [f"What {_be(found['be'], each)} the {each} {found['rest']}" for each in (found["one"], found["other"])]


def _owned(question: str) -> list[str]:
    found = _OWNED.fullmatch(question)
    if not found or _BOTH.search(found["whose"]) or _is_one(found["be"], found["list"]):
        return []
    return [f"What {_be(found['be'], each)} {found['whose']} {each}" for each in _listed(found["list"])]


def _how(question: str) -> list[str]:
    found = _HOW.fullmatch(question)
    listed = _listed(found["list"]) if found else []
    if not found or _COUNTED.intersection(listed) or _BOTH.search(found["rest"]):
        return []
    return [f"How {each} {found['rest']}" for each in listed]


def _who(question: str) -> list[str]:
    found = _WHO.fullmatch(question[:1].lower() + question[1:])
    listed = _listed(found["list"]) if found else []
    if not found or not all(map(_is_verb, listed)) or _BOTH.search(found["rest"]):
        return []
    return [f"Who {each} {found['rest']}" for each in listed]


def _done(question: str) -> list[str]:
    found = _DONE.fullmatch(question)
    listed = _listed(found["list"]) if found else []
    if not found or not all(map(_is_verb, listed)) or _BOTH.search(found["start"]):
        return []
    return [f"{found['start']} {each}{found['rest']}" for each in listed]


def _first(question: str) -> list[str]:
    found = _FIRST.fullmatch(question)
    if not found:
        return []
    return [f"{each[:1].upper()}{each[1:].lower()} {found['rest']}" for each in _JOIN.split(found["list"])]


def _last(question: str) -> list[str]:
    """`Who built X and when?`: the rest of the second question is that of the first."""
    found = _LAST.fullmatch(question)
    if not found:
        return []
    start, more = found["start"], [each.strip() for each in _JOIN.split(found["more"])]
    asked, did = _ASKED_OF.fullmatch(start), _DID.fullmatch(start)
    if asked:
        rest = asked["rest"]
    elif did and _is_verb(did["verb"].lower()):
        verb = did["verb"].lower()
        rest = f"was {did['rest']} {_PARTICIPLES.get(verb, verb)}"
    else:
        return []
    return [start, *(f"{each[:1].upper()}{each[1:].lower()} {rest}" for each in more)]


def _is_verb(word: str) -> bool:
    """Whether a word can be what somebody did: a regular past, or a word by which people ask for a relation."""
    return word.endswith("ed") or any(map(is_known, [word, *terms(word)]))
