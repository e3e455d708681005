import gzip

import pandas as pd
import pytest

from automl.core import DataError
from automl.data import load_table


def written(tmp_path, text, name="t.csv", encoding="utf-8"):
    path = tmp_path / name
    data = text.encode(encoding)
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["t.csv", "t.txt", "t.csv.gz"])
def test_separators_are_found(tmp_path, separator, name):
    rows = [["a", "b", "c"], ["1", "x y", ""], ["2.5", "z", "3"]]
    frame = load_table(written(tmp_path, "\n".join(separator.join(row) for row in rows), name))
    assert list(frame.columns) == ["a", "b", "c"]
    assert frame["a"].tolist() == [1.0, 2.5]
    assert frame["c"].isna().tolist() == [True, False]


def test_tsv(tmp_path):
    assert load_table(written(tmp_path, "a,1\tb\n1\t2\n", "t.tsv")).columns.tolist() == ["a,1", "b"]


def test_quoted_separators_and_line_breaks(tmp_path):
    frame = load_table(written(tmp_path, 'a,b\n"x;y;z",1\n"two\nlines; here",2\n'))
    assert frame["a"].tolist() == ["x;y;z", "two\nlines; here"]


def test_a_single_column(tmp_path):
    assert load_table(written(tmp_path, "a\n1\n2\n"))["a"].tolist() == [1, 2]


def test_decimal_commas(tmp_path):
    assert load_table(written(tmp_path, "a;b\n1,5;x\n-2,25;y\n"))["a"].tolist() == [1.5, -2.25]
    assert load_table(written(tmp_path, "a;b\n1.5;1,5\n2.5;y\n"))["a"].tolist() == [1.5, 2.5]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_with_marks(tmp_path, encoding):
    frame = load_table(written(tmp_path, "größe,b\nä,1\n", encoding=encoding))
    assert frame.columns.tolist() == ["größe", "b"]
    assert frame["größe"].tolist() == ["ä"]


def test_latin_1_is_read_with_a_warning(tmp_path):
    path = written(tmp_path, "a,b\n" + "x,1\n" * 40_000 + "ä,2\n", encoding="latin-1")
    with pytest.warns(UserWarning, match="read as Latin-1"):
        assert load_table(path)["a"].iloc[-1] == "ä"


def test_dates_stay_strings_and_booleans_do_not(tmp_path):
    frame = load_table(written(tmp_path, "d,b\n2020-01-01,True\n2020-01-02,False\n"))
    assert frame["d"].tolist() == ["2020-01-01", "2020-01-02"]
    assert frame["b"].dtype == bool


@pytest.mark.parametrize("name", ["t.parquet", "T.PQ"])
def test_parquet(tmp_path, name):
    frame = pd.DataFrame({"a": [1, 2], "c": pd.Categorical(["x", "y"])})
    frame.to_parquet(tmp_path / name)
    pd.testing.assert_frame_equal(load_table(str(tmp_path / name)), frame)


def test_columns_that_pandas_stored_as_the_index_are_columns(tmp_path):
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4], "c": [5, 6]})
    frame.set_index(["a", "b"]).to_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(load_table(tmp_path / "t.parquet"), frame)
    frame.set_index(pd.Index([7, 9])).to_parquet(tmp_path / "t.parquet")  # an index without a name is none
    assert load_table(tmp_path / "t.parquet").columns.tolist() == ["a", "b", "c"]


def test_numbered_columns_of_parquet_have_names(tmp_path):
    pd.DataFrame([[1.0, 2.0], [3.0, 4.0]]).to_parquet(tmp_path / "t.parquet")
    assert load_table(tmp_path / "t.parquet").columns.tolist() == ["0", "1"]


REFUSED = {
    "empty": ("", "t.csv", "is empty"),
    "blank": ("\n\n", "t.csv", "is empty"),
    "header only": ("a,b\n", "t.csv", "0 rows"),
    "too many fields": ("a,b\n1,2\n3,4,5\n", "t.csv", "ragged.*line 3"),
    "every row too long": ("a,b\n1,2,3\n3,4,5\n", "t.csv", "ragged"),
    "names twice": ("a,b,a\n1,2,3\n", "t.csv", "'a' more than once"),
    "no header": ("0,0,7\n1,2,3\n", "t.csv", "'0' more than once.*first line a header"),
    "unknown kind": ("a", "t.xlsx", "unknown extension.*csv"),
    "no parquet": ("a,b", "t.parquet", "cannot be read as Parquet"),
    "open quote": ('a,b\n"1,2\n3,4\n', "t.csv", "ragged"),
}


@pytest.mark.parametrize(("text", "name", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(tmp_path, text, name, message):
    with pytest.raises(DataError, match=message):
        load_table(written(tmp_path, text, name))


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        load_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="is a folder"):
        load_table(tmp_path)


@pytest.mark.parametrize(
    "data", [b"a,b\n1,2\n", gzip.compress(b"a,b\n1,2\n" * 1000)[:-20]], ids=["no gzip", "cut short"]
)
def test_broken_gzip(tmp_path, data):
    (tmp_path / "t.csv.gz").write_bytes(data)
    with pytest.raises(DataError, match="cannot be read"):
        load_table(tmp_path / "t.csv.gz")


def test_columns_named_as_text_stay_text(tmp_path):
    path = tmp_path / "codes.csv"
    path.write_text("code,size\n007,1\n012,2\n,3\n")
    frame = load_table(path, text=["code", "not there"])
    assert frame["code"].tolist()[:2] == ["007", "012"] and frame["code"].isna().tolist() == [False, False, True]
    assert frame["size"].tolist() == [1, 2, 3]
    assert load_table(path)["code"].tolist()[0] == 7
