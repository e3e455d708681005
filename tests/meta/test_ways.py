"""The baseline that takes each slot alone, and the portfolio without a search behind it."""

import sys
from pathlib import Path

import pandas as pd
import pytest

from automl.core import Measures, Result, Status, Trial
from automl.space import build_space, default_catalog, facts_of
from tests.builders import mixed_dataset

BENCH = Path(__file__).resolve().parents[2] / "meta" / "bench"


@pytest.fixture(scope="module")
def ways():
    sys.path.insert(0, str(BENCH))
    try:
        import ways

        yield ways
    finally:
        sys.path.remove(str(BENCH))


@pytest.fixture(scope="module")
def space():
    return build_space(facts_of(mixed_dataset(), 60.0), default_catalog(), include=["linear", "bayes", "neighbors"])


def played(optimizer, space, n, loss_of):
    shown = []
    for number in range(n):
        [proposal] = optimizer.ask(1)
        space.check(proposal.config)
        shown.append(proposal.config)
        result = Result(
            Trial(number, proposal.config, proposal.origin), Status.OK, loss_of(proposal.config), Measures()
        )
        optimizer.tell(result)
    return shown


def test_each_slot_is_decided_alone(ways, space):
    models = [model.name for model in space.models]

    def loss_of(config):
        names = [step.component for step in config.steps]
        return 1.0 - 0.5 * (names[-1] == "knn") - 0.1 * ("quantile_normal" in names) - 0.01 * ("pca" in names)

    shown = played(ways.EachSlotAlone(space, 0), space, 60, loss_of)
    assert [config.steps[-1].component for config in shown[: len(models)]] == models
    later = shown[len(models) :]
    assert {config.steps[-1].component for config in later} == {"knn"}, "the best model, and no other"
    best = min(shown, key=loss_of)
    assert {"quantile_normal", "pca"} <= {step.component for step in best.steps}
    assert shown[-1].shape() == best.shape() and shown[-1] != shown[-2], "its hyperparameters at random"


def test_the_portfolio_comes_whole_and_then_chance(ways, space):
    from automl.space import start_portfolio

    optimizer = ways.portfolio_then_random(space, 0)
    wanted = {config.key() for config in start_portfolio(space.facts, space)}
    shown = played(optimizer, space, 120, lambda config: 0.5)
    front = [proposal.key() for proposal in shown]
    assert wanted <= set(front) and len(set(front)) == len(front)


def test_losses_are_set_against_those_of_the_portfolio(ways, tmp_path):
    out = tmp_path / "ways.jsonl"
    records = [
        {"table": table, "way": way, "seed": 0, "budget": 60.0, "loss": loss}
        for table, losses in {"a": (0.2, 0.1), "b": (0.3, 0.2), "c": (0.1, 0.4)}.items()
        for way, loss in zip(("portfolio", "auto"), losses, strict=True)
    ]
    pd.DataFrame(records).to_json(out, orient="records", lines=True)
    text = ways.table(out)
    assert "3 fits of each way" in text and "auto       mean rank 1.33" in text and "on 2, above on 1" in text
