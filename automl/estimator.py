"""AutoClassifier and AutoRegressor, and reading them back."""

from __future__ import annotations

import os
from typing import Any

from sklearn.base import ClassifierMixin, RegressorMixin

from automl import saving
from automl.base import AutoEstimator
from automl.core import Array, SettingError, as_path
from automl.evaluate import predict_interval, predict_sets
from automl.pipeline import once

__all__ = ["AutoClassifier", "AutoRegressor", "load"]


class AutoClassifier(ClassifierMixin, AutoEstimator):  # type: ignore[misc]
    """Find the best classifier that a time budget can buy; hand back a plain scikit-learn pipeline.

    Parameters
    ----------
    time_budget : float or None
        Seconds for all of ``fit``. None: a counted run, ended by ``max_trials``, reproducible from ``random_state``.
    metric : str or callable
        A scikit-learn scorer name (``neg_`` optional), a scorer, or ``f(y_true, y_pred)`` where greater is better; also
        ``balanced_log_loss``, ``gini``, ``ks``, ``top_3_accuracy`` and, for regression, ``pinball_0.9`` (or another
        number). ``auto``: ROC AUC for two classes, but average precision of the rarer one where it has less than a
        tenth of the rows; log loss for more classes.
    report : sequence of str or callable
        Metrics that every fold is also scored by; columns of the leaderboard.
    cv : "auto", int, TimeFolds, BatchFolds, splitter or iterable of (train, test)
        1 is a holdout of 20 %. With ``times`` given to ``fit``, "auto" and numbers mean :class:`~automl.TimeFolds`:
        each part is scored by models fitted on what lies before it. "time", "walk_forward", "last_batch" and
        "first_vs_rest" are short for ``TimeFolds`` and the protocols of :class:`~automl.BatchFolds`.
    outer_folds : int or splitter, optional
        Outer folds of a nested cross-validation: the whole procedure also runs within each outer training part, for
        the same share of the time as the fit on all rows, and ``estimate_`` is the score on the rows held out.
    max_trials : int or None
    optimizer : {"auto", "bayes", "genetic", "random"} or object with ask and tell
    include, exclude : sequence of str or Component
        Families or components by name; ``include`` may hold Component declarations of your own.
    column_kinds : dict of column to kind, optional
        Overrides the inferred kind: numeric, categorical, high_cardinality, date, text, boolean, constant, id.
    ensemble_size : int
        Steps of the greedy selection.
    refit : {"auto", True, False}
        Fit the members again on all rows. ``auto``: only after a holdout, and where folds are in the order of
        time; otherwise the fold models vote. Without it, in the order of time the model of the last fold is delivered.
    knowledge : "auto", False, path or KnowledgeBase
        What is known from other tables, for the start. ``auto``: what automl comes with, and earlier runs of your own
        that `automl knowledge add` was told of. False: nothing.
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
    decision_pipeline_ : estimator
        The model whose ``predict`` is that of this class: ``pipeline_`` itself, except where a metric of labels led to
        multipliers for several classes. Then its probabilities are tilted, and those of ``pipeline_`` are not.
    estimate_ : Estimate
        ``value``, ``standard_error``, ``interval`` and ``label``, which says what the score is: by default that of the
        ensemble on rows held out, corrected for its selection among the trials.
    search_score_ : Estimate or None
        The score that the ensemble was selected by, which is optimistic.
    estimates_ : dict of str to Estimate
        By metric: ``estimate_``, and those of the metrics in ``report``.
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
        return once.predict_proba(self.pipeline_, table)

    def predict_set(self, X: Any, confidence: float = 0.9) -> Array:
        """Return for each row the labels that hold the truth with this confidence (CV+; Romano et al. 2020).

        Parameters
        ----------
        X : table-like of shape (n, d)
        confidence : float
            Share of sets that shall hold the true label.

        Returns
        -------
        sets : ndarray of bool, shape (n, K)
            Columns in the order of ``classes_``: ``model.classes_[sets[i]]`` are the labels of row i. A set with
            several labels says that the model cannot tell them apart. None is empty: the likeliest label is always in,
            also where the model is right more often than is asked for.

        Notes
        -----
        Guaranteed is a share of at least 1 - 2 (1 - confidence), less a small term for few rows in a fold; usual is a
        share of about ``confidence``. With a single holdout whose model is delivered it is ``confidence`` itself. The
        share is one over all rows, not within a class or a part of the table, and holds for rows that come from where
        those of ``fit`` came from: not under drift, nor for later times. With ``groups`` it is that of rows of new
        groups, and varies much where groups are few. Members and weights were chosen on the same held-out rows, which
        the theory leaves out. Where members were fitted again on all rows (``refit``), held-out probabilities of the
        fold models stand in for theirs: the share is approximate. Sample weights count as the importance of rows.

        Raises
        ------
        SettingError
            If the confidence is not between 0 and 1, or too high for so few rows.
        StoreError
            If the model was loaded with ``trusted=False``.
        """
        return predict_sets(self._held_out(), self.pipeline_, self._conform(X), confidence)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the optimised metric on (X, y), signed so that greater is better."""
        return self._score(y, self._seen(self._conform(X)), self.classes_, sample_weight)


class AutoRegressor(RegressorMixin, AutoEstimator):  # type: ignore[misc]
    """Find the best regressor that a time budget can buy; hand back a plain scikit-learn pipeline.

    Parameters and attributes are those of :class:`AutoClassifier`, without ``classes_``. ``metric="auto"`` is the root
    mean squared error. With ``metric="pinball_0.9"`` (any level between 0 and 1) the models predict that quantile;
    those that cannot are left out.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from automl import AutoRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = AutoRegressor(None, max_trials=3, executor="serial", random_state=0, verbose=0).fit(X, y)
    >>> model.estimate_.label
    'corrected for selection among the 2 complete trials of this run'
    """

    _classifies = False

    def predict_interval(self, X: Any, confidence: float = 0.9) -> Array:
        """Return for each row an interval that holds the truth with this confidence (CV+; Barber et al. 2021).

        Parameters
        ----------
        X : table-like of shape (n, d)
        confidence : float
            Share of intervals that shall hold the true value.

        Returns
        -------
        intervals : ndarray of shape (n, 2)
            Lower and upper ends.

        Notes
        -----
        The widths come from absolute errors on rows held out, and are much the same for all rows; with a quantile loss
        they lie around the predicted quantile, and are as valid. Guaranteed is a share of at least
        1 - 2 (1 - confidence), less a small term for few rows in a fold; usual is a share of about ``confidence``.
        What :meth:`AutoClassifier.predict_set` says of that share is true here too.

        Raises
        ------
        SettingError
            If the confidence is not between 0 and 1, or too high for so few rows: the intervals would be infinite.
        StoreError
            If the model was loaded with ``trusted=False``.
        """
        return predict_interval(self._held_out(), self.pipeline_, self._conform(X), confidence)

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
