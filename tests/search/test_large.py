"""Large tables from one end to the other, with a small one that counts as large; and the memory of a whole fit."""

import numpy as np
import pytest

from automl.core import FoldResult, JobKind, Status
from automl.execute import SerialExecutor
from automl.explain import leaderboard
from automl.search import Settings, resolve, run_fit, screening
from automl.search.memory import COPIES, WORKER_MB, PeakMemory, own_mb, table_mb, workers_with_room
from automl.store import SqliteJournal
from tests.builders import array_dataset, mixed_dataset

MODELS = ["naive_bayes", "decision_tree"]


@pytest.fixture
def dataset(monkeypatch):
    """A table of which 40 rows are enough for a first look."""
    monkeypatch.setattr(screening, "ROWS", 40)
    return array_dataset(600)


class NoTimeForAllRows(SerialExecutor):
    """Runs what looks at some of the rows; everything else is killed."""

    def submit(self, job):
        if job.kind is JobKind.PROBE:
            super().submit(job)
        else:
            late = FoldResult(job.id, job.kind, job.trial, job.fold, Status.TIMEOUT, error="too slow")
            self._finished.append(late)


def counted(**changes):
    return Settings(**{"time_budget": None, "include": MODELS, "executor": "serial", "cv": 1, **changes})


def test_trials_behind_after_screening_are_seen_in_the_leaderboard(dataset):
    journal = SqliteJournal(None)
    outcome = run_fit(counted(max_trials=34), dataset, journal=journal)
    board = leaderboard(journal)
    pruned = board[board["status"] == "pruned"]
    assert outcome.plan.screen_rows == 40 and outcome.trials["pruned"] == len(pruned) > 0
    assert set(pruned["reason"]) == {"behind after screening on 40 rows"}
    assert pruned["score"].isna().all() and pruned["screening_score"].between(0, 1).all()
    assert set(pruned["folds"]) == {0} and (pruned["ensemble_weight"] == 0).all()
    assert outcome.estimate.n_rows == 120


def test_a_model_of_some_rows_is_better_than_none(dataset):
    outcome = run_fit(counted(max_trials=6, executor=NoTimeForAllRows()), dataset)
    [member] = outcome.members
    assert "fitted on 40 rows" in outcome.estimate.label and 0.5 < outcome.estimate.value <= 1
    assert "no trial was complete on all rows" in outcome.notes[0]
    assert np.isclose(outcome.estimate.value, -member.loss)
    assert outcome.model.predict_proba(dataset.X).shape == (600, 2)


def test_members_are_refitted_only_where_a_holdout_keeps_many_rows_from_them(monkeypatch):
    assert resolve(array_dataset(600), counted(max_trials=1)).plan.refit
    monkeypatch.setattr("automl.evaluate.splits.HOLDOUT_ROWS", 50)
    assert not resolve(array_dataset(600), counted(max_trials=1)).plan.refit
    assert resolve(array_dataset(600), counted(max_trials=1, refit=True)).plan.refit


class Workers:
    """An executor whose workers take what they are told to."""

    def __init__(self):
        self.mb = 100.0

    def memory_mb(self):
        return self.mb


def test_the_peak_is_that_of_this_process_its_workers_and_the_shared_table():
    workers = Workers()
    with PeakMemory(workers) as peak:
        peak.shared_mb = 1e6
        workers.mb = 1e7
        peak.look()
        workers.mb = 0.0
        peak.look()
    assert 1.1e7 < peak.mb < 1.1e7 + 2 * own_mb()


def test_a_fit_tells_its_peak():
    outcome = run_fit(counted(max_trials=1), array_dataset(100))
    assert own_mb() / 2 < outcome.peak_mb < 20 * own_mb()


def test_workers_are_left_out_where_memory_has_no_room_for_them():
    table = 100.0
    each, rest = WORKER_MB + COPIES * table, own_mb() + table
    assert workers_with_room(4, rest + 4.5 * each, table) == 4
    assert workers_with_room(4, rest + 2.5 * each, table) == 2
    assert workers_with_room(4, 0.0, table) == 1


def test_the_plan_has_as_many_workers_as_fit():
    settings = Settings(n_jobs=2, memory_limit_mb=own_mb() + 1.5 * WORKER_MB)
    assert resolve(array_dataset(100), settings).plan.n_jobs == 1
    assert resolve(array_dataset(100), Settings(n_jobs=2, memory_limit_mb=1e6)).plan.n_jobs == 2


def test_the_size_of_a_table_is_that_of_its_numbers():
    dataset = array_dataset(1000, d=5)
    assert table_mb(dataset) == pytest.approx(0.04)
    single = array_dataset(1000, d=5).rows(np.arange(1000))
    object.__setattr__(single, "X", single.X.astype(np.float32))
    assert table_mb(single) == pytest.approx(0.02)
    frame = mixed_dataset(1000)
    assert table_mb(frame) == pytest.approx(1000 * frame.n_columns * 8 / 1e6)
