"""What the command line says of the columns of a table."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from automl.cli.console import run
from automl.cli.request import Request
from automl.cli.table import read_table
from automl.core import DataError
from tests.cli.conftest import CSV, Refused


@pytest.fixture
def spaced(tmp_path: Path) -> str:
    """A table with blanks around the names in its first line."""
    path = tmp_path / "t.csv"
    path.write_bytes(CSV.replace(b"a,b,w,y", b"a, b , w, y ", 1))
    return str(path)


def test_a_name_with_blanks_around_it_is_offered_as_it_is(spaced: str, refused: Refused):
    refused(["plan", spaced, "--target", "y"], "did you mean ' y '?")
    refused(["drift", spaced, "--by", "w"], "did you mean ' w'?")
    refused(["plan", spaced, "--target", "result"], "its columns are: a, ' b ', ' w', ' y '")


def test_a_target_of_numbers_written_otherwise_is_asked_about(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f'{i},"1.{200 + i},5"\n' for i in range(30)))
    with pytest.raises(DataError, match=r"such as '1\.2.*a decimal comma.*--task classification"):
        read_table(Request(path, "y"))
    assert read_table(Request(path, "y", task="classification")).classifies


def test_a_run_without_its_table_asks_for_the_file(place: Path, quiet: None, tmp_path: Path, capsys):
    folder = Path(shutil.copytree(place / "model", tmp_path / "model"))
    shutil.rmtree(folder / "data")
    assert run(["resume", str(folder), "--trials", "4"]) == 2
    error = capsys.readouterr().err
    assert "--keep-data keeps it" in error and "its file at the command line" in error
