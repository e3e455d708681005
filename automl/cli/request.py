"""What `fit` and `plan` are told, checked before anything is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl.cli.durations import parse_duration
from automl.core import Budget, SettingError

__all__ = ["Request"]

DEFAULT_TIME = "5m"

# Seconds to save and export on a free machine: 5 for the fold models that a minute leaves, with what the fit runs over.
SAVING_SECONDS = 4.0
SAVING_SHARE = 0.04
MORE_SECONDS = 5.0
LONGEST_WAITING = 4.0  # times the processor seconds; the start of a process may also have waited for the disk
MOST_SAVING_SHARE = 0.35


@dataclass(frozen=True)
class Request:
    """The options that `fit` and `plan` share, as they were written on the command line."""

    path: Path
    target: str
    time: str | None = None
    task: str = "auto"
    metric: str = "auto"
    report: tuple[str, ...] = ()
    jobs: int = -1
    seed: int | None = None
    trials: int | None = None
    drop: tuple[str, ...] = ()
    weights: str | None = None
    groups: str | None = None
    times: str | None = None
    outer: int | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    knowledge: str = "auto"

    def __post_init__(self) -> None:
        special = [name for name in (self.target, self.weights, self.groups, self.times) if name is not None]
        if len(set(special)) < len(special):
            raise SettingError("--target, --weights, --groups and --times must name different columns")
        for name in special:
            if name in self.drop:
                raise SettingError(f"--drop {name} names a column that another option uses; leave one of them out")
        if self.time is not None:
            parse_duration(self.time)

    @property
    def seconds(self) -> float | None:
        """The time for everything; None in a counted run (--trials without --time)."""
        if self.time is None and self.trials is not None:
            return None
        return parse_duration(self.time if self.time is not None else DEFAULT_TIME)

    @property
    def known(self) -> str | bool:
        """What the estimators are told of ``--knowledge``."""
        return False if self.knowledge == "off" else self.knowledge

    def fit_seconds(self, budget: Budget, worked: float) -> float | None:
        """Return what is left of the budget for the fit itself, once saving and exporting are provided for.

        They need the processor, and wait for it as this process did so far: ``worked`` are the processor seconds that
        it has used. Never below a second: where that is too little, ``fit`` warns and returns the first model it can.
        """
        if budget.seconds is None:
            return None
        waiting = min(max(budget.elapsed() / max(worked, 1e-3), 1.0), LONGEST_WAITING)
        # a process that waits finds fewer models in its time: only what they all need takes that much longer
        saving = SAVING_SECONDS * waiting + min(SAVING_SHARE * budget.seconds, MORE_SECONDS)
        return max(1.0, budget.remaining() - min(saving, MOST_SAVING_SHARE * budget.seconds))

    def to_json(self, *, classifies: bool, why: str, aside: Sequence[str]) -> dict[str, Any]:
        """Return what a later sitting of the same run must know; the arguments come from the table."""
        known = {
            "target": self.target,
            "table": str(self.path),
            "classifies": classifies,
            "why_task": why,
            "left_aside": list(aside),
        }
        columns = {"weights": self.weights, "groups": self.groups, "times": self.times}
        return {**known, "drop": list(self.drop), **columns}
