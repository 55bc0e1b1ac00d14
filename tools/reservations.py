"""What a source says against itself: that it is a draft, preliminary, or superseded.

Only where it speaks of itself: in its title or a heading, on a line for its status, or in a sentence on `this note`. A
text about the draft of a treaty is none.
"""

import re

from state.evidence import Passage, Source

_STATES = (
    r"(?:(?:first|second|third|early|rough|hasty|working|preliminary|unfinished)\s+)*draft|preliminary|provisional|superseded"
    r"|withdrawn|retracted|outdated|obsolete|uncorrected|corrected"
)
_TITLE = re.compile(
    rf"(?:[,(\[:–—]\s*|\s-\s|^)(?P<state>{_STATES})\s*(?:[)\]:]|$)"
    r"|\b(?P<kind>(?:first|early|rough|hasty|working)\s+draft|preliminary|provisional)"
    r"(?:\s+(?:report|results|figures|findings|data|version|estimates)\b|\s*$)",
    re.IGNORECASE,
)
_THIS = r"this\s+(?:note|document|report|version|paper|page|briefing|memo|text|article|table|draft|data\s?set|release)"
_OWN = re.compile(
    rf"\b{_THIS}\s+(?:is|was|remains|has\s+been)\s+(?:still\s+|only\s+|now\s+|since\s+)*(?:an?\s+)?(?P<state>{_STATES})\b"
    rf"|^\W*status\W+(?P<status>{_STATES})\b"
    r"|\b(?:all\s+|its\s+|the\s+)?figures\s+(?:here\s+)?are\s+(?:still\s+)?(?P<figures>preliminary|provisional"
    r"|to\s+be\s+(?:checked|confirmed|corrected))\b",
    re.IGNORECASE | re.MULTILINE,
)


def reservation(passage: Passage, source: Source | None) -> str:
    """What the source of a passage calls itself: `a first draft`, `preliminary`; else empty."""
    titles = [source.title if source else "", *passage.locator.heading]
    found = next(filter(None, map(_TITLE.search, titles)), None) or _OWN.search(passage.text)
    if found is None or passage.locator.computed is not None:
        return ""
    state = " ".join(next(filter(None, found.groups())).lower().split())
    return f"a {state}" if state.endswith("draft") else state.replace("to be ", "still to be ")
