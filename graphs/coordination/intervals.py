"""Figures that were found more than once: their mean, and how sure it is."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, combinations

from graphs.coordination.subjects import Subjects
from state.evidence import Claim, Estimate, Passage, Quantity, Source
from tools.figures import comparable_figures, stated_in
from tools.units import conversions

Figure = tuple[Claim, Quantity]


def t_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and 95 % confidence interval of the mean, by Student's t: mean ± t(0.975, n - 1) · s / √n.

    Takes two values or more; the same whatever their order.
    """
    from scipy.stats import t

    ordered = sorted(values)
    mean = statistics.fmean(ordered)
    half = float(t.ppf(0.975, len(ordered) - 1)) * statistics.stdev(ordered) / math.sqrt(len(ordered))
    return mean, mean - half, mean + half


def find_estimates(
    claims: Sequence[Claim], passages: Mapping[str, Passage], sources: Mapping[str, Source]
) -> tuple[Estimate, ...]:
    """Mean and interval of each figure that two passages or more state, of claims supported at least partly.

    A passage that gives several values for the same thing is left out: it tells apart what is one thing here.
    """
    sound = sorted((claim for claim in claims if claim.verdict in ("supported", "partly")), key=lambda c: c.id)
    estimates = (_estimate(group, passages) for group in _groups(sound, Subjects.of(sound, passages, sources)))
    return tuple(sorted((found for found in estimates if found), key=lambda e: (e.subject, e.unit, e.claims)))


def _groups(claims: Sequence[Claim], subjects: Subjects) -> Iterator[list[Figure]]:
    """Figures of the same thing; a group that holds two that cannot be compared is left out."""
    figures = [(claim, quantity) for claim in claims for quantity in claim.quantities]
    starts = list(accumulate((len(claim.quantities) for claim in claims), initial=0))
    links = {
        (starts[left] + place, starts[right] + there)
        for (left, one), (right, other) in combinations(enumerate(claims), 2)
        if subjects.same(one, other)
        for place, there in comparable_figures(one, other)
    }
    for places in components(len(figures), links):
        if all(pair in links for pair in combinations(places, 2)):
            yield [figures[place] for place in places]


def components(size: int, links: set[tuple[int, int]]) -> list[list[int]]:
    """The connected components of a graph of `size` nodes, each in ascending order."""
    if not size:
        return []
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = np.array(sorted(links), dtype=np.int64).reshape(-1, 2)
    matrix = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    labels = connected_components(matrix, directed=False)[1].tolist()
    groups: dict[int, list[int]] = {}
    for place, label in enumerate(labels):
        groups.setdefault(label, []).append(place)
    return list(groups.values())


def _estimate(group: Sequence[Figure], passages: Mapping[str, Passage]) -> Estimate | None:
    values: dict[str, set[float]] = {}
    unit = min(quantity.unit for _, quantity in group)
    for claim, quantity in group:
        ways = conversions(quantity.unit, unit)
        if len(ways) != 1:  # a temperature in another unit may be a reading or a difference
            return None
        for key in claim.passages:
            if stated_in(quantity, passages[key]):
                values.setdefault(key, set()).add(ways[0].of(quantity.value))
    single = [next(iter(found)) for _, found in sorted(values.items()) if len(found) == 1]
    if len(single) < 2:
        return None
    mean, low, high = t_interval(single)
    subjects = sorted((quantity.subject for _, quantity in group if quantity.subject), key=lambda s: (len(s), s))
    return Estimate(
        subject=subjects[0] if subjects else group[0][0].text,
        unit=unit,
        n=len(single),
        mean=mean,
        low=low,
        high=high,
        claims=tuple(sorted({claim.id for claim, _ in group})),
    )
