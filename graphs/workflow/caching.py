"""Steps with `cache`: what their body gave back is used again, by any run of the workflow, while it may be.

The key holds the workflow's name, where the step stands, the step as it is written, and what the file names as its key;
without that, all that the output can follow from: the input, and the values that the step's own texts refer to.
A changed step, and one of another workflow, so never meets an old output.
"""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from graphs.workflow.mapping import fill, references_in
from graphs.workflow.references import MissingValue, Reference
from state.runs import Json
from state.workflow.steps import Step, children
from tools.storable import json_text

if TYPE_CHECKING:
    from graphs.workflow.running import Call

_TURN = re.compile(r"\[\d+\]")
_APART = {"name", "priority", "timeout", "retry_policy", "cache", "custom_metrics", "metrics_enabled", "depends_on"}
"""Fields of a step that its output does not follow from."""


async def cached(step: Step, call: "Call", body: Callable[[Any, "Call"], Awaitable[Any]]) -> Any:
    """What the body gives back, or gave back before."""
    run = call.run
    if step.cache is None or run.cache is None:
        return await body(step, call)
    key = _key(step, call)
    kept = await run.cache.find(key, run.clock.now())
    if kept is not None:
        return await run.results.read(kept)
    given = await body(step, call)
    now = run.clock.now()
    stored = await run.results.stored(given, step.security_level)
    await run.cache.keep(key, stored, now + timedelta(seconds=step.cache.ttl), now)
    return given


def _key(step: Step, call: "Call") -> str:
    assert step.cache is not None
    written = step.model_dump(mode="json", exclude=_APART)
    own = step.cache.key
    follows = fill(own, call.scope) if own is not None else _all_of(step, call, written)
    place = [call.run.definition.name, _TURN.sub("", call.path)]
    whole = json.loads(json_text([*place, written, own is None, follows]))
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _all_of(step: Step, call: "Call", written: Json) -> Json:
    """All that the output of a step can follow from; of a step with others in it, whatever these can refer to."""
    scope = call.scope
    if children(step):
        outer: Json = {"workflow": dict(scope.workflow), "outputs": dict(scope.outputs), "around": dict(scope.around)}
        return outer
    named: Json = {}
    for reference in references_in(written):
        if isinstance(reference, Reference):
            try:
                named[str(reference)] = scope.resolve(reference)
            except MissingValue:  # it stands where it is filled later, as in rollback_actions
                named[str(reference)] = None
    return {"input": call.input, "named": named}
