"""Errors of model providers as ours: what a client raises becomes one of four ModelErrors, or stays as it is.

LangChain's own classes (`langchain_core.exceptions`) are the first guide; where an integration does not use
them, the HTTP status, the wording and the kind of transport error decide. A bug of ours is none of these.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType

from langchain_core import exceptions as core

from chains.models import key_variable, provider_of
from state.errors import BadOutput, ContextOverflow, ModelError, ModelRefused, ModelUnavailable, RateLimited

_OVERFLOW = re.compile(
    r"context_length_exceeded|context_window_exceeded|ContextWindowExceeded|exceed_context_size"
    r"|maximum context length|context window"
    r"|exceed\w*\W+(?:\w+\W+){0,5}context|context (?:size|length)\W+\w*\W*exceed"
    r"|prompt is too long|input is too long|too many (?:input )?tokens|input token count|input tokens exceed"
    r"|reduce the length of|`inputs` tokens|tokens to keep from the initial prompt|request too large",
    re.IGNORECASE,
)
"""Wordings of OpenAI, Anthropic, Google, llama.cpp, vLLM, TGI, LM Studio and LiteLLM."""
_MAY_OVERFLOW = frozenset({400, 413, 422, 500})
_NEVER_FITS = re.compile(r"request too large", re.IGNORECASE)
"""A 429 that waiting does not help: one request asks for more tokens than a minute allows."""
_OUT_OF_QUOTA = re.compile(
    r"insufficient_quota|billing|exceeded your current quota|insufficient balance", re.IGNORECASE
)
_AGAIN = frozenset({408, 409, 425})
_CUT_OR_REFUSED = frozenset({"LengthFinishReasonError", "ContentFilterFinishReasonError", "OpenAIRefusalError"})
_TRANSPORT = frozenset({"TransportError", "APIConnectionError"})
_CLIENTS = frozenset({"httpx", "httpx2", "openai", "anthropic", "groq", "cohere"})
_NO_CHOICES = re.compile(r"Response missing 'choices' key|null value for 'choices'|No generation(?:s| chunks)\b")
"""Of a whole answer, and of a stream in which nothing came."""
_OTHER_PROTOCOL = re.compile(r"Unexpected response type from OpenAI-compatible endpoint")
_SECRET = re.compile(r"\b(?:sk|pk|gsk|key|lsv2)[-_][\w*-]{6,}")
_DID: dict[type[ModelError], str] = {
    ModelUnavailable: "did not answer",
    RateLimited: "takes no more requests for now",
    ModelRefused: "refused the request",
    ContextOverflow: "cannot take a prompt of this length",
    BadOutput: "gave an answer that cannot be used",
}


class Classified:
    """Turns an error that is the model's into a ModelError, and lets every other pass untouched."""

    def __init__(self, model: str) -> None:
        self._model = model

    def __enter__(self) -> None:
        """Nothing is acquired."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        known = classify(error, self._model) if error is not None else None
        if known is not None and known is not error:
            raise known from error


def classify(error: BaseException, model: str) -> ModelError | None:
    """The error of a call of `model` as a ModelError; None if it is not the model's and goes on as it is."""
    if isinstance(error, ModelError) or not isinstance(error, Exception):
        return error if isinstance(error, ModelError) else None
    told, status = _words(error), _status(error)
    kind = _kind(error, status, told)
    if kind is None:
        return None
    number = f" (HTTP {status})" if status else ""
    message = f"{model or 'the model'} {_DID[kind]}{number}: {_short(told)}"
    if issubclass(kind, ModelUnavailable):
        remedy = "Try again later, or name fallback models."
        return kind(message, remedy=remedy, retry_after=retry_after(error))
    return kind(message, remedy=_remedy(kind, status, told, model))


def retry_after(error: Exception) -> float | None:
    """The pause in seconds that the provider asked for: `Retry-After`, RFC 9110 section 10.2.3."""
    headers = getattr(getattr(error, "response", None), "headers", None)
    if not isinstance(headers, Mapping):
        return None
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers.get(name, "")) * unit)
        except ValueError:
            continue
    try:
        until = parsedate_to_datetime(str(headers.get("retry-after")))
    except ValueError:
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


