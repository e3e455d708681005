"""`automl check` from a file to a report, an exit code and a repaired file."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from automl.cli.console import run

MACHINES = Path(__file__).parents[2] / "datasets" / "machines.csv.gz"


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("check") / "model"
    options = ["--trials", "2", "--jobs", "1", "--seed", "1", "--include", "linear", "--quiet"]
    assert run(["fit", str(MACHINES), "--target", "state", "--out", str(folder), *options]) == 0
    return folder


@pytest.fixture
def odd(tmp_path) -> Path:
    """A table that predict refuses: a column less, and one more that it would leave out."""
    frame = pd.read_csv(MACHINES).drop(columns=["state", "kurtosis"]).head(300).assign(note="seen twice")
    frame.to_csv(tmp_path / "odd.csv", index=False)
    return tmp_path / "odd.csv"


def test_the_table_of_fit_is_fine(model, capsys):
    assert run(["check", str(model), str(MACHINES)]) == 0
    streams = capsys.readouterr()
    assert streams.out.endswith("like the table of fit\n") and streams.err == ""
    assert run(["check", str(model), str(MACHINES), "--policy", "strict"]) == 0


def test_warnings_give_exit_code_1(model, odd, capsys):
    assert run(["check", str(model), str(odd)]) == 1
    said = capsys.readouterr().out
    assert "warning: column 'kurtosis' is missing" in said and "info:    column 'note' was not there" in said
    assert run(["check", str(model), str(odd), "--json"]) == 1
    result = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert result["ok"] is False and result["n_rows"] == 300
    assert {"missing_column", "extra_column"} <= {finding["code"] for finding in result["findings"]}


def test_strict_is_bad_input(model, odd, capsys):
    assert run(["check", str(model), str(odd), "--policy", "strict"]) == 2
    assert "'kurtosis' is missing" in capsys.readouterr().err


def test_what_repair_writes_can_be_predicted(model, odd, tmp_path, capsys):
    out = tmp_path / "deep" / "repaired.csv"
    assert run(["predict", str(model), str(odd)]) == 2
    assert run(["check", str(model), str(odd), "--policy", "repair", "-o", str(out)]) == 1
    assert run(["predict", str(model), str(out), "-o", str(tmp_path / "p.csv")]) == 0
    assert len(pd.read_csv(tmp_path / "p.csv")) == 300
    assert [path.name for path in out.parent.iterdir()] == ["repaired.csv"]
    assert "note" not in pd.read_csv(out).columns and pd.read_csv(out)["kurtosis"].isna().all()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--output", "new.csv"], "--policy repair"),
        (["--policy", "repair", "-o", "new.xlsx"], "write to .csv"),
        (["--policy", "mend"], "mend"),
    ],
)
def test_wrong_options(model, options, said, capsys):
    assert run(["check", str(model), str(MACHINES), *options]) == 2
    assert said in capsys.readouterr().err


def test_a_foreign_table_cannot_be_repaired(model, tmp_path, capsys):
    pd.DataFrame({"other": [1, 2]}).to_csv(tmp_path / "other.csv", index=False)
    out = tmp_path / "repaired.csv"
    assert run(["check", str(model), str(tmp_path / "other.csv"), "--policy", "repair", "-o", str(out)]) == 2
    assert "has none of the" in capsys.readouterr().err and not out.exists()
