"""CSV and TSV: the separator is found, lines that start with # before the header are comments."""

import csv
import io
from collections import Counter
from pathlib import PurePosixPath

from tools.dates import stated_date
from tools.documents.encodings import decode
from tools.documents.extracted import Reading
from tools.documents.tables import bounded, table_parts

_SEPARATORS = ",;\t|"
_SAMPLE_ROWS = 200
_SAMPLE_LETTERS = 100_000
"""Of a row; `csv` takes no cell longer than 131,072, and with the wrong separator a row is one."""


def read(data: bytes, uri: str) -> Reading:
    """The rows as passages; `cells` count rows as a spreadsheet does that opens the file."""
    text = decode(data)
    rows = list(bounded(csv.reader(io.StringIO(text), delimiter=separator(text))))
    name = PurePosixPath(uri).name
    return Reading(name, stated_date(text[:3000].replace("#", " ")), table_parts(rows, name), tables={"": rows})


def separator(text: str) -> str:
    """The separator that cuts the most rows into the same number of cells, more cells before fewer."""
    sample = text.splitlines()[: 2 * _SAMPLE_ROWS]
    lines = [line[:_SAMPLE_LETTERS] for line in sample if line.strip() and not line.startswith("#")]

    def agreement(mark: str) -> tuple[float, int]:
        widths = Counter(len(row) for row in csv.reader(lines[:_SAMPLE_ROWS], delimiter=mark) if len(row) > 1)
        width, rows = max(widths.items(), key=lambda item: item[1], default=(0, 0))
        return rows / max(1, len(lines[:_SAMPLE_ROWS])), width

    return max(_SEPARATORS, key=agreement)
