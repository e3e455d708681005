"""A read-only copy of a dataset on disk that every worker maps into its memory.

One file: a line of JSON, the pickle of the Dataset, then the raw buffers of its arrays (pickle protocol 5), each at a
multiple of 64 bytes. Opening it rebuilds the very same frame, dtypes, categories and index included, around the mapped
pages; the map is read-only, so that no worker can change what another one sees. Objects (Python strings of pandas 2,
mixed columns) cannot be mapped and are rebuilt in each worker.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import pickle
import tempfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from automl.core import Array, StoreError
from automl.data.dataset import Dataset

__all__ = ["dump_dataset", "fingerprint", "open_dataset"]

_FILE = "dataset.map"
_FORMAT = "automl dataset 1"
_ALIGNED = 64


def dump_dataset(dataset: Dataset, folder: Path) -> Path:
    """Write the dataset into a folder, whole or not at all, and return the path for :func:`open_dataset`.

    Raises
    ------
    StoreError
        The folder cannot be written.
    """
    buffers: list[pickle.PickleBuffer] = []
    stream = BytesIO()
    _Pickler(stream, protocol=5, buffer_callback=buffers.append).dump(dataset)
    body = stream.getbuffer()
    views: list[memoryview[Any]] = [buffer.raw() for buffer in buffers]
    header = {"format": _FORMAT, "pickle": len(body), "crc": zlib.crc32(body), "sizes": [len(view) for view in views]}
    path = Path(folder) / _FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                for part in (memoryview(json.dumps(header).encode() + b"\n"), body, *views):
                    file.write(part)
                    file.write(b"\0" * (-len(part) % _ALIGNED))
            os.chmod(scratch, 0o444)
            os.replace(scratch, path)
        except BaseException:
            os.unlink(scratch)
            raise
    except OSError as error:
        raise StoreError(
            f"cannot write the shared table to {path}: {error}. Free some space or change the folder."
        ) from error
    return path


def open_dataset(path: str | os.PathLike[str]) -> Dataset:
    """Open what :func:`dump_dataset` wrote; its arrays are mapped and read-only.

    It holds a pickle: open only what this process or its driver wrote.

    Raises
    ------
    StoreError
        The file is missing, cut short or damaged.
    """
    try:
        with open(path, "rb") as file:
            whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot open the shared table {path}: {error}.") from error
    try:
        end = bytes(whole[: 1 << 24]).index(b"\n") + 1
        header = json.loads(bytes(whole[:end]))
        if header["format"] != _FORMAT:
            raise ValueError(f"its format is {header['format']!r}, expected {_FORMAT!r}")
        body, *buffers = _parts(whole, end, [header["pickle"], *header["sizes"]])
        if zlib.crc32(body) != header["crc"]:
            raise ValueError("its checksum is wrong")
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"the shared table {path} is damaged: {error}. Run the fit again.") from error
    dataset: Dataset = pickle.loads(body, buffers=buffers)
    return dataset


def fingerprint(dataset: Dataset) -> str:
    """Return a 32-digit checksum of all values, names and kinds; the row index does not count.

    Equal for equal tables in every process; a resumed run compares it.

    Examples
    --------
    >>> from automl.data import fingerprint, make_dataset
    >>> one = make_dataset([[1.0], [2.0]], ["a", "b"], classifies=True)
    >>> two = make_dataset([[1.0], [2.5]], ["a", "b"], classifies=True)
    >>> fingerprint(one) == fingerprint(one), fingerprint(one) == fingerprint(two)
    (True, False)
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in _contents(dataset):
        digest.update(str((part.dtype, part.shape)).encode())
        digest.update(np.ascontiguousarray(part).data.cast("B") if part.size else b"")
    digest.update(json.dumps([dataset.schema.to_json(), str(dataset.task)], sort_keys=True, default=str).encode())
    return digest.hexdigest()


class _Pickler(pickle.Pickler):
    """Makes arrays contiguous first: others would be copied into the pickle, once for each worker."""

    def reducer_override(self, value: Any) -> Any:
        if type(value) is np.ndarray and not value.dtype.hasobject and not value.flags.forc:
            return np.ascontiguousarray(value).__reduce_ex__(5)
        return NotImplemented


def _parts(whole: memoryview, start: int, sizes: list[int]) -> Iterator[memoryview]:
    start += -start % _ALIGNED
    for size in sizes:
        if start + size > len(whole):
            raise ValueError(f"it ends after {len(whole)} bytes, expected {start + size}")
        yield whole[start : start + size]
        start += size + (-size % _ALIGNED)


def _contents(dataset: Dataset) -> Iterator[Array]:
    X = dataset.X
    if isinstance(X, pd.DataFrame):
        for position in range(X.shape[1]):
            yield _hashable(X.iloc[:, position])
    elif isinstance(X, np.ndarray):
        yield X
    else:
        yield from (X.data, X.indices, X.indptr)
    classes = dataset.classes
    if classes is not None and classes.dtype.kind in "iu":  # 3 is one label, however many bytes it takes
        classes = classes.astype(f"{classes.dtype.kind}8", copy=False)
    for values in (dataset.y, classes, dataset.groups, dataset.times, dataset.weights):
        if values is None:
            yield np.empty(0)
        else:
            yield values if values.dtype.kind in "biuf" else _hashable(pd.Series(values))


def _hashable(series: pd.Series[Any]) -> Array:
    """Return the numbers themselves, or 64-bit hashes of anything else."""
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "biuf":
        return series.to_numpy()
    if series.dtype == object and pd.api.types.infer_dtype(series, skipna=False) != "string":
        # pandas would hash 1 and "1" alike
        series = pd.Series([repr(value) for value in series], dtype=object)
    return np.asarray(pd.util.hash_pandas_object(series, index=False))
