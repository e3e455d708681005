"""Predict with an exported model. Needs only public libraries (requirements.txt), not automl.

    python predict.py new.csv -o predictions.csv
    python predict.py --check

This file is copied as predict.py into every export; it imports nothing of automl.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd


def load_model(folder: Path, name: str = "pipeline.joblib") -> Any:
    """Load the pipeline. The checksum shows damage; whether to trust the file (a pickle) is for you to know."""
    expected = load_json(folder / "metadata.json")["files"][name]
    if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected:
        raise SystemExit(f"{folder / name} is damaged: its checksum is not that of the export. Copy it again.")
    return joblib.load(folder / name)


def load_decision(folder: Path) -> Any:
    """Load the model that predicts labels where another one has the probabilities; None where there is one for both."""
    files = load_json(folder / "metadata.json")["files"]
    return load_model(folder, "decision.joblib") if "decision.joblib" in files else None


def load_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def outputs(model: Any, X: Any, decision: Any = None) -> dict[str, Any]:
    """Return the prediction and, of a classifier, the probabilities; labels as text where they are objects.

    The prediction is that of ``decision`` where there is one.
    """
    found = {"probability": np.asarray(model.predict_proba(X))} if hasattr(model, "predict_proba") else {}
    if decision is not None:
        prediction = np.asarray(decision.predict(X))
    elif getattr(model, "voting", None) == "soft":  # its predict is this, at the price of a second pass over members
        prediction = np.asarray(model.classes_)[np.argmax(found["probability"], axis=1)]
    else:
        prediction = np.asarray(model.predict(X))
    return {**found, "prediction": prediction.astype(str) if prediction.dtype.kind == "O" else prediction}


def read_table(path: Path, schema: dict[str, Any], sep: str | None = None, encoding: str = "utf-8-sig") -> Any:
    """Read new rows into the container that the pipeline expects."""
    if not path.is_file():
        raise SystemExit(f"There is no file {str(path)!r}. Check the path.")
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False)
    if path.suffix == ".npz":
        from scipy import sparse

        return sparse.csr_matrix(sparse.load_npz(path))
    if path.suffix in (".parquet", ".pq"):
        return arrange(all_columns(pd.read_parquet(path)), schema)
    names = {str(column["name"]): column for column in schema["columns"]}
    separator = sep or best_separator(path, names, encoding)
    # Text is read as text: a category "007" must not become the number 7. The pipeline itself parses dates.
    text = ("categorical", "high_cardinality", "text", "date")
    as_text = {name: str for name, column in names.items() if column["kind"] in text and not column["numeric"]}
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer than the header lose their end
        try:
            frame = pd.read_csv(
                path,
                sep=separator,
                encoding=encoding,
                dtype=as_text,
                low_memory=False,
                index_col=False,
            )
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            raise SystemExit(f"{path} is ragged: {str(error).strip()}.") from error
    if separator == ";":
        read_commas(frame, as_text)
    return arrange(frame, schema)


def all_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Return what pandas stored as a named index beside the other columns; names are text, as in every other file."""
    named = [name for name in frame.index.names if name is not None and name not in frame.columns]
    whole = frame.reset_index(level=named) if named else frame
    return whole.set_axis([str(name) for name in whole.columns], axis=1)


def best_separator(path: Path, names: dict[str, Any], encoding: str) -> str:
    """Return the separator under which most columns of the header are known, or else which gives the right number."""

    def fit(separator: str) -> tuple[int, bool]:
        header = pd.read_csv(path, sep=separator, nrows=0, encoding=encoding, index_col=False).columns
        return len(set(names).intersection(header)), len(header) == len(names)

    return max(",;\t|", key=fit)


def read_commas(frame: pd.DataFrame, text: Any) -> None:
    """Turn columns of strings that are all numbers with a decimal comma into numbers, as automl does on reading.

    "1,234" may also be a thousand: where other columns have decimal points, a column of nothing but such stays text.
    """
    comma = re.compile(r"\s*[+-]?(?:[0-9]+,?[0-9]*|,[0-9]+)(?:[eE][+-]?[0-9]+)?\s*")
    grouped = re.compile(r"\s*[+-]?[1-9][0-9]{0,2},[0-9]{3}\s*|[^,]*")
    points = any(((frame[name] % 1) > 0).any() for name in frame.columns if frame[name].dtype.kind == "f")
    for name in frame.columns:
        if name in text or not pd.api.types.is_string_dtype(frame[name].dtype):
            continue
        values = frame[name].dropna().astype(str)
        if not all(map(comma.fullmatch, values)) or not values.str.contains(",", regex=False).any():
            continue
        if not (points and all(map(grouped.fullmatch, values))):
            frame[name] = frame[name].str.replace(",", ".", regex=False).astype("float64")


