"""What leaves the building is plain scikit-learn: here it predicts in a process that cannot import automl."""

import subprocess
import sys
import tempfile
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import load_breast_cancer

from automl import AutoClassifier

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
model = AutoClassifier(None, max_trials=4, include=["linear", "forest"], random_state=0, verbose=0).fit(
    X.iloc[:400], y[:400]
)

ELSEWHERE = """
import sys
sys.modules["automl"] = None  # any import of automl is an ImportError from here on
import joblib
pipeline, X = joblib.load("export/pipeline.joblib"), joblib.load("rows.joblib")
joblib.dump(pipeline.predict_proba(X), "there.joblib")
"""

with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    model.export(folder / "export")
    joblib.dump(X.iloc[400:], folder / "rows.joblib")
    subprocess.run([sys.executable, "-c", ELSEWHERE], cwd=folder, check=True)
    here, there = model.predict_proba(X.iloc[400:]), joblib.load(folder / "there.joblib")
    print(sorted(path.name for path in (folder / "export").iterdir()))
    print("largest difference:", np.abs(here - there).max())
    assert np.array_equal(here, there)
