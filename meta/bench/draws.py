"""Stored draws: small training samples of large tables, thirty candidates on each, and a large test set as the truth.

    python meta/bench/draws.py --out /tmp/draws                    # resumable; 417 draws, 2.5 hours on two free cores
    python meta/bench/draws.py --out /tmp/noise --kind noise       # labels without any signal; about an hour

Needs the benchmark tables (``--data``, by default ``../shared/data`` beside the project), which are not part of it.
What exists is skipped; a draw is written whole or not at all. The order is by share of the seeds done, so that a part
of the run is as balanced over tables, sizes and splits as the whole; tables of more than 12 classes come last.

Every study reads the draws with::

    from draws import load_draws
    for draw in load_draws(folder, split="develop", size=200): ...

**The draws.** From every table of at least 10,000 rows a stratified sample of ``size`` rows (200, 500, 2,000) is the
training set, and another one (3,000, 4,000, 10,000 rows, or what the table has left) the test set. Classes of which a
sample of that size would hold fewer than 5 rows are dropped from the table before (``dropped_classes``,
``dropped_share``). Folds are the product's for ``cv=5``, every row is scored once. Candidates are the first thirty
lines of the start portfolio, in its order, where a table has fewer lines filled up with random configurations; each is
fitted once on every fold, with one thread. XGBoost and CatBoost are not among them. A candidate that takes more than
3 s of CPU for one fold, predictions included, or fails, is left out (``left_out`` says why); boosting stops by itself
after .6 s. Candidate 0 is a constant (``prior``).

**Noise.** ``--kind noise``: the same on 24 tables for 50, 100 and 500 rows, whose balanced binary labels are random;
200 candidates (portfolio, then random configurations) of at most .5 s; the test set are 2,000 other rows with random
labels; predictions of single fold models are not stored. The true score of anything is .5.

**The file** ``{dataset}--{size}--{seed}.npz`` (see :class:`Draw` for shapes): arrays ``y_train``, ``folds``, ``oof``,
``test``, ``y_test``, ``train_rows``, ``test_rows``, ``losses``, ``cpu``, ``test_folds``, and ``meta`` (JSON).
``test_folds`` is kept as float16: as it is for probabilities, in units of ``test_folds_scale`` around
``test_folds_offset`` for values. :func:`load_draws` undoes that.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tables import DATA, load, require

__all__ = ["Draw", "Job", "load_draw", "load_draws", "make_draw", "plan", "run", "sample", "save_draw", "todo"]

LEAST_ROWS = 10_000
LEAST_OF_CLASS = 5
TEST_ROWS = {200: 3_000, 500: 4_000, 2_000: 10_000}
SEEDS = {  # draws of each table; fewer tables are in develop, so that each of them is drawn more often
    ("develop", 200): 7,
    ("meta_only", 200): 4,
    ("develop", 500): 5,
    ("meta_only", 500): 3,
    ("develop", 2_000): 3,
    ("meta_only", 2_000): 2,
}
MANY_CLASSES = 12  # boosting grows a tree for each
CANDIDATES = 30
FIT_SECONDS = 3.0
FOLD_TEST_ROWS = 2_000
NOISE_SIZES = (50, 100, 500)
NOISE_TABLES = 12  # of each split
NOISE_TEST_ROWS = 2_000
NOISE_CANDIDATES = 200
NOISE_SECONDS = 0.5
NOISE_COLUMNS = 100


@dataclass(frozen=True)
class Draw:
    """One training sample with its candidates: m candidates, n training rows, k folds, K classes.

    Parameters
    ----------
    dataset, split : str
        Name of the table; ``"develop"`` or ``"meta_only"``.
    kind : str
        ``"real"`` or ``"noise"``.
    size, seed : int
        Nominal training rows (200, 500, 2000; noise 50, 100, 500), number of the draw.
    task, metric : str
        ``"binary"``, ``"multiclass"`` or ``"regression"``; the product's metric for it (``roc_auc``, ``log_loss``,
        ``root_mean_squared_error``).
    y_train : ndarray of shape (n,)
        Codes 0..K-1 (int64), or values (float64).
    folds : ndarray of int, shape (n,)
        The fold in which a row was scored.
    oof : float32 of shape (m, n, K), or (m, n) for regression
        Out-of-fold predictions, ``oof[:, i]`` for ``y_train[i]``; binary tasks have K = 2.
    y_test : ndarray of shape (t,)
    test : float32 of shape (m, t, K) or (m, t)
        Mean over the k fold models of each candidate.
    test_folds : float32 of shape (m, k, t', K) or (m, k, t')
        Each fold model on the first t' = min(t, 2000) test rows; precise to 3 digits. t' = 0 for noise.
    names, families, configs : tuple
        Place and model (``"03 logistic"``), the family as ensembles see it, the configuration as JSON.
    losses, cpu : float64 of shape (m, k)
        Loss and CPU seconds of each fold; the latter without what was prepared for an earlier candidate already.
    train_rows, test_rows : ndarray of int
        Positions in the table as ``tables.load`` returns it.
    classes : tuple
        The labels behind the codes; empty for regression.
    left_out : tuple of (str, str)
        Candidates that are not here, and why.
    dropped_classes : int
    dropped_share : float
        Classes too rare for the sample, and their share of the rows.
    """

    dataset: str
    split: str
    kind: str
    size: int
    seed: int
    task: str
    metric: str
    y_train: np.ndarray = field(repr=False)
    folds: np.ndarray = field(repr=False)
    oof: np.ndarray = field(repr=False)
    y_test: np.ndarray = field(repr=False)
    test: np.ndarray = field(repr=False)
    test_folds: np.ndarray = field(repr=False)
    names: tuple[str, ...] = field(repr=False)
    families: tuple[str, ...] = field(repr=False)
    configs: tuple[dict[str, Any], ...] = field(repr=False)
    losses: np.ndarray = field(repr=False)
    cpu: np.ndarray = field(repr=False)
    train_rows: np.ndarray = field(repr=False)
    test_rows: np.ndarray = field(repr=False)
    classes: tuple[Any, ...] = field(repr=False, default=())
    left_out: tuple[tuple[str, str], ...] = field(repr=False, default=())
    dropped_classes: int = 0
    dropped_share: float = 0.0

    @property
    def scorer(self) -> Any:
        """The metric (``NamedMetric``): ``scorer.losses(y, stack)``, ``scorer.loss(y, prediction)``."""
        from automl.metrics import get_metric

        return get_metric(self.metric, task=self.task)

    def percent(self, difference: float, loss: float) -> float:
        """Return a difference of losses in percent of the error: 1 - AUC, log loss, RMSE."""
        return 100.0 * difference / max(1e-12, 1.0 + loss if self.metric == "roc_auc" else abs(loss))

    @property
    def key(self) -> str:
        return f"{self.dataset}--{self.size}--{self.seed}"


_ARRAYS = ("y_train", "folds", "oof", "y_test", "test", "losses", "cpu", "train_rows", "test_rows")
_TUPLES = ("names", "families", "configs", "classes", "left_out")


def save_draw(draw: Draw, folder: str | Path) -> Path:
    """Write a draw, whole or not at all."""
    path = Path(folder) / f"{draw.key}.npz"
    values = draw.task == "regression"
    offset, scale = (float(draw.y_train.mean()), float(draw.y_train.std()) or 1.0) if values else (0.0, 1.0)
    meta = {name: value for name, value in vars(draw).items() if name not in (*_ARRAYS, "test_folds")} | {
        "test_folds_offset": offset,
        "test_folds_scale": scale,
    }
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with np.errstate(over="ignore"), open(temporary, "wb") as file:
        np.savez(
            file,
            test_folds=((draw.test_folds - offset) / scale).astype(np.float16),
            meta=np.array(json.dumps(meta)),
            **{name: getattr(draw, name) for name in _ARRAYS},
        )
    os.replace(temporary, path)
    return path


def load_draw(path: str | Path) -> Draw:
    """Read one draw."""
    with np.load(path, allow_pickle=False) as file:
        meta = json.loads(str(file["meta"]))
        offset, scale = meta.pop("test_folds_offset"), meta.pop("test_folds_scale")
        test_folds = file["test_folds"].astype(np.float32) * np.float32(scale) + np.float32(offset)
        arrays = {name: file[name] for name in _ARRAYS}
    meta |= {name: tuple(meta[name]) for name in _TUPLES}
    meta["left_out"] = tuple((name, reason) for name, reason in meta["left_out"])
    return Draw(**meta, **arrays, test_folds=test_folds)


def load_draws(folder: str | Path, split: str | None = None, size: int | None = None) -> Iterator[Draw]:
    """Read all draws of a folder that are there, one at a time, sorted by table, size and seed.

    Parameters
    ----------
    split : "develop" or "meta_only", optional
    size : int, optional
        Nominal training rows.
    """
    for path in sorted(Path(folder).glob("*--*--*.npz"), key=_order):
        if size is not None and int(path.stem.split("--")[1]) != size:
            continue
        if split is not None:
            with np.load(path, allow_pickle=False) as file:
                if json.loads(str(file["meta"]))["split"] != split:
                    continue
        yield load_draw(path)


def _order(path: Path) -> tuple[str, int, int]:
    name, size, seed = path.stem.split("--")
    return name, int(size), int(seed)


@dataclass(frozen=True)
class Job:
    """A draw to make."""

    dataset: str
    split: str
    kind: str
    size: int
    seed: int

    @property
    def key(self) -> str:
        return f"{self.dataset}--{self.size}--{self.seed}"


def plan(manifest: pd.DataFrame, kind: str) -> list[Job]:
    """Return the draws in the order in which they are made."""
    if kind == "noise":
        fit = manifest[(manifest["n_rows"] >= NOISE_TEST_ROWS + max(NOISE_SIZES))]
        fit = fit[fit["n_columns"] <= NOISE_COLUMNS].sort_values("name")
        few = [fit[fit["split"] == split].iloc[:NOISE_TABLES] for split in ("develop", "meta_only")]
        return [
            Job(str(row.name), str(row["split"]), kind, size, 0)
            for size in NOISE_SIZES
            for pair in zip(*(part.set_index("name").iterrows() for part in few), strict=False)
            for _, row in pair
        ]
    large = manifest[manifest["n_rows"] >= LEAST_ROWS].sort_values("name")
    slow = set(large[large["n_classes"] > MANY_CLASSES]["name"])
    jobs = [
        Job(name, split, kind, size, seed)
        for name, split in zip(large["name"], large["split"], strict=True)
        for size in TEST_ROWS
        for seed in range(SEEDS[split, size])
    ]
    return sorted(jobs, key=lambda job: (job.dataset in slow, (job.seed + 0.5) / SEEDS[job.split, job.size], job.size))


def sample(
    y: pd.Series, classifies: bool, size: int, test_rows: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return training rows, test rows and dropped rows; stratified, and without classes too rare for the sample."""
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(y))
    dropped = rows[:0]
    labels = None
    if classifies:
        share = y.map(y.value_counts(normalize=True)).to_numpy(dtype=float)
        dropped, rows = rows[size * share < LEAST_OF_CLASS], rows[size * share >= LEAST_OF_CLASS]
        labels = y.iloc[rows].astype(str)
    test_rows = min(test_rows, len(rows) - size)
    train, test = train_test_split(rows, train_size=size, test_size=test_rows, stratify=labels, random_state=seed)
    return train, test, dropped


