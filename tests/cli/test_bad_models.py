"""Damaged models and runs at the command line: an exit code and one line; what is on the disk stays as it was."""

from __future__ import annotations

import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from automl.cli.folder import ModelFolder
from tests.cli.conftest import Refused, state

MODEL_FILE = ModelFolder(Path()).model.name
READING = {
    "predict": ["predict", "?", "@new.csv", "-o", "@out.csv"],
    "check": ["check", "?", "@new.csv"],
    "importance": ["importance", "?", "@t.csv"],
    "leaderboard": ["leaderboard", "?"],
    "log": ["log", "?", "--json"],
    "failures": ["failures", "?"],
    "export": ["export", "?", "--out", "@out"],
    "inspect": ["inspect", "?"],
    "resume": ["resume", "?", "--trials", "2"],
    "replay": ["replay", "?"],
}


@pytest.mark.parametrize("command", READING)
@pytest.mark.parametrize("path", ["@none", "@thesis", "@t.csv", "/dev/null", "@folder.csv", "x" * 5000, ""])
def test_what_is_no_model(command: str, path: str, refused: Refused, place: Path):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        refused([path if word == "?" else word for word in READING[command]], "")


def sql(*statements: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with closing(sqlite3.connect(folder / "journal.sqlite")) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    return change


def written(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(content) and None


def cut(name: str, share: float) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(share * len(content))])

    return change


JOURNAL = ("leaderboard", "log", "failures", "resume", "replay")
RECORD = ("predict", "check", "export", "inspect")
MODEL = ("predict", "check")
DAMAGE: dict[str, tuple[Callable[[Path], None], tuple[str, ...], int, str]] = {
    "journal of garbage": (written("journal.sqlite", b"garbage" * 1000), JOURNAL, 2, "journal"),
    "journal cut short": (cut("journal.sqlite", 0.3), JOURNAL, 2, "journal"),
    "journal of a later version": (sql("PRAGMA user_version = 99"), JOURNAL, 2, "Update automl"),
    "journal of something else": (sql("ALTER TABLE events RENAME TO people"), JOURNAL, 2, "not a journal"),
    "journal of no JSON": (sql("UPDATE events SET data = '{'"), JOURNAL, 2, "is damaged"),
    "journal of lists": (sql("UPDATE events SET data = '[]'"), JOURNAL, 2, "is damaged"),
    "journal of bytes": (sql("UPDATE events SET data = x'ff00'"), JOURNAL, 2, "is damaged"),
    "journal without content": (sql("UPDATE events SET data = '{}'"), ("log",), 2, "not as automl writes them"),
    "run without its plan": (sql("UPDATE events SET data = '{}'"), ("resume",), 2, "before it had a plan"),
    "record of garbage": (written("automl.json", b"\xff\xfe\0"), RECORD, 2, "automl.json cannot be read"),
    "record cut short": (cut("automl.json", 0.5), RECORD, 2, "automl.json cannot be read"),
    "record without content": (written("automl.json", b"{}"), RECORD, 2, "target"),
    "record of a list": (written("automl.json", b"[1]"), RECORD, 2, "holds a list"),
    "record too deep": (written("automl.json", b"[" * 100_000), RECORD, 2, "automl.json cannot be read"),
    "no record": (lambda folder: (folder / "automl.json").unlink(), RECORD, 2, "automl resume"),
    "request of garbage": (written("request.json", b"\xff"), ("resume",), 2, "cannot be resumed"),
    "request without content": (written("request.json", b"{}"), ("resume",), 2, "classifies"),
    "request of null": (written("request.json", b"null"), ("resume",), 2, "cannot be resumed"),
    "request too deep": (written("request.json", b"[" * 100_000), ("resume",), 2, "cannot be resumed"),
    "no request": (lambda folder: (folder / "request.json").unlink(), ("resume",), 2, "cannot be resumed"),
    "settings of garbage": (written("settings.pkl", b"x"), ("resume",), 2, "settings"),
    "no settings": (lambda folder: (folder / "settings.pkl").unlink(), ("resume",), 2, "settings"),
    "model of garbage": (written(MODEL_FILE, b"garbage"), MODEL, 2, "cannot be read as a model"),
    "model cut short": (cut(MODEL_FILE, 0.5), MODEL, 2, "damaged or cut off"),
    "empty model": (written(MODEL_FILE, b""), MODEL, 2, "is empty"),
    "no model": (lambda folder: (folder / MODEL_FILE).unlink(), MODEL, 2, "no model at"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_model_folder(name: str, refused: Refused, place: Path, tmp_path: Path):
    damage, commands, code, said = DAMAGE[name]
    folder = tmp_path / "model"
    shutil.copytree(place / "model", folder)
    damage(folder)
    before = state(folder)
    for command in commands:
        refused([str(folder) if word == "?" else word for word in READING[command]], said, code=code)
        assert state(folder) == before


def test_a_manifest_of_a_later_version(refused: Refused, place: Path, tmp_path: Path):
    shutil.copytree(place / "model", tmp_path / "model")
    path = tmp_path / "model" / MODEL_FILE
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert parts["manifest.json"].count(b'"version": 1,') == 1
    parts["manifest.json"] = parts["manifest.json"].replace(b'"version": 1,', b'"version": 9,')
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    for command in ("predict", "check", "inspect"):
        words = [str(tmp_path / "model") if word == "?" else word for word in READING[command]]
        refused(words, "in version 9 of the format; update automl")


NEW = {
    "a column missing": (b"b,w\nx,1\n", "lacks 1 column(s)"),
    "text for numbers": (b"a,b,w\ncheap,x,1\n", "held numbers in fit; here it holds 'cheap'"),
    "no column known": (b"c\n1\n", "lacks 2 column(s)"),
}


@pytest.mark.parametrize("name", NEW)
def test_rows_that_do_not_fit_the_model(name: str, refused: Refused, tmp_path: Path):
    content, said = NEW[name]
    (tmp_path / "new.csv").write_bytes(content)
    refused(["predict", "@model", str(tmp_path / "new.csv"), "-o", "@out.csv"], said)
    refused(["check", "@model", str(tmp_path / "new.csv"), "--policy", "strict"], "column")
