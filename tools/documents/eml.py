"""Mail: who wrote to whom when about what, the message, and what is attached to it."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath

from state.errors import SourceError
from tools.documents import html, text
from tools.documents.extracted import PARSER_ERRORS, Reading, TextBuilder, joined, squeeze
from tools.documents.passages import pack

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_DEEPEST = 3
"""How many messages may be attached to each other."""
_MOST_ATTACHMENTS = 200


def read(data: bytes, uri: str) -> Reading:
    """The message as passages, and those attachments that are of a known format, under their names.

    Of a message in several forms the plain text is read. Raises SourceError if the bytes are no message.
    """
    return _reading(data, _DEEPEST)


def _reading(data: bytes, depth: int) -> Reading:
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    if not any(_header(message, name) for name in ("From", "Date", "Subject", "Received", "Message-ID")):
        raise SourceError("the file is no message: it has no header")
    attached = list(_attachments(message, depth)) if depth else []
    readings = [("", _head(message, [line for line, _ in attached])), ("", _body(message))]
    readings += [(name, reading) for name, found in attached for reading in found]
    return joined(_header(message, "Subject"), _date(message), readings)


def _header(message: EmailMessage, name: str) -> str:
    try:
        return squeeze(str(message.get(name, "")))
    except PARSER_ERRORS:  # the parser of addresses gives up on some
        return ""


def _date(message: EmailMessage) -> str | None:
    try:
        return parsedate_to_datetime(_header(message, "Date")).date().isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _head(message: EmailMessage, attached: list[str]) -> Reading:
    builder = TextBuilder()
    lines = [f"{name}: {said}" for name in _HEADERS if (said := _header(message, name))]
    builder.add("\n".join([*lines, *(f"Attached: {line}" for line in attached)]), hard_lines=True)
    return _packed(builder)


def _packed(builder: TextBuilder) -> Reading:
    extracted, blocks = builder.finish()
    return Reading("", None, pack(extracted, blocks), extracted)


def _body(message: EmailMessage) -> Reading:
    part = message.get_body(("plain", "html"))
    if not isinstance(part, EmailMessage):
        return Reading("", None, [])
    content = _decoded(part)
    if part.get_content_subtype() == "html" and "<" in content:
        return html.read(content.encode(), "")
    builder = TextBuilder()
    for paragraph in text.paragraphs(content):
        builder.add(paragraph.group(), hard_lines=not text.is_wrapped(paragraph.group()))
    return _packed(builder)


def _decoded(part: EmailMessage) -> str:
    """The text of a part, whether or not it is in the encoding that it states."""
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    try:
        found = data.decode(str(part.get_content_charset("utf-8")))
    except (LookupError, UnicodeError):
        found = data.decode("cp1252", errors="replace")
    return found.replace("\r\n", "\n").replace("\x00", " ")


def _attachments(message: EmailMessage, depth: int) -> Iterator[tuple[str, list[Reading]]]:
    """Each attachment in words, with its reading if it could be read."""
    for number, part in enumerate(message.iter_attachments(), 1):
        if number > _MOST_ATTACHMENTS:
            yield "and more", []
            return
        name = squeeze(part.get_filename() or "") or f"part {number} ({part.get_content_type()})"
        try:
            yield name, [_attachment(part, name, depth)]
        except SourceError as error:
            yield f"{name}, not read: {error.message}", []
        except PARSER_ERRORS:
            yield f"{name}, not read: it is broken", []


def _attachment(part: EmailMessage, name: str, depth: int) -> Reading:
    from tools.documents.formats import FORMATS

    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload(0)
        assert isinstance(inner, EmailMessage)
        return _reading(inner.as_bytes(), depth - 1)
    suffix = PurePosixPath(name).suffix.lower()
    payload = part.get_payload(decode=True)
    if suffix not in FORMATS or not isinstance(payload, bytes):
        raise SourceError(f"of type {part.get_content_type()}")
    if suffix == ".eml":
        return _reading(payload, depth - 1)
    return FORMATS[suffix].read(payload, name)
