import math

import pandas as pd
import pytest

from automl.core import Config, Event, Step
from automl.explain import failures, fastest_equal, leaderboard
from automl.store import SqliteJournal

PLAN = Event("plan", {"metric": {"name": "roc_auc", "sign": 1}, "task": "binary"})


def trial(number: int, model: str = "linear", **params) -> Event:
    config = Config.of(Step.of("onehot"), Step.of(model, **params))
    return Event("trial", {"trial": number, "config": config.to_json(), "origin": "start", "key": config.key()})


def fold(number: int, fold: int, loss: float | None, status: str = "ok", error: str | None = None) -> Event:
    losses = {} if loss is None else {"roc_auc": loss}
    data = {"kind": "fold", "trial": number, "fold": fold, "status": status, "losses": losses, "error": error}
    return Event("fold", {**data, "wall_seconds": 1.5})


def result(number: int, loss: float | None, status: str = "ok", reason: str | None = None, folds: int = 2) -> Event:
    data = {"trial": number, "status": status, "loss": loss, "folds": folds, "fit_seconds": 2.0, "reason": reason}
    return Event("result", {**data, "predict_seconds": 0.5, "model": "linear", "family": "linear"})


def run(*events: Event) -> SqliteJournal:
    journal = SqliteJournal()
    for event in events:
        journal.append(event)
    return journal


COMPLETE = (
    PLAN,
    trial(0, C=1.0),
    fold(0, 0, -0.8),
    fold(0, 1, -0.9),
    result(0, -0.85),
    trial(1, C=10.0),
    fold(1, 0, -0.9),
    fold(1, 1, -0.9),
    result(1, -0.9),
    trial(2, C=0.1),
    fold(2, 0, -0.99),
    result(2, -0.99, "pruned", "far behind", folds=1),
    trial(3, "svm"),
    fold(3, 0, None, "timeout", "over 10 s"),
    result(3, None, "timeout", "over 10 s", folds=0),
    Event("ensemble", {"weights": {0: 1.0}, "loss": -0.7, "method": "single", "final": False}),
    Event("ensemble", {"weights": {0: 0.25, 1: 0.75}, "loss": -0.91, "method": "greedy", "final": True}),
    Event("finished", {"stopped": "time"}),
)


def test_best_first_with_the_natural_sign() -> None:
    table = leaderboard(run(*COMPLETE))
    assert table["model"].tolist() == ["ensemble", "linear", "linear", "linear", "linear"]
    assert table["trial"].tolist()[1:] == [1, 0, 2, 3]
    assert table["rank"].tolist()[:3] == [0, 1, 2] and table["rank"].isna().tolist() == [False] * 3 + [True] * 2
    assert table["score"].tolist()[:4] == [0.91, 0.9, 0.85, 0.99]
    assert set(table["metric"]) == {"roc_auc"}
    assert table["status"].tolist() == ["ok", "ok", "ok", "pruned", "timeout"]


def test_spread_weights_and_configuration() -> None:
    table = leaderboard(run(*COMPLETE)).set_index("trial")
    assert table.loc[0, "score_sd"] == pytest.approx(math.sqrt(0.005))
    assert table.loc[1, "ensemble_weight"] == 0.75 and table.loc[2, "ensemble_weight"] == 0.0
    assert table.loc[0, "configuration"] == "onehot > linear(C=1)"
    assert table.loc[0, "origin"] == "start" and table.loc[0, "folds"] == 2


def test_what_is_known_of_the_differences_between_trials() -> None:
    compared = {"standard_errors": {"0": 0.01, "1": 0.02}, "p_worse": {"0": 0.07, "1": 1.0}}
    board = leaderboard(run(*COMPLETE, Event("comparison", compared)))
    table = board.set_index("trial")
    assert table.loc[0, "standard_error"] == 0.01 and table.loc[0, "p_worse"] == 0.07
    assert pd.isna(table.loc[2, "p_worse"]) and pd.isna(board["standard_error"][0])
    assert fastest_equal(board) == (2, 0), "of equally fast ones the earlier"
    compared["p_worse"]["0"] = 0.04
    assert fastest_equal(leaderboard(run(*COMPLETE, Event("comparison", compared)))) == (1, 1)
    slower = result(0, -0.85)
    slower.data["predict_seconds"] = 0.9
    compared["p_worse"]["0"] = 0.4
    assert fastest_equal(leaderboard(run(*COMPLETE, slower, Event("comparison", compared)))) == (2, 1)
    assert fastest_equal(leaderboard(run(*COMPLETE))) is None


