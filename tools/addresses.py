"""Addresses as they may be stored and shown: without what lets somebody in."""

import re
from urllib.parse import unquote_plus, urlsplit

from state.errors import SourceError
from tools.storable import storable

MASK = "***"
_SECRET = re.compile(r"(token|key|password|passwd|pwd|secret|signature|sig|auth|credentials?)$", re.IGNORECASE)
_PARAMETERS = re.compile(r"(?<=[?&#])[^&#]+")


def shown_address(address: str) -> str:
    """The address with the values of parameters that are secret by their names as `***`.

    Raises SourceError if a user or a password stands in it: a source's address goes into prompts and reports.
    """
    try:
        parts = urlsplit(address)
    except ValueError:  # whoever fetches it says what is wrong with it
        return _PARAMETERS.sub(_masked, storable(address.rpartition("@")[2]))
    if "@" in parts.netloc:
        raise SourceError(
            "The address holds a user or a password, and would be stored.",
            place=f"{parts.scheme}://{storable(parts.netloc.rpartition('@')[2])}",
            remedy="Leave out what stands before the @. Save the source as a file; give a tool a named secret.",
        )
    return _PARAMETERS.sub(_masked, storable(address))


def is_secret(name: str) -> bool:
    """Whether what a parameter or a header of this name says is secret, as far as the name tells."""
    return name.lower() == "cookie" or _SECRET.search(name) is not None


def refuse_logins(given: object) -> None:
    """Raises SourceError, as `shown_address`, if what a run is given is such an address or holds one: it is stored."""
    if isinstance(given, str):
        if "://" in given and not re.search(r"\s", given.strip()):
            shown_address(given.strip())
    elif isinstance(given, dict):
        for value in given.values():
            refuse_logins(value)
    elif isinstance(given, list):
        for value in given:
            refuse_logins(value)


def _masked(found: re.Match[str]) -> str:
    parts = found[0].split(";")
    for place, part in enumerate(parts):
        name, sign, _ = part.partition("=")
        if sign and is_secret(unquote_plus(name)):
            return ";".join([*parts[:place], f"{name}={MASK}"])
    return found[0]
