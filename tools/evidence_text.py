"""How fetched text is shown to a model, and read back from what it was shown.

Text of sources is data: it stands between delimiters that it cannot forge, whatever it says. Every tool that returns
such text, also in an error, shows it by `render_evidence`, by `fenced`, or as a block of `tools/blocks.py`.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from state.evidence import Passage, Source
from tools.lookalikes import UNSAFE

_BLOCK = re.compile(r'<evidence(?: query="([^"]*)")?>\n(.*?)\n?</evidence>', re.DOTALL)
_PASSAGE = re.compile(
    r'<passage id="([^"]*)" source="([^"]*)"(?: title="([^"]*)")?(?: where="([^"]*)")?(?: date="([^"]*)")?>'
    r"(.*?)</passage>",
    re.DOTALL,
)


@dataclass(frozen=True)
class ShownPassage:
    """A passage as a model sees it."""

    id: str
    source: str
    """The source's uri; its id where the source is not known."""
    title: str
    """The source's title; empty where the source is not known."""
    where: str
    """The locator in words; empty where there is none."""
    date: str
    """The source's date; empty where it states none."""
    text: str
    query: str = ""
    """What was searched for when it was shown."""


def render_evidence(passages: Sequence[Passage], sources: Sequence[Source], query: str = "") -> str:
    """The passages as one delimited block; markup inside their text is neutralised.

    `<evidence query="…"><passage id="p…" source="uri" title="…" where="p. 3" date="2022">text</passage></evidence>`
    """
    known = {source.id: source for source in sources}
    lines = [_rendered(passage, known.get(passage.source_id)) for passage in passages]
    return "\n".join([f"<evidence{_attribute('query', query)}>", *lines, "</evidence>"])


def _rendered(passage: Passage, source: Source | None) -> str:
    attributes = (
        f' id="{_exact(passage.id)}" source="{_exact(source.uri if source else passage.source_id)}"'
        + _attribute("title", source.title if source else "")
        + _attribute("where", passage.locator.label())
        + _attribute("date", (source.date or "") if source else "")
    )
    return f"<passage{attributes}>{neutral(passage.text.replace('&', '&amp;'))}</passage>"


def _attribute(name: str, value: str) -> str:
    return f' {name}="{_exact(value)}"' if value else ""


def _exact(value: str) -> str:
    """An attribute's value, from which `html.unescape` makes the value again."""
    return neutral(value.replace("&", "&amp;")).replace('"', "&quot;")


def neutral(text: str) -> str:
    """The text with what could pass for a delimiter, or hide what it says, as HTML entities."""
    return UNSAFE.sub(lambda found: {"<": "&lt;", ">": "&gt;"}.get(found[0], f"&#x{ord(found[0]):x};"), text)


def fenced(name: str, text: str) -> str:
    """Text that holds words of a source, as a delimited block: `<name>` + text + `</name>`."""
    return f"<{name}>{neutral(text)}</{name}>"


def parse_evidence(text: str) -> list[ShownPassage]:
    """The passages of all evidence blocks in `text`, in order: the exact inverse of `render_evidence`."""
    return [
        ShownPassage(*map(html.unescape, [*match.groups(default=""), block.group(1) or ""]))
        for block in _BLOCK.finditer(text)
        for match in _PASSAGE.finditer(block.group(2))
    ]
