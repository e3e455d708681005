"""Bad tables, options and places at the command line: an exit code and one line; the disk stays as it was."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.cli.console import run
from automl.cli.durations import parse_duration
from automl.core import SettingError
from automl.data import load_table
from tests.cli.conftest import CSV, FRAME, Refused

JUNK = bytes(np.random.default_rng(1).integers(0, 256, 5000, dtype=np.uint8))

# ---- tables


def parquet(table: object) -> bytes:
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink)
    return sink.getvalue().to_pybytes()


PARQUET = parquet(pa.table(FRAME.to_dict(orient="list")))
NESTED = parquet(pa.table({"a": [[1], [2]], "y": ["yes", "no"]}))
TWICE = parquet(pa.table([pa.array([1, 2]), pa.array([1, 2]), pa.array(["yes", "no"])], names=["a", "a", "y"]))
LONG = 64_000_000

TABLES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "empty": ("t.csv", lambda: b"", "is empty"),
    "blank lines": ("t.csv", lambda: b"\n\n\n", "is empty"),
    "header only": ("t.csv", lambda: b"a,b,y\n", "0 rows"),
    "a byte order mark only": ("t.csv", lambda: b"\xef\xbb\xbf", "is empty"),
    "another one only": ("t.csv", lambda: b"\xff\xfe", "is empty"),
    "nothing compressed": ("t.csv.gz", lambda: gzip.compress(b""), "is empty"),
    "no gzip": ("t.csv.gz", lambda: CSV, "Not a gzipped file"),
    "gzip cut short": ("t.csv.gz", lambda: gzip.compress(CSV)[:-30], "ended before"),
    "gzip with a wrong checksum": ("t.csv.gz", lambda: gzip.compress(CSV)[:-8] + b"12345678", "CRC"),
    "gzip named as text": ("t.csv", lambda: gzip.compress(CSV), "not a text file"),
    "a picture named as text": ("t.csv", lambda: b"\x89PNG\r\n\x1a\n" + JUNK[:300], "not a text file"),
    "an archive named as text": ("t.csv", lambda: b"PK\x03\x04" + JUNK[:300], "not a text file"),
    "Parquet named as text": ("t.csv", lambda: PARQUET, "not a text file"),
    "garbage": ("t.csv", lambda: JUNK, "not a text file"),
    "garbage as Parquet": ("t.parquet", lambda: JUNK, "cannot be read as Parquet"),
    "garbage compressed": ("t.csv.gz", lambda: gzip.compress(JUNK), "not a text file"),
    "text named as Parquet": ("t.parquet", lambda: CSV, "cannot be read as Parquet"),
    "an empty Parquet file": ("t.parquet", lambda: b"", "cannot be read as Parquet"),
    "Parquet without its end": ("t.parquet", lambda: PARQUET[:-100], "cannot be read as Parquet"),
    "Parquet without its middle": ("t.parquet", lambda: PARQUET[:500] + PARQUET[-40:], "cannot be read as Parquet"),
    "Parquet with damaged pages": ("t.parquet", lambda: PARQUET[:4] + JUNK[:900] + PARQUET[904:], "cannot be read as"),
    "Parquet with lists": ("t.parquet", lambda: NESTED, "column 'a' holds cells"),
    "Parquet with a name twice": ("t.parquet", lambda: TWICE, "'a' more than once"),
    "UTF-16 without a mark": ("t.csv", lambda: CSV.decode().encode("utf-16-le"), "UTF-16 without a byte order mark"),
    "UTF-16 the other way": ("t.csv", lambda: CSV.decode().encode("utf-16-be"), "UTF-16 without a byte order mark"),
    "UTF-16 cut short": ("t.csv", lambda: CSV.decode().encode("utf-16")[:-1], "truncated data"),
    "UTF-32": ("t.csv", lambda: CSV.decode().encode("utf-32"), "not a text file"),
    "halves of characters": ("t.csv", lambda: b"\xff\xfe\x00\xd8" * 20, "cannot be read"),
    "zero bytes in cells": ("t.csv", lambda: CSV.replace(b"x", b"\0"), "not a text file"),
    "zero bytes far down": ("t.csv", lambda: CSV + b"1,x,1.0,yes\n" * 10_000 + b"1,\0,1.0,yes\n", "not a text file"),
    "zero bytes in a name": ("t.csv", lambda: b"a\0,y\n1,yes\n2,no\n", "not a text file"),
    "ragged": ("t.csv", lambda: b"a,b,y\n1,2,yes\n1,2,3,no\n", "line 3"),
    "an open quote": ("t.csv", lambda: b'a,b,y\n"1,2,yes\n3,4,no\n', "ragged"),
    "a name twice": ("t.csv", lambda: b"a,a,y\n1,2,yes\n2,3,no\n", "'a' more than once"),
    "the target twice": ("t.csv", lambda: b"a,y,y\n1,yes,yes\n2,no,no\n", "'y' more than once"),
    "a web page": ("t.csv", lambda: b"<html>\n<body>Not, found</body>\n</html>\n", "ragged"),
    "JSON": ("t.csv", lambda: b'{"a": [1, 2],\n"y": [1, 2]}\n', "no such column"),
    "an unknown kind": ("t.xlsx", lambda: CSV, "unknown extension"),
    "no extension": ("table", lambda: CSV, "unknown extension"),
    "a line of 64 MB": ("t.csv", lambda: b"a" * LONG, "longer than 16 MB"),
    "a name of 64 MB": ("t.csv", lambda: b'"' + b"a" * LONG + b'",y\n1,yes\n', "longer than 16 MB"),
    "a cell of 64 MB": ("t.csv", lambda: b"a,y\n" + b"a" * LONG + b",yes\n1,no\n", "only one class"),
    "64 MB of zeros": ("t.csv", lambda: bytes(LONG), "longer than 16 MB"),
    "a million columns": ("t.csv", lambda: b"," * 1_000_000 + b"\n", "1,000,001 columns"),
    "the target alone": ("t.csv", lambda: b"y\nyes\nno\n" * 3, "no column to learn from"),
    "a constant target": ("t.csv", lambda: b"a,y\n1,1\n2,1\n" * 1, "single class"),
    "a target without values": ("t.csv", lambda: b"a,y\n1,\n2,\n", "2 of 2 values are missing"),
    "an infinite target": ("t.csv", lambda: b"a,y\n1,inf\n2,1.5\n", "infinity"),
    "one row": ("t.csv", lambda: b"a,y\n1,yes\n", "1 sample"),
    "terminal commands": ("t.csv", lambda: b"a\x1b[31m,z\n1,yes\n", "its columns are: a?[31m, z"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_wrong_table(name: str, refused: Refused, tmp_path: Path):
    file, content, said = TABLES[name]
    (tmp_path / file).write_bytes(content())
    refused(["plan", str(tmp_path / file), "--target", "y", "--trials", "1"], said)


@pytest.mark.parametrize("name", ["garbage", "Parquet without its end", "gzip cut short", "header only", "ragged"])
def test_every_command_refuses_a_wrong_table(name: str, refused: Refused, tmp_path: Path):
    file, content, said = TABLES[name]
    (tmp_path / file).write_bytes(content())
    table = str(tmp_path / file)
    refused(["fit", table, "--target", "y", "--out", "@new", "--trials", "1"], said)
    refused(["predict", "@model", table, "-o", "@out.csv"], said)
    refused(["check", "@model", table, "--policy", "repair", "-o", "@out.csv"], said)
    refused(["resume", "@model", table, "--trials", "2"], said)


PATHS = {
    "absent": ("@none.csv", "there is no file"),
    "a folder": ("@thesis", "is a folder"),
    "a folder named as a file": ("@folder.csv", "is a folder"),
    "a device": ("/dev/null", "device or a pipe"),
    "a long name": ("x" * 5000 + ".csv", "there is no file"),
    "nothing": ("", "is a folder"),
    "a zero byte": ("a\0.csv", "null byte"),
}


@pytest.mark.parametrize("name", PATHS)
def test_a_table_that_is_not_there(name: str, refused: Refused):
    path, said = PATHS[name]
    refused(["plan", path, "--target", "y"], said)
    refused(["fit", path, "--target", "y", "--out", "@new"], said)
    refused(["predict", "@model", path], said)
    refused(["check", "@model", path], said)
    refused(["resume", "@model", path, "--trials", "2"], said)


@pytest.mark.filterwarnings("default")
def test_latin_1_is_read_with_one_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "t.csv").write_bytes(CSV.replace(b"yes", "jä".encode("latin-1")))
    assert run(["plan", str(tmp_path / "t.csv"), "--target", "y", "--trials", "1"]) == 0
    error = capsys.readouterr().err
    assert error.startswith("automl: warning: ") and "Latin-1" in error and error.count("\n") == 1


def test_headers_longer_than_what_is_looked_at_first_are_read(tmp_path: Path):
    names = [f"column_number_{i:06d}" for i in range(8_000)]
    (tmp_path / "t.csv").write_text(",".join(names) + "\n" + ",".join(["1"] * 8_000) + "\n")
    assert list(load_table(tmp_path / "t.csv").columns) == names
    (tmp_path / "mac.csv").write_bytes(CSV.replace(b"\n", b"\r"))
    assert load_table(tmp_path / "mac.csv").shape == FRAME.shape


# ---- options

PLAN = ["plan", "@t.csv", "--target", "y"]
FIT = ["fit", "@t.csv", "--target", "y"]
OPTIONS: dict[str, tuple[list[str], str]] = {
    "unknown command": (["fti"], "No such command 'fti'"),
    "unknown option": ([*PLAN, "--colour"], "No such option: --colour"),
    "an option without its value": (["plan", "@t.csv", "--target"], "requires an argument"),
    "no target": (["plan", "@t.csv"], "Missing option '--target'"),
    "no table": (["plan", "--target", "y"], "Missing argument"),
    "two tables": ([*PLAN, "@t.csv"], "unexpected extra argument"),
    "no folder for the model": (FIT, "Missing option '--out'"),
    "a target that is not there": (["plan", "@t.csv", "--target", "Y"], "--target Y"),
    "an empty target": (["plan", "@t.csv", "--target", ""], "no such column"),
    "weights that are not there": ([*PLAN, "--weights", "weight"], "--weights weight"),
    "weights that are the target": ([*PLAN, "--weights", "y"], "must name different columns"),
    "weights that are the groups": ([*PLAN, "--weights", "w", "--groups", "w"], "must name different columns"),
    "weights that are text": ([*PLAN, "--weights", "b"], "not every value is a number"),
    "one group only": ([*PLAN, "--groups", "w"], "one group only"),
    "the target dropped": ([*PLAN, "--drop", "y"], "another option uses"),
    "everything dropped": ([*PLAN, "--drop", "a", "--drop", "b", "--drop", "w"], "no column to learn from"),
    "trials 0": ([*PLAN, "--trials", "0"], "--trials"),
    "trials 1e3": ([*PLAN, "--trials", "1e3"], "--trials"),
    "jobs 0": ([*PLAN, "--jobs", "0"], "n_jobs=0"),
    "jobs 1.5": ([*PLAN, "--jobs", "1.5"], "--jobs"),
    "seed -1": ([*PLAN, "--seed", "-1"], "--seed"),
    "seed abc": ([*PLAN, "--seed", "abc"], "--seed"),
    "an unknown task": ([*PLAN, "--task", "clustering"], "--task"),
    "regression on text": ([*PLAN, "--task", "regression"], "regression needs numbers"),
    "an unknown metric": ([*PLAN, "--metric", "acuracy"], "did you mean accuracy"),
    "an empty metric": ([*PLAN, "--metric", ""], "no metric ''"),
    "an unknown model": ([*PLAN, "--include", "perceptronium"], "perceptronium"),
    "an empty model": ([*PLAN, "--exclude", ""], "exclude=''"),
    "predict without a table": (["predict", "@model"], "Missing argument"),
    "check with an unknown policy": (["check", "@model", "@new.csv", "--policy", "mild"], "--policy"),
    "check that writes without repairing": (["check", "@model", "@new.csv", "-o", "@out.csv"], "--policy repair"),
    "leaderboard of nothing": (["leaderboard", "@model", "--top", "0"], "--top"),
    "log of nothing": (["log", "@model", "--tail", "x"], "--tail"),
    "export of nothing": (["export", "@model"], "say what to write"),
    "resume without trials": (["resume", "@model", "--trials", "0"], "--trials"),
    "resume without jobs": (["resume", "@model", "--trials", "2", "--jobs", "0"], "n_jobs=0"),
    "version of something": (["version", "1"], "unexpected extra argument"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_wrong_option(name: str, refused: Refused):
    arguments, said = OPTIONS[name]
    refused(arguments, said)


TIMES = ["-5s", "0", "0s", "abc", "", "1e400s", "inf", "nan", "5 m", "1h-5m", "\u0661s", "9" * 400 + "h", "400000000"]


@pytest.mark.parametrize("time", TIMES, ids=[time[:10] for time in TIMES])
def test_a_wrong_time(time: str, refused: Refused):
    refused([*PLAN, f"--time={time}"], "duration")
    refused([*FIT, "--out", "@new", "--time", time], "duration")
    refused(["resume", "@model", "--time", time], "duration")


# ---- places to write to

OUTS = {
    "a file": ("@file", "is a file"),
    "below a file": ("@file/model", "cannot be made"),
    "a folder of others": ("@thesis", "is not empty"),
    "a device": ("/dev/null", "is a file"),
    "where nobody may write": ("/proc/model", "cannot be made"),
    "a long name": ("x" * 300, "cannot be made"),
    "the model of before": ("@model", "--overwrite"),
    "the folder of the table": ("@", "is not empty"),
}


@pytest.mark.parametrize("name", OUTS)
def test_a_wrong_place_for_a_model(name: str, refused: Refused):
    path, said = OUTS[name]
    refused([*FIT, "--out", path, "--trials", "1", "--quiet"], said)


def test_what_automl_did_not_make_is_not_overwritten(refused: Refused):
    refused([*FIT, "--out", "@thesis", "--overwrite", "--trials", "1"], "automl did not make")


OUTPUTS = {
    "an unknown kind": ("@out.xlsx", "write to .csv"),
    "no extension": ("@out", "write to .csv"),
    "a folder": ("@folder.csv", "is a folder"),
    "below a file": ("@file/out.csv", "cannot be written"),
    "where nobody may write": ("/proc/out.parquet", "cannot be written"),
    "a long name": ("x" * 300 + ".csv", "cannot be written"),
    "nothing": ("", "write to .csv"),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_wrong_place_for_rows(name: str, refused: Refused):
    path, said = OUTPUTS[name]
    refused(["predict", "@model", "@new.csv", "-o", path], said)
    refused(["check", "@model", "@new.csv", "--policy", "repair", "-o", path], said)


EXPORTS = {
    "below a file": ("@file/out", "cannot be written"),
    "where nobody may write": ("/proc/out", "cannot be written"),
    "a long name": ("x" * 300, "cannot be written"),
    "a folder of others": ("@thesis", ""),
    "the working folder": ("", ""),
}


@pytest.mark.parametrize("option", ["--pickle", "--out", "--python"])
@pytest.mark.parametrize("name", EXPORTS)
def test_a_wrong_place_for_an_export(name: str, option: str, refused: Refused, place: Path):
    path, said = EXPORTS[name]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        refused(["export", "@model", option, path], said or option)


@given(st.one_of(st.text(max_size=12), st.from_regex(r"\A[0-9]{1,12}(\.[0-9]{1,4})?[smh]?\Z"), st.floats().map(str)))
def test_any_text_is_a_positive_duration_or_refused(text: str):
    try:
        assert 0 < parse_duration(text) <= 3.2e7
    except SettingError as error:
        assert "duration" in str(error)
