"""PDF: the text layer page by page, with lines joined into paragraphs again."""

import io
import re
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from state.errors import EncryptedSource, NoText, SourceError
from state.evidence import Locator
from tools.dates import stated_date
from tools.documents.extracted import Reading, TextBuilder
from tools.documents.passages import pack
from tools.documents.pdf_columns import text_in_order
from tools.documents.pdf_scans import read_scans
from tools.documents.pdf_tables import read_tables
from tools.documents.tables import without_figures
from tools.storable import storable

if TYPE_CHECKING:  # pypdf is slow to import, and only needed where a PDF is read
    from pypdf import PageObject, PdfReader

_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
_HYPHENATED = re.compile(r"([^\W\d_]+)[-\u00ad]\n\s*([^\W\d_]+)")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_MIN_CHARACTERS = 20
"""Letters and digits below which a document counts as having no text layer."""
_FULL = 0.7
"""Share of the page's usual line length from which a line counts as wrapped rather than ended."""
_FEW_ROWS = 3
_PLACEHOLDERS = {"untitled", "(anonymous)", "(unspecified)"}


def read(data: bytes, uri: str) -> Reading:
    """The pages' text as passages with page numbers; pages that are pictures are read where an engine is installed.

    Raises SourceError if the file is no PDF, is encrypted with a password, or has no text.
    """
    if b"%PDF" not in data[:1024]:
        raise SourceError("the file is empty" if not data else "the file is not a PDF")
    from pypdf.errors import DependencyError, FileNotDecryptedError, PyPdfError

    try:
        pages, title, pictures = _pages(data)
    except (DependencyError, FileNotDecryptedError) as error:
        raise EncryptedSource("the PDF is encrypted") from error
    except PyPdfError as error:
        raise SourceError(f"the PDF is broken: {error}") from error
    scans = read_scans(data, [number for number in pictures if _letters(pages[number - 1]) < _MIN_CHARACTERS])
    if not scans.seen and sum(map(_letters, pages)) < _MIN_CHARACTERS:
        raise NoText(f"the PDF has no text layer: {'; '.join(scans.unread) or 'no legible text was found in it'}")
    pages = [scans.seen[n].text if n in scans.seen else page for n, page in enumerate(pages, 1)]
    builder = TextBuilder()
    known = Counter(word.lower() for page in pages for word in _WORD.findall(page))
    for number, page in enumerate(pages, 1):
        sure = round(scans.seen[number].confidence) if number in scans.seen else None
        builder.place = Locator(page=number, ocr=sure)
        for paragraph in paragraphs(join_hyphenated(page, known)):
            builder.add(paragraph)
    text, blocks = builder.finish()
    found = read_tables(data, [number for number, page in enumerate(pages, 1) if _may_hold_table(page)])
    parts, date = pack(text, blocks), stated_date(pages[0])
    return Reading(title, date, parts, text, found.tables, without_figures(found.tables), found.notes, scans.unread)


def _letters(page: str) -> int:
    return sum(letter.isalnum() for letter in page)


def _pages(data: bytes) -> tuple[list[str], str, list[int]]:
    """The text of each page, the title, and the numbers of the pages on which there are pictures."""
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise EncryptedSource("the PDF is encrypted with a password")
    pages = [storable(text_in_order(page)).translate(_LIGATURES) for page in reader.pages]
    pictures = [number for number, page in enumerate(reader.pages, 1) if _has_pictures(page)]
    return pages, storable(_title(reader)), pictures


def _has_pictures(page: "PageObject") -> bool:
    """Whether something is drawn from outside the page's own content, as pictures are."""
    resources = page.get("/Resources")
    outside = resources.get_object().get("/XObject") if resources is not None else None
    return bool(outside is not None and outside.get_object())


def _title(reader: "PdfReader") -> str:
    stated = (reader.metadata.title or "") if reader.metadata else ""
    looks_made = re.search(r"\.\w{2,4}$|^Microsoft ", stated) or stated.lower() in _PLACEHOLDERS
    return "" if looks_made else stated.strip()


def join_hyphenated(page: str, known: Counter[str]) -> str:
    """The page with words joined that a line end cut; `known` counts the document's words, lower-cased.

    The hyphen stays where the document writes the word with it elsewhere, or where no small letter follows.
    """

    def joined(match: re.Match[str]) -> str:
        left, right = match.groups()
        whole, dashed = left + right, f"{left}-{right}"
        keep = not right[0].islower() or known[dashed.lower()] > known[whole.lower()]
        return dashed if keep else whole

    return _HYPHENATED.sub(joined, page)


def paragraphs(page: str) -> list[str]:
    """The page's lines joined into paragraphs: a line goes on where it is full and its sentence is not
    over.
    """
    lines = [line.strip() for line in page.splitlines()]
    usual = _usual_length(line for line in lines if line)
    joined: list[str] = []
    open_ = False
    for line in lines:
        if not any(letter.isalnum() for letter in line):  # empty, or a rule drawn with characters
            open_ = False
            continue
        if open_:
            joined[-1] += "\n" + line
        else:
            joined.append(line)
        ended = line.endswith((".", "!", "?", ":")) and len(line) < usual
        open_ = len(line) >= _FULL * usual and not ended and not _is_row(line)
    return joined


def _usual_length(lines: Iterable[str]) -> int:
    """The length that a quarter of the lines reach, but never so little that a column of words counts as
    prose.
    """
    lengths = sorted(len(line) for line in lines)
    return max(40, lengths[len(lengths) * 3 // 4]) if lengths else 40


def _may_hold_table(page: str) -> bool:
    """Whether a few lines are figures to a quarter: other pages are not looked through, which takes a while."""
    words = [line.split() for line in page.splitlines()]
    figures = [sum(any(letter.isdigit() for letter in word) for word in line) for line in words]
    return sum(4 * count >= len(line) > 0 for count, line in zip(figures, words, strict=True)) >= _FEW_ROWS


def _is_row(line: str) -> bool:
    """Whether the line is a table's: numbers make up at least a third of its words."""
    words = line.split()
    return 3 * sum(1 for word in words if any(letter.isdigit() for letter in word)) >= len(words) > 2
