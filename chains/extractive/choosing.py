"""Chooses a route by words: the one whose name and description share most with the text, rare words first."""

import math
from collections import Counter
from typing import Any

from chains.extractive.terms import terms
from chains.extractive.texts import text_in


def route(brief: dict[str, Any], nothing: str) -> dict[str, Any]:
    """The `RouteDraft` for a brief with `text` and `routes`; `nothing` where the text shares no word with any.

    A word counts by its inverse frequency among the routes (Spärck Jones 1972). Sure is the choice by the share of
    what all routes have in common with the text that the best one has.
    """
    held = set(terms(text_in(brief["text"])))
    routes = {name: set(terms(f"{name.replace('_', ' ')} {told}")) for name, told in brief["routes"].items()}
    counts = Counter(term for each in routes.values() for term in each)
    weights = {term: math.log(1 + len(routes) / count) for term, count in counts.items()}
    scores = {name: math.fsum(weights[term] for term in each & held) for name, each in routes.items()}
    best = max(scores, key=lambda name: scores[name])
    total = math.fsum(scores.values())
    if not total:
        return {"route": nothing, "why": "It shares no word with any of them.", "confidence": 0.0}
    shared = sorted(routes[best] & held, key=lambda term: (-weights[term], term))
    return {
        "route": best,
        "why": f"It shares words with it: {', '.join(shared[:5])}.",
        "confidence": round(scores[best] / total, 3),
    }
