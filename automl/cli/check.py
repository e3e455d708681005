"""`automl check`: how a table differs from the one that a model was fitted on."""

from __future__ import annotations

import sys
from pathlib import Path

from automl.cli.folder import ModelFolder
from automl.cli.output import print_json
from automl.cli.predict import check_suffix, read_rows, write_rows
from automl.core import SettingError

__all__ = ["check_file"]

WARNINGS = 1


def check_file(model: Path, table: Path, policy: str, output: Path | None, *, as_json: bool) -> int:
    """Check a file against a saved model, write it repaired, and return the exit code."""
    folder = ModelFolder(model)
    target = folder.record()["target"]
    if output is not None:
        if policy != "repair":
            raise SettingError(f"--output {output}: only --policy repair has a table to write; add it")
        check_suffix(output)
    from automl import load

    estimator = load(folder.model)
    rows = read_rows(estimator, table)
    if target not in estimator.schema_.names:
        rows = rows.drop(columns=target, errors="ignore")  # known outcomes beside the features are nothing unusual
    check = estimator.check(rows, policy)
    if output is not None:
        write_rows(check.frame, output)
        print(f"{output}: {len(check.frame)} rows", file=sys.stderr)
    if as_json:
        print_json(check.to_json())
    else:
        print(check)
    return 0 if check.ok else WARNINGS
