"""The metrics offered by name: scikit-learn's scorers that make sense on stored predictions."""

from __future__ import annotations

from dataclasses import dataclass

from automl.core import SettingError

__all__ = ["ALIASES", "AUTO", "CATALOG", "Entry", "metric_names", "scorer_name"]

_ANY_CLASSES = ("binary", "multiclass")
_TASKS = (*_ANY_CLASSES, "regression")


@dataclass(frozen=True)
class Entry:
    """One named metric: the tasks it is for, what it looks at, and its direction (+1: greater is better)."""

    tasks: tuple[str, ...]
    needs: str
    sign: int
    positive: bool = False  # whether it singles out one of two classes


def _catalog() -> dict[str, Entry]:
    entries = {
        "accuracy": Entry(_ANY_CLASSES, "label", 1),
        "balanced_accuracy": Entry(_ANY_CLASSES, "label", 1),
        "matthews_corrcoef": Entry(_ANY_CLASSES, "label", 1),
        "positive_likelihood_ratio": Entry(("binary",), "label", 1),
        "negative_likelihood_ratio": Entry(("binary",), "label", -1),
        "log_loss": Entry(_ANY_CLASSES, "probability", -1),
        "brier_score": Entry(_ANY_CLASSES, "probability", -1),
        "d2_log_loss_score": Entry(_ANY_CLASSES, "probability", 1),
        "d2_brier_score": Entry(_ANY_CLASSES, "probability", 1),
        "average_precision": Entry(_ANY_CLASSES, "probability", 1, positive=True),
        "top_k_accuracy": Entry(("multiclass",), "probability", 1),
        "roc_auc": Entry(("binary",), "probability", 1),
    }
    for name in ("roc_auc_ovr", "roc_auc_ovr_weighted", "roc_auc_ovo", "roc_auc_ovo_weighted"):
        entries[name] = Entry(_ANY_CLASSES, "probability", 1)
    for share in ("f1", "precision", "recall", "jaccard"):
        entries[share] = Entry(("binary",), "label", 1, positive=True)
        for average in ("macro", "micro", "weighted"):
            entries[f"{share}_{average}"] = Entry(_ANY_CLASSES, "label", 1)
    for name in ("r2", "explained_variance", "d2_absolute_error_score"):
        entries[name] = Entry(("regression",), "value", 1)
    for name in (
        "max_error",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "mean_gamma_deviance",
        "mean_poisson_deviance",
        "mean_squared_error",
        "mean_squared_log_error",
        "median_absolute_error",
        "root_mean_squared_error",
        "root_mean_squared_log_error",
    ):
        entries[name] = Entry(("regression",), "value", -1)
    return entries


CATALOG = _catalog()

AUTO = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "root_mean_squared_error"}

ALIASES = {
    "acc": "accuracy",
    "ap": "average_precision",
    "auc": "roc_auc",
    "auprc": "average_precision",
    "bac": "balanced_accuracy",
    "brier": "brier_score",
    "cross_entropy": "log_loss",
    "logloss": "log_loss",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "mcc": "matthews_corrcoef",
    "medae": "median_absolute_error",
    "mse": "mean_squared_error",
    "msle": "mean_squared_log_error",
    "pr_auc": "average_precision",
    "rmse": "root_mean_squared_error",
    "rmsle": "root_mean_squared_log_error",
}


def scorer_name(name: str) -> str:
    """Return scikit-learn's scorer name, ``neg_`` included where smaller is better."""
    return f"neg_{name}" if CATALOG[name].sign < 0 else name


def metric_names(task: str) -> tuple[str, ...]:
    """Return the scorer names offered for a task, sorted.

    Examples
    --------
    >>> from automl.metrics import metric_names
    >>> "roc_auc" in metric_names("binary"), "roc_auc" in metric_names("multiclass")
    (True, False)
    """
    if task not in _TASKS:
        raise SettingError(f"task {task!r} does not exist; choose one of {', '.join(_TASKS)}")
    return tuple(sorted(scorer_name(name) for name, entry in CATALOG.items() if task in entry.tasks))
