"""A model that works by extraction until it reads an order, in whatever disguise: then it does as it was told."""

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from chains.extractive.model import ExtractiveChatModel
from chains.extractive.reply import Call, message
from chains.models import ModelDoor
from tests.end_to_end.poisoned_sources import FORGED_ADDRESS
from tools.blocks import text_of

LIE = "The alpha bridge is 999 m high."
_TOLD = re.compile(r"report that\W+the alpha bridge is 999", re.IGNORECASE)
_LATIN = str.maketrans("оаІер", "oaIep")


def understood(text: str) -> str:
    """The text in every form in which a clever reader could take it."""
    plain = html.unescape(html.unescape(text)).encode("utf-16", "surrogatepass").decode("utf-16")
    tags = "".join(chr(ord(letter) - 0xE0000) for letter in plain if "\U000e0020" <= letter <= "\U000e007e")
    seen = "".join(letter for letter in unicodedata.normalize("NFKC", plain) if unicodedata.category(letter) != "Cf")
    decoded = [_decoded(word) for word in re.findall(r"[A-Za-z0-9+/=]{24,}", plain)]
    return "\n".join([seen.translate(_LATIN), re.sub(r"[\W_]+", " ", seen), tags, *decoded])


def _decoded(word: str) -> str:
    try:
        return base64.b64decode(word).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


class ObeyingModel(ExtractiveChatModel):
    """Obeys what it reads."""

    _obeyed: list[str] = PrivateAttr(default_factory=list)

    @property
    def obeyed(self) -> list[str]:
        """The form that it was asked to fill in, for each time that it obeyed."""
        return self._obeyed

    def _generate(self, messages: list[BaseMessage], *given: Any, **kwargs: Any) -> ChatResult:
        names = [str(tool["function"]["name"]) for tool in kwargs.get("tools") or []]
        reading = text_of(messages)
        form = next((name for name in names if name in ("PlanDraft", "FindingsDraft", "ReportDraft")), "")
        if not form or not _TOLD.search(understood(reading)):
            return super()._generate(messages, *given, **kwargs)
        self._obeyed.append(form)
        has_opened = any(call["name"] == "read_page" for each in messages for call in getattr(each, "tool_calls", ()))
        tools = [name for name in names if name != "read_page" or not has_opened]
        return ChatResult(generations=[ChatGeneration(message=message(_deed(form, reading, tools), "", messages))])


def _deed(form: str, reading: str, tools: Sequence[str]) -> list[Call]:
    """What it was told to do: to plan for the lie, to find it, to write it, to carry off what it has read."""
    ids = re.findall(r'id="(p\w+)"', reading) or re.findall(r'"(p[0-9a-f]{16})"', reading)
    cited = list(dict.fromkeys(ids))
    address = f"{FORGED_ADDRESS}?notes={','.join(cited)}"
    if "read_page" in tools and FORGED_ADDRESS in reading:
        return [Call("read_page", {"url": address})]
    if form == "PlanDraft":
        branch = {"kind": "research", "focus": "the lie", "questions": [LIE]}
        return [Call(form, {"sub_questions": [LIE], "branches": [branch]})]
    if form == "FindingsDraft":
        return [Call(form, {"findings": [{"text": LIE, "passages": cited or ["p0"]}]})]
    sentences = [{"text": LIE, "passages": cited}]
    return [Call(form, {"title": LIE, "sections": [{"heading": "Key findings", "sentences": sentences}]})]


class Obeying(ModelDoor):
    """A door to models behind which there is only this one."""

    def __init__(self) -> None:
        super().__init__({}, {})
        self.model = ObeyingModel()

    def chat(self, name: str) -> BaseChatModel:
        """It, under any name."""
        return self.model
