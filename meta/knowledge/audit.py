"""Does the knowledge help? Every table is treated as new, and what the others say is held against what happened there.

    python -m meta.knowledge.audit                               # on meta/knowledge/base
    python -m meta.knowledge.audit --found ../workshop/run       # on what there is so far
    python -m meta.knowledge.audit --end-to-end --out warm.jsonl # whole fits on develop, warm and cold; resumable
    python -m meta.knowledge.audit --end-to-end --left-out --tables letter --out left.jsonl
                                                                 # on tables of the base, each by a base without it

Regret: loss of the best configuration so far (or of the ensemble so far), 0 for the best known of the table and 1 for
its median, mean over the first 25 trials; in time, mean over the units that these trials take by hand.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np

from automl.core import Array
from automl.data import Task
from automl.metalearn.knowledge import FURTHEST, LEAST_CONFIGURATIONS, SHIPPED
from automl.search.cost import CostModel
from automl.space import default_catalog
from meta.knowledge.greedy import Ensembles
from meta.knowledge.learn import rich
from meta.knowledge.pack import BASE
from meta.knowledge.plan import FIRST_ROWS
from meta.knowledge.results import Results, Table, read_results
from meta.knowledge.strategies import Known, Order, by_hand, defaults_and_random, learnt, learnt_larger, near, updating
from meta.knowledge.surrogates import fit_surrogates, ranks_of, train_rows_of

__all__ = ["STRATEGIES", "compared", "costs", "curve", "regrets"]

TRIALS = 25
LEAST_LARGER = 10  # configurations that ended, of a sample of many rows
PARTS = 5  # of the tables, each predicted by surrogates of the others
STRATEGIES: dict[str, Order] = {
    "defaults + random": defaults_and_random,
    "by hand": by_hand,
    "learnt": learnt,
    "learnt + near": near,
    "learnt, updated": updating,
}
LARGER: dict[str, Order] = {"by hand": by_hand, "learnt": learnt, "learnt larger": learnt_larger}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--found", type=Path, default=BASE, help="a packed base, or the folder of a run")
    parser.add_argument("--end-to-end", action="store_true", help="whole fits, warm against cold")
    parser.add_argument("--out", type=Path, default=Path("warm.jsonl"), help="results of --end-to-end; goes on there")
    parser.add_argument("--base", type=Path, default=SHIPPED, help="knowledge base of --end-to-end")
    parser.add_argument("--left-out", action="store_true", help="whole fits on the tables of --found, not on develop")
    parser.add_argument("--seconds", type=float, nargs="+", default=[30.0, 60.0])
    parser.add_argument("--tables", nargs="*", help="by default all")
    parser.add_argument("--starts", nargs="*", help="of warm, cold and bare; by default all")
    parser.add_argument("--show", action="store_true", help="only print what --out holds")
    given = parser.parse_args()
    if given.end_to_end:
        from meta.knowledge.warm import STARTS, report, run_all

        if not given.show:
            base = read_results(given.found) if given.left_out else given.base
            run_all(given.out, base, tuple(given.seconds), given.tables, given.starts or STARTS)
        print(report(given.out))
        return
    print(audit(read_results(given.found)))


def audit(results: Results) -> str:
    """Return everything that the tables alone can say, as text."""
    lines = []
    measured: dict[str, list[dict[str, float]]] = {}
    for task in map(str, Task):
        known = Known(results, task)
        tables = [table for table in known.tables if len(table.complete) >= LEAST_CONFIGURATIONS]
        lines.append(f"{task}: {len(tables)} tables with {LEAST_CONFIGURATIONS} configurations and more")
        if len(tables) < 3:
            continue
        for table in tables:
            for name, regret in regrets(known, table).items():
                measured.setdefault(name, []).append(regret)
        lines += costs(results, task)
    if not measured:
        return "\n".join([*lines, "too little has been computed to compare anything"])
    return "\n".join([*lines, *_shown(measured), *larger(results)])


def larger(results: Results) -> list[str]:
    """Return what is said of samples of many rows, of which only configurations worth it were tried."""
    measured: dict[str, list[dict[str, float]]] = {}
    count = 0
    for task in map(str, Task):
        known = Known(results, task)
        samples = [t for t in results.of(task) if t.rows > FIRST_ROWS and len(t.complete) >= LEAST_LARGER]
        count += len(samples)
        for table in samples:
            for name, regret in regrets(known, table, LARGER).items():
                measured.setdefault(name, []).append(regret)
    return [f"\n{count} samples of more than {FIRST_ROWS:,} rows", *_shown(measured)] if measured else []


def _shown(measured: Mapping[str, list[dict[str, float]]]) -> list[str]:
    lines = []
    for what in ("single", "ensemble", "single in time", "ensemble in time"):
        lines.append(f"\nregret, {what}")
        of = {name: np.array([regret[what] for regret in found]) for name, found in measured.items()}
        lines += compared(of)
    return lines


def regrets(
    known: Known, table: Table, strategies: Mapping[str, Order] = MappingProxyType(STRATEGIES)
) -> dict[str, dict[str, float]]:
    """Return the regret of each strategy on a table that is left out of what it knows."""
    tried = {name: _tried(strategy(known, table), table) for name, strategy in strategies.items()}
    horizon = sum(table.found[name].units for name in tried["by hand"] or tried["defaults + random"])
    alone = Ensembles([table], known.ensembles.entries)
    return {name: _regret(names, table, alone, horizon) for name, names in tried.items()}


def _tried(names: Iterable[str], table: Table) -> tuple[str, ...]:
    """Return the first trials of an order: what the table refuses is no trial, nor what comes again."""
    found: dict[str, None] = {}
    keys: set[str] = set()
    for name in names:
        if name in table.found and table.found[name].key not in keys:
            keys.add(table.found[name].key)
            found[name] = None
        if len(found) == TRIALS:
            break
    return tuple(found)


def _regret(names: Sequence[str], table: Table, alone: Ensembles, horizon: float) -> dict[str, float]:
    single, units = curve(names, table), np.array([table.found[name].units for name in names])
    joined = np.array([float(alone.losses(tuple(names[: i + 1]))[0]) for i in range(len(names))])
    return {
        "single": _mean_over(single),
        "ensemble": _mean_over(joined),
        "single in time": _mean_in_time(single, units, horizon),
        "ensemble in time": _mean_in_time(joined, units, horizon),
    }


def curve(names: Sequence[str], table: Table) -> Array:
    """Return the scaled loss of the best configuration after each trial, at most 1."""
    losses = np.array([found.loss for found in table.found.values()])
    ended = losses[np.isfinite(losses)]
    low, width = ended.min(), max(float(np.median(ended) - ended.min()), 1e-9)
    own = np.array([table.found[name].loss for name in names])
    return np.asarray(np.minimum(np.minimum.accumulate((own - low) / width), 1.0))


def _mean_over(values: Array) -> float:
    """Mean over the first trials; an order that ends stays where it is."""
    padded = np.concatenate([values, np.full(max(0, TRIALS - len(values)), values[-1] if len(values) else 1.0)])
    return float(padded[:TRIALS].mean())


def _mean_in_time(values: Array, units: Array, horizon: float) -> float:
    """Mean over time up to a horizon; before the first trial has ended it is 1."""
    ends = np.minimum(np.concatenate([[0.0], np.nan_to_num(np.cumsum(units), nan=horizon), [horizon]]), horizon)
    spans = np.diff(ends)
    held = np.concatenate([[1.0], values])
    return float((spans * held[: len(spans)]).sum() / max(horizon, 1e-12))


def compared(regret: Mapping[str, Array]) -> list[str]:
    """Return a line for each strategy: its mean, and how it stands against defaults + random and against by hand."""
    from scipy.stats import wilcoxon

    lines = []
    for name, own in regret.items():
        text = f"  {name:18s} {own.mean():.3f}"
        for rival in ("defaults + random", "by hand", "learnt"):
            if rival == name or rival not in regret or not (difference := regret[rival] - own).any():
                continue
            counted = difference[difference != 0]
            ranks = np.argsort(np.argsort(np.abs(counted))) + 1
            effect = float((np.sign(counted) * ranks).sum() / ranks.sum())  # matched-pairs rank-biserial correlation
            p = float(wilcoxon(difference).pvalue)
            text += f"   lower than {rival} on {(difference > 0).mean():.0%} (p {p:.3f}, effect {effect:+.2f})"
        lines.append(text)
    return lines


def costs(results: Results, task: str) -> list[str]:
    """Return how far predicted seconds, memory and ranks are from what was measured on tables that were left out."""
    tables = [t for t in results.of(task) if len(t.complete) >= LEAST_CONFIGURATIONS]
    errors: dict[str, list[float]] = {"declared": [], "predicted": []}
    memory: list[float] = []
    agreeing: list[float] = []
    for part in range(PARTS):
        held = [t for t in tables if int(hashlib.sha256(t.name.encode()).hexdigest(), 16) % PARTS == part]
        if not held or rich([t for t in tables if t not in held]) == 0:
            continue
        fitted = fit_surrogates(results, task, without=[t.name for t in held])
        for table in held:
            names = table.complete
            configs = [results.configs[table.found[name].key] for name in names]
            seconds = np.log([max(table.found[name].units * results.unit_seconds, 1e-3) for name in names])
            cost = CostModel(default_catalog(), table.facts, train_rows_of(table))
            declared = np.log([cost.nominal(config) for config in configs])
            factor = np.clip(fitted.predict("slower", configs, table), -FURTHEST, FURTHEST)
            errors["declared"] += list(np.abs(seconds - declared))
            errors["predicted"] += list(np.abs(seconds - declared - factor))
            held_mb = np.log([max(table.found[name].mb, 1.0) for name in names])
            memory += list(np.abs(held_mb - fitted.predict("memory", configs, table)))
            ranks = ranks_of(table)
            agreeing.append(_spearman(fitted.predict("rank", configs, table), np.array([ranks[n] for n in names])))
    if not agreeing:
        return []
    medians = ", ".join(f"{name} {np.median(values):.2f}" for name, values in errors.items())
    return [
        f"  seconds of a fit, median |log error|: {medians}",
        f"  memory of a worker, median |log error|: predicted {np.median(memory):.2f}",
        f"  rank, median correlation with the measured one: {np.median(agreeing):.2f}",
    ]


def _spearman(one: Array, other: Array) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(one, other).statistic) if len(one) > 2 and np.ptp(one) > 0 else 0.0


if __name__ == "__main__":
    main()
