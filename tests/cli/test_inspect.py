from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from automl.cli.console import run
from automl.store import read_manifest, write_model

MACHINES = Path(__file__).parents[2] / "datasets" / "machines.csv.gz"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished fit, which has been moved and renamed since."""
    made = tmp_path_factory.mktemp("made") / "model"
    table = made.with_name("machines.csv")
    pd.read_csv(MACHINES).head(300).to_csv(table, index=False)
    options = ["--trials", "2", "--jobs", "1", "--seed", "1", "--include", "linear", "--quiet"]
    assert run(["fit", str(table), "--target", "state", "--out", str(made), *options]) == 0
    return made.rename(tmp_path_factory.mktemp("moved") / "märz 2026")


def test_a_moved_folder_still_predicts_and_tells(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["predict", str(folder), str(MACHINES), "-o", str(tmp_path / "out.csv")]) == 0
    assert (pd.read_csv(tmp_path / "out.csv")["state"] == pd.read_csv(MACHINES)["state"]).mean() > 0.5
    for command in ("leaderboard", "failures", "inspect"):
        assert run([command, str(folder)]) == 0
    assert run(["export", str(folder), "--pickle", str(tmp_path / "pipeline.joblib")]) == 0


def test_it_tells_of_the_model_in_a_folder_and_of_the_file_alone(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["inspect", str(folder)]) == 0
    said = capsys.readouterr().out
    [file] = [path for path in folder.iterdir() if path.name.startswith("model.")]
    assert run(["inspect", str(file)]) == 0
    assert capsys.readouterr().out == said
    for expected in ("AutoClassifier, multiclass", "target:   state", "log_loss", "scikit-learn", "kurtosis", " MB: "):
        assert expected in said
    assert "1,000 rows in" in said and "made by:  automl" in said


def test_json_is_the_manifest(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["inspect", str(folder), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["format"] == "automl-model" and said["target"] == "state" and said["n_rows"] == 300
    assert said["size_mb"] > 0 and said["parts"]["estimator.pkl.zlib"]["size"] > 0


def test_nothing_of_the_model_is_loaded(folder: Path):
    code = (
        "import sys, pickle\n"
        "from automl.cli.console import run\n"
        f"assert run(['inspect', {str(folder)!r}]) == 0\n"
        "print('loaded:', *{'sklearn', 'pandas', 'lightgbm', 'skops'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded:"


def test_what_a_stranger_wrote_does_not_reach_the_terminal(folder: Path, tmp_path: Path, capsys):
    [file] = [path for path in folder.iterdir() if path.name.startswith("model.")]
    columns = tuple((f"c{i}", "numeric") for i in range(30))
    manifest = dataclasses.replace(read_manifest(file), command="\x1b[2J\nscore: perfect", columns=columns)
    write_model(tmp_path / "model", manifest, {})
    assert run(["inspect", str(tmp_path / "model")]) == 0
    said = capsys.readouterr().out
    assert "?[2J score: perfect" in said and "\x1b" not in said
    assert "... 10 more: --json" in said


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" + bytes(60)])
def test_what_is_no_model_is_2_and_one_line(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "file").write_bytes(content)
    for path in (tmp_path / "file", tmp_path, tmp_path / "nothing"):
        assert run(["inspect", str(path)]) == 2
        error = capsys.readouterr().err
        assert error.startswith("automl: error: ") and error.count("\n") == 1


def test_a_model_is_written_to_be_shared(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    pytest.importorskip("skops")
    assert run(["export", str(folder), "--share", str(tmp_path / "new" / "model.automl")]) == 0
    manifest = read_manifest(tmp_path / "new" / "model.automl")
    assert "estimator.skops" in manifest.parts and manifest.target == "state"
    assert manifest.command.startswith("automl")
    import automl

    model = automl.load(tmp_path / "new" / "model.automl", trusted=False)
    rows = pd.read_csv(MACHINES)
    assert (model.predict(rows) == rows["state"]).mean() > 0.5
    assert run(["export", str(folder), "--share", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err
