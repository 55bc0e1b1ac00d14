"""Ids of runs: short, readable, and in the order in which the runs were made."""

import secrets
from datetime import datetime

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_TIME, _CHANCE = 9, 3
_EPOCH = 1_577_836_800_000  # 2020-01-01 in milliseconds: nine digits last until the year 3135


def new_run_id(now: datetime) -> str:
    """`r`, nine digits of the time in milliseconds and three of chance."""
    passed = int(now.timestamp() * 1000) - _EPOCH
    return "r" + _digits(passed, _TIME) + _digits(secrets.randbits(5 * _CHANCE), _CHANCE)


def _digits(number: int, length: int) -> str:
    return "".join(_DIGITS[number >> 5 * place & 31] for place in reversed(range(length)))
