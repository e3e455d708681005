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
from automl.data.commas import grouped_points, read_commas

__all__ = ["load_table"]

_TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
_PARQUET = (".parquet", ".pq")
_SEPARATORS = ",;\t|"
_HEAD = 65_536
_PROBE = 1_000  # rows
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?")
_LONGEST_HEADER = 16_000_000
_MOST_COLUMNS = 100_000
_ZERO, _BINARY = re.compile("\0"), re.compile("[\0-\x08\x0e-\x19\x1b]")  # the latter is in no Latin-1 text
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def load_table(path: str | os.PathLike[str], *, text: Collection[str] = ()) -> pd.DataFrame:
    """Read a table from a .csv, .tsv, .txt (each also .gz) or .parquet file.

    Columns named in ``text`` stay text in a text file, even where all their values look like numbers ("007").

    The separator of text files is found among comma, semicolon, tab and bar; with semicolons, columns of numbers with a
    decimal comma are understood. Text is UTF-8 or has a byte order mark; else it is read as Latin-1, with a warning.
    The first line holds the column names. Dates stay strings.

    Raises
    ------
    DataError
        The file is missing, empty, of an unknown kind, ragged, or repeats a column name.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise DataError(f"{path!r} is not a path; give the name of a file as a string.")
    file = Path(path)
    name = file.name.lower()
    if not os.path.exists(file):
        raise DataError(f"there is no file {str(file)!r}. Check the path; relative ones start at {os.getcwd()!r}.")
    if file.is_dir():
        raise DataError(f"{str(file)!r} is a folder; expected a single file. Name one of its files.")
    if not file.is_file():
        raise DataError(f"{str(file)!r} is a device or a pipe; expected a file. Write the table to one.")
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
    import pyarrow.parquet

    try:
        names = pyarrow.parquet.read_schema(file).names
        if len(set(names)) == len(names):
            return _all_columns(pd.read_parquet(file, engine="pyarrow"))
    except Exception as error:  # damaged bytes make Arrow raise nearly anything
        raise DataError(f"{str(file)!r} cannot be read as Parquet: {error}. Write it again.") from error
    raise DataError(_repeated_message(file, names))


def _all_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Return what pandas stored as a named index beside the other columns; names are text, as in every other file."""
    named = [name for name in frame.index.names if name is not None and name not in frame.columns]
    whole = frame.reset_index(level=named) if named else frame
    return whole.set_axis([str(name) for name in whole.columns], axis=1)


def _read_text(file: Path, text_columns: Collection[str]) -> pd.DataFrame:
    head = _head(file)
    encoding = _encoding(file, head)
    text = head.decode(encoding, errors="replace")
    if not text.strip():
        raise DataError(f"{str(file)!r} is empty; expected column names in the first line and at least one row.")
    if (_BINARY if encoding == "latin-1" else _ZERO).search(text):
        raise DataError(_binary_message(file))
    try:
        separator = _separator(text, file.name)
        _check_header(file, text, separator)
    except csv.Error as error:
        raise DataError(f"{str(file)!r} is no table: {error}. Expected column names in the first line.") from error
    options: dict[str, Any] = {
        "sep": separator,
        "encoding": encoding,
        "index_col": False,
        "compression": "gzip" if file.name.lower().endswith(".gz") else None,
    }
    try:
        with warnings.catch_warnings():
            # Rows longer than the header lose their end, with nothing but this warning.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame: pd.DataFrame = pd.read_csv(file, dtype=dict.fromkeys(text_columns, str), low_memory=False, **options)
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise DataError(
            f"{str(file)!r} is ragged: {str(error).strip()}. Every line must have as many fields as the first one "
            f"(separated by {separator!r}; fields that hold it must be quoted)."
        ) from error
    except Exception as error:  # pandas raises nearly anything for what is no table
        raise DataError(f"{str(file)!r} cannot be read: {error}. Write it again as UTF-8 text.") from error
    if encoding == "latin-1":
        warnings.warn(
            f"{str(file)!r} is not valid UTF-8; read as Latin-1. If letters look wrong, write it again as UTF-8.",
            UserWarning,
            stacklevel=3,
        )
    if separator == ";" and read_commas(frame, text_columns):
        _warn_of_points(file, frame, options)
    return frame


def _warn_of_points(file: Path, frame: pd.DataFrame, options: dict[str, Any]) -> None:
    """Say which columns were read with decimal points that may stand between thousands, beside decimal commas."""
    strings = pd.read_csv(file, dtype=str, nrows=_PROBE, **options)
    names = grouped_points(strings[[name for name in strings.columns if frame[name].dtype.kind == "f"]])
    if names:
        warnings.warn(
            f"{str(file)!r} has columns with decimal commas, and {', '.join(map(repr, names[:5]))} with points that "
            "may stand between thousands; read as decimal points. Take them out of the file if they are none.",
            UserWarning,
            stacklevel=4,
        )


def _open(file: Path) -> Any:
    return gzip.open(file, "rb") if file.name.lower().endswith(".gz") else open(file, "rb")


def _head(file: Path) -> bytes:
    try:
        with _open(file) as stream:
            head = bytes(stream.read(_HEAD))
            if len(head) == _HEAD and not _ended(head):  # the whole first line
                head += stream.readline(_LONGEST_HEADER)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{str(file)!r} cannot be read: {error}. Check its permissions and that it is complete."
        ) from error
    if len(head) > _LONGEST_HEADER and not _ended(head):
        raise DataError(f"{str(file)!r} is no table: its first line is longer than {_LONGEST_HEADER // 10**6} MB.")
    return head


def _ended(head: bytes) -> bool:
    return b"\n" in head or b"\r" in head


def _encoding(file: Path, head: bytes) -> str:
    """Trust a byte order mark; else try the whole file as UTF-8, which hardly any other encoding passes for."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    try:
        with io.TextIOWrapper(_open(file), encoding="utf-8", newline="") as stream:
            while part := stream.read(1 << 22):
                if "\0" in part:
                    raise DataError(_binary_message(file))
    except UnicodeDecodeError:
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
        try:
            widths = [len(row) for row in csv.reader(lines[:200], delimiter=separator) if row]
        except csv.Error:  # a field too long: it is another one
            return 0.0, 0
        if not widths or widths[0] < 2:
            return 0.0, 0
        return Counter(widths)[widths[0]] / len(widths), widths[0]

    return max(_SEPARATORS, key=merit)


def _check_header(file: Path, text: str, separator: str) -> None:
    """Refuse repeated names, which pandas would rename silently."""
    header = next((row for row in csv.reader(io.StringIO(text, newline=None), delimiter=separator) if row), [])
    if len(header) > _MOST_COLUMNS:
        raise DataError(f"{str(file)!r} has {len(header):,} columns; at most {_MOST_COLUMNS:,} can be read from text.")
    names = [name for name in header if name]
    if len(set(names)) < len(names):
        doubt = " Is the first line a header?" if any(map(_NUMBER.fullmatch, names)) else ""
        raise DataError(_repeated_message(file, names) + doubt)


def _repeated_message(file: Path, names: list[str]) -> str:
    repeated = [repr(name) for name, count in Counter(names).items() if count > 1]
    return f"{str(file)!r} has the column name(s) {', '.join(repeated[:5])} more than once. Rename the columns."


def _binary_message(file: Path) -> str:
    return (
        f"{str(file)!r} is not a text file, or it is UTF-16 without a byte order mark. Name it as what it is (known "
        f"are {', '.join(_TEXT + _PARQUET)}), or write it again as UTF-8 text."
    )
