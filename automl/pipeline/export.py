"""Export: a folder from which the model predicts where automl is not installed, with proof that it does so exactly."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import math
import os
import platform
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.core import Array, Budget, SettingError, StoreError
from automl.pipeline.plain import read_back, refuse_ours, write_pickle
from automl.pipeline.versions import library_versions

if TYPE_CHECKING:
    from automl.data.dataset import Schema, Task

__all__ = ["export"]

FORMAT = "automl-export"
VERSION = 1
GOLDEN_ROWS = 20
NOISE = 1e-9  # relative; for models that do not repeat themselves exactly: sums over threads differ in the last bit

_README = """# Exported model

A fitted scikit-learn estimator for a {task} task. It needs the libraries in `requirements.txt`, not automl.

    pip install -r requirements.txt             # Python {python}
    python predict.py --check                   # the {n_golden} golden rows must be predicted as at export
    python predict.py new.csv -o predictions.csv

In Python: `model = joblib.load("pipeline.joblib")`, then `model.predict(X)`; X is a {container}.

| file | holds |
|---|---|
| `pipeline.joblib` | the estimator; a pickle: load it only if you trust where it comes from |
{decision}| `schema.json` | the columns as seen in training |
| `metadata.json` | task, classes, library versions, checksum, facts of the run |
| `golden.*`, `golden_predictions.npz` | rows and their predictions at export |
"""
_DECISION = """| `decision.joblib` | predicts labels, decided by class multipliers; also a pickle |
"""
_CONTAINERS = {
    "frame": "pandas DataFrame with the columns of `schema.json`, by name",
    "array": "2-D NumPy array with the columns of `schema.json`, by position",
    "sparse": "SciPy CSR matrix with the columns of `schema.json`, by position",
}


def export(
    model: Any,
    folder: str | Path,
    *,
    schema: Schema,
    golden_X: Any,
    task: Task,
    classes: Array | None,
    metadata: Mapping[str, Any],
    overwrite: bool = False,
    decision: Any = None,
    budget: Budget | None = None,
) -> Path:
    """Write a fitted model to a folder that works without automl.

    Parameters
    ----------
    model : fitted estimator
        Of public parts only (see :func:`automl.pipeline.plain.refuse_ours`).
    folder : path
        Appears complete or not at all. Refused where it exists and is not empty.
    golden_X : DataFrame, ndarray or CSR matrix
        Rows to predict; the first 20 are stored with their predictions.
    metadata : mapping
        Facts of the run, JSON-able; stored under ``run``.
    overwrite : bool
        Replace the folder if it is an earlier export; anything else is still refused.
    decision : fitted estimator, optional
        The one that predicts labels, if it is not ``model``: a second file.
    budget : Budget, optional
        Give up rather than end after it.

    Returns
    -------
    Path
        The folder.
    """
    target = Path(folder).absolute()
    _check_target(target, overwrite)
    decision = None if decision is model else decision
    scratch: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
        scratch.chmod(0o755)  # mkdtemp makes folders private
        _fill(scratch, model, decision, schema, _head(golden_X), task, classes, metadata, budget or Budget(None))
        _put_in_place(scratch, target)
    except OSError as error:
        raise StoreError(f"The model cannot be exported to {target}: {error}. Choose another folder.") from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
    return target


def _check_target(target: Path, overwrite: bool) -> None:
    if os.path.isdir(target) and not any(target.iterdir()):
        return
    if os.path.exists(target) and not (overwrite and _is_export(target)):
        advice = "pass overwrite=True to replace it" if _is_export(target) else "choose another folder"
        raise SettingError(f"{target} exists and is not empty; an export does not mix with other files: {advice}.")


def _is_export(folder: Path) -> bool:
    try:
        found = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("format") == FORMAT


def _fill(
    folder: Path,
    model: Any,
    decision: Any,
    schema: Schema,
    rows: Any,
    task: Task,
    classes: Array | None,
    metadata: Mapping[str, Any],
    budget: Budget,
) -> None:
    from automl.pipeline import standalone

    container = str(schema.container)
    files = {"pipeline.joblib": model} | ({} if decision is None else {"decision.joblib": decision})
    loaded = {}
    modules: set[str] = set()
    for name, content in files.items():
        loaded[name], asked = _stored(folder / name, content)
        modules |= asked
    refuse_ours(modules)
    _write_json(folder / "schema.json", schema.to_json())
    shutil.copyfile(standalone.__file__, folder / "predict.py")
    needed = {"joblib", "pyarrow"} if container == "frame" else {"joblib"}  # by predict.py
    libraries, loose = library_versions(modules | needed)
    notes = [f"# {name}: not from a package index; must be importable\n" for name in loose]
    pins = [f"{name}=={version}\n" for name, version in libraries.items()]
    (folder / "requirements.txt").write_text("".join(notes + pins), encoding="utf-8")
    readme = _README.format(
        task=str(task),
        python=platform.python_version(),
        n_golden=rows.shape[0],
        container=_CONTAINERS[container],
        decision="" if decision is None else _DECISION,
    )
    (folder / "README.md").write_text(readme, encoding="utf-8")
    contents = {
        "format": FORMAT,
        "version": VERSION,
        "task": str(task),
        "classes": None if classes is None else classes.tolist(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": libraries,
        "tolerance": 0.0,
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files},
        "run": dict(metadata),
    }
    _write_json(folder / "metadata.json", contents)
    _write_golden(folder, rows, container)
    found = _predicted(folder, (model, decision), (loaded["pipeline.joblib"], loaded.get("decision.joblib")), budget)
    if standalone.differences(folder, found):
        _write_json(folder / "metadata.json", {**contents, "tolerance": NOISE})
        if problems := standalone.differences(folder, found):
            raise StoreError(f"The exported model does not predict as the fitted one: {'; '.join(problems)}.")


def _predicted(folder: Path, fitted: tuple[Any, Any], loaded: tuple[Any, Any], budget: Budget) -> dict[str, Any]:
    """Store what the fitted model predicts for the golden rows; return what the loaded one does."""
    from automl.pipeline import standalone

    golden = standalone.golden_rows(folder)
    began = budget.elapsed()
    np.savez_compressed(folder / "golden_predictions.npz", **standalone.outputs(fitted[0], golden, fitted[1]))
    took, left = budget.elapsed() - began, budget.remaining()
    if took > left:  # the loaded one takes as long
        raise StoreError(f"comparing its predictions takes about {took:.1f} s, and {max(left, 0.0):.1f} s were left")
    return standalone.outputs(loaded[0], golden, loaded[1])


def _stored(path: Path, model: Any) -> tuple[Any, set[str]]:
    """Write a model; return what is read back from the file, and the packages that reading asked for.

    ``joblib.load`` reads a compressed pickle as its own. For models of many small parts ``joblib.dump`` takes five
    times as long, and its own reader twice.
    """
    with gzip.GzipFile(path, "wb", compresslevel=1, mtime=0) as file:
        write_pickle(model, file)
    with gzip.GzipFile(path, "rb") as file:
        return read_back(file)


def _head(X: Any) -> Any:
    return X.iloc[:GOLDEN_ROWS] if hasattr(X, "iloc") else X[:GOLDEN_ROWS]


def _write_golden(folder: Path, rows: Any, container: str) -> None:
    """Store the rows without pickle. The predictions are recorded for what is read back, so that a type that Parquet
    does not know (mixed columns become text) changes the row, never the comparison."""
    if container == "array":
        np.savez_compressed(folder / "golden.npz", X=np.asarray(rows))
    elif container == "sparse":
        from scipy import sparse

        sparse.save_npz(folder / "golden.npz", sparse.csr_matrix(rows))
    else:
        import pyarrow

        frame = rows.reset_index(drop=True)
        frame.attrs = {}  # would be written too, and need not be JSON-able
        frame.columns = [str(name) for name in frame.columns]
        for name in frame.columns:
            if _is_mixed(frame[name]):
                frame[name] = frame[name].astype(object).where(frame[name].isna(), frame[name].astype(str))
        try:
            frame.to_parquet(folder / "golden.parquet", engine="pyarrow", index=False)
        except (pyarrow.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise StoreError(
                f"The first rows cannot be stored as Parquet: {error}. Make that column numbers or text before the fit."
            ) from error


def _is_mixed(column: Any) -> bool:
    """Whether Parquet cannot hold the column as it is, or not give it back."""
    import pandas as pd
    import pyarrow

    try:
        pyarrow.Table.from_pandas(column.to_frame())
        if not isinstance(column.dtype, np.dtype):  # what Arrow takes, its files may not hold
            stored = io.BytesIO()
            column.to_frame().to_parquet(stored, engine="pyarrow", index=False)
            pd.read_parquet(stored, engine="pyarrow")
    except (pyarrow.ArrowException, TypeError, ValueError, OverflowError, NotImplementedError):
        return True  # OverflowError: integers beyond 64 bits; others: categories that are intervals
    return False


def _put_in_place(scratch: Path, target: Path) -> None:
    """Give the finished folder its name; an earlier export is moved aside first and comes back if that fails."""
    if not target.exists():
        scratch.rename(target)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".old", dir=target.parent))
    try:
        target.rename(aside / "export")
        try:
            scratch.rename(target)
        except OSError:
            (aside / "export").rename(target)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write_json(path: Path, contents: Any) -> None:
    text = json.dumps(_jsonable(contents), indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _jsonable(value: Any) -> Any:
    """NumPy values as Python ones, NaN and infinities as null, anything JSON does not know (dates, paths) as text."""
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    plain = getattr(value, "tolist", None)
    return _jsonable(plain()) if callable(plain) else str(value)
