"""What AutoClassifier and AutoRegressor share: a thin door to :func:`automl.search.run_fit`."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_random_state

from automl.core import Array, Budget, DataError, Event, SettingError, SpaceError
from automl.data import Container, check_health, make_dataset, make_reference
from automl.evaluate.refitting import refit_pipeline
from automl.fitted import FittedEstimator
from automl.pipeline.assemble import leaves, undecided
from automl.pipeline.shared import interned
from automl.pipeline.threads import set_threads
from automl.search import (
    CUT_SHORT,
    LEAST_SECONDS,
    ProgressLine,
    Session,
    Settings,
    check_settings,
    continued_session,
    estimate_nested,
    new_session,
    run_fit,
    run_nested,
    settled,
)
from automl.space import default_catalog
from automl.store import RecordedJournal

if TYPE_CHECKING:
    from typing import Self

    from automl.data import Dataset, Schema, Task
    from automl.search import NestedResult

__all__ = ["AutoEstimator"]

GOLDEN_ROWS = 20
_STOPPED = {
    "interrupted": "interrupted",
    "error": "the search failed on the way (see outcome_.notes)",
    "executor failed": "the workers failed on the way (see outcome_.notes)",
}


class AutoEstimator(FittedEstimator):
    """What classifier and regressor share. ``__init__`` only assigns; all checks are in ``fit``."""

    _classifies: bool

    def __init__(
        self,
        time_budget: float | None = 300,
        *,
        metric: Any = "auto",
        report: Sequence[Any] = (),
        cv: Any = "auto",
        outer_folds: Any = None,
        max_trials: int | None = None,
        optimizer: Any = "auto",
        include: Sequence[Any] | None = None,
        exclude: Sequence[Any] | None = None,
        column_kinds: dict[Any, str] | None = None,
        ensemble_size: int = 25,
        refit: Any = "auto",
        knowledge: Any = "auto",
        n_jobs: int | None = -1,
        memory_limit_mb: float | None = None,
        executor: Any = "process",
        run_dir: Any = None,
        keep_data: bool = False,
        random_state: Any = None,
        verbose: int = 1,
    ) -> None:
        self.time_budget = time_budget
        self.metric = metric
        self.report = report
        self.cv = cv
        self.outer_folds = outer_folds
        self.max_trials = max_trials
        self.optimizer = optimizer
        self.include = include
        self.exclude = exclude
        self.column_kinds = column_kinds
        self.ensemble_size = ensemble_size
        self.refit = refit
        self.knowledge = knowledge
        self.n_jobs = n_jobs
        self.memory_limit_mb = memory_limit_mb
        self.executor = executor
        self.run_dir = run_dir
        self.keep_data = keep_data
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any, *, sample_weight: Any = None, groups: Any = None, times: Any = None) -> Self:
        """Search for the best model within the time budget.

        Parameters
        ----------
        X : DataFrame (pandas, polars, pyarrow), array or sparse matrix of shape (n, d)
            Numbers, categories, dates, text, with missing and infinite values.
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,), optional
            Weights in fitting and in every score.
        groups : array-like of shape (n,), optional
            Rows of one group are never in training and scoring at the same time.
        times : array-like of shape (n,), optional
            Dates, or numbers such as those of batches: models are scored on later rows than they were fitted on, and
            rows of one time stay together. The rows need not be sorted.

        Returns
        -------
        self

        Raises
        ------
        DataError
            If the table or target cannot be used: says what was given, what is expected and what to do.
        SettingError
            If a constructor argument is not valid.
        """
        settings = self._settings()
        check_settings(settings)
        self._check_own()
        budget = Budget.begin(settings.time_budget)
        settings = settled(settings)
        if settings.time_budget is not None and settings.time_budget < LEAST_SECONDS:
            warnings.warn(
                f"time_budget={self.time_budget} is below {LEAST_SECONDS:.0f} s: expect the first models only",
                UserWarning,
                stacklevel=2,
            )
        dataset = self._dataset(X, y, sample_weight, groups, times)
        with new_session(self.run_dir, settings, self.get_params(deep=False), keep=self.keep_data) as session:
            self._search(settings, dataset, budget, session)
        return self

    def evaluate(
        self,
        X: Any,
        y: Any,
        *,
        outer_folds: Any = 5,
        sample_weight: Any = None,
        groups: Any = None,
        times: Any = None,
    ) -> NestedResult:
        """Estimate how well what ``fit`` would do predicts new rows, by nested cross-validation; fit nothing to keep.

        Within each outer training part the whole procedure runs for an equal share of ``time_budget`` (or for
        ``max_trials``), and its model is scored on the part held out. ``fit`` with ``outer_folds`` does this and makes
        the model too. Neither the estimator nor ``run_dir`` is touched.

        Parameters
        ----------
        outer_folds : int or splitter
            Cut as ``cv`` is: by classes, groups, times.

        Returns
        -------
        NestedResult
            ``estimate`` with its standard error and interval; ``folds``, the score of each.
        """
        settings = replace(self._settings(), outer_folds=outer_folds)
        self._check_own()
        budget = Budget.begin(settings.time_budget)
        check_settings(settings)
        settings = settled(settings)
        dataset = self._opened(X, y, sample_weight, groups, times)
        listeners = [ProgressLine(budget.seconds)] if self.verbose else []
        return estimate_nested(settings, dataset, budget=budget, listeners=listeners)

    def refitted(self, X: Any, y: Any, *, sample_weight: Any = None, groups: Any = None, times: Any = None) -> Self:
        """Return an estimator whose members are one model each, fitted on all rows; this one stays as it is.

        A bag of fold models becomes one model with the number of rounds that the folds found: a fraction of the time to
        predict, for a score that is often visibly worse than the bag's on small tables. There is no search; it takes
        about a fold's fit for each member. ``estimate_`` stays that of the fold models.

        Parameters
        ----------
        X, y, sample_weight, groups, times
            As given to ``fit``.

        Raises
        ------
        SettingError
            If a member is a component of your own, which is not known here.
        """
        self._check_recorded()
        dataset = self._opened(self._conform(X), y, sample_weight, groups, times)
        if dataset.classes is not None and not np.array_equal(dataset.classes, self.classes_):
            here, fitted = (np.asarray(labels).tolist()[:10] for labels in (dataset.classes, self.classes_))
            raise DataError(f"y has the labels {here}, fit had {fitted}; give a table with the same labels")
        members, kept = self.outcome_.members, self.outcome_.out_of_fold
        if kept is None:
            raise SettingError("this model is no ensemble of complete trials; fit again with more time")
        first = {leaf.member: leaf.model for leaf in reversed(leaves(undecided(self.pipeline_)))}
        catalog = default_catalog()
        try:
            models = [
                refit_pipeline(
                    first[place], member.config, member.settings, dataset, catalog=catalog, seed=self.outcome_.plan.seed
                )
                for place, member in enumerate(members)
            ]
        except SpaceError as error:
            raise SettingError(f"a member cannot be fitted again: {error}") from error
        shared = interned([[model] for model in models])
        weights = [member.weight for member in members]
        return self._with_members(range(len(members)), weights, shared, None, refitted=True)

    @classmethod
    def resume(
        cls,
        run_dir: str | os.PathLike[str],
        X: Any = None,
        y: Any = None,
        *,
        time_budget: float | None = None,
        sample_weight: Any = None,
        groups: Any = None,
        times: Any = None,
        **params: Any,
    ) -> Self:
        """Go on with a run that was interrupted, killed or ended; return the fitted estimator.

        Finished folds are taken from the run, those that were under way run again.

        Parameters
        ----------
        run_dir : path
            The ``run_dir`` of the earlier fit. Its settings are unpickled: give folders that you trust only.
        X, y : table and target, optional
            Needed only where the run no longer has its own copy (it ended, without ``keep_data``).
        time_budget : float, optional
            Seconds for this sitting; by default what an unfinished run has left.
        **params
            Constructor arguments to change: ``max_trials``, ``n_jobs``, ``memory_limit_mb``, ``keep_data``,
            ``verbose``.

        Raises
        ------
        SettingError
            If there is no run, or table, settings or library versions differ: names what does.
        """
        started = time.monotonic()
        if X is None and any(values is not None for values in (y, sample_weight, groups, times)):
            raise SettingError("y, sample_weight, groups and times belong to a table; give X too, or none of them")
        own = {name: params[name] for name in ("keep_data", "verbose") if name in params}
        cls(**own)._check_own()
        with continued_session(run_dir, keep=params.get("keep_data")) as session:
            assert session.settings is not None and session.params is not None
            wrong = sorted(params.keys() - {"max_trials", "n_jobs", "memory_limit_mb", "keep_data", "verbose"})
            if wrong:
                raise SettingError(f"{', '.join(wrong)} cannot change when a run is resumed; start a new fit")
            model = cls(**{**session.params, **params})
            changed = {name: value for name, value in params.items() if name in Settings.__dataclass_fields__}
            settings = replace(session.settings, **changed)
            check_settings(settings if time_budget is None else replace(settings, time_budget=time_budget))
            seconds = session.seconds(time_budget)
            dataset = session.dataset() if X is None else model._dataset(X, y, sample_weight, groups, times)
            if dataset is None:
                raise SettingError(
                    f"the run in {run_dir} no longer has its table (keep_data, --keep-data keeps it); give it again: "
                    "X and y, or its file at the command line"
                )
            if dataset.task.classifies is not cls._classifies:
                raise SettingError(f"the run in {run_dir} is not one of {cls.__name__}; use the other estimator")
            model._search(settings, dataset, Budget(seconds, started if seconds is not None else 0.0), session, seconds)
        return model

    def _dataset(self, X: Any, y: Any, sample_weight: Any, groups: Any, times: Any) -> Dataset:
        self._target = getattr(y, "name", None)
        return self._opened(X, y, sample_weight, groups, times)

    def _opened(self, X: Any, y: Any, sample_weight: Any, groups: Any, times: Any) -> Dataset:
        return make_dataset(
            X,
            y,
            classifies=self._classifies,
            column_kinds=self.column_kinds,
            groups=groups,
            times=times,
            weights=sample_weight,
        )

    def _search(
        self, settings: Settings, dataset: Dataset, budget: Budget, session: Session, seconds: float | None = None
    ) -> None:
        """Run one sitting, and remember what came of it."""
        listeners = [ProgressLine(budget.seconds)] if self.verbose else []
        if not session.earlier:
            self._check_health(dataset, session, budget)
        reference = make_reference(dataset)
        run = functools.partial(run_fit, seconds=seconds) if settings.outer_folds is None else run_nested
        outcome = run(
            settings,
            dataset,
            budget=budget,
            journal=session.journal,
            listeners=listeners,
            folder=session.folder,
            earlier=session.earlier,
        )
        self._journal = RecordedJournal(tuple(event for _, event in session.journal.read()))
        self.outcome_ = outcome
        self.pipeline_ = outcome.model
        set_threads(self.pipeline_, outcome.plan.n_jobs)
        if dataset.task.classifies:
            self.decision_pipeline_ = outcome.decision_model
        self.search_score_ = outcome.search_score
        self.estimate_, self.estimates_ = outcome.estimate, dict(outcome.estimates)
        if outcome.nested is not None:
            self.estimate_, self.estimates_ = outcome.nested.estimate, dict(outcome.nested.estimates)
        self.reference_ = reference
        self._remember(dataset.schema, dataset.task, dataset.classes)
        self._golden_X = dataset.rows(np.arange(min(GOLDEN_ROWS, dataset.n_rows))).X
        if outcome.stopped in CUT_SHORT:
            warnings.warn(f"{_STOPPED[outcome.stopped]}: this is the best model so far", UserWarning, stacklevel=3)
        elif outcome.fallback:
            warnings.warn(outcome.fallback, UserWarning, stacklevel=3)

    def _check_health(self, dataset: Dataset, session: Session, budget: Budget) -> None:
        findings = check_health(dataset)
        health = [{"level": f.level, "code": f.code, "message": f.message} for f in findings]
        session.journal.append(Event("health", {"findings": health}, budget.elapsed()))
        if self.verbose:
            for finding in findings:
                if finding.level == "warning":
                    print(f"automl: note: {finding.message}", file=sys.stderr)

    def _check_own(self) -> None:
        """Check the parameters that the search knows nothing of."""
        if not isinstance(self.keep_data, (bool, np.bool_)):
            raise SettingError(f"keep_data={self.keep_data!r}; give True or False")
        if not isinstance(self.verbose, (int, np.integer, np.bool_)) or self.verbose < 0:
            raise SettingError(f"verbose={self.verbose!r}; give 0 for silence or 1 for one progress line")

    def _settings(self) -> Settings:
        seed = self.random_state
        try:
            if isinstance(seed, bool):
                raise ValueError("a truth value")
            if not isinstance(seed, (int, np.integer)) or seed < 0:
                seed = check_random_state(seed).randint(2**31 - 1)
        except ValueError as error:
            raise SettingError(
                f"random_state={seed!r}; give an integer of at least 0, a RandomState or None"
            ) from error
        values: dict[str, Any] = {n: getattr(self, n) for n in Settings.__dataclass_fields__ if n != "seed"}
        budget = values["time_budget"]
        if not isinstance(budget, bool) and isinstance(budget, Real):
            with contextlib.suppress(OverflowError):  # refused below
                values["time_budget"] = float(budget)  # NumPy's numbers too
        return Settings(seed=int(seed), **values)

    def _remember(self, schema: Schema, task: Task, classes: Array | None) -> None:
        self.schema_ = schema
        self.task_ = task
        self.n_features_in_ = len(schema.columns)
        names = list(schema.names)
        if schema.container is Container.FRAME and all(isinstance(name, str) for name in names):
            self.feature_names_in_ = np.array(names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        if classes is not None:
            self.classes_ = classes

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.sparse = True
        tags.non_deterministic = self.time_budget is not None
        return tags
