"""A few real fits for ``optimizers.py``: small tables whose target is a product, a quotient or a rule of columns.

Linear models are all there is to choose from, so that a table is solved by what stands before the model, and by whoever
finds it: a union of the columns with their products, a spline, a forest below a linear model. The loss is that of one
holdout (300 rows, 150 to train on), relative to the constant's; 0 would be perfect. Trees (unions and stacks) are
proposed by genetic search only; the others search sequences.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from automl.core import Config
    from automl.space import Space

__all__ = ["TABLES", "TASKS", "Fits"]

ROWS = 300
NOISE = 0.05  # of the target's spread
SECONDS = 2.0  # boosting and networks below a stack stop by themselves after so long
FAILED = 2.0


def _rule(x: pd.DataFrame, kind: np.ndarray) -> np.ndarray:
    return np.where(kind == "a", x["x1"], np.where(kind == "b", -x["x1"], x["x2"]))


TABLES: Mapping[str, Callable[[pd.DataFrame, np.ndarray], Any]] = {
    "product": lambda x, kind: x["x1"] * x["x2"],
    "product and slopes": lambda x, kind: x["x1"] * x["x2"] + 0.5 * x["x3"] - x["x4"],
    "waves": lambda x, kind: np.sin(3 * x["x1"]) + x["x2"] ** 2,
    "a rule by category": _rule,
}


class Fits:
    """A task: each evaluation fits and scores one pipeline."""

    optimum = 0.0

    def __init__(self, name: str, include: tuple[str, ...] = ("linear",)) -> None:
        self.name = name
        self._include = include

    def table(self) -> tuple[pd.DataFrame, np.ndarray]:
        """Return the columns, and the target with noise."""
        rng = np.random.default_rng(sum(map(ord, self.name)))
        x = pd.DataFrame(rng.normal(size=(ROWS, 5)), columns=[f"x{i}" for i in range(1, 6)])
        kind = rng.choice(["a", "b", "c"], ROWS)
        y = np.asarray(TABLES[self.name](x, kind), dtype=float)
        return x.assign(kind=kind), y + NOISE * y.std() * rng.normal(size=ROWS)

    def space(self) -> Space:
        return self._prepared[1]

    def portfolio(self) -> tuple[Config, ...]:
        from automl.space import start_portfolio

        return tuple(start_portfolio(self.space().facts, self.space()))

    def evaluate(self, config: Config, fidelity: float = 1.0) -> tuple[float, float]:
        """Return (loss, CPU seconds) of a fit."""
        from automl.core import Fidelity, Status
        from automl.evaluate import run_fold

        path, _ = self._prepared
        used = time.process_time()
        try:
            output = run_fold(str(path), config, 0, Fidelity(rows=fidelity), str(path.with_name("model.pkl")), SECONDS)
        except Exception:  # a model may refuse what the steps before it leave: a failed trial, as in a fit
            return FAILED, time.process_time() - used
        used = time.process_time() - used
        if output.status is not Status.OK:
            return FAILED, used
        [loss] = output.losses.values()
        return min(float(loss) / self._spread, FAILED), used

    @cached_property
    def _spread(self) -> float:
        return float(self.table()[1].std())

    @cached_property
    def _prepared(self) -> tuple[Path, Space]:
        from automl.data import dump_dataset, make_dataset
        from automl.evaluate import Evaluation, make_folds, save_evaluation
        from automl.metrics import get_metric
        from automl.space import build_space, default_catalog, facts_of

        folder = Path(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        dataset = make_dataset(*self.table(), classifies=False)
        rows = np.arange(ROWS)
        folds = make_folds(dataset, cv=[(rows[: ROWS // 2], rows[ROWS // 2 :])])
        facts, catalog = facts_of(dataset), default_catalog()
        metrics = (get_metric("auto", task=str(dataset.task)),)
        data = dump_dataset(dataset, folder / "data")
        save_evaluation(Evaluation(str(data), folds, metrics, facts, catalog, 0), folder / "evaluation.pkl")
        return folder / "evaluation.pkl", build_space(facts, catalog, include=self._include)


TASKS = tuple(Fits(name) for name in TABLES)
