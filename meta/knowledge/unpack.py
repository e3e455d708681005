"""From the base back to the folder of a run, so that another machine can go on where one has stopped."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from meta.knowledge.claims import write_whole
from meta.knowledge.pack import BASE
from meta.knowledge.working import FORMAT

__all__ = ["unpack"]

_OF_A_RECORD = ("table", "rows", "entry", "key", "cap", "unit_seconds", "at")


def unpack(run: Path, base: Path = BASE) -> int:
    """Lay out the folder of a run from a base; return how many finished pieces it has.

    The tables themselves are not in a base: they are written again once there is something to do on them, and compared
    then (`prepare`). Packed again, the folder gives the same base.

    Raises
    ------
    ValueError
        If the folder is one of a run already.
    """
    if (run / "pool.json").exists():
        raise ValueError(f"{run} is the folder of a run already: unpack into another one, or go on there with `run`")
    fits = pd.read_parquet(base / "fits.parquet")
    versions = json.loads((base / "versions.json").read_text())
    configs = json.loads((base / "configs.json").read_text())
    by_table = dict(iter(fits.groupby(["table", "rows"], observed=True)))
    done = 0
    for table in json.loads((base / "tables.json").read_text()):
        name = f"{table['table']}@{table['rows']}"
        folder = run / "tables" / name
        spelled = {entry: configs.get(known.get("key"), known) for entry, known in table.pop("entries").items()}
        write_whole(folder / "variant.json", json.dumps(table | {"configs": spelled}))
        _lay_predictions(base / "predictions" / f"{name}.npz", folder)
        for entry, folds in by_table.get((table["table"], table["rows"]), fits[:0]).groupby("entry", observed=True):
            write_whole(folder / "results" / f"{entry}.json", json.dumps(_record(folds, versions)))
            done += 1
    for name in ("metafeatures.parquet", "refused.json"):
        if (base / name).exists():
            shutil.copy(base / name, run / name)
    write_whole(run / "pool.json", (base / "pool.json").read_text())  # last: with it the folder is a run
    return done


def _lay_predictions(path: Path, folder: Path) -> None:
    if not path.exists():
        return
    with np.load(path) as arrays:
        held = dict(arrays)
    for entry, codes in zip(held.pop("entries"), held.pop("codes"), strict=True):
        write_whole(folder / "results" / f"{entry}.npy", _bytes(np.save, codes))
    write_whole(folder / "truth.npz", _bytes(np.savez, **held))


def _bytes(save: Any, *arrays: Any, **named: Any) -> bytes:
    buffer = io.BytesIO()
    save(buffer, *arrays, **named)
    return buffer.getvalue()


def _record(folds: pd.DataFrame, versions: list[dict[str, str]]) -> dict[str, Any]:
    """Return what `working` wrote for a finished piece, from its rows of the table of fits."""
    rows = folds.sort_values("fold").to_dict("records")
    same = {name: _plain(rows[0][name]) for name in _OF_A_RECORD}
    return {
        "format": FORMAT,
        **same,
        "status": rows[0]["trial"],
        "reason": _plain(rows[0]["reason"]),
        "versions": versions[rows[0]["versions"]],
        "folds": [_fold(row, same["unit_seconds"]) for row in rows],
    }


def _fold(row: dict[str, Any], unit_seconds: float) -> dict[str, Any]:
    fold = {"status": row["status"], "peak_mb": row["peak_mb"]}
    if pd.isna(row["fit_units"]):  # it failed
        return fold
    fold |= {"rounds": None if pd.isna(row["rounds"]) else int(row["rounds"])}
    for name in ("fit", "predict"):
        fold[f"{name}_seconds"] = row[f"{name}_units"] * unit_seconds
    fold["model_mb"] = row["model_mb"]
    losses = {name.removeprefix("loss "): value for name, value in row.items() if name.startswith("loss ")}
    return fold | {"losses": {name: value for name, value in losses.items() if not pd.isna(value)}}


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: missing ones are null."""
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value
