"""The extracted text of a document cut into passages of 60 to 200 words, with exact locators.

A passage never reaches over a page, a slide, a heading or the end of a table. White space is the only thing in
which it differs from the extracted text: `squeeze(text[start:end]) == squeeze(passage)` for its `chars`.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from state.evidence import Locator
from tools.documents.extracted import Block, squeeze
from tools.documents.tables import cell_range
from tools.sentences import sentence_spans

MIN_WORDS = 60
MAX_WORDS = 200
_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class _Unit:
    """A stretch of one block that is not cut further."""

    start: int
    end: int
    words: int
    block: Block


def pack(text: str, blocks: Sequence[Block]) -> list[tuple[Locator, str]]:
    """The passages of a document, in order."""
    parts = []
    for _, section in groupby(blocks, key=_whole):
        units = [unit for block in section for unit in _units(text, block)]
        parts += [(_locator(text, group), _render(text, group)) for group in _groups(units)]
    return parts


def _whole(block: Block) -> tuple[object, ...]:
    """What passages do not reach over."""
    return block.place, block.section, block.cells.table if block.cells else None


def _units(text: str, block: Block) -> Iterator[_Unit]:
    words = len(text[block.start : block.end].split())
    if words <= MAX_WORDS:
        if words:
            yield _Unit(block.start, block.end, words, block)
        return
    body = text[block.start : block.end]
    lines = body if block.hard_lines else body.replace("\n", " ")  # only then is a line end a sentence's end
    for start, end in sentence_spans(lines):
        places = [match.span() for match in _WORD.finditer(body, start, end)]
        for first in range(0, len(places), MAX_WORDS):
            chunk = places[first : first + MAX_WORDS]
            yield _Unit(block.start + chunk[0][0], block.start + chunk[-1][1], len(chunk), block)


def _groups(units: Sequence[_Unit]) -> list[list[_Unit]]:
    """Units into groups of about the same size, so that no section ends in a scrap of a few words."""
    total = sum(unit.words for unit in units)
    if not total:
        return []
    target = total / math.ceil(total / MAX_WORDS)
    groups: list[list[_Unit]] = []
    size = MAX_WORDS + 1
    for unit in units:
        if size + unit.words > MAX_WORDS or size >= target:
            groups.append([])
            size = 0
        groups[-1].append(unit)
        size += unit.words
    if len(groups) > 1 and _size(groups[-1]) < MIN_WORDS and _size(groups[-2]) + _size(groups[-1]) <= MAX_WORDS:
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups


def _size(group: Sequence[_Unit]) -> int:
    return sum(unit.words for unit in group)


def _render(text: str, group: Sequence[_Unit]) -> str:
    rendered = ""
    for before, unit in zip([None, *group], group, strict=False):
        piece = text[unit.start : unit.end]
        if unit.block.hard_lines:
            piece = "\n".join(line.rstrip() for line in piece.splitlines() if line.strip())
        else:
            piece = squeeze(piece)
        same = before is not None and before.block == unit.block and not unit.block.hard_lines
        rendered += (" " if same else "\n") + piece
    return rendered[1:]


def _locator(text: str, group: Sequence[_Unit]) -> Locator:
    first, last = group[0], group[-1]
    lines = None
    if first.block.line is not None and last.block.line is not None:
        lines = (_line(text, first.block, first.start), _line(text, last.block, last.end))
    cells = None
    if first.block.cells is not None and last.block.cells is not None:
        table = first.block.cells
        cells = cell_range(table.table, table.top, max(table.bottom, last.block.cells.bottom), table.width)
    found = {"heading": first.block.heading, "lines": lines, "cells": cells, "chars": (first.start, last.end)}
    return first.block.place.model_copy(update=found)


def _line(text: str, block: Block, place: int) -> int:
    assert block.line is not None
    return block.line + text.count("\n", block.start, place)
