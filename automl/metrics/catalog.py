"""The metrics offered by name: scikit-learn's scorers that make sense on stored predictions, and some more."""

from __future__ import annotations

from dataclasses import dataclass

from automl.core import SettingError

__all__ = ["ALIASES", "CATALOG", "FAMILIES", "Entry", "Family", "entry_of", "family_of", "metric_names", "scorer_name"]

_ANY_CLASSES = ("binary", "multiclass")
_TASKS = (*_ANY_CLASSES, "regression")


@dataclass(frozen=True)
class Entry:
    """One named metric: the tasks it is for, what it looks at, and its direction (+1: greater is better)."""

    tasks: tuple[str, ...]
    needs: str
    sign: int
    positive: bool = False  # whether it singles out one of two classes
    scorer: bool = True  # whether scikit-learn has a scorer of this name


@dataclass(frozen=True)
class Family:
    """Metrics that differ by one number, which stands in their names: ``top_3_accuracy``, ``pinball_0.9``.

    Parameters
    ----------
    before, after : str
        What stands around the number.
    function, option : str
        scikit-learn's function, and the parameter of it that takes the number.
    """

    before: str
    after: str
    entry: Entry
    function: str
    option: str

    @property
    def counts(self) -> bool:
        """Whether the number is a count; otherwise it is a level between 0 and 1."""
        return self.option == "k"

    @property
    def example(self) -> str:
        return f"{self.before}{3 if self.counts else 0.9}{self.after}"

    def name(self, number: float) -> str:
        """Return the name with this number."""
        return f"{self.before}{int(number) if self.counts else float(number)!r}{self.after}"

    def number(self, name: str) -> float | None:
        """Return the number in a name, None where the name is of another kind.

        Raises
        ------
        SettingError
            If there is no such level or count.
        """
        text = name.removeprefix(self.before).removesuffix(self.after)
        if f"{self.before}{text}{self.after}" != name:
            return None
        try:
            number = int(text) if self.counts else float(text)
        except ValueError:
            return None
        if self.counts and number < 1:
            raise SettingError(f"metric {name!r}: the number of labels must be at least 1, as in {self.example}")
        if not self.counts and not 0.0 < number < 1.0:
            raise SettingError(f"metric {name!r}: the level must lie between 0 and 1, as in {self.example}")
        return number


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
        "balanced_log_loss": Entry(_ANY_CLASSES, "probability", -1, scorer=False),
        "gini": Entry(("binary",), "probability", 1, scorer=False),
        "ks": Entry(("binary",), "probability", 1, scorer=False),
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

FAMILIES = (
    Family("top_", "_accuracy", Entry(("multiclass",), "probability", 1), "top_k_accuracy_score", "k"),
    Family("pinball_", "", Entry(("regression",), "value", -1), "mean_pinball_loss", "alpha"),
    Family("d2_pinball_", "", Entry(("regression",), "value", 1), "d2_pinball_score", "alpha"),
)

ALIASES = {
    "acc": "accuracy",
    "ap": "average_precision",
    "auc": "roc_auc",
    "auprc": "average_precision",
    "bac": "balanced_accuracy",
    "balanced_logloss": "balanced_log_loss",
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


def family_of(name: str) -> tuple[Family, float] | None:
    """Return the family of a name with a number in it, and the number."""
    for family in FAMILIES:
        number = family.number(name)
        if number is not None:
            return family, number
    return None


def entry_of(name: str) -> Entry | None:
    """Return the entry of a metric, None where there is no metric of this name."""
    if name in CATALOG:
        return CATALOG[name]
    found = family_of(name)
    return None if found is None else found[0].entry


def scorer_name(name: str) -> str:
    """Return a metric's name as scikit-learn's scorers have it: with ``neg_`` where smaller is better."""
    entry = entry_of(name)
    return f"neg_{name}" if entry is not None and entry.sign < 0 else name


def metric_names(task: str) -> tuple[str, ...]:
    """Return the names offered for a task, sorted; those with a number in them (``pinball_0.9``) are offered besides.

    Examples
    --------
    >>> from automl.metrics import metric_names
    >>> "roc_auc" in metric_names("binary"), "roc_auc" in metric_names("multiclass")
    (True, False)
    """
    if task not in _TASKS:
        raise SettingError(f"task {task!r} does not exist; choose one of {', '.join(_TASKS)}")
    return tuple(sorted(scorer_name(name) for name, entry in CATALOG.items() if task in entry.tasks))
