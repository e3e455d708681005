"""Does searching pay? Whole fits of the product, told apart by who proposes; resumable.

    python meta/bench/ways.py run --budget 60 --tables 8 --out ways.jsonl     # a core hour; --budget 300 --tables 4
    python meta/bench/ways.py table --out ways.jsonl

``portfolio``: the ordered list the product starts with, then random search; ``auto``, ``bayes`` and ``genetic`` search
behind the same list; ``random`` has no list. ``slots``: each slot alone (Mohr and Wever, Naive Automated Machine
Learning, Machine Learning 2023), the baseline that searches shamefully little: every model with its defaults, then for
the best of them each step before it, one at a time, then its hyperparameters at random. Tables are the first of the
split by a hash of the name, of at most 20,000 rows; the test set is the first of five folds, one worker, all arms of a
table one after the other on the same rows.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tables import DATA, METRICS, load, require, split, test_score

if TYPE_CHECKING:
    from automl.core import Config, Proposal, Result
    from automl.space import Space

__all__ = ["WAYS", "EachSlotAlone", "cell", "portfolio_then_random", "tables"]

WAYS = ("auto", "bayes", "genetic", "portfolio", "random", "slots")
MOST_ROWS = 20_000


class EachSlotAlone:
    """Proposes every model as it comes, then the steps of the best one by one, then its hyperparameters at random."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._left = [space.default(model.name) for model in space.models][::-1]
        self._slots: list[str] | None = None
        self._best: tuple[float, Config] | None = None
        self._random: Any = None

    def ask(self, n: int) -> list[Proposal]:
        from automl.core import Proposal

        return [Proposal(config, "slots") for config in (self._next() for _ in range(n)) if config is not None]

    def tell(self, result: Result) -> None:
        found = float("inf") if result.loss is None or result.status != "ok" else result.loss
        if self._best is None or found < self._best[0]:
            self._best = found, result.trial.config
        if self._random is not None:
            self._random.tell(result)

    def recall(self, config: Config) -> bool:
        return self._next() is not None

    def _next(self) -> Config | None:
        while not self._left and self._random is None:
            self._open()
        if self._left:
            return self._left.pop()
        proposals = self._random.ask(1)
        return proposals[0].config if proposals else None

    def _open(self) -> None:
        """Go on to the next slot of the best pipeline so far, or to its hyperparameters."""
        from automl.core import Config
        from automl.optimize import RandomSearch
        from automl.space.encoding import PREPARING

        best = self._space.default(self._space.models[0].name) if self._best is None else self._best[1]
        preparation = self._space.component(best.steps[-1].component).preparation
        if self._slots is None:
            self._slots = list(PREPARING[preparation])
        if not self._slots:
            self._random = RandomSearch(self._space.shaped(best.shape()), self._seed)
            return
        role = self._slots.pop(0)
        options = self._space.options(preparation, role)
        names = {option.name for option in options}
        held = [step for step in best.steps if step.component not in names]
        self._left = [self._space.complete(_with(Config(tuple(held)), option.name)) for option in options][::-1]


def _with(config: Config, name: str) -> Config:
    from automl.core import Config, Step

    return Config((Step.of(name), *config.steps))


def portfolio_then_random(space: Space, seed: int) -> Any:
    """Return an optimizer that proposes what every fit starts with, and nothing better than chance behind it."""
    from automl.metalearn import KnowledgeBase
    from automl.optimize import Chain, Portfolio, RandomSearch
    from automl.search.known import Advice
    from automl.space import start_portfolio

    base, task = KnowledgeBase.shipped(), str(space.facts.task)
    learnt = None if base.scarce(task) else base.portfolio(task, space.facts.n_rows, space)
    ordered = Advice("", learnt).ordered(start_portfolio(space.facts, space))
    return Chain([Portfolio(ordered), RandomSearch(space, seed)])


def tables(data: Path, part: str, count: int) -> list[str]:
    """Return the first tables of a split, by a hash of their names."""
    manifest = pd.read_csv(data / "manifest.csv")
    held = manifest[(manifest["split"] == part) & (manifest["n_rows"] <= MOST_ROWS)]
    return sorted(held["name"], key=lambda name: hashlib.sha256(name.encode()).hexdigest())[:count]


def cell(data: Path, name: str, way: str, seed: int, budget: float) -> dict[str, Any]:
    """Fit once; the loss is 1 - AUC, log loss or root mean squared error on the test rows."""
    from automl import AutoClassifier, AutoRegressor

    X, y, task = load(data, name)
    train, test = split(y, task, seed)
    kind = AutoRegressor if task == "regression" else AutoClassifier
    optimizer: Any = {"portfolio": portfolio_then_random, "slots": EachSlotAlone}.get(way, way)
    model = kind(budget, metric=METRICS[task], optimizer=optimizer, n_jobs=1, random_state=seed, verbose=0)
    model.fit(X.iloc[train], y.iloc[train])
    score = test_score(task, y.iloc[test], model, X.iloc[test])
    record = {
        "table": name,
        "way": way,
        "seed": seed,
        "budget": budget,
        "loss": 1 - score if task == "binary" else score,
    }
    return {**record, "trials": model.outcome_.trials, "seconds": model.outcome_.seconds}


def run(data: Path, out: Path, names: list[str], ways: list[str], seeds: int, budget: float, jobs: int) -> None:
    done = {(r["table"], r["way"], r["seed"], r["budget"]) for r in records(out)}
    wanted = [(name, way, seed) for seed in range(seeds) for name in names for way in ways]
    missing = [one for one in wanted if (*one, budget) not in done]
    print(f"{len(missing)} fits of {budget:g} s, {jobs} at a time", flush=True)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(cell, data, *one, budget) for one in missing]):
            with out.open("a") as file:
                file.write(json.dumps(future.result(), default=float) + "\n")


def records(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def table(out: Path) -> str:
    """Return losses by table, mean ranks, and every way against the portfolio."""
    from scipy.stats import wilcoxon

    text = []
    for budget, own in pd.DataFrame(records(out)).groupby("budget"):
        losses = own.pivot_table(index=["table", "seed"], columns="way", values="loss").dropna()
        text += [f"{budget:g} s, {len(losses)} fits of each way", losses.round(5).to_string()]
        ranks = losses.rank(axis=1).mean().sort_values()
        for way, rank in ranks.items():
            line = f"  {way:10s} mean rank {rank:.2f}"
            if way != "portfolio" and "portfolio" in losses:
                better = np.log(losses["portfolio"] / losses[way])
                p = wilcoxon(better).pvalue if better.any() else 1.0
                line += (
                    f", loss below that of the portfolio on {(better > 0).sum()}, above on {(better < 0).sum()}, "
                    f"median {np.median(-better):+.1%} (p {p:.2f})"
                )
            text.append(line)
    return "\n".join(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("run", "table"))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=Path("ways.jsonl"))
    parser.add_argument("--split", default="develop")
    parser.add_argument("--tables", type=int, default=8)
    parser.add_argument("--ways", nargs="*", choices=WAYS, default=list(WAYS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    if given.command == "run":
        data = require(given.data)
        names = tables(data, given.split, given.tables)
        run(data, given.out, names, given.ways, given.seeds, given.budget, given.jobs)
    else:
        print(table(given.out))


if __name__ == "__main__":
    main()
