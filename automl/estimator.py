"""AutoClassifier and AutoRegressor, and reading them back."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin

from automl import saving
from automl.base import AutoEstimator
from automl.core import Array, SettingError, as_path

__all__ = ["AutoClassifier", "AutoRegressor", "load"]


class AutoClassifier(ClassifierMixin, AutoEstimator):  # type: ignore[misc]
    """Find the best classifier that a time budget can buy; hand back a plain scikit-learn pipeline.

    Parameters
    ----------
    time_budget : float or None
        Seconds for all of ``fit``. None: a counted run, ended by ``max_trials``, reproducible from ``random_state``.
    metric : str or callable
        A scikit-learn scorer name (``neg_`` optional), a scorer, or ``f(y_true, y_pred)`` where greater is better.
        ``auto``: ROC AUC for two classes, log loss for more.
    cv : "auto", int, splitter or iterable of (train, test)
        1 is a holdout of 20 %.
    max_trials : int or None
    optimizer : {"auto", "random"} or object with ask and tell
    include, exclude : sequence of str or Component
        Families or components by name; ``include`` may hold Component declarations of your own.
    column_kinds : dict of column to kind, optional
        Overrides the inferred kind: numeric, categorical, high_cardinality, date, text, boolean, constant, id.
    ensemble_size : int
        Steps of the greedy selection.
    refit : {"auto", True, False}
        Fit the members again on all rows. ``auto``: only after a holdout; otherwise the fold models vote.
    n_jobs : int or None
        Worker processes; -1 takes every core of the affinity mask and the container.
    memory_limit_mb : float or None
        For the whole fit; by default 80 % of what machine and container leave free.
    executor : {"process", "serial"} or Executor
    run_dir : path, optional
        A new folder for the run: with it an interrupted fit can be resumed, also after its process was killed.
    keep_data : bool
        Whether the run keeps its copy of the table and its best models after a fit that ended, so that it can go on
        without X and y.
    random_state : int, RandomState or None
    verbose : int
        0: silent; 1: one progress line.

    Attributes
    ----------
    pipeline_ : estimator
        The model: public library parts only.
    estimate_ : Estimate
        ``value``, ``standard_error``, ``interval`` and ``label``, which says what the score is.
    outcome_ : FitOutcome
    classes_ : ndarray of shape (K,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (d,)
        Only if X had string column names.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from automl import AutoClassifier
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = AutoClassifier(None, max_trials=3, executor="serial", random_state=0, verbose=0).fit(X, y)
    >>> model.predict(X.head(2)).tolist()
    [0, 0]
    """

    _classifies = True

    def predict_proba(self, X: Any) -> Array:
        """Return class probabilities of shape (n, K), columns in the order of ``classes_``."""
        table = self._conform(X)
        return np.asarray(self.pipeline_.predict_proba(table))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the optimised metric on (X, y), signed so that greater is better."""
        return self._score(y, self.predict_proba(X), self.classes_, sample_weight)


class AutoRegressor(RegressorMixin, AutoEstimator):  # type: ignore[misc]
    """Find the best regressor that a time budget can buy; hand back a plain scikit-learn pipeline.

    Parameters and attributes are those of :class:`AutoClassifier`, without ``classes_``. ``metric="auto"`` is the root
    mean squared error.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from automl import AutoRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = AutoRegressor(None, max_trials=3, executor="serial", random_state=0, verbose=0).fit(X, y)
    >>> model.estimate_.label
    'search score (optimistic)'
    """

    _classifies = False

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the optimised metric on (X, y), signed so that greater is better."""
        return self._score(y, self.predict(X), None, sample_weight)


def load(path: str | os.PathLike[str], *, trusted: bool = True) -> AutoClassifier | AutoRegressor:
    """Return an estimator written by ``save``, once its manifest and checksums have been verified.

    Parameters
    ----------
    trusted : bool
        True unpickles, which runs whatever the file says: for files whose origin you trust. False never does: it reads
        the form that ``save(path, share=True)`` adds, and only classes and functions that were looked at. What comes
        of it predicts, scores and has a leaderboard, but no ``outcome_``, and cannot be saved or exported again.

    Raises
    ------
    StoreError
        If there is no such file, it is not one of ours, damaged, of a newer version, or holds what is not trusted.
    """
    if not isinstance(trusted, bool):
        raise SettingError(f"trusted={trusted!r}; give True or False")
    kinds = {kind.__name__: kind for kind in (AutoClassifier, AutoRegressor)}
    estimator: AutoClassifier | AutoRegressor = saving.load(as_path(path), kinds, trusted=trusted)
    return estimator
