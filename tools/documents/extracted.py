"""What a reader gives back, and the builder that readers of running text gather it with."""

import csv
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email.errors import MessageError
from lzma import LZMAError

from state.evidence import Locator

PARSER_ERRORS: tuple[type[Exception], ...] = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, OSError, RuntimeError,
    StopIteration, SyntaxError, TypeError, ValueError, LZMAError, MessageError, csv.Error, struct.error,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What parsers of broken bytes raise; a broken file must cost one source, never the run."""


NOWHERE = Locator()
"""A place in a document that has no pages, slides or cells."""
Row = Sequence[str]
"""The cells of a table's row as text."""


@dataclass(frozen=True)
class Cells:
    """Rows of a table of a document, counted from 1, over its whole width."""

    table: str
    top: int
    bottom: int
    width: int


@dataclass(frozen=True)
class Block:
    """A paragraph, a table row or a stretch of code at `text[start:end]` of the extracted text."""

    start: int
    end: int
    section: int = 0
    """Counts the headings: passages never reach over one."""
    heading: tuple[str, ...] = ()
    place: Locator = NOWHERE
    """The page, slide or cell that the block stands on: passages never reach over it."""
    cells: Cells | None = None
    """The rows that the block is; passages never reach over a table's end."""
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
    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    """What can be loaded, by name: the rows from the first of the table or sheet on."""
    texts: frozenset[str] = frozenset()
    """The names of those that hold no figures: forms, glossaries. They are no reason for an analysis."""
    table_notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What must be known of a table, by its name."""
    unread: tuple[str, ...] = ()
    """What in it could not be read, and why: `page 3 without text (a scan?); install …`."""


Reader = Callable[[bytes, str], Reading]
"""Bytes and uri to a reading; SourceError with a plain reason if the bytes cannot be read."""


def squeeze(text: str) -> str:
    """The text with each run of white space as one space: how passages and extracted text are compared."""
    return " ".join(text.split())


def joined(title: str, date: str | None, readings: Iterable[tuple[str, Reading]]) -> Reading:
    """One reading of several, in order: chapters of a book, a message and what is attached to it.

    Each comes with a name that goes before its headings and the names of its tables, or with an empty one.
    """
    parts: list[tuple[Locator, str]] = []
    tables: dict[str, Sequence[Row]] = {}
    notes: dict[str, Sequence[str]] = {}
    texts: set[str] = set()
    unread: list[str] = []
    text = ""
    for name, reading in readings:
        for locator, part in reading.parts:
            chars = locator.chars and (locator.chars[0] + len(text), locator.chars[1] + len(text))
            heading = (name, *locator.heading) if name else locator.heading
            parts.append((locator.model_copy(update={"heading": heading, "chars": chars}), part))
        for table, rows in reading.tables.items():
            whole = ": ".join(filter(None, (name, table)))
            tables[whole], notes[whole] = rows, reading.table_notes.get(table, ())
            texts |= {whole} & {": ".join(filter(None, (name, each))) for each in reading.texts}
        unread += [": ".join(filter(None, (name, each))) for each in reading.unread]
        text += reading.text + "\n\n"
    return Reading(title, date, parts, text, tables, frozenset(texts), notes, tuple(unread))


class TextBuilder:
    """Gathers the extracted text of a document and remembers where each block of it stands."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.place = NOWHERE
        self._pieces: list[str] = []
        self._length = 0
        self._section = 0
        self._headings: list[tuple[int, str]] = []
        self._bare: Block | None = None

    @property
    def text(self) -> str:
        """All that was added, headings too, with an empty line between the pieces."""
        return "".join(self._pieces)

    def add(self, text: str, *, line: int | None = None, hard_lines: bool = False, cells: Cells | None = None) -> None:
        """Adds a block under the present heading."""
        if text.strip():
            self._bare = None
            self.blocks.append(self._block(text, line, hard_lines, cells))

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

    def no_heading(self) -> None:
        """What follows stands under no heading: a new slide, a new part."""
        self.finish()
        self._headings.clear()
        self._section += 1

    def finish(self) -> tuple[str, list[Block]]:
        """The extracted text and its blocks."""
        if self._bare is not None:
            self.blocks.append(self._bare)
            self._bare = None
        return self.text, self.blocks

    def _block(self, text: str, line: int | None, hard_lines: bool, cells: Cells | None = None) -> Block:
        start = self._length
        self._pieces.append(text + "\n\n")
        self._length += len(text) + 2
        heading = tuple(name for _, name in self._headings)
        return Block(start, start + len(text), self._section, heading, self.place, cells, line, hard_lines)
