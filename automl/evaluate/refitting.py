"""One model in the place of a bag: fitted again on all rows, with the number of rounds that the folds found."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from automl.core import Config, Param, stream_seed
from automl.data import Dataset
from automl.evaluate.fitting import fit_pipeline
from automl.evaluate.fold import one_thread, weighing
from automl.evaluate.recent import rearranged
from automl.evaluate.splits import Rule
from automl.evaluate.stacked import last_model
from automl.space import Catalog

__all__ = ["refit_pipeline"]


def refit_pipeline(
    pipeline: Any, config: Config, settings: Mapping[str, Param], dataset: Dataset, *, catalog: Catalog, seed: int
) -> Any:
    """Return a pipeline like this one, fitted on all rows.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted or not: only its parameters count.
    config : Config
        What it was built from.
    settings : mapping
        Parameters of the model for a fit on all rows: its number of rounds. Empty for models without.
    """
    from sklearn.base import clone

    model = catalog.get(config.steps[-1].component)
    unfitted = clone(pipeline)
    last_model(unfitted.steps[-1][1]).set_params(**settings)
    counts = "max_iter" if model.stopping == "network" else model.rounds
    rounds = settings.get(counts) if counts is not None else None
    train = rearranged(config, catalog, weighing(dataset), stream_seed(seed, "refit"))
    rule = Rule.RANDOM if dataset.groups is None else Rule.GROUPS
    with warnings.catch_warnings(), one_thread():
        warnings.simplefilter("ignore")  # as in the search
        return fit_pipeline(
            lambda _: unfitted,
            model,
            train,
            rule=rule if dataset.times is None else Rule.ORDERED,
            seed=seed,
            rounds=None if rounds is None else int(rounds),
        ).pipeline
