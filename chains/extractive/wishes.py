"""What a person who sends work back wants looked at, as questions that can be searched for."""

import re

from chains.extractive.questions import split_question
from chains.extractive.requests import of_the_writing, parts_of
from chains.extractive.terms import terms

_COURTESY = (
    r"(?:(?:please|also|and|but|kindly|could you|can you|would you|you should|i (?:would like|want) you to),?\s+)*"
)
_MORE = r"(?:(?:also|more|again|further|closer|more closely|closely|harder|deeper|better|carefully)\s+)*"
_LOOKS = (
    rf"(?:look {_MORE}(?:at|into|for|up|after|on)|find {_MORE}out(?: about)?|find|include|consider|cover|add|check|"
    r"examine|investigate|explore|compare(?: it| this)?(?: with| to)?|research|search(?: for)?|"
    r"address|mention|discuss|describe|explain|analy[sz]e|answer|"
    rf"take into account|tell (?:me|us)(?: about)?|(?:focus|concentrate) {_MORE}(?:on)?|go {_MORE}(?:into)?|"
    r"say(?: more)?(?: about)?|state|ask(?: about)?|give(?: me| us)?|show(?: me| us)?|"
    r"(?:i|we) (?:need|want|miss|lack|would like)(?: to (?:see|know|have|read))?|"
    r"you (?:forgot|missed|left out|omitted))"
)
_AMOUNT = (
    r"(?:(?:(?:much |some |any )?(?:more|further|additional)|nothing|not enough|too little|something|anything)\s+"
    r"(?:(?:detail|information|evidence|data|figure|source|fact)s?\s+)?(?:on|about|of|for)\s+)?"
)
_WANTS = re.compile(
    rf"{_COURTESY}(?:{_LOOKS}\s+{_MORE}{_AMOUNT}(?:(?:on|about)\s+)?|(?:there is |there are )?(?=\S){_AMOUNT}(?<=\s))"
    r"(?P<what>.+?)(?:,?\s+(?:please|too|as well|again))?",
    re.IGNORECASE,
)
"""A request to look at something more, and what that is."""
_LACKS = re.compile(
    r"(?P<what>.+?)\s+(?:is|are)\s+(?:still\s+)?(?:missing|lacking|left out|not covered)", re.IGNORECASE
)
_THE = re.compile(r"^The\s")
_QUESTION = re.compile(r"(?:which|what|who|when|where|why|how|whether|if)\b", re.IGNORECASE)
_INDIRECT = re.compile(
    r"(?P<asks>when|where|why|who|whom|what|whether|if|how(?:\s+(?:long|wide|high|tall|deep|old|big|large|fast|far|often"
    r"|heavy|(?:many|much)(?:\s+[a-z]+)?))?|which\s+[a-z]+)\s+"
    r"(?P<subject>(?:(?:the|an?|its|their|his|her|this|that|these|those)\s+|(?=(?:it|they|he|she|there)\s)|(?-i:(?=[A-Z])))\S.*?)",
    re.IGNORECASE,
)
"""How a question begins that is told: `when the bridge` of `when the bridge was opened`."""
_TURNED = re.compile(
    rf"{_INDIRECT.pattern}\s+(?P<verb>is|are|was|were|can|could|will|would|should)\b(?P<rest>.*)", re.IGNORECASE
)
_OF_THE_WORK = frozenset(
    terms(
        "more better again enough good bad wrong evidence detail detailed details thorough report sources claims "
        "answer question work search look further try redo repeat rewrite improve information "
        "result results please needs"
    )
)
"""Words of the work itself, which no source is about."""


def asked_for(said: str) -> list[str]:
    """The questions in what a person said; none where it names nothing that could be looked for.

    `Look more at the costs` is `What about the costs?`; a question, or a subject alone, stays as it is. What is to be
    done about the form of the report is left to its writer (`for_the_writer`).
    """
    wishes = [_wish(part.strip(" .!")) for part in parts_of(said) if not of_the_writing(part)]
    return [question for wish in wishes if set(terms(wish)) - _OF_THE_WORK for question in split_question(wish)]


def for_the_writer(said: str) -> list[str]:
    """What a person said about the form of the report, each request for itself."""
    return [part for part in parts_of(said) if of_the_writing(part)]


def _wish(sentence: str) -> str:
    request = _LACKS.fullmatch(sentence) or _WANTS.fullmatch(sentence.rstrip(" ?"))
    if request is None:
        return sentence
    what = _THE.sub("the ", request["what"])
    return _asked(what) if _QUESTION.match(what) else f"What about {what}"


def _asked(told: str) -> str:
    """A question that is told, as it is asked: `when the bridge was opened` is `When was the bridge opened`."""
    turned = _TURNED.fullmatch(told)
    if turned is None:
        return f"What about {told}" if _INDIRECT.fullmatch(told) else told
    asks = "" if turned["asks"].lower() in ("whether", "if") else f"{turned['asks']} "
    return f"{asks}{turned['verb']} {turned['subject']}{turned['rest']}"
