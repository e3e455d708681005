from __future__ import annotations

import gzip
import io
import shutil
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlparse

import pandas as pd
import pytest
import sklearn.datasets._openml as sklearn_openml
from scipy import sparse

from datasets.openml import NoConnectionError, load_openml, main
from tests.datasets.recording import FOLDER, answers

TABLE, REGRESSION, SPARSE, TWO_TARGETS, NO_TABLE = 999901, 999902, 999903, 999904, 999999


class Response(io.BytesIO):
    def info(self) -> dict[str, str]:
        return {"Content-Encoding": "gzip"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Answers from the recordings; returns the paths that were asked for."""
    asked: list[str] = []

    def urlopen(request):
        asked.append(urlparse(request.full_url).path.lstrip("/"))
        recorded = FOLDER / f"{asked[-1]}.gz"
        if not recorded.exists():
            raise HTTPError(request.full_url, 412, "Unknown dataset", None, None)
        return Response(recorded.read_bytes())

    monkeypatch.setattr(sklearn_openml, "urlopen", urlopen)
    return asked


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def urlopen(request):
        raise URLError("Name or service not known")

    monkeypatch.setattr(sklearn_openml, "urlopen", urlopen)
    monkeypatch.setattr(sklearn_openml.time, "sleep", lambda seconds: None)


def test_the_script_writes_the_recordings_that_lie_here():
    recorded = {str(path.relative_to(FOLDER))[:-3]: gzip.decompress(path.read_bytes()) for path in FOLDER.rglob("*.gz")}
    assert recorded == answers()


def test_a_table_comes_with_its_target_apart_and_its_categories(server: list[str], tmp_path: Path):
    X, y, info = load_openml(TABLE, tmp_path)
    assert (len(X), y.name, info.target, info.classifies) == (40, "state", "state", True)
    assert (info.n_rows, info.n_columns) == X.shape
    assert isinstance(X["pump_type"].dtype, pd.CategoricalDtype)
    assert set(y.cat.categories) == {"misaligned", "sound", "unbalanced", "worn_bearing"}
    assert X["bearing_celsius"].isna().any() and pd.api.types.is_numeric_dtype(X["bearing_celsius"])


def test_row_identifiers_and_ignored_columns_are_dropped_and_named(server: list[str], tmp_path: Path):
    X, _, info = load_openml(TABLE, tmp_path)
    assert info.dropped == ("row", "remark")
    assert not {"row", "remark"} & set(X.columns)


def test_a_target_of_numbers_is_a_regression(server: list[str], tmp_path: Path):
    _, y, info = load_openml(REGRESSION, tmp_path)
    assert not info.classifies and pd.api.types.is_float_dtype(y)


def test_a_sparse_table_stays_sparse(server: list[str], tmp_path: Path):
    X, y, info = load_openml(SPARSE, tmp_path)
    assert sparse.issparse(X) and X.shape == (40, info.n_columns)
    assert info.classifies and len(y) == 40


def test_what_was_downloaded_serves_without_a_network(server: list[str], no_network: None, tmp_path: Path):
    with pytest.raises(NoConnectionError):
        load_openml(TABLE, tmp_path / "empty")
    shutil.copytree(FOLDER, tmp_path / "openml" / "openml.org")
    X, _, info = load_openml(TABLE, tmp_path)
    assert len(X) == 40
    assert info.md5 and info.n_bytes == (FOLDER / "data/v1/download/999901/machines.arff.gz").stat().st_size


def test_each_file_is_downloaded_once(server: list[str], tmp_path: Path):
    load_openml(TABLE, tmp_path)
    assert len(server) == len(set(server)) == 4
    load_openml(TABLE, tmp_path)
    assert len(server) == 4


def test_without_a_network_the_error_says_what_to_do(no_network: None, tmp_path: Path):
    with pytest.raises(NoConnectionError, match="999901 is not in .*Name or service not known.*machine with a network"):
        load_openml(TABLE, tmp_path)


def test_an_unknown_number_is_no_network_error(server: list[str], tmp_path: Path):
    with pytest.raises(ValueError, match="999999 not found"):
        load_openml(NO_TABLE, tmp_path)


def test_two_targets_are_refused_by_name(server: list[str], tmp_path: Path):
    with pytest.raises(ValueError, match="2 targets .*row"):
        load_openml(TWO_TARGETS, tmp_path)


def test_a_damaged_file_is_noticed(server: list[str], tmp_path: Path):
    load_openml(TABLE, tmp_path)
    path = next(tmp_path.rglob("machines.arff.gz"))
    damaged = gzip.decompress(path.read_bytes()).replace(b"1470.6", b"9470.6")
    path.write_bytes(gzip.compress(damaged))
    with pytest.warns(RuntimeWarning, match="redownloading"):
        X, _, _ = load_openml(TABLE, tmp_path)
    assert X["speed_rpm"].iloc[0] == 1470.6


def test_the_command_writes_parquet_with_the_target_last(server: list[str], tmp_path: Path, capsys):
    assert main([str(TABLE), str(tmp_path / "out.parquet"), "--cache", str(tmp_path)]) == 0
    frame = pd.read_parquet(tmp_path / "out.parquet")
    assert frame.shape == (40, 10) and frame.columns[-1] == "state"
    said = capsys.readouterr().out
    assert "BSD-3-Clause" in said and "40 rows, 9 columns, target 'state'" in said


@pytest.mark.parametrize("number, words", [(SPARSE, "sparse"), (NO_TABLE, "not found")])
def test_the_command_says_why_not(number: int, words: str, server: list[str], tmp_path: Path, capsys):
    assert main([str(number), str(tmp_path / "out.parquet"), "--cache", str(tmp_path)]) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out.parquet").exists()
