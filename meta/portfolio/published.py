"""Published configurations as configurations of our space: which of them it can express, and why not the others.

python -m meta.portfolio.published              # counts by source and family, reasons of refusal
python -m meta.portfolio.published --refused    # each refused record with its reason
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from automl.core import Config, SpaceError, Step
from automl.data import Task
from automl.space import Facts, Space, build_space, default_catalog
from meta.portfolio import other_families, tree_families
from meta.portfolio.learner import Families, hyperparameters
from meta.portfolio.preparing import prepared
from meta.portfolio.records import CONFIGS, Record, Untranslatable, published

__all__ = [
    "Record",
    "Refusal",
    "Translation",
    "first_fitting",
    "published",
    "reference_spaces",
    "to_config",
    "translate",
]


_FAMILIES: Families = {**tree_families.FAMILIES, **other_families.FAMILIES}
_WITHOUT = {  # why there is no translation
    "qda": "it shrinks covariances towards the unit matrix, ours towards their own scale",
    "gaussian_process": "its kernel has one length scale a column, ours one for all",
}


@dataclass(frozen=True)
class Translation:
    """A configuration, and in words where its preparation differs from what was published.

    The hyperparameters of the model do not differ: those out of our ranges are refused.
    """

    config: Config
    differences: tuple[str, ...]


@dataclass(frozen=True)
class Refusal:
    """Why a record is no configuration of a space."""

    reason: str


def translate(record: Record, space: Space) -> Translation | Refusal:
    """Return a record as a configuration of a space, or why it is none.

    Values that the source computes from the data are computed from the facts of the space; rounds of boosting that
    stops early are left out; what the record leaves to the library's defaults is written in.
    """
    facts = space.facts
    if str(facts.task) not in record.tasks:
        return Refusal(f"published for {record.task}, not for {facts.task}")
    components = {component.name: component for component in space.active}
    if record.family not in _FAMILIES:
        return Refusal(_WITHOUT.get(record.family, f"no counterpart of the family {record.family}"))
    try:
        learner, params = _FAMILIES[record.family](record, facts)
        model = components.get(learner.component)
        if model is None:
            return Refusal(f"{learner.component} is not in this space")
        values = hyperparameters(learner, params, model, facts)
        before = prepared(record, model, facts)
        config = space.complete(Config.of(*before.steps, Step.of(model.name, **values)))
        space.check(config)
    except (Untranslatable, SpaceError) as reason:
        return Refusal(str(reason))
    return Translation(config, (*learner.differences, *before.differences))


def to_config(record: Record, space: Space) -> Config | Refusal:
    """Return the configuration of :func:`translate`, or its refusal."""
    result = translate(record, space)
    return result.config if isinstance(result, Translation) else result


def reference_spaces() -> Iterator[Space]:
    """Yield the spaces that the counts are about: per task a mixed table with gaps, then one of numbers alone."""
    classes = {Task.BINARY: 2, Task.MULTICLASS: 4, Task.REGRESSION: 0}
    for task, n_classes in classes.items():
        mixed = Facts(
            task=task,
            n_rows=2_000,
            n_columns=12,
            n_numeric=8,
            n_categorical=4,
            n_levels=24,
            n_classes=n_classes,
            min_class_count=400,
            has_missing=True,
            target_skew=2.0,
        )
        numbers = replace(mixed, n_columns=8, n_categorical=0, n_levels=0)
        for facts in (mixed, numbers):
            yield build_space(facts, default_catalog())


def first_fitting(record: Record, spaces: Iterable[Space]) -> tuple[Space, Translation] | Refusal:
    """Return the first space that holds a record; the last refusal if none does."""
    refusal = Refusal(f"no space for {record.task}")
    for space in spaces:
        if str(space.facts.task) in record.tasks:
            result = translate(record, space)
            if isinstance(result, Translation):
                return space, result
            refusal = result
    return refusal


def main(arguments: list[str] | None = None) -> int:
    """Print how many published configurations our space holds, and why it does not hold the rest."""
    parser = argparse.ArgumentParser(prog="python -m meta.portfolio.published", description=main.__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=CONFIGS, help="records, one JSON object a line")
    parser.add_argument("--refused", action="store_true", help="list each refused record")
    given = parser.parse_args(arguments)
    spaces = list(reference_spaces())
    results = [(record, first_fitting(record, spaces)) for record in published(given.file)]
    _print_counts("source", [(record.source["repo"], result) for record, result in results])
    _print_counts("family", [(record.family, result) for record, result in results])
    refused = [(record.id, result.reason) for record, result in results if isinstance(result, Refusal)]
    print(f"refused: {len(refused)}")
    if given.refused:
        print(*(f"  {name}: {reason}" for name, reason in refused), sep="\n")
        return 0
    for reason, count in Counter(_without_value(reason) for _, reason in refused).most_common():
        print(f"{count:5}  {reason}")
    return 0


def _print_counts(title: str, results: Sequence[tuple[str, tuple[Space, Translation] | Refusal]]) -> None:
    print(f"{title:24} records  load  of these on numbers alone  nothing differs")
    for name in (*sorted({key for key, _ in results}), "all"):
        mine = [result for key, result in results if name in (key, "all")]
        loaded = [result for result in mine if not isinstance(result, Refusal)]
        alone = sum(space.facts.n_categorical == 0 for space, _ in loaded)
        same = sum(not translation.differences for _, translation in loaded)
        print(f"{name:24} {len(mine):7} {len(loaded):5} {alone:25} {same:16}")
    print()


def _without_value(reason: str) -> str:
    return reason.split(", got")[0].split(", here")[0]


if __name__ == "__main__":
    raise SystemExit(main())