def make_draw(job: Job, folder: Path) -> Draw:
    """Draw the samples and fit the candidates."""
    from candidates import candidate_configs, fit_candidates

    from automl.core import stream, stream_seed
    from automl.data import make_dataset
    from automl.metrics import get_metric

    X, y, task = load(folder, job.dataset)
    seed = stream_seed(job.seed, f"draw {job.kind} {job.dataset}", job.size)
    noise = job.kind == "noise"
    if noise:
        rng = stream(seed, "noise")
        rows = rng.permutation(len(y))[: job.size + NOISE_TEST_ROWS]
        train, test, dropped = rows[: job.size], rows[job.size :], rows[:0]
        y = pd.Series(np.zeros(len(y), dtype=np.int64))
        for part in (train, test):
            y.iloc[part] = rng.permutation(len(part)) % 2
        task = "binary"
    else:
        train, test, dropped = sample(y, task != "regression", job.size, TEST_ROWS[job.size], seed)
    dataset = make_dataset(
        *(part.iloc[train].reset_index(drop=True) for part in (X, y)), classifies=task != "regression"
    )
    X_test = X.iloc[test].reset_index(drop=True)
    y_test = y.iloc[test].to_numpy()
    if dataset.classes is not None:
        y_test = pd.Index(dataset.classes).get_indexer(y_test)
        assert (y_test >= 0).all()
    metric = get_metric("auto", task=str(dataset.task))
    fitted = fit_candidates(
        dataset,
        X_test,
        candidate_configs(dataset, NOISE_CANDIDATES + 100 if noise else CANDIDATES, seed),
        metric=metric,
        seed=seed,
        fit_seconds=NOISE_SECONDS if noise else FIT_SECONDS,
        enough=NOISE_CANDIDATES if noise else CANDIDATES,
        fold_test_rows=0 if noise else FOLD_TEST_ROWS,
    )
    counts = 0 if not len(dropped) else int(y.iloc[dropped].nunique())
    return Draw(
        dataset=job.dataset,
        split=job.split,
        kind=job.kind,
        size=job.size,
        seed=job.seed,
        task=str(dataset.task),
        metric=metric.name,
        y_train=np.asarray(dataset.y),
        y_test=y_test.astype(np.asarray(dataset.y).dtype),
        train_rows=train,
        test_rows=test,
        classes=() if dataset.classes is None else tuple(dataset.classes.tolist()),
        dropped_classes=counts,
        dropped_share=len(dropped) / len(y),
        **vars(fitted),
    )


