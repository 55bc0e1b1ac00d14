"""The script of a fake model: what it answers, step by step. Written in Python or as a JSON file.

A call takes the first step that matches it and is not used up. Steps without a condition are thus taken in
order; steps with `when`, `about` or `turn` find their call wherever it comes, also from branches side by side
and after a resume, where the process, and with it the order, begins anew.
"""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from state.errors import SetupError

ErrorKind = Literal["rate_limit", "server_error", "timeout", "auth", "context_overflow", "connection"]
_ACTIONS = ("reply", "tool_calls", "structured", "error", "hang", "raw")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FakeCall(_Part):
    """A call of one tool."""

    name: str
    args: dict[str, Any] = Field(default_factory=dict)


class FakeRaw(_Part):
    """A call whose arguments are this text, JSON or not."""

    name: str
    arguments: str


class FakeError(_Part):
    """An error as a provider would give it."""

    kind: ErrorKind
    retry_after: float | None = Field(default=None, ge=0)
    """Seconds, sent as the `Retry-After` header."""
    message: str = ""


class FakeStep(_Part):
    """One answer: exactly one of `reply`, `tool_calls`, `structured`, `error`, `hang` and `raw`."""

    reply: str | None = None
    tool_calls: tuple[FakeCall, ...] | None = Field(default=None, min_length=1)
    structured: dict[str, dict[str, Any]] | None = Field(default=None, min_length=1)
    """Arguments by name of schema or tool: the one that is bound is called with its arguments."""
    error: FakeError | None = None
    hang: float | None = Field(default=None, ge=0)
    """Seconds without an answer; then the call times out."""
    raw: FakeRaw | None = None

    when: str | None = None
    """Taken only if the last message contains this, or a tool or schema of this name is bound."""
    about: str | None = None
    """Taken only if some message contains this."""
    turn: int | None = Field(default=None, ge=0)
    """Taken only if the conversation holds this many answers."""
    repeat: int | Literal["always"] = Field(default=1)
    """How many calls may take the step."""
    delay: float = Field(default=0, ge=0)
    """Seconds before the answer."""
    finish_reason: str | None = None
    """Instead of `stop` or `tool_calls`, e.g. `length`."""

    @model_validator(mode="after")
    def _one_action(self) -> "FakeStep":
        given = [name for name in _ACTIONS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"a step needs exactly one of {', '.join(_ACTIONS)}; it has {', '.join(given) or 'none'}")
        if self.repeat != "always" and self.repeat < 1:
            raise ValueError("repeat must be at least 1, or always")
        return self


class FakeScript(_Part):
    """All that a fake model answers."""

    steps: tuple[FakeStep, ...] = Field(min_length=1)
    log: Path | None = None
    """A file that gets one JSON line a call, so that calls can be counted across processes."""

    @classmethod
    def load(cls, path: Path) -> "FakeScript":
        """Reads a JSON file; `log` is relative to its folder. Raises SetupError that names the mistake."""
        try:
            script = cls.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise SetupError(
                f"the script of the fake model cannot be read: {error.strerror}.",
                place=str(path),
                remedy="Name an existing JSON file: fake/path/to/script.json.",
            ) from error
        except json.JSONDecodeError as error:
            place = f"{path}:{error.lineno}:{error.colno}"
            raise SetupError(f"this is not JSON: {error.msg}.", place=place, remedy="Mend the file.") from error
        except (ValidationError, UnicodeDecodeError) as error:
            raise SetupError(
                f"the script of the fake model is not valid: {_mistakes(error)}.",
                place=str(path),
                remedy="Mend the file.",
            ) from error
        return script.model_copy(update={"log": path.parent / script.log}) if script.log else script


def _mistakes(error: ValidationError | UnicodeDecodeError) -> str:
    """Each mistake with its place: `steps[2].error.kind: Input should be …`."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    told = []
    for mistake in error.errors():
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in mistake["loc"]).lstrip(".")
        told.append(f"{place or 'the whole'}: {mistake['msg'].removeprefix('Value error, ')}")
    return "; ".join(told)
