import hashlib
import importlib.util
import itertools
import json
import operator
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from automl.core import Budget, SettingError, SpaceError, StoreError
from automl.data import Column, Container, Kind, Schema, Task
from automl.pipeline.assemble import vote
from automl.pipeline.export import export

CLASSES = np.array(["ja", "nein", "wer weiß"], dtype=object)

# Any attempt to import automl ends the process: nothing of ours may be needed, not even by accident.
REFUSE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "automl":
            raise SystemExit("automl was imported")
sys.meta_path.insert(0, Refuse())
import runpy
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def predict(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run predict.py of an export in a process that refuses automl, away from our own source tree."""
    command = [sys.executable, "-W", "error", "-c", REFUSE, folder / "predict.py", *arguments]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(part) for part in command], cwd=folder.parent, env=env, text=True, capture_output=True, check=False
    )


def numbers_of(path: Path, columns: list[str]) -> np.ndarray:
    """Read numbers exactly: parsed by Python, not by pandas (whose fast parser is off by one bit at times)."""
    return pd.read_csv(path, dtype=str)[columns].map(float).to_numpy()


def table(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"size": rng.normal(size=n).round(3), "count": np.arange(n) % 7, "code": rng.choice(["007", "7", "x"], n)}
    )
    frame.loc[3, "size"] = np.nan
    frame.loc[5, "code"] = None
    return frame


def column(name, kind: Kind = Kind.NUMERIC, *, numeric: bool = True, dtype: str = "float64") -> Column:
    return Column(name, kind, numeric=numeric, n_unique=3, dtype=dtype)


FRAME_SCHEMA = Schema(
    (column("size"), column("count", dtype="int64"), column("code", Kind.CATEGORICAL, numeric=False, dtype="str")),
    Container.FRAME,
)
ARRAY_SCHEMA = Schema(tuple(column(i) for i in range(3)), Container.ARRAY)


def frame_model():
    columns = ColumnTransformer(
        [("n", SimpleImputer(), ["size", "count"]), ("c", OneHotEncoder(handle_unknown="ignore"), ["code"])]
    )
    y = np.arange(60) % 3
    models = [make_pipeline(columns, LogisticRegression(C=c)).fit(table(), y) for c in (0.1, 1.0)]
    return vote(models, classes=CLASSES, weights=[0.3, 0.7])


def regressor(X):
    return RandomForestRegressor(5, random_state=0).fit(X, np.arange(X.shape[0]) * 0.1)


def write(folder: Path, model=None, **changes) -> Path:
    settings = {
        "schema": FRAME_SCHEMA,
        "golden_X": table(),
        "task": Task.MULTICLASS,
        "classes": CLASSES,
        "metadata": {"score": np.float64(0.9), "interval": (np.nan, 1.0)},
    }
    return export(model or frame_model(), folder, **{**settings, **changes})


def write_array(folder: Path, X, container: Container) -> Path:
    schema = Schema(ARRAY_SCHEMA.columns, container)
    return write(folder, regressor(X), schema=schema, golden_X=X, task=Task.REGRESSION, classes=None)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("exports") / "model")


@pytest.fixture
def damaged(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "model"))


def test_the_folder_holds_all_that_is_needed(exported: Path) -> None:
    assert sorted(path.name for path in exported.iterdir()) == [
        "README.md",
        "golden.parquet",
        "golden_predictions.npz",
        "metadata.json",
        "pipeline.joblib",
        "predict.py",
        "requirements.txt",
        "schema.json",
    ]
    assert [path.name for path in exported.parent.iterdir()] == ["model"]


def test_predicts_a_csv_file_exactly_where_automl_cannot_be_imported(exported: Path, tmp_path: Path) -> None:
    table()[["code", "size", "count"]].assign(extra=1).to_csv(tmp_path / "new.csv", index=False)
    done = predict(exported, tmp_path / "new.csv", "-o", tmp_path / "out.csv")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    model = frame_model()
    assert pd.read_csv(tmp_path / "out.csv")["prediction"].tolist() == model.predict(table()).tolist()
    probabilities = numbers_of(tmp_path / "out.csv", [f"probability_{label}" for label in CLASSES])
    np.testing.assert_array_equal(probabilities, model.predict_proba(table()))


def test_the_golden_rows_are_checked_where_automl_cannot_be_imported(exported: Path) -> None:
    done = predict(exported, "--check")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "exactly as at export" in done.stdout


def test_twenty_golden_rows_with_labels_and_probabilities(exported: Path) -> None:
    with np.load(exported / "golden_predictions.npz", allow_pickle=False) as golden:
        np.testing.assert_array_equal(golden["probability"], frame_model().predict_proba(table().iloc[:20]))
        assert golden["prediction"].tolist() == frame_model().predict(table().iloc[:20]).tolist()


def test_the_pipeline_loads_with_joblib(exported: Path) -> None:
    model = joblib.load(exported / "pipeline.joblib")
    np.testing.assert_array_equal(model.predict_proba(table()), frame_model().predict_proba(table()))


def test_requirements_pin_what_is_installed(exported: Path) -> None:
    import sklearn

    lines = (exported / "requirements.txt").read_text().splitlines()
    assert f"scikit-learn=={sklearn.__version__}" in lines
    assert {line.partition("==")[0] for line in lines} == {
        "joblib", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy",
    }  # fmt: skip


def test_metadata_is_plain_json(exported: Path) -> None:
    found = json.loads((exported / "metadata.json").read_text(encoding="utf-8"))
    assert (
        found["run"] == {"score": 0.9, "interval": [None, 1.0]}
        and found["classes"] == CLASSES.tolist()
        and found["task"] == "multiclass"
    )
    assert Schema.from_json(json.loads((exported / "schema.json").read_text())) == FRAME_SCHEMA


@pytest.mark.parametrize("container", [Container.ARRAY, Container.SPARSE])
def test_arrays_and_sparse_matrices(container: Container, tmp_path: Path) -> None:
    dense = np.random.default_rng(0).normal(size=(30, 3)).round(3)
    X = dense if container is Container.ARRAY else sparse.csr_matrix(dense)
    folder = write_array(tmp_path / "model", X, container)
    pd.DataFrame(dense, columns=list("abc")).to_csv(tmp_path / "new.csv", sep=";", index=False)
    np.save(tmp_path / "new.npy", dense)
    sparse.save_npz(tmp_path / "new.npz", sparse.csr_matrix(dense))
    for name in ("new.csv", "new.npy" if container is Container.ARRAY else "new.npz"):
        done = predict(folder, tmp_path / name, "-o", tmp_path / "out.csv")
        assert done.returncode == 0, done.stderr
        np.testing.assert_array_equal(numbers_of(tmp_path / "out.csv", ["prediction"])[:, 0], regressor(X).predict(X))
    assert predict(folder, "--check").returncode == 0


def test_labels_that_are_no_strings_keep_their_positions_without_unused_columns(tmp_path: Path) -> None:
    X = pd.DataFrame({2020: 1.0, 2021: np.arange(30.0)})
    schema = Schema((column(2020, Kind.CONSTANT), column(2021)), Container.FRAME)
    model = make_pipeline(ColumnTransformer([("n", "passthrough", [1])]), Ridge()).fit(X, np.arange(30.0))
    folder = write(tmp_path / "model", model, schema=schema, golden_X=X, task=Task.REGRESSION, classes=None)
    X[[2021]].to_csv(tmp_path / "new.csv", index=False)
    done = predict(folder, tmp_path / "new.csv", "-o", tmp_path / "out.csv")
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(numbers_of(tmp_path / "out.csv", ["prediction"])[:, 0], model.predict(X))
    assert predict(folder, "--check").returncode == 0


def test_columns_that_parquet_cannot_hold(tmp_path: Path) -> None:
    X = pd.DataFrame(
        {
            "mixed": pd.Series([1, "a", None, 2.5] * 8, dtype=object),
            "sparse": pd.arrays.SparseArray(np.arange(32.0)),
        }
    ).set_axis(np.arange(32) / 2)
    X.attrs = {"source": object()}
    schema = Schema(
        (column("mixed", Kind.CATEGORICAL, numeric=False, dtype="object"), column("sparse")), Container.FRAME
    )
    numbers = FunctionTransformer(pd.DataFrame.astype, kw_args={"dtype": "float64"})
    model = make_pipeline(ColumnTransformer([("n", numbers, ["sparse"])]), Ridge()).fit(X, np.arange(32.0))
    folder = write(tmp_path / "model", model, schema=schema, golden_X=X, task=Task.REGRESSION, classes=None)
    golden = pd.read_parquet(folder / "golden.parquet")
    assert golden["mixed"].iloc[:2].tolist() == ["1", "a"] and len(golden) == 20


def test_whole_numbers_beyond_64_bits_are_exported(tmp_path: Path) -> None:
    X = pd.DataFrame({"account": pd.Series([10**30, 2**64, 5, None] * 8, dtype=object)})
    schema = Schema((column("account", dtype="object"),), Container.FRAME)
    model = make_pipeline(FunctionTransformer(pd.DataFrame.astype, kw_args={"dtype": "float64"}), SimpleImputer())
    model.steps.append(("model", Ridge()))
    model.fit(X, np.arange(32.0))
    folder = write(tmp_path / "model", model, schema=schema, golden_X=X, task=Task.REGRESSION, classes=None)
    assert pd.read_parquet(folder / "golden.parquet")["account"].iloc[:2].tolist() == [str(10**30), str(2**64)]


def test_what_parquet_refuses_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pd.DataFrame, "to_parquet", lambda *_, **keywords: int("too large"))
    with pytest.raises(StoreError, match="Parquet: invalid literal"):
        write(tmp_path / "model")
    assert not any(tmp_path.iterdir())


def test_dates_stay_text_and_gaps_between_truths_are_read(tmp_path: Path) -> None:
    X = pd.DataFrame(
        {
            "day": pd.date_range("2024-01-01", periods=30, tz="Europe/Berlin"),
            "flag": pd.array([True, False, None] * 10, dtype="boolean"),
        }
    )
    schema = Schema(
        (
            column("day", Kind.DATE, numeric=False, dtype=str(X["day"].dtype)),
            column("flag", Kind.BOOLEAN, dtype="boolean"),
        ),
        Container.FRAME,
    )
    dates = make_pipeline(
        FunctionTransformer(pd.to_datetime, kw_args={"format": "ISO8601", "utc": True}),
        FunctionTransformer(operator.attrgetter("dt.day_of_year")),
        FunctionTransformer(pd.Series.to_frame),
    )
    flags = make_pipeline(FunctionTransformer(pd.DataFrame.astype, kw_args={"dtype": "float64"}), SimpleImputer())
    columns = ColumnTransformer([("day", dates, "day"), ("flag", flags, ["flag"])])
    model = make_pipeline(columns, RandomForestRegressor(3, random_state=0)).fit(X, np.arange(30.0))
    folder = write(tmp_path / "model", model, schema=schema, golden_X=X, task=Task.REGRESSION, classes=None)
    X.to_csv(tmp_path / "new.csv", index=False)
    done = predict(folder, tmp_path / "new.csv", "-o", tmp_path / "out.csv")
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(numbers_of(tmp_path / "out.csv", ["prediction"])[:, 0], model.predict(X))
    assert predict(folder, "--check").returncode == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"code": None}, "lacks columns that the model uses: code"),
        ({"size": "large"}, "Column 'size' held numbers in training"),
    ],
)
def test_unfit_tables_are_explained(exported: Path, tmp_path: Path, change, message: str) -> None:
    frame = table().drop(columns=[name for name, value in change.items() if value is None])
    frame.assign(**{name: value for name, value in change.items() if value}).to_csv(tmp_path / "new.csv", index=False)
    done = predict(exported, tmp_path / "new.csv", "-o", tmp_path / "out.csv")
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr


def test_damage_is_noticed_before_loading(damaged: Path) -> None:
    path = damaged / "pipeline.joblib"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    done = predict(damaged, "--check")
    assert done.returncode == 1 and "is damaged" in done.stderr


def test_other_predictions_fail_the_check(damaged: Path) -> None:
    model = joblib.load(damaged / "pipeline.joblib")
    model.weights = [0.30000001, 0.7]
    joblib.dump(model, damaged / "pipeline.joblib")
    metadata = json.loads((damaged / "metadata.json").read_text(encoding="utf-8"))
    checksum = hashlib.sha256((damaged / "pipeline.joblib").read_bytes()).hexdigest()
    (damaged / "metadata.json").write_text(json.dumps({**metadata, "files": {"pipeline.joblib": checksum}}))
    done = predict(damaged, "--check")
    assert done.returncode == 1 and "probability differs by up to" in done.stdout


@pytest.mark.parametrize(("by", "works"), [(1e-12, True), (1e-3, False)])
def test_a_model_that_repeats_itself_only_almost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: float, works: bool
) -> None:
    """As sums over threads do; here by an offset that is drawn anew at each call, in a module of the user's."""
    source = "import os\ndef wobble(X, by):\n    return X + by * int.from_bytes(os.urandom(4), 'big') / 2**32\n"
    (tmp_path / "wobbly.py").write_text(source)
    spec = importlib.util.spec_from_file_location("wobbly", tmp_path / "wobbly.py")
    wobbly = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(wobbly)
    monkeypatch.setitem(sys.modules, "wobbly", wobbly)  # leaves with the test
    offset = FunctionTransformer(wobbly.wobble, kw_args={"by": by})
    X = np.arange(60.0).reshape(30, 2)
    model = make_pipeline(offset, Ridge()).fit(X, X[:, 0])
    schema = Schema((column(0), column(1)), Container.ARRAY)
    task = {"task": Task.REGRESSION, "classes": None}
    if not works:
        with pytest.raises(StoreError, match="does not predict as the fitted one: prediction differs by up to"):
            write(tmp_path / "model", model, schema=schema, golden_X=X, **task)
        assert not (tmp_path / "model").exists()
        return
    folder = write(tmp_path / "model", model, schema=schema, golden_X=X, **task)
    done = predict(folder, "--check")
    assert done.returncode == 0 and "to 1e-09" in done.stdout, done.stderr
    assert "# wobbly: not from a package index" in (folder / "requirements.txt").read_text()


def test_other_versions_are_told(damaged: Path) -> None:
    metadata = json.loads((damaged / "metadata.json").read_text(encoding="utf-8"))
    (damaged / "metadata.json").write_text(json.dumps({**metadata, "libraries": {"numpy": "0.1", "gone": "2"}}))
    done = predict(damaged, "--check")
    assert (
        "numpy: exported with 0.1, installed" in done.stderr and "gone: exported with 2, installed none" in done.stderr
    )


def test_an_existing_folder_is_refused(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="overwrite=True"):
        write(exported)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(SettingError, match="choose another folder"):
            write(tmp_path / "thesis", overwrite=overwrite)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"


def test_an_empty_folder_is_used_and_an_export_replaced(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    write(tmp_path / "model", metadata={"run": 1})
    (tmp_path / "model" / "stale.txt").write_text("")
    folder = write(tmp_path / "model", metadata={"run": 2}, overwrite=True)
    assert json.loads((folder / "metadata.json").read_text(encoding="utf-8"))["run"] == {"run": 2}
    assert not (folder / "stale.txt").exists() and os.listdir(tmp_path) == ["model"]


def test_a_failure_leaves_nothing_behind_and_the_old_export_in_place(
    damaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("automl.pipeline.export._write_golden", full)
    with pytest.raises(StoreError, match="No space left on device"):
        write(damaged, overwrite=True)
    assert os.listdir(damaged.parent) == ["model"] and predict(damaged, "--check").returncode == 0


def test_it_gives_up_where_comparing_would_end_too_late(tmp_path: Path) -> None:
    """By a clock that goes on by three seconds whenever it is read."""
    reads = itertools.count()
    with pytest.raises(StoreError, match=r"takes about 3\.0 s, and 2\.0 s were left"):
        write(tmp_path / "model", budget=Budget(8.0, clock=lambda: 3.0 * next(reads)))
    assert os.listdir(tmp_path) == []
    reads = itertools.count()
    assert write(tmp_path / "model", budget=Budget(20.0, clock=lambda: 3.0 * next(reads))).is_dir()


def test_each_of_both_models_predicts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    counted = types.ModuleType("counted")
    counted.seen = lambda X: (calls.append(len(X)), X)[1]
    counted.seen.__module__, counted.seen.__qualname__ = "counted", "seen"
    monkeypatch.setitem(sys.modules, "counted", counted)
    X = np.arange(60.0).reshape(30, 2)
    model = make_pipeline(FunctionTransformer(counted.seen), Ridge()).fit(X, X[:, 0])
    calls.clear()
    schema = Schema((column(0), column(1)), Container.ARRAY)
    write(tmp_path / "model", model, schema=schema, golden_X=X, task=Task.REGRESSION, classes=None)
    assert calls == [20, 20]


def test_a_model_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match="refers to automl"):
        write(tmp_path / "model", FunctionTransformer(export))
    assert os.listdir(tmp_path) == []
