from __future__ import annotations

from importlib import metadata

import pytest

from automl.pipeline import versions
from automl.pipeline.versions import library_versions

ASKED = {"sklearn", "joblib", "json", "builtins", ""}


def test_the_usual_libraries_are_known_without_looking_through_all_that_is_installed(monkeypatch: pytest.MonkeyPatch):
    by_looking = {name for module in ("numpy", "pandas", "scipy", "sklearn", "joblib") for name in found(module)}

    def look() -> dict[str, list[str]]:
        raise AssertionError("looked through all")

    monkeypatch.setattr(versions, "_installed", look)
    libraries, loose = library_versions(ASKED)
    assert set(libraries) == by_looking and loose == []
    assert libraries["scikit-learn"] == metadata.version("scikit-learn")


def test_others_are_looked_up_and_what_nobody_provides_is_named():
    libraries, loose = library_versions({"_pytest", "my_script"})
    assert libraries["pytest"] == metadata.version("pytest") and loose == ["my_script"]


def test_a_library_under_another_name_is_looked_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(versions.DISTRIBUTIONS, "sklearn", "no-such-distribution")
    assert "scikit-learn" in library_versions(ASKED)[0]


def found(module: str) -> list[str]:
    return list(metadata.packages_distributions()[module])