def test_the_ensemble_row_sums_up_its_members() -> None:
    row = leaderboard(run(*COMPLETE)).iloc[0]
    assert (row["ensemble_weight"], row["fit_seconds"], row["predict_seconds"]) == (1.0, 4.0, 1.0)
    assert row["origin"] == "greedy" and row["configuration"] == "0.75 linear #1, 0.25 linear #0"
    assert pd.isna(row["trial"]) and pd.isna(row["folds"])


def test_smaller_is_better_keeps_its_sign() -> None:
    plan = Event("plan", {"metric": {"name": "root_mean_squared_error", "sign": -1}})
    table = leaderboard(run(plan, trial(0), result(0, 3.0), trial(1), result(1, 2.0)))
    assert table["score"].tolist() == [2.0, 3.0] and table["trial"].tolist() == [1, 0]


def test_a_missing_loss_ranks_last() -> None:
    table = leaderboard(run(PLAN, result(0, math.nan), result(1, -0.6)))
    assert table["trial"].tolist() == [1, 0]


@pytest.mark.parametrize("length", range(len(COMPLETE) + 1))
def test_a_run_still_going_can_be_read_at_any_time(length: int) -> None:
    part = run(*COMPLETE[:length])
    board, failed = leaderboard(part), failures(part)
    assert board.columns.tolist() == leaderboard(run()).columns.tolist()
    assert board.dtypes.equals(leaderboard(run()).dtypes) and failed.dtypes.equals(failures(run()).dtypes)


@pytest.mark.parametrize("without", range(len(COMPLETE)))
def test_a_lost_event_does_no_harm(without: int) -> None:
    part = run(*COMPLETE[:without], *COMPLETE[without + 1 :])
    leaderboard(part), failures(part)


@pytest.mark.parametrize("kind", ["plan", "trial", "fold", "result", "ensemble", "decision", "health", "finished"])
def test_events_with_little_in_them(kind: str) -> None:
    for data in ({}, {"trial": 0}, {"trial": 0, "status": "crashed"}, {"trial": None, "status": "crashed"}):
        journal = run(Event(kind, data))
        leaderboard(journal), failures(journal)


def test_failures_tell_why() -> None:
    table = failures(run(*COMPLETE))
    assert table.to_dict("records") == [
        {
            "trial": 3,
            "model": "linear",
            "status": "timeout",
            "fold": 0,
            "reason": "over 10 s",
            "seconds": 1.5,
            "configuration": "onehot > svm",
        }
    ]


def test_a_trial_that_failed_as_a_whole() -> None:
    table = failures(run(PLAN, trial(0, "svm"), result(0, None, "invalid", "predicted NaN")))
    assert pd.isna(table.loc[0, "fold"]) and table.loc[0, "reason"] == "predicted NaN"


def test_a_failed_fold_of_a_trial_that_has_not_ended() -> None:
    table = failures(run(PLAN, trial(0, "svm"), fold(0, 0, None, "memory")))
    assert table.loc[0, "model"] == "svm" and table.loc[0, "reason"] == "no reason was recorded"


def test_what_automl_stopped_itself_is_no_failure() -> None:
    assert failures(run(PLAN, trial(0), fold(0, 0, None, "cancelled"), result(0, None, "cancelled"))).empty


def test_a_fold_written_twice_counts_once() -> None:
    table = leaderboard(run(PLAN, fold(0, 0, -0.8), fold(0, 0, -0.8), result(0, -0.8)))
    assert math.isnan(table.loc[0, "score_sd"])
