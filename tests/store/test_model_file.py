from __future__ import annotations

import dataclasses
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from automl.core import StoreError
from automl.store import Manifest, read_manifest, read_part, write_model

PARTS = {"estimator.pkl.zlib": bytes(range(256)) * 8, "estimator.skops": b"skops" * 100}


def manifest(**changes: Any) -> Manifest:
    values: dict[str, Any] = {
        "automl": "0.1.0",
        "python": "3.11.7",
        "platform": "Linux",
        "libraries": {"numpy": "2.4.6"},
        "estimator": "AutoClassifier",
        "task": "binary",
        "target": "sold",
        "metric": "roc_auc",
        "score": 0.9,
        "interval": (0.8, None),
        "score_label": "search score (optimistic)",
        "columns": (("größe", "numeric"), ("city", "categorical")),
        "n_rows": 120,
        "seconds_1_row": 0.01,
        "seconds_1000_rows": None,
        "created": "2026-01-01T00:00:00+00:00",
        "command": "automl fit",
    }
    return Manifest(**{**values, **changes})


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    write_model(tmp_path / "model", manifest(), PARTS)
    return tmp_path / "model"


def with_manifest(path: Path, found: Any) -> None:
    """Write a file with another manifest and the same parts."""
    text = found if isinstance(found, str) else json.dumps(found)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", text)
        for name, content in PARTS.items():
            archive.writestr(name, content)


def test_what_is_written_is_read(tmp_path: Path):
    written = write_model(tmp_path / "new folder" / "model", manifest(), PARTS)
    found = read_manifest(tmp_path / "new folder" / "model")
    assert found == written and dataclasses.replace(found, parts={}) == manifest()
    assert found.size_mb == pytest.approx(sum(map(len, PARTS.values())) / 1e6)
    for name, content in PARTS.items():
        assert read_part(tmp_path / "new folder" / "model", name) == content
        assert found.parts[name].size == len(content)


def test_the_manifest_comes_first_and_parts_are_not_compressed_again(saved: Path):
    with zipfile.ZipFile(saved) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == ["manifest.json", *PARTS]
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert stat.S_IMODE(saved.stat().st_mode) == 0o644


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(saved: Path, monkeypatch: pytest.MonkeyPatch):
    before = saved.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        write_model(saved, manifest(n_rows=7), PARTS)
    assert saved.read_bytes() == before and list(saved.parent.iterdir()) == [saved]


def test_a_folder_is_not_overwritten(tmp_path: Path):
    (tmp_path / "model").mkdir()
    with pytest.raises(StoreError, match="cannot write"):
        write_model(tmp_path / "model", manifest(), PARTS)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("twentieth", range(20))
def test_a_file_that_was_cut_off_is_refused(saved: Path, twentieth: int):
    whole = saved.read_bytes()
    saved.write_bytes(whole[: len(whole) * twentieth // 20])
    with pytest.raises(StoreError, match="cannot be read as a model"):
        read_manifest(saved)


@pytest.mark.parametrize("name", ["manifest.json", *PARTS])
def test_a_flipped_bit_is_noticed(saved: Path, name: str):
    content = PARTS.get(name, b'"n_rows": 120')
    damaged = bytearray(saved.read_bytes())
    damaged[damaged.index(content) + len(content) // 2] ^= 4
    saved.write_bytes(damaged)
    with pytest.raises(StoreError, match="damaged"):
        read_manifest(saved) if name == "manifest.json" else read_part(saved, name)


@pytest.mark.parametrize("name", PARTS)
def test_a_part_that_was_exchanged_is_noticed(saved: Path, name: str):
    found = read_manifest(saved).to_json()
    for other in (b"x", PARTS[name][::-1]):
        with zipfile.ZipFile(saved, "w") as archive:
            archive.writestr("manifest.json", json.dumps(found))
            archive.writestr(name, other)
        with pytest.raises(StoreError, match=f"checksum of its part {name!r}"):
            read_part(saved, name)


def test_missing_parts_are_named(saved: Path):
    with pytest.raises(StoreError, match="no part 'weights'"):
        read_part(saved, "weights")
    found = read_manifest(saved).to_json()
    with zipfile.ZipFile(saved, "w") as archive:
        archive.writestr("manifest.json", json.dumps(found))
    with pytest.raises(StoreError, match="'estimator.skops' is missing"):
        read_part(saved, "estimator.skops")


def test_a_part_that_would_grow_in_memory_is_refused(saved: Path):
    found = read_manifest(saved).to_json()
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", json.dumps(found), zipfile.ZIP_STORED)
        archive.writestr("estimator.skops", PARTS["estimator.skops"])
    with pytest.raises(StoreError, match="not stored as save stores it"):
        read_part(saved, "estimator.skops")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"hello, this is no model", "it was not saved by this version"),
        (b"\x78\x01" + bytes(100), "it was not saved by this version"),  # what joblib and zlib write
        (b"\x80\x05K\x01.", "it was not saved by this version"),  # a pickle
        (b"PK\x03\x04" + bytes(200), "damaged or cut off"),
    ],
    ids=["empty", "text", "zlib", "pickle", "zip"],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, message: str):
    (tmp_path / "file").write_bytes(content)
    for read in (read_manifest, lambda path: read_part(path, "estimator.skops")):
        with pytest.raises(StoreError, match=f"cannot be read as a model: {message}"):
            read(tmp_path / "file")


