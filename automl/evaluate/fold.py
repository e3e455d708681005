"""One job in a worker: fit and score one fold, or refit on all rows."""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from automl.core import Array, Config, Fidelity, Metric, Status, stream, stream_seed
from automl.data import Dataset, Schema, Task, open_dataset
from automl.ensemble import sample_rows
from automl.evaluate.fitting import fit_pipeline, refit_params
from automl.evaluate.preparation import Preparations, Preparer
from automl.evaluate.recent import rearranged, rows_step
from automl.evaluate.splits import Folds
from automl.evaluate.stacked import last_model
from automl.space import Catalog, Component, Facts

__all__ = [
    "Evaluation",
    "FoldOutput",
    "forget_evaluation",
    "load_evaluation",
    "metric_failed",
    "one_thread",
    "read_prediction",
    "run_fold",
    "run_refit",
    "save_evaluation",
    "warm_up",
    "weighing",
]


@dataclass(frozen=True)
class Evaluation:
    """All that workers need to know about a fit; written to a file once, read by each worker once.

    Parameters
    ----------
    data_path : str
        Where the memory-mapped copy of the table lies.
    metrics : tuple of Metric
        The first is optimised, the others are reported.
    preparations : Preparations or None
        Where folds keep what they have prepared; None keeps nothing.
    durable : bool
        Whether predictions are written beside the models, and both have a checksum, so that another process can go on.
    """

    data_path: str
    folds: Folds
    metrics: tuple[Metric, ...]
    facts: Facts
    catalog: Catalog
    seed: int
    preparations: Preparations | None = None
    durable: bool = False


@dataclass(frozen=True)
class FoldOutput:
    """What a fold or refit job returns: predictions of shape (n_test, K), float32, or (n_test,), float64.

    ``fit_seconds`` and ``predict_seconds`` are those of a fold that prepares its rows itself: where they came from the
    cache, the seconds that preparing them once took are counted. ``prepare_seconds`` are really spent, and
    ``saved_seconds`` is what the cache has saved this job (negative where storing took time).
    """

    status: Status
    losses: dict[str, float] = field(default_factory=dict)
    prediction: Array | None = None
    rounds: int | None = None
    fit_seconds: float = 0.0
    predict_seconds: float = 0.0
    cpu_seconds: float = 0.0
    write_seconds: float = 0.0
    artifact: str | None = None
    artifact_mb: float = 0.0
    checksum: str | None = None
    error: str | None = None
    prepare_seconds: float = 0.0
    saved_seconds: float = 0.0
    cache_hits: int = 0
    cache_misses: int = 0


def save_evaluation(evaluation: Evaluation, path: Path) -> None:
    import cloudpickle

    path.write_bytes(cloudpickle.dumps(evaluation))


def load_evaluation(path: str) -> tuple[Evaluation, Dataset]:
    """Return the evaluation and the memory-mapped table; kept for the life of the worker, or until the file changes."""
    file = os.stat(path)
    return _loaded(path, (file.st_mtime_ns, file.st_ino, file.st_size))


def forget_evaluation() -> None:
    """Close the table that this process has opened."""
    _loaded.cache_clear()


@functools.lru_cache(maxsize=1)
def _loaded(path: str, version: tuple[int, ...]) -> tuple[Evaluation, Dataset]:
    import cloudpickle

    evaluation: Evaluation = cloudpickle.loads(Path(path).read_bytes())
    return evaluation, open_dataset(evaluation.data_path)


def warm_up() -> None:
    """Import what nearly every job needs."""
    import lightgbm  # noqa: F401
    import sklearn.compose  # noqa: F401
    import sklearn.ensemble  # noqa: F401
    import sklearn.impute  # noqa: F401
    import sklearn.linear_model  # noqa: F401
    import sklearn.pipeline  # noqa: F401
    import sklearn.preprocessing  # noqa: F401


