"""`automl export`: the fitted pipeline, brought to where it is wanted."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from automl.cli.folder import ModelFolder
from automl.cli.output import writing
from automl.core import SettingError

__all__ = ["export_model"]


def export_model(
    model: Path, pickle: Path | None, out: Path | None, python: Path | None = None, share: Path | None = None
) -> None:
    """Copy the pipeline or the whole export folder, write the script, or the model with its audited form."""
    if pickle is None and out is None and python is None and share is None:
        raise SettingError(
            "say what to write: --pickle pipeline.joblib, --out folder, --python pipeline.py or --share model.automl"
        )
    folder = ModelFolder(model)
    folder.record()
    if out is not None and os.path.exists(out) and (not out.is_dir() or any(out.iterdir())):
        raise SettingError(f"--out {out} is not a new or empty folder; name one that is")
    named = (
        ("--pickle", pickle, "pipeline.joblib"),
        ("--python", python, "pipeline.py"),
        ("--share", share, "model.automl"),
    )
    for option, path, name in named:
        if path is not None and os.path.isdir(path):
            raise SettingError(f"{option} {path} is a folder; name a file, for example {path / name}")
    if (pickle is not None or out is not None) and not folder.exported:  # the fit had no time for it
        from automl import load

        load(folder.model).export(folder.export, overwrite=True)
    if pickle is not None:
        with writing("--pickle", pickle):
            pickle.parent.mkdir(parents=True, exist_ok=True)
            partial = pickle.with_name(pickle.name + ".partial")
            shutil.copyfile(folder.export / "pipeline.joblib", partial)
            os.replace(partial, pickle)
        print(f"{pickle}: the fitted pipeline; load it with joblib.load")
        if (folder.export / "decision.joblib").is_file():
            print(f"{pickle}: predicts the likeliest class; decision.joblib, which --out writes too, weighs them")
    if out is not None:
        if out.resolve() != folder.export.resolve():  # where it was just made
            with writing("--out", out):
                shutil.copytree(folder.export, out, dirs_exist_ok=True)
        print(f"{out}: the fitted pipeline with its schema and versions; see {out / 'README.md'}")
    if python is not None:
        from automl import load

        estimator = load(folder.model)
        with writing("--python", python):
            estimator.export_script(python)
        print(f"{python}: builds and fits the model again, without automl; see the text at its top")
    if share is not None:
        from automl import load
        from automl.saving import save
        from automl.store import read_manifest

        manifest = read_manifest(folder.model)
        estimator = load(folder.model)
        with writing("--share", share):
            save(estimator, share, share=True, target=manifest.target, command=manifest.command)
        print(f"{share}: the model; automl.load({share.name!r}, trusted=False) reads it without unpickling")
