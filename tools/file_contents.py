"""Tools that say what a file is: its facts, a table of it as columns, the text in a picture of it (OCR)."""

import asyncio
import hashlib
import json
import mimetypes
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Annotated, Any

from langchain_core.tools import BaseTool
from pydantic import BaseModel, Field

from state.errors import ToolError, ToolFailed
from state.evidence import DOUBTFUL
from state.runs import Json
from tools.documents.files import MAX_BYTES
from tools.documents.formats import FORMATS, PICTURE
from tools.documents.ocr import ENGINE, REMEDY, engine
from tools.effects import effects
from tools.making import made, schema_of

_MOST_ROWS = 100_000
_Path = Annotated[str, "Path of the file: within the folder of the run, or in a folder that may be read."]
_Language = Annotated[
    str, Field(pattern=r"^[A-Za-z_+]*$", max_length=50, description="As tesseract calls it; empty: those installed.")
]
ReadBytes = Callable[[str, int], bytes]
"""The bytes of a file, if they are not more than so many. Raises ToolFailed."""


class FileInfo(BaseModel):
    """What is known of a file without reading its text."""

    name: str
    media_type: str
    kind: str = Field(description="As the readers of documents call it; empty where they do not read it.")
    size: int
    sha256: str


class TableColumns(BaseModel):
    """A table by its columns."""

    table: str | None = Field(description="The sheet, or the table of a document, which names its page; null for CSV.")
    rows: int
    columns: dict[str, list[Any]] = Field(description="By header; null where a cell is empty.")
    changes: list[str] = Field(description="What was cleaned, in words.")
    notes: list[str] = Field(description="Text above and below the table, and how it was found.")


class PictureText(BaseModel):
    """The text in a picture."""

    text: str
    engine: str
    confidence: int = Field(description="How sure the engine is, in percent; of several pages that of the least sure.")
    warning: str = Field(description="Empty where it is sure, and all pages were read.")


class FileContents:
    """The tools over the files that a run may read."""

    def __init__(self, read: ReadBytes) -> None:
        self._read = read

    def tools(self) -> tuple[tuple[BaseTool, Json], ...]:
        """`file_info`, `read_table` and `read_picture`, each with the schema of what it gives back."""
        return (
            (_tool(self.file_info, "Says what a file is: its type, size and hash."), schema_of(FileInfo)),
            (
                _tool(self.read_table, "Reads a table of a CSV file, a workbook or a document as columns of values."),
                schema_of(TableColumns),
            ),
            (
                _tool(self.read_picture, "Reads the text in a picture by tesseract, where that is installed (OCR)."),
                schema_of(PictureText),
            ),
        )

    async def file_info(self, path: _Path) -> Json:
        """The facts of a file."""
        data = await asyncio.to_thread(self._read, path, MAX_BYTES)
        name = PurePosixPath(path).name
        known = FORMATS.get(PurePosixPath(path).suffix.lower())
        guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return FileInfo(
            name=name,
            media_type=known.media_type if known else guessed,
            kind=known.kind if known else "",
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        ).model_dump()

    async def read_table(self, path: _Path, sheet: str | None = None) -> Json:
        """The first table of a file, or the one of a name, cleaned."""
        from tools.data import read_table
        from tools.documents.isolation import Readers

        data = await asyncio.to_thread(self._read, path, MAX_BYTES)
        try:
            async with Readers() as readers:
                table = await read_table(readers, data, PurePosixPath(path).name, sheet)
        except ToolFailed:
            raise
        except ToolError as error:
            raise ToolFailed(error.message, "bad_input", place=path, remedy=error.remedy) from error
        if len(table.frame) > _MOST_ROWS:
            raise ToolFailed(f"The table has more than {_MOST_ROWS:,} rows.", "bad_input", place=path)
        written = await asyncio.to_thread(table.frame.to_json, orient="split", date_format="iso", index=False)
        split = json.loads(written)
        columns = {str(name): [row[at] for row in split["data"]] for at, name in enumerate(split["columns"])}
        return TableColumns(
            table=table.sheet,
            rows=len(table.frame),
            columns=columns,
            changes=list(table.changes),
            notes=list(table.notes),
        ).model_dump()

    async def read_picture(self, path: _Path, language: _Language = "") -> Json:
        """The text that the engine sees. Raises ToolFailed (`refused`) where there is no engine."""
        from tools.documents.isolation import Readers

        if engine() is None:
            raise ToolFailed("No engine for OCR is installed.", "refused", place=path, remedy=f"{REMEDY.capitalize()}.")
        data = await asyncio.to_thread(self._read, path, MAX_BYTES)
        async with Readers() as readers:
            outcome = await readers.read(data, PurePosixPath(path).name, PICTURE, language)
        if outcome.problem:
            said = outcome.reason[0].upper() + outcome.reason[1:].rstrip(".")
            raise ToolFailed(f"{said}.", "bad_input", place=path)
        sure = min((place.ocr for place, _ in outcome.parts if place.ocr is not None), default=0)
        text = "\n\n".join(part for _, part in outcome.parts)
        doubt = "The engine is not sure: compare the text with the picture." if sure < DOUBTFUL else ""
        missing = f"Not read: {'; '.join(outcome.unread)}." if outcome.unread else ""
        warning = " ".join(filter(None, (doubt, missing)))
        return PictureText(text=text, engine=ENGINE, confidence=sure, warning=warning).model_dump()


def _tool(coroutine: Any, description: str) -> BaseTool:
    return made(coroutine=coroutine, description=description, metadata=effects("read"))
