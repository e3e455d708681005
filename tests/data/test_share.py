import datetime
import decimal
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse

from automl.core import StoreError
from automl.data import as_table, dump_dataset, fingerprint, make_dataset, open_dataset

N = 12
FRAME = pd.DataFrame(
    {
        "f8": np.linspace(0, 1, N),
        "f4": np.linspace(0, 1, N, dtype="float32"),
        "i1": np.arange(N, dtype="int8") % 5,
        "b": np.arange(N) % 2 == 0,
        "s": ["a", None, "ü"] * (N // 3),
        "string": pd.array(["a", pd.NA, "b"] * (N // 3), dtype="string"),
        "mixed": pd.Series([1, "a", None] * (N // 3), dtype=object),
        "decimal": pd.Series([decimal.Decimal("1.5"), decimal.Decimal(2)] * (N // 2), dtype=object),
        "cat": pd.Categorical(["x", "y"] * (N // 2), categories=["z", "y", "x"], ordered=True),
        "Int64": pd.array([1, None] * (N // 2), dtype="Int64"),
        "boolean": pd.array([True, None] * (N // 2), dtype="boolean"),
        "arrow": pd.array([1, None] * (N // 2), dtype="int64[pyarrow]"),
        "arrow_s": pd.array(["a", None] * (N // 2), dtype=pd.ArrowDtype(pa.string())),
        "day": pd.date_range("2020", periods=N),
        "zone": pd.date_range("2020", periods=N, tz="Europe/Paris"),
        "interval": pd.interval_range(0, N),
        "date": pd.Series([datetime.date(2020, 1, i + 1) for i in range(N)], dtype=object),
        "sparse": pd.arrays.SparseArray([0.0, 1.0] * (N // 2)),
    }
).set_axis(pd.Index([f"r{i}" for i in range(N)], name="row"))
Y = ["no", "yes", "so"] * (N // 3)
TABLES = {
    "frame": FRAME,
    "fortran frame": pd.DataFrame(np.asfortranarray(np.arange(24.0).reshape(N, 2)), columns=["a", "b"]),
    "sliced frame": pd.DataFrame(np.arange(48.0).reshape(N, 4)[:, ::2], columns=["a", "b"]),
    "every other row": pd.DataFrame({"a": np.arange(2 * N)})[::2],
    "array": np.arange(24.0).reshape(N, 2),
    "strided array": np.arange(48.0).reshape(N, 4)[:, ::2],
    "fortran array": np.asfortranarray(np.arange(24.0).reshape(N, 2)),
    "bool array": np.arange(24).reshape(N, 2) % 2 == 0,
    "sparse": as_table(sparse.random(N, 5, 0.4, random_state=0, format="csc")),
    "sparse array": as_table(sparse.csr_array(sparse.random(N, 5, 0.4, random_state=0))),
}


def dataset_of(table, **keywords):
    return make_dataset(table, Y, classifies=True, groups=np.arange(N) % 4, weights=np.ones(N), **keywords)


def dense(table):
    return table.toarray() if sparse.issparse(table) else table


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_a_dataset_comes_back_exactly(tmp_path, table):
    dataset = dataset_of(table, times=pd.date_range("2020", periods=N))
    opened = open_dataset(dump_dataset(dataset, tmp_path / "deep" / "folder"))
    assert type(opened.X) is type(dataset.X)
    if isinstance(table, pd.DataFrame):
        pd.testing.assert_frame_equal(opened.X, dataset.X, check_freq=False)
    else:
        assert np.array_equal(dense(opened.X), dense(dataset.X))
        assert opened.X.dtype == dataset.X.dtype
    for name in ("y", "classes", "groups", "times", "weights"):
        assert getattr(opened, name).tolist() == getattr(dataset, name).tolist()
        assert getattr(opened, name).dtype == getattr(dataset, name).dtype
    assert (opened.schema, opened.task) == (dataset.schema, dataset.task)
    assert fingerprint(opened) == fingerprint(dataset)


@pytest.mark.parametrize("name", ["array", "strided array", "fortran array", "frame", "sliced frame", "sparse"])
def test_opened_numbers_are_mapped_and_cannot_be_written(tmp_path, name):
    path = dump_dataset(dataset_of(TABLES[name]), tmp_path)
    before = path.read_bytes()
    X = open_dataset(path).X
    values = X["f8" if name == "frame" else "a"].to_numpy() if isinstance(X, pd.DataFrame) else X
    values = values.data if sparse.issparse(values) else values
    assert not values.flags.writeable
    with pytest.raises(ValueError, match="read-only|WRITEABLE"):
        values[0] = 7
    with pytest.raises(ValueError, match="WRITEABLE"):
        values.flags.writeable = True
    assert path.read_bytes() == before
    assert path.stat().st_mode & 0o222 == 0


def test_rows_of_an_opened_dataset_are_private(tmp_path):
    opened = open_dataset(dump_dataset(dataset_of(FRAME), tmp_path))
    part = opened.rows(np.arange(3)).X
    part.loc["r0", "f8"] = 99.0
    assert opened.X["f8"].iloc[0] == 0.0


def test_numbers_are_not_copied_into_the_pickle(tmp_path):
    rows = np.random.default_rng(0).normal(size=(1000, 200))
    for table in (rows[:, ::2], pd.DataFrame(rows[:, ::2]), pd.DataFrame(rows).iloc[::2]):
        y = np.arange(len(table)) % 2
        path = dump_dataset(make_dataset(table, y, classifies=True), tmp_path)
        header = path.read_bytes().split(b"\n", 1)[0]
        assert int(header.split(b'"pickle": ')[1].split(b",")[0]) < 60_000


def test_another_process_opens_it(tmp_path):
    dataset = dataset_of(FRAME)
    path = dump_dataset(dataset, tmp_path)
    code = f"from automl.data import *; d = open_dataset({str(path)!r}); print(fingerprint(d), d.X.shape)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.split()[0] == fingerprint(dataset)


def test_dumping_again_replaces_and_leaves_nothing_behind(tmp_path):
    dump_dataset(dataset_of(FRAME), tmp_path)
    path = dump_dataset(dataset_of(TABLES["array"]), tmp_path)
    assert isinstance(open_dataset(path).X, np.ndarray)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("damage", ["gone", "empty", "short", "changed", "other"])
def test_damage_is_noticed(tmp_path, damage):
    path = dump_dataset(dataset_of(FRAME), tmp_path)
    data = bytearray(path.read_bytes())
    path.unlink()
    if damage == "changed":
        data[data.index(b"\n") + 300] ^= 255
    content = {"empty": b"", "short": bytes(data[:-500]), "changed": bytes(data), "other": b"hello\n" * 9}.get(damage)
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoreError, match="shared table"):
        open_dataset(path)


def test_unwritable_folders(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write the shared table"):
        dump_dataset(dataset_of(FRAME), tmp_path / "file")


CHANGES = {
    "a number": lambda X: X.assign(f8=X["f8"].where(X["f8"] > 0, 5.0)),
    "a string": lambda X: X.assign(s=X["s"].fillna("a")),
    "an object": lambda X: X.assign(mixed=X["mixed"].where(X["mixed"] != 1, "1")),
    "a name": lambda X: X.rename(columns={"f8": "g8"}),
    "a dtype": lambda X: X.assign(i1=X["i1"].astype("int16")),
    "the order": lambda X: X[X.columns[::-1]],
    "the rows": lambda X: X[::-1],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_fingerprints_tell_tables_apart(change):
    assert fingerprint(dataset_of(FRAME)) != fingerprint(dataset_of(change(FRAME)))


def test_fingerprints_do_not_see_the_index():
    assert fingerprint(dataset_of(FRAME)) == fingerprint(dataset_of(FRAME.reset_index(drop=True)))


def test_fingerprints_do_not_see_how_wide_labels_are():
    narrow, wide = (
        make_dataset(FRAME, np.arange(len(FRAME)).astype(dtype) % 2, classifies=True) for dtype in ("int8", "int64")
    )
    assert fingerprint(narrow) == fingerprint(wide)
