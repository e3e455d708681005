"""Whatever bytes a file holds: a table with rows and named columns comes out, or one DataError."""

from __future__ import annotations

import gzip
import io
import warnings
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from automl.core import DataError
from automl.data import load_table

FRAME = pd.DataFrame({"a": [1.5, None, 3.0], "größe": ["x", 'say "y"', "two\nlines"], "day": ["2024-01-01"] * 3})
CSV = FRAME.to_csv(index=False).encode()


def parquet() -> bytes:
    sink = io.BytesIO()
    FRAME.to_parquet(sink)
    return sink.getvalue()


PARQUET = parquet()
GZIP = gzip.compress(CSV, mtime=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


def read(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # read as Latin-1
            frame = load_table(path)
    except DataError as error:
        assert path.name in str(error)
    else:
        assert frame.shape[0] > 0 and frame.shape[1] > 0 and frame.columns.is_unique


@st.composite
def mutated(draw: st.DrawFn, original: bytes) -> bytes:
    """The original with some bytes replaced, put in, or cut out."""
    content = bytearray(original)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        length = draw(st.sampled_from([0, 1, 1, 2, 8, 1000]))
        content[start : start + length] = draw(st.binary(max_size=4))
    return bytes(content)


@given(st.binary(max_size=200), st.sampled_from(["t.csv", "t.tsv", "t.txt.gz", "t.parquet"]))
@example(b"a\rb\r", "t.csv")
@example(b"\x1c\n", "t.csv")
@example(b'"', "t.csv")
@example(b"a" * 140_000 + b",b\n1,2\n", "t.csv")
def test_any_bytes(folder: Path, content: bytes, name: str):
    read(folder / name, content)


@given(
    st.text(alphabet=",;\t|\"'\r\n\x0b\x1c\u2028 0.e-aä", max_size=60), st.sampled_from(["utf-8", "latin-1", "utf-16"])
)
def test_any_text(folder: Path, text: str, encoding: str):
    read(folder / "t.csv", text.encode(encoding, errors="replace"))


@given(mutated(CSV))
def test_damaged_text(folder: Path, content: bytes):
    read(folder / "t.csv", content)


@given(mutated(GZIP))
def test_damaged_gzip(folder: Path, content: bytes):
    read(folder / "t.csv.gz", content)


@given(mutated(PARQUET))
def test_damaged_parquet(folder: Path, content: bytes):
    read(folder / "t.parquet", content)
