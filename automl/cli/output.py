"""What the commands print: plain text for people, JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from automl.core import SettingError, StoreError

__all__ = ["as_records", "fixed", "print_json", "text_table", "writing"]


def print_json(value: Any) -> None:
    """Print strict JSON: values that are not finite become null."""
    print(json.dumps(_plain(value), indent=2, ensure_ascii=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)


@contextmanager
def writing(option: str, path: Path) -> Iterator[None]:
    """Say which option named a place that cannot be written to."""
    try:
        yield
    except (OSError, StoreError) as error:
        raise SettingError(f"{option} {path} cannot be written: {error}; name another place") from error


def as_records(frame: Any) -> list[dict[str, Any]]:
    """Return the rows of a DataFrame as dictionaries of plain values, missing ones as None."""
    rows: list[dict[str, Any]] = frame.astype(object).where(frame.notna(), None).to_dict(orient="records")
    return rows


def text_table(header: Sequence[str], rows: Iterable[Sequence[Any]], *, widest: int = 60) -> str:
    """Return aligned columns: numbers to the right, text to the left, long cells cut at ``widest``."""
    body = [[_cell(value, widest) for value in row] for row in rows]
    numeric = [all(_is_number(row[i]) for row in body) for i in range(len(header))]
    widths = [max(len(line[i]) for line in [list(header), *body]) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = (c.rjust(w) if right else c.ljust(w) for c, w, right in zip(cells, widths, numeric, strict=True))
        return "  ".join(padded).rstrip()

    return "\n".join([line(header), *(line(row) for row in body)])


def fixed(values: Iterable[float], digits: int = 4) -> list[str]:
    """Return numbers with the same number of decimals, so many that the largest shows at least ``digits`` digits.

    Examples
    --------
    >>> fixed([0.81234, 0.5]), fixed([1234.5, 88.25]), fixed([float("nan"), 12.5])
    (['0.8123', '0.5000'], ['1234', '88'], ['-', '12.50'])
    """
    known = list(values)
    largest = max((abs(value) for value in known if math.isfinite(value)), default=0.0)
    decimals = digits - (len(str(int(largest))) if largest >= 1 else 0)
    return ["-" if math.isnan(value) else f"{value:.{max(0, decimals)}f}" for value in known]


def _cell(value: Any, widest: int) -> str:
    if str(value) in ("None", "nan", "NaT", "<NA>"):
        return "-"
    text = f"{value:.4g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= widest else text[: widest - 3] + "..."


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell == "-"
    return True
