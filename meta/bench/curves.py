"""What the runs of ``optimizers.py`` say: curves of the best so far, mean ranks, critical differences, figures.

**Curves.** The best loss so far is a step function: it holds until something better is known (it is not interpolated).
Time is evaluations, where a part of one counts as its share, or the virtual seconds of the tasks. Before its first
whole evaluation an optimizer has nothing, and ranks last.

**Ranks.** On each task the optimizers are ranked seed by seed (ties share a rank), and the ranks averaged over the
seeds; ranked again, these are the blocks of a Friedman test, one block for each task. Two optimizers differ
significantly where the test rejects at 5 % and their mean ranks differ by more than Nemenyi's critical difference
q * sqrt(k * (k + 1) / (6 * N)) (Demsar, Statistical comparisons of classifiers over multiple data sets, JMLR 2006).

**Copies.** Does this find differences where there are none? Two seeds of one optimizer stand as two optimizers among
the others (these with their median over seeds), for 200 pairs of seeds; at most 5 % may differ significantly.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = [
    "best_group",
    "copies",
    "critical_difference",
    "friedman",
    "incumbent",
    "mean_ranks",
    "needed",
    "report",
    "summary",
]

LEVEL = 0.05
PAIRS = 200
POINTS = 100


def incumbent(at: Sequence[float], losses: Sequence[float], points: np.ndarray, whole: Sequence[bool]) -> np.ndarray:
    """Return the least loss among the whole evaluations that ended at each point or before; infinity before the first.

    Examples
    --------
    >>> import numpy as np
    >>> incumbent([1.0, 2.0, 3.0], [5.0, 7.0, 4.0], np.array([0.5, 1.0, 2.9, 3.0]), [True] * 3).tolist()
    [inf, 5.0, 5.0, 4.0]
    """
    best = np.minimum.accumulate(np.where(whole, losses, np.inf))
    last = np.searchsorted(at, np.asarray(points) + 1e-9, side="right") - 1
    return np.where(last >= 0, best[np.maximum(last, 0)], np.inf)


@cache
def critical_difference(k: int, n: int, level: float = LEVEL) -> float:
    """Return how much the mean ranks of two among k optimizers must differ on n tasks.

    Examples
    --------
    >>> round(critical_difference(4, 30), 3)
    0.856
    """
    from scipy.stats import studentized_range

    quantile = studentized_range.ppf(1 - level, k, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(k * (k + 1) / (6 * n)))


def friedman(values: np.ndarray) -> tuple[float, float]:
    """Return the Friedman statistic with correction for ties, and its p, for values of shape (tasks, optimizers)."""
    from scipy.stats import chi2, rankdata

    n, k = values.shape
    ranks = rankdata(values, axis=1)
    spread = float(((ranks - (k + 1) / 2) ** 2).sum())
    if spread == 0:
        return 0.0, 1.0
    statistic = n**2 * (k - 1) * float(((ranks.mean(axis=0) - (k + 1) / 2) ** 2).sum()) / spread
    return statistic, float(chi2.sf(statistic, k - 1))


def mean_ranks(losses: np.ndarray) -> np.ndarray:
    """Return the rank of every optimizer on every task, averaged over seeds.

    Parameters
    ----------
    losses : ndarray of shape (tasks, seeds, optimizers)
        NaN where there is no such run; a seed with one of them does not count.
    """
    from scipy.stats import rankdata

    found = np.full((losses.shape[0], losses.shape[2]), np.nan)
    for task, values in enumerate(losses):
        there = values[~np.isnan(values).any(axis=1)]
        if len(there):
            found[task] = rankdata(there, axis=1).mean(axis=0)
    return found


def best_group(by_task: np.ndarray) -> tuple[np.ndarray, float, float, np.ndarray]:
    """Return mean ranks, p of Friedman, the critical difference, and who is not told from the best.

    Parameters
    ----------
    by_task : ndarray of shape (tasks, optimizers)
        Ranks, or losses, less is better.
    """
    from scipy.stats import rankdata

    n, k = by_task.shape
    ranks = rankdata(by_task, axis=1).mean(axis=0)
    p = friedman(by_task)[1]
    width = critical_difference(k, n)
    return ranks, p, width, (ranks - ranks.min() <= width) | (p > LEVEL)


# ---- from runs


def _ends(runs: pd.DataFrame, column: str) -> list[np.ndarray]:
    return [np.cumsum(values) for values in runs[column]]


def curves(runs: pd.DataFrame, points: np.ndarray, column: str = "shares") -> np.ndarray:
    """Return the best loss so far of every run at every point, shape (runs, points)."""
    rows = zip(_ends(runs, column), runs["losses"], runs["shares"], strict=True)
    return np.array([incumbent(at, losses, points, np.isclose(shares, 1.0)) for at, losses, shares in rows])


def cube(runs: pd.DataFrame, values: np.ndarray) -> tuple[np.ndarray, list[str], list[str]]:
    """Return values as an array of (tasks, seeds, optimizers), with the names of tasks and optimizers."""
    tasks, names = sorted(set(runs["task"])), sorted(set(runs["optimizer"]))
    seeds = sorted(set(runs["seed"]))
    found = np.full((len(tasks), len(seeds), len(names)), np.nan)
    for task, seed, name, value in zip(runs["task"], runs["seed"], runs["optimizer"], values, strict=True):
        found[tasks.index(task), seeds.index(seed), names.index(name)] = value
    return found, tasks, names


def needed(runs: pd.DataFrame, baseline: str = "random") -> pd.Series:
    """Return for every run which share of its trials it took to the median final loss of the baseline; or infinity."""
    whole = float(runs["trials"].iloc[0])
    final = pd.Series(curves(runs, np.array([whole]))[:, 0], index=runs.index)
    is_base = runs["optimizer"] == baseline
    target = runs["task"].map(final[is_base].groupby(runs.loc[is_base, "task"]).median())
    found = []
    for at, losses, shares, wanted in zip(_ends(runs, "shares"), runs["losses"], runs["shares"], target, strict=True):
        good = np.isclose(shares, 1.0) & (np.array(losses) <= wanted)
        found.append(at[good.argmax()] / whole if good.any() else np.inf)
    return pd.Series(found, index=runs.index)


def summary(runs: pd.DataFrame, baseline: str = "random") -> pd.DataFrame:
    """Return one line for each optimizer, the best mean rank first."""
    whole = float(runs["trials"].iloc[0])
    halves = {"rank": whole, "rank at a half": whole / 2, "rank at a quarter": whole / 4}
    finals = {name: curves(runs, np.array([point]))[:, 0] for name, point in halves.items()}
    ranks = {}
    for name, values in finals.items():
        losses, _, names = cube(runs, values)
        by_task = mean_ranks(losses)
        by_task = by_task[~np.isnan(by_task).any(axis=1)]
        if not len(by_task):
            raise SystemExit("on no task do all these optimizers have a seed in common: leave some out (--optimizers)")
        ranks[name] = best_group(by_task)[0]
        if name == "rank":
            _, p, width, best = best_group(by_task)
            seed_ranks, n = by_task.mean(axis=0), len(by_task)
    table = pd.DataFrame({**ranks, "mean over seeds": seed_ranks, "in the best group": best}, index=names)
    regret = finals["rank"] - runs["optimum"]
    table["median regret"] = regret.groupby(runs["optimizer"]).median()
    share = needed(runs, baseline) if baseline in names else pd.Series(np.nan, index=runs.index)
    table[f"trials to {baseline}'s end"] = share.groupby(runs["optimizer"]).median()
    proposing = 1000 * runs["proposing"] / runs["losses"].map(len)
    table["ms a proposal"] = proposing.groupby(runs["optimizer"]).median()
    table.attrs = {"p": p, "critical difference": width, "tasks": n}
    return table.sort_values("rank")


def over_time(runs: pd.DataFrame, *, baseline: str = "random") -> pd.DataFrame:
    """Return the mean rank of each optimizer (columns) at shares of the baseline's median virtual seconds."""
    total = runs["seconds"].map(sum)
    is_base = runs["optimizer"] == baseline
    ends = total[is_base].groupby(runs.loc[is_base, "task"]).median()
    shares = (0.1, 0.25, 0.5, 1.0)
    found = {}
    for share in shares:
        values = [
            curves(runs.iloc[[row]], np.array([share * ends[task]]), "seconds")[0, 0]
            for row, task in enumerate(runs["task"])
        ]
        losses, _, names = cube(runs, np.array(values))
        found[f"{share:.0%} of the seconds"] = np.nanmean(mean_ranks(losses), axis=0)
    return pd.DataFrame(found, index=names).T


