"""Going on with a run: nothing finished runs again, nothing is lost, and what does not belong together is refused."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

from automl import AutoClassifier, AutoRegressor
from automl.core import DataError, Event, SettingError, StoreError
from automl.store import RunFolder, SqliteJournal, SteadyJournal

X, Y = load_iris(return_X_y=True)
X, Y = X[::3], Y[::3]
SETTINGS = {"max_trials": 6, "include": ["linear", "bayes", "discriminant"], "cv": 3, "executor": "serial"}


class Died(BaseException):
    """What no fit catches."""


def estimator(folder: Path, **settings: object) -> AutoClassifier:
    return AutoClassifier(None, run_dir=folder, random_state=0, verbose=0, **{**SETTINGS, **settings})


def die_after(monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    """Let the driver die when event n + 1 is to be written."""
    append = SteadyJournal.append

    def dying(self: SteadyJournal, event: Event) -> int:
        if len(self.read()) >= n:
            raise Died
        return append(self, event)

    monkeypatch.setattr(SteadyJournal, "append", dying)


def killed(folder: Path, n: int, **settings: object) -> None:
    with pytest.MonkeyPatch.context() as patch:
        die_after(patch, n)
        with pytest.raises(Died):
            estimator(folder, **settings).fit(X, Y)


def events(folder: Path) -> list[Event]:
    journal = SqliteJournal.open_readonly(folder / "journal.sqlite")
    try:
        return [event for _, event in journal.read()]
    finally:
        journal.close()


def folds(folder: Path) -> Counter[tuple[int, int]]:
    return Counter((e.data["trial"], e.data["fold"]) for e in events(folder) if e.kind == "fold")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> AutoClassifier:
    return estimator(tmp_path_factory.mktemp("whole") / "run").fit(X, Y)


@pytest.mark.parametrize("n", [3, 4, 7, 11, 19, 25])
def test_a_counted_run_ends_as_if_nothing_had_happened(tmp_path: Path, whole: AutoClassifier, n: int):
    killed(tmp_path / "run", n)
    resumed = AutoClassifier.resume(tmp_path / "run")
    np.testing.assert_array_equal(resumed.predict_proba(X), whole.predict_proba(X))
    assert [m.trial for m in resumed.outcome_.members] == [m.trial for m in whole.outcome_.members]
    assert resumed.outcome_.trials == whole.outcome_.trials
    assert set(folds(tmp_path / "run").values()) == {1}, "no finished fold runs again"
    assert resumed.leaderboard()["score"].tolist() == whole.leaderboard()["score"].tolist()


def test_it_may_be_killed_again_and_again(tmp_path: Path, whole: AutoClassifier):
    folder = tmp_path / "run"
    killed(folder, 6)
    for n in (10, 16, 22):
        with pytest.MonkeyPatch.context() as patch:
            die_after(patch, n)
            with pytest.raises(Died):
                AutoClassifier.resume(folder)
    np.testing.assert_array_equal(AutoClassifier.resume(folder).predict_proba(X), whole.predict_proba(X))


def test_an_ended_run_is_searched_further_for_more_trials(tmp_path: Path, whole: AutoClassifier):
    folder = tmp_path / "run"
    estimator(folder, keep_data=True, max_trials=3).fit(X, Y)
    longer = AutoClassifier.resume(folder, max_trials=6)
    np.testing.assert_array_equal(longer.predict_proba(X), whole.predict_proba(X))
    assert len(folds(folder)) == 18 and set(folds(folder).values()) == {1}


def test_an_ended_run_without_its_table_asks_for_it(tmp_path: Path, whole: AutoClassifier):
    folder = tmp_path / "run"
    estimator(folder, max_trials=3).fit(X, Y)
    assert sorted(path.name for path in folder.iterdir()) == ["journal.sqlite", "settings.pkl"]
    with pytest.raises(SettingError, match="no longer has its table"):
        AutoClassifier.resume(folder, max_trials=6)
    longer = AutoClassifier.resume(folder, X, Y, max_trials=6)
    np.testing.assert_array_equal(longer.predict_proba(X), whole.predict_proba(X))


@pytest.mark.parametrize("damage", ["flip", "truncate", "prediction", "delete"])
def test_a_damaged_artifact_makes_its_job_run_again(tmp_path: Path, whole: AutoClassifier, damage: str):
    folder = tmp_path / "run"
    estimator(folder, keep_data=True).fit(X, Y)
    members = [m.trial for m in whole.outcome_.members]
    model = folder / "artifacts" / f"trial-{members[0]:05d}" / "fold-1" / "model.joblib"
    content = model.read_bytes()
    if damage == "flip":
        model.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    elif damage == "truncate":
        model.write_bytes(content[:-1])
    elif damage == "prediction":
        np.save(model.with_name("prediction.npy"), np.zeros((16, 3), np.float32))
    else:
        model.unlink()
    resumed = AutoClassifier.resume(folder)
    assert {key for key, times in folds(folder).items() if times > 1} == {(members[0], 1)}
    np.testing.assert_array_equal(resumed.predict_proba(X), whole.predict_proba(X))


def test_other_data_are_refused(tmp_path: Path):
    killed(tmp_path / "run", 8)
    with pytest.raises(SettingError, match="the table is another one"):
        AutoClassifier.resume(tmp_path / "run", X + 1, Y)
    with pytest.raises(SettingError, match=r"n_rows: 50 then, 40 now"):
        AutoClassifier.resume(tmp_path / "run", X[:40], Y[:40])
    with pytest.raises(DataError):
        AutoClassifier.resume(tmp_path / "run", X, Y[:-1])


def test_other_library_versions_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    killed(tmp_path / "run", 8)
    monkeypatch.setattr("importlib.metadata.version", lambda name: "99")
    with pytest.raises(SettingError, match=re.escape("this run cannot go on: versions: {")):
        AutoClassifier.resume(tmp_path / "run")


def test_the_other_estimator_is_refused(tmp_path: Path):
    killed(tmp_path / "run", 8)
    with pytest.raises(SettingError, match="not one of AutoRegressor"):
        AutoRegressor.resume(tmp_path / "run")


def test_what_cannot_change_is_refused(tmp_path: Path):
    killed(tmp_path / "run", 8)
    with pytest.raises(SettingError, match="cv, metric cannot change when a run is resumed"):
        AutoClassifier.resume(tmp_path / "run", metric="accuracy", cv=5)


def test_a_folder_without_a_run_is_refused(tmp_path: Path):
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(SettingError, match="holds no run"):
            AutoClassifier.resume(path)


def test_a_run_killed_before_its_plan_is_refused(tmp_path: Path):
    killed(tmp_path / "run", 1)
    with pytest.raises(SettingError, match=r"ended before it had a plan|no longer has its table"):
        AutoClassifier.resume(tmp_path / "run")


@pytest.mark.parametrize("name", ["journal.sqlite", "settings.pkl", "data/dataset.map"])
def test_damaged_files_of_a_run_are_one_clear_error(tmp_path: Path, name: str):
    folder = tmp_path / "run"
    killed(folder, 8)
    for ending in ("-wal", "-shm"):
        (folder / f"{name}{ending}").unlink(missing_ok=True)
    (folder / name).chmod(0o644)
    (folder / name).write_bytes(b"garbage" * 100)
    with pytest.raises(StoreError, match=r"cannot be|damaged|not a journal"):
        AutoClassifier.resume(folder)


def test_two_fits_cannot_own_one_run(tmp_path: Path):
    folder = tmp_path / "run"
    killed(folder, 8)
    owner = RunFolder(folder)
    owner.own()
    try:
        with pytest.raises(SettingError, match=r"still working \(process \d+\)"):
            AutoClassifier.resume(folder)
    finally:
        owner.release()
    assert AutoClassifier.resume(folder).outcome_.trials["ok"] >= 1


def test_time_is_asked_for_only_where_a_run_has_ended(tmp_path: Path):
    folder = tmp_path / "run"
    AutoClassifier(
        5, run_dir=folder, keep_data=True, max_trials=2, executor="serial", include=["bayes"], verbose=0
    ).fit(X, Y)
    with pytest.raises(SettingError, match="say how much time"):
        AutoClassifier.resume(folder)
    assert AutoClassifier.resume(folder, time_budget=5, max_trials=3).outcome_.plan.seconds == 5


def test_a_run_can_be_moved(tmp_path: Path, whole: AutoClassifier):
    killed(tmp_path / "run", 15)
    shutil.move(tmp_path / "run", tmp_path / "moved")
    np.testing.assert_array_equal(AutoClassifier.resume(tmp_path / "moved").predict_proba(X), whole.predict_proba(X))
