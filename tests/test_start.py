"""Starting is cheap: what an import and a question for help must not load."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"sklearn", "pandas", "lightgbm", "scipy", "pyarrow", "skrub", "ConfigSpace", "deap", "matplotlib"}


def loaded_by(code: str) -> set[str]:
    """Run code in a fresh interpreter and return the top-level packages it has loaded."""
    script = f"import sys\n{code}\nprint('\\n' + '\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize(
    "code",
    [
        "import automl; automl.__version__; dir(automl)",
        "from automl.cli.console import run; assert run(['--help']) == 0",
        "from automl.cli.console import run; assert run(['fit', '--help']) == 0",
        "import automl.execute.worker",
    ],
)
def test_nothing_heavy_is_loaded(code: str):
    assert not loaded_by(code) & HEAVY


def test_the_front_door_names_what_it_opens():
    import automl

    assert automl.__all__ == sorted(automl.__all__)
    assert {"AutoClassifier", "AutoRegressor", "load"} <= set(automl.__all__)
    assert all(getattr(automl, name) is not None for name in automl.__all__)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = automl.no_such_name
