"""How passages are shown to a model, and read back from what it was shown.

Text of sources is data: it stands between delimiters that it cannot forge, and sentences in it that give
orders to a model are found so that a report can say so. Nothing here follows them.
"""

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from state.evidence import Passage, Source
from tools.sentences import sentence_spans

_BLOCK = re.compile(r'<evidence(?: query="([^"]*)")?>\n(.*?)\n?</evidence>', re.DOTALL)
_PASSAGE = re.compile(
    r'<passage id="([^"]*)" source="([^"]*)"(?: where="([^"]*)")?(?: date="([^"]*)")?>(.*?)</passage>',
    re.DOTALL,
)


@dataclass(frozen=True)
class ShownPassage:
    """A passage as a model sees it."""

    id: str
    source: str
    """The source's uri; its id where the source is not known."""
    where: str
    """The locator in words; empty where there is none."""
    date: str
    """The source's date; empty where it states none."""
    text: str
    query: str = ""
    """What was searched for when it was shown."""


def render_evidence(passages: Sequence[Passage], sources: Sequence[Source], query: str = "") -> str:
    """The passages as one delimited block; markup inside their text is neutralised.

    `<evidence query="…"><passage id="p…" source="uri" where="p. 3" date="2022">text</passage></evidence>`
    """
    known = {source.id: source for source in sources}
    lines = [_rendered(passage, known.get(passage.source_id)) for passage in passages]
    return "\n".join([f"<evidence{_attribute('query', query)}>", *lines, "</evidence>"])


def _rendered(passage: Passage, source: Source | None) -> str:
    attributes = (
        f' id="{html.escape(passage.id)}" source="{html.escape(source.uri if source else passage.source_id)}"'
        + _attribute("where", passage.locator.label())
        + _attribute("date", (source.date or "") if source else "")
    )
    return f"<passage{attributes}>{html.escape(passage.text, quote=False)}</passage>"


def _attribute(name: str, value: str) -> str:
    return f' {name}="{html.escape(value)}"' if value else ""


def parse_evidence(text: str) -> list[ShownPassage]:
    """The passages of all evidence blocks in `text`, in order: the exact inverse of `render_evidence`."""
    return [
        ShownPassage(*map(html.unescape, [*match.groups(default=""), block.group(1) or ""]))
        for block in _BLOCK.finditer(text)
        for match in _PASSAGE.finditer(block.group(2))
    ]


_MODEL = (
    r"(?:ai|a\.i\.|llm|gpt|chatgpt|claude|(?:large )?language model|assistant(?! [a-z]+(?:or|er|ry|ch)\b)|chatbot|"
    r"ai (?:agent|model|system|assistant))"
)
_RULES = (
    # what was said before is not to count
    r"\b(?:ignore|disregard|forget|override|bypass|discard)\b[^.!?\n]{0,40}?\b(?:previous|prior|above|earlier|preceding|"
    r"foregoing|existing|original|system|your|all)\b[^.!?\n]{0,25}?\b(?:instructions?|prompts?|rules|guidelines|"
    r"directives?|constraints|training|programming)\b",
    r"\b(?:ignore|disregard|forget) (?:everything|anything|all)\b[^.!?\n]{0,20}?\b"
    r"(?:above|before|previous|told|said)\b",
    # a new part to play, new instructions
    r"\byou are now (?:a|an|in|the|acting|operating|no longer|free|dan)\b(?! (?:state|position|mode where))",
    r"\b(?:from now on|henceforth),? you (?:are|must|will|should|shall)\b",
    r"\b(?:new|updated|real|actual|secret|hidden|following) (?:system )?(?:instructions?|directives?)"
    rf"(?:\s*:| for (?:the |this |any )?{_MODEL}\b)",
    r"\bsystem (?:prompt|message|override|instruction)s?\s*:",
    # what the model was told is to be given away
    r"\b(?:reveal|print|show|repeat|output|display|leak|disclose)\b[^.!?\n]{0,30}\b(?:system|hidden|initial) prompt\b",
    r"\byour (?:system prompt|(?:hidden|initial|original) (?:prompt|instructions))\b",
    r"\b(?:send|post|email|upload|forward|exfiltrate)\b[^.!?\n]{0,60}\b(?:api keys?|passwords?|credentials|secrets|"
    r"conversation|chat history|system prompt)\b[^.!?\n]{0,30}\b(?:to|at)\b",
    # tools
    r"\b(?:call|invoke|trigger) the (?:[\w-]+ )?tool\b",
    r"\b(?:use|run|execute) (?:the|your) [\w-]+ tool to "
    r"(?:send|delete|write|post|email|upload|fetch|open|remove|pay)\b",
    # a model is spoken to
    r"\b(?:attention|note to|dear|message (?:to|for)|instructions? (?:to|for)|hey|hello),? "
    rf"(?:the |any |all |every |this )?{_MODEL}s?\b",
    rf"\b(?:if|as|since) (?:you are|you're) an? {_MODEL}\b",
    rf"\b{_MODEL}s? (?:reading|processing|summari[sz]ing|analy[sz]ing) this\b",
    r"\b(?:do not|don't|never) (?:tell|inform|mention (?:this|it) to|reveal (?:this|it) to|alert|notify) "
    r"the (?:user|reader|human)\b",
    r"\b(?:respond|reply|answer) (?:only|exclusively|exactly) with\b",
    # the marks that delimit a model's messages
    r"</?(?:system|assistant|instructions?|evidence|passage|tool_call|function_call)>|<\|\w+\|>|\[/?INST\]|<<SYS>>",
)
_ORDERS = re.compile("|".join(_RULES), re.IGNORECASE)
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\U000e0000-\U000e007f]")
_LONGEST = 300
_BEFORE = 100
"""Characters shown before an order in a sentence that is longer than what is shown."""


def find_instructions(text: str) -> list[str]:
    """The sentences of a fetched text that address a model rather than a reader, each cut to 300
    characters.

    For the note in the report, never to be followed. Rules only: an order in other words, or in another
    language than English, is not found, so nothing may rest on this alone.
    """
    plain = " ".join(unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).split())
    places = [match.start() for match in _ORDERS.finditer(plain)]
    found = []
    for start, end in sentence_spans(plain) if places else ():
        order = next((place for place in places if start <= place < end), None)
        if order is not None:
            first = max(start, min(order - _BEFORE, end - _LONGEST))
            found.append(plain[first : min(end, first + _LONGEST)].strip())
    return found
