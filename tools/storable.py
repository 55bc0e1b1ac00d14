"""What a value must be to be stored and come back: text without NUL, JSON without NaN.

The stores and their in-memory twins both use it, so that what a test sees is what the database gives.
"""

import json
import re

from pydantic_core import to_jsonable_python

# PostgreSQL's text holds neither NUL nor half of a surrogate pair.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with the characters that a text column cannot hold as U+FFFD; mostly the text itself."""
    return _UNSTORABLE.sub("�", text)


def json_text(value: object) -> str:
    """The value as ASCII JSON: records as objects, tuples as arrays, NaN and infinities as null."""
    return json.dumps(to_jsonable_python(value, inf_nan_mode="null"), allow_nan=False)
