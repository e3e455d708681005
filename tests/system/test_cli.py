"""The command line from a file to a file: one counted run, and everything that is done with its folder."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import pandas as pd
import pytest

from automl.cli.console import run
from automl.core import StoreError
from automl.store import SqliteJournal

ROOT = Path(__file__).parents[2]
MACHINES = ROOT / "datasets" / "machines.csv.gz"
CLASSES = ["leaking_seal", "misaligned", "sound", "unbalanced", "worn_bearing"]


def fit(table: Path, target: str, out: Path, *options: str) -> int:
    searching = ["--trials", "3", "--jobs", "2", "--seed", "1", "--include", "linear", "--include", "tree"]
    return run(["fit", str(table), "--target", target, "--out", str(out), "--quiet", *searching, *options])


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """The folder of a finished run; the tests only read it."""
    folder = tmp_path_factory.mktemp("cli") / "model"
    assert fit(MACHINES, "state", folder) == 0
    return folder


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> Path:
    """A table to predict, with one column more than the model knows and the others in another order."""
    frame = pd.read_csv(MACHINES).drop(columns="state").head(40)
    path = tmp_path_factory.mktemp("rows") / "new.csv"
    frame[frame.columns[::-1]].assign(note="seen twice").to_csv(path, index=False)
    return path


def test_fit_says_what_came_out(tmp_path, capsys):
    assert fit(MACHINES, "state", tmp_path / "model") == 0
    streams = capsys.readouterr()
    assert streams.out.startswith("task: classification (")
    for said in (
        "score (log_loss)",
        "score:    log_loss",
        "corrected for selection",
        "searched: ",
        "equal: ",
        "stopped by",
        "pipeline: ",
    ):
        assert said in streams.out
    assert streams.err == ""


def test_the_folder_has_the_promised_parts(model):
    assert {"model.automl", "export", "journal.sqlite", "automl.json"} <= {path.name for path in model.iterdir()}
    assert (model / "export" / "README.md").is_file()


def test_fit_prints_strict_json(tmp_path, capsys):
    assert fit(MACHINES, "state", tmp_path / "model", "--json", "--metric", "accuracy") == 0
    said = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert said["task"] == "multiclass" and said["metric"] == "accuracy"
    assert said["score"]["interval"][0] <= said["score"]["value"] <= said["score"]["interval"][1]
    assert len(said["leaderboard"]) >= 3


def test_predict_writes_one_column_named_as_the_target(model, rows, tmp_path):
    out = tmp_path / "deep" / "predictions.csv"
    assert run(["predict", str(model), str(rows), "-o", str(out)]) == 0
    predictions = pd.read_csv(out)
    assert list(predictions.columns) == ["state"] and len(predictions) == 40
    assert (predictions["state"] == pd.read_csv(MACHINES)["state"].head(40)).mean() > 0.5


def test_predict_writes_one_column_per_class(model, rows, tmp_path):
    out = tmp_path / "proba.parquet"
    assert run(["predict", str(model), str(rows), "--output", str(out), "--proba"]) == 0
    predictions = pd.read_parquet(out)
    assert list(predictions.columns) == [f"proba_{name}" for name in CLASSES]
    assert predictions.sum(axis=1).to_numpy() == pytest.approx(1.0)


def test_predict_without_output_goes_to_stdout(model, rows, capsys):
    assert run(["predict", str(model), str(rows)]) == 0
    streams = capsys.readouterr()
    assert streams.out.splitlines()[0] == "state" and len(streams.out.splitlines()) == 41
    assert streams.err == ""


def test_predict_refuses_a_table_that_does_not_fit(model, tmp_path, capsys):
    pd.DataFrame({"load": [0.5]}).to_csv(tmp_path / "thin.csv", index=False)
    assert run(["predict", str(model), str(tmp_path / "thin.csv")]) == 2
    assert "kurtosis" in capsys.readouterr().err
    assert run(["predict", str(model), str(tmp_path / "thin.csv"), "-o", "predictions.xlsx"]) == 2


def test_leaderboard_and_failures(model, capsys):
    assert run(["leaderboard", str(model), "--json"]) == 0
    board = json.loads(capsys.readouterr().out)
    assert board[0]["model"] == "ensemble" and {row["metric"] for row in board} == {"log_loss"}
    assert run(["leaderboard", str(model), "--top", "2"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert run(["failures", str(model)]) == 0
    assert capsys.readouterr().out == "nothing failed\n"
    assert run(["failures", str(model), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_the_exported_pipeline_predicts_without_automl(model, rows, tmp_path):
    assert run(["export", str(model), "--pickle", str(tmp_path / "pipeline.joblib")]) == 0
    assert run(["predict", str(model), str(rows), "-o", str(tmp_path / "here.csv")]) == 0
    script = (
        "import sys; sys.modules['automl'] = None\n"
        "import joblib, pandas as pd\n"
        f"X = pd.read_csv({str(rows)!r})\n"
        f"print('\\n'.join(joblib.load({str(tmp_path / 'pipeline.joblib')!r}).predict(X)))"
    )
    there = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert there == pd.read_csv(tmp_path / "here.csv")["state"].tolist()


def test_export_copies_the_folder_once(model, tmp_path, capsys):
    assert run(["export", str(model), "--out", str(tmp_path / "shipped")]) == 0
    assert (tmp_path / "shipped" / "pipeline.joblib").is_file()
    assert run(["export", str(model), "--out", str(tmp_path / "shipped")]) == 2
    assert run(["export", str(model)]) == 2
    assert run(["export", str(model), "--pickle", str(tmp_path)]) == 2


def test_export_writes_a_script_that_fits_without_automl(model, tmp_path, capsys):
    out = tmp_path / "deep" / "pipeline.py"
    assert run(["export", str(model), "--python", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    pd.read_csv(MACHINES).to_csv(tmp_path / "table.csv", index=False)
    program = "import sys, runpy; sys.modules['automl'] = None; sys.argv.pop(0); "
    program += "runpy.run_path(sys.argv[0], {}, '__main__')"
    command = [sys.executable, "-I", "-c", program, str(out), "table.csv", "state", "m.joblib"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert joblib.load(tmp_path / "m.joblib").classes_.tolist() == CLASSES
    assert run(["export", str(model), "--python", str(tmp_path)]) == 2
    assert "--python" in capsys.readouterr().err


def test_a_model_is_not_overwritten_unasked(model, capsys):
    before = (model / "model.automl").stat().st_mtime_ns
    assert fit(MACHINES, "state", model) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (model / "model.automl").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--target", "stat"], "did you mean 'state'?"),
        (["--target", "state", "--drop", "colour"], "--drop colour"),
        (["--target", "state", "--weights", "pump_type"], "not every value is a number"),
        (["--target", "state", "--metric", "r2"], "r2"),
        (["--target", "state", "--include", "perceptronium"], "perceptronium"),
        (["--target", "state", "--task", "regression"], "regression needs numbers"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_bad_input_is_2_one_line_and_leaves_nothing(options, said, tmp_path, capsys):
    out = tmp_path / "model"
    assert run(["fit", str(MACHINES), "--out", str(out), "--trials", "1", "--quiet", *options]) == 2
    error = capsys.readouterr().err
    assert said in error and error.startswith("automl: error: ") and error.count("\n") == 1
    assert not out.exists()


def test_bad_input_keeps_the_model_that_was_to_be_overwritten(tmp_path, capsys):
    out = tmp_path / "model"
    assert fit(MACHINES, "state", out) == 0
    assert fit(MACHINES, "state", out, "--overwrite", "--metric", "r2") == 2
    assert run(["predict", str(out), str(MACHINES), "-o", str(tmp_path / "p.csv")]) == 0
    assert fit(MACHINES, "load", out, "--overwrite") == 0
    assert json.loads((out / "automl.json").read_text())["task"] == "regression"


@pytest.mark.skipif(sys.platform == "win32", reason="sent as signals")
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_fit_saves_the_best_so_far(sent, code, tmp_path):
    out = tmp_path / "model"
    process = start_fit(out, "--json")
    try:
        wait_for_a_model(out)
        process.send_signal(sent)
        out_text, error = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == code, error
    said = json.loads(out_text)
    assert said["stopped"] == "interrupted" and said["seconds"] < 600
    assert run(["predict", str(out), str(MACHINES), "-o", str(tmp_path / "p.csv")]) == 0


@pytest.mark.filterwarnings("ignore:the model predicts a constant. no other came to its end")  # on a busy machine
def test_a_killed_fit_is_seen_and_resumed(tmp_path, capsys):
    out = tmp_path / "model"
    process = start_fit(out)
    try:
        wait_for_a_model(out)
        assert run(["leaderboard", str(out)]) == 0 and "prior" in capsys.readouterr().out
        assert run(["resume", str(out), "--time", "5s"]) == 2
        assert "still working" in capsys.readouterr().err
    finally:
        process.kill()
        process.communicate()
    assert run(["predict", str(out), str(MACHINES)]) == 2
    assert f"automl resume {out}" in capsys.readouterr().err
    assert run(["resume", str(out), "--time", "6s", "--keep-data", "--json", "--quiet"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["target"] == "state" and first["trials"]["ok"] >= 1
    assert run(["log", str(out)]) == 0
    told = capsys.readouterr().out
    assert "resumed" in told and "fold 0: log_loss" in told and "stopped by" in told
    assert run(["resume", str(out)]) == 2
    assert "say how much time" in capsys.readouterr().err
    assert run(["resume", str(out), "--time", "6s", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["trials"]["ok"] >= first["trials"]["ok"]
    assert not (out / "data").exists()
    assert run(["resume", str(out), str(MACHINES), "--time", "6s", "--json", "--quiet"]) == 0
    assert run(["predict", str(out), str(MACHINES), "-o", str(tmp_path / "p.csv")]) == 0


def start_fit(out, *options):
    """Start a long fit in a process of its own, which hears signals whatever this one does with them."""
    command = [
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)",
        "from automl.cli import main; main()",
    ]
    arguments = ["fit", str(MACHINES), "--target", "state", "--time", "10m", "--jobs", "1", "--include", "linear"]
    return subprocess.Popen(
        [sys.executable, "-c", "; ".join(command), *arguments, "--out", str(out), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_a_model(folder: Path) -> None:
    """Look into a run's journal until a trial has ended well; pytest's own limit ends the wait."""
    while True:
        try:
            journal = SqliteJournal.open_readonly(folder / "journal.sqlite")
        except StoreError:
            time.sleep(0.2)
            continue
        events = [event for _, event in journal.read()]
        journal.close()
        if any(event.kind == "result" and event.data["status"] == "ok" for event in events):
            return
        time.sleep(0.2)


def test_columns_with_a_purpose_are_no_features(tmp_path, capsys):
    frame = pd.read_csv(ROOT / "datasets" / "repairs.csv.gz").head(300)
    frame["importance"] = frame["car_age_years"] + 1.0
    frame["case"] = [number // 3 for number in range(len(frame))]
    frame.to_csv(tmp_path / "repairs.tsv", sep="\t", index=False)
    options = ["--weights", "importance", "--groups", "case", "--drop", "damage", "--drop", "reported_on"]
    assert fit(tmp_path / "repairs.tsv", "cost", tmp_path / "model", *options) == 0
    import automl

    names = set(automl.load(tmp_path / "model" / "model.automl").feature_names_in_)
    assert names == set(frame.columns) - {"cost", "importance", "case", "damage", "reported_on"}
    assert run(["predict", str(tmp_path / "model"), str(tmp_path / "repairs.tsv"), "--proba"]) == 2
    assert "classifier" in capsys.readouterr().err


def test_plan_shows_what_fit_would_do(capsys):
    table = ROOT / "datasets" / "orders.csv.gz"
    assert run(["plan", str(table), "--target", "returned", "--time", "60s"]) == 0
    said = capsys.readouterr().out
    for expected in ("order_number", "high_cardinality", "binary, 2 classes", "roc_auc", "lightgbm", "Stays out"):
        assert expected in said
    assert run(["plan", str(table), "--target", "returned", "--time", "60s", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    kinds = {column["name"]: column["kind"] for column in plan["columns"]}
    assert kinds["order_number"] == "id" and kinds["ordered_on"] == "date" and kinds["brand"] == "high_cardinality"
    assert plan["plan"]["seconds"] < 60 and plan["plan"]["n_folds"] >= 3


def test_codes_stay_text_when_a_new_table_holds_only_such_that_look_like_numbers(tmp_path):
    lines = [f"{'007' if i % 2 else 'x12'},{i % 7},{'yes' if i % 2 else 'no'}" for i in range(60)]
    train, new, out = tmp_path / "train.csv", tmp_path / "new.csv", tmp_path / "out.csv"
    train.write_text("\n".join(["code,size,y", *lines]))
    new.write_text("code,size\n007,3\n007,4\n")
    assert fit(train, "y", tmp_path / "model") == 0
    assert run(["predict", str(tmp_path / "model"), str(new), "-o", str(out)]) == 0
    assert pd.read_csv(out)["y"].tolist() == ["yes", "yes"]
