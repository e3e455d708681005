"""`automl drift`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl.cli.console import run


@pytest.fixture
def table(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    month = np.repeat(np.arange(1, 5), 60)
    frame = pd.DataFrame({"month": month, "moves": month + rng.normal(size=240), "stays": rng.normal(size=240)})
    frame["y"] = (frame["moves"] - month + 0.5 * rng.normal(size=240) > 0).map({True: "yes", False: "no"})
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False)
    return str(path)


def test_it_names_the_column_that_moves(table: str, capsys: pytest.CaptureFixture[str]):
    assert run(["drift", table, "--by", "month", "--target", "y", "--metric", "log_loss", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert {row["feature"]: row["drifts"] for row in said["features"]} == {"moves": True, "stays": False}
    assert said["gap"]["metric"] == "log_loss" and len(said["batches"]) == 4
    assert run(["drift", table, "--by", "month", "--target", "y"]) == 0
    text = capsys.readouterr().out
    assert "1 of 2 columns have moved: moves" in text and "month from" in text and "shuffled, " in text


@pytest.mark.parametrize("option", ["--target", "--drop"])
def test_the_column_of_time_stays_in_the_table(table: str, option: str, capsys: pytest.CaptureFixture[str]):
    assert run(["drift", table, "--by", "month", option, "month"]) == 2
    assert f"--by month is also {option} month" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "name"), [("--by", "year"), ("--target", "year"), ("--drop", "year")])
def test_a_column_that_is_not_there_is_named(table: str, option: str, name: str, capsys: pytest.CaptureFixture[str]):
    asked = ["--by", "month"] if option != "--by" else []
    assert run(["drift", table, *asked, option, name]) == 2
    assert f"{option} {name}: " in capsys.readouterr().err