def _kind(error: Exception, status: int | None, told: str) -> type[ModelError] | None:
    if isinstance(error, core.ContextOverflowError) or (status in _MAY_OVERFLOW and _OVERFLOW.search(told)):
        return ContextOverflow
    if isinstance(error, core.OutputParserException) or type(error).__name__ in _CUT_OR_REFUSED:
        return BadOutput
    if status is not None and status >= 400:
        return _of_status(status, told)
    if isinstance(error, core.ModelRateLimitError):
        return RateLimited
    if isinstance(error, core.ModelError):
        return ModelUnavailable if error.is_retryable else ModelRefused
    return _of_answer(error) or (ModelUnavailable if _is_transport(error) else None)


def _of_status(status: int, told: str) -> type[ModelError]:
    if status == 413 or (status == 429 and _NEVER_FITS.search(told)):
        return ContextOverflow
    if status == 429 and _OUT_OF_QUOTA.search(told):
        return ModelRefused
    if status == 429:
        return RateLimited
    return ModelUnavailable if status in _AGAIN or status >= 500 else ModelRefused


def _of_answer(error: Exception) -> type[ModelError] | None:
    """Answers with status 200 that are none: an error in the body, HTML, no choices."""
    if isinstance(error, json.JSONDecodeError):
        return ModelUnavailable
    if not isinstance(error, ValueError | KeyError | TypeError) or not error.args:
        return None
    if isinstance(error, ValueError) and isinstance(error.args[0], dict):
        code = error.args[0].get("code")
        return _of_status(code, str(error)) if isinstance(code, int) and code >= 400 else ModelUnavailable
    if _OTHER_PROTOCOL.search(str(error)):
        return ModelRefused
    return ModelUnavailable if _NO_CHOICES.search(str(error)) else None


def _is_transport(error: Exception) -> bool:
    """Whether the connection failed or was too slow, whichever client says so."""
    if isinstance(error, TimeoutError | ConnectionError):
        return True
    return any(
        base.__name__ in _TRANSPORT and base.__module__.partition(".")[0] in _CLIENTS for base in type(error).__mro__
    )


def _status(error: Exception) -> int | None:
    """The HTTP status, by whichever name the client keeps it."""
    for status in (
        getattr(error, "status_code", None),
        getattr(getattr(error, "response", None), "status_code", None),
    ):
        if isinstance(status, int):
            return int(status)
    return None


def _words(error: Exception) -> str:
    """What the provider said, with its error code; for a connection that failed, why and where."""
    body = getattr(error, "body", None)
    if isinstance(body, dict):
        inner: dict[str, object] = body["error"] if isinstance(body.get("error"), dict) else body
        words = [str(inner[name]) for name in ("message", "code", "type") if inner.get(name)]
        if words:
            return " ".join(words[:1] + [f"[{word}]" for word in words[1:]])
    said = str(error) or type(error).__name__
    request = vars(error).get("request") if _is_transport(error) else None
    return said + _root_cause(error) + (f" at {request.url}" if request is not None else "")


def _root_cause(error: Exception) -> str:
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return f" ({cause})" if cause is not error and str(cause) and str(cause) not in str(error) else ""


def _short(told: str) -> str:
    """One line of at most 400 characters without anything that looks like a key."""
    line = _SECRET.sub("[key]", " ".join(told.split()))
    return line if len(line) <= 400 else f"{line[:399]}…"


def _remedy(kind: type[ModelError], status: int | None, told: str, model: str) -> str | None:
    if kind is ContextOverflow:
        return "Use a model with a longer context, or give it less to read."
    if kind is BadOutput:
        return "Use a model that is better at calling tools, or ask for shorter answers."
    if status in (401, 403):
        return f"Check {key_variable(provider_of(model))}." if model else "Check the provider's API key."
    if status == 402 or _OUT_OF_QUOTA.search(told):
        return "Check the account's balance with the provider."
    if status == 404:
        return "Check the model's name, and the base URL if one is set."
    return "Check the base URL: no OpenAI-compatible server answers there." if status is None else None
