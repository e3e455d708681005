"""What is said where the time ran out for more than the first models."""

import numpy as np
import pytest

from automl import AutoClassifier
from automl.core import Budget
from automl.evaluate import SEARCH_SCORE, Estimate
from automl.search import run as sessions
from automl.search.finish import Finished
from tests.search.builders import answer, plan, schedule


def ended(trials: int) -> sessions.Run:
    """Return a run after the folds of so many trials."""
    tried = schedule()
    for _ in range(3 * trials):
        launch = tried.next(1e6)
        assert launch is not None
        tried.record(answer(launch))
    nothing = None
    return sessions.Run(plan(), Budget(60.0), nothing, nothing, tried, nothing, nothing, nothing, lambda event: None)


@pytest.mark.parametrize(("label", "said"), [(SEARCH_SCORE, True), ("corrected for selection", False)])
def test_a_score_that_was_not_corrected_for_want_of_time_is_said_to_be_so(label: str, said: bool):
    run = ended(8)
    score = Estimate(0.9, 0.1, (0.8, 1.0), label, "roc_auc", 100)
    outcome = sessions._outcome(run, Finished(None, (), score), "deadline", 1.0)
    assert any("not corrected for selection" in note for note in outcome.notes) is said


def test_a_constant_for_want_of_time_is_a_warning(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("automl.search.loop._converse", lambda run, between: "deadline")
    X = np.random.default_rng(0).normal(size=(60, 2))
    with pytest.warns(UserWarning, match="predicts a constant: no other came to its end; give the fit more time"):
        AutoClassifier(20, executor="serial", verbose=0).fit(X, X[:, 0] > 0)
