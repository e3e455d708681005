"""What is tried first where there is little time."""

from __future__ import annotations

import numpy as np
import pytest

from automl.data import make_dataset
from automl.search.plan import Settings
from automl.search.resolve import SIMPLE, Resolved, resolve


def resolved(seconds: float | None, **settings: object) -> Resolved:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6_000, 20))
    y = (X @ rng.normal(size=20) + rng.normal(size=6_000) > 0).astype(int)
    return resolve(make_dataset(X, y, classifies=True), Settings(seconds, n_jobs=1, **settings))


def models(found: Resolved) -> list[str]:
    return [config.steps[-1].component for config in found.portfolio]


def families(found: Resolved) -> list[str]:
    return [found.space.component(config.steps[-1].component).family for config in found.portfolio]


def test_with_little_time_a_simple_model_comes_before_the_first_that_is_dear():
    hurried, calm = resolved(5.0), resolved(600.0)
    assert families(hurried)[0] == families(calm)[0] == "prior"
    assert models(hurried)[1] in SIMPLE and models(calm)[1] == "lightgbm"
    keys = [config.key() for config in hurried.portfolio]
    assert len(set(keys)) == len(keys), "nothing comes twice"
    assert hurried.portfolio[2:].index(calm.portfolio[1]) == 0
    cost, quick = hurried.cost, hurried.portfolio[1]
    assert cost.nominal(quick) < cost.nominal(calm.portfolio[1])


@pytest.mark.parametrize("include", [["boosting"], ["linear"]])
def test_what_is_not_there_or_not_cheaper_changes_nothing(include: list[str]):
    hurried = resolved(5.0, include=include)
    assert families(hurried)[1] == include[0]
    assert len(hurried.portfolio) == len({config.key() for config in hurried.portfolio})


def test_a_counted_run_looks_at_no_clock():
    assert families(resolved(None, max_trials=3))[1] == "boosting"
