import numpy as np
import pytest

from automl.core import JobKind, Status
from automl.search.schedule import FIRST_LOOKS, LAG
from automl.search.screening import LEAST_RIVALS, ROWS, TIMES, screening_rows
from tests.search import builders
from tests.search.builders import Costs, Endless, answer

FAMILIES = ("prior", *["lightgbm"] * 4, "forest", *["lightgbm"] * 40)
TREES = 16  # the least: nothing can be made cheaper


def large(**changes):
    """A schedule of a table so large that trials are screened: a tenth of a second on some rows, 5 s on all."""
    table = {"n_folds": 1, "train_rows": builders.ROWS, "screen_rows": ROWS}
    cost = Costs(prior=0.01, **dict.fromkeys(("lightgbm", "forest"), 5.0 * 100 / TREES))
    return builders.schedule(Endless(TREES, first=FAMILIES), cost, **{**table, **changes})


def screened(board, losses, left=60.0):
    """Run the prior and the anchor, then screen so many trials with these losses."""
    for _ in range(2):
        board.record(answer(board.next(left), seconds=0.01))
    closed = []
    for loss in losses:
        launch = board.next(left)
        assert launch.rows < 1.0
        closed += board.record(answer(launch, loss, seconds=0.1))
    return closed


def test_large_tables_are_screened_where_a_trial_costs_a_good_part_of_the_time():
    assert screening_rows(TIMES * ROWS, 60.0, 120.0) == ROWS
    assert screening_rows(TIMES * ROWS, 60.0, 36_000.0) is None
    assert screening_rows(TIMES * ROWS - 1, 60.0, 120.0) is None
    assert screening_rows(TIMES * ROWS, 60.0, None) == ROWS


def test_the_prior_and_the_anchor_start_on_all_rows_and_the_others_on_some():
    board = large()
    launches = [board.next(60.0) for _ in range(4)]
    assert [launch.rows for launch in launches] == [1.0, 1.0, ROWS / builders.ROWS, ROWS / builders.ROWS]
    assert launches[2].hard_seconds < launches[1].hard_seconds


def test_the_best_third_goes_on_to_all_rows_best_first_and_the_best_of_each_family():
    board = large()
    losses = [0.5 + 0.01 * i for i in range(FIRST_LOOKS)]
    losses[3] = 0.9  # the only forest
    screened(board, losses)
    whole = []
    while (launch := board.next(60.0)).rows == 1.0:
        whole.append(launch.candidate.trial.id)
        board.record(answer(launch, seconds=5.0))
    third = sorted(range(FIRST_LOOKS), key=losses.__getitem__)[: FIRST_LOOKS // 3]
    assert whole == [2 + i for i in third] + [2 + 3]


def test_the_others_end_pruned_and_say_so():
    board = large()
    closed = screened(board, [0.5 + 0.01 * i for i in range(FIRST_LOOKS)])
    assert {result.status for result in closed} == {Status.PRUNED}
    assert closed[0].reason == f"behind after screening on {ROWS:,} rows"
    assert closed[0].loss is None and [fold.kind for fold in closed[0].fold_results] == [JobKind.PROBE]
    assert len(closed) + len([c for c in board.candidates[2:] if c.result is None]) == FIRST_LOOKS


def test_a_screening_loss_is_neither_the_loss_of_a_trial_nor_kept_with_its_predictions():
    board = large()
    screened(board, [0.1])
    candidate = board.candidates[2]
    assert candidate.screened_loss == 0.1 and candidate.loss == float("inf")
    assert candidate.screened.prediction is None and not candidate.outputs


def test_screening_stops_when_what_is_left_is_needed_for_all_rows():
    board = large()
    screened(board, [0.5, 0.4, 0.6])
    launch = board.next(7.0)
    assert launch.rows == 1.0 and launch.candidate.trial.id == 3


def test_nothing_goes_on_to_all_rows_without_time_for_it():
    board = large()
    screened(board, [0.5, 0.4, 0.6])
    assert board.next(2.0) is None


def test_without_time_for_all_rows_even_the_anchor_is_screened():
    board = large()
    board.record(answer(board.next(2.0), seconds=0.01))
    launch = board.next(2.0)
    assert launch.candidate.trial.id == 1 and launch.rows < 1.0
    assert board.record(answer(launch, 0.4, seconds=0.1)) == []
    assert board.next(1.9).rows < 1.0


@pytest.mark.parametrize("status", [Status.CRASHED, Status.TIMEOUT, Status.MEMORY, Status.INVALID])
def test_a_failed_screening_ends_its_trial(status):
    board = large()
    screened(board, [0.5])
    launch = board.next(60.0)
    [result] = board.record(answer(launch, status=status))
    assert result.status is status and result.trial.id == launch.candidate.trial.id


def test_what_ends_the_search_finds_nothing_waiting():
    board = large()
    screened(board, [0.5] * 5)
    assert [result.status for result in board.close_open()] == [Status.CANCELLED] * 5


def test_counted_runs_complete_the_first_trials_and_judge_by_trials_a_lag_before():
    board = large(seconds=None, max_trials=LAG + 2 + LEAST_RIVALS + 2)
    while (launch := board.next(np.inf)) is not None:
        board.record(answer(launch, 0.5 + 0.01 * launch.candidate.trial.id))
    ended = [c.result.status for c in board.candidates]
    first_judged = LAG + 2 + LEAST_RIVALS - 1
    assert set(ended[:first_judged]) == {Status.OK} and set(ended[first_judged:]) == {Status.PRUNED}


@pytest.mark.parametrize("order", range(4))
def test_counted_runs_do_not_depend_on_the_order_of_completion(order):
    losses = np.random.default_rng(99).random((60, 2))

    def run(width, rng):
        board = large(seconds=None, max_trials=60, n_jobs=4)
        flying = []
        while True:
            while len(flying) < width and (launch := board.next(np.inf)) is not None:
                flying.append(launch)
            if not flying:
                return [(c.trial.id, c.result.status, c.result.loss) for c in board.candidates]
            launch = flying.pop(int(rng.integers(len(flying))))
            board.record(answer(launch, losses[launch.candidate.trial.id, int(launch.rows < 1.0)]))

    ended = run(1 + 2 * order, np.random.default_rng(order))
    assert ended == run(1, np.random.default_rng(0))
    assert {status for _, status, _ in ended} == {Status.OK, Status.PRUNED}
