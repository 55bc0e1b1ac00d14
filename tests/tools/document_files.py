"""Files in the formats that are read, made for the tests."""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from openpyxl import Workbook
from pypdf import PdfReader, PdfWriter


def folder_of(root: Path, files: dict[str, bytes | str]) -> Path:
    """`root` with these files in it."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def pdf_of(
    *pages: str | Sequence[str], password: str = "", owner: str = "", algorithm: str = "RC4-128", title: str = ""
) -> bytes:
    """A PDF with a text layer: each page is the lines on it, in plain ASCII; a tab begins a second column. A page that
    is one text is what draws it.
    """
    count = len(pages)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{' '.join(f'{4 + 2 * n} 0 R' for n in range(count))}] /Count {count} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n, lines in enumerate(pages):
        content = (lines if isinstance(lines, str) else "".join(map(_drawn, range(len(lines)), lines))).encode()
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 850] /Contents {5 + 2 * n} 0 R "
        objects.append(f"{page}/Resources << /Font << /F1 3 0 R >> >> >>".encode())
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    data = _file_of(objects)
    if not password and not owner and not title:
        return data
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    if title:
        writer.add_metadata({"/Title": title})
    if password or owner:
        writer.encrypt(password, owner or None, algorithm=algorithm)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def drawn_table(
    rows: Sequence[Sequence[str]], lefts: Sequence[int], *, top: int = 780, rules: Sequence[int] | None = None
) -> str:
    """What draws a table on a page: each cell begins where its column does. With `rules`, lines stand around all rows
    from each of these numbers of a row on, and between all columns; the last column is as wide as the one before it.
    """
    texts = [(x, top - 16 * n, cell) for n, row in enumerate(rows) for x, cell in zip(lefts, row, strict=True) if cell]
    content = "".join(drawn_text(x, y, cell) for x, y, cell in texts)
    if rules is not None:
        edges = [*(left - 4 for left in lefts), 2 * lefts[-1] - lefts[-2] - 4]
        heights = [top + 12 - 16 * row for row in (*rules, len(rows))]
        content += "".join(f"{edges[0]} {y} m {edges[-1]} {y} l S " for y in heights)
        content += "".join(f"{x} {heights[0]} m {x} {heights[-1]} l S " for x in edges)
    return content


def drawn_text(x: int, y: int, text: str) -> str:
    """What draws a line of text, from its left end."""
    escaped = text.replace("(", r"\(").replace(")", r"\)")
    return f"BT /F1 10 Tf 1 0 0 1 {x} {y} Tm ({escaped}) Tj ET "


def _drawn(row: int, line: str) -> str:
    """The line at its place; what stands after a tab in it begins in the middle of the page."""
    return "".join(drawn_text(x, 800 - 14 * row, piece) for x, piece in zip((40, 320), line.split("\t"), strict=False))


def _file_of(objects: Sequence[bytes]) -> bytes:
    data = b"%PDF-1.4\n"
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return data + b"xref\n0 %d\n0000000000 65535 f \n%strailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (
        size,
        table,
        size,
        len(data),
    )


def xlsx_of(sheets: dict[str, Iterable[Sequence[object]]]) -> bytes:
    """A workbook with these sheets, each its rows."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()
