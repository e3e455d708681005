"""Fit candidates on the folds of a small sample, in this process, and keep what they predict."""

from __future__ import annotations

import dataclasses
import signal
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["Fitted", "candidate_configs", "fit_candidates"]

SOFT = 0.2  # share of its limit after which boosting stops by itself
CACHE_MB = 500.0  # for prepared rows
OPTIONAL = ("catboost", "xgboost")  # not everybody has them, and they cost most
AGAIN = 0.5  # seconds of CPU after which a fit that went on is interrupted once more


@dataclass(frozen=True)
class Fitted:
    """Predictions of m candidates; the fields are those of ``draws.Draw``.

    ``folds`` is -1 and ``oof`` is NaN for rows that are never scored (classes rarer than the folds).
    """

    folds: np.ndarray
    oof: np.ndarray
    test: np.ndarray
    test_folds: np.ndarray
    names: tuple[str, ...]
    families: tuple[str, ...]
    configs: tuple[dict[str, Any], ...]
    losses: np.ndarray
    cpu: np.ndarray
    left_out: tuple[tuple[str, str], ...]


class _TooSlow(BaseException):
    """Not an Exception, so that no library takes it for a failure of its own."""


def candidate_configs(dataset: Any, count: int, seed: int) -> list[Any]:
    """Return the first lines of the start portfolio; random configurations where there are not enough."""
    from automl.optimize import RandomSearch
    from automl.space import build_space, default_catalog, facts_of, start_portfolio

    facts = facts_of(dataset)
    space = build_space(facts, default_catalog(), exclude=OPTIONAL)
    configs = list(start_portfolio(facts, space))[:count]
    known = {config.key() for config in configs}
    random = RandomSearch(space, seed)
    while len(configs) < count and (proposals := random.ask(1)):
        if proposals[0].config.key() not in known:
            configs.append(proposals[0].config)
    return configs


def fit_candidates(
    dataset: Any,
    X_test: Any,
    configs: Iterable[Any],
    *,
    metric: Any,
    seed: int,
    fit_seconds: float,
    enough: int | None = None,
    fold_test_rows: int = 0,
    n_folds: int = 5,
) -> Fitted:
    """Fit every configuration on every fold, until there are ``enough``; those that are too slow or fail are left out.

    Parameters
    ----------
    dataset : automl.data.Dataset
        The training sample.
    X_test : DataFrame
        Predicted by every fold model.
    fit_seconds : float
        CPU seconds of one fold, predictions included; boosting stops by itself after a fifth of them.
    fold_test_rows : int
        On so many test rows the predictions of each fold model are kept.
    """
    from automl.evaluate import forget_evaluation, make_folds
    from automl.space import default_catalog

    folds = make_folds(dataset, cv=n_folds, seed=seed)
    catalog = default_catalog()
    found: list[dict[str, Any]] = []
    left_out: list[tuple[str, str]] = []
    with tempfile.TemporaryDirectory() as scratch:
        path = _evaluation(Path(scratch), dataset, X_test, folds, metric, seed)
        fit = _Fit(str(path), f"{scratch}/model.pkl", fit_seconds)
        for place, config in enumerate(configs):
            model = catalog.get(config.steps[-1].component)
            name = f"{place:02d} {model.name}"
            try:
                outputs = [fit(config, fold) for fold in range(len(folds))]
            except _TooSlow:
                left_out.append((name, f"more than {fit_seconds} s of CPU"))
                continue
            except Exception as error:
                left_out.append((name, f"{type(error).__name__}: {error}"[:200]))
                continue
            found.append({"name": name, "family": model.family, "config": config, "outputs": outputs})
            if enough is not None and len(found) >= enough:
                break
        forget_evaluation()  # its memory map lies in the folder
    if not found:
        raise RuntimeError(f"no candidate could be fitted: {left_out[:3]}")
    return _joined(dataset, folds, metric, found, left_out, fold_test_rows)


