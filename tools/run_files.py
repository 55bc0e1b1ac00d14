"""Tools for files: a run writes into a folder of its own, and reads there and in the folders that the user named."""

import asyncio
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile
from typing import Annotated, Any, Literal

from langchain_core.tools import BaseTool
from pydantic import BaseModel, Field

from state.errors import SourceError, ToolFailed
from state.runs import Json
from tools.documents.files import MAX_BYTES
from tools.documents.formats import format_of
from tools.effects import effects
from tools.file_contents import FileContents
from tools.making import made, schema_of
from tools.reporting import Reports
from tools.storable import json_text, storable

MOST_TEXT = 5_000_000
"""Bytes of a file that is read as text or JSON."""
_Path = Annotated[str, "Path of the file: within the folder of the run, or in a folder that may be read."]


class Written(BaseModel):
    """A file that was written."""

    path: str = Field(description="Within the folder of the run.")
    size: int
    sha256: str


class Found(BaseModel):
    """A file or a folder that may be read."""

    path: str = Field(description="The whole path.")
    is_folder: bool


class Part(BaseModel):
    """A passage of a document, and where it stands."""

    text: str
    page: int | None = None
    ocr: int | None = Field(None, description="How sure the engine is that read it from a picture, in percent.")
    heading: list[str]


class Page(BaseModel):
    """A page of a document."""

    number: int = Field(description="1 where the document has no pages.")
    text: str


class DocumentText(BaseModel):
    """A document as text."""

    title: str
    kind: str
    date: str | None
    text: str
    passages: list[Part]
    pages: list[Page] = Field(description="Those with text; one where the document has no pages.")
    unread: list[str] = Field(description="What in it could not be read, and why: pages that are pictures.")


@dataclass(frozen=True)
class RunFiles:
    """The files that the tools of one run may use."""

    own: Path
    """The folder that the run writes into; made when it is first written to."""
    folders: Sequence[Path]
    """Where it may read besides; none means the folder in which the process works."""

    def tools(self) -> tuple[tuple[BaseTool, Json], ...]:
        """What writes, what reads, and what looks into files, each with the schema of what it gives back."""
        return (
            (
                _tool(self.file_write, "Writes a text, or a value as JSON, into a file of the run.", "write"),
                schema_of(Written),
            ),
            (_tool(self.file_read, "Reads a file as text or JSON.", "read"), {}),
            (
                _tool(self.read_document, "Reads the text of a document: PDF, Word, Excel, HTML and others.", "read"),
                schema_of(DocumentText),
            ),
            (
                _tool(self.file_find, "Says where a file or a folder is that may be read.", "read"),
                schema_of(Found),
            ),
            *FileContents(self.read).tools(),
            Reports(self.own.name, self.write).tool(),
        )

    async def file_write(self, path: _Path, content: Any) -> Json:
        """Writes the whole file at once: who reads it sees the old one or the new one."""
        data = (content if isinstance(content, str) else json_text(content)).encode(errors="replace")
        return await asyncio.to_thread(self.write, path, data)

    async def file_read(self, path: _Path, form: Literal["text", "json"] = "text") -> Any:
        """The content of a file."""
        data = await asyncio.to_thread(self.read, path, MOST_TEXT)
        try:
            return storable(data.decode("utf-8-sig")) if form == "text" else json.loads(data)
        except (ValueError, RecursionError) as error:
            said = "The file is not UTF-8 text." if form == "text" else "The file is not JSON."
            raise ToolFailed(said, "bad_output", place=path) from error

    async def file_find(self, path: _Path) -> Json:
        """Where it is. Raises ToolFailed where it is not there, or may not be read."""
        place = await asyncio.to_thread(self._found, path, or_folder=True)
        return Found(path=str(place), is_folder=place.is_dir()).model_dump()

    async def read_document(self, path: _Path) -> Json:
        """The text of a document, and its passages with their places."""
        from tools.documents.reading import read_page

        data = await asyncio.to_thread(self.read, path, MAX_BYTES)
        try:
            document = await read_page(data, PurePosixPath(path).name, format_of(path))
        except SourceError as error:
            raise ToolFailed(error.message, "bad_input", place=path, remedy=error.remedy) from error
        parts = [
            Part(text=each.text, page=each.locator.page, ocr=each.locator.ocr, heading=list(each.locator.heading))
            for each in document.passages
        ]
        source = document.source
        text = "\n\n".join(part.text for part in parts)
        return DocumentText(
            title=source.title,
            kind=source.kind,
            date=source.date,
            text=text,
            passages=parts,
            pages=_pages(parts),
            unread=list(source.unread),
        ).model_dump()

    def write(self, path: str, data: bytes) -> Json:
        target = _within(self.own, path)
        if target is None or target == self.own.resolve():
            raise ToolFailed(
                "A run writes into its own folder only.", "bad_input", place=path, remedy="Give a relative path."
            )
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as made:
                made.write(data)
            os.replace(made.name, target)
        except OSError as error:
            raise ToolFailed(f"The file cannot be written: {error.strerror or error}.", place=path) from error
        name = target.relative_to(self.own.resolve()).as_posix()
        return Written(path=name, size=len(data), sha256=hashlib.sha256(data).hexdigest()).model_dump()

    def read(self, path: str, most: int) -> bytes:
        found = self._found(path)
        try:
            with found.open("rb") as file:
                data = file.read(most + 1)
        except OSError as error:
            raise ToolFailed(f"The file cannot be read: {error.strerror or error}.", "bad_input", place=path) from error
        if len(data) > most:
            raise ToolFailed(f"The file is larger than {most} bytes.", "bad_input", place=path)
        return data

    def _found(self, path: str, *, or_folder: bool = False) -> Path:
        """The file of that name: of the run first, then of the folders. Hidden ones are for nobody."""
        roots = self.folders or (Path.cwd(),)
        inside = [place for root in (self.own, *roots) if (place := _within(root, path)) is not None]
        if not inside:
            named = ", ".join(map(str, roots))
            remedy = f"Files are read in the folder of the run and in {named}; the setting folders names others."
            raise ToolFailed("The file is outside of what may be read.", "bad_input", place=path, remedy=remedy)
        for place in inside:
            if place.is_file() or (or_folder and place.is_dir()):
                return place
        raise ToolFailed("There is no such file.", "bad_input", place=path)


def _pages(parts: Sequence[Part]) -> list[Page]:
    """The text by page, in the order of the document."""
    texts: dict[int, list[str]] = {}
    for part in parts:
        texts.setdefault(part.page or 1, []).append(part.text)
    return [Page(number=number, text="\n\n".join(each)) for number, each in sorted(texts.items())]


def _within(root: Path, path: str) -> Path | None:
    """Where a path leads, if that is within the folder and nothing on the way is hidden."""
    try:
        base = root.resolve()
        place = (base / path).resolve()
        parts = place.relative_to(base).parts
    except (ValueError, OSError, RuntimeError):
        return None
    return None if any(part.startswith(".") for part in parts) else place


def _tool(coroutine: Any, description: str, kind: Literal["read", "write"]) -> BaseTool:
    return made(coroutine=coroutine, description=description, metadata=effects(kind))
