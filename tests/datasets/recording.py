"""Writes ``recorded/``: what OpenML's server would answer if it held small tables of our own.

    python -m tests.datasets.recording

Nothing in it comes from OpenML. The rows are those of ``datasets/machines.csv.gz``; the numbers from 999901 on are
free. Fields and formats are those that scikit-learn reads: JSON as of API version 1, data as (sparse) ARFF, each file
compressed and named after the path of its address.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd

from datasets import load

FOLDER = Path(__file__).parent / "recorded"


def answers() -> dict[str, bytes]:
    """Return all answers by the path of their address."""
    table = load("machines")
    frame = table.X.assign(state=table.y).iloc[:40].reset_index(drop=True)
    words = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    frame["row"], frame["remark"] = frame.index + 1, [f"seen on day {day % 7}" for day in range(len(frame))]
    number = next(name for name in frame if name not in (*words, "row"))
    classes, values = frame.drop(columns="remark"), frame.drop(columns=["remark", "state"])
    return {
        **_answers(999901, "machines", frame, "state", row_id_attribute="row", ignore_attribute=["remark"]),
        **_answers(999902, "readings", values, number, row_id_attribute="row"),
        **_answers(999903, "sparse_readings", classes.drop(columns=["row", *set(words) - {"state"}]), "state", True),
        **_answers(999904, "two_targets", values, f"{number},row"),
    }


def _answers(
    data_id: int, name: str, frame: pd.DataFrame, target: str, sparse: bool = False, **marked: Any
) -> dict[str, bytes]:
    features = [_feature(frame[column], column in target.split(","), marked) for column in frame]
    for index, feature in enumerate(features):
        feature["index"] = str(index)
    arff = _arff(name, frame, sparse).encode()
    path = f"data/v1/download/{data_id}/{name}.arff"
    description = {
        "id": str(data_id),
        "name": name,
        "version": "1",
        "description": "Rows of a table of our own, invented.",
        "format": "Sparse_ARFF" if sparse else "ARFF",
        "upload_date": "2026-11-21T00:00:00",
        "licence": "BSD-3-Clause",
        "url": f"https://www.openml.org/{path}",
        "file_id": str(data_id),
        "default_target_attribute": target,
        **marked,
        "visibility": "public",
        "status": "active",
        "md5_checksum": hashlib.md5(arff).hexdigest(),
    }
    qualities = [{"name": "NumberOfInstances", "value": f"{len(frame)}.0"}]
    return {
        f"api/v1/json/data/{data_id}": _json({"data_set_description": description}),
        f"api/v1/json/data/features/{data_id}": _json({"data_features": {"feature": features}}),
        f"api/v1/json/data/qualities/{data_id}": _json({"data_qualities": {"quality": qualities}}),
        path: arff,
    }


def _feature(column: pd.Series[Any], is_target: bool, marked: dict[str, Any]) -> dict[str, Any]:
    def flag(held: bool) -> str:
        return str(bool(held)).lower()

    levels = _levels(column)
    return {
        "name": str(column.name),
        "data_type": _type(column),
        **({"nominal_values": levels} if _type(column) == "nominal" else {}),
        "is_target": flag(is_target),
        "is_ignore": flag(column.name in marked.get("ignore_attribute", ())),
        "is_row_identifier": flag(column.name == marked.get("row_id_attribute")),
        "number_of_missing_values": str(int(column.isna().sum())),
    }


def _type(column: pd.Series[Any]) -> str:
    if pd.api.types.is_numeric_dtype(column):
        return "numeric"
    return "string" if column.name == "remark" else "nominal"


def _levels(column: pd.Series[Any]) -> list[str]:
    return sorted(column.dropna().astype(str).unique())


def _arff(name: str, frame: pd.DataFrame, sparse: bool) -> str:
    lines = ["% Rows of a table of our own, invented.", f"@RELATION {name}", ""]
    for column in frame:
        kind = {"numeric": "REAL", "string": "STRING"}.get(_type(frame[column]))
        lines.append(f"@ATTRIBUTE {column} " + (kind or "{" + ",".join(_levels(frame[column])) + "}"))
    lines.append("@DATA")
    for row in frame.itertuples(index=False):
        cells = ["?" if pd.isna(value) else f'"{value}"' if " " in str(value) else str(value) for value in row]
        if sparse:  # zeros are left out
            cells = [f"{index} {cell}" for index, cell in enumerate(cells) if cell not in ("0", "0.0")]
        lines.append(("{" + ",".join(cells) + "}") if sparse else ",".join(cells))
    return "\n".join(lines) + "\n"


def _json(content: Any) -> bytes:
    return json.dumps(content, indent=1).encode()


def main() -> None:
    for path, content in answers().items():
        file = FOLDER / f"{path}.gz"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(content, mtime=0))


if __name__ == "__main__":
    main()
