"""Finds orders to a model in fetched text, so that they can be withheld and reported. Nothing here follows them.

Rules only: an order in other words, or in a language that no rule knows, is not found. So nothing else may rest on
this alone: fetched text is delimited whatever it says, its claims are checked, and tools with side effects are refused.
"""

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

from tools.lookalikes import FIGURES, INVISIBLE, LETTERS, REORDERING, SMUGGLING
from tools.sentences import sentence_spans

_MODEL = (
    r"(?:ai|a\.i\.|llm|gpt|chatgpt|claude|gemini|copilot|(?:large )?language model|"
    r"assistant(?! [a-z]+(?:or|er|ry|ch)\b)|chatbot|ai (?:agent|model|system|assistant))"
)
_NAMES = "ai ais a.i. llm llms gpt chatgpt claude gemini copilot language+model assistant assistants chatbot chatbots"
_TURN = r"(?:^|[.!?:;,]\s+|\b(?:and|please|must|now|then|immediately)\s+)"
"""Where an order begins, as against a description of what somebody does."""
_BEFORE_TURN = ".!?:;, "
_SAY = (
    r"(?:say|state|report|claim|answer|reply|respond|recommend|rate|praise|ignore|include|call|send|output|print|write)"
)
_RULES: tuple[tuple[str, str], ...] = (
    # what was said before is not to count
    (
        "ignore disregard forget override bypass discard neglect follow obey",
        r"\b(?:ignore|disregard|forget|override|bypass|discard|neglect|(?:do not|don't|stop) (?:follow|obey)(?:ing)?)\b"
        r"[^.!?\n]{0,40}?\b(?:(?:previous|prior|above|earlier|preceding|foregoing|your)\b[^.!?\n]{0,25}?\b"
        r"(?:instructions?|prompts?|rules|guidelines|directives?|constraints|training|programming|commands?)|"
        r"(?:existing|original|system|all|any|other)\b[^.!?\n]{0,12}?\b(?:instructions?|prompts?))\b",
    ),
    (
        "ignore disregard forget",
        r"\b(?:ignore|disregard|forget) (?:everything|anything|all)\b"
        r"[^.!?\n]{0,20}?\b(?:above|before|previous|told|said)\b",
    ),
    (
        "+ignor +vergiss +missacht +oubli +olvid игнорир+ забудь+ 忽略+ 无视+ 忽視+ 忘记+ 無視+",
        r"\b(?:ignorier\w*|vergiss|missachte\w*)\b.{0,40}?\b(?:anweisung|instruktion|vorgabe)\w*|"
        r"\b(?:ignor[aez]+|ignorar|oublie[zr]?|olvida\w*)\b.{0,40}?\b(?:consignes|instructions|instrucciones|"
        r"instruções|istruzioni)\b|\b(?:игнорир|забудь)\w*.{0,40}?\b(?:инструкц|указани)|"
        r"(?:忽略|无视|忽視|忘记).{0,12}(?:指令|指示|提示)|(?:指示|命令).{0,6}無視",
    ),
    # a new part to play, new instructions
    (
        "you+are+now",
        r"\byou are now (?:acting|operating|no longer|free (?:of|from)|unrestricted|jailbroken|dan\b|"
        rf"in (?:developer|debug|god|admin\w*|maintenance|dan) mode|(?:an? )?(?:[\w-]+ ){{0,3}}{_MODEL}\b|"
        r"an? [\w-]+ without (?:rules|restrictions|limits))",
    ),
    (
        "from+now+on henceforth",
        rf"\b(?:from now on|henceforth),? you (?:are|must|shall|(?:will|should) (?:only |always )?{_SAY})\b",
    ),
    (
        "instruction instructions directive directives",
        r"\b(?:new|updated|revised|real|actual|secret|hidden|following) (?:system )?(?:instructions?|directives?)"
        rf"(?:\s*:| for (?:the |this |any )?{_MODEL}\b)",
    ),
    ("system", r"\bsystem (?:prompt|override|instruction)s?\s*:|</?system(?:_prompt|_message)?>"),
    # what the model was told, or knows, is to be given away
    (
        "prompt prompts",
        r"\b(?:reveal|print|show|repeat|output|display|leak|disclose|give)\b"
        r"[^.!?\n]{0,30}\b(?:system|hidden|initial) prompt\b",
    ),
    (
        "keys key password passwords credentials secrets conversation chat prompt",
        rf"{_TURN}(?:send|post|email|upload|forward|exfiltrate)\b[^.!?\n]{{0,60}}\b"
        r"(?:api keys?|passwords?|credentials|secrets|conversation|chat history|system prompt)\b"
        r"[^.!?\n]{0,30}\b(?:to|at)\s+(?:https?:|\S+@\S)",
    ),
    (
        "![",
        r"!\[[^\]]{0,200}\]\(\s*https?://[^)\s]{0,300}[?&/=](?:\[|\{|<|%7b|%5b)",
    ),  # an image whose address has a blank to fill in
    # tools
    ("tool", rf"{_TURN}(?:call|invoke|trigger) the (?:[\w-]+ )?tool\b"),
    (
        "tool",
        r"\b(?:use|run|execute) (?:the|your) [\w-]+ tool to "
        r"(?:send|delete|write|post|email|upload|fetch|open|remove|pay)\b",
    ),
    # a model is spoken to, or of
    (
        "attention note dear message instruction instructions",
        r"\b(?:attention|note to|dear|message (?:to|for)|instructions? (?:to|for)),? "
        rf"(?:the |any |all |every |this )?{_MODEL}s?\b",
    ),
    (
        _NAMES,
        rf"\b(?:if|as|since) (?:you are|you're) an? {_MODEL}\b|\bas an? {_MODEL},? you\b|"
        rf"\b{_MODEL}s? (?:reading|processing|summari[sz]ing|analy[sz]ing|reviewing) this\b",
    ),
    (
        "must shall required instructed ordered",
        rf"\b{_MODEL}s? (?:must|shall|(?:is|are) (?:required|instructed|ordered) to) (?:now |always |only )?{_SAY}\b",
    ),
    (
        "tell inform mention reveal",
        r"\b(?:do not|don't|never) (?:tell|inform|mention (?:this|it) to|reveal (?:this|it) to) "
        r"the (?:user|reader|human)\b",
    ),
    (
        "only+with exclusively+with exactly+with",
        rf"{_TURN}(?:respond|reply|answer) (?:only|exclusively|exactly) with\b",
    ),
    (
        "your",
        r"\b(?:begin|start|open|end|finish|close|preface) your (?:answer|response|reply|report|summary|output) with\b|"
        r"\byour (?:response|reply|summary|output) (?:must|shall|has to)\b",
    ),
    # the marks that delimit a model's messages, and ours
    (
        "<| [inst [/inst <<sys evidence passage tool_call+ function_call+",
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id|begin_of_text)\|>|\[/?INST\]|"
        r"<<SYS>>|</?(?:evidence|passage|tool_call|function_call)\b[^>]{0,200}>",
    ),
)

