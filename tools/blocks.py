"""Named blocks of JSON in a prompt: how records are shown to a model, and read back by one that reads exactly.

A block is `<name>` + JSON + `</name>`. Text inside cannot close a block: what could pass for a delimiter is written as
JSON escapes.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage

from tools.lookalikes import UNSAFE

_MARKUP = re.compile(rf"&|{UNSAFE.pattern}")


def block(name: str, value: Any) -> str:
    """`value` (anything JSON can say) as a block called `name`."""
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    return f"<{name}>{_MARKUP.sub(_escape, text)}</{name}>"


def _escape(found: re.Match[str]) -> str:
    """A character as JSON writes it in ASCII: in units of UTF-16."""
    return re.sub("(.{4})", r"\\u\1", found[0].encode("utf-16-be").hex())


def read_block(text: str, name: str) -> Any | None:
    """The value of the last block called `name` in the text, or None where there is none."""
    found = re.findall(rf"<{name}>(.*?)</{name}>", text, flags=re.DOTALL)
    return json.loads(found[-1]) if found else None


def text_of(messages: Sequence[BaseMessage]) -> str:
    """The text of all messages, one after another."""
    return "\n".join(message.text for message in messages)
