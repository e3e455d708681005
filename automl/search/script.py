"""The script of a finished fit: its members as Python source."""

from __future__ import annotations

import math
import os
import tempfile
from pathlib import Path

from automl.core import Array, Config, StoreError
from automl.data import Schema
from automl.pipeline.assemble import leaves, undecided
from automl.pipeline.last_stage import LastStage
from automl.pipeline.script import Part, write_script
from automl.search.plan import FitOutcome
from automl.space import Role, default_catalog
from automl.space.encoding import places

__all__ = ["export_script"]

_NO_LIBRARIES = ("automl", "python")


def export_script(path: str | os.PathLike[str], outcome: FitOutcome, schema: Schema, classes: Array | None) -> Path:
    """Write the members of a model as Python source, whole or not at all.

    Raises
    ------
    SpaceError
        A member cannot be written: it holds an object that has no public name.
    StoreError
        The file cannot be written.
    """
    from sklearn.ensemble import VotingClassifier

    decision = outcome.decision
    source = write_script(
        _parts(outcome),
        about=_about(outcome),
        schema=schema,
        classes=classes,
        encodes=isinstance(undecided(outcome.model), VotingClassifier),
        last=LastStage(decision.temperature, decision.threshold, decision.multipliers),
    )
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=target.parent, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(source)
            os.chmod(scratch, 0o644)  # mkstemp makes files private
            os.replace(scratch, target)
        except BaseException:
            os.unlink(scratch)
            raise
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error}") from error
    return target


def _parts(outcome: FitOutcome) -> list[Part]:
    """Return the members, each as one pipeline: of several fold models the first, which differ in their seeds alone."""
    members, ensemble = outcome.members, undecided(outcome.model)
    found = leaves(ensemble)
    if not members:
        return [Part(found[0].model, title="A constant: no trial was complete.")]
    models = {leaf.member: leaf.model for leaf in reversed(found)}
    return [
        Part(
            models[number],
            weight=member.weight,
            settings=member.settings,
            shown=frozenset(name for _, step in places(member.config) for name in step.values),
            title=f"Trial {member.trial}: {member.config.shape()}.",
            note=_note(member.config),
        )
        for number, member in enumerate(members)
    ]


def _note(config: Config) -> str:
    """Say what the search did to the training rows of a member, which a script cannot."""
    catalog = default_catalog()
    steps = [s for s in config.steps if s.component in catalog.names and catalog.get(s.component).role is Role.ROWS]
    if not steps:
        return ""
    done = ", ".join(f"{s.component}({', '.join(f'{name}={value:.3g}' for name, value in s.params)})" for s in steps)
    return f"The search chose or weighed its training rows by their times: {done}. Here it is fitted on all rows alike."


def _about(outcome: FitOutcome) -> str:
    plan, estimate = outcome.plan, outcome.estimate if outcome.nested is None else outcome.nested.estimate
    kind = "regressor" if plan.task == "regression" else f"classifier ({plan.task})"
    count = max(1, len(outcome.members))
    what = f"A {kind}: {'one pipeline' if count == 1 else f'the weighted mean of {count} pipelines'}"
    versions = [f"{name} {version}" for name, version in plan.versions.items() if name not in _NO_LIBRARIES]
    error = f" +- {estimate.standard_error:.2g}" if math.isfinite(estimate.standard_error) else ""
    score = f"{estimate.value:.4g}{error}, " if math.isfinite(estimate.value) else ""
    return (
        f"{what}.\n\nFound by automl {plan.versions.get('automl', '')} on {plan.n_rows:,} rows, optimising "
        f"{plan.metric}: {score}{estimate.label}. Written with {', '.join(versions)}."
    )
