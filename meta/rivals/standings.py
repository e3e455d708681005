"""What a file of results says: who is ahead, by how much, how surely, and at what cost."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = [
    "Cell",
    "Standings",
    "mean_ranks",
    "read_results",
    "curve",
    "scaled_scores",
    "shown",
    "sign_test",
    "standings",
    "wins_ties_losses",
]

Key = tuple[str, int, int]  # dataset, fold, seed
_NOTHING = frozenset({"constant"})  # shown, but it takes no part in ranks
_SAME = 1e-12
_GREATER = frozenset({"roc_auc", "accuracy", "balanced_accuracy"})


@dataclass(frozen=True)
class Cell:
    """Results of one system on one dataset."""

    values: Mapping[Key, float]
    failed: int
    runs: int

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values.values()) if self.values else math.nan


@dataclass(frozen=True)
class Standings:
    """Who is where, under one budget and number of cores.

    Parameters
    ----------
    systems, datasets : tuple of str
        Datasets with their metrics, by task.
    cells : mapping of (dataset, system) to Cell
    scores : mapping of dataset to system to float
        Means over the folds that everybody ran, greater is better; a failed fold counts as the worst of it.
    rows : tuple of results
    """

    systems: tuple[str, ...]
    datasets: tuple[tuple[str, str], ...]
    cells: Mapping[tuple[str, str], Cell]
    scores: Mapping[str, Mapping[str, float]]
    rows: tuple[Mapping[str, Any], ...]

    def values(self, system: str, name: str) -> list[float]:
        """Return what the runs of a system that succeeded say under a name."""
        own = [row for row in self.rows if row["peer"] == system and row["status"] == "ok"]
        return [float(row[name]) for row in own if row.get(name) is not None]


def read_results(paths: Iterable[str | Path]) -> list[dict[str, Any]]:
    """Return the last result of every run; stored results of others may be among the files.

    Raises
    ------
    ValueError
        If two systems were scored on different rows under the name of the same fold.
    """
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    folds: dict[tuple[Any, ...], set[str]] = {}
    for path in paths:
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found[tuple(row[k] for k in ("dataset_name", "peer", "budget", "fold", "seed", "cores"))] = row
    for row in found.values():
        if row.get("fold_hash"):
            folds.setdefault((row["dataset_name"], row["fold"], row["seed"]), set()).add(row["fold_hash"])
    wrong = [key for key, hashes in folds.items() if len(hashes) > 1]
    if wrong:
        raise ValueError(f"systems were scored on different rows of {wrong[:3]}: results that cannot be compared")
    return list(found.values())


def standings(rows: Sequence[Mapping[str, Any]]) -> Standings:
    """Return the standings of results of one budget and one number of cores."""
    systems = tuple(dict.fromkeys(str(row["peer"]) for row in rows))
    tasks = {str(row["dataset_name"]): str(row["task"]) for row in rows}
    metric = {str(row["dataset_name"]): str(row["metric_name"]) for row in rows if row.get("metric_name")}
    datasets = tuple((name, metric.get(name, "")) for name in sorted(tasks, key=lambda name: (tasks[name], name)))
    cells: dict[tuple[str, str], Cell] = {}
    scores: dict[str, dict[str, float]] = {}
    for name, measure in datasets:
        own: dict[str, dict[Key, Mapping[str, Any]]] = {}
        for row in rows:
            if row["dataset_name"] == name:
                own.setdefault(str(row["peer"]), {})[name, int(row["fold"]), int(row["seed"])] = row
        for system, runs in own.items():
            values = {key: float(row["metric"]) for key, row in runs.items() if row["status"] == "ok"}
            cells[name, system] = Cell(values, len(runs) - len(values), len(runs))
        scores[name] = _scores(own, {s: cells[name, s] for s in own}, 1.0 if measure in _GREATER else -1.0)
    return Standings(systems, datasets, cells, scores, tuple(rows))


def _scores(runs: Mapping[str, Mapping[Key, Any]], cells: Mapping[str, Cell], sign: float) -> dict[str, float]:
    """Return the mean score of each system that ran every fold of a dataset."""
    keys = {key for own in runs.values() for key in own}
    worst = {}
    for key in keys:
        there = [sign * cell.values[key] for name, cell in cells.items() if key in cell.values and name not in _NOTHING]
        worst[key] = min(there, default=math.nan)
    return {
        system: statistics.fmean(sign * cell.values[key] if key in cell.values else worst[key] for key in keys)
        for system, cell in cells.items()
        if system not in _NOTHING and set(runs[system]) == keys and not any(math.isnan(worst[key]) for key in keys)
    }


def mean_ranks(found: Standings) -> dict[str, float]:
    """Return the mean rank of each system over the datasets that it ran, 1 the best; equal ones share theirs."""
    ranks: dict[str, list[float]] = {}
    for scores in found.scores.values():
        for system, score in scores.items():
            better = sum(other > score + _SAME for other in scores.values())
            same = sum(abs(other - score) <= _SAME for other in scores.values())
            ranks.setdefault(system, []).append(better + (same + 1) / 2)
    return {system: statistics.fmean(values) for system, values in ranks.items()}


def scaled_scores(found: Standings) -> dict[str, float]:
    """Return the mean over datasets of scores scaled so that the worst system has 0 and the best has 1."""
    scaled: dict[str, list[float]] = {}
    for scores in found.scores.values():
        low, high = min(scores.values(), default=0.0), max(scores.values(), default=0.0)
        for system, score in scores.items():
            scaled.setdefault(system, []).append((score - low) / (high - low) if high > low else 1.0)
    return {system: statistics.fmean(values) for system, values in scaled.items()}


def wins_ties_losses(found: Standings, system: str, other: str) -> tuple[int, int, int]:
    """Return on how many datasets a system is ahead of another, equal to it, and behind it."""
    both = [scores for scores in found.scores.values() if system in scores and other in scores]
    gaps = [scores[system] - scores[other] for scores in both]
    wins, losses = sum(gap > _SAME for gap in gaps), sum(gap < -_SAME for gap in gaps)
    return wins, len(gaps) - wins - losses, losses


def sign_test(wins: int, losses: int) -> float:
    """Return the two-sided p-value of so many wins and losses if both were equally likely; ties do not count.

    Examples
    --------
    >>> sign_test(9, 1), sign_test(5, 5)
    (0.021484375, 1.0)
    """
    n = wins + losses
    tail = sum(math.comb(n, k) for k in range(max(wins, losses), n + 1)) / 2**n
    return min(1.0, 2 * tail)


# ---- as text


def shown(found: Standings, ours: str, *, markdown: bool = False) -> str:
    """Return the standings as a table: datasets, then what they come to."""
    rows = [
        [f"{name} [{metric}]", *(_cell(found, name, s, metric) for s in found.systems)]
        for name, metric in found.datasets
    ]
    rows += _summary(found, ours)
    return _table(["", *found.systems], rows, markdown=markdown)


def _cell(found: Standings, dataset: str, system: str, metric: str) -> str:
    cell = found.cells.get((dataset, system))
    if cell is None:
        return ""
    value = "-" if math.isnan(cell.mean) else f"{cell.mean:.5g}" if metric == "rmse" else f"{cell.mean:.4f}"
    return value + (f" ({cell.failed} failed)" if cell.failed else "")


def _summary(found: Standings, ours: str) -> list[list[str]]:
    ranks, scaled = mean_ranks(found), scaled_scores(found)
    against = {s: wins_ties_losses(found, ours, s) for s in found.systems if s != ours and s in ranks}

    def line(name: str, value: Callable[[str], str]) -> list[str]:
        return [name, *(value(system) for system in found.systems)]

    def of_runs(name: str, key: str, join: Callable[[list[float]], float], digits: str) -> list[str]:
        return line(name, lambda s: format(join(values), digits) if (values := found.values(s, key)) else "")

    lines = [
        line("mean rank", lambda s: f"{ranks[s]:.2f}" if s in ranks else ""),
        line("scaled score", lambda s: f"{scaled[s]:.3f}" if s in scaled else ""),
        line(f"{ours} wins/ties/losses", lambda s: "/".join(map(str, against[s])) if s in against else ""),
        line("sign test p", lambda s: f"{sign_test(against[s][0], against[s][2]):.3f}" if s in against else ""),
        line("failures", lambda s: _failures(found, s)),
        of_runs("fit / budget, most", "overshoot", max, ".2f"),
        of_runs("predict rows/s, median", "predict_rows_per_s", statistics.median, ",.0f"),
        of_runs("peak memory MB, most", "peak_rss_mb", max, ",.0f"),
        of_runs("artifact MB, median", "artifact_mb", statistics.median, ",.1f"),
    ]
    return [one for one in lines if any(one[1:])]  # stored results may lack a measurement


def _failures(found: Standings, system: str) -> str:
    own = [cell for (_, name), cell in found.cells.items() if name == system]
    return f"{sum(cell.failed for cell in own)} of {sum(cell.runs for cell in own)}"


def curve(rows: Sequence[Mapping[str, Any]], system: str, *, markdown: bool = False) -> str:
    """Return the score of a system on each dataset by budget: what is delivered when the time is up."""
    own = [row for row in rows if row["peer"] == system and row["status"] == "ok"]
    budgets = sorted({float(row["budget"]) for row in own})
    table = []
    for name, metric in standings(own).datasets:
        values = [[float(r["metric"]) for r in own if r["dataset_name"] == name and r["budget"] == b] for b in budgets]
        table.append([f"{name} [{metric}]", *(f"{statistics.fmean(v):.5g}" if v else "" for v in values)])
    return _table([system, *(f"{budget:g} s" for budget in budgets)], table, markdown=markdown)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, markdown: bool) -> str:
    widths = [max(len(line[i]) for line in (head, *rows)) for i in range(len(head))]
    padded = [
        [cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))]
        for line in (head, *rows)
    ]
    if not markdown:
        return "\n".join("  ".join(line).rstrip() for line in padded)
    rule = "|".join(["", "-" * (widths[0] + 2), *("-" * (w + 1) + ":" for w in widths[1:]), ""])
    first, *others = ["| " + " | ".join(line) + " |" for line in padded]
    return "\n".join([first, rule, *others])