def arrange(frame: pd.DataFrame, schema: dict[str, Any]) -> Any:
    """Order the columns as in training, by name (tables) or by position (arrays); drop what is not known."""
    columns = schema["columns"]
    if schema["container"] != "frame":
        if frame.shape[1] != len(columns):
            raise SystemExit(f"The table has {frame.shape[1]} columns, but the model was trained on {len(columns)}.")
        values = frame.to_numpy(dtype="float64")
        if schema["container"] == "array":
            return values
        from scipy import sparse

        return sparse.csr_matrix(values)
    frame = frame.rename(columns={str(column["name"]): column["name"] for column in columns})
    missing = [c["name"] for c in columns if c["name"] not in frame and c["kind"] not in ("constant", "id")]
    if missing:
        raise SystemExit(f"The table lacks columns that the model uses: {', '.join(map(str, missing))}.")
    frame = frame.reindex(columns=[c["name"] for c in columns])  # unused ones may be absent, but they hold a position
    for c in columns:
        if c["numeric"] or c["kind"] in ("numeric", "boolean"):
            frame[c["name"]] = numbers(frame[c["name"]])
    return frame


def numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column that held numbers in training, converted if it does not (text, truth values beside gaps)."""
    if column.dtype.kind in "biuf":
        return column
    try:
        return column.astype("float64")
    except (ValueError, TypeError) as error:
        raise SystemExit(f"Column {column.name!r} held numbers in training; here: {error}.") from error


def golden_rows(folder: Path) -> Any:
    """Read the rows whose predictions were recorded at export."""
    if (folder / "golden.parquet").exists():
        frame = pd.read_parquet(folder / "golden.parquet")
        labels = {str(column["name"]): column["name"] for column in load_json(folder / "schema.json")["columns"]}
        return frame.rename(columns=labels)
    with np.load(folder / "golden.npz", allow_pickle=False) as stored:
        if "X" in stored:
            return stored["X"]
    from scipy import sparse

    return sparse.csr_matrix(sparse.load_npz(folder / "golden.npz"))


def check(folder: Path) -> list[str]:
    """Predict the golden rows again and return every difference to what was recorded, in words; none is none."""
    return differences(folder, outputs(load_model(folder), golden_rows(folder), load_decision(folder)))


def differences(folder: Path, found: dict[str, Any]) -> list[str]:
    """Return every difference of predictions of the golden rows to what was recorded, in words."""
    tolerance = load_json(folder / "metadata.json")["tolerance"]
    problems = []
    with np.load(folder / "golden_predictions.npz", allow_pickle=False) as expected:
        for name in expected.files:
            old, new = expected[name], found.get(name, np.empty(0))
            if np.array_equal(old, new, equal_nan=old.dtype.kind == "f"):
                continue
            comparable = old.shape == new.shape and old.dtype.kind == "f"
            by = float(np.max(np.abs(old - new))) if comparable else float("inf")
            if not by <= tolerance * max(1.0, float(np.max(np.abs(old))) if comparable else 1.0):
                how_much = f" by up to {by:.3g}" if comparable else ""
                problems.append(f"{name} differs{how_much} from what was recorded at export")
    return problems


def version_changes(folder: Path) -> list[str]:
    """Return the libraries whose installed version is not the one of the export."""
    changes = []
    for library, version in load_json(folder / "metadata.json")["libraries"].items():
        try:
            installed = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            installed = "none"
        if installed != version:
            changes.append(f"{library}: exported with {version}, installed {installed}")
    return changes


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Predict with an exported model.")
    parser.add_argument("table", nargs="?", type=Path, help="new rows: .csv, .tsv, .parquet, .npy or sparse .npz")
    parser.add_argument("-o", "--output", type=Path, default=Path("predictions.csv"), help="default: predictions.csv")
    parser.add_argument("--check", action="store_true", help="predict the golden rows again and compare them")
    parser.add_argument("--sep", help="separator of the CSV file; found from the header by default")
    parser.add_argument("--encoding", default="utf-8-sig", help="of the CSV file; default: UTF-8")
    given = parser.parse_args(arguments)
    folder = Path(__file__).resolve().parent
    for change in version_changes(folder):
        print(f"warning: {change}", file=sys.stderr)
    if given.check:
        problems = check(folder)
        tolerance = load_json(folder / "metadata.json")["tolerance"]
        how = f"to {tolerance:g}" if tolerance else "exactly"
        print("\n".join(problems) or f"the golden rows are predicted {how} as at export")
        return 1 if problems else 0
    if given.table is None:
        parser.error("give a table to predict, or --check")
    X = read_table(given.table, load_json(folder / "schema.json"), given.sep, given.encoding)
    found = outputs(load_model(folder), X, load_decision(folder))
    table = pd.DataFrame({"prediction": found["prediction"]})
    for position, label in enumerate(load_json(folder / "metadata.json")["classes"] or []):
        table[f"probability_{label}"] = found["probability"][:, position]
    try:
        table.to_csv(given.output, index=False)
    except OSError as error:
        raise SystemExit(f"{str(given.output)!r} cannot be written: {error}.") from error
    print(f"{len(table)} predictions written to {given.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
