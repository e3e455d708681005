"""Saved models: what is written into their file, what is checked before anything of it is believed, and exports."""

from __future__ import annotations

import dataclasses
import inspect
import io
import json
import math
import pickle
import platform
import time
import warnings
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np

from automl import __version__
from automl.core import Budget, Event, StoreError
from automl.data import Reference, Schema, Task
from automl.evaluate import Estimate
from automl.pipeline.assemble import decided, leaves, undecided
from automl.pipeline.audited import read_audited, write_audited
from automl.pipeline.versions import library_versions, version_changes
from automl.store import Manifest, RecordedJournal, read_manifest, read_part, write_model

__all__ = ["export", "export_seconds", "load", "note_speed", "save"]

PICKLED = "estimator.pkl.zlib"
AUDITED = "estimator.skops"
MANY_ROWS = 1000
PREDICTING_SECONDS = 0.04  # of the processor for each model and a few rows: most of it is spent on checking tables
LONGEST_VALUE = 300  # characters of an argument in the recorded call
_PLAIN = (bool, int, float, str, type(None))


def save(
    estimator: Any,
    path: str | Path,
    *,
    share: bool = False,
    target: str | None = None,
    command: str | None = None,
    measure: bool = True,
) -> Path:
    """Write a fitted estimator to one file, whole or not at all; returns where.

    Parameters
    ----------
    share : bool
        Write it a second time, in a format that can be read without trusting the file. Needs skops, and takes its
        time: half a minute for fifty pipelines.
    target : str, optional
        Name of the target; by default that of the y that was fitted.
    command : str, optional
        What made the model; the constructor's call by default.
    measure : bool
        Whether to measure how fast it predicts; :func:`note_speed` can do so later.

    Raises
    ------
    StoreError
        If it cannot be pickled, shared or written.
    """
    content, modules = _pickled(estimator)
    parts = {PICKLED: zlib.compress(content, 1)}
    del content  # may be as large as the memory that is left
    if share:
        parts[AUDITED] = write_audited(_described(estimator))
    estimate = estimator.estimate_
    one, many = _predict_seconds(estimator, math.inf) if measure else (None, None)
    manifest = Manifest(
        automl=__version__,
        python=platform.python_version(),
        platform=platform.platform(),
        libraries=library_versions(modules - {"automl"})[0],
        estimator=type(estimator).__name__,
        task=str(estimator.task_),
        target=target or _text(estimator._target),
        metric=estimate.metric,
        score=_finite(estimate.value),
        interval=(_finite(estimate.interval[0]), _finite(estimate.interval[1])),
        score_label=estimate.label,
        search_score=None if estimator.search_score_ is None else _finite(estimator.search_score_.value),
        columns=tuple((str(column.name), str(column.kind)) for column in estimator.schema_.columns),
        n_rows=estimator.outcome_.plan.n_rows,
        seconds_1_row=one,
        seconds_1000_rows=many,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command or _call(estimator),
    )
    write_model(path, manifest, parts)
    return Path(path)


def note_speed(estimator: Any, path: str | Path, *, seconds: float) -> None:
    """Write into a model's file how fast it predicts: for an estimator that was saved unmeasured.

    Parameters
    ----------
    seconds : float
        Time to measure in; what would take longer is left out.
    """
    one, many = _predict_seconds(estimator, seconds)
    if one is None:
        return
    manifest = read_manifest(path)
    parts = {name: read_part(path, name) for name in manifest.parts}
    write_model(path, dataclasses.replace(manifest, seconds_1_row=one, seconds_1000_rows=many), parts)


