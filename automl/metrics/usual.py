"""The metric of a task where the user names none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl.core import Array

__all__ = ["RARE", "Usual", "usual_metric"]

RARE = 0.1  # share of the rarer class below which the ranking of the many others says little about it


@dataclass(frozen=True)
class Usual:
    """A metric of the catalogue, the code of the class that it singles out, and why it was taken."""

    name: str
    positive: int | None
    why: str


def usual_metric(
    task: str, y: Array | None = None, weights: Array | None = None, classes: Array | None = None
) -> Usual:
    """Return what ``metric="auto"`` means: never a metric of labels, which depends on one threshold.

    Two classes: the area under the ROC curve, but the average precision of the rarer class where that has less than a
    tenth of the rows (Saito and Rehmsmeier 2015). More classes: log loss. Regression: root mean squared error.

    Parameters
    ----------
    y : ndarray of shape (n,), optional
        Codes of the classes; without them no class is taken for rare.
    """
    if task == "regression":
        return Usual("root_mean_squared_error", None, "usual for regression")
    if task == "multiclass":
        return Usual("log_loss", None, "usual for more than two classes")
    mass = np.ones(2) if y is None else np.bincount(np.asarray(y, dtype=np.int64), weights, minlength=2)
    share = float(mass.min() / mass.sum()) if mass.sum() > 0 else 0.5
    if share >= RARE:
        return Usual("roc_auc", None, f"usual for two classes, none below {RARE:.0%} of the rows")
    rare = int(np.argmin(mass))
    label = rare if classes is None else classes[rare]
    return Usual("average_precision", rare, f"class {label!s} is rare: {share:.2%} of the rows, less than {RARE:.0%}")
