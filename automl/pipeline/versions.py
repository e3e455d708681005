"""Versions of the libraries that a model needs: recorded when it is written, compared when it is read."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib import metadata

__all__ = ["library_versions", "version_changes"]


ALWAYS = ("numpy", "pandas", "scipy", "sklearn")  # the arithmetic of every model, whether its pickle names it or not
# Who provides what most models need: to ask who provides a module reads the file lists of all that is installed.
DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    **{name: name for name in ("catboost", "joblib", "lightgbm", "numpy", "pandas", "pyarrow", "scipy", "xgboost")},
}


def library_versions(modules: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Return the versions of the distributions that provide these modules, and the modules that none provides.

    Examples
    --------
    >>> from automl.pipeline.versions import library_versions
    >>> libraries, loose = library_versions({"joblib", "json", "my_script"})
    >>> list(libraries), loose
    (['joblib', 'numpy', 'pandas', 'scikit-learn', 'scipy'], ['my_script'])
    """
    public = {*modules, *ALWAYS} - set(sys.stdlib_module_names) - {"", "__main__"}
    providers = {module: _providers(module) for module in public}
    names = {name for found in providers.values() for name in found}
    libraries = {name: metadata.version(name) for name in sorted(names, key=str.lower)}
    return libraries, sorted(module for module, found in providers.items() if not found)


def _providers(module: str) -> Sequence[str]:
    known = DISTRIBUTIONS.get(module)
    if known is not None:
        with suppress(metadata.PackageNotFoundError):
            metadata.version(known)
            return (known,)
    return _installed().get(module, ())


@functools.cache
def _installed() -> Mapping[str, Sequence[str]]:
    return metadata.packages_distributions()


def version_changes(libraries: Mapping[str, str]) -> list[str]:
    """Return, in words, the libraries whose installed version has another first or second number than the recorded one.

    Examples
    --------
    >>> from automl.pipeline.versions import version_changes
    >>> version_changes({"no-such-library": "1.2.3"})
    ['no-such-library 1.2.3 (here: none)']
    """
    changes = []
    for name, recorded in libraries.items():
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            installed = "none"
        if installed.split(".")[:2] != recorded.split(".")[:2]:
            changes.append(f"{name} {recorded} (here: {installed})")
    return changes