def copies(losses: np.ndarray, rng: np.random.Generator, pairs: int = PAIRS) -> float:
    """Return how often two seeds of one optimizer differ significantly; ``losses`` as in :func:`mean_ranks`.

    Only seeds that were run on all tasks count; NaN where there are no two of them.
    """
    there = ~np.isnan(losses).any(axis=0)
    typical = np.nanmedian(losses, axis=1)
    possible = [(k, *pair) for k in range(losses.shape[2]) for pair in combinations(np.flatnonzero(there[:, k]), 2)]
    if not possible:
        return float("nan")
    chosen = rng.permutation(len(possible))[:pairs]
    told = 0
    for optimizer, first, second in (possible[i] for i in chosen):
        others = np.delete(typical, optimizer, axis=1)
        values = np.column_stack([losses[:, first, optimizer], losses[:, second, optimizer], others])
        ranks, p, width, _ = best_group(values)
        told += bool(p <= LEVEL and abs(ranks[0] - ranks[1]) > width)
    return told / len(chosen)


def report(runs: pd.DataFrame, figures: Path | None = None) -> None:
    """Print what the runs say, for each kind of task and for all of them."""
    for kind in [*dict.fromkeys(runs["kind"]), *(["all"] if runs["kind"].nunique() > 1 else [])]:
        part = (runs if kind == "all" else runs[runs["kind"] == kind]).reset_index(drop=True)
        table = summary(part)
        about = table.attrs
        print(
            f"\n{kind}: {about['tasks']} tasks, {part['seed'].nunique()} seeds, Friedman p {about['p']:.2g}, "
            f"critical difference {about['critical difference']:.2f}"
        )
        print(table.round(3).to_string())
        losses, tasks, names = cube(part, curves(part, np.array([float(part["trials"].iloc[0])]))[:, 0])
        print(pd.DataFrame(mean_ranks(losses), tasks, names).round(2)[list(table.index)].to_string())
        print(over_time(part)[list(table.index)].round(2).to_string())
        share = copies(losses, np.random.default_rng(0))
        print(f"two seeds of one optimizer differ in {share:.1%} of the pairs")
        if figures is not None:
            draw(part, table, figures, str(kind))


