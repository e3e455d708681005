"""`automl inspect`: what a saved model says of itself; nothing of it is loaded."""

from __future__ import annotations

import math
import os
from pathlib import Path

from automl.cli.folder import ModelFolder
from automl.cli.output import print_json, text_table
from automl.core import SettingError, StoreError
from automl.store import Manifest, read_manifest

__all__ = ["print_manifest"]

SHOWN_COLUMNS = 20


def print_manifest(model: Path, *, as_json: bool) -> None:
    """Print the manifest of a model's file, or of the one in a folder that ``automl fit`` made."""
    path = model
    if os.path.isdir(model):
        folder = ModelFolder(model)
        folder.record()
        path = folder.model
    try:
        manifest = read_manifest(path)
    except StoreError as error:  # here the file is what the user handed over
        raise SettingError(str(error)) from error
    if as_json:
        print_json(manifest.to_json())
    else:
        print("".join(c if c.isprintable() or c == "\n" else "?" for c in _text(path, manifest)))


def _text(path: Path, manifest: Manifest) -> str:
    low, high = (_number(bound) for bound in manifest.interval)
    libraries = ", ".join(f"{name} {version}" for name, version in manifest.libraries.items())
    parts = ", ".join(f"{name} {part.size / 1e6:,.2f} MB" for name, part in manifest.parts.items())
    lines = {
        "model": f"{path}: {manifest.estimator}, {manifest.task}, fitted on {manifest.n_rows:,} rows",
        "target": manifest.target or "-",
        "score": f"{manifest.metric} {_number(manifest.score)} [{low}, {high}], {manifest.score_label}",
        "searched": f"{_number(manifest.search_score)} is what the selection was made by (optimistic)",
        "predicts": f"1 row in {_seconds(manifest.seconds_1_row)}, 1,000 rows in "
        f"{_seconds(manifest.seconds_1000_rows)}, measured when it was saved",
        "size": f"{manifest.size_mb:,.2f} MB: {parts}",
        "saved": f"{manifest.created} by automl {manifest.automl}, Python {manifest.python}, {manifest.platform}",
        "needs": libraries,
        "made by": manifest.command,
    }
    said = "\n".join(f"{name + ':':<10}{' '.join(text.split())}" for name, text in lines.items())
    shown = manifest.columns[:SHOWN_COLUMNS]
    more = len(manifest.columns) - len(shown)
    return f"{said}\n\n{text_table(('column', 'kind'), shown)}" + (f"\n... {more} more: --json" if more else "")


def _number(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.4g}"


def _seconds(value: float | None) -> str:
    return "- (no time to measure)" if value is None else f"{value:.3g} s"
