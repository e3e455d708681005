"""Does the race between folds pay? Fits saved, false stops and regret of the final ensemble, on stored draws.

    python meta/bench/racing.py --draws /tmp/draws

Reads what ``draws.py`` has stored and fits nothing. On each draw the candidates come in portfolio order, one fold after
the other, and the race of the search (``automl.search.candidate.falls_behind``) stops those that fall behind. The final
ensemble is then selected twice, from the candidates that the race has completed and from all of them, and both are
scored on the test set: a pair. The race of the search also completes one in twenty of the candidates it would stop;
here it stops them all.

A stop is false if the candidate, completed, would have been among the best eight; it matters if the ensemble of all
candidates gives it weight. Regret: test loss with the race less that without, in percent
of the error without (1 - AUC, log loss, RMSE).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from draws import Draw, load_draws

__all__ = ["completed", "measure", "summary"]

TIE = 1e-7  # percent


def completed(losses: np.ndarray, configs: Sequence[Any]) -> np.ndarray:
    """Return after how many folds each candidate was through: all of them, or fewer where the race stopped it.

    Parameters
    ----------
    losses : ndarray of shape (m, k)
        Of the candidates in the order in which they come.
    configs : sequence of Config
    """
    from automl.core import Status, Trial
    from automl.evaluate import FoldOutput
    from automl.search.candidate import Candidate, falls_behind
    from automl.search.schedule import EXEMPT, RACE_DEPTH
    from automl.space import default_catalog

    catalog, n_folds = default_catalog(), losses.shape[1]
    through: list[Candidate] = []
    judged = np.zeros(len(losses), dtype=int)
    for number, (config, row) in enumerate(zip(configs, losses, strict=True)):
        model = catalog.get(config.steps[-1].component)
        candidate = Candidate(Trial(number, config, "portfolio"), model, n_folds, exempt=number < EXEMPT)
        rivals = sorted(through, key=lambda c: (c.loss, c.trial.id))[:RACE_DEPTH]
        rivals = rivals if len(rivals) == RACE_DEPTH else []
        stopped = False
        while candidate.judged < n_folds and not stopped:
            candidate.outputs[candidate.judged] = FoldOutput(Status.OK, {"loss": float(row[candidate.judged])})
            candidate.judged += 1
            stopped = candidate.judged < n_folds and not candidate.exempt and falls_behind(candidate, rivals)
        judged[number] = candidate.judged
        if not stopped:
            through.append(candidate)
    return judged


def measure(draw: Draw) -> dict[str, Any]:
    """Race the candidates of a draw, and compare the ensembles with and without."""
    from automl.core import Config
    from automl.search.schedule import EXEMPT, RACE_DEPTH

    judged = completed(draw.losses, [Config.from_json(config) for config in draw.configs])
    whole = judged == draw.losses.shape[1]
    stopped = np.flatnonzero(~whole)
    all_weights = _weights(draw, np.arange(len(judged)))
    raced_weights = _weights(draw, np.flatnonzero(whole))
    means = draw.losses.mean(axis=1)
    best = np.argsort(means, kind="stable")[:RACE_DEPTH]
    without, raced = (_test_loss(draw, weights) for weights in (all_weights, raced_weights))
    run = np.arange(draw.losses.shape[1]) < judged[:, None]
    return {
        "dataset": draw.dataset,
        "split": draw.split,
        "size": draw.size,
        "seed": draw.seed,
        "candidates": len(judged),
        "raced": max(0, len(judged) - EXEMPT),
        "stopped": len(stopped),
        "false": int(np.isin(stopped, best).sum()),
        "mattering": int((all_weights[stopped] > 0).sum()),
        "fits saved": 1.0 - run.mean(),
        "CPU saved": 1.0 - draw.cpu[run].sum() / draw.cpu.sum(),
        "without": without,
        "regret": draw.percent(raced - without, without),
    }


def _weights(draw: Draw, among: np.ndarray) -> np.ndarray:
    from automl.ensemble import select

    families = [draw.families[i] for i in among]
    choice = select(draw.oof[among], draw.y_train, draw.scorer, families=families, seed=draw.seed)
    weights = np.zeros(len(draw.names))
    weights[among] = choice.weights
    return weights


def _test_loss(draw: Draw, weights: np.ndarray) -> float:
    return float(draw.scorer.losses(draw.y_test, np.tensordot(weights, draw.test, axes=1)[None])[0])


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one line for each size, and one for all."""
    from scipy.stats import binomtest

    found = []
    for size, part in [*rows.groupby("size"), ("all", rows)]:
        regret = part["regret"].to_numpy()
        worse, better = int((regret > TIE).sum()), int((regret < -TIE).sum())
        found.append(
            {
                "size": size,
                "draws": len(part),
                "tables": part["dataset"].nunique(),
                "fits saved": part["fits saved"].median(),
                "CPU saved": part["CPU saved"].median(),
                "stopped": part["stopped"].sum() / max(1, part["raced"].sum()),
                "false": part["false"].sum() / max(1, part["stopped"].sum()),
                "mattering": part["mattering"].sum() / max(1, part["stopped"].sum()),
                "regret % median": np.median(regret),
                "mean": regret.mean(),
                "5 %": np.quantile(regret, 0.05),
                "95 %": np.quantile(regret, 0.95),
                "worse": worse,
                "better": better,
                "sign test p": binomtest(worse, worse + better).pvalue if worse + better else 1.0,
            }
        )
    return pd.DataFrame(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", default=os.path.join(tempfile.gettempdir(), "draws"))
    parser.add_argument("--split", choices=("develop", "meta_only"))
    parser.add_argument("--results", type=Path, help="file for one row a draw (CSV)")
    arguments = parser.parse_args()
    rows = pd.DataFrame([measure(draw) for draw in load_draws(arguments.draws, arguments.split)])
    if rows.empty:
        sys.exit(f"no draws in {arguments.draws}: make them with meta/bench/draws.py, or give --draws")
    if arguments.results is not None:
        rows.to_csv(arguments.results, index=False)
    with pd.option_context("display.width", 250, "display.max_columns", None):
        print(summary(rows).to_string(index=False, float_format=lambda value: f"{value:.3g}"))


if __name__ == "__main__":
    main()
