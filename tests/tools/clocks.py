"""A clock for tests of tools."""

import asyncio

from tools.memory import SystemClock


class MovedClock(SystemClock):
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.passed = 0.0

    def elapsed(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds
        await asyncio.sleep(0)
