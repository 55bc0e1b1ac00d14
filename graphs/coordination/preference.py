"""Which side of a contradiction to prefer: for a reason that a reader can check, or not at all.

The reasons are: a more recent source, a better source, more independent sources, a passage that says all of it. Where
they speak for different sides, or none applies, nothing decides.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from graphs.coordination.quality import NOTABLE, Quality

_NEITHER = "nothing decides between them"


@dataclass(frozen=True)
class Standing:
    """What speaks for one side."""

    date: str | None
    """Of its source, as ISO 8601."""
    quality: Quality
    origins: int
    """Independent sources that agree with it, its own among them."""
    is_supported: bool = True
    """Whether the check found all of it in its passages, not only a part."""


def prefer(first: Standing, second: Standing) -> tuple[int | None, str]:
    """0 or 1 for the side to prefer, None where nothing decides; and why, in words."""
    reasons = list(_reasons(first, second))
    sides = {side for side, _ in reasons}
    words = "; ".join(why for _, why in reasons)
    if len(sides) == 1:
        return sides.pop(), words
    if reasons:
        return None, f"{_NEITHER}: the reasons speak for different sides ({words})"
    return None, f"{_NEITHER}: {_alike(first, second)}"


def _reasons(first: Standing, second: Standing) -> Iterator[tuple[int, str]]:
    sides = (first, second)
    dates = [first.date or "", second.date or ""]
    known = min(map(len, dates))  # a year against a day: compared as far as both are known
    if dates[0][:known] != dates[1][:known]:
        late = int(dates[1][:known] > dates[0][:known])
        yield late, f"its source is more recent: {dates[late]} against {dates[1 - late]}"
    if abs(first.quality.value - second.quality.value) >= NOTABLE - 1e-9:
        better = int(second.quality.value > first.quality.value)
        yield better, f"its source is better: {sides[better].quality.what} against {sides[1 - better].quality.what}"
    if first.origins != second.origins:
        more = int(second.origins > first.origins)
        yield more, f"more sources agree with it: {sides[more].origins} against {sides[1 - more].origins}"
    if first.is_supported != second.is_supported:
        yield int(second.is_supported), "its passage says all of it, that of the other only a part"


def _alike(first: Standing, second: Standing) -> str:
    """Why no reason applies."""
    dated = "their sources are of one date" if first.date and second.date else "not both sources are dated"
    return f"{dated}, of like quality, and as many agree with the one as with the other"
