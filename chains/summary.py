"""A summary of any length of text: parts are summed up by themselves, then their summaries together (map and reduce),
within a budget of tokens for all calls.
"""

import math
from collections.abc import AsyncIterator, Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.runnables import Runnable, RunnableLambda
from pydantic import BaseModel, Field

from chains.ask import ask, brief
from tools.sentences import split_sentences
from tools.summaries import Summary, SummaryInput

__all__ = ["Summary", "SummaryDraft", "SummaryInput", "split", "summarizer"]

_LARGEST_PART = 3000
"""Tokens of text in one prompt."""
_SHARE = 4
"""A prompt takes at most this fraction of the budget, so that there is room for others."""
_OVERHEAD = 250
"""Tokens of instructions and form in each prompt."""
_TOKENS_A_WORD = 1.5
_CHARACTERS_A_TOKEN = 4
_AT_ONCE = 4


class SummaryDraft(BaseModel):
    """The summary."""

    summary: str = Field(description="the summary as plain text, with numbers, units, dates and names as they stand")


def summarizer(model: BaseChatModel) -> Runnable[SummaryInput, Summary]:
    """Sums up. A stream gives what is known after each part, at last the whole."""

    async def summed(given: SummaryInput) -> AsyncIterator[Summary]:
        room = min(_LARGEST_PART, given.token_budget // _SHARE)
        parts = split(given.text, room)
        read = _affordable(parts, given)
        left_out = len(parts) - len(read)
        each = _reader(model, given, given.words if len(read) == 1 else _words_of_part(given, room))
        done: dict[int, str] = {}
        async for place, text in each.abatch_as_completed(read, {"max_concurrency": _AT_ONCE}):
            done[place] = str(text)
            if len(done) < len(read):
                yield Summary(summary=_joined([done[key] for key in sorted(done)]), parts=len(done), left_out=left_out)
        texts = [done[place] for place in range(len(read))]
        while len(texts) > 1:
            groups = split(texts, room)
            last = len(groups) == 1 or len(groups) >= len(texts)
            if last:  # what cannot be made shorter any more is taken together, cut to the room that there is
                groups = [_joined(texts)[: room * _CHARACTERS_A_TOKEN]]
            again = _reader(model, given, given.words if last else _words_of_part(given, room))
            texts = list(await again.abatch(groups, {"max_concurrency": _AT_ONCE}))
        yield Summary(summary=texts[0] if texts else "", parts=len(read), left_out=left_out)

    return RunnableLambda(summed, name="summarize").with_types(input_type=SummaryInput, output_type=Summary)


def split(text: str | Sequence[str], room: int) -> list[str]:
    """The text in parts of at most `room` tokens, cut between sentences; short ones share a part, in order."""
    most = room * _CHARACTERS_A_TOKEN
    parts: list[str] = []
    for piece in (cut for one in ([text] if isinstance(text, str) else text) for cut in _pieces(one, most)):
        if parts and len(parts[-1]) + len(piece) + 1 <= most:
            parts[-1] = f"{parts[-1]}\n{piece}"
        else:
            parts.append(piece)
    return parts


def _pieces(text: str, most: int) -> list[str]:
    if len(text) <= most:
        return [text] if text.strip() else []
    sentences = split_sentences(text)
    return [sentence[start : start + most] for sentence in sentences for start in range(0, len(sentence), most)]


def _affordable(parts: list[str], given: SummaryInput) -> list[str]:
    """As many parts as the budget has room for, spread evenly over the text; all of them if it can."""
    answer = math.ceil(given.words * _TOKENS_A_WORD)
    end = _OVERHEAD + answer  # the last prompt, which joins
    costs = [count_tokens_approximately([part]) + _OVERHEAD + 3 * answer for part in parts]
    if len(parts) <= 1 or sum(costs) + end <= given.token_budget:
        return parts
    most = max(1, int((given.token_budget - end) / (sum(costs) / len(costs))))
    return [parts[place * len(parts) // most] for place in range(most)] if most < len(parts) else parts


def _words_of_part(given: SummaryInput, room: int) -> int:
    """Words for the summary of one part: short enough that a reduction makes it shorter."""
    return max(10, min(given.words, int(room / _TOKENS_A_WORD / _SHARE)))


def _reader(model: BaseChatModel, given: SummaryInput, words: int) -> Runnable[str, str]:
    async def read(part: str) -> str:
        message = brief(text=part, words=words, focus=given.focus or None)
        return (await ask(model, "summarize", SummaryDraft, message)).summary.strip()

    return RunnableLambda(read, name="summarize_part")


def _joined(texts: Sequence[str]) -> str:
    return "\n".join(text for text in texts if text)
