"""What a person cannot see in what they are to decide on: named beside it, and made visible where it is shown."""

import re
from collections.abc import Iterator
from typing import Any

from tools.instructions import find_instructions
from tools.lookalikes import INVISIBLE, LETTERS, REORDERING, SMUGGLING

_UNSEEN = re.compile(f"[{INVISIBLE}{REORDERING}{SMUGGLING}\u2028\u2029\u00a0]")
_WORD = re.compile(r"[^\W\d_]+")
_LONG = 2_000
"""Characters of a text from which on a person is told how long it is, and is shown its beginning only."""
_MOST = 5
"""Cautions of one kind that are given."""
_TOLD = 120
"""Characters of somebody else's words that a caution repeats."""


def made_visible(text: str) -> str:
    r"""The text with each character that nobody sees, or that turns the direction of writing, as JSON and YAML escape
    it: `\u200b`."""
    return _UNSEEN.sub(lambda found: _escaped(found[0]), text)


def in_a_line(text: str, most: int = _TOLD) -> str:
    """Somebody else's words within a sentence: on one line, visible, and cut with a note of how long they are."""
    line = " ".join(made_visible(text).split())
    return line if len(line) <= most else f"{line[:most]}… (cut: {most} of {len(line):,} characters)"


def cut(value: Any) -> Any:
    """The value for a person to look at: of texts that are long the beginning, with a note that says so."""
    if isinstance(value, dict):
        return {_cut(key): cut(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [cut(each) for each in value]
    return _cut(value) if isinstance(value, str) else value


def cautions(args: Any) -> list[str]:
    """What a person would miss in the arguments of a call, a sentence for each: characters that nobody sees, words of
    letters that only look alike, texts too long to be shown whole."""
    texts = list(_texts(args, ""))
    unseen = [f"{place} ({_kinds(text)})" for place, text in texts if _kinds(text)]
    mixed = [f"{place} (“{in_a_line(word, 40)}”)" for place, text in texts if (word := _mixed(text))]
    long = [f"{place} ({len(text):,} characters)" for place, text in texts if len(text) > _LONG]
    return [
        *_caution("Characters that cannot be seen stand in", unseen),
        *_caution("Letters of several alphabets that look alike stand in one word of", mixed),
        *_caution("Too long to be shown whole:", long),
    ]


def orders_in(value: Any) -> list[str]:
    """The orders to a model that stand anywhere in a value, each once."""
    return list(dict.fromkeys(order for _, text in _texts(value, "") for order in find_instructions(text)))


def _caution(begins: str, places: list[str]) -> list[str]:
    more = f" and {len(places) - _MOST} more" if places[_MOST:] else ""
    return [f"{begins} {', '.join(places[:_MOST])}{more}."] if places else []


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every text of a value, keys too, each with the place where it stands."""
    if isinstance(value, dict):
        for key, each in value.items():
            inner = f"{place}.{in_a_line(str(key), 40)}" if place else in_a_line(str(key), 40)
            yield f"the name {inner}", str(key)
            yield from _texts(each, inner)
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from _texts(each, f"{place}[{number}]")
    elif isinstance(value, str):
        yield place or "it", value


def _kinds(text: str) -> str:
    """The characters of a text that nobody sees, by their numbers."""
    kinds = sorted(set(_UNSEEN.findall(text)))
    more = ", …" if kinds[_MOST:] else ""
    return ", ".join(f"U+{ord(kind):04X}" for kind in kinds[:_MOST]) + more


def _mixed(text: str) -> str | None:
    """The first word in which Latin letters stand beside some that only look so."""
    if text.isascii():
        return None
    words = _WORD.findall(text)
    return next((word for word in words if not word.isascii() and _is_mixed(word)), None)


def _is_mixed(word: str) -> bool:
    return any(letter.isascii() for letter in word) and any(ord(letter) in LETTERS for letter in word)


def _cut(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:_LONG]}… (cut: {_LONG:,} of {len(text):,} characters)"


def _escaped(letter: str) -> str:
    number = ord(letter)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
