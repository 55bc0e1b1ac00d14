"""Plain text: paragraphs are what empty lines part."""

import re
from collections.abc import Iterator

from tools.dates import stated_date
from tools.documents.encodings import decode
from tools.documents.extracted import Block, Reading
from tools.documents.passages import pack

_PARAGRAPH = re.compile(r"\S(?:.|\n(?![ \t]*\n))*")
_ITEM = re.compile(r"\s*(?:[-*•–]|\d+[.)])\s")
_MIN_WRAPPED = 40
"""Columns that a line of wrapped prose reaches at least; shorter lines end where the author ended them."""


def read(data: bytes, uri: str) -> Reading:
    """The file's paragraphs with their lines; `chars` count in the decoded file."""
    text = decode(data)
    blocks = []
    line = 1
    place = 0
    for match in paragraphs(text):
        line += text.count("\n", place, match.start())
        place = match.start()
        blocks.append(Block(match.start(), match.end(), line=line, hard_lines=not is_wrapped(match.group())))
    return Reading(_title(text), stated_date(text), pack(text, blocks), text)


def paragraphs(text: str) -> Iterator[re.Match[str]]:
    """The stretches between empty lines."""
    return _PARAGRAPH.finditer(text)


def is_wrapped(paragraph: str) -> bool:
    """Whether the line ends of a paragraph only wrap it, and are no list, verse or table."""
    lines = paragraph.splitlines()
    return all(len(line) >= _MIN_WRAPPED for line in lines[:-1]) and not any(map(_ITEM.match, lines[1:]))


def _title(text: str) -> str:
    """The first line, if it stands alone and is not a sentence."""
    first, _, rest = text.lstrip().partition("\n")
    alone = (
        not rest.strip() or rest.lstrip(" \t").startswith("\n") or set(rest.partition("\n")[0].strip()) <= set("=-~")
    )
    return first.strip() if alone and 0 < len(first) <= 120 and not first.rstrip().endswith((".", ",", ";")) else ""