_WORD = re.compile(r"[^\W_]+")
_COMPILED = [
    (
        frozenset(filter(_WORD.fullmatch, words.split())),
        [part.replace("+", " ").strip() for part in words.split() if not _WORD.fullmatch(part)],
        re.compile(rule, re.IGNORECASE),
    )
    for words, rule in _RULES
]
"""Each rule after words, and parts of a text, one of which stands in whatever it matches: to look for those first is
far cheaper. In the table a `+` is a space, or makes a part of a word.
"""
_UNSEEN = re.compile(f"[{INVISIBLE}{REORDERING}{SMUGGLING}]")
_TAGGED = re.compile("[\U000e0020-\U000e007e]{4,}")
_CODED = 24
"""Characters from which a word may be text in base64."""
_BASE64 = re.compile(rf"[A-Za-z0-9+/_-]{{{_CODED},}}={{0,2}}")
_FIGURED = re.compile(r"(?<=[^\W\d])[013457@$]+(?=[^\W\d])")
"""A figure inside a word."""
_LONGEST = 300
_BEFORE = 100
"""Characters shown before an order in a sentence that is longer than what is shown."""


def find_instructions(text: str) -> list[str]:
    """The sentences of a fetched text that address a model rather than a reader, each cut to 300 characters.

    Also those that are written with invisible or look-alike characters, as HTML entities, in base64 or in tags of
    Unicode: what is found is given as it was meant.
    """
    shown = next((found for form in _forms(text) if (found := _orders(form))), [])
    return list(dict.fromkeys([*shown, *(order for hidden in _decoded(text) for order in _orders(hidden))]))


def instructions_in_name(name: str) -> list[str]:
    """The orders that a title or the name of a file gives, where `_`, `-` and `%20` may stand for spaces."""
    return find_instructions(name) or find_instructions(re.sub(r"[\W_]+", " ", unquote(name)))


def _forms(text: str) -> Iterator[str]:
    """The text as it may be meant, the plainest first."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", _UNSEEN.sub("", text))
    plain = " ".join(plain.split())
    yield plain
    if "&" in plain:
        yield " ".join(html.unescape(plain).split())
    if not plain.isascii():
        yield plain.translate(LETTERS)
    if _FIGURED.search(plain):
        yield plain.translate(FIGURES)


def _decoded(text: str) -> Iterator[str]:
    """Text that is hidden in the text."""
    for tagged in _TAGGED.findall(text):
        yield "".join(chr(ord(letter) - 0xE0000) for letter in tagged)
    long = (word for word in text.split() if len(word) >= _CODED)
    for coded in (found for word in long for found in _BASE64.findall(word)):
        try:
            plain = base64.urlsafe_b64decode(coded.replace("+", "-").replace("/", "_")).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
        yield " ".join(plain.split())


def _orders(plain: str) -> list[str]:
    """The sentences of a plain text that a rule finds."""
    low = plain.lower()
    held = set(_WORD.findall(low))
    places = [
        match.end() - len(match[0].lstrip(_BEFORE_TURN))
        for words, parts, rule in _COMPILED
        if not words.isdisjoint(held) or any(part in low for part in parts)
        for match in rule.finditer(plain)
    ]
    found = []
    for start, end in sentence_spans(plain) if places else ():
        order = min((place for place in places if start <= place < end), default=None)
        if order is not None:
            first = max(start, min(order - _BEFORE, end - _LONGEST))
            found.append(plain[first : min(end, first + _LONGEST)].strip())
    return found
