"""Perceptrons: scikit-learn's, several seeds joined by a vote."""

from __future__ import annotations

from typing import Any

import numpy as np

from automl.space.facts import Facts

__all__ = ["perceptron_classifier", "perceptron_regressor"]

_FEW_ROWS = 30_000  # up to here max_iter is taken as it is


def perceptron_classifier(facts: Facts, random_state: int, seeds: int = 1, **params: Any) -> Any:
    from sklearn.ensemble import VotingClassifier
    from sklearn.neural_network import MLPClassifier

    settings = _settings(facts, **params)
    networks = [MLPClassifier(random_state=seed, **settings) for seed in _seeds(random_state, seeds)]
    # Weights are always given: the mean is then taken in double precision.
    return _joined(networks, VotingClassifier, voting="soft", weights=[1.0] * seeds)


def perceptron_regressor(facts: Facts, random_state: int, seeds: int = 1, **params: Any) -> Any:
    from sklearn.ensemble import VotingRegressor
    from sklearn.neural_network import MLPRegressor

    settings = _settings(facts, **params)
    networks = [MLPRegressor(random_state=seed, **settings) for seed in _seeds(random_state, seeds)]
    return _joined(networks, VotingRegressor, weights=[1.0] * seeds)


def _joined(networks: list[Any], voter: Any, **options: Any) -> Any:
    """Return the mean of several networks, or the only one."""
    if len(networks) == 1:
        return networks[0]
    return voter([(f"seed{index}", network) for index, network in enumerate(networks)], **options)


def _seeds(random_state: int, seeds: int) -> list[int]:
    return [(random_state + index) % 2**32 for index in range(seeds)]


def _settings(
    facts: Facts,
    width: int,
    layers: int,
    max_iter: int,
    batch_share: float = 0.05,
    halving: bool = False,
    **params: Any,
) -> dict[str, Any]:
    """Return the arguments of scikit-learn's perceptrons.

    Many rows make many steps in one epoch: the number of epochs falls with the square root of the rows.
    """
    epochs = max_iter * min(1.0, (_FEW_ROWS / facts.n_rows) ** 0.5)
    batch = np.clip(batch_share * facts.n_rows, 16, max(256, facts.n_rows // 400))
    # For whoever fits a copy by scikit-learn alone; its inner split is random and stratified, and needs rows enough.
    stops = facts.n_rows > 1000 and facts.ordinary_rows and (not facts.task.classifies or facts.min_class_count >= 20)
    return {
        "hidden_layer_sizes": tuple(max(4, width // 2**layer) if halving else width for layer in range(layers)),
        "max_iter": max(4, round(epochs)),
        "batch_size": int(min(batch, 1024, max(1, facts.n_rows // 2))),
        "early_stopping": stops,
        "n_iter_no_change": 20,
        **params,
    }
