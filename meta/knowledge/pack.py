"""From the folder of a run to the base: everything in a few small files, which are kept with the project."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from automl.core import Config
from meta.knowledge.claims import write_whole

__all__ = ["BASE", "pack", "records"]

BASE = Path(__file__).with_name("base")
LIMIT_MB = 40.0


def records(run: Path) -> Iterator[dict[str, Any]]:
    """Yield every finished piece of a run, in a fixed order."""
    for path in sorted((run / "tables").glob("*/results/*.json")):
        yield json.loads(path.read_text()) | {"path": path}


def pack(run: Path, base: Path = BASE) -> float:
    """Write the base anew from a run; return its megabytes.

    Raises ValueError, and leaves the old base, if it would be larger than the project may carry.
    """
    new = base.with_name(f".{base.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    found = list(records(run))
    _write_tables(run, new, {record["table"] for record in found})
    versions: list[dict[str, str]] = []
    _fits(found, versions).to_parquet(new / "fits.parquet", compression="zstd", index=False)
    write_whole(new / "versions.json", json.dumps(versions, indent=1))
    shutil.copy(run / "pool.json", new / "pool.json")
    _write_predictions(run, found, new)
    for name in ("metafeatures.parquet", "refused.json"):
        if (run / name).exists():
            shutil.copy(run / name, new / name)
    megabytes = sum(path.stat().st_size for path in new.rglob("*") if path.is_file()) / 1e6
    if megabytes > LIMIT_MB:
        shutil.rmtree(new)
        raise ValueError(f"the base has {megabytes:.1f} MB, at most {LIMIT_MB:g} are kept with the project")
    shutil.rmtree(base, ignore_errors=True)
    new.rename(base)
    return megabytes


def _write_tables(run: Path, new: Path, tried: set[str]) -> None:
    """Write what is known of the tables, and each configuration as some table spells it, by its key."""
    tables, configs = [], {}
    for path in sorted((run / "tables").glob("*/variant.json")):
        variant = json.loads(path.read_text())
        if variant["table"] not in tried:
            continue
        entries = {}
        for entry, config in variant.pop("configs").items():
            if "steps" in config:
                key = Config.from_json(config).key()
                configs[key] = config
                entries[entry] = {"key": key}
            else:
                entries[entry] = config
        tables.append(variant | {"entries": entries})
    write_whole(new / "tables.json", "[\n" + ",\n".join(json.dumps(table) for table in tables) + "\n]\n")
    write_whole(new / "configs.json", json.dumps(configs, sort_keys=True))


def _fits(found: list[dict[str, Any]], versions: list[dict[str, str]]) -> pd.DataFrame:
    """Return one row for each fold; ``versions`` gathers the sets of versions, by number."""
    rows = []
    for record in found:
        if record["versions"] not in versions:
            versions.append(record["versions"])
        same = {name: record[name] for name in ("table", "rows", "entry", "key", "cap", "unit_seconds", "at")}
        same |= {"versions": versions.index(record["versions"]), "trial": record["status"], "reason": record["reason"]}
        for number, fold in enumerate(record["folds"]):
            plain = {name: value for name, value in fold.items() if name != "losses"}
            for name in ("fit", "predict"):
                if f"{name}_seconds" in plain:
                    plain[f"{name}_units"] = plain.pop(f"{name}_seconds") / record["unit_seconds"]
            losses = {f"loss {name}": value for name, value in fold.get("losses", {}).items()}
            rows.append(same | {"fold": number} | plain | losses)
    frame = pd.DataFrame(rows)
    for name in frame.columns:
        if frame[name].dtype == np.float64:
            frame[name] = frame[name].astype(np.float32)
        elif not pd.api.types.is_numeric_dtype(frame[name]):
            frame[name] = frame[name].astype("category")
    return frame


def _write_predictions(run: Path, found: list[dict[str, Any]], new: Path) -> None:
    """Write the compact predictions of each table, all its entries in one array, beside the truth."""
    by_table: dict[Path, list[tuple[str, Path]]] = {}
    for record in found:
        codes = record["path"].with_suffix(".npy")
        if codes.exists():
            by_table.setdefault(codes.parents[1], []).append((record["entry"], codes))
    for folder, parts in sorted(by_table.items()):
        with np.load(folder / "truth.npz") as truth:
            arrays = {name: truth[name] for name in truth.files if name not in ("rows", "shape")}
        arrays["entries"] = np.array([entry for entry, _ in parts])
        arrays["codes"] = np.stack([np.load(path) for _, path in parts])
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        write_whole(new / "predictions" / f"{folder.name}.npz", buffer.getvalue())
