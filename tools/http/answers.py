"""Answers of web APIs: their bodies as values, and their failures in the classes of retry policies."""

import base64
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from state.errors import ToolFailed
from state.workflow.policies import ErrorClass
from tools.addresses import MASK
from tools.storable import storable

_CLASSES: dict[int, ErrorClass] = {
    400: "bad_input",
    408: "timeout",
    413: "bad_input",
    415: "bad_input",
    422: "bad_input",
    425: "unavailable",
    429: "rate_limited",
}
_MOST_SAID = 200
_MOST_LEVELS = 100
"""Of JSON: what walks through values must not run out of stack."""
_TEXTS = ("text/", "application/xml", "application/yaml", "application/x-ndjson", "application/x-www-form-urlencoded")


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text without secrets."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def masked_within(value: Any, secrets: Sequence[str]) -> Any:
    """The value with the secrets masked in all its texts."""
    if not secrets:
        return value
    if isinstance(value, str):
        return masked(value, secrets)
    if isinstance(value, dict):
        return {masked(key, secrets): masked_within(each, secrets) for key, each in value.items()}
    if isinstance(value, list):
        return [masked_within(each, secrets) for each in value]
    return value


def failure(response: httpx.Response, data: bytes, place: str, secrets: Iterable[str]) -> ToolFailed:
    """An answer that is no success: its class, the beginning of what it says, and the pause that it asks for."""
    status = response.status_code
    kind = _CLASSES.get(status, "unavailable" if status >= 500 else "refused")
    said = masked(" ".join(storable(data[:2000].decode(errors="replace")).split()), secrets)[:_MOST_SAID]
    after = retry_after(response)
    asked = f" It asks to wait {after:g} s." if after is not None else ""
    quoted = f": {said}" if said else "."
    return ToolFailed(f"It answered with status {status}{quoted}{asked}", kind, place=place, retry_after=after)


def retry_after(response: httpx.Response) -> float | None:
    """Seconds that the server asks to wait (RFC 9110, section 10.2.3), given as seconds or as a date."""
    said = response.headers.get("retry-after", "").strip()
    if said.isdecimal() and len(said) < 10:
        return float(said)
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return None
    now = datetime.now(UTC)
    return max(0.0, ((until if until.tzinfo else until.replace(tzinfo=UTC)) - now).total_seconds())


def parsed(response: httpx.Response, data: bytes, place: str) -> Any:
    """The body: JSON as values, text as it is, anything else in base64; None where there is none."""
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not data:
        return None
    if media_type == "application/json" or media_type.endswith("+json"):
        try:
            value = json.loads(data, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise ToolFailed("The answer says that it is JSON, and is not.", "bad_output", place=place) from error
        if not _is_flat(value, _MOST_LEVELS):
            raise ToolFailed(f"The answer has more than {_MOST_LEVELS} levels.", "bad_output", place=place)
        return value
    if media_type.startswith(_TEXTS) or media_type.endswith("+xml"):
        try:
            return storable(data.decode(response.charset_encoding or "utf-8", errors="replace"))
        except LookupError:
            return storable(data.decode(errors="replace"))
    return base64.b64encode(data).decode()


def selected(body: Any, path: str, place: str) -> Any:
    """The part of the body that a JSONPath names: one value, or a list where the path can name several."""
    import jsonpath_rfc9535 as jsonpath

    try:
        query = jsonpath.compile(path)
        found = query.find(body).values()
    except (jsonpath.JSONPathError, RecursionError) as error:
        raise ToolFailed(f"{path!r} is no JSONPath: {error}.", "bad_input", place="json_path") from error
    if not query.singular_query():
        return found
    if not found:
        raise ToolFailed(f"The answer has nothing at {path}.", "bad_output", place=place)
    return found[0]


def _is_flat(value: Any, levels: int) -> bool:
    """Whether no list or object stands in more than so many others."""
    if not isinstance(value, dict | list):
        return True
    within = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_flat(each, levels - 1) for each in within)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
