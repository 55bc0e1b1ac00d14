"""A stand-in for the engine that reads pictures, and pictures with text in them."""

import io
import os
import shlex
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

_COLUMNS = "level page_num block_num par_num line_num word_num left top width height conf text".split()


def picture_of(*lines: str, form: str = "PNG", size: int = 36) -> bytes:
    """A picture of lines of text; also a PDF or a TIFF file, then with a page for each line."""
    pages = [lines] if form in ("PNG", "JPEG") else [(line,) for line in lines]
    drawn = []
    for page in pages:
        picture = Image.new("L", (900, 40 + 2 * size * len(page)), 255)
        for number, line in enumerate(page):
            ImageDraw.Draw(picture).text((20, 20 + 2 * size * number), line, 0, ImageFont.load_default(size))
        drawn.append(picture)
    written = io.BytesIO()
    several = {"save_all": True, "append_images": drawn[1:]} if len(drawn) > 1 else {}
    drawn[0].save(written, form, **several)
    return written.getvalue()


def fax_with(data: bytes, changed: dict[int, tuple[int, int]]) -> bytes:
    """A TIFF file with another value of one tag on each of these pages."""
    written, place, page = bytearray(data), int.from_bytes(data[4:8], "little"), 1
    while place:
        tags = int.from_bytes(data[place : place + 2], "little")
        for start in range(place + 2, place + 2 + 12 * tags, 12):
            if page in changed and int.from_bytes(data[start : start + 2], "little") == changed[page][0]:
                written[start + 8 : start + 12] = changed[page][1].to_bytes(4, "little")
        place, page = int.from_bytes(data[place + 2 + 12 * tags :][:4], "little"), page + 1
    return bytes(written)


def words_seen(*lines: str, sure: float = 90.0) -> str:
    """What the engine writes of these lines, as a script that writes it."""
    rows = [_COLUMNS]
    for number, line in enumerate(lines, 1):
        rows += [["5", "1", "1", "1", str(number), "1", *"0000", str(sure), word] for word in line.split()]
    return f"cat >/dev/null; printf %s {shlex.quote(chr(10).join(map(chr(9).join, rows)))}"


def stand_in(folder: Path, patch: pytest.MonkeyPatch, script: str) -> None:
    """A program in the engine's place, which knows English and a language `xyz`, and does this with a picture."""
    place = folder / "bin"
    place.mkdir(exist_ok=True)
    program = place / "tesseract"
    languages = '[ "$1" = --list-langs ] && { printf "List:\\nxyz\\nosd\\neng\\n"; exit; }'
    program.write_text(f"#!/bin/sh\n{languages}\n{script}\n")
    program.chmod(0o755)
    patch.setenv("PATH", f"{place}{os.pathsep}/usr/bin{os.pathsep}/bin")
