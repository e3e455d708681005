"""The log of a run: every event as one line for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pandas as pd

from automl.core import AutoMLError, Config, Journal
from automl.explain.describe import describe
from automl.explain.leaderboard import LEVEL
from automl.metrics import get_metric

__all__ = ["log"]


def log(journal: Journal) -> pd.DataFrame:
    """Return one row per event: ``seconds`` since the start of the run, ``event``, ``trial`` and ``text``.

    Parameters
    ----------
    journal : Journal
        May still be written by another process.
    """
    events = [event for _, event in journal.read()]
    plan: Mapping[str, Any] = next((event.data for event in events if event.kind == "plan"), {})
    score = partial(_score, plan)
    rows = [
        {
            "seconds": event.seconds,
            "event": event.kind,
            "trial": event.data.get("trial"),
            "text": _SCORED[event.kind](event.data, score)
            if event.kind in _SCORED
            else _TEXTS.get(event.kind, _others)(event.data),
        }
        for event in events
    ]
    frame = pd.DataFrame(rows, columns=["seconds", "event", "trial", "text"])
    return frame.astype({"seconds": "float64", "trial": "Int64"})


def _score(plan: Mapping[str, Any], loss: float | None, name: str | None = None) -> str:
    """Write a loss as the score that people know, under the metric that is optimised or the one named."""
    if loss is None:
        return "not defined"
    main = plan.get("metric", {"name": "loss", "sign": -1})
    name = name or main["name"]
    try:
        sign = main["sign"] if name == main["name"] else get_metric(name, task=str(plan.get("task"))).sign
    except AutoMLError:  # the user's own
        return f"{name} (as a loss) {loss:.5g}"
    return f"{name} {-sign * loss:.5g}"


def _plan(data: Mapping[str, Any]) -> str:
    plan = data["plan"]
    time = "counted" if plan["seconds"] is None else f"{plan['seconds']:g} s"
    return f"{plan['task']}, {plan['n_rows']} rows, {plan['n_columns']} columns, {plan['folds']}, {time}"


def _trial(data: Mapping[str, Any]) -> str:
    return f"#{data['trial']} {describe(Config.from_json(data['config']))} ({data['origin']})"


def _fold(data: Mapping[str, Any], score: Callable[..., str]) -> str:
    losses = ", ".join(score(loss, name) for name, loss in data["losses"].items())
    what = {"refit": "refit", "probe": "screening"}.get(str(data["kind"]), f"fold {data['fold']}")
    return f"#{data['trial']} {what}: {data['error'] or losses or data['status']} in {data['wall_seconds']:.2f} s"


def _result(data: Mapping[str, Any], score: Callable[..., str]) -> str:
    loss = "" if data["loss"] is None else f", {score(data['loss'])}"
    return f"#{data['trial']} {data['model']} {data['status']}{loss}{_because(data['reason'])}"


def _because(reason: Any) -> str:
    return f": {reason}" if reason else ""


def _ensemble(data: Mapping[str, Any], score: Callable[..., str]) -> str:
    shares = ", ".join(f"{weight:.2f} #{trial}" for trial, weight in data["weights"].items())
    loss = "" if data.get("loss") is None else f", {score(data['loss'])}"
    return f"{shares}{loss}"


def _outer(data: Mapping[str, Any]) -> str:
    score = "not defined" if data["score"] is None else f"{data['score']:.5g}"
    inner = "" if data["inner_score"] is None else f" (within {data['inner_score']:.5g})"
    trials = ", ".join(f"{count} {status}" for status, count in data["trials"].items())
    members = ", ".join(dict.fromkeys(data["members"]))
    return (
        f"fold {data['fold'] + 1} of {data['n_folds']}: {data['metric']} {score}{inner} on {data['n_test']} rows; "
        f"{trials}; {members}"
    )


def _comparison(data: Mapping[str, Any]) -> str:
    p = data["p_worse"]
    return f"{sum(value > LEVEL for value in p.values())} of {len(p)} trials are not significantly worse than the best"


def _decision(data: Mapping[str, Any]) -> str:
    if not data["value"]:
        return f"nothing decided{_because(data['why'])}"
    value = ", ".join(f"{number:.4g}" for number in data["value"])
    measured = data["gain"] is not None and data["standard_error"] is not None
    gain = f", gain {data['gain']:.3g} +- {data['standard_error']:.2g}" if measured else ""
    return f"{data['kind']} {value} {'used' if data['accepted'] else 'not used'}{gain}{_because(data['why'])}"


def _finished(data: Mapping[str, Any]) -> str:
    notes = "; ".join(data["notes"])
    return f"stopped by {data['stopped']}{_because(notes)}"


def _policy(data: Mapping[str, Any]) -> str:
    return str(data["text"])


def _health(data: Mapping[str, Any]) -> str:
    return "; ".join(finding["message"] for finding in data["findings"]) or "nothing odd about the table"


def _others(data: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in data.items())


_TEXTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "plan": _plan,
    "resumed": _plan,
    "trial": _trial,
    "decision": _decision,
    "comparison": _comparison,
    "outer": _outer,
    "finished": _finished,
    "health": _health,
    "policy": _policy,
}

_SCORED: Mapping[str, Callable[..., str]] = {"fold": _fold, "result": _result, "ensemble": _ensemble}
