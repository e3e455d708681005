"""`automl export`: the fitted pipeline, brought to where it is wanted."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from automl.cli.folder import ModelFolder
from automl.core import SettingError

__all__ = ["export_model"]


def export_model(model: Path, pickle: Path | None, out: Path | None) -> None:
    """Copy the pipeline, the whole export folder, or both."""
    if pickle is None and out is None:
        raise SettingError("say what to write: --pickle pipeline.joblib, --out folder, or both")
    folder = ModelFolder(model)
    folder.record()
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SettingError(f"--out {out} is not a new or empty folder; name one that is")
    if pickle is not None:
        if pickle.is_dir():
            raise SettingError(f"--pickle {pickle} is a folder; name a file, for example {pickle / 'pipeline.joblib'}")
        pickle.parent.mkdir(parents=True, exist_ok=True)
        partial = pickle.with_name(pickle.name + ".partial")
        shutil.copyfile(folder.export / "pipeline.joblib", partial)
        os.replace(partial, pickle)
        print(f"{pickle}: the fitted pipeline; load it with joblib.load")
    if out is not None:
        shutil.copytree(folder.export, out, dirs_exist_ok=True)
        print(f"{out}: the fitted pipeline with its schema and versions; see {out / 'README.md'}")