def export(estimator: Any, path: str | Path, *, overwrite: bool = False, budget: Budget | None = None) -> Path:
    """Write the plain pipeline of a fitted estimator to a folder that needs no automl; returns where.

    Parameters
    ----------
    overwrite : bool
        Replace an earlier export.
    budget : Budget, optional
        Give up where this would end too late.

    Raises
    ------
    StoreError
        If it cannot be written, does not predict as the estimator does, or would be late.
    """
    from automl.pipeline import export as exporting

    outcome = estimator.outcome_
    metadata = {
        "automl": __version__,
        "metric": outcome.plan.metric,
        "estimate": _as_json(estimator.estimate_),
        "n_rows": outcome.plan.n_rows,
        "members": [{"trial": m.trial, "weight": m.weight, **m.config.to_json()} for m in outcome.members],
        "decision": outcome.decision.to_json(),
    }
    return exporting.export(
        estimator.pipeline_,
        path,
        schema=estimator.schema_,
        golden_X=estimator._golden_X,
        task=estimator.task_,
        classes=getattr(estimator, "classes_", None),
        metadata=metadata,
        overwrite=overwrite,
        decision=getattr(estimator, "decision_pipeline_", None),
        budget=budget,
    )


def export_seconds(estimator: Any, saving: float, waiting: float) -> float:
    """Return about how long an export takes after :func:`save`.

    Parameters
    ----------
    saving : float
        Seconds that saving took: an export writes the model too, and reads it back.
    waiting : float
        How many times longer that was than the processor worked on it: predictions with both will wait as long.
    """
    pipeline = estimator.pipeline_
    files = 1 if getattr(estimator, "decision_pipeline_", pipeline) is pipeline else 2
    models = len(leaves(undecided(pipeline)))
    return files * (3 * saving + 2 * models * PREDICTING_SECONDS * waiting)


def load(path: str | Path, kinds: Mapping[str, Callable[..., Any]], *, trusted: bool = True) -> Any:
    """Return the estimator in a file; the manifest is checked first.

    Parameters
    ----------
    kinds : mapping of str to class
        The classes of estimators, by name.
    trusted : bool
        Whether the file may be unpickled. If not, only its second, audited form is read.

    Raises
    ------
    StoreError
        If the file is not a model, damaged, of a newer version, or holds what is not to be trusted.
    """
    manifest = read_manifest(path)
    kind = kinds.get(manifest.estimator)
    if kind is None:
        raise StoreError(f"{path} cannot be read as a model: it holds a {manifest.estimator!r}; update automl")
    changes = version_changes({"automl": manifest.automl, **manifest.libraries})
    if changes:
        warnings.warn(
            f"{path} was saved with {', '.join(changes)}; its predictions may differ or fail: install the versions "
            "that it was saved with",
            UserWarning,
            stacklevel=3,
        )
    if not trusted:
        return _rebuilt(path, manifest, kind)
    content = read_part(path, PICKLED)
    try:
        estimator = pickle.loads(zlib.decompress(content))
    except Exception as error:  # unpickling imports and calls whatever the model consists of
        raise StoreError(
            f"{path} cannot be loaded ({type(error).__name__}: {error}); it needs the packages, and the modules of "
            "your own, that it was saved with"
        ) from error
    if type(estimator) is not kind:
        raise StoreError(f"{path} cannot be read as a model: it holds no {manifest.estimator}")
    return estimator


def _pickled(estimator: Any) -> tuple[bytes, set[str]]:
    """Return the pickle and the packages of every class and function that it refers to."""
    modules = set()

    class Recorder(pickle.Pickler):
        def reducer_override(self, value: Any) -> Any:  # sees everything but numbers, texts and containers
            if isinstance(value, (type, FunctionType, BuiltinFunctionType)):
                modules.add((value.__module__ or "").partition(".")[0])
            return NotImplemented

    content = io.BytesIO()
    try:
        Recorder(content, protocol=5).dump(estimator)
    except Exception as error:  # whatever a user's metric, splitter or executor raises
        raise StoreError(
            f"the estimator cannot be pickled ({error}); a metric, splitter or executor of your own must be "
            "importable. export() writes the model alone"
        ) from error
    return content.getvalue(), modules


def _predict_seconds(estimator: Any, limit: float) -> tuple[float | None, float | None]:
    """Return the time of predicting one row, and many: the stored rows again and again."""
    rows = estimator._golden_X

    def timed(count: int) -> float:
        at = np.arange(count) % rows.shape[0]
        some = rows.iloc[at] if hasattr(rows, "iloc") else rows[at]
        started = time.perf_counter()
        estimator.predict(some)
        return time.perf_counter() - started

    if limit <= 0:
        return None, None
    try:
        first = timed(1)
        one = first if 3 * first > limit else timed(1)  # the first one also imports
        return one, None if first + 5 * one > limit else timed(MANY_ROWS)
    except Exception:  # a model that cannot predict must still be saved, so that someone can look at it
        return None, None


