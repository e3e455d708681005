"""What is kept of a fit when there is time for everything, and when there is not; by a clock of the test's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import joblib
import pytest

from automl import load
from automl.cli.console import run
from automl.cli.fit import keep, report
from automl.cli.folder import ModelFolder
from automl.core import Budget
from automl.store import read_manifest
from tests.cli.conftest import FRAME


@pytest.fixture
def fitted(place: Path, quiet: None, tmp_path: Path) -> tuple[Any, ModelFolder]:
    """A fitted estimator, and a folder as it is when a fit is over; with the pipeline of an earlier model."""
    estimator = load(place / "model" / "model.automl")
    folder = ModelFolder(Path(shutil.copytree(place / "model", tmp_path / "model")))
    assert folder.exported
    folder.model.unlink()
    return estimator, folder


def kept(estimator: Any, folder: ModelFolder, budget: Budget) -> dict[str, Any]:
    summary = keep(folder.request(), estimator, folder, budget, keep_data=True)
    report(summary, estimator, folder, as_json=True)
    return summary


def test_with_time_the_model_is_exported_and_measured(fitted, capsys):
    estimator, folder = fitted
    kept(estimator, folder, Budget(1000.0, clock=lambda: 10.0))
    said = capsys.readouterr()
    assert said.err == "" and json.loads(said.out)["export"] == str(folder.export)
    assert joblib.load(folder.export / "pipeline.joblib").predict(FRAME).tolist() == estimator.predict(FRAME).tolist()
    assert read_manifest(folder.model).seconds_1_row


def test_a_counted_run_is_always_exported(fitted):
    kept(*fitted, Budget(None))
    assert fitted[1].exported and read_manifest(fitted[1].model).seconds_1000_rows


@pytest.mark.parametrize("elapsed", [9.99, 11.0])
def test_without_time_the_model_is_saved_and_the_export_left_for_later(fitted, elapsed, capsys, tmp_path):
    estimator, folder = fitted
    summary = kept(estimator, folder, Budget(10.0, clock=lambda: elapsed))
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and f"automl export {folder.path} --out FOLDER" in said.err
    assert json.loads(said.out)["export"] is None and summary["seconds"] == elapsed
    assert not folder.export.exists()  # nor that of the earlier model
    assert read_manifest(folder.model).seconds_1_row is None
    assert load(folder.model).predict(FRAME).tolist() == estimator.predict(FRAME).tolist()
    report(summary, estimator, folder, as_json=False)
    assert "pipeline: not exported; `automl export" in capsys.readouterr().out

    assert run(["export", str(folder.path), "--out", str(tmp_path / "shipped")]) == 0
    assert joblib.load(tmp_path / "shipped" / "pipeline.joblib").predict(FRAME).tolist() == (
        estimator.predict(FRAME).tolist()
    )
    assert folder.exported


def test_an_export_that_fails_is_one_line(fitted, monkeypatch, capsys):
    estimator, folder = fitted

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("automl.pipeline.export._write_golden", full)
    kept(estimator, folder, Budget(None))
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and "No space left" in said.err and folder.model.is_file()
    assert json.loads(said.out)["export"] is None


def test_an_export_may_be_made_where_the_fit_would_have_made_it(fitted):
    estimator, folder = fitted
    kept(estimator, folder, Budget(10.0, clock=lambda: 11.0))
    assert run(["export", str(folder.path), "--out", str(folder.export)]) == 0
    assert joblib.load(folder.export / "pipeline.joblib").predict(FRAME).tolist() == estimator.predict(FRAME).tolist()
