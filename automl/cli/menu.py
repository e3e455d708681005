"""`automl menu`: the smaller and faster models that a fit can deliver as well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from automl.cli.folder import ModelFolder
from automl.cli.output import as_records, fixed, print_json, text_table, writing
from automl.core import SettingError

__all__ = ["print_menu"]


def print_menu(
    model: Path,
    *,
    point: str | None,
    max_predict_ms: float | None,
    max_model_mb: float | None,
    max_loss_increase: float | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Print the menu of a saved model; with ``out`` write the export folder of the point that is asked for."""
    folder = ModelFolder(model)
    folder.record()
    limits = {
        "max_predict_ms": max_predict_ms,
        "max_model_mb": max_model_mb,
        "max_loss_increase": max_loss_increase,
    }
    asked = point is not None or any(limit is not None for limit in limits.values())
    if out is None and asked:
        raise SettingError("a point is asked for, but not where to; add --out FOLDER, or leave the limits out")
    if out is not None and not asked:
        raise SettingError("--out needs to know which point: --point NAME, or a limit such as --max-predict-ms 10")
    from automl import load

    estimator = load(folder.model)
    if out is None:
        table, about = estimator.menu(), str(estimator.estimate_)
        if as_json:
            print_json({"metric": estimator.estimate_.metric, "estimate": about, "points": as_records(table)})
        else:
            print(menu_text(table, about))
        return
    chosen = estimator.select(point, **limits)
    with writing("--out", out):
        chosen.export(out)
    if as_json:
        print_json({"out": str(out), "point": as_records(chosen.menu().head(1))[0]})
    else:
        print(f"{out}: {len(chosen.outcome_.members)} member(s), {chosen.estimate_}; see {out / 'README.md'}")


def menu_text(table: Any, about: str) -> str:
    """Return the points as aligned text, the delivered model first."""
    columns = {
        "point": table["point"],
        "models": table["models"],
        "score": fixed(table["score"], 5),
        "worse by": fixed(table["loss_increase"], 5),
        "se": fixed(table["increase_error"], 5),
        "ms / 1000 rows": fixed(table["predict_ms"], 3),
        "MB": fixed(table["size_mb"], 3),
        "columns": table["columns"],
    }
    body = text_table(list(columns), zip(*columns.values(), strict=True))
    return (
        f"delivered: {about}\n{body}\nScores are those of fold models on rows held out, not corrected for the choice."
    )
