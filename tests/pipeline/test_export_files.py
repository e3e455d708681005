"""What an export writes to files and reads from them, where they cannot hold it as it is."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from automl.data.dataset import Container, Kind, Schema, Task
from tests.pipeline.test_export import column, frame_model, predict, table, write


@pytest.mark.parametrize("kind", ["intervals", "dictionary"])
def test_categories_that_parquet_takes_and_cannot_give_back_are_text(tmp_path: Path, kind: str) -> None:
    import pyarrow

    made = {
        "intervals": pd.cut(pd.Series(np.arange(32.0)), 3),
        "dictionary": pd.Series(
            ["a", "b"] * 16, dtype=pd.ArrowDtype(pyarrow.dictionary(pyarrow.int32(), pyarrow.string()))
        ),
    }
    X = pd.DataFrame({"kind": made[kind], "n": np.arange(32.0)})
    schema = Schema((column("kind", Kind.CATEGORICAL, numeric=False, dtype="category"), column("n")), Container.FRAME)
    model = make_pipeline(ColumnTransformer([("n", "passthrough", ["n"])]), Ridge()).fit(X, np.arange(32.0))
    folder = write(tmp_path / "model", model, schema=schema, golden_X=X, task=Task.REGRESSION, classes=None)
    assert pd.read_parquet(folder / "golden.parquet")["kind"].iloc[0] == str(made[kind].iloc[0])
    assert predict(folder, "--check").returncode == 0


@pytest.mark.parametrize("decimal", [",", "."])
def test_decimal_commas_between_semicolons_are_read_as_automl_reads_them(tmp_path: Path, decimal: str) -> None:
    X = table()[["size", "count", "code"]]
    X.to_csv(tmp_path / "new.csv", sep=";", decimal=decimal, index=False)
    done = predict(write(tmp_path / "model"), tmp_path / "new.csv", "-o", tmp_path / "out.csv")
    assert done.returncode == 0, done.stderr
    assert pd.read_csv(tmp_path / "out.csv")["prediction"].tolist() == frame_model().predict(table()).tolist()


def test_rows_longer_than_the_header_are_refused(tmp_path: Path) -> None:
    header, *lines = table()[["size", "count", "code"]].to_csv(index=False).splitlines()
    folder = write(tmp_path / "model")
    for end, code in (",", 0), (",7", 1):  # an empty field too many moves nothing
        (tmp_path / "new.csv").write_text("\n".join([header, *(line + end for line in lines)]))
        done = predict(folder, tmp_path / "new.csv", "-o", tmp_path / "out.csv")
        assert done.returncode == code, done.stderr
    assert pd.read_csv(tmp_path / "out.csv")["prediction"].tolist() == frame_model().predict(table()).tolist()
    assert "is ragged" in done.stderr and "Traceback" not in done.stderr


def test_a_named_index_in_parquet_is_a_column(tmp_path: Path) -> None:
    X = table()[["size", "count", "code"]]
    X.set_index("size").to_parquet(tmp_path / "new.parquet")
    done = predict(write(tmp_path / "model"), tmp_path / "new.parquet", "-o", tmp_path / "out.csv")
    assert done.returncode == 0, done.stderr
    assert pd.read_csv(tmp_path / "out.csv")["prediction"].tolist() == frame_model().predict(table()).tolist()


def test_decimal_commas_in_quotes_and_beside_points_are_read_as_automl_reads_them(tmp_path: Path) -> None:
    X = table()[["size", "count", "code"]].assign(version=1.2)
    X["size"] = [str(value).replace(".", ",") if value == value else "" for value in X["size"]]
    X.to_csv(tmp_path / "new.csv", sep=";", index=False, quoting=csv.QUOTE_NONNUMERIC)
    done = predict(write(tmp_path / "model"), tmp_path / "new.csv", "-o", tmp_path / "out.csv")
    assert done.returncode == 0, done.stderr
    assert pd.read_csv(tmp_path / "out.csv")["prediction"].tolist() == frame_model().predict(table()).tolist()


def test_files_that_cannot_be_read_or_written_are_named_in_one_line(tmp_path: Path) -> None:
    folder = write(tmp_path / "model")
    table().to_csv(tmp_path / "new.csv", index=False)
    done = predict(folder, tmp_path / "none.csv")
    assert done.returncode == 1 and done.stderr == f"There is no file {str(tmp_path / 'none.csv')!r}. Check the path.\n"
    done = predict(folder, tmp_path / "new.csv", "-o", tmp_path / "none" / "out.csv")
    assert done.returncode == 1 and "cannot be written" in done.stderr and done.stderr.count("\n") == 1
