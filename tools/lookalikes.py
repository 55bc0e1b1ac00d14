"""Characters that pass for others, or for none: brackets that look like those of tags, text that nobody sees, letters
of one script that stand for another's. What shows, searches or prints fetched text asks here.
"""

import re

ANGLES = "‹›⟨⟩〈〉〈〉❬❭❮❯❰❱＜＞﹤﹥˂˃"
"""Brackets that a model may take for `<` and `>`."""
REORDERING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""A range for a regular expression: characters that turn the direction of writing, and so can hide what a text says."""
SMUGGLING = "\U000e0000-\U000e0fff"
"""Tags and variation selectors of Unicode's plane 14: a model can read letters in them where a person sees nothing."""
INVISIBLE = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
)
"""Characters without a width; some of them are needed by a script or by an emoji, so a report keeps those."""
UNSAFE = re.compile(
    f"[<>{ANGLES}{REORDERING}{SMUGGLING}]"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT)\])"
)
"""What could end a delimiter or begin another, also to a model's eye; the turns of some models begin with words in
brackets.
"""

_CYRILLIC = ("аеорсухіѕјԁһԛԝѵӏАВЕКМНОРСТУХІЅЈ", "aeopcyxisjdhqwvlABEKMHOPCTYXISJ")
_GREEK = ("αειονρτυκχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aeiovptukxABEZHIKMNOPTYX")
_OTHERS = ("ɡıօոսᴀᴇɪᴏ", "giounaeio")
LETTERS = str.maketrans(*("".join(parts) for parts in zip(_CYRILLIC, _GREEK, _OTHERS, strict=True)))
"""Letters that look like Latin ones, to those (a choice of Unicode's confusables, UTS 39)."""
FIGURES = str.maketrans("013457@$", "oieastas")
"""Figures and signs that are written for letters: `1gn0re`."""
