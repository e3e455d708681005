"""Searches replayed: 12 small tables, 500 configurations fitted on each once, and a model of them in their place.

    python meta/bench/replayed.py collect --out /tmp/replayed     # resumable; about an hour and a half on one core
    python meta/bench/replayed.py check --out /tmp/replayed       # how well the models rank: cross-validated

The tables are of the part ``meta_only`` (``--data``, by default ``../shared/data`` beside the project), which is not
part of the project. On each of them a holdout: at most 500 rows to train on, the others (at most 2,000) to score.
The configurations are sequences of the product's own space: first the start portfolio, then random ones, and from the
300th on every second one is a neighbour of one of the ten best so far, so that the models know where it gets good. The
first 200 are also fitted on a third and on a ninth of the training rows. One thread; ``CAP`` seconds of the processor
for a fit, after which it counts as failed. Tables take turns, a few configurations each, so that what there is at any
moment is as balanced as the whole.

For each table one LightGBM learns the loss from the encoded configuration and the share of rows, another one the
logarithm of the seconds: a task of ``optimizers.py`` asks them, and no model is fitted. Losses are put on a scale
between the best (0) and the median (1); what is worse than 3, and every failure, is 3. The models of trees are
constant between their thresholds, which suits optimizers that use trees themselves.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tables import DATA, load, require

if TYPE_CHECKING:
    from automl.core import Config
    from automl.space import Space

__all__ = ["REPORTING", "TABLES", "TUNING", "Replayed", "check", "collect", "replayed_tasks", "surrogate_losses"]

TUNING = ("horse_colic", "kr_vs_kp", "wall_robot_navigation", "life_expectancy", "tecator_fat", "wdbc")
REPORTING = (
    "sonar",
    "qsar_biodeg",
    "titanic",
    "car_evaluation",
    "energy_efficiency_heating",
    "used_phone_prices_kr",
)
TABLES = tuple(name for pair in zip(REPORTING, TUNING, strict=True) for name in pair)
COUNT = 500
TRAIN_ROWS = 500
TEST_ROWS = 2_000
CAP = 2.0
SHARES = (1.0, 1 / 3, 1 / 9)
LOWER = 200  # configurations that are fitted on fewer rows, too
RANDOM = 300  # the first so many are from the portfolio or random
BEST = 10
TURN = 10  # configurations of one table before the next
WORST = 3.0  # losses, where 1 is the median
LEAST = 100  # configurations for a model
SEED = 0


# ---- collecting


def prepare(name: str, data: Path, folder: Path) -> Path:
    """Write what the fits need, unless it is there; the file's path."""
    from automl.data import dump_dataset, make_dataset
    from automl.evaluate import Evaluation, make_folds, save_evaluation
    from automl.metrics import get_metric
    from automl.space import default_catalog, facts_of

    path = folder / "evaluation.pkl"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    X, y, task = load(data, name)
    dataset = make_dataset(X, y, classifies=task != "regression")
    rows = np.random.default_rng(SEED).permutation(dataset.n_rows)
    n_train = min(TRAIN_ROWS, 2 * dataset.n_rows // 3)
    chosen = np.sort(rows[: n_train + TEST_ROWS])
    dataset = dataset.rows(chosen)
    train = np.flatnonzero(np.isin(chosen, rows[:n_train]))
    test = np.setdiff1d(np.arange(dataset.n_rows), train)
    folds = make_folds(dataset, cv=[(train, test)])
    metric = get_metric("auto", task=str(dataset.task), classes=dataset.classes)
    facts = facts_of(dataset)
    data_path = dump_dataset(dataset, folder / "data")
    save_evaluation(Evaluation(str(data_path), folds, (metric,), facts, default_catalog(), SEED), path)
    return path


@cache
def space_of(path: Path) -> Space:
    """Return the space of a prepared table, without the components that not everybody has."""
    from candidates import OPTIONAL

    from automl.evaluate import load_evaluation
    from automl.space import build_space, default_catalog

    evaluation, _ = load_evaluation(str(path))
    return build_space(evaluation.facts, default_catalog(), exclude=OPTIONAL)


def portfolio_of(space: Space) -> tuple[Config, ...]:
    from automl.space import start_portfolio

    return tuple(config for config in start_portfolio(space.facts, space) if config.linear)


def next_config(space: Space, rows: Sequence[dict[str, Any]], number: int, name: str) -> tuple[Config, str]:
    """Return the configuration of this number: a function of the rows so far."""
    from automl.core import Config, stream
    from automl.space import RowSpace

    known = {row["key"] for row in rows}
    start = [config for config in portfolio_of(space) if config.key() not in known]
    if start and number < RANDOM:
        return start[0], "portfolio"
    rng = stream(SEED, f"replayed {name}", number)
    while True:
        config, origin = space.sample(rng), "random"
        if number >= RANDOM and number % 2:
            whole = [row for row in rows if row["share"] == 1.0 and row["loss"] is not None]
            best = sorted(whole, key=lambda row: row["loss"])[:BEST]
            vector = space.to_vector(Config.from_json(best[rng.integers(len(best))]["config"]))
            config = space.from_vector(RowSpace(space.configspace).neighbours(vector[None], 1, rng)[0])
            origin = "neighbour"
        if config.key() not in known:
            return config, origin


def measure(path: str, config: Config, share: float, artifact: str) -> dict[str, Any]:
    """Fit one configuration on a share of the training rows; in a worker."""
    from automl.core import Fidelity, Status
    from automl.evaluate import run_fold
    from meta.knowledge.fits import processor_clock, processor_limit

    used = time.process_time()
    try:
        with processor_limit(1.25 * CAP), processor_clock():
            output = run_fold(path, config, 0, Fidelity(rows=share), artifact, 0.8 * CAP)
    except Exception as error:  # whatever a library raises, the configuration has failed
        return {"status": f"{type(error).__name__}: {error}"[:120], "loss": None, "seconds": time.process_time() - used}
    finally:
        Path(artifact).unlink(missing_ok=True)
    [loss] = output.losses.values() if output.status is Status.OK else [None]
    return {"status": str(output.status), "loss": loss, "seconds": output.cpu_seconds}


class Worker:
    """One process for the fits; a new one where the kernel ended it."""

    def __init__(self) -> None:
        self._pool = self._started()

    @staticmethod
    def _started() -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, mp_context=get_context("forkserver"))

    def __call__(self, path: Path, config: Config, share: float) -> dict[str, Any]:
        try:
            return self._pool.submit(measure, str(path), config, share, str(path.with_name("model.pkl"))).result()
        except BrokenProcessPool:
            self._pool = self._started()
            return {"status": "killed", "loss": None, "seconds": 1.25 * CAP}

    def close(self) -> None:
        self._pool.shutdown()


