"""Artifacts: the files that trials leave behind, named by trial and fold, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from automl.core import StoreError

__all__ = ["Artifacts"]


@dataclass(frozen=True)
class Artifacts:
    """A folder of artifacts. A value: driver and workers each hold one and see the same files.

    Only the driver deletes. Each file has one writer; a reader sees it complete or not at all.

    Parameters
    ----------
    folder : Path
        Created with the first file.

    Examples
    --------
    >>> from pathlib import Path
    >>> from automl.store import Artifacts
    >>> Artifacts(Path("run")).folder_for(7, 2).as_posix()
    'run/trial-00007/fold-2'
    """

    folder: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(self.folder))

    def folder_for(self, trial: int, fold: int | None) -> Path:
        """Return where a fold (None: the refit on all rows) of a trial keeps its files; does not create it."""
        return self.folder / f"trial-{trial:05d}" / ("refit" if fold is None else f"fold-{fold}")

    def write_atomic(self, path: str | Path, content: bytes | Callable[[IO[bytes]], Any]) -> Path:
        """Write a file under a temporary name, then give it its own; an earlier one is replaced.

        Parameters
        ----------
        content : bytes or callable
            A callable is given the open binary file: ``lambda file: np.save(file, array)``.
        """
        path = self._inside(path)
        scratch: Path | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
            scratch = Path(name)
            with os.fdopen(handle, "wb") as file:
                if callable(content):
                    content(file)
                else:
                    file.write(content)
            os.replace(scratch, path)
        except BaseException as error:
            if scratch is not None:
                scratch.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise StoreError(
                    f"The artifact {path} cannot be written: {error}. Free disk space or choose another folder."
                ) from error
            raise
        return path

    def delete(self, paths: Iterable[str | Path]) -> None:
        """Delete files and folders below the artifact folder; what is gone already is passed over."""
        for path in [self._inside(path) for path in paths]:
            _remove(path)
            if path.parent != Path(os.path.abspath(self.folder)):
                with contextlib.suppress(OSError):  # not empty, perhaps since a worker has just written there
                    path.parent.rmdir()

    def size_mb(self) -> float:
        """Return how much all artifacts take, in MB (10^6 bytes)."""
        total = 0
        for folder, _, names in os.walk(self.folder):
            for name in names:
                try:
                    total += os.lstat(os.path.join(folder, name)).st_size
                except FileNotFoundError:  # a worker has just renamed it
                    continue
        return total / 1e6

    def sweep(self, keep: Collection[str | Path]) -> None:
        """Delete everything except these files and folders (with all they hold), temporary leftovers included.

        No worker may be writing meanwhile.
        """
        kept = {self._inside(path) for path in keep}
        parents = {parent for path in kept for parent in path.parents}

        def walk(folder: Path) -> None:
            for path in sorted(folder.iterdir()):
                if path in parents and path.is_dir():
                    walk(path)
                elif path not in kept:
                    _remove(path)

        if self.folder.is_dir():
            walk(Path(os.path.abspath(self.folder)))

    def _inside(self, path: str | Path) -> Path:
        """Return the absolute path, refused outside the folder: a wrong path must never delete a user's file."""
        base, full = Path(os.path.abspath(self.folder)), Path(os.path.abspath(path))
        if base not in full.parents:
            raise StoreError(f"{path} is not below the artifact folder {self.folder}; only artifacts can be touched.")
        return full


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"The artifact {path} cannot be deleted: {error}. Check the rights of its folder.") from error
