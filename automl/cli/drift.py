"""`automl drift`: whether a table changes along time or batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from automl.cli.output import as_records, fixed, print_json, text_table
from automl.cli.table import columns_like

__all__ = ["print_drift"]

SHOWN = 15


def print_drift(path: Path, by: str, target: str | None, drop: Sequence[str], metric: str, *, as_json: bool) -> None:
    """Print how the columns of a table file change along one of them, and what shuffled validation would hide."""
    from automl.core import SettingError
    from automl.data import load_table
    from automl.evaluate import drift_report

    frame = load_table(path)
    for option, name in (("--by", by), ("--target", target), *(("--drop", name) for name in drop)):
        if name is not None and name not in frame.columns:
            raise SettingError(f"{option} {name}: {path} has no such column; {columns_like(name, frame)}")
    for option, names in (("--target", [target]), ("--drop", drop)):
        if by in names:
            raise SettingError(f"--by {by} is also {option} {by}; name a column that stays in the table")
    y = None if target is None else frame[target]
    frame = frame.drop(columns=[*drop, *([] if target is None else [target])])
    report = drift_report(frame, by, y, metric=metric)
    if as_json:
        auc = report.auc
        print_json(
            {
                "auc": {"value": auc.value, "standard_error": auc.standard_error, "interval": list(auc.interval)},
                "gap": None if report.gap is None else asdict(report.gap),
                "features": as_records(report.features),
                "batches": as_records(report.batches),
            }
        )
        return
    print(report)
    most = report.features.head(SHOWN)
    found = [f"{p:.2g}" for p in most["p_adjusted"]], ["yes" if drifts else "no" for drifts in most["drifts"]]
    columns = zip(most["feature"], most["kind"], fixed(most["psi"], 3), fixed(most["ks"], 3), *found, strict=True)
    print("\n" + text_table(("column", "kind", "psi", "ks", "p adjusted", "drifts"), columns))
    batches = report.batches
    told = fixed(batches["auc"], 3), fixed(batches["standard_error"], 3)
    rows = zip(batches["from"].astype(str), batches["rows"], *told, strict=True)
    print("\n" + text_table((f"{by} from", "rows", "auc against earlier", "standard error"), rows))
