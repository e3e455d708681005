"""Durations as people write them."""

from __future__ import annotations

import re

from automl.core import SettingError

__all__ = ["parse_duration"]

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smh]?)")
LONGEST = 3.2e7


def parse_duration(text: str) -> float:
    """Return the seconds of ``90s``, ``5m``, ``1h``, ``1h30m`` or a bare number of seconds.

    Examples
    --------
    >>> parse_duration("90s"), parse_duration("1.5m"), parse_duration("1h30m"), parse_duration("20")
    (90.0, 90.0, 5400.0, 20.0)
    """
    compact = text.strip().lower()
    parts = PART.findall(compact)
    whole = bool(parts) and "".join(number + unit for number, unit in parts) == compact
    if not whole or (len(parts) > 1 and not all(unit for _, unit in parts)):
        raise SettingError(
            f"{text[:40]!r} is not a duration; write seconds (90 or 90s), minutes (5m) or hours (1h, 1h30m)"
        )
    seconds = sum(float(number) * UNITS[unit] for number, unit in parts)
    if seconds > LONGEST:
        raise SettingError(f"a duration must be at most a year, not {text[:40]!r}; write for example 60s or 5m")
    if seconds <= 0:
        raise SettingError(f"a duration must be positive, not {text!r}; write for example 60s or 5m")
    return seconds
