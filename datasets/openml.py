"""Tables of OpenML by their number: downloaded once, then read from a folder.

python -m datasets.openml 31 credit.parquet
"""

from __future__ import annotations

import argparse
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlparse

import pandas as pd
from scipy import sparse

__all__ = ["NoConnectionError", "OpenMLTable", "load_openml"]

CACHE = Path.home() / ".cache" / "automl"


class NoConnectionError(OSError):
    """OpenML does not answer, and the table is not in the folder."""


@dataclass(frozen=True)
class OpenMLTable:
    """Where a table comes from and what it is.

    Parameters
    ----------
    classifies : bool
        Whether OpenML lists the values of the target; False for regression.
    dropped : tuple of str
        Columns that OpenML marks as row identifiers or as to be ignored.
    md5 : str
        Of the data file, which was compared with what OpenML says.
    n_bytes : int
        Size of the data file in the folder, compressed.
    """

    data_id: int
    name: str
    version: str
    target: str
    classifies: bool
    n_rows: int
    n_columns: int
    dropped: tuple[str, ...]
    licence: str
    url: str
    md5: str
    n_bytes: int


def load_openml(data_id: int, cache: str | Path | None = None) -> tuple[Any, pd.Series[Any], OpenMLTable]:
    """Load a table of OpenML.

    Parameters
    ----------
    data_id : int
        The number in ``https://www.openml.org/d/31``.
    cache : path, optional
        Folder that keeps what was downloaded, ``~/.cache/automl`` by default. Copied to a machine without a network,
        it serves there.

    Returns
    -------
    X : DataFrame, or CSR matrix where OpenML keeps the table sparse
        Without row identifiers and ignored columns. Columns of listed values have pandas' category type, unused levels
        included.
    y : Series
        The default target.
    info : OpenMLTable

    Raises
    ------
    NoConnectionError
        OpenML does not answer.
    ValueError
        There is no such table, its file is damaged, or it has not exactly one target.
    """
    folder = Path(cache or CACHE).expanduser()
    bunch = _fetch(data_id, folder)
    names = list(bunch.target_names)
    if len(names) != 1:
        found = f"{len(names)} targets ({', '.join(names)})" if names else "no target"
        raise ValueError(f"table {data_id} of OpenML ({bunch.details['name']}) has {found}; one is needed.")
    y = bunch.target if isinstance(bunch.target, pd.Series) else pd.Series(bunch.target, name=names[0])
    details = bunch.details
    path = folder / "openml" / "openml.org" / (urlparse(details["url"]).path.lstrip("/") + ".gz")
    info = OpenMLTable(
        data_id=int(data_id),
        name=details["name"],
        version=str(details["version"]),
        target=names[0],
        classifies=not pd.api.types.is_numeric_dtype(y.dtype),
        n_rows=bunch.data.shape[0],
        n_columns=bunch.data.shape[1],
        dropped=(*_names(details.get("row_id_attribute")), *_names(details.get("ignore_attribute"))),
        licence=details.get("licence") or "not stated",
        url=bunch.url,
        md5=details["md5_checksum"],
        n_bytes=path.stat().st_size,
    )
    return bunch.data, y, info


def _fetch(data_id: int, folder: Path) -> Any:
    from sklearn.datasets import fetch_openml

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "A network error occurred")  # told once, below
            return fetch_openml(data_id=data_id, data_home=folder, n_retries=1)
    except HTTPError as error:
        raise NoConnectionError(f"OpenML refuses table {data_id}: {error}. Try again later.") from error
    except (URLError, TimeoutError, ConnectionError) as error:
        raise NoConnectionError(
            f"table {data_id} is not in {folder}, and OpenML cannot be reached ({getattr(error, 'reason', error)}). "
            f"Load it once on a machine with a network and copy its folder {folder} here, or pass that folder as cache."
        ) from error


def _names(attribute: Any) -> tuple[str, ...]:
    """Return a name or a list of names as OpenML gives them, or nothing."""
    return (attribute,) if isinstance(attribute, str) else tuple(attribute or ())


def main(arguments: list[str] | None = None) -> int:
    """Write a table of OpenML to a Parquet file."""
    parser = argparse.ArgumentParser(prog="python -m datasets.openml", description=main.__doc__)
    parser.add_argument("data_id", type=int, help="the number in https://www.openml.org/d/NUMBER")
    parser.add_argument("output", type=Path, help="Parquet file to write; the target is its last column")
    parser.add_argument("--cache", type=Path, help=f"folder that keeps what was downloaded (default: {CACHE})")
    given = parser.parse_args(arguments)
    try:
        X, y, info = load_openml(given.data_id, given.cache)
        if sparse.issparse(X):
            raise ValueError(f"table {info.data_id} ({info.name}) is sparse; load it with datasets.openml.load_openml.")
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    X.assign(**{info.target: y}).to_parquet(given.output, index=False)
    print(f"{info.name} (version {info.version}, {info.url}, licence: {info.licence})")
    print(f"{info.n_rows} rows, {info.n_columns} columns, target {info.target!r}, written to {given.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