def run_fold(
    path: str,
    config: Config,
    fold: int,
    fidelity: Fidelity,
    artifact: str,
    seconds: float | None,
    at_most: int | None = None,
) -> FoldOutput:
    """Fit on the training part of a fold, predict its test part, score, and leave the fitted pipeline at ``artifact``.

    Parameters
    ----------
    path : str
        File of :func:`save_evaluation`.
    fidelity : Fidelity
        Below 1 in rows: fitted on a seeded, stratified share of the training rows.
    seconds : float or None
        Boosting stops by itself after so long.
    at_most : int or None
        Boosting stops by itself after so many rounds: those that the clock left it in an earlier run.
    """
    evaluation, dataset = load_evaluation(path)
    train_rows, test_rows = evaluation.folds.pairs[fold]
    if fidelity.rows < 1.0:
        size, rng = round(fidelity.rows * len(train_rows)), stream(evaluation.seed, "fidelity", fold)
        y = dataset.y[train_rows]
        train_rows = train_rows[sample_rows(y, size, rng, classifies=dataset.task.classifies)]
    train = weighing(dataset.rows(train_rows))
    test = dataset.rows(test_rows)
    rows = f"fold {fold}, rows {fidelity.rows} {rows_step(config, evaluation.catalog)}"
    preparer = Preparer(evaluation.preparations, rows)
    return _fit_and_score(evaluation, config, train, test, fold, artifact, seconds, None, preparer, at_most)


def run_refit(path: str, config: Config, artifact: str, rounds: int | None, seconds: float | None) -> FoldOutput:
    """Fit on all rows with a known number of rounds, and leave the pipeline at ``artifact``."""
    evaluation, dataset = load_evaluation(path)
    train, fold = weighing(dataset), len(evaluation.folds)
    return _fit_and_score(evaluation, config, train, None, fold, artifact, seconds, rounds, Preparer())


def _fit_and_score(
    evaluation: Evaluation,
    config: Config,
    train: Dataset,
    test: Dataset | None,
    fold: int,
    artifact: str,
    seconds: float | None,
    rounds: int | None,
    preparer: Preparer,
    at_most: int | None = None,
) -> FoldOutput:
    seed = stream_seed(evaluation.seed, "fit", fold)
    model = evaluation.catalog.get(config.steps[-1].component)
    train = rearranged(config, evaluation.catalog, train, seed)
    make = functools.partial(_build, evaluation, config, model, train.schema, seed)
    with warnings.catch_warnings(), one_thread():
        warnings.simplefilter("ignore")
        started, cpu = time.perf_counter(), time.process_time()
        fitted = fit_pipeline(
            make,
            model,
            train,
            rule=evaluation.folds.rule,
            seed=seed,
            rounds=rounds,
            at_most=at_most,
            seconds=seconds,
            preparer=preparer,
        )
        saved = preparer.saved
        fit_seconds = time.perf_counter() - started + saved
        output = FoldOutput(Status.OK, rounds=fitted.rounds, fit_seconds=fit_seconds)
        if test is not None:
            started = time.perf_counter()
            prefix, last = fitted.pipeline[:-1], fitted.pipeline[-1]
            prediction = _predict(last, preparer.transform(prefix, fitted.keys, test), test.task)
            predict_seconds = time.perf_counter() - started + preparer.saved - saved
            output = _scored(evaluation, test, prediction, output, predict_seconds)
        cpu = time.process_time() - cpu
    if output.status is not Status.OK:
        return FoldOutput(output.status, error=output.error, fit_seconds=fit_seconds, cpu_seconds=cpu)
    trouble = _unfit_for_voting(fitted.pipeline, train)
    if trouble is not None:
        return FoldOutput(Status.INVALID, error=trouble, fit_seconds=fit_seconds, cpu_seconds=cpu)
    started = time.perf_counter()
    size, checksum = _save(fitted.pipeline, artifact, output.prediction, durable=evaluation.durable)
    written = time.perf_counter() - started
    return replace(
        output,
        cpu_seconds=cpu,
        write_seconds=written,
        artifact=artifact,
        artifact_mb=size,
        checksum=checksum,
        prepare_seconds=preparer.seconds,
        saved_seconds=preparer.saved,
        cache_hits=preparer.hits,
        cache_misses=preparer.misses,
    )


def _build(
    evaluation: Evaluation, config: Config, model: Component, schema: Schema, seed: int, rounds: int | None
) -> Any:
    """Return the unfitted pipeline, with a number of boosting rounds if there is one."""
    from automl.pipeline import build

    pipeline = build(config, schema, evaluation.facts, catalog=evaluation.catalog, seed=seed)
    if rounds is not None and model.rounds is not None:
        last_model(pipeline.steps[-1][1]).set_params(**refit_params(model, rounds))
    return pipeline


def weighing(data: Dataset) -> Dataset:
    """Leave out rows of weight zero, unless a class would be lost: stop sets and inner splits would count them."""
    if data.weights is None or (data.weights > 0).all():
        return data
    kept = data.rows(np.flatnonzero(data.weights > 0))
    return kept if not data.task.classifies or len(np.unique(kept.y)) == len(np.unique(data.y)) else data


