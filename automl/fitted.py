"""What a fitted estimator can do: predict, tell what happened, be kept."""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from automl import explain, saving
from automl.core import Array, InputError, SettingError, StoreError, as_path
from automl.data import check_table, conform, read_truth, read_weights
from automl.ensemble import Decision, apply_decision
from automl.metrics import get_metric
from automl.pipeline import once
from automl.pipeline.assemble import assemble, decided, leaves, undecided
from automl.pipeline.costs import measure
from automl.search import export_script

if TYPE_CHECKING:
    from typing import Self

    import pandas as pd

    from automl.data import TableCheck
    from automl.evaluate import OutOfFold
    from automl.metrics import NamedMetric

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
        # of classifiers; not there in one that an earlier version saved
        model: Any = getattr(self, "decision_pipeline_", self.pipeline_)
        return once.predict(model, table)

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
        metric = self._fitted_metric()
        truth = read_truth(y, len(prediction), classes)
        weights = None if sample_weight is None else read_weights(sample_weight, len(prediction))
        return -float(metric.loss(truth, prediction, weights))

    def _fitted_metric(self) -> NamedMetric:
        """Return what ``fit`` optimised; what "auto" meant there was decided by its target."""
        spec, positive = self.metric, None
        if isinstance(spec, str) and spec == "auto":
            decided = next(event.data["metric"] for _, event in self._journal.read() if event.kind == "plan")
            spec, positive = decided["name"], decided.get("positive")
        return get_metric(spec, task=str(self.task_), classes=getattr(self, "classes_", None), positive=positive)

    def _seen(self, table: Any) -> Array:
        """Return what the metric of a classifier looks at: probabilities, or the labels of ``predict``, one-hot."""
        if self._fitted_metric().needs != "label":
            return once.predict_proba(self.pipeline_, table)
        model: Any = getattr(self, "decision_pipeline_", self.pipeline_)
        return np.asarray((once.predict(model, table)[:, None] == self.classes_).astype(np.float64))

    @property
    def _decision(self) -> Decision:
        return getattr(getattr(self, "outcome_", None), "decision", None) or Decision()

    def _held_out(self) -> OutOfFold:
        """Return what the ensemble predicted for rows held out, or say why there is nothing."""
        self._check_recorded()
        kept: OutOfFold | None = self.outcome_.out_of_fold
        if kept is None:
            raise InputError(
                "this fit has no predictions for rows held out: no trial was complete, or they could not be "
                "joined (outcome_.notes says which); fit again with more time"
            )
        if not kept.models and self._decision.temperature is not None:  # which the refitted model has in it
            kept = replace(kept, prediction=apply_decision(kept.prediction, self._decision))
        return kept

    # ---- what happened

    def feature_importance(
        self,
        X: Any,
        y: Any,
        *,
        columns: Sequence[Any] | None = None,
        n_repeats: int = 5,
        max_rows: int = 2_000,
        seconds: float | None = None,
        sample_weight: Any = None,
        random_state: int = 0,
    ) -> pd.DataFrame:
        """Return how much the metric worsens when a column is shuffled, one row per feature, the most important first.

        Columns are those of the table, before any preparation. For the table of ``fit``, in its order, each fold's
        models are scored on rows that they did not see. Any other table is scored by the whole model, and has to
        consist of new rows; ``attrs["rows"]`` of the result says which it was.

        Parameters
        ----------
        X : table-like of shape (n, d)
        y : array-like of shape (n,)
        columns : sequence of columns or of lists of columns, optional
            A list of columns is shuffled together: related columns hide behind each other when shuffled one by one.
        n_repeats : int
            How often each column is shuffled.
        max_rows : int
            At most so many rows, drawn at random, are scored.
        seconds : float, optional
            After so many seconds the result is what there is; NaN for columns that were not reached.
        sample_weight : array-like of shape (n,), optional
            For the table of ``fit`` by default those of ``fit``.
        random_state : int

        Returns
        -------
        DataFrame
            ``feature``; ``importance``, in units of the metric, positive where the column helps; ``standard_error``
            over folds or parts of the rows; ``low`` and ``high``, a 95 % interval. NaN where there are too few rows.
            ``attrs``: ``metric``, ``score`` before shuffling, ``rows``, ``n_rows``.

        Notes
        -----
        The importance of a column to this model, not its effect in the world.
        """
        if seconds is not None and not seconds > 0:
            raise SettingError(f"seconds={seconds!r}; give a positive number or None")
        deadline = time.monotonic() + (math.inf if seconds is None else seconds)
        table = self._conform(X)
        outcome = getattr(self, "outcome_", None)
        classes = getattr(self, "classes_", None)
        fitted = explain.Fitted(
            partial(once.predict, self.pipeline_) if classes is None else self._seen,
            self._fitted_metric(),
            self.schema_,
            None if outcome is None else outcome.out_of_fold,
            getattr(self, "_golden_X", None),
            0 if outcome is None else outcome.plan.n_rows,
            partial(apply_decision, decision=self._decision),
        )
        return explain.feature_importance(
            fitted,
            table,
            read_truth(y, table.shape[0], classes),
            weights=None if sample_weight is None else read_weights(sample_weight, table.shape[0]),
            columns=columns,
            n_repeats=n_repeats,
            max_rows=max_rows,
            seed=random_state,
            stop=lambda: time.monotonic() > deadline,
        )

    def leaderboard(self) -> pd.DataFrame:
        """Return one row per finished trial, best first, scores in the metric's natural sign."""
        check_is_fitted(self, "pipeline_")
        return explain.leaderboard(self._journal)

    def failures(self) -> pd.DataFrame:
        """Return one row per failed trial, with status and reason."""
        check_is_fitted(self, "pipeline_")
        return explain.failures(self._journal)

    # ---- the same in smaller

    def menu(self) -> pd.DataFrame:
        """Return the models that this fit can deliver: what each scores, how fast it predicts, and how large it is.

        The first row is the delivered model. In the others members have left, always the one that costs least loss for
        the time it saves; and "3 bags" have all fold models of three members, where "3 models" have one of each.
        :meth:`select` makes any of them the model.

        Returns
        -------
        DataFrame
            ``point``, its name; ``members`` and ``models`` in it; ``score`` of fold models on the rows held out, with
            its ``standard_error``: of single models that is what they are, bags are usually a little better, and
            ``score_label`` says that it is not corrected for the choice; ``loss_increase`` over the delivered model,
            held out, with its standard error ``increase_error``; ``predict_ms`` for 1,000 rows, measured now with the
            stored rows again and again; ``size_mb`` of the pickled model; ``columns`` of the table that it needs.
        """
        return self._menu().table()

    def select(
        self,
        point: str | None = None,
        *,
        max_predict_ms: float | None = None,
        max_model_mb: float | None = None,
        max_loss_increase: float | None = None,
    ) -> Self:
        """Return an estimator like this one with another model of the menu; this one stays as it is.

        Parameters
        ----------
        point : str, optional
            Name of a row of :meth:`menu`; by default the one with the least loss within the limits.
        max_predict_ms : float, optional
            Milliseconds for 1,000 rows, as measured now.
        max_model_mb : float, optional
        max_loss_increase : float, optional
            In units of the metric, against the delivered model on the rows held out. With it the fastest model within
            the limits is taken.

        Raises
        ------
        SettingError
            If there is no such point.
        """
        chosen = self._menu().select(
            point, max_predict_ms=max_predict_ms, max_model_mb=max_model_mb, max_loss_increase=max_loss_increase
        )
        own = [[leaf.model for leaf in chosen.leaves if leaf.member == k] for k in range(len(chosen.members))]
        return self._with_members(chosen.members, chosen.weights, own, chosen.estimate)

    def _menu(self) -> explain.Menu:
        self._check_recorded()
        kept = self.outcome_.out_of_fold
        found = leaves(undecided(self.pipeline_))
        rows = self._golden_X
        at = np.arange(explain.MENU_ROWS) % rows.shape[0]
        costs = measure(found, rows.iloc[at] if hasattr(rows, "iloc") else rows[at], classifies=self.task_.classifies)
        decide = partial(apply_decision, decision=self._decision) if self.task_.classifies else np.asarray
        return explain.make_menu(
            found, costs, kept, self._fitted_metric(), n_columns=self.n_features_in_, decide=decide
        )

    def _with_members(
        self, members: Sequence[int], weights: Sequence[float], models: list[list[Any]], estimate: Any, **changed: Any
    ) -> Self:
        """Return a copy whose model consists of some members, with these models."""
        classes, outcome = getattr(self, "classes_", None), self.outcome_
        model = assemble(list(zip(weights, models, strict=True)), classes=classes, task=self.task_)
        labeller = None
        if classes is not None:
            chosen = self._decision
            model, labeller = decided(
                model,
                classes=classes,
                temperature=chosen.temperature,
                threshold=chosen.threshold,
                multipliers=chosen.multipliers,
            )
        kept = outcome.out_of_fold
        if kept is not None:
            bagged = not changed and len(models[0]) == len(kept.models) > 1
            kept = kept.of_members(members, weights, bagged=bagged)
        other = copy.copy(self)
        if estimate is not None:
            other.search_score_ = other.estimate_ = estimate
        other.estimates_ = {other.estimate_.metric: other.estimate_}
        other.outcome_ = replace(
            outcome,
            model=model,
            decision_model=labeller,
            members=tuple(
                replace(outcome.members[k], weight=w, **changed) for k, w in zip(members, weights, strict=True)
            ),
            out_of_fold=kept,
            estimate=other.estimate_,
            estimates=other.estimates_,
            search_score=other.search_score_,
        )
        other.pipeline_ = model
        if labeller is not None:
            other.decision_pipeline_ = labeller
        return other

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
        self._check_recorded()
        return saving.export(self, as_path(path), overwrite=overwrite)

    def export_script(self, path: str | os.PathLike[str]) -> Path:
        """Write Python source that builds the members again, unfitted, and fits them on all rows without automl."""
        self._check_recorded()
        return export_script(as_path(path), self.outcome_, self.schema_, getattr(self, "classes_", None))