def todo(jobs: Iterable[Job], out: Path) -> list[Job]:
    """Return the draws that are not there yet."""
    return [job for job in jobs if not (out / f"{job.key}.npz").exists()]


def run(jobs: Iterable[Job], data: Path, out: Path, processes: int) -> None:
    """Make the draws that are not there yet."""
    out.mkdir(parents=True, exist_ok=True)
    left = todo(jobs, out)
    print(f"{len(left)} draws to make in {out}", flush=True)
    started = time.monotonic()
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(_one, job, data, out) for job in left]
        for number, future in enumerate(as_completed(futures), start=1):
            minutes = (time.monotonic() - started) / 60
            print(f"{number}/{len(left)} {minutes:.1f} min: {future.result()}", flush=True)


def _one(job: Job, data: Path, out: Path) -> str:
    started = time.monotonic()
    try:
        draw = make_draw(job, data)
        save_draw(draw, out)
    except Exception:
        return f"{job.key} FAILED {traceback.format_exc(limit=-3)}"
    return (
        f"{job.key} {len(draw.names)} candidates, {draw.cpu.sum():.0f} s of CPU for fits, "
        f"{time.monotonic() - started:.0f} s; left out {[f'{name}: {why}' for name, why in draw.left_out]}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=str(DATA))
    parser.add_argument("--out", default=os.path.join(tempfile.gettempdir(), "draws"))
    parser.add_argument("--kind", choices=("real", "noise"), default="real")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--tables", nargs="+", help="only these")
    parser.add_argument("--most", type=int, help="stop after so many draws")
    arguments = parser.parse_args()
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    folder = require(arguments.data)
    jobs = plan(pd.read_csv(folder / "manifest.csv"), arguments.kind)
    jobs = [job for job in jobs if not arguments.tables or job.dataset in arguments.tables]
    run(jobs[: arguments.most], folder, Path(arguments.out), arguments.processes)


if __name__ == "__main__":
    main()