def read_rows(out: Path, name: str) -> list[dict[str, Any]]:
    path = out / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def collect(data: Path, out: Path, names: Sequence[str] = TABLES, count: int = COUNT) -> None:
    """Fit what is missing, the tables in turn."""
    held = {name: read_rows(out, name) for name in names}
    worker = Worker()
    for end in range(TURN, count + TURN, TURN):
        for name in names:
            rows = held[name]
            if len({row["number"] for row in rows}) >= min(end, count):
                continue
            path = prepare(name, data, out / name)
            space = space_of(path)
            for number in range(min(end, count)):
                fitted = {row["share"] for row in rows if row["number"] == number}
                same = [row for row in rows if row["number"] == number]
                config, origin = (
                    (_config(same[0]), same[0]["origin"]) if same else next_config(space, rows, number, name)
                )
                for share in SHARES if number < LOWER else SHARES[:1]:
                    if share in fitted:
                        continue
                    found = {"number": number, "origin": origin, "share": share, **worker(path, config, share)}
                    rows.append({**found, "key": config.key(), "config": config.to_json()})
                    with open(out / f"{name}.jsonl", "a", encoding="utf-8") as file:
                        file.write(json.dumps(rows[-1]) + "\n")
            print(f"{name}: {end}, {sum(row['seconds'] for row in rows):.0f} s of fits", flush=True)
    worker.close()


def _config(row: dict[str, Any]) -> Config:
    from automl.core import Config

    return Config.from_json(row["config"])


# ---- the models


def surrogate_losses(losses: np.ndarray) -> np.ndarray:
    """Return losses between 0 (the best) and ``WORST``, where 1 is the median; NaN, a failure, is the worst."""
    known = losses[np.isfinite(losses)]
    low, middle = known.min(), np.median(known)
    scaled = (losses - low) / max(middle - low, 1e-12)
    return np.where(np.isfinite(scaled), np.minimum(scaled, WORST), WORST)


def fit_model(cells: np.ndarray, values: np.ndarray) -> Any:
    from lightgbm import LGBMRegressor

    model = LGBMRegressor(
        n_estimators=400,
        learning_rate=0.05,
        num_leaves=15,
        min_child_samples=5,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.5,
        random_state=SEED,
        n_jobs=1,
        verbose=-1,
    )
    return model.fit(cells, values)


@dataclass(frozen=True)
class Learned:
    """Encoded configurations with the share of rows last, their losses and seconds."""

    cells: np.ndarray
    losses: np.ndarray
    seconds: np.ndarray
    numbers: np.ndarray

    @property
    def whole(self) -> np.ndarray:
        return self.cells[:, -1] == 0.0


