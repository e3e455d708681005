"""The tables of the workshop: which, how many rows of them, and none that resembles one we measure on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from automl.data import Dataset, make_dataset
from automl.metalearn.rows import pick_rows, row_hashes
from datasets.load import BUNDLED
from datasets.load import load as load_bundled
from meta.knowledge.similarity import Signature, likeness, signature

__all__ = ["DATA", "Source", "checksum", "refusals", "sampled", "sources"]

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@dataclass(frozen=True)
class Source:
    """A table that the workshop may use: where it is from, and how to read it."""

    name: str
    task: str
    n_rows: int
    provenance: str
    licence: str
    groups: str | None = None
    folder: Path | None = None
    target: str = ""

    def read(self) -> tuple[pd.DataFrame, pd.Series[Any], pd.Series[Any] | None]:
        """Return the columns, the target and the groups if rows belong together."""
        if self.folder is None:
            table = load_bundled(self.name)
            return table.X, table.y, None
        frame = pd.read_parquet(self.folder / f"{self.name}.parquet")
        frame = frame[frame[self.target].notna()].reset_index(drop=True)
        X, y = frame.drop(columns=self.target), frame[self.target]
        return (X, y, None) if self.groups is None else (X.drop(columns=self.groups), y, X[self.groups])


def sources(folder: Path = DATA, part: str = "meta_only") -> tuple[Source, ...]:
    """Return the tables of one part of the split, sorted by name; behind those for the base, scikit-learn's own."""
    manifest = pd.read_csv(folder / "manifest.csv").set_index("name")
    names = json.loads((folder / "split.json").read_text())[part]
    found = [_listed(name, manifest.loc[name].to_dict(), folder) for name in sorted(names)]
    return (*found, *(_bundled(name) for name in BUNDLED)) if part == "meta_only" else tuple(found)


def _listed(name: str, row: Mapping[str, Any], folder: Path) -> Source:
    def text(column: str) -> str:
        return str(row[column]) if isinstance(row[column], str) else ""

    origin = f"{text('source_repo')}/{text('source_path')}@{text('source_commit')[:12]}"
    return Source(
        name,
        str(row["task"]),
        int(row["n_rows"]),
        origin,
        text("license_if_stated") or "none stated",
        text("group_column") or None,
        folder,
        str(row["target"]),
    )


@cache
def _bundled(name: str) -> Source:
    table = load_bundled(name)
    task = "regression" if not table.classifies else "binary" if table.y.nunique() == 2 else "multiclass"
    return Source(name, task, len(table.y), f"scikit-learn, sklearn.datasets.load_{name}", "as in scikit-learn")


def refusals(wanted: Iterable[Source], measured: Iterable[Source]) -> dict[str, str]:
    """Return which tables must stay out of the base, and why.

    One that resembles a table which is measured on would make the base look better than it is; of two that resemble
    each other the first stays, so that leaving one out leaves nothing of it.
    """
    kept: list[tuple[str, Signature]] = []
    reasons: dict[str, str] = {}
    theirs = [(source.name, _signature(source)) for source in measured]
    for source in wanted:
        mine = _signature(source)
        for name, other in (*theirs, *kept):
            found = likeness(mine, other)
            if found.similar:
                reasons[source.name] = (
                    f"resembles {name}: {found.names:.0%} of the names, {found.rows:.0%} of the rows are the same, "
                    f"size and target {'are alike' if found.target else 'differ'}"
                )
                break
        else:
            kept.append((source.name, mine))
    return reasons


def _signature(source: Source) -> Signature:
    X, y, _ = source.read()
    return signature(X, y)


def sampled(source: Source, rows: int) -> Dataset:
    """Return at most about ``rows`` rows, chosen by what they hold, in the order of the file."""
    X, y, groups = source.read()
    if len(y) > rows:
        codes = None if source.task == "regression" else pd.factorize(y)[0]
        hashes, _ = row_hashes(X, y)
        index = np.sort(pick_rows(hashes, rows, codes))
        X, y = X.iloc[index].reset_index(drop=True), y.iloc[index].reset_index(drop=True)
        groups = None if groups is None else groups.iloc[index].reset_index(drop=True)
    return make_dataset(X, y, classifies=source.task != "regression", groups=groups)


def checksum(source: Source) -> str:
    """Return the SHA-256 of the file, or of the values of a bundled table."""
    if source.folder is not None:
        return hashlib.sha256((source.folder / f"{source.name}.parquet").read_bytes()).hexdigest()
    X, y, _ = source.read()
    values = np.concatenate([pd.util.hash_pandas_object(X, index=False), pd.util.hash_pandas_object(y, index=False)])
    return hashlib.sha256(values.tobytes()).hexdigest()