def _text(name: Any) -> str | None:
    return None if name is None or name == "" else str(name)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _call(estimator: Any) -> str:
    """Return the call that makes an estimator like this one, without arguments left at their defaults."""
    defaults = inspect.signature(type(estimator).__init__).parameters
    given = {name: repr(value) for name, value in estimator.get_params(deep=False).items()}
    shown = [f"{name}={text[:LONGEST_VALUE]}" for name, text in given.items() if text != repr(defaults[name].default)]
    return f"{type(estimator).__name__}({', '.join(shown)}).fit(X, y)"


def _described(estimator: Any) -> dict[str, Any]:
    """Return what an estimator needs to predict, score and list its trials, in types that the audited format knows."""
    params = estimator.get_params(deep=False)
    events = [[event.kind, dict(event.data), event.seconds] for _, event in estimator._journal.read()]
    return {
        # an argument of another type comes back as its repr, which fit refuses: better than a silent default
        "params": {name: value if _is_plain(value) else repr(value) for name, value in params.items()},
        "schema": estimator.schema_.to_json(),
        "task": str(estimator.task_),
        "classes": getattr(estimator, "classes_", None),
        "estimate": _as_json(estimator.estimate_),
        "estimates": {name: _as_json(one) for name, one in estimator.estimates_.items()},
        "search_score": None if estimator.search_score_ is None else _as_json(estimator.search_score_),
        "reference": json.dumps(estimator.reference_.to_json()),
        "events": json.dumps(events),
        "pipeline": estimator.pipeline_,
        "decision": _decision(estimator),
    }


def _decision(estimator: Any) -> dict[str, Any] | None:
    """Return the numbers by which labels are decided outside of the pipeline."""
    if getattr(estimator, "decision_pipeline_", estimator.pipeline_) is estimator.pipeline_:
        return None
    found = estimator.outcome_.decision
    return {"threshold": found.threshold, "multipliers": found.multipliers and list(found.multipliers)}


def _as_json(estimate: Estimate) -> dict[str, Any]:
    return {**vars(estimate), "interval": list(estimate.interval)}


def _estimate(data: dict[str, Any]) -> Estimate:
    return Estimate(**{**data, "interval": tuple(data["interval"])})


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(map(_is_plain, value)) and all(map(_is_plain, value.values()))
    return type(value) in _PLAIN


def _rebuilt(path: str | Path, manifest: Manifest, kind: Callable[..., Any]) -> Any:
    if AUDITED not in manifest.parts:
        raise StoreError(
            f"{path} holds nothing that can be read without trusting it. Whoever made it can add that: "
            "pip install 'automl[share]', then save(path, share=True) or `automl export MODEL --share FILE`"
        )
    content = read_part(path, AUDITED)
    try:
        found = read_audited(content)
        estimator = kind(**found["params"])
        estimator._remember(Schema.from_json(found["schema"]), Task(found["task"]), found["classes"])
        estimator.pipeline_ = found["pipeline"]
        if found["classes"] is not None:
            decision = found.get("decision") or {}
            estimator.decision_pipeline_ = decided(found["pipeline"], classes=found["classes"], **decision)[1]
        estimator.estimate_ = _estimate(found["estimate"])
        estimator.estimates_ = {name: _estimate(one) for name, one in found.get("estimates", {}).items()}
        estimator.search_score_ = _estimate(found["search_score"]) if found.get("search_score") else None
        estimator.reference_ = Reference.from_json(json.loads(found["reference"]))
        estimator._journal = RecordedJournal(tuple(Event(*event) for event in json.loads(found["events"])))
    except StoreError as error:
        raise StoreError(f"{path}: {error}") from error
    except Exception as error:  # a crafted file may hold anything in any place
        raise StoreError(f"{path} cannot be read as a model: damaged or crafted ({error})") from error
    return estimator
