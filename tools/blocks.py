"""Named blocks of JSON in a prompt: how records are shown to a model, and read back by one that reads exactly.

A block is `<name>` + JSON + `</name>`. Text inside cannot close a block: `<`, `>` and `&` are written as JSON escapes.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage

_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def block(name: str, value: Any) -> str:
    """`value` (anything JSON can say) as a block called `name`."""
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    return f"<{name}>{text.translate(_ESCAPES)}</{name}>"


def read_block(text: str, name: str) -> Any | None:
    """The value of the last block called `name` in the text, or None where there is none."""
    found = re.findall(rf"<{name}>(.*?)</{name}>", text, flags=re.DOTALL)
    return json.loads(found[-1]) if found else None


def text_of(messages: Sequence[BaseMessage]) -> str:
    """The text of all messages, one after another."""
    return "\n".join(message.text for message in messages)
