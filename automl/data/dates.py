"""Which strptime format a column of strings is written in, if they are dates at all."""

from __future__ import annotations

import functools
import re
from typing import Any

import numpy as np
import pandas as pd

from automl.core import Array
from automl.data.dataset import Column

__all__ = ["EPOCH", "find_format", "moments", "parse_dates", "seconds"]

# In seconds: nanoseconds, the unit of pandas.Timestamp(0), would draw dates after 2262 into a range they do not fit.
EPOCH = pd.Timestamp(0).as_unit("s")

_ENOUGH = 0.95  # share of the present values that must parse
_DATES = (
    "%Y-%m-%d %Y/%m/%d %Y.%m.%d %Y%m%d %Y-%m %Y/%m "
    "%m/%d/%Y %d/%m/%Y %m-%d-%Y %d-%m-%Y %d.%m.%Y %m.%d.%Y "
    "%m/%d/%y %d/%m/%y %m-%d-%y %d-%m-%y %d.%m.%y %m.%d.%y %y-%m-%d %y/%m/%d "
    "%d-%b-%Y %d-%b-%y %d/%b/%Y %d%b%Y %b-%d-%Y %b-%Y %b-%y %Y-%b %Y-%b-%d %m/%Y"
).split() + [
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%B %d %Y",
    "%b %Y",
    "%B %Y",
    "%d %b %y",
    "%d-%B-%Y",
]
_COMPACT = ["%Y%m%dT%H%M%S", "%Y%m%d%H%M%S"]
_TIMES = "%H:%M %H:%M:%S %H:%M:%S.%f".split()
_WEEKDAYS = ["%a, %d %b %Y", "%a %d %b %Y", "%a, %b %d, %Y", "%A, %d %B %Y", "%A, %B %d, %Y"]
_MAIL = ["%a, %d %b %Y %H:%M:%S %z", "%a %b %d %H:%M:%S %Y"]
_HALF_DAYS = ["%I:%M %p", "%I:%M:%S %p"]
_DIGIT = re.compile(r"\d")
_PATTERNS = {
    "%Y": r"[12]\d{3}",
    "%y": r"\d{2}",
    "%m": r"\d{1,2}",
    "%d": r"\d{1,2}",
    "%a": r"[A-Za-z]{3}",
    "%A": r"[A-Za-z]{6,9}",
    "%b": r"[A-Za-z]{3}",
    "%B": r"[A-Za-z]{3,9}",
    "%H": r"\d{1,2}",
    "%I": r"\d{1,2}",
    "%M": r"\d{2}",
    "%S": r"\d{2}",
    "%f": r"\d{1,9}",
    "%p": r"[AaPp][Mm]",
    "%z": r"(?:Z|[+-]\d{2}:?\d{2})",
}


def find_format(values: Array, counts: Array, enough: float = _ENOUGH) -> tuple[str | None, str]:
    """Return the format that the most values follow, if they are ``enough``, and a remark on it.

    Parameters
    ----------
    values : ndarray of str
        Distinct values.
    counts : ndarray of int
        How often each occurs.
    enough : float
        Share of the values that must follow the format.

    Returns
    -------
    format, remark : str or None, str
        Whether days or months stand first is decided over all values. Where every value can be read both ways, months
        stand first, as in pandas, and the remark says so.

    Examples
    --------
    >>> import numpy as np
    >>> from automl.data.dates import find_format
    >>> find_format(np.array(["3/4/2020", "25/4/2020"], dtype=object), np.array([1, 1]))
    ('%d/%m/%Y', '')
    """
    probe = values[:: max(1, len(values) // 100)]
    if not any(map(_DIGIT.search, probe[:5])):
        return None, ""
    formats = [f for f, pattern in _known() if _matching(pattern, probe, enough)]
    shares = {f: _parsed_share(values, counts, f) for f in formats}
    best = max(shares.values(), default=0.0)
    if best < enough:
        return None, ""
    winners = [f for f in formats if shares[f] == best]
    remark = f"could also be {winners[1]}" if len(winners) > 1 and "%b" not in winners[0].lower() else ""
    return winners[0], remark


def parse_dates(values: pd.Series[pd.Timestamp] | Array, date_format: str | None) -> pd.Series[pd.Timestamp]:
    """Return naive datetimes (UTC where the values name a zone); what does not parse is missing."""
    utc = date_format is not None and "%z" in date_format
    parsed = pd.Series(pd.to_datetime(pd.Series(values), format=date_format, errors="coerce", utc=utc))
    return parsed.dt.tz_convert("UTC").dt.tz_localize(None) if parsed.dt.tz is not None else parsed


def moments(series: pd.Series[Any], column: Column) -> pd.Series[pd.Timestamp]:
    """Return the datetimes of a DATE column, however it stores them."""
    if column.date_format is not None:
        return parse_dates(series, column.date_format)
    mixed = "mixed" if series.dtype == object else None
    parsed = pd.Series(pd.to_datetime(series, errors="coerce", utc=True, format=mixed))
    return parsed.dt.tz_localize(None)


def seconds(series: pd.Series[Any], column: Column) -> Array:
    """Return the datetimes of a DATE column as seconds since 1970, NaN where missing."""
    return np.asarray((moments(series, column) - EPOCH) / pd.Timedelta(seconds=1), dtype=np.float64)


@functools.cache
def _known() -> tuple[tuple[str, re.Pattern[str]], ...]:
    days = [d for d in _DATES if "%d" in d and d != "%Y%m%d"]
    stamps = [f"{d}{gap}{t}{zone}" for d in days for t in _TIMES for gap in " T" for zone in ("", "%z", " %z")]
    halves = [f"{d} {t}" for d in days for t in _HALF_DAYS]
    return tuple((f, re.compile(_regex(f))) for f in (*_DATES, *_WEEKDAYS, *_MAIL, *_COMPACT, *stamps, *halves))


def _regex(date_format: str) -> str:
    if date_format.startswith("%Y%m%d"):  # a run of digits is a date only in our own centuries
        return r"(?:19|20)\d{6}" + {"": "", "T%H%M%S": r"T\d{6}", "%H%M%S": r"\d{6}"}[date_format[6:]]
    parts = re.split(r"(%[A-Za-z])", date_format)
    return "".join(_PATTERNS.get(part) or re.escape(part) for part in parts)


def _matching(pattern: re.Pattern[str], probe: Array, enough: float) -> bool:
    """Whether about enough of the probe look right; gives up as soon as they cannot be."""
    wrong, allowed = 0, int(len(probe) * (1.05 - enough))
    for value in probe:
        if pattern.fullmatch(value) is None:
            wrong += 1
            if wrong > allowed:
                return False
    return True


def _parsed_share(values: Array, counts: Array, date_format: str) -> float:
    parsed = parse_dates(pd.Series(values, dtype=object), date_format).notna().to_numpy()
    return float(np.sum(counts[parsed]) / np.sum(counts))
