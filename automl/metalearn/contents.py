"""The files of a knowledge base: read when they are first needed, and checked against what the manifest says."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from automl.core import Array, Config, StoreError

__all__ = ["FILES", "MANIFEST", "SCHEMA", "Contents", "Evidence", "NewerSchemaError"]

SCHEMA = 1
MANIFEST = "manifest.json"
FILES = ("configs.json", "orders.json", "results.npz", "surrogates.npz")


class NewerSchemaError(StoreError):
    """The base was written by a later version of automl."""


@dataclass(frozen=True)
class Evidence:
    """What was measured for one task: configurations x tables.

    Parameters
    ----------
    entries : tuple of str
        Ids of configurations.
    tables : tuple of str
    ranks : ndarray of shape (entries, tables)
        Share of the configurations of a table that are better, 0 for its best; 1 where it failed, NaN if not tried.
    log_seconds, log_mb : ndarray of shape (entries, tables)
        Of one fit and its prediction on the machine the base was made on; of the whole process.
    metafeatures : ndarray of shape (tables, k)
        Those of ``Contents.metafeatures``.
    """

    entries: tuple[str, ...]
    tables: tuple[str, ...]
    ranks: Array
    log_seconds: Array
    log_mb: Array
    metafeatures: Array


class Contents:
    """A folder that ``meta/knowledge/learn.py`` wrote.

    Raises
    ------
    StoreError
        On the first use of a file that is missing or not what the manifest says.
    NewerSchemaError
        If the base is of a later version.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        path = self._folder / MANIFEST
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            schema = int(manifest["schema"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{self._folder} holds no knowledge base: {path.name} cannot be read ({error})") from error
        if schema > SCHEMA:
            raise NewerSchemaError(f"written by a later version of automl (schema {schema}, known here {SCHEMA})")
        return dict(manifest)

    @property
    def checksum(self) -> str:
        """Eight digits that differ between bases that hold something else."""
        sums = self.manifest["files"]
        return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()[:8]

    @cached_property
    def configs(self) -> dict[str, Config]:
        return {name: Config.from_json(config) for name, config in json.loads(self._read("configs.json")).items()}

    @cached_property
    def orders(self) -> dict[str, list[dict[str, Any]]]:
        """For each task the orders of its portfolio: ``up_to`` so many rows (None: any), ``entries``."""
        return dict(json.loads(self._read("orders.json")))

    @cached_property
    def surrogates(self) -> Mapping[str, Array]:
        return self._arrays("surrogates.npz")

    @property
    def metafeatures(self) -> tuple[str, ...]:
        return tuple(self.manifest["metafeatures"])

    def evidence(self, task: str) -> Evidence:
        """Return what was measured for a task; empty where nothing was."""
        arrays = self._results
        if f"{task}:entries" not in arrays:
            nothing = np.empty((0, 0))
            return Evidence((), (), nothing, nothing, nothing, np.empty((0, len(self.metafeatures))))
        numbers = ("ranks", "log_seconds", "log_mb", "metafeatures")
        return Evidence(
            tuple(map(str, arrays[f"{task}:entries"])),
            tuple(map(str, arrays[f"{task}:tables"])),
            *(np.asarray(arrays[f"{task}:{name}"], dtype=np.float64) for name in numbers),
        )

    @cached_property
    def _results(self) -> Mapping[str, Array]:
        return self._arrays("results.npz")

    def _arrays(self, name: str) -> dict[str, Array]:
        with np.load(io.BytesIO(self._read(name)), allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}

    def _read(self, name: str) -> bytes:
        expected = self.manifest["files"].get(name)
        try:
            data = (self._folder / name).read_bytes()
        except OSError as error:
            raise StoreError(f"the knowledge base in {self._folder} has lost {name}: {error}") from error
        if hashlib.sha256(data).hexdigest() != expected:
            raise StoreError(f"{name} of the knowledge base in {self._folder} is not what its manifest says")
        return data
