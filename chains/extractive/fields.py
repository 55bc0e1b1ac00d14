"""Reads named values out of a text by rule: from lines `name: value`, and by the type that a value must have."""

import re
from typing import Any

from chains.extractive.terms import terms
from chains.extractive.texts import text_in
from state.runs import Json
from tools.schemas import faults
from tools.sentences import split_sentences

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_WORD = re.compile(r"[^\W\d_]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2})?)?")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_ADDRESS = re.compile(r"https?://[^\s<>\"')]+")
_BY_FORMAT = {"date": _DATE, "date-time": _DATE, "email": _EMAIL, "uri": _ADDRESS}
_TRUE = frozenset({"yes", "true", "y", "on"})
_FALSE = frozenset({"no", "false", "n", "off"})


def read(text: Any, fields: Json) -> Json:
    """By name of the field its value, or None where no rule finds one that fits its schema."""
    return {name: value_of(name, schema, text) for name, schema in fields.items()}


def value_of(name: str, schema: Json, text: Any) -> Any:
    """The value of one field; None where there is none."""
    for candidate in _candidates(name, schema, text):
        value = _as_type(candidate, schema)
        if value is not None and not faults(schema, value):
            return value
    return None


def _candidates(name: str, schema: Json, source: Any) -> list[Any]:
    """What may be the value, the surest first: what is called so, what stands in a sentence that speaks of it."""
    found = [each for key, each in _entries(source) if _same(key, name)]
    text = text_in(source)
    label = re.escape(name.replace("_", " ")).replace(r"\ ", r"[\s_-]+")
    found += re.findall(rf"(?im)^\W*{label}\s*[:=]\s*(.+?)\s*$", text)
    about = set(terms(f"{name.replace('_', ' ')} {schema.get('description', '')}"))
    pattern = _NUMBER if _types(schema) & {"number", "integer"} else _BY_FORMAT.get(str(schema.get("format")))
    sentences = sorted(split_sentences(text), key=lambda sentence: -len(about & set(terms(sentence))))
    for sentence in sentences:
        if pattern is not None and (about & set(terms(sentence)) or pattern is not _NUMBER):
            found += _nearest(pattern, sentence, about)
        found += [each for each in schema.get("enum", ()) if _says(sentence, str(each))]
    return found


def _nearest(pattern: re.Pattern[str], sentence: str, about: set[str]) -> list[str]:
    """What a pattern finds in a sentence, first what stands nearest to a word that it speaks of."""
    words = [found.span() for found in _WORD.finditer(sentence) if about & set(terms(found[0]))]
    places = [(found.start(), found.end(), found[0]) for found in pattern.finditer(sentence)]

    def distance(place: tuple[int, int, str]) -> int:
        start, end, _ = place
        return min((start - last if last <= start else first - end for first, last in words), default=start)

    return [text for *_, text in sorted(places, key=distance)]


def _entries(source: Any) -> list[tuple[str, Any]]:
    """The names and values of an object, at any depth."""
    if isinstance(source, dict):
        return [pair for key, each in source.items() for pair in [(str(key), each), *_entries(each)]]
    if isinstance(source, list | tuple):
        return [pair for each in source for pair in _entries(each)]
    return []


def _same(key: str, name: str) -> bool:
    return re.sub(r"[\W_]+", "", key).lower() == re.sub(r"[\W_]+", "", name).lower()


def _says(sentence: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word.replace('_', ' '))}(?!\w)", sentence, re.IGNORECASE) is not None


def _types(schema: Json) -> set[str]:
    given = schema.get("type", ())
    return {given} if isinstance(given, str) else set(given)


def _as_type(value: Any, schema: Json) -> Any:
    """A text as the type that is wanted; None where it is none."""
    types = _types(schema)
    if not isinstance(value, str) or not types or "string" in types:
        return value
    word = value.strip().rstrip(".").lower()
    if "boolean" in types and word in _TRUE | _FALSE:
        return word in _TRUE
    number = _NUMBER.search(value) if types & {"number", "integer"} else None
    if number is None:
        return [part.strip() for part in value.split(",")] if "array" in types else None
    plain = number[0].replace(",", "")
    return int(plain) if "." not in plain else float(plain)
