"""Tools that say what a file is: its facts, a table of it as columns, the text in a picture of it (OCR)."""

import asyncio
import hashlib
import json
import mimetypes
import shutil
from collections.abc import Callable
from pathlib import PurePosixPath
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from langchain_core.tools import BaseTool
from pydantic import BaseModel, Field

from state.errors import ToolError, ToolFailed
from state.runs import Json
from tools.documents.files import MAX_BYTES
from tools.documents.formats import FORMATS
from tools.effects import effects
from tools.making import made, schema_of

ENGINE = "tesseract"
"""The program that reads pictures."""
_MOST_SECONDS = 120
"""Of the engine, for one picture."""
_MOST_ROWS = 100_000
_SAID = 300
"""Letters of the engine's own words that an error repeats."""
_Path = Annotated[str, "Path of the file: within the folder of the run, or in a folder that may be read."]
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

    rows: int
    columns: dict[str, list[Any]] = Field(description="By header; null where a cell is empty.")
    changes: list[str] = Field(description="What was cleaned, in words.")


class PictureText(BaseModel):
    """The text in a picture."""

    text: str
    engine: str


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
        return TableColumns(rows=len(table.frame), columns=columns, changes=list(table.changes)).model_dump()

    async def read_picture(self, path: _Path, language: str = "eng") -> Json:
        """The text that the engine sees. Raises ToolFailed (`refused`) where there is no engine."""
        engine = shutil.which(ENGINE)
        if engine is None:
            remedy = f"Install {ENGINE} (Debian: tesseract-ocr), or give a document that has a text."
            raise ToolFailed("No engine for OCR is installed.", "refused", place=path, remedy=remedy)
        data = await asyncio.to_thread(self._read, path, MAX_BYTES)
        text = await _seen(engine, data, language, path)
        if not text.strip():
            raise ToolFailed("No text was found in the picture.", "bad_input", place=path)
        return PictureText(text=text.strip(), engine=ENGINE).model_dump()


async def _seen(engine: str, data: bytes, language: str, path: str) -> str:
    """What the engine writes of a picture, in an empty folder and within its time."""
    with TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            engine,
            "stdin",
            "stdout",
            "-l",
            language,
            cwd=folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_MOST_SECONDS):
                out, err = await process.communicate(data)
        except TimeoutError as error:
            raise ToolFailed(f"The engine took longer than {_MOST_SECONDS} s.", "timeout", place=path) from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if process.returncode:
        said = " ".join(err.decode(errors="replace").split())[:_SAID]
        raise ToolFailed(f"The engine cannot read it: {said}", "bad_input", place=path)
    return out.decode(errors="replace")


def _tool(coroutine: Any, description: str) -> BaseTool:
    return made(coroutine=coroutine, description=description, metadata=effects("read"))
