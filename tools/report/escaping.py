"""Text of unknown origin made harmless: for a line, for Markdown, for a link."""

import re
from urllib.parse import quote, urlsplit

from tools.lookalikes import REORDERING, SMUGGLING

_INVISIBLE = re.compile(f"[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\u2060-\u2064\ufeff\ud800-\udfff{REORDERING}{SMUGGLING}]")
"""Control characters, those that turn the direction of writing, and those that hide text; joiners stay, as scripts and
emoji need them.
"""
_FORMULA = "=+-@\t\r"
"""What a text begins with that a spreadsheet takes for a formula."""
_ANYWHERE = re.compile(
    r"[\\`*\[\]|~]"  # code, emphasis, links, images, tables, struck out
    r"|<(?=[A-Za-z/!?])"  # a tag, a comment
    r"|&(?=#?\w+;)"  # an entity
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis, but not the underscore inside a name
    r"|:(?=//)|(?<=\bwww)\."  # an address that would become a link by itself
)
_AT_START = re.compile(r"^(\d*)(?=(?<=\d)[.)](?:\s|$)|(?<!\d)(?:[#>]|[+-](?:\s|$)|[-=][-=\s]*$))")
"""Before what would begin a heading, a quotation, a list or a rule at the start of a line."""


def visible(text: str) -> str:
    """The text without characters that nobody sees; line breaks stay."""
    return _INVISIBLE.sub("", text)


def one_line(text: str) -> str:
    """The text on one line, without characters that nobody sees."""
    return " ".join(visible(text).split())


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is: no markup, HTML, link, image or citation comes of it."""
    line = _ANYWHERE.sub(r"\\\g<0>", one_line(text))
    return _AT_START.sub(r"\1\\", line)


def web_address(uri: str) -> str:
    """The address if it is one of the web, encoded so that it cannot end a link; else the empty text."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return ""
    return quote(visible(uri), safe=":/?#@!$&*+,;=%-._~")


def cell_text(value: object) -> object:
    """A cell of a CSV file that no spreadsheet computes: a text that could be a formula gets an apostrophe before it
    (OWASP, CSV injection).
    """
    return f"'{value}" if isinstance(value, str) and value and value[0] in _FORMULA else value


def ending(text: str, words: int) -> str:
    """The last words of a text on one line, with an ellipsis where there are more."""
    parts = one_line(text).split(" ")
    return " ".join(parts) if len(parts) <= words else f"… {' '.join(parts[-words:])}"


def shorten(text: str, words: int) -> str:
    """The first words of a text on one line, with an ellipsis where there are more."""
    parts = one_line(text).split(" ")
    return " ".join(parts) if len(parts) <= words else f"{' '.join(parts[:words])} …"
