"""The user's own base: earlier runs in a folder of theirs. Nothing here leaves the machine."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from automl.core import SettingError, StoreError
from automl.metalearn.sources import Source

__all__ = ["SETTING", "add_source", "own_folder", "own_sources", "remove_source"]

SETTING = "AUTOML_KNOWLEDGE"  # "off", or another folder
FORMAT = 1


def own_folder(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path | None:
    """Return the folder of the user's own base, or None where it is switched off or the user has no home.

    Examples
    --------
    >>> own_folder({"AUTOML_KNOWLEDGE": "off"}) is None
    True
    >>> own_folder({"XDG_DATA_HOME": "/data"}, "linux").as_posix()
    '/data/automl/knowledge'
    """
    wanted = environment.get(SETTING, "")
    if wanted.lower() == "off":
        return None
    if wanted:
        return Path(wanted)
    try:
        if platform == "win32":
            root = Path(environment.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        elif platform == "darwin":
            root = Path.home() / "Library" / "Application Support"
        else:
            root = Path(environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    except RuntimeError:  # a container that runs under a number without a name
        return None
    return root / "automl" / "knowledge"


def own_sources(folder: Path | None) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    """Return the runs in a folder, by name, and the names of files that cannot be read."""
    found, damaged = [], []
    try:
        paths = [] if folder is None else sorted(folder.glob("*.json"))
    except OSError:
        paths = []
    for path in paths:
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["format"] > FORMAT:
                raise ValueError("of a later version")
            found.append(Source.from_json(data["source"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            damaged.append(path.name)
    return tuple(found), tuple(damaged)


def add_source(source: Source, folder: Path | None) -> Path:
    """Write a run into the folder, in place of one of the same name; return the file.

    Raises
    ------
    SettingError
        If the user's own base is switched off.
    StoreError
        If the folder cannot be written to.
    """
    if folder is None:
        raise SettingError(f"your own base is off ({SETTING}=off, or no home folder): set {SETTING} to a folder")
    path = folder / f"{_file_name(source.name)}.json"
    text = json.dumps({"format": FORMAT, "source": source.to_json()}, allow_nan=False)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_suffix(f".{os.getpid()}.new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error}; name another folder in {SETTING}") from error
    return path


def remove_source(name: str, folder: Path | None) -> None:
    """Delete a run from the folder.

    Raises
    ------
    SettingError
        If there is none of this name; says which there are.
    """
    names = [source.name for source in own_sources(folder)[0]]
    path = None if folder is None else folder / f"{_file_name(name)}.json"
    if path is None or not path.is_file():
        raise SettingError(f"there is no run {name!r} in your own base; it holds: {', '.join(names) or 'none'}")
    path.unlink()


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "run"