def learned(space: Space, rows: Sequence[dict[str, Any]]) -> Learned:
    """Return what the models learn from; a configuration that the space does not hold any more is left out."""
    from automl.core import InputError
    from automl.space import RowSpace

    vectors, kept = [], []
    for row in rows:
        try:
            vectors.append(space.to_vector(_config(row)))
        except InputError:
            continue
        kept.append(row)
    share = np.log([row["share"] for row in kept])
    cells = np.column_stack([RowSpace(space.configspace).encoded(np.array(vectors)), share])
    losses = np.array([np.nan if row["loss"] is None else row["loss"] for row in kept], dtype=float)
    seconds = np.maximum([row["seconds"] for row in kept], 1e-3)
    scaled = np.full(len(kept), np.nan)
    whole = share == 0.0
    scaled[whole] = surrogate_losses(losses[whole])
    known = losses[whole & np.isfinite(losses)]
    low, middle = known.min(), np.median(known)
    below = (losses[~whole] - low) / max(middle - low, 1e-12)
    scaled[~whole] = np.where(np.isfinite(below), np.clip(below, -WORST, WORST), WORST)
    return Learned(cells, scaled, seconds, np.array([row["number"] for row in kept]))


class Replayed:
    """A task: the models of one table."""

    def __init__(self, name: str, space: Space, rows: Sequence[dict[str, Any]]) -> None:
        from automl.space import RowSpace

        self.name = name
        self._space = space
        self._rows = RowSpace(space.configspace)
        known = learned(space, rows)
        self._loss = fit_model(known.cells, known.losses)
        self._seconds = fit_model(known.cells, np.log(known.seconds))
        drawn = self._rows.draw(20_000, np.random.default_rng(SEED))
        cells = np.vstack(
            [np.column_stack([self._rows.encoded(drawn), np.zeros(len(drawn))]), known.cells[known.whole]]
        )
        self.optimum = float(self._loss.predict(cells, num_threads=1).min())  # the best known: a search may go below

    def space(self) -> Space:
        return self._space

    def portfolio(self) -> tuple[Config, ...]:
        return portfolio_of(self._space)

    def evaluate(self, config: Config, fidelity: float = 1.0) -> tuple[float, float]:
        """Return (loss, seconds) as the models say."""
        cells = self._rows.encoded(self._space.to_vector(config)[None])
        cells = np.column_stack([cells, [np.log(fidelity)]])
        loss, seconds = (float(m.predict(cells, num_threads=1)[0]) for m in (self._loss, self._seconds))
        return loss, float(np.exp(seconds))


def replayed_tasks(out: Path, names: Sequence[str] = TABLES) -> list[Replayed]:
    """Return the tasks of the tables of which there is enough."""
    found = []
    for name in names:
        rows = read_rows(out, name)
        if len({row["number"] for row in rows}) >= LEAST:
            found.append(Replayed(name, space_of(out / name / "evaluation.pkl"), rows))
    return found


def check(out: Path, names: Sequence[str] = TABLES) -> pd.DataFrame:
    """Return how well the models rank configurations that they have not seen (5 folds): Spearman's correlation.

    ``upper`` is that among the better half; ``fidelity`` the correlation of measured losses at a ninth of the rows with
    those at all of them.
    """
    from scipy.stats import spearmanr
    from sklearn.model_selection import GroupKFold

    found = []
    for name in names:
        rows = read_rows(out, name)
        if len({row["number"] for row in rows}) < LEAST:
            continue
        known = learned(space_of(out / name / "evaluation.pkl"), rows)
        loss, seconds = np.empty(len(known.losses)), np.empty(len(known.losses))
        for train, test in GroupKFold(5, shuffle=True, random_state=SEED).split(known.cells, groups=known.numbers):
            loss[test] = fit_model(known.cells[train], known.losses[train]).predict(known.cells[test])
            seconds[test] = fit_model(known.cells[train], np.log(known.seconds[train])).predict(known.cells[test])
        whole = known.whole
        upper = whole & (known.losses <= np.median(known.losses[whole]))
        low = np.isclose(known.cells[:, -1], np.log(SHARES[-1]))
        at_all = dict(zip(known.numbers[whole], known.losses[whole], strict=True))
        at_low = zip(known.numbers[low], known.losses[low], strict=True)
        pairs = [(value, at_all[number]) for number, value in at_low if number in at_all]
        found.append(
            {
                "table": name,
                "configurations": int(whole.sum()),
                "failed": int(sum(row["loss"] is None for row in rows if row["share"] == 1.0)),
                "loss": spearmanr(loss[whole], known.losses[whole]).statistic,
                "upper": spearmanr(loss[upper], known.losses[upper]).statistic,
                "seconds": spearmanr(seconds[whole], known.seconds[whole]).statistic,
                "fidelity": spearmanr(*np.array(pairs).T).statistic if len(pairs) > 2 else np.nan,
                "CPU seconds": sum(row["seconds"] for row in rows),
            }
        )
    return pd.DataFrame(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    collecting = commands.add_parser("collect")
    collecting.add_argument("--data", default=DATA)
    collecting.add_argument("--count", type=int, default=COUNT)
    collecting.add_argument("--tables", nargs="*", default=TABLES, choices=TABLES)
    collecting.add_argument("--out", type=Path, required=True)
    checking = commands.add_parser("check")
    checking.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.command == "collect":
        collect(require(arguments.data), arguments.out, arguments.tables, arguments.count)
    else:
        print(check(arguments.out).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
