"""Outputs of steps as the ledger holds them: small ones as they are, large and confidential ones by their hash."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from state.ports import Artifacts
from state.runs import Json
from state.workflow.steps import SecurityLevel
from tools.storable import json_text

MOST_BYTES = 32_000
"""Of an output that stands in the ledger itself."""
HIDDEN: frozenset[SecurityLevel] = frozenset({"confidential", "restricted"})


def shown(text: str, level: SecurityLevel) -> str:
    """What is said of an error: of a confidential step only that there is one, told apart by its hash."""
    if level not in HIDDEN:
        return text
    return f"what went wrong is {level} (SHA-256 {hashlib.sha256(text.encode()).hexdigest()[:16]})"


@dataclass(frozen=True)
class Results:
    """Writes and reads outputs."""

    artifacts: Artifacts

    async def stored(self, output: Any, level: SecurityLevel) -> Json:
        """What the ledger keeps of an output; the output comes back as JSON makes it: tuples as lists."""
        text = json_text(output)
        if len(text) <= MOST_BYTES and level not in HIDDEN:
            return {"output": json.loads(text)}
        ref = await self.artifacts.put(text.encode(), "application/json", "output.json")
        return {"sha256": ref.sha256, "size": ref.size, "level": level}

    async def read(self, stored: Json | None) -> Any:
        """The output that was stored."""
        if not stored:
            return None
        if "sha256" in stored:
            return json.loads(await self.artifacts.get(stored["sha256"]))
        return stored.get("output")
