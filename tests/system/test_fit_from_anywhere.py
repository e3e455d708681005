"""A fit with worker processes works wherever Python runs: no `__main__` guard, and metrics of the user's own script."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import numpy as np
from sklearn.datasets import load_breast_cancer
from automl import AutoClassifier

def half_accuracy(y_true, y_pred):
    return float(np.mean(y_true == y_pred)) / 2

X, y = load_breast_cancer(return_X_y=True)
model = AutoClassifier(None, max_trials=3, metric=half_accuracy, cv=2, n_jobs=2, random_state=0, verbose=0)
model.fit(X, y)
assert model.failures().empty, model.failures().to_string()
assert 0.4 < model.estimate_.value <= 0.5, model.estimate_
print("fitted", model.estimate_.metric)
"""


def run(command, text=None, cwd=None):
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=180, cwd=cwd)


@pytest.mark.parametrize("way", ["script", "-c", "stdin"])
def test_a_fit_with_a_metric_of_the_main_module(way, tmp_path):
    script = tmp_path / "without_a_guard.py"
    script.write_text(PROGRAM)
    command, text = {
        "script": ([sys.executable, str(script)], None),
        "-c": ([sys.executable, "-c", PROGRAM], None),
        "stdin": ([sys.executable, "-"], PROGRAM),
    }[way]
    done = run(command, text, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "fitted half_accuracy\n" and done.stderr == ""


def test_a_fit_inside_a_joblib_worker(tmp_path):
    program = """
from joblib import Parallel, delayed
from sklearn.datasets import load_iris
from automl import AutoClassifier

def fit(seed):
    X, y = load_iris(return_X_y=True)
    model = AutoClassifier(None, max_trials=2, cv=2, n_jobs=1, random_state=seed, verbose=0)
    return len(model.fit(X, y).leaderboard())

if __name__ == "__main__":
    print(Parallel(n_jobs=2)(delayed(fit)(seed) for seed in range(2)))
"""
    script = Path(tmp_path / "many.py")
    script.write_text(program)
    done = run([sys.executable, str(script)], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[3, 3]\n"
