"""What decisions are worth: temperature, thresholds and class multipliers, found on out-of-fold predictions.

    python meta/bench/decisions.py --draws /tmp/draws                     # imbalanced tables, as a Markdown table
    python meta/bench/decisions.py --draws /tmp/draws --split develop --all

Reads the draws that ``meta/bench/draws.py`` stores. The error on the test rows is 1 - score for metrics of labels, and
the log loss. *Error* is that of the ensemble selected by the metric, with default labels and probabilities; the
relative reductions are those of

- *after*: the same ensemble with what :func:`automl.ensemble.decide` found on its out-of-fold predictions,
- *guarded*: what a fit does: an ensemble selected with the decision in view (:func:`select_decided`), then decided,
- *unguarded*: the latter with the decision whatever the guard said.

A table counts as imbalanced if the smaller of two classes has at most a quarter of the rows, or the smallest of K
classes less than half of 1/K. Errors and reductions are medians over tables of the mean over their draws. *Used*: share
of the draws where the guard accepted; *better / same / worse*: draws on which *guarded* beats the default. The last
columns are, where it was used, the mean gain expected (cross-fitted) and that on the test rows, against the same
ensemble without it.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from draws import Draw, load_draws

from automl.ensemble import apply_decision, decide, select, select_decided
from automl.metrics import get_metric

METRICS = {
    "binary": ("balanced_accuracy", "f1", "matthews_corrcoef", "log_loss"),
    "multiclass": ("balanced_accuracy", "f1_macro", "matthews_corrcoef", "log_loss"),
}
TITLES = {"f1_macro": "f1"}  # in one row of the table: F1 of two classes, macro F1 of several


@dataclass(frozen=True)
class Result:
    """Errors on the test rows of one draw under one metric."""

    dataset: str
    task: str
    metric: str
    size: int
    default: float
    after: float
    undecided: float
    guarded: float
    unguarded: float
    accepted: bool
    expected: float


def imbalanced(draw: Draw) -> bool:
    shares = np.bincount(draw.y_train) / len(draw.y_train)
    return bool(shares.min() <= 0.25 if len(shares) == 2 else shares.min() < 0.5 / len(shares))


def judged(draw: Draw) -> Iterator[Result]:
    """Yield the result of each metric."""
    for name in METRICS[draw.task]:
        metric = get_metric(name, task=draw.task)
        options = {"families": draw.families, "seed": draw.seed}
        by_metric = select(draw.oof, draw.y_train, metric, **options).weights
        in_view = select_decided(draw.oof, draw.y_train, metric, **options).weights
        held_out, test = _mixed(draw, by_metric)
        plain, default = decide(draw.y_train, held_out, metric, seed=draw.seed)[0], test
        after = apply_decision(test, plain)
        held_out, test = _mixed(draw, in_view)
        decision = decide(draw.y_train, held_out, metric, seed=draw.seed)[0]
        forced = replace(decision, accepted=bool(decision.value))
        stack = np.stack([default, after, test, apply_decision(test, decision), apply_decision(test, forced)])
        errors = metric.losses(draw.y_test, stack) + (1.0 if metric.sign > 0 else 0.0)
        yield Result(
            draw.dataset,
            draw.task,
            TITLES.get(name, name),
            draw.size,
            *(float(error) for error in errors),
            decision.accepted,
            decision.gain,
        )


def _mixed(draw: Draw, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.tensordot(weights, stack.astype(np.float64), axes=1) for stack in (draw.oof, draw.test))


def rows(results: Iterable[Result]) -> Iterator[str]:
    """Yield the lines of the table."""
    yield (
        "| metric | training rows | tables | draws | error | after | guarded | unguarded | used "
        "| better / same / worse | expected gain | gain |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|"
    groups: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        groups[result.metric, f"{result.size:,}"].append(result)
        groups[result.metric, "all"].append(result)
    for metric in METRICS["binary"]:
        sizes = sorted(
            (size for name, size in groups if name == metric), key=lambda size: (size == "all", len(size), size)
        )
        for size in sizes:
            yield _row(metric, size, groups[metric, size])


def _row(metric: str, size: str, found: list[Result]) -> str:
    tables = sorted({result.dataset for result in found})

    def by_table(which: str) -> float:
        """Median over tables of the mean relative reduction."""
        means = [
            np.mean([1.0 - getattr(r, which) / r.default for r in found if r.dataset == table and r.default > 0] or [0])
            for table in tables
        ]
        return float(np.median(means))

    error = np.median([np.mean([r.default for r in found if r.dataset == table]) for table in tables])
    better = sum(r.guarded < r.default - 1e-12 for r in found)
    worse = sum(r.guarded > r.default + 1e-12 for r in found)
    used = [r for r in found if r.accepted]
    expected = np.mean([r.expected for r in used]) if used else float("nan")
    gain = np.mean([r.undecided - r.guarded for r in used]) if used else float("nan")
    return (
        f"| {metric} | {size} | {len(tables)} | {len(found)} | {error:.3f} "
        f"| {by_table('after'):+.1%} | {by_table('guarded'):+.1%} "
        f"| {by_table('unguarded'):+.1%} | {len(used) / len(found):.0%} "
        f"| {better} / {len(found) - better - worse} / {worse} | {expected:+.4f} | {gain:+.4f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", default="/tmp/draws")
    parser.add_argument("--split", choices=("develop", "meta_only"))
    parser.add_argument("--size", type=int)
    parser.add_argument("--all", action="store_true", help="also tables that are not imbalanced")
    options = parser.parse_args()
    drawn = load_draws(options.draws, split=options.split, size=options.size)
    chosen = [draw for draw in drawn if draw.task != "regression" and (options.all or imbalanced(draw))]
    results = [result for draw in chosen for result in judged(draw)]
    for line in rows(results):
        print(line)
    for task in METRICS:
        tables = sorted({result.dataset for result in results if result.task == task})
        print(f"\n{task}: {len(tables)} tables: {', '.join(tables)}")


if __name__ == "__main__":
    main()
