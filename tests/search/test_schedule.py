import numpy as np
import pytest

from automl.core import Config, Status, Step
from automl.search.cost import cheaper
from automl.search.schedule import BREADTH, EXEMPT, LAG, RACE_DEPTH
from automl.space import Component, Float, Int, Role
from tests.search.builders import Costs, Endless, answer, schedule


def run_trials(board, losses, left=1000.0):
    """Run one fold after the other until trial len(losses) - 1 has ended; return all folds launched."""
    launched = []
    while len(board.candidates) <= len(losses):
        launch = board.next(left)
        if launch is None:
            break
        trial = launch.candidate.trial.id
        if trial >= len(losses):
            launch.candidate.running.discard(launch.fold)
            break
        launched.append((trial, launch.fold))
        board.record(answer(launch, losses[trial]))
    return launched


def test_the_prior_and_the_anchor_run_whole_and_then_every_model_gets_a_first_fold():
    board = schedule()
    seen = []
    for _ in range(6 + BREADTH - 2):
        launch = board.next(1000.0)
        seen.append((launch.candidate.trial.id, launch.fold))
        board.record(answer(launch))
    assert seen[:6] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert seen[6:] == [(trial, 0) for trial in range(2, BREADTH)]


def test_after_the_breadth_the_best_first_folds_are_completed_first():
    board = schedule()
    for _ in range(6 + BREADTH - 2):
        launch = board.next(1000.0)
        board.record(answer(launch, loss=1.0 / (1 + launch.candidate.trial.id)))
    launch = board.next(1000.0)
    assert launch.candidate.trial.id == BREADTH - 1 and launch.fold == 1


def test_a_candidate_far_behind_is_stopped_after_its_first_fold():
    board = schedule(seed=1)
    run_trials(board, [0.5] * max(EXEMPT, RACE_DEPTH) + [0.9])
    result = board.candidates[max(EXEMPT, RACE_DEPTH)].result
    assert result.status is Status.PRUNED and len(result.fold_results) == 1
    assert "behind the best" in result.reason


def test_a_candidate_no_worse_than_the_worst_of_the_best_is_never_stopped():
    losses = [0.1 * i for i in range(RACE_DEPTH)] + [0.1 * (RACE_DEPTH - 1)]
    board = schedule()
    run_trials(board, losses)
    assert board.candidates[RACE_DEPTH].complete


def test_some_of_the_stopped_are_spared_and_judged():
    board = schedule(seed=1)
    run_trials(board, [0.5] * EXEMPT + [0.9] * 150)
    spared = [c for c in board.candidates if c.spared]
    assert 1 <= len(spared) <= 20 and all(c.complete for c in spared)
    assert board.false_stop_share() == 0.0


@pytest.mark.parametrize("status", [Status.CRASHED, Status.TIMEOUT, Status.MEMORY, Status.INVALID])
def test_a_failed_fold_ends_its_trial_with_that_status(status):
    board = schedule()
    launch = board.next(1000.0)
    [result] = board.record(answer(launch, status=status))
    assert result.status is status and launch.candidate.wants == []


def test_a_metric_that_is_never_defined_is_invalid():
    board = schedule(n_folds=1)
    [result] = board.record(answer(board.next(1000.0), loss=float("nan")))
    assert result.status is Status.INVALID and "not defined" in result.reason


def test_nothing_is_started_that_cannot_end():
    board = schedule(cost=Costs(prior=0.001, lightgbm=100.0, forest=100.0), optimizer=Endless(first=("prior",)))
    launch = board.next(5.0)
    assert launch.candidate.model.name == "prior"
    for _ in range(3):
        board.record(answer(launch, seconds=0.01))
        launch = board.next(5.0)
    assert launch is None and board.reason == "nothing fits the time or the memory left"


def test_a_forest_that_is_too_large_gets_fewer_trees():
    board = schedule(cost=Costs(prior=0.01, lightgbm=0.01, forest=20.0), optimizer=Endless(trees=300))
    for _ in range(7):
        launch = board.next(30.0)
        board.record(answer(launch, seconds=20.0 if launch.candidate.model.name == "forest" else 0.01))
    forest = board.candidates[2].trial.config.steps[-1].values["n_estimators"]
    assert 16 <= forest < 300


