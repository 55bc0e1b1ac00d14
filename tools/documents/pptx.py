"""Presentations: what stands on each slide, the figures behind its charts, and the speaker's notes."""

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from state.errors import SourceError
from state.evidence import Locator
from tools.dates import stated_date
from tools.documents.extracted import Reading, TextBuilder, squeeze
from tools.documents.packages import open_package
from tools.documents.passages import pack
from tools.documents.tables import add_table, without_figures

if TYPE_CHECKING:  # slow to import, and only needed where a presentation is read
    from pptx.shapes.base import BaseShape
    from pptx.slide import Slide

_VERTICAL_BREAK = str.maketrans({"\v": "\n"})


def read(data: bytes, uri: str) -> Reading:
    """The slides as passages with their numbers; tables and charts are named `Slide 3 table 1`.

    Raises EncryptedSource, or SourceError if the bytes are no presentation.
    """
    open_package(data, "pptx").close()
    from pptx import Presentation
    from pptx.exc import PythonPptxError

    try:
        presentation = Presentation(io.BytesIO(data))
        gathered = _Slides()
        for number, slide in enumerate(presentation.slides, 1):
            gathered.add(number, slide)
        title = squeeze(presentation.core_properties.title or "")
    except PythonPptxError as error:
        raise SourceError(f"the pptx is broken: {squeeze(str(error))[:200]}") from error
    text, blocks = gathered.builder.finish()
    stated = "" if title.lower() in ("powerpoint presentation", "presentation") else title
    title = stated or next((block.heading[0] for block in blocks if block.heading), "")
    return Reading(
        title, stated_date(text), pack(text, blocks), text, gathered.tables, without_figures(gathered.tables)
    )


class _Slides:
    """Gathers slide after slide."""

    def __init__(self) -> None:
        self.builder = TextBuilder()
        self.tables: dict[str, Sequence[Sequence[str]]] = {}

    def add(self, number: int, slide: "Slide") -> None:
        self.builder.place = Locator(slide=number)
        title = slide.shapes.title
        self.builder.no_heading()
        self.builder.heading(1, title.text_frame.text if title is not None else "")
        seen = 0
        for shape in _shapes(slide.shapes):
            rows = _rows(shape)
            if rows:
                seen += 1
                name = f"Slide {number} table {seen}"
                if add_table(self.builder, name, rows):
                    self.tables[name] = rows
            elif shape.has_text_frame and (title is None or shape.shape_id != title.shape_id):
                self._text(shape)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            for paragraph in slide.notes_slide.notes_text_frame.paragraphs:
                self.builder.add(f"Notes: {paragraph.text}" if paragraph.text.strip() else "")

    def _text(self, shape: Any) -> None:
        for paragraph in shape.text_frame.paragraphs:
            text = paragraph.text.translate(_VERTICAL_BREAK)
            self.builder.add(text, hard_lines="\n" in text)


def _shapes(shapes: Any) -> Iterator["BaseShape"]:
    """All shapes, those in groups too, from top to bottom as they stand in the file."""
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _shapes(shape.shapes)
        elif not _is_furniture(shape):
            yield shape


def _is_furniture(shape: "BaseShape") -> bool:
    """Whether it is the date, the footer or the number of a slide."""
    if not shape.is_placeholder:
        return False
    from pptx.enum.shapes import PP_PLACEHOLDER

    return shape.placeholder_format.type in (PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER)


def _rows(shape: Any) -> list[list[str]]:
    """The cells of a table, or the figures of a chart: its categories and a column for each series."""
    if getattr(shape, "has_table", False):
        return [[squeeze(cell.text) for cell in row.cells] for row in shape.table.rows]
    if not getattr(shape, "has_chart", False):
        return []
    columns: list[list[str]] = []
    for plot in shape.chart.plots:
        if not columns:
            columns.append(["", *(squeeze(str(category)) for category in plot.categories)])
        columns += [[series.name, *(_figure(value) for value in series.values)] for series in plot.series]
    height = max(map(len, columns), default=0)
    return [[column[row] if row < len(column) else "" for column in columns] for row in range(height)]


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.15g}"
