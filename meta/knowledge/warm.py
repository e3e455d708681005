"""Whole fits with and without the knowledge base, on tables that it does not hold; resumable.

A cell is a table, a time and a start: ``warm`` as automl comes, ``cold`` without the base (the portfolio ordered by
hand), ``bare`` without either (the defaults of every model, those declared cheap first, then random search). What is
compared: the score on a test set, the seconds after which the warm fit's ensemble was as good, out of fold, as the
other's at its end, and the share of jobs that were killed for their time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from automl.metalearn import KnowledgeBase
from automl.optimize import Optimizer
from automl.space import Space
from meta.knowledge.learn import learn
from meta.knowledge.results import Results
from meta.knowledge.tables import Source, checksum, sources

__all__ = ["STARTS", "CompromisedError", "check_apart", "learnt_without", "report", "run_all"]

TEST_SHARE = 0.25
MOST_ROWS = 20_000  # for training
STARTS = ("warm", "cold", "bare")


class CompromisedError(Exception):
    """A table that is measured on is in the base: its result would say nothing."""


def check_apart(base: KnowledgeBase, measured: Mapping[str, str]) -> None:
    """Refuse to measure on tables that the base was made from.

    Parameters
    ----------
    measured : mapping of name to checksum

    Raises
    ------
    CompromisedError
    """
    known = {table["checksum"]: table["name"] for table in base.manifest["tables"]}
    inside = [f"{name} (there {known[found]})" for name, found in measured.items() if found in known]
    if inside:
        raise CompromisedError(f"in the base {base.checksum}: {', '.join(inside)}; learn it without them")


def run_all(
    out: Path,
    base: Path | Results,
    seconds: Sequence[float],
    names: Sequence[str] | None = None,
    starts: Sequence[str] = STARTS,
) -> None:
    """Do every cell that ``out`` does not hold yet, the starts of a table one after the other.

    Parameters
    ----------
    base : path or Results
        A knowledge base, to measure on tables of ``develop``. Or what the workshop found, to measure on its own tables,
        each with a base that is learnt without it (every order in use), kept beside ``out``.
    """
    part = "develop" if isinstance(base, Path) else "meta_only"
    wanted = [s for s in sources(part=part) if names is None or s.name in names]
    if isinstance(base, Path):
        check_apart(KnowledgeBase.load(base), {source.name: checksum(source) for source in wanted})
    done = {(r["table"], r["seconds"], r["start"], r["base"]) for r in _records(out)}
    for budget in seconds:
        for source in wanted:
            known = KnowledgeBase.load(base if isinstance(base, Path) else learnt_without(source, base, out))
            for start in starts:
                if (source.name, budget, start, known.checksum) in done:
                    continue
                record = cell(source, budget, start, known)
                with out.open("a") as file:
                    file.write(json.dumps({**record, "start": start, "base": known.checksum}) + "\n")


def learnt_without(source: Source, results: Results, out: Path) -> Path:
    """Return the folder of a knowledge base that has not seen a table: learnt on the first call, beside ``out``."""
    seen = sorted((table.name, table.rows, len(table.found)) for table in results.tables)
    digest = hashlib.sha256(repr((seen, results.newest)).encode()).hexdigest()[:8]
    folder = out.with_suffix(".bases") / f"{source.name}-{digest}"
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        learn(replace(results, tables=tuple(table for table in results.tables if table.name != source.name)), folder)
    check_apart(KnowledgeBase.load(folder), {source.name: checksum(source)})
    return folder


def defaults_then_random(space: Space, seed: int) -> Optimizer:
    """Return the optimizer of ``bare``."""
    from automl.optimize import Chain, Portfolio, RandomSearch

    facts = space.facts
    models = sorted(space.models, key=lambda m: m.cost.estimate(rows=facts.n_rows, columns=facts.n_columns))
    return Chain([Portfolio([space.default(model.name) for model in models]), RandomSearch(space, seed)])


def cell(source: Source, seconds: float, start: str, base: KnowledgeBase) -> dict[str, Any]:
    """Fit once with one worker; return how good it was, and when."""
    from automl import AutoClassifier, AutoRegressor

    X, y, groups = source.read()
    test, train = _parts(len(y), groups)
    kind = AutoRegressor if source.task == "regression" else AutoClassifier
    knowledge: Any = base if start == "warm" else False
    optimizer: Any = defaults_then_random if start == "bare" else "auto"
    model = kind(seconds, knowledge=knowledge, optimizer=optimizer, n_jobs=1, random_state=0, verbose=0)
    given = {} if groups is None else {"groups": groups.iloc[train].reset_index(drop=True)}
    model.fit(X.iloc[train].reset_index(drop=True), y.iloc[train].reset_index(drop=True), **given)
    outcome = model.outcome_
    events = [event for _, event in model._journal.read()]
    curve = [
        (e.seconds, float(e.data["loss"])) for e in events if e.kind == "ensemble" and e.data.get("loss") is not None
    ]
    jobs = [e.data["status"] for e in events if e.kind == "fold"]
    return {
        "table": source.name,
        "seconds": seconds,
        "task": source.task,
        "metric": outcome.plan.metric,
        "test": float(model.score(X.iloc[test], y.iloc[test])),
        "curve": curve,
        "trials": {str(status): count for status, count in outcome.trials.items()},
        "killed": sum(status == "timeout" for status in jobs) / max(len(jobs), 1),
        "took": outcome.seconds,
        "knowledge": outcome.plan.knowledge,
    }


def _parts(n: int, groups: Any) -> tuple[Any, Any]:
    """Return test and training rows; rows of a group stay together."""
    rng = np.random.default_rng(0)
    if groups is None:
        order = rng.permutation(n)
        cut = round(TEST_SHARE * n)
        return order[:cut], order[cut:][:MOST_ROWS]
    codes = pd.factorize(groups)[0]
    drawn = rng.random(codes.max() + 1) < TEST_SHARE
    return np.flatnonzero(drawn[codes]), np.flatnonzero(~drawn[codes])[:MOST_ROWS]


def _records(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def report(out: Path) -> str:
    """Return what the cells in a file say: for each time, warm against the other starts."""
    found = {(r["table"], r["seconds"], r["start"], r["base"]): r for r in _records(out)}
    lines = []
    for seconds in sorted({key[1] for key in found}):
        for other in STARTS[1:]:
            pairs = [
                (record, found[table, seconds, other, base])
                for (table, own, start, base), record in sorted(found.items(), key=lambda item: str(item[0]))
                if own == seconds and start == "warm" and (table, seconds, other, base) in found
            ]
            if pairs:
                lines.append(f"{seconds:g} s, {len(pairs)} tables, against {other}: {_compared(pairs, other)}")
    return "\n".join(lines) or f"{out} holds no pair of a warm and another fit yet"


def _compared(pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], other: str) -> str:
    from scipy.stats import wilcoxon

    gains = np.array([warm["test"] - rival["test"] for warm, rival in pairs])
    p = float(wilcoxon(gains).pvalue) if gains.any() else 1.0
    ratios = [ratio for warm, rival in pairs if (ratio := seconds_to_match(warm, rival)) is not None]
    killed = [float(np.mean([pair[i]["killed"] for pair in pairs])) for i in (0, 1)]
    median = f"{np.median(ratios):.2f}" if ratios else "none"
    return (
        f"test score higher on {int((gains > 0).sum())}, lower on {int((gains < 0).sum())} (p {p:.3f}); "
        f"seconds to the last score of {other}: median ratio {median} ({len(pairs) - len(ratios)} never); "
        f"jobs killed for their time {killed[0]:.1%}, {other} {killed[1]:.1%}"
    )


def seconds_to_match(warm: Mapping[str, Any], other: Mapping[str, Any]) -> float | None:
    """Return how soon the warm ensemble was as good as the other's last, as a share of what the other took."""
    if not other["curve"]:
        return None
    target = other["curve"][-1][1]
    end = min(seconds for seconds, loss in other["curve"] if loss <= target)
    reached = next((seconds for seconds, loss in warm["curve"] if loss <= target), None)
    return None if reached is None else reached / end
