"""What a fitted estimator can do: predict, tell what happened, be kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from automl import __version__, explain, saving
from automl.core import Array, InputError, StoreError, as_path
from automl.data import check_table, conform, read_truth, read_weights
from automl.metrics import get_metric
from automl.search import export_script

if TYPE_CHECKING:
    import pandas as pd

    from automl.data import TableCheck

__all__ = ["FittedEstimator"]


class FittedEstimator(BaseEstimator):  # type: ignore[misc]
    """What classifier and regressor share once they are fitted."""

    # ---- prediction

    def _conform(self, X: Any) -> Any:
        check_is_fitted(self, "pipeline_")
        return conform(X, self.schema_, type(self).__name__)

    def predict(self, X: Any) -> Array:
        """Return labels (classification) or values (regression), shape (n,).

        Raises
        ------
        SchemaError
            If the table does not fit the one seen in ``fit``.
        """
        table = self._conform(X)
        return np.asarray(self.pipeline_.predict(table))

    def check(self, X: Any, policy: str = "report") -> TableCheck:
        """Compare a table with the one of ``fit``: columns, types, levels, missing values, ranges, drift.

        Parameters
        ----------
        X : table-like of shape (n, d)
        policy : {"report", "repair", "strict"}
            "repair" also returns, as ``frame``, a table that ``predict`` accepts; "strict" raises a SchemaError.
            See :func:`automl.data.check_table`.
        """
        check_is_fitted(self, "pipeline_")
        if getattr(self, "reference_", None) is None:
            raise InputError("this model was saved without a description of its table; fit again to check others")
        return check_table(X, self.schema_, self.reference_, policy, type(self).__name__)

    def _score(self, y: Any, prediction: Array, classes: Array | None, sample_weight: Any) -> float:
        metric = get_metric(self.metric, task=str(self.task_), classes=classes)
        truth = read_truth(y, len(prediction), classes)
        weights = None if sample_weight is None else read_weights(sample_weight, len(prediction))
        return -float(metric.loss(truth, prediction, weights))

    # ---- what happened

    def leaderboard(self) -> pd.DataFrame:
        """Return one row per finished trial, best first, scores in the metric's natural sign."""
        check_is_fitted(self, "pipeline_")
        return explain.leaderboard(self._journal)

    def failures(self) -> pd.DataFrame:
        """Return one row per failed trial, with status and reason."""
        check_is_fitted(self, "pipeline_")
        return explain.failures(self._journal)

    # ---- keeping

    def save(self, path: str | os.PathLike[str], *, share: bool = False) -> Path:
        """Write the fitted estimator to one file, whole or not at all; :func:`automl.load` reads it.

        With ``share=True`` (needs ``pip install 'automl[share]'``) also in a form that ``load(path, trusted=False)``
        reads without unpickling; that may take half a minute.
        """
        self._check_recorded()
        return saving.save(self, as_path(path), share=share)

    def _check_recorded(self) -> None:
        check_is_fitted(self, "pipeline_")
        if not hasattr(self, "outcome_"):
            raise StoreError("loaded with trusted=False a model has no record of its fit; use the one that was saved")

    def export(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the plain pipeline, its schema, versions and golden rows to a folder that needs no automl."""
        from automl.pipeline.export import export

        self._check_recorded()
        outcome = self.outcome_
        metadata = {
            "automl": __version__,
            "metric": outcome.plan.metric,
            "estimate": {**vars(self.estimate_), "interval": list(self.estimate_.interval)},
            "n_rows": outcome.plan.n_rows,
            "members": [{"trial": m.trial, "weight": m.weight, **m.config.to_json()} for m in outcome.members],
        }
        return export(
            self.pipeline_,
            as_path(path),
            schema=self.schema_,
            golden_X=self._golden_X,
            task=self.task_,
            classes=getattr(self, "classes_", None),
            metadata=metadata,
            overwrite=overwrite,
        )

    def export_script(self, path: str | os.PathLike[str]) -> Path:
        """Write Python source that builds the members again, unfitted, and fits them on all rows without automl."""
        self._check_recorded()
        return export_script(as_path(path), self.outcome_, self.schema_, getattr(self, "classes_", None))
