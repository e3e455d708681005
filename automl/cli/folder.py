"""The folder of a model: where its parts lie, and who may replace it."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from automl.core import InputError, SettingError

__all__ = ["ModelFolder"]


JOURNAL, RECORD = "journal.sqlite", "automl.json"
# What the commands rely on, with the types of JSON.
_RECORD: dict[str, tuple[type, ...]] = {"target": (str,)}
_REQUEST: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("target", "table", "why_task"), (str,)),
    **dict.fromkeys(("weights", "groups", "times"), (str, type(None))),
    **dict.fromkeys(("drop", "left_aside"), (list,)),
    "classifies": (bool,),
}


def _read(path: Path, fields: Mapping[str, tuple[type, ...]]) -> dict[str, Any]:
    data = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict):
        raise ValueError(f"it holds a {type(data).__name__}, not a dictionary")
    wrong = [name for name, kinds in fields.items() if not isinstance(data.get(name), kinds)]
    if wrong:
        raise ValueError(f"it does not say as it should: {', '.join(wrong)}")
    return data


def _emptied(folder: Path, *, keep: bool) -> None:
    """Remove what is in a folder, and the folder unless it was there before."""
    with suppress(OSError):  # the error that is on its way says more
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        if not keep:
            folder.rmdir()


def _set_aside(place: Path) -> Path:
    """Return where a folder waits while a new one takes its place: a name that nothing of the user's has."""
    names = (f".{place.name}.replaced{number or ''}" for number in itertools.count())
    found = map(place.with_name, names)
    return next(path for path in found if not path.exists() or _is_ours(path))


def _is_ours(path: Path) -> bool:
    return (path / RECORD).is_file() or (path / JOURNAL).is_file()


def _put_back(old: Path, place: Path) -> None:
    """Undo what a process was at that was killed: its unfinished run stood in the place of a finished model."""
    if (old / RECORD).is_file() and (place / JOURNAL).is_file() and not (place / RECORD).is_file():
        shutil.rmtree(place)
        os.replace(old, place)


class ModelFolder:
    """What ``automl fit --out`` writes, and every other command reads.

    ``model.automl`` is the fitted estimator, ``export/`` the pipeline that needs no automl, ``journal.sqlite`` the run,
    ``request.json`` what was asked for and ``automl.json`` what came of it. The last is written when the model is
    there: a folder that has it is complete, one that has not can be resumed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.model = path / "model.automl"
        self.export = path / "export"
        self.journal = path / JOURNAL
        self._record = path / RECORD
        self._request = path / "request.json"

    def check_free(self, *, overwrite: bool) -> None:
        """Refuse a place that cannot be written to without losing something of the user's."""
        with self._refusing():
            used, is_folder = self.path.exists(), self.path.is_dir()
            filled = is_folder and any(self.path.iterdir())
        if filled:
            if not overwrite:
                raise SettingError(f"--out {self.path} is not empty; name a new folder, or add --overwrite")
            if not _is_ours(self.path):
                raise SettingError(f"--out {self.path} holds files that automl did not make; name a new folder")
            if Path.cwd().resolve().is_relative_to(self.path.resolve()):
                raise SettingError(
                    f"--out {self.path} holds the current folder, which cannot be replaced; name another"
                )
        elif used and not is_folder:
            raise SettingError(f"--out {self.path} is a file; name a folder")

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, RuntimeError) as error:  # the latter of links that lead in a circle
            raise SettingError(f"--out {self.path} cannot be made: {error}; name another folder") from error

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Put an empty folder in the place of an old one; the old one comes back if no model comes of it."""
        with self._refusing():
            place = self.path.resolve()  # behind a link, the folder that it names
            old = _set_aside(place)
            _put_back(old, place)
            empty = place.is_dir() and not any(place.iterdir())
            moved = place.exists() and not empty  # an empty one may be where something is mounted
            if moved:
                shutil.rmtree(old, ignore_errors=True)
                os.replace(place, old)
            place.mkdir(parents=True, exist_ok=True)
        try:
            yield
        except BaseException as error:
            if moved:
                shutil.rmtree(place, ignore_errors=True)
                os.replace(old, place)
            elif isinstance(error, InputError):
                _emptied(place, keep=empty)
            raise
        if moved:
            shutil.rmtree(old, ignore_errors=True)

    def settle(self) -> None:
        """Remove the folder that a killed process was replacing: its run has come to its end."""
        old = _set_aside(self.path.resolve())
        if _is_ours(old):
            shutil.rmtree(old, ignore_errors=True)

    @property
    def exported(self) -> bool:
        """Whether the pipeline is there, of the model that is there."""
        return (self.export / "pipeline.joblib").is_file()

    def drop_export(self) -> None:
        """Remove the pipeline of an earlier model, before a new one is saved."""
        shutil.rmtree(self.export, ignore_errors=True)

    def begin(self, request: Mapping[str, Any]) -> None:
        """Write what was asked for, so that the run can be resumed."""
        self._request.write_text(json.dumps(request, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    def request(self) -> dict[str, Any]:
        """Return what ``begin`` wrote, or refuse a folder without a run."""
        self.check_run()
        try:
            return _read(self._request, _REQUEST)
        except (OSError, ValueError, RecursionError) as error:
            raise SettingError(f"{self.path}: the run there cannot be resumed ({error}); fit again") from error

    def finish(self, record: Mapping[str, Any]) -> None:
        """Write what the command line must remember; from now on the folder is complete."""
        self._record.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    def record(self) -> dict[str, Any]:
        """Return what ``finish`` wrote, or refuse a folder that holds no finished model."""
        self.check_run()
        if not self._record.is_file():
            place = self.path.resolve()
            old = _set_aside(place)
            kept = f"; the finished model that it was to replace is in {old}" if (old / RECORD).is_file() else ""
            raise SettingError(
                f"{self.path}: the run there has not ended, or was killed; go on with: automl resume {self.path}{kept}"
            )
        try:
            return _read(self._record, _RECORD)
        except (OSError, ValueError, RecursionError) as error:
            raise SettingError(f"{self._record} cannot be read ({error}); fit again") from error

    def check_run(self) -> None:
        """Refuse a folder that automl did not make."""
        if not os.path.isdir(self.path):
            raise SettingError(f"{self.path} is no folder; name one that `automl fit --out` made")
        if not _is_ours(self.path):
            raise SettingError(f"{self.path} was not made by `automl fit --out`; name a folder that was")
