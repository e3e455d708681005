"""The published configurations as they lie in ``configs.jsonl``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["CONFIGS", "Record", "Untranslatable", "published"]

CONFIGS = Path(__file__).parent / "configs.jsonl"
_TASKS = {"any": ("binary", "multiclass", "regression"), "classification": ("binary", "multiclass")}


class Untranslatable(Exception):
    """A record that has no counterpart in our space; the message says why."""


@dataclass(frozen=True)
class Record:
    """One published configuration; the fields are described in ``README.md``."""

    id: str
    source: Mapping[str, str]
    task: str
    family: str
    estimator: str
    params: Mapping[str, Any]
    preprocessing: Mapping[str, Any]
    rank: int | None = None
    estimator_regression: str | None = None
    data_dependent: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    nested_estimator: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    approximate: bool = False

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks that the configuration was published for."""
        return _TASKS.get(self.task, (self.task,))

    def estimator_for(self, task: str) -> str:
        """Return the name of the class."""
        path = self.estimator_regression if task == "regression" and self.estimator_regression else self.estimator
        return path.rpartition(".")[2]


def published(path: Path = CONFIGS) -> list[Record]:
    """Read the records of a file, one JSON object a line."""
    known = set(Record.__dataclass_fields__)
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Record(**{k: v for k, v in json.loads(line).items() if k in known}) for line in lines]
