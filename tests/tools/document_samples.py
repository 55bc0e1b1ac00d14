"""A whole document of each format that is read, and ways in which one is broken."""

import io
import json
import random
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache

from tests.tools.document_files import drawn_table, pdf_of, xlsx_of
from tests.tools.ocr_engine import picture_of
from tests.tools.office_files import (
    docx_of,
    eml_of,
    epub_of,
    notebook_of,
    parquet_of,
    pptx_of,
    unzipped,
    xls_of,
    zip_of,
)

ROWS = [["year", "level"], ["2001", "30"], ["2002", "31"], ["2003", "32"]]
TEXT = "The lake is deep.\n\nIt froze in 2019, as the survey says.\n"

MAKERS: dict[str, Callable[[], bytes]] = {
    ".txt": TEXT.encode,
    ".md": f"---\ntitle: T\n---\n# Lakes\n\n{TEXT}\n| a | b |\n|---|---|\n| 1 | 2 |\n".encode,
    ".html": f"<html><h1>Lakes</h1><p>{TEXT}<table><tr><td>1</td><td>2</td></tr></table></html>".encode,
    ".pdf": lambda: pdf_of(
        ["The lake is deep here.", "It froze in 2019."],
        drawn_table([*ROWS, ["2004", "33"]], (40, 200), rules=range(5)),
        title="Lakes",
    ),
    ".docx": lambda: docx_of((1, "Lakes"), TEXT, ROWS),
    ".pptx": lambda: pptx_of([{"title": "Lakes", "text": TEXT, "table": ROWS}]),
    ".csv": lambda: "year,level\n2001,30\n2002,31\n".encode("utf-16"),
    ".xlsx": lambda: xlsx_of({"S": ROWS}),
    ".xls": lambda: xls_of([["year", "level"], [2001.0, 30.0]]),
    ".parquet": lambda: parquet_of({"year": [2001, 2002], "level": [Decimal("30.10"), None]}),
    ".json": lambda: json.dumps({"rows": [{"a": n, "b": "x"} for n in range(5)], "c": TEXT}).encode(),
    ".jsonl": lambda: b'{"a": 1}\n{"a": 2}\n{"a": 3}\n',
    ".epub": lambda: epub_of({"a.xhtml": f"<html><h1>One</h1><p>{TEXT}</html>"}),
    ".eml": lambda: eml_of(TEXT, page=f"<p>{TEXT}</p>", attached={"t.csv": b"a,b\n1,2\n"}),
    ".ipynb": lambda: notebook_of({"cell_type": "markdown", "source": TEXT}, {"cell_type": "code", "source": "x"}),
    ".png": lambda: picture_of("The lake is deep."),
    ".tif": lambda: picture_of("The lake is deep.", "It froze.", form="TIFF"),
    ".gif": lambda: picture_of("The lake is deep.", form="GIF"),
}


@cache
def sample(suffix: str) -> bytes:
    """A whole document of a format."""
    return MAKERS[suffix]()


# --- broken ones -------------------------------------------------------------------------------------------


def mutant(data: bytes, chance: random.Random) -> bytes:
    """The bytes broken in one to three ways; of a ZIP archive also its parts, in an archive that is whole, and of a PDF
    what is packed in it.
    """
    for _ in range(chance.randint(1, 3)):
        way = chance.choice(_WAYS)
        if chance.random() < 0.5 and zipfile.is_zipfile(io.BytesIO(data)):
            data = _in_part(data, way, chance)
        elif chance.random() < 0.3 and data.startswith(b"%PDF"):
            data = _in_stream(data, way, chance)
        else:
            data = way(data, chance)
    return data


def _cut_off(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randint(0, len(data))]


def _overwritten(data: bytes, chance: random.Random) -> bytes:
    broken = bytearray(data)
    for _ in range(chance.choice((1, 10, 200)) if broken else 0):
        broken[chance.randrange(len(broken))] = chance.choice((0, 255, chance.randrange(256)))
    return bytes(broken)


def _moved(data: bytes, chance: random.Random) -> bytes:
    """A stretch is left out, comes twice, or many times over."""
    start = chance.randint(0, len(data))
    end = min(len(data), start + chance.choice((1, 30, 2000)))
    return data[:start] + data[start:end] * chance.choice((0, 2, 500)) + data[end:]


def _counted(data: bytes, chance: random.Random) -> bytes:
    """A number becomes another: lengths, sizes, references and spans."""
    found = list(re.finditer(rb"\d+", data[:2_000_000]))
    if not found:
        return data
    start, end = chance.choice(found).span()
    return data[:start] + chance.choice((b"0", b"-1", b"99999", b"4294967295", b"9" * 30)) + data[end:]


def _sized(data: bytes, chance: random.Random) -> bytes:
    """Four bytes become a large number, as sizes stand in headers."""
    place = chance.randint(0, max(0, min(len(data), 4000) - 4))
    return data[:place] + chance.choice((b"\xff\xff\xff\x7f", b"\x7f\xff\xff\xff", b"\xff" * 4)) + data[place + 4 :]


_WAYS: Sequence[Callable[[bytes, random.Random], bytes]] = (_cut_off, _overwritten, _moved, _counted, _sized)


def _in_part(data: bytes, way: Callable[[bytes, random.Random], bytes], chance: random.Random) -> bytes:
    try:
        parts = dict(unzipped(data))
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, EOFError):
        return way(data, chance)
    name = chance.choice(sorted(parts))
    return zip_of({**parts, name: way(parts[name], chance)})


def _in_stream(data: bytes, way: Callable[[bytes, random.Random], bytes], chance: random.Random) -> bytes:
    """A packed stretch of a PDF is unpacked, broken and packed again; its length is then another than stated."""
    found = list(re.finditer(rb"stream\r?\n(\x78.*?)\r?\nendstream", data, re.DOTALL))
    if not found:
        return way(data, chance)
    start, end = chance.choice(found).span(1)
    try:
        unpacked = zlib.decompress(data[start:end])
    except zlib.error:
        return way(data, chance)
    return data[:start] + zlib.compress(way(unpacked, chance)) + data[end:]
