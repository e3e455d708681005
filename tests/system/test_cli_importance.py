"""`automl importance` from files to a table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl.cli.console import run


def rows(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"size": rng.normal(size=n), "code": rng.choice(["01", "02"], n), "w": 1.0 + rng.random(n)})
    frame["price"] = 3 * frame["size"] + (frame["code"] == "01") + 0.3 * rng.normal(size=n)
    return frame


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("importance")
    rows(150, 0).to_csv(folder / "t.csv", index=False)
    rows(90, 1).rename(columns={"price": "paid"}).to_csv(folder / "new.csv", index=False)
    options = ["--trials", "2", "--jobs", "1", "--seed", "1", "--include", "linear", "--quiet", "--weights", "w"]
    assert run(["fit", str(folder / "t.csv"), "--target", "price", "--out", str(folder / "model"), *options]) == 0
    return folder


def test_the_table_of_fit_is_scored_by_models_that_did_not_see_it(place, capsys):
    assert run(["importance", str(place / "model"), str(place / "t.csv")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("root_mean_squared_error ") and "did not see it" in lines[0]
    assert lines[1].split()[:3] == ["feature", "worse", "by"] and [line.split()[0] for line in lines[2:]] == [
        "size",
        "code",
    ]


def test_new_rows_as_json(place, capsys):
    words = ["importance", str(place / "model"), str(place / "new.csv"), "--target", "paid", "--repeats", "2", "--json"]
    assert run(words) == 0
    said = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert said["rows"] == "new rows" and said["n_rows"] == 90 and said["score"] > 0
    assert [row["feature"] for row in said["features"]] == ["size", "code"]
    assert said["features"][0]["low"] < said["features"][0]["importance"] < said["features"][0]["high"]


def test_a_table_without_the_target_is_refused(place, capsys):
    assert run(["importance", str(place / "model"), str(place / "new.csv")]) == 2
    assert "has no column 'price' to score against" in capsys.readouterr().err
    assert run(["importance", str(place / "model"), str(place / "t.csv"), "--time", "soon"]) == 2
    assert "not a duration" in capsys.readouterr().err
