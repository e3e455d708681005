"""A place with a table and a model, and the check that a command is refused there."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl.cli.console import run

RNG = np.random.default_rng(0)
ROWS = 60
FRAME = pd.DataFrame({"a": RNG.normal(size=ROWS), "b": RNG.choice(list("xyz"), ROWS), "w": 1.0})
FRAME["y"] = np.where(FRAME["a"] > 0, "yes", "no")
CSV = FRAME.to_csv(index=False).encode()


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # which the command line replaces
    monkeypatch.delenv("AUTOML_DEBUG", raising=False)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a table, a new table, a model whose run has kept its data, and things that are in the way."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "t.csv").write_bytes(CSV)
    FRAME.drop(columns="y").head(5).to_csv(folder / "new.csv", index=False)
    (folder / "file").write_text("mine")
    (folder / "thesis").mkdir()
    (folder / "thesis" / "thesis.tex").write_text("years of work")
    (folder / "folder.csv").mkdir()
    searching = ["--trials", "1", "--jobs", "1", "--include", "linear", "--keep-data", "--quiet"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warnings, "showwarning", warnings.showwarning)
        assert run(["fit", str(folder / "t.csv"), "--target", "y", "--out", str(folder / "model"), *searching]) == 0
    yield folder


def state(folder: Path) -> dict[str, bytes | None]:
    """Return everything below a folder, without what reading a journal leaves beside it."""
    paths = [path for path in sorted(folder.rglob("*")) if not path.name.startswith("journal.sqlite-")]
    return {str(path): path.read_bytes() if path.is_file() else None for path in paths}


class Refused:
    """Runs a command that must be refused and leave everything as it was."""

    def __init__(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._place, self._capsys = place, capsys

    def __call__(self, arguments: list[str], said: str, *, code: int = 2) -> None:
        words = [word.replace("@", f"{self._place}/") for word in arguments]
        before = state(self._place)
        assert run(words) == code
        error = self._capsys.readouterr().err
        assert error.startswith("automl: error: ") and error.count("\n") == 1 and len(error) < 5000
        assert said in error and "Traceback" not in error and error.rstrip("\n").isprintable()
        assert state(self._place) == before


@pytest.fixture
def refused(place: Path, quiet: None, capsys: pytest.CaptureFixture[str]) -> Refused:
    return Refused(place, capsys)
