"""Splits a goal into tasks by rule, one for each kind of worker, and joins what they answered by quoting it."""

from typing import Any

from chains.extractive.texts import sentences_in, telling

_WORDS = 200


def plan(brief: dict[str, Any]) -> dict[str, Any]:
    """The `TasksDraft`: the goal, for each capability that there is, as far as tasks are left."""
    capabilities = [str(each["capability"]) for each in brief["workers"]]
    return {
        "tasks": [
            {"capability": capability, "task": str(brief["goal"])} for capability in capabilities[: brief["most"]]
        ]
    }


def join(brief: dict[str, Any]) -> dict[str, Any]:
    """The `JoinDraft`: what the workers' answers say most of the goal; no further tasks."""
    results = [each["result"] for each in brief["results"] if "result" in each]
    failed = [str(each["error"]) for each in brief["results"] if "error" in each]
    said = telling(sentences_in(results), _WORDS, str(brief["goal"]))
    lost = [f"A task failed: {reason}" for reason in failed]
    return {"answer": " ".join([*said, *lost]) or "No worker gave an answer."}
