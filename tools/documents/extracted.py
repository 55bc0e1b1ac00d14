"""What a reader gives back, and the builder that readers of running text gather it with."""

import csv
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from state.evidence import Locator

PARSER_ERRORS: tuple[type[Exception], ...] = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError,
    TypeError, ValueError, csv.Error, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What parsers of broken bytes raise; a broken file must cost one source, never the run."""


@dataclass(frozen=True)
class Block:
    """A paragraph, a table row or a stretch of code at `text[start:end]` of the extracted text."""

    start: int
    end: int
    section: int = 0
    """Counts the headings: passages never reach over one."""
    heading: tuple[str, ...] = ()
    page: int | None = None
    line: int | None = None
    """Line of the file that the block begins on; each line end in the block is then one in the file."""
    hard_lines: bool = False
    """Whether line ends mean something (code, verse, rows) or only wrap."""


@dataclass(frozen=True)
class Reading:
    """One document as passages-to-be."""

    title: str
    """Empty where the document has none; the file's name then serves."""
    date: str | None
    """ISO 8601, when the document states one."""
    parts: Sequence[tuple[Locator, str]]
    text: str = ""
    """The extracted text that `Locator.chars` counts in; empty for tables."""


Reader = Callable[[bytes, str], Reading]
"""Bytes and uri to a reading; SourceError with a plain reason if the bytes cannot be read."""


def squeeze(text: str) -> str:
    """The text with each run of white space as one space: how passages and extracted text are compared."""
    return " ".join(text.split())


class TextBuilder:
    """Gathers the extracted text of a document and remembers where each block of it stands."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.page: int | None = None
        self._pieces: list[str] = []
        self._length = 0
        self._section = 0
        self._headings: list[tuple[int, str]] = []
        self._bare: Block | None = None

    @property
    def text(self) -> str:
        """All that was added, headings too, with an empty line between the pieces."""
        return "".join(self._pieces)

    def add(self, text: str, *, line: int | None = None, hard_lines: bool = False) -> None:
        """Adds a block under the present heading."""
        if text.strip():
            self._bare = None
            self.blocks.append(self._block(text, line, hard_lines))

    def heading(self, level: int, text: str, *, line: int | None = None) -> None:
        """Opens a section; `level` 1 is the outermost. A heading with nothing under it becomes a block."""
        text = squeeze(text)
        if not text:
            return
        if self._bare is not None and level <= self._headings[-1][0]:
            self.blocks.append(self._bare)
        while self._headings and self._headings[-1][0] >= level:
            self._headings.pop()
        self._section += 1
        self._bare = self._block(text, line, hard_lines=False)
        self._headings.append((level, text))

    def finish(self) -> tuple[str, list[Block]]:
        """The extracted text and its blocks."""
        if self._bare is not None:
            self.blocks.append(self._bare)
            self._bare = None
        return self.text, self.blocks

    def _block(self, text: str, line: int | None, hard_lines: bool) -> Block:
        start = self._length
        self._pieces.append(text + "\n\n")
        self._length += len(text) + 2
        heading = tuple(name for _, name in self._headings)
        return Block(start, start + len(text), self._section, heading, self.page, line, hard_lines)