def _unfit_for_voting(pipeline: Any, data: Dataset) -> str | None:
    """Say why a fitted model of the user's own could not join an ensemble, if so."""
    from sklearn.base import clone

    classes = getattr(pipeline, "classes_", None)
    if data.task.classifies and not np.array_equal([] if classes is None else classes, np.arange(data.n_classes)):
        return f"its classes_ are {classes}, expected the codes 0 to {data.n_classes - 1}"
    try:
        clone(pipeline)
    except Exception as error:
        return f"scikit-learn cannot clone it: {error}"
    return None


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread per model, also where the process was not started that way: faster together, and reproducible."""
    if os.environ.get("OMP_NUM_THREADS") == "1":
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


def _predict(model: Any, prepared: Any, task: Task) -> Array:
    """Return probabilities (n, K) for classification, values (n,) for regression."""
    return np.asarray(model.predict_proba(prepared) if task.classifies else model.predict(prepared))


def metric_failed(metric: Metric) -> str:
    """Return how the reason of a fold begins that fails by the user's own metric."""
    return f"metric {metric.name} failed"


def _scored(
    evaluation: Evaluation, test: Dataset, prediction: Array, output: FoldOutput, predict_seconds: float
) -> FoldOutput:
    wanted = (test.n_rows, test.n_classes) if test.task is not Task.REGRESSION else (test.n_rows,)
    if prediction.shape != wanted:
        return FoldOutput(Status.INVALID, error=f"predicted an array of shape {prediction.shape}, expected {wanted}")
    if not np.issubdtype(prediction.dtype, np.number) or not np.isfinite(prediction).all():
        return FoldOutput(Status.INVALID, error="predicted values that are missing, infinite or not numbers")
    if test.task is not Task.REGRESSION:  # values far from zero would lose digits that matter
        prediction = prediction.astype(np.float32)
    optimised, *reported = evaluation.metrics
    try:
        losses, error = {optimised.name: optimised.loss(test.y, prediction, test.weights)}, None
    except Exception as trouble:  # whatever the user's own code raises
        if optimised.builtin:
            raise
        return FoldOutput(Status.CRASHED, error=f"{metric_failed(optimised)}: {type(trouble).__name__}: {trouble}")
    for metric in reported:
        try:
            losses[metric.name] = metric.loss(test.y, prediction, test.weights)
        except Exception as trouble:  # the user's own: what nothing depends on fails no trial
            losses[metric.name] = float("nan")
            error = f"metric {metric.name} could not be reported: {type(trouble).__name__}: {trouble}"
    return FoldOutput(
        Status.OK,
        losses,
        prediction,
        output.rounds,
        output.fit_seconds,
        predict_seconds=predict_seconds,
        error=error,
    )


def read_prediction(artifact: str | os.PathLike[str], checksum: str | None) -> Array | None:
    """Return the predictions of the fold whose model lies at ``artifact``, or None if either is not as it was written.

    Reads the bytes of the model without unpickling them.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        with open(artifact, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        prediction: Array = np.load(_beside(artifact), allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    digest.update(np.ascontiguousarray(prediction).data)
    return prediction if digest.hexdigest() == checksum else None


def _beside(artifact: str | os.PathLike[str]) -> Path:
    return Path(artifact).with_name("prediction.npy")


class _Hashing:
    """A file that is written and summed up at once."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.digest = hashlib.blake2b(digest_size=16)

    def write(self, block: Any) -> int:
        self.digest.update(block)
        return int(self._file.write(block))


def _save(pipeline: Any, artifact: str, prediction: Array | None, *, durable: bool) -> tuple[float, str | None]:
    """Write the pipeline, and its predictions in a durable run, each whole or not at all; return MB and checksum."""
    os.makedirs(os.path.dirname(artifact), exist_ok=True)
    temporary = f"{artifact}.{os.getpid()}"
    with open(temporary, "wb") as file:
        hashing = _Hashing(file)
        pickle.dump(pipeline, hashing if durable else file, protocol=5)
    os.replace(temporary, artifact)
    size = os.path.getsize(artifact) / 1e6
    if not durable or prediction is None:
        return size, None
    with open(temporary, "wb") as file:
        np.save(file, prediction, allow_pickle=False)
    os.replace(temporary, _beside(artifact))
    hashing.digest.update(np.ascontiguousarray(prediction).data)
    return size, hashing.digest.hexdigest()
