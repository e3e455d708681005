"""A run is done again from its journal."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from automl import AutoClassifier, AutoRegressor
from automl.cli.console import run
from automl.core import SettingError
from automl.data import make_dataset
from automl.search import continued_session, replay_run
from tests.builders import mixed_frame, mixed_target

ROWS = 1400  # folds of more than a thousand rows hold a stop set out once


def table(classes: int):
    frame = mixed_frame(ROWS)
    return frame, mixed_target(frame, classes)


def again(folder: Path, **data):
    with continued_session(folder, keep=True) as session:
        dataset = make_dataset(**data) if data else session.dataset()
        return replay_run(session.settings, dataset, session.earlier, n_jobs=1)


@pytest.mark.parametrize("refit", [False, True])
def test_a_timed_run_is_repeated_exactly(tmp_path: Path, refit: bool):
    X, y = table(2)
    settings = {"max_trials": 4, "n_jobs": 1, "cv": 4, "refit": refit, "run_dir": tmp_path / "run", "keep_data": True}
    model = AutoClassifier(120, include=["lightgbm", "linear"], **settings, random_state=0, verbose=0).fit(X, y)
    repeated = again(tmp_path / "run")
    assert repeated.differing == () and repeated.folds >= 1
    np.testing.assert_array_equal(repeated.model.predict_proba(X), model.pipeline_.predict_proba(X))


def test_a_counted_run_is_repeated_exactly(tmp_path: Path):
    X, y = table(0)
    settings = {"max_trials": 4, "executor": "serial", "cv": 2, "run_dir": tmp_path / "run", "keep_data": True}
    model = AutoRegressor(None, **settings, include=["boosting", "linear"], random_state=0, verbose=0).fit(X, y)
    repeated = again(tmp_path / "run")
    assert repeated.differing == ()
    np.testing.assert_array_equal(repeated.model.predict(X), model.pipeline_.predict(X))
    with pytest.raises(SettingError, match="the table is another one"):
        again(tmp_path / "run", X=X, y=-np.asarray(y), classifies=False)


def test_the_model_is_joined_by_the_weights_of_the_journal_to_the_last_bit(tmp_path, monkeypatch):
    from automl.search import finish

    def uneven(run, evidence, candidates):
        rest = (0.0,) * (len(candidates) - 3)
        return dataclasses.replace(choose(run, evidence, candidates), weights=(0.7, 0.2, 0.1, *rest))

    choose = finish.choose
    monkeypatch.setattr(finish, "choose", uneven)
    assert 0.7 + 0.2 + 0.1 != 1.0  # in floating point
    X, y = table(0)
    settings = {"max_trials": 5, "executor": "serial", "cv": 2, "run_dir": tmp_path / "run", "keep_data": True}
    model = AutoRegressor(None, **settings, include=["boosting", "linear"], random_state=0, verbose=0).fit(X, y)
    np.testing.assert_array_equal(again(tmp_path / "run").model.predict(X), model.pipeline_.predict(X))


def test_what_comes_out_otherwise_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "model"
    X, y = table(2)
    X.assign(y=y).to_csv(tmp_path / "table.csv", index=False)
    asked = ["--target", "y", "--trials", "3", "--include", "linear", "--jobs", "1", "--keep-data", "--quiet"]
    assert run(["fit", str(tmp_path / "table.csv"), *asked, "--out", str(out)]) == 0
    assert run(["replay", str(out)]) == 0
    assert "all as in the journal" in capsys.readouterr().out
    with sqlite3.connect(out / "journal.sqlite") as connection:
        final = json.loads(connection.execute("SELECT data FROM events WHERE kind = 'ensemble'").fetchall()[-1][0])
        member = int(next(iter(final["weights"])))
        for number, text in connection.execute("SELECT id, data FROM events WHERE kind = 'fold'").fetchall():
            data = json.loads(text)
            if data["trial"] == member and data["fold"] == 1:
                data["losses"] = {name: loss + 0.25 for name, loss in data["losses"].items()}
                connection.execute("UPDATE events SET data = ? WHERE id = ?", (json.dumps(data), number))
    assert run(["replay", str(out)]) == 1
    said = capsys.readouterr().out
    assert "1 differences" in said and f"trial {member}, fold 1: roc_auc" in said


def test_an_unfinished_run_cannot_be_repeated(tmp_path: Path):
    from tests.search.test_resume import SETTINGS, X, Y, killed

    killed(tmp_path / "run", 8)
    assert SETTINGS["cv"] == 3 and len(X) == len(Y)
    with pytest.raises(SettingError, match="no final model to repeat"):
        again(tmp_path / "run")