def test_a_killed_fold_makes_its_model_count_as_dearer_than_its_limit():
    cost = Costs()
    board = schedule(cost=cost)
    launch = board.next(100.0)
    board.record(answer(launch, status=Status.TIMEOUT, seconds=10.0))
    assert cost.seen == [("prior", 20.0)]


def test_trial_count_and_exhaustion_end_a_run():
    board = schedule(seconds=None, max_trials=2)
    run_trials(board, [0.5, 0.5, 0.5])
    assert board.next(np.inf) is None and board.reason == "trial count"
    board = schedule(optimizer=Endless(limit=1), seconds=None, max_trials=50)
    run_trials(board, [0.5, 0.5])
    assert board.reason == "space exhausted"


@pytest.mark.parametrize("order", range(4))
def test_counted_runs_do_not_depend_on_the_order_of_completion(order):
    """Whatever is in flight together and ends first: the same trials, the same stops, the same things told."""
    rng = np.random.default_rng(order)
    optimizer = Endless()
    board = schedule(optimizer, seconds=None, max_trials=60, n_jobs=4)
    losses = np.random.default_rng(99).random((60, 3)) + np.linspace(0, 0.3, 60)[:, None]
    flying = []
    while True:
        while len(flying) < 1 + order * 2 and (launch := board.next(np.inf)) is not None:
            flying.append(launch)
        if not flying:
            break
        launch = flying.pop(int(rng.integers(len(flying))))
        board.record(answer(launch, losses[launch.candidate.trial.id, launch.fold]))
    ended = [(c.trial.id, c.result.status, c.result.loss) for c in board.candidates]
    reference = schedule(Endless(), seconds=None, max_trials=60)
    while (launch := reference.next(np.inf)) is not None:
        reference.record(answer(launch, losses[launch.candidate.trial.id, launch.fold]))
    assert ended == [(c.trial.id, c.result.status, c.result.loss) for c in reference.candidates]
    assert Status.PRUNED in {status for _, status, _ in ended}
    assert optimizer.told == [(trial + LAG, trial) for trial in range(60 - LAG)]


def test_cheaper_stays_in_the_declared_range():
    trees = Component("forest", Role.MODEL, "x:X", hyperparameters=(Int("n_estimators", 16, 300, 100),))
    assert cheaper(Config.of(Step.of("forest", n_estimators=200)), trees, 4.0).steps[0].values == {"n_estimators": 50}
    assert cheaper(Config.of(Step.of("forest", n_estimators=200)), trees, 1e6).steps[0].values == {"n_estimators": 16}
    boosting = Component("b", Role.MODEL, "x:X", hyperparameters=(Float("learning_rate", 0.01, 0.2, 0.1),))
    assert cheaper(Config.of(Step.of("b", learning_rate=0.05)), boosting, 1e6).steps[0].values == {
        "learning_rate": 0.12
    }
    neither = Config.of(Step.of("knn", p=2))
    assert cheaper(neither, Component("knn", Role.MODEL, "x:X"), 9.0) == neither


def test_predictions_are_kept_in_one_place_so_that_they_can_be_forgotten():
    optimizer = Endless()
    told = []
    optimizer.tell = told.append
    board = schedule(optimizer)
    run_trials(board, [0.5, 0.5])
    assert all(fold.value is None for result in told for fold in result.fold_results)
    assert all(fold.value is None for c in board.candidates for fold in c.results.values())


def test_what_takes_long_waits_until_cheaper_models_are_complete():
    cost = Costs(prior=0.01, lightgbm=30.0, forest=0.1)
    board = schedule(Endless(16, first=("prior", "lightgbm")), Costs(**{k: v * 6 for k, v in cost.seconds.items()}))
    seen = []
    while len(seen) < 3 * (BREADTH - 1) + 1:
        launch = board.next(60.0)
        seen.append(launch.candidate.trial.id)
        board.record(answer(launch, seconds=0.1))
    assert seen[-1] == 1 and 1 not in seen[:-1], "one fold of it takes half of the time"
