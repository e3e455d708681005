"""The file of a saved model: a zip of one manifest, which can be read alone, and of parts that it has checksums of.

The manifest says what the parts are before any of them is read. A checksum shows damage, not who made the file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from automl.core import StoreError

__all__ = ["Manifest", "Part", "read_manifest", "read_part", "write_model"]

FORMAT = "automl-model"
VERSION = 1
MANIFEST = "manifest.json"
LARGEST_MANIFEST = 64_000_000  # bytes; a hundred thousand columns take 6 MB
NOT_OURS = "it was not saved by this version of automl; give the file that save wrote, or fit and save again"


@dataclass(frozen=True)
class Part:
    """What the manifest knows of one part: its length in bytes and its checksum."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What there is to know of a saved model without loading it.

    Parameters
    ----------
    automl, python, platform : str
        What it was saved with.
    libraries : mapping of str to str
        Versions of the packages that it needs.
    estimator : str
        Name of the class.
    target : str or None
        Name of the target, where it had one.
    score, interval, score_label
        The estimate, in the metric's natural sign, with its 95 % interval, and what kind of score it is; None where
        there is no number.
    columns : tuple of (name, kind)
    n_rows : int
        Rows of the table that it was fitted on.
    seconds_1_row, seconds_1000_rows : float or None
        Time that ``predict`` took when the model was saved: for one row of the table, and for 1,000, which are the
        rows stored with the model again and again. None where it could not be measured.
    created : str
        Date and time in UTC, ISO 8601.
    command : str
        The command line, or the constructor's call, that made it.
    parts : mapping of str to Part
        Filled in by :func:`write_model`.
    search_score : float or None
        What the selection was made by, optimistic; files of before do not say.
    """

    automl: str
    python: str
    platform: str
    libraries: Mapping[str, str]
    estimator: str
    task: str
    target: str | None
    metric: str
    score: float | None
    interval: tuple[float | None, float | None]
    score_label: str
    columns: tuple[tuple[str, str], ...]
    n_rows: int
    seconds_1_row: float | None
    seconds_1000_rows: float | None
    created: str
    command: str
    parts: Mapping[str, Part] = field(default_factory=dict)
    search_score: float | None = None

    @property
    def size_mb(self) -> float:
        """Size of all parts in MB (10^6 bytes)."""
        return sum(part.size for part in self.parts.values()) / 1e6

    def to_json(self) -> dict[str, Any]:
        return {"format": FORMAT, "version": VERSION, **dataclasses.asdict(self), "size_mb": self.size_mb}

    @classmethod
    def from_json(cls, data: Any) -> Manifest:
        """Check what a file says; a field that is missing or of another type is a ValueError that names it."""
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ValueError(f"it has no manifest of the format {FORMAT!r}: {NOT_OURS}")
        version = data.get("version")
        if isinstance(version, bool) or not isinstance(version, int) or version < 1:
            raise ValueError(f"its manifest has the version {version!r}; expected {VERSION}")
        if version > VERSION:
            writer = data.get("automl", "a later version")
            raise ValueError(f"it was saved by automl {writer} in version {version} of the format; update automl")
        for name, (expected, kinds) in _FIELDS.items():
            value = data.get(name)
            if isinstance(value, bool) or not isinstance(value, kinds):
                raise ValueError(f"{name} of its manifest is {str(value)[:60]!r}; expected {expected}")
        if not all(isinstance(number, str) for number in data["libraries"].values()):
            raise ValueError("libraries of its manifest are not all names with versions")
        values: dict[str, Any] = {name: data.get(name) for name in _FIELDS}
        values["interval"] = _pairs("interval", [data["interval"]], (int, float, type(None)))[0]
        values["columns"] = _pairs("columns", data["columns"], (str,))
        values["parts"] = {name: _part(name, part) for name, part in data["parts"].items()}
        return cls(**values)


_TEXT, _NUMBER = ("a text", (str,)), ("a number or null", (int, float, type(None)))
_MAPPING, _LIST = ("a mapping", (dict,)), ("a list", (list,))
_FIELDS: dict[str, tuple[str, tuple[type, ...]]] = {
    **dict.fromkeys(("automl", "python", "platform", "estimator", "task", "metric", "score_label"), _TEXT),
    **dict.fromkeys(("created", "command"), _TEXT),
    **dict.fromkeys(("score", "search_score", "seconds_1_row", "seconds_1000_rows"), _NUMBER),
    **dict.fromkeys(("libraries", "parts"), _MAPPING),
    **dict.fromkeys(("interval", "columns"), _LIST),
    "target": ("a text or null", (str, type(None))),
    "n_rows": ("a whole number", (int,)),
}


def _pairs(name: str, found: list[Any], kinds: tuple[type, ...]) -> tuple[tuple[Any, ...], ...]:
    for pair in found:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(value, kinds) for value in pair):
            raise ValueError(f"{name} of its manifest holds {str(pair)[:60]!r}")
    return tuple(tuple(pair) for pair in found)


def _part(name: str, found: Any) -> Part:
    size, checksum = (found.get("size"), found.get("sha256")) if isinstance(found, dict) else (None, None)
    if isinstance(size, bool) or not isinstance(size, int) or not isinstance(checksum, str):
        raise ValueError(f"size or checksum of its part {name!r} is missing")
    return Part(size, checksum)


def write_model(path: str | Path, manifest: Manifest, parts: Mapping[str, bytes]) -> Manifest:
    """Write a model whole or not at all: an earlier file stays as it was until the new one is on the disk.

    Parameters
    ----------
    parts : mapping of str to bytes
        Stored as they are: compress them before.

    Returns
    -------
    Manifest
        With the sizes and checksums of the parts.
    """
    target = Path(path)
    sums = {name: Part(len(content), hashlib.sha256(content).hexdigest()) for name, content in parts.items()}
    manifest = dataclasses.replace(manifest, parts=sums)
    text = json.dumps(manifest.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
    scratch: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".part", dir=target.parent)
        scratch = Path(name)
        with os.fdopen(handle, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                archive.writestr(MANIFEST, text + "\n")
                for part, content in parts.items():
                    archive.writestr(part, content)
            file.flush()
            os.fsync(file.fileno())
        scratch.chmod(0o644)  # mkstemp makes files private
        scratch.replace(target)
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error}") from error
    finally:
        if scratch is not None:
            with suppress(OSError):
                scratch.unlink(missing_ok=True)
    return manifest


def read_manifest(path: str | Path) -> Manifest:
    """Return the manifest of a model file; nothing else of the file is read.

    Raises
    ------
    StoreError
        If there is no such file, it is damaged, or another version wrote it.
    """
    with _opened(path) as archive:
        return _manifest(archive)


def read_part(path: str | Path, name: str) -> bytes:
    """Return a part, its length and checksum verified against the manifest.

    Raises
    ------
    StoreError
        As :func:`read_manifest`, and if the part is missing or not the one that was written.
    """
    with _opened(path) as archive:
        expected = _manifest(archive).parts.get(name)
        if expected is None:
            raise ValueError(f"it has no part {name!r}")
        content = _content(archive, name, expected.size)
        if len(content) != expected.size or hashlib.sha256(content).hexdigest() != expected.sha256:
            raise zipfile.BadZipFile(f"the checksum of its part {name!r} is not that of its manifest")
        return content


@contextmanager
def _opened(path: str | Path) -> Iterator[zipfile.ZipFile]:
    """Open a file for reading; whatever is wrong with it becomes a StoreError that says what to do."""
    target = Path(path)
    try:
        with target.open("rb") as file:
            if file.read(4) != b"PK\x03\x04":
                raise ValueError(NOT_OURS if target.stat().st_size else "it is empty; save the model again")
            with zipfile.ZipFile(file) as archive:
                yield archive
    except FileNotFoundError as error:
        raise StoreError(f"no model at {target}; give the file written by save") from error
    except IsADirectoryError as error:
        raise StoreError(f"{target} is a folder; give the file in it that save wrote") from error
    except OSError as error:
        raise StoreError(f"{target} cannot be read: {error}") from error
    except ValueError as error:
        raise StoreError(f"{target} cannot be read as a model: {error}") from error
    except Exception as error:  # zipfile has many ways to say that bytes are not what they should be
        raise StoreError(f"{target} cannot be read as a model: damaged or cut off ({error}); copy it again") from error


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    if MANIFEST not in archive.namelist():
        raise ValueError(f"it has no manifest: {NOT_OURS}")
    return Manifest.from_json(json.loads(_content(archive, MANIFEST, LARGEST_MANIFEST)))


def _content(archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    """Return a member; only stored ones, so that a small file never becomes a large one in memory."""
    try:
        entry = archive.getinfo(name)
    except KeyError:
        raise zipfile.BadZipFile(f"its part {name!r} is missing") from None
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > largest:
        raise zipfile.BadZipFile(f"its part {name!r} is not stored as save stores it")
    return archive.read(entry)
