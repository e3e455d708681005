import io
import pickle
from pathlib import Path

import numpy as np
import pytest

from automl.core import StoreError
from automl.store import Artifacts


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(tmp_path / "artifacts")


def files(artifacts: Artifacts) -> set[str]:
    return {p.relative_to(artifacts.folder).as_posix() for p in artifacts.folder.rglob("*") if p.is_file()}


def put(artifacts: Artifacts, trial: int, fold: int | None, name: str = "model", size: int = 10) -> Path:
    return artifacts.write_atomic(artifacts.folder_for(trial, fold) / name, b"x" * size)


def test_names_are_told_apart_and_sort(artifacts: Artifacts) -> None:
    names = [artifacts.folder_for(*at).as_posix() for at in [(2, 0), (2, 1), (2, None), (10, 0)]]
    assert names == sorted(set(names))


def test_a_callable_writes_into_the_open_file(artifacts: Artifacts) -> None:
    path = artifacts.write_atomic(artifacts.folder_for(0, 0) / "oof.npy", lambda file: np.save(file, np.arange(3)))
    assert np.load(io.BytesIO(path.read_bytes())).tolist() == [0, 1, 2]


def test_a_failed_write_leaves_the_earlier_file(artifacts: Artifacts) -> None:
    def fails(file) -> None:
        file.write(b"half")
        raise ValueError("boom")

    path = put(artifacts, 0, 0)
    with pytest.raises(ValueError, match="boom"):
        artifacts.write_atomic(path, fails)
    assert path.read_bytes() == b"x" * 10 and files(artifacts) == {"trial-00000/fold-0/model"}


def test_a_full_disk_is_a_store_error(artifacts: Artifacts) -> None:
    def fails(file) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match="No space left.*Free disk space"):
        artifacts.write_atomic(artifacts.folder_for(0, 0) / "model", fails)


def test_size_counts_all_files(artifacts: Artifacts) -> None:
    assert artifacts.size_mb() == 0.0
    put(artifacts, 0, 0, size=1_500_000)
    put(artifacts, 0, 1, size=500_000)
    assert artifacts.size_mb() == 2.0


def test_delete_takes_files_folders_and_what_is_gone(artifacts: Artifacts) -> None:
    kept, gone = put(artifacts, 0, 0), put(artifacts, 0, 1)
    artifacts.delete([gone, artifacts.folder_for(5, 0), gone])
    artifacts.delete([artifacts.folder_for(0, 1)])
    assert files(artifacts) == {kept.relative_to(artifacts.folder).as_posix()}


def test_empty_trial_folders_go_too(artifacts: Artifacts) -> None:
    put(artifacts, 3, 0)
    artifacts.delete([artifacts.folder_for(3, 0)])
    assert list(artifacts.folder.iterdir()) == []


@pytest.mark.parametrize("outside", ["../data.csv", "../artifacts", ".", "trial-00000/../../data.csv"])
def test_nothing_outside_the_folder_is_touched(artifacts: Artifacts, outside: str) -> None:
    user_file = artifacts.folder.parent / "data.csv"
    user_file.write_text("a")
    for act in (
        lambda p: artifacts.delete([p]),
        lambda p: artifacts.write_atomic(p, b""),
        lambda p: artifacts.sweep({p}),
    ):
        with pytest.raises(StoreError, match="not below the artifact folder"):
            act(artifacts.folder / outside)
    assert user_file.read_text() == "a"


def test_sweep_keeps_files_and_whole_folders(artifacts: Artifacts) -> None:
    put(artifacts, 0, 0, "model")
    oof = put(artifacts, 0, 0, "oof")
    put(artifacts, 1, 0)
    put(artifacts, 1, None)
    put(artifacts, 2, 0)
    (artifacts.folder / "trial-00002" / ".model.abc.tmp").write_bytes(b"")
    artifacts.sweep({oof, artifacts.folder_for(1, 0), str(artifacts.folder_for(9, 9))})
    assert files(artifacts) == {"trial-00000/fold-0/oof", "trial-00001/fold-0/model"}


def test_sweep_of_nothing(artifacts: Artifacts) -> None:
    artifacts.sweep(set())
    put(artifacts, 0, 0)
    artifacts.sweep(set())
    assert files(artifacts) == set()


def test_travels_to_workers(artifacts: Artifacts) -> None:
    assert pickle.loads(pickle.dumps(artifacts)) == artifacts
