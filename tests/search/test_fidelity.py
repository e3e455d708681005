"""Optimizers that race over rows: what is looked at on some of them chooses, and is never part of a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from automl import AutoClassifier
from automl.core import Config, Event, Fidelity, Proposal, SettingError, Status
from automl.explain import log
from automl.optimize import ASHA, RandomSearch, ladder
from automl.search import Settings, run_fit
from automl.search.schedule import Schedule
from automl.space import Space
from automl.store import SqliteJournal
from tests.builders import array_dataset
from tests.search import builders
from tests.search.builders import Endless, Models, answer
from tests.search.test_counted import Shuffled
from tests.search.test_resume import Died, die_after

DATA = array_dataset(240)
X, Y = DATA.X, DATA.y
TRIALS = 34


class Rows(Endless):
    """Proposes every configuration on a tenth of the rows; the fourth one again on all of them."""

    def __init__(self) -> None:
        super().__init__(first=())
        self.lessons: list = []

    def ask(self, n):
        [proposal] = super().ask(1)
        if self.asked == 4:
            return [Proposal(self.first_config, "promoted")]
        if self.asked == 1:
            self.first_config = proposal.config
        return [Proposal(proposal.config, "test", Fidelity(rows=0.1))]

    def tell(self, result):
        self.lessons.append((result.trial.id, result.status, result.loss))


def started(**changes):
    events: list[Event] = []
    table = {"n_folds": 2, "train_rows": builders.ROWS, "n_jobs": 1, "portfolio": 0}
    plan = builders.plan(**{**table, **changes})
    optimizer = Rows()
    return Schedule(plan, Models(), optimizer, builders.Costs(), events.append), optimizer, events


@pytest.mark.parametrize("counted", [False, True])
def test_a_proposal_on_some_rows_is_one_fold_whose_loss_only_the_optimizer_learns(counted):
    board, optimizer, events = started(**({"seconds": None, "max_trials": 20} if counted else {}))
    for trial, loss in enumerate((0.3, 0.5, 0.4)):
        launch = board.next(60.0)
        assert (launch.candidate.trial.id, launch.fold, launch.rows) == (trial, 0, 0.1)
        [result] = board.record(answer(launch, loss))
        assert result.status is Status.PRUNED and result.loss is None
        assert result.reason == f"looked at on {builders.ROWS // 10:,} rows"
    whole = [board.next(60.0) for _ in range(2)]
    assert [(launch.candidate.trial.id, launch.fold, launch.rows) for launch in whole] == [(3, 0, 1.0), (3, 1, 1.0)]
    for launch in whole:
        board.record(answer(launch, 0.2))
    assert [c.complete for c in board.candidates] == [False, False, False, True]
    assert [event.data.get("rows") for event in events] == [0.1, 0.1, 0.1, None]
    if not counted:
        assert [lesson[2] for lesson in optimizer.lessons] == [0.3, 0.5, 0.4, 0.2]


def test_what_was_under_way_is_looked_at_again_after_a_restart():
    board, _, events = started(seconds=None, max_trials=20)
    board.next(np.inf)
    later, _, _ = started(seconds=None, max_trials=20)
    data = events[0].data
    later.reopen(Config.from_json(data["config"]), data["origin"], waits=data["waits"], rows=data["rows"])
    launch = later.next(np.inf)
    assert (launch.candidate.trial.id, launch.rows) == (0, 0.1)
    assert later.next(np.inf).candidate.trial.id == 1


def test_nothing_is_looked_at_without_time_for_it():
    board, _, _ = started()
    assert board.next(0.05) is None


def test_a_fit_takes_no_fewer_rounds_or_folds():
    class Rounds(Endless):
        def ask(self, n):
            return [Proposal(super().ask(1)[0].config, "test", Fidelity(rounds=0.5))]

    with pytest.raises(SettingError, match="fewer rows only"):
        builders.schedule(Rounds()).next(60.0)


def test_what_was_raced_already_is_not_screened_again():
    class Promoting(Endless):
        def ask(self, n):
            [proposal] = super().ask(1)
            if self.asked == 5:
                return [Proposal(self.raced, "promoted")]
            self.raced = proposal.config
            return [Proposal(proposal.config, "test", Fidelity(rows=0.5 if self.asked == 4 else 1.0))]

    board = builders.schedule(Promoting(), n_folds=1, train_rows=builders.ROWS, screen_rows=20_000)
    rows = []
    for _ in range(5):
        launch = board.next(600.0)
        rows.append(launch.rows)
        board.record(answer(launch, 0.5, seconds=0.01))
    assert rows == [1.0, 1.0, 0.02, 0.5, 1.0]


def racing(space: Space, seed: int) -> ASHA:
    return ASHA(RandomSearch(space, seed), ladder(1 / 3))


def estimator(**settings: object) -> AutoClassifier:
    base = {"max_trials": TRIALS, "include": ["linear", "bayes", "tree"], "cv": 3, "executor": "serial"}
    return AutoClassifier(None, optimizer=racing, random_state=0, verbose=0, **{**base, **settings})


@pytest.fixture(scope="module")
def fitted() -> AutoClassifier:
    return estimator().fit(X, Y)


def test_only_those_seen_on_all_rows_are_in_the_model(fitted):
    board = fitted.leaderboard()
    board = board[board["trial"].notna()]
    looked = board[board["reason"].fillna("").str.startswith("looked at on ")]
    assert len(looked) > len(board) // 2
    assert looked["score"].isna().all() and looked["screening_score"].notna().all()
    assert (looked["ensemble_weight"] == 0).all()
    assert (board[board["ensemble_weight"] > 0]["origin"] == "promoted").all()
    assert fitted.score(X, Y) > 0.7


def test_without_any_on_all_rows_the_best_of_those_on_some_is_the_model():
    few = estimator(max_trials=5).fit(X, Y)
    assert "fitted on 53 rows" in few.estimate_.label and few.score(X, Y) > 0.6


def test_whatever_ends_first_the_model_is_the_same(fitted):
    other = estimator(executor=Shuffled(4, 1)).fit(X, Y)
    assert other.leaderboard()["trial"].tolist() == fitted.leaderboard()["trial"].tolist()
    np.testing.assert_array_equal(other.predict_proba(X), fitted.predict_proba(X))


@pytest.mark.parametrize("n", [9, 60])
def test_a_run_that_was_killed_ends_as_if_nothing_had_happened(tmp_path: Path, fitted, n):
    with pytest.MonkeyPatch.context() as patch:
        die_after(patch, n)
        with pytest.raises(Died):
            estimator(run_dir=tmp_path / "run").fit(X, Y)
    resumed = AutoClassifier.resume(tmp_path / "run")
    np.testing.assert_array_equal(resumed.predict_proba(X), fitted.predict_proba(X))


def test_what_an_optimizer_changes_its_mind_about_is_in_the_journal():
    class Telling(Endless):
        def news(self):
            return [f"proposal {self.asked} is special"] if self.asked in (1, 3) else []

    events: list[Event] = []
    board = Schedule(builders.plan(n_folds=1, portfolio=0), Models(), Telling(), builders.Costs(), events.append)
    for _ in range(3):
        board.record(answer(board.next(60.0)))
    kinds = [(event.kind, event.data.get("text")) for event in events]
    assert kinds == [
        ("policy", "proposal 1 is special"),
        ("trial", None),
        ("trial", None),
        ("policy", "proposal 3 is special"),
        ("trial", None),
    ]


def test_a_run_says_in_its_plan_and_its_log_who_proposes(fitted):
    assert fitted.outcome_.plan.search == ("an optimizer of the user's own",)
    journal = SqliteJournal(None)
    settings = Settings(time_budget=None, max_trials=16, include=["bayes", "tree"], cv=2, executor="serial")
    assert run_fit(settings, DATA, journal=journal).plan.search[0] == "the portfolio first"
    lines = log(journal)
    [told] = lines[lines["event"] == "policy"]["text"]
    assert told == "proposals from now on: bayes 50%, learners 40%, random 10%"
