"""An error as a run's row keeps it: short, in one line, without what looks like a secret."""

import re

from state.errors import StrettoError
from tools.storable import storable

_LONGEST = 500
_SECRET = re.compile(
    r"\b(?:sk|pk|rk|ghp|gho|xox[a-z]|AKIA|AIza)[-_A-Za-z0-9*]{8,}"  # keys by their usual first letters
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"  # user:password of a URL
    r"|(?i:(?<=bearer )\S+)"
    r"|(?i:(?<=password=)\S+|(?<=api_key=)\S+|(?<=token=)\S+)"
)


def told(error: BaseException) -> str:
    """The message of an error; its type as well, unless the message was written for a person."""
    text = str(error) if isinstance(error, StrettoError) else f"{type(error).__name__}: {error}".rstrip(": ")
    line = _SECRET.sub("•••", " ".join(storable(text).split()))
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
