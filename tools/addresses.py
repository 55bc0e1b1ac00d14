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
            "The address of a source holds a user or a password.",
            place=f"{parts.scheme}://{storable(parts.netloc.rpartition('@')[2])}",
            remedy="Leave out what stands before the @, or save the page and name the file.",
        )
    return _PARAMETERS.sub(_masked, storable(address))


def refuse_logins(sources: object) -> None:
    """Raises SourceError, as `shown_address`, if one of the sources that a run is given is such an address: what a run
    is given is stored.
    """
    for name in sources if isinstance(sources, list) else ():
        if isinstance(name, str) and "://" in name:
            shown_address(name.strip())


def _masked(found: re.Match[str]) -> str:
    parts = found[0].split(";")
    for place, part in enumerate(parts):
        name, sign, _ = part.partition("=")
        if sign and _SECRET.search(unquote_plus(name)):
            return ";".join([*parts[:place], f"{name}={MASK}"])
    return found[0]
