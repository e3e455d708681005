"""`automl evaluate`, and `automl fit --outer`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from automl.cli.console import run
from tests.cli.conftest import ROWS, Refused

SMALL = [
    "--target",
    "y",
    "--trials",
    "2",
    "--jobs",
    "1",
    "--include",
    "linear",
    "--seed",
    "0",
    "--metric",
    "log_loss",
    "--quiet",
]
LABEL = "nested cross-validation of the whole procedure"


def test_evaluate_prints_every_fold_and_the_estimate(place: Path, quiet: None, capsys: pytest.CaptureFixture[str]):
    table = str(place / "t.csv")
    assert run(["evaluate", table, *SMALL, "--outer", "2", "--report", "accuracy", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["score"]["label"] == f"{LABEL}, 2 outer folds" and said["score"]["n_rows"] == ROWS
    assert said["score"]["interval"][0] < said["score"]["value"] < said["score"]["interval"][1]
    assert [fold["n_test"] for fold in said["folds"]] == [30, 30]
    assert [score["metric"] for score in said["reported"]] == ["accuracy"]
    assert said["stopped"] == "complete"
    assert run(["evaluate", table, *SMALL, "--outer", "2"]) == 0
    text = capsys.readouterr().out
    assert f"score:  {said['score']['metric']} {said['score']['value']:.4g}" in text
    assert f"label:  {LABEL}, 2 outer folds (2 folds, stratified), {ROWS} rows" in text


def test_fit_keeps_the_outer_estimate(place: Path, tmp_path: Path, quiet: None, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "model"
    assert run(["fit", str(place / "t.csv"), *SMALL, "--outer", "2", "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["score"]["label"] == f"{LABEL}, 2 outer folds"
    assert run(["log", str(out)]) == 0
    assert "fold 2 of 2: " in capsys.readouterr().out


def test_what_cannot_be_evaluated_is_refused(refused: Refused):
    refused(["evaluate", "@t.csv", "--target", "y", "--outer", "1"], "--outer")
    refused(["evaluate", "@t.csv", "--target", "missing"], "--target missing")
