"""Paths as users give them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from automl.core.errors import SettingError

__all__ = ["as_path"]


def as_path(value: Any, name: str = "path") -> Path:
    """Return a path, or refuse what no file can be named.

    Examples
    --------
    >>> as_path("models/first.automl").name
    'first.automl'
    """
    text = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    if not isinstance(text, str) or not text or "\0" in text:
        raise SettingError(f"{name}={value!r} is not a path; give one as a string or pathlib.Path")
    return Path(text)
