"""The branches of `parallel` steps as a join behind them counts them: those that have ended well, while others work."""

from collections.abc import Mapping
from typing import Any

from graphs.workflow.flow import Flow
from graphs.workflow.outcomes import Outcome

Key = int | str
"""The place of a branch in the list, or the id of its step."""


class Branches:
    """Those of the steps of one level."""

    def __init__(self, flow: Flow) -> None:
        self._counted = flow.counted
        self._results: dict[str, dict[Key, Any]] = {}

    def add(self, id_: str, key: Key, result: Any) -> bool:
        """A branch of a step has ended well; whether a join counts it."""
        if id_ in self._counted:
            self._results.setdefault(id_, {})[key] = result
        return id_ in self._counted

    def number(self, id_: str, outcome: Outcome | None) -> int:
        """How many branches of a step have ended well; of one without branches, whether it has itself."""
        if id_ in self._results:
            return len(self._results[id_])
        if outcome is None:
            return 0
        return int(outcome.is_well) if outcome.branches is None else outcome.branches

    def given(self, id_: str) -> Any:
        """What they gave: a list in the order of the branches, or by the ids of their steps."""
        results = self._results.get(id_, {})
        places = sorted(key for key in results if isinstance(key, int))
        return [results[place] for place in places] if places else dict(results)

    def seen(self, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
        """By step: what its branches have given, in this attempt at the run or, where it was cancelled, an earlier."""
        known = {id_: outcomes[id_] for id_ in self._counted if id_ in outcomes}
        before = {id_: outcome.output for id_, outcome in known.items() if outcome.branches is not None}
        return before | {id_: self.given(id_) for id_ in self._results}
