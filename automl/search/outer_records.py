"""Outer folds that are done, kept with their run: a run that is resumed does not do them again."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from automl.core import Event, StoreError
from automl.evaluate import Folds, Held
from automl.search.nested_result import OuterFold
from automl.search.plan import Settings
from automl.search.session import CUT_SHORT
from automl.store import Artifacts, RunFolder

__all__ = ["kept_folds", "outer_event", "write_held"]


def write_held(folder: RunFolder, fold: int, held: Held) -> None:
    """Keep what one outer fold predicted in the folder of the run."""
    arrays: dict[str, Any] = {"prediction": held.prediction} | (
        {} if held.decided is None else {"decided": held.decided}
    )
    with suppress(StoreError):  # then it is done again
        Artifacts(folder.outer).write_atomic(_path(folder, fold), lambda file: np.savez(file, **arrays))


def outer_event(record: OuterFold, outer: Folds, metric: str) -> Event:
    """Return what the journal says of one outer fold."""
    data = dataclasses.asdict(record)
    scores = {name: data[name] if math.isfinite(data[name]) else None for name in ("score", "inner_score")}
    return Event("outer", {**data, **scores, "n_folds": len(outer), "digest": outer.digest, "metric": metric})


def _path(folder: RunFolder, fold: int) -> Path:
    return folder.outer / f"fold-{fold}.npz"


def kept_folds(
    folder: RunFolder, earlier: Sequence[Event], settings: Settings, outer: Folds
) -> dict[int, tuple[OuterFold, Held]]:
    """Return the outer folds that earlier sittings did with the same settings, as far as their files are whole."""
    ends = [i for i, e in enumerate(earlier) if e.kind == "finished" and e.data["stopped"] not in CUT_SHORT]
    latest = ends[-1] if ends else -1
    done = {}
    for event in earlier[latest + 1 :]:
        same = event.kind == "outer" and event.data["max_trials"] == settings.max_trials
        if same and event.data.get("digest") == outer.digest:
            record = _record(event.data)
            held = _read(_path(folder, record.fold), len(outer.pairs[record.fold][1]))
            if held is not None:
                done[record.fold] = record, held
    return done


def _record(data: Mapping[str, Any]) -> OuterFold:
    values = {one.name: data[one.name] for one in dataclasses.fields(OuterFold)}
    nothing = float("nan")
    scores = {name: nothing if data[name] is None else data[name] for name in ("score", "inner_score")}
    return OuterFold(**{**values, **scores, "members": tuple(data["members"])})


def _read(path: Path, n_rows: int) -> Held | None:
    try:
        with np.load(path) as arrays:
            held = Held(arrays["prediction"], arrays["decided"] if "decided" in arrays else None)
    except Exception:  # damaged bytes make NumPy raise nearly anything
        return None
    return held if len(held.prediction) == n_rows else None
