"""Reading a table from a CSV, TSV or Parquet file."""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import warnings
import zlib
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd

from automl.core import DataError

__all__ = ["load_table"]

_TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
_PARQUET = (".parquet", ".pq")
_SEPARATORS = ",;\t|"
_HEAD = 65_536
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_DECIMAL_COMMA, _DECIMAL_POINT = (
    re.compile(r"(?:^|;)-?\d+,\d+(?=;|$)", re.M),
    re.compile(r"(?:^|;)-?\d+\.\d+(?=;|$)", re.M),
)


def load_table(path: str | os.PathLike[str], *, text: Collection[str] = ()) -> pd.DataFrame:
    """Read a table from a .csv, .tsv, .txt (each also .gz) or .parquet file.

    Columns named in ``text`` stay text in a text file, even where all their values look like numbers ("007").

    The separator of text files is found among comma, semicolon, tab and bar; with semicolons, decimal commas are
    understood. Text is UTF-8 or has a byte order mark; else it is read as Latin-1, with a warning. The first line holds
    the column names. Dates stay strings.

    Raises
    ------
    DataError
        The file is missing, empty, of an unknown kind, ragged, or repeats a column name.
    """
    file = Path(path)
    name = file.name.lower()
    if not file.exists():
        raise DataError(f"there is no file {str(file)!r}. Check the path; relative ones start at {os.getcwd()!r}.")
    if file.is_dir():
        raise DataError(f"{str(file)!r} is a folder; expected a single file. Name one of its files.")
    if not name.endswith(_TEXT + _PARQUET):
        known = ", ".join(_TEXT + _PARQUET)
        raise DataError(f"{str(file)!r} has an unknown extension; expected one of {known}. Convert or rename the file.")
    frame = _read_parquet(file) if name.endswith(_PARQUET) else _read_text(file, text)
    if frame.shape[0] == 0 or frame.shape[1] == 0:
        raise DataError(
            f"{str(file)!r} is empty: it has {frame.shape[0]} rows and {frame.shape[1]} columns. Expected a table "
            "with column names in the first line and at least one row."
        )
    return frame


def _read_parquet(file: Path) -> pd.DataFrame:
    import pyarrow

    try:
        return pd.read_parquet(file, engine="pyarrow")
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{str(file)!r} cannot be read as Parquet: {error}. Write it again.") from error


def _read_text(file: Path, text_columns: Collection[str]) -> pd.DataFrame:
    head = _head(file)
    encoding = _encoding(file, head)
    text = head.decode(encoding, errors="replace")
    if not text.strip():
        raise DataError(f"{str(file)!r} is empty; expected column names in the first line and at least one row.")
    separator = _separator(text, file.name)
    _check_header(file, text, separator)
    comma = separator == ";" and _DECIMAL_COMMA.search(text) and not _DECIMAL_POINT.search(text)
    try:
        with warnings.catch_warnings():
            # Rows longer than the header lose their end, with nothing but this warning.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                file,
                sep=separator,
                decimal="," if comma else ".",
                encoding=encoding,
                dtype=dict.fromkeys(text_columns, str),
                low_memory=False,
                index_col=False,
                compression="gzip" if file.name.lower().endswith(".gz") else None,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise DataError(
            f"{str(file)!r} is ragged: {str(error).strip()}. Every line must have as many fields as the first one "
            f"(separated by {separator!r}; fields that hold it must be quoted)."
        ) from error
    except (UnicodeError, ValueError, EOFError, OSError, zlib.error) as error:
        raise DataError(f"{str(file)!r} cannot be read: {error}. Write it again as UTF-8 text.") from error


def _open(file: Path) -> Any:
    return gzip.open(file, "rb") if file.name.lower().endswith(".gz") else open(file, "rb")


def _head(file: Path) -> bytes:
    try:
        with _open(file) as stream:
            return bytes(stream.read(_HEAD))
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{str(file)!r} cannot be read: {error}. Check its permissions and that it is complete."
        ) from error


def _encoding(file: Path, head: bytes) -> str:
    """Trust a byte order mark; else try the whole file as UTF-8, which hardly any other encoding passes for."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    try:
        with io.TextIOWrapper(_open(file), encoding="utf-8", newline="") as stream:
            while stream.read(1 << 22):
                pass
    except UnicodeDecodeError:
        warnings.warn(
            f"{str(file)!r} is not valid UTF-8; read as Latin-1. If letters look wrong, write it again as UTF-8.",
            UserWarning,
            stacklevel=4,
        )
        return "latin-1"
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{str(file)!r} cannot be read: {error}. Check that it is complete.") from error
    return "utf-8"


def _separator(text: str, name: str) -> str:
    """Return the separator by which the most lines have as many fields as the first one; more fields break ties."""
    if name.lower().endswith((".tsv", ".tsv.gz")):
        return "\t"
    lines = text.splitlines()
    if len(text) >= _HEAD - 4 and len(lines) > 1:
        lines = lines[:-1]  # cut somewhere

    def merit(separator: str) -> tuple[float, int]:
        widths = [len(row) for row in csv.reader(lines[:200], delimiter=separator) if row]
        if not widths or widths[0] < 2:
            return 0.0, 0
        return Counter(widths)[widths[0]] / len(widths), widths[0]

    return max(_SEPARATORS, key=merit)


def _check_header(file: Path, text: str, separator: str) -> None:
    """Refuse repeated names, which pandas would rename silently."""
    header = next(row for row in csv.reader(io.StringIO(text), delimiter=separator) if row)
    counts = Counter(name for name in header if name)
    repeated = [name for name, count in counts.items() if count > 1]
    if repeated:
        raise DataError(
            f"{str(file)!r} has the column name(s) {', '.join(map(repr, repeated[:5]))} more than once. "
            "Rename the columns in the first line."
        )
