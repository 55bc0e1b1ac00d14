"""Markdown: headings, paragraphs, lists, code and table rows, as CommonMark reads them."""

import re
from collections.abc import Iterable, Sequence

from bs4 import BeautifulSoup
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tools.dates import iso_date, stated_date
from tools.documents.encodings import decode
from tools.documents.extracted import Reading, TextBuilder, squeeze
from tools.documents.passages import pack
from tools.documents.tables import row_text

_FRONT = re.compile(r"---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
_FIELD = re.compile(r"^(title|date)\s*:\s*[\"']?(.+?)[\"']?\s*$", re.MULTILINE | re.IGNORECASE)


def read(data: bytes, uri: str) -> Reading:
    """The blocks of the document without markup; `chars` count in that text, `lines` in the file."""
    source = decode(data)
    front = _FRONT.match(source)
    fields = {name.lower(): value for name, value in _FIELD.findall(front.group(1))} if front else {}
    body = "\n" * front.group().count("\n") + source[front.end() :] if front else source
    builder = TextBuilder()
    add_markdown(body, builder)
    text, blocks = builder.finish()
    title = fields.get("title") or next((block.heading[0] for block in blocks if block.heading), "")
    return Reading(title, iso_date(fields.get("date", "")) or stated_date(text), pack(text, blocks), text)


def add_markdown(source: str, builder: TextBuilder, *, counts_lines: bool = True) -> None:
    """Adds the blocks of a text; `counts_lines` where the lines of the text are those of a file."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(source)
    if not counts_lines:
        for token in tokens:
            token.map = None
    _walk(tokens, builder)


def _walk(tokens: Sequence[Token], builder: TextBuilder) -> None:
    header: list[str] = []
    row: list[str] = []
    row_line: int | None = None
    for before, token in zip([None, *tokens], tokens, strict=False):
        opened = before.type if before is not None else ""
        line = token.map[0] + 1 if token.map else None
        if token.type == "inline" and opened == "heading_open":
            builder.heading(int(before.tag[1]) if before else 1, plain(token.children or ()), line=line)
        elif token.type == "inline" and opened in ("th_open", "td_open"):
            row.append(squeeze(plain(token.children or ())))
        elif token.type == "inline":
            builder.add(plain(token.children or ()), line=line)
        elif token.type == "tr_open":
            row, row_line = [], line
        elif token.type == "tr_close":
            if header:
                builder.add(row_text(header, row), line=row_line)
            else:
                header = row
        elif token.type == "table_close":
            header = []
        else:
            _leaf(token, line, builder)


def _leaf(token: Token, line: int | None, builder: TextBuilder) -> None:
    if token.type in ("fence", "code_block"):
        shift = 1 if token.type == "fence" else 0
        builder.add(token.content.rstrip("\n"), line=line and line + shift, hard_lines=True)
    elif token.type == "html_block":
        builder.add(BeautifulSoup(f"<div>{token.content}</div>", "html.parser").get_text().rstrip(), line=line)


def plain(tokens: Iterable[Token]) -> str:
    """The text of inline tokens without markup; a line end stays one, so that lines can be counted."""
    pieces = []
    for token in tokens:
        if token.type in ("text", "code_inline"):
            pieces.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            pieces.append("\n")
        elif token.type == "image":
            pieces.append(plain(token.children or ()))
    return "".join(pieces)