def _evaluation(scratch: Path, dataset: Any, X_test: Any, folds: Any, metric: Any, seed: int) -> Path:
    """Write what a fold needs. The test rows are scored beside those of each fold, so that one prediction gives both.

    Kinds of columns and facts are those of the training rows alone.
    """
    from automl.data import dump_dataset
    from automl.evaluate import Evaluation, Preparations, save_evaluation
    from automl.space import default_catalog, facts_of

    n, both = dataset.n_rows, pd.concat([dataset.X, X_test], ignore_index=True)
    unknown = np.zeros(len(X_test), dtype=np.asarray(dataset.y).dtype)
    whole = dataclasses.replace(dataset, X=both, y=np.concatenate([dataset.y, unknown]))
    pairs = tuple((train, np.concatenate([test, np.arange(n, n + len(X_test))])) for train, test in folds.pairs)
    prepared = scratch / "prepared"
    prepared.mkdir()
    path = scratch / "evaluation.pkl"
    evaluation = Evaluation(
        str(dump_dataset(whole, scratch / "data")),
        dataclasses.replace(folds, pairs=pairs),
        (metric,),
        facts_of(dataset),
        default_catalog(),
        seed,
        Preparations(prepared, CACHE_MB),
    )
    save_evaluation(evaluation, path)
    return path


class _Fit:
    """Fits a fold within its seconds of CPU."""

    def __init__(self, path: str, artifact: str, seconds: float) -> None:
        self._path, self._artifact, self._seconds = path, artifact, seconds
        self._stretch = 1.0  # seconds on the clock for one of CPU: other work on the machine

    def __call__(self, config: Any, fold: int) -> Any:
        from automl.core import Fidelity, Status
        from automl.evaluate import run_fold

        wall, cpu = time.perf_counter(), time.process_time()
        with _at_most(self._seconds):
            soft = self._stretch * SOFT * self._seconds
            output = run_fold(self._path, config, fold, Fidelity(), self._artifact, soft)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        self._stretch = float(np.clip(0.9 * self._stretch + 0.1 * wall / max(cpu, 1e-3), 1.0, 8.0))
        if cpu > self._seconds:
            raise _TooSlow
        if output.status is not Status.OK:
            raise RuntimeError(output.error)
        return output


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Interrupt what takes more CPU, as soon as Python runs again."""

    def interrupt(number: int, frame: Any) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGPROF, interrupt)
    signal.setitimer(signal.ITIMER_PROF, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


def _joined(
    dataset: Any,
    folds: Any,
    metric: Any,
    found: Sequence[dict[str, Any]],
    left_out: Sequence[tuple[str, str]],
    fold_test_rows: int,
) -> Fitted:
    numbers = np.full(dataset.n_rows, -1, dtype=np.int64)
    numbers[folds.scored] = folds.numbers
    shape = (dataset.n_rows, dataset.n_classes) if dataset.task.classifies else (dataset.n_rows,)
    oof = np.full((len(found), *shape), np.nan, dtype=np.float32)
    tests, parts, losses = [], [], []
    for out, candidate in zip(oof, found, strict=True):
        predictions = []
        for (_, rows), output in zip(folds.pairs, candidate["outputs"], strict=True):
            out[rows] = output.prediction[: len(rows)]
            losses.append(metric.loss(np.asarray(dataset.y)[rows], output.prediction[: len(rows)]))
            predictions.append(output.prediction[len(rows) :].astype(np.float64))
        tests.append(np.mean(predictions, axis=0).astype(np.float32))
        parts.append(np.stack([part[:fold_test_rows] for part in predictions]).astype(np.float32))
    return Fitted(
        folds=numbers,
        oof=oof,
        test=np.stack(tests),
        test_folds=np.stack(parts),
        names=tuple(candidate["name"] for candidate in found),
        families=tuple(candidate["family"] for candidate in found),
        configs=tuple(candidate["config"].to_json() for candidate in found),
        losses=np.array(losses).reshape(len(found), len(folds)),
        cpu=np.array([[output.cpu_seconds for output in candidate["outputs"]] for candidate in found]),
        left_out=tuple(left_out),
    )
