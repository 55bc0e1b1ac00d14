"""Jupyter notebooks: prose, code and what the code printed, cell by cell."""

import json
from collections.abc import Iterator
from typing import Any

from state.errors import SourceError
from state.evidence import Locator
from tools.dates import stated_date
from tools.documents.encodings import decode
from tools.documents.extracted import Reading, TextBuilder
from tools.documents.markdown import add_markdown
from tools.documents.passages import pack

_OLD = 4
"""Format in which the list of cells came to the top level."""


def read(data: bytes, uri: str) -> Reading:
    """The cells as passages with their numbers. Raises SourceError if the bytes are no notebook."""
    try:
        book = json.loads(decode(data))
    except (json.JSONDecodeError, RecursionError) as error:
        raise SourceError(f"the notebook is broken: {error}") from error
    if not isinstance(book, dict) or not ("cells" in book or "worksheets" in book):
        raise SourceError("the file holds no notebook")
    builder = TextBuilder()
    for number, cell in enumerate(_cells(book), 1):
        builder.place = Locator(notebook_cell=number)
        source = _text(cell.get("source", cell.get("input")))
        if cell.get("cell_type") == "markdown":
            add_markdown(source, builder, counts_lines=False)
        elif cell.get("cell_type") == "heading":
            builder.heading(int(cell.get("level", 1)), source)
        else:
            builder.add(source.strip("\n"), hard_lines=True)
            for output in _outputs(cell):
                builder.add(output.strip("\n"), hard_lines=True)
    text, blocks = builder.finish()
    stated = book.get("metadata", {}).get("title")
    title = stated if isinstance(stated, str) else next((block.heading[0] for block in blocks if block.heading), "")
    return Reading(title, stated_date(text), pack(text, blocks), text)


def _cells(book: dict[str, Any]) -> list[dict[str, Any]]:
    if "cells" in book:
        return list(book["cells"])
    return [cell for sheet in book["worksheets"] for cell in sheet["cells"]]


def _outputs(cell: dict[str, Any]) -> Iterator[str]:
    """What the cell printed or gave back as text; pictures and pages are left out."""
    for output in cell.get("outputs", []):
        if "traceback" in output:
            yield f"{output.get('ename', 'Error')}: {output.get('evalue', '')}"
        else:
            found = output.get("data", output)
            yield _text(found.get("text/plain", found.get("text")))


def _text(value: Any) -> str:
    """Notebooks keep text as a string or as a list of lines."""
    return "".join(map(str, value)) if isinstance(value, list) else str(value or "")