# ---- figures


def draw(runs: pd.DataFrame, table: pd.DataFrame, folder: Path, kind: str) -> None:
    """Write two figures: mean ranks over trials, and the critical difference diagram."""
    import matplotlib

    matplotlib.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    name = kind.replace(" ", "_")
    for figure, what in ((_rank_curves(runs, table), "ranks"), (_diagram(table, kind), "differences")):
        figure.savefig(folder / f"{name}_{what}.svg", bbox_inches="tight")


def _rank_curves(runs: pd.DataFrame, table: pd.DataFrame) -> Any:
    from matplotlib.figure import Figure

    whole = float(runs["trials"].iloc[0])
    points = np.linspace(whole / POINTS, whole, POINTS)
    held = curves(runs, points)
    ranks = np.array([np.nanmean(mean_ranks(cube(runs, held[:, i])[0]), axis=0) for i in range(POINTS)])
    names = sorted(set(runs["optimizer"]))
    figure = Figure(figsize=(6.4, 4.0))
    axes = figure.subplots()
    for name in table.index:
        axes.step(points, ranks[:, names.index(name)], where="post", label=name)
    axes.set(xlabel="evaluations", ylabel="mean rank", xlim=(0, whole))
    axes.invert_yaxis()
    axes.legend(fontsize=8)
    return figure


def _diagram(table: pd.DataFrame, kind: str) -> Any:
    """Mean ranks on a line; bars join those that are not told apart (Demsar 2006)."""
    from matplotlib.figure import Figure

    ranks, width = table["rank"], table.attrs["critical difference"]
    figure = Figure(figsize=(6.4, 0.6 + 0.3 * len(table)))
    axes = figure.subplots()
    for place, (name, rank) in enumerate(ranks.items()):
        axes.plot([rank, rank], [0, -1 - place], color="black", linewidth=0.8)
        axes.text(rank, -1 - place, f" {name} ({rank:.2f})", va="center", fontsize=8)
    drawn = -np.inf
    for place, rank in enumerate(ranks):
        last = ranks[ranks <= rank + width].max()
        if last > max(rank, drawn):
            axes.plot([rank, last], [0.3 + 0.15 * place] * 2, color="tab:red", linewidth=3)
            drawn = last
    told = "" if table.attrs["p"] <= LEVEL else ", not significant"
    axes.set_title(f"{kind}: critical difference {width:.2f}, {table.attrs['tasks']} tasks{told}", fontsize=9)
    axes.set_xlim(1 - 0.2, len(table) + 0.8)
    axes.get_yaxis().set_visible(False)
    for side in ("left", "right", "bottom"):
        axes.spines[side].set_visible(False)
    axes.xaxis.tick_top()
    return figure
