"""Models that misbehave cost only their own trials: fit returns the best of the rest, nothing is left over."""

import numpy as np
import psutil
import pytest

from automl import AutoClassifier
from automl.core import Config, Proposal, Step
from tests.builders import mixed_frame, mixed_target
from tests.system.hostile import EXPECTED, PrintsWithoutEnd, component


class Script:
    """Proposes the given models in order."""

    def __init__(self, names):
        self._left = [Config.of(Step.of("one_hot"), Step.of("median_indicator"), Step.of(name)) for name in names]

    def ask(self, n):
        taken, self._left = self._left[:n], self._left[n:]
        return [Proposal(config, "script") for config in taken]

    def tell(self, result):
        pass


@pytest.mark.timeout(240)
def test_hostile_models_cost_only_their_own_trials():
    kinds = [*EXPECTED, PrintsWithoutEnd]
    names = [kind.__name__.lower() for kind in kinds]
    frame = mixed_frame(150)
    model = AutoClassifier(
        60,
        include=["linear", "prior", *(component(kind) for kind in kinds)],
        optimizer=Script(["prior", "logistic", *names]),
        cv=2,
        memory_limit_mb=2_000,
        n_jobs=2,
        random_state=0,
        verbose=0,
    )
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    model.fit(frame, mixed_target(frame, 2))
    after = {process.pid for process in psutil.Process().children(recursive=True)}

    board = model.leaderboard().set_index("model")
    statuses = {kind: board.loc[kind.__name__.lower(), "status"] for kind in kinds}
    assert statuses == {**EXPECTED, PrintsWithoutEnd: "ok"}
    failures = model.failures()
    assert set(failures["model"]) == {kind.__name__.lower() for kind in EXPECTED}
    assert failures["reason"].str.len().min() > 5
    assert board.loc["logistic", "ensemble_weight"] > 0.5
    assert np.isfinite(model.predict_proba(frame)).all()
    assert after <= before
    assert model.outcome_.stopped == "space exhausted"


def test_only_hostile_models_still_leave_a_constant_model():
    frame = mixed_frame(60)
    estimator = AutoClassifier(
        None,
        max_trials=1,
        include=[component(kind) for kind in EXPECTED],
        optimizer=Script(["raises"]),
        executor="serial",
        cv=2,
        random_state=0,
        verbose=0,
    )
    with pytest.warns(UserWarning, match="1 of 1 models failed, most often crashed"):
        model = estimator.fit(frame, mixed_target(frame, 2))
    assert "constant" in model.outcome_.notes[0] and model.estimate_.label == "no score: constant model"
    assert model.predict_proba(frame).shape == (60, 2)