def test_nothing_and_folders_are_refused(tmp_path: Path):
    with pytest.raises(StoreError, match="no model at"):
        read_manifest(tmp_path / "nothing")
    with pytest.raises(StoreError, match="is a folder"):
        read_manifest(tmp_path)


def test_another_zip_is_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("cat.txt", "meow")
    with pytest.raises(StoreError, match="it has no manifest"):
        read_manifest(tmp_path / "photos.zip")


def test_a_newer_version_asks_for_an_update(saved: Path):
    with_manifest(saved, {"format": "automl-model", "version": 2, "automl": "9.1"})
    with pytest.raises(StoreError, match="saved by automl 9.1 in version 2 of the format; update automl"):
        read_manifest(saved)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "something else"}, "no manifest of the format"),
        ({"version": "one"}, "version 'one'"),
        ({"version": True}, "version True"),
        ({"version": 0}, "version 0"),
        ({"n_rows": "many"}, "n_rows of its manifest is 'many'; expected a whole number"),
        ({"n_rows": True}, "n_rows"),
        ({"score": "good"}, "score"),
        ({"interval": [0.1]}, "interval"),
        ({"interval": ["low", "high"]}, "interval"),
        ({"libraries": ["numpy"]}, "libraries"),
        ({"libraries": {"numpy": 2}}, "libraries"),
        ({"libraries": {"numpy": {"a": 1}}}, "libraries"),
        ({"columns": {"a": "numeric"}}, "columns"),
        ({"columns": [["a", "numeric", "more"]]}, "columns"),
        ({"columns": [["a", None]]}, "columns"),
        ({"parts": []}, "parts"),
        ({"parts": {"estimator.skops": 5}}, "part 'estimator.skops'"),
        ({"parts": {"estimator.skops": {"size": "5", "sha256": ""}}}, "part 'estimator.skops'"),
        ({"target": 3}, "target"),
        ({"command": None}, "command"),
    ],
    ids=str,
)
def test_a_manifest_with_wrong_types_is_refused_by_name(saved: Path, changes: dict[str, Any], message: str):
    with_manifest(saved, {**read_manifest(saved).to_json(), **changes})
    with pytest.raises(StoreError, match=message):
        read_manifest(saved)


@pytest.mark.parametrize("name", [f.name for f in dataclasses.fields(Manifest) if f.name not in ("target", "score")])
def test_a_manifest_without_a_field_is_refused(saved: Path, name: str):
    found = read_manifest(saved).to_json()
    if name in ("search_score", "seconds_1_row", "seconds_1000_rows"):
        found[name] = "soon"
    else:
        del found[name]
    with_manifest(saved, found)
    with pytest.raises(StoreError, match=name):
        read_manifest(saved)


@pytest.mark.parametrize("text", ["[]", "null", "{", "hello"])
def test_a_manifest_that_is_no_mapping_is_refused(saved: Path, text: str):
    with_manifest(saved, text)
    with pytest.raises(StoreError, match="cannot be read as a model"):
        read_manifest(saved)


def test_a_manifest_nested_without_end_is_refused(saved: Path):
    with_manifest(saved, "[" * 100_000)
    with pytest.raises(StoreError, match="cannot be read as a model"):
        read_manifest(saved)
