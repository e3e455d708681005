"""Going on with a run: nothing finished runs again, nothing is lost, and what does not belong together is refused."""

from __future__ import annotations

import errno
import functools
import importlib
import re
import shutil
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

from automl import AutoClassifier, AutoRegressor
from automl.core import DataError, Event, FoldResult, Result, SettingError, StoreError
from automl.evaluate import fold as fold_module
from automl.optimize import RandomSearch
from automl.search.schedule import Schedule
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
    assert resumed.estimate_ == whole.estimate_ and resumed.search_score_ == whole.search_score_


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


def test_folds_of_an_earlier_session_come_back_with_its_limit_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder, record, seen = tmp_path / "run", Schedule.record, []
    killed(folder, 11)

    def watched(self: Schedule, result: FoldResult, limit_mb: float | None = None) -> list[Result]:
        seen.append(limit_mb)
        return record(self, result, limit_mb)

    monkeypatch.setattr(Schedule, "record", watched)
    AutoClassifier.resume(folder)
    then = next(event.data["plan"]["worker_limit_mb"] for event in events(folder) if event.kind == "plan")
    assert then and set(seen) == {then, None}


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


class Trouble:
    """Random search that calls a function when it is asked for its n-th proposal."""

    def __init__(self, space, seed, n, act):
        self._inner, self._n, self._act = RandomSearch(space, seed), n, act

    def ask(self, n):
        self._n -= 1
        if self._n == 0:
            self._act()
        return self._inner.ask(n)

    def tell(self, result):
        self._inner.tell(result)


def with_trouble(folder, n, act, **settings):
    optimizer = functools.partial(Trouble, n=n, act=act)
    return estimator(folder, optimizer=optimizer, max_trials=8, **settings)


@pytest.mark.parametrize("executor", ["serial", "process"])
def test_a_run_whose_folder_vanishes_goes_on(tmp_path: Path, executor: str, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "run"
    model = with_trouble(folder, 5, lambda: shutil.rmtree(folder, ignore_errors=True), executor=executor, n_jobs=1).fit(
        X, Y
    )
    calm = with_trouble(tmp_path / "calm", 5, lambda: None, executor=executor, n_jobs=1).fit(X, Y)
    assert model.outcome_.trials == calm.outcome_.trials
    np.testing.assert_array_equal(model.predict_proba(X), calm.predict_proba(X))
    assert len(model.leaderboard()) == len(calm.leaderboard())


def test_a_full_disk_is_left_for_another_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder, save, saved = tmp_path / "run", fold_module._save, []

    def full(pipeline, artifact, prediction, *, durable):
        if str(folder) in artifact and len(saved) >= 7:
            raise OSError(errno.ENOSPC, "No space left on device")
        saved.append(artifact)
        return save(pipeline, artifact, prediction, durable=durable)

    calm = estimator(tmp_path / "calm").fit(X, Y)
    monkeypatch.setattr(fold_module, "_save", full)
    model = estimator(folder).fit(X, Y)
    assert any("No space left" in note and "temporary" in note for note in model.outcome_.notes)
    np.testing.assert_array_equal(model.predict_proba(X), calm.predict_proba(X))


def test_a_journal_that_cannot_be_written_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def fail(self: SqliteJournal, event: Event) -> int:
        raise StoreError("the disk is full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqliteJournal, "append", fail)
        model = estimator(tmp_path / "run").fit(X, Y)
    assert capsys.readouterr().err.count("no longer written down") == 1
    assert len(model.leaderboard()) == 7


def test_an_interrupt_gives_the_best_so_far_with_a_warning(tmp_path: Path):
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted: this is the best model so far"):
        model = with_trouble(tmp_path / "run", 6, interrupt).fit(X, Y)
    assert model.outcome_.stopped == "interrupted" and model.outcome_.trials["ok"] >= 3
    assert model.predict(X).shape == (50,)
    assert (tmp_path / "run" / "data").exists(), "so that it can be resumed without X and y"


def test_an_error_in_the_driver_gives_the_best_so_far_with_a_warning(tmp_path: Path):
    def fail() -> None:
        raise RuntimeError("no bananas")

    with pytest.warns(UserWarning, match="the search failed on the way"):
        model = with_trouble(tmp_path / "run", 6, fail).fit(X, Y)
    assert model.outcome_.stopped == "error" and any("no bananas" in note for note in model.outcome_.notes)


def test_an_error_before_there_is_a_model_is_raised_and_the_run_can_be_resumed(tmp_path: Path):
    def fail() -> None:
        raise RuntimeError("no bananas")

    with pytest.raises(RuntimeError, match="no bananas"):
        with_trouble(tmp_path / "run", 2, fail).fit(X, Y)
    assert (tmp_path / "run" / "data").exists()


@pytest.mark.parametrize("where", ["automl.search.finish.choose", "automl.search.finish.assemble"])
def test_an_error_while_joining_leaves_the_best_single_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
):
    calls = []
    function = importlib.import_module(where.rpartition(".")[0]).__dict__[where.rpartition(".")[2]]

    def once(*arguments, **options):
        calls.append(1)
        if len(calls) == 1:
            raise ArithmeticError("no sum")
        return function(*arguments, **options)

    monkeypatch.setattr(sys.modules["automl.search.finish"], where.rpartition(".")[2], once)
    with pytest.warns(UserWarning, match="the search failed on the way"):
        model = estimator(tmp_path / "run").fit(X, Y)
    assert (tmp_path / "run" / "data").exists(), "so that it can be resumed"
    assert len(model.outcome_.members) == 1 and any("no sum" in note for note in model.outcome_.notes)
    assert model.estimate_.label.endswith("single trial") and model.predict(X).shape == (50,)


def test_an_interrupt_while_joining_is_said_and_the_model_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    module = importlib.import_module("automl.search.finish")
    calls, assemble = [], module.assemble

    def once(*arguments, **options):
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return assemble(*arguments, **options)

    monkeypatch.setattr(module, "assemble", once)
    with pytest.warns(UserWarning, match="interrupted"):
        model = estimator(tmp_path / "run").fit(X, Y)
    assert model.outcome_.stopped == "interrupted" and model.predict(X).shape == (50,)
    assert AutoClassifier.resume(tmp_path / "run", X, Y).outcome_.stopped != "interrupted"


def test_what_was_under_way_when_a_folder_was_lost_costs_no_trial(tmp_path: Path):
    folder = tmp_path / "run"

    def act() -> None:  # the folder stays, but nothing in it can be read any more
        (folder / "evaluation.pkl").unlink()

    model = with_trouble(folder, 5, act, executor="process", n_jobs=2).fit(X, Y)
    assert model.outcome_.trials.get("crashed", 0) == 0
    assert any("temporary" in note for note in model.outcome_.notes)
