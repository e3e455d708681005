"""Candidates to select from."""

from __future__ import annotations

import numpy as np

TASKS = {"roc_auc": 2, "accuracy": 2, "f1_macro": 3, "log_loss": 3, "brier_score": 2, "rmse": 0, "mae": 0}


def task_of(classes):
    return {0: "regression", 2: "binary"}.get(classes, "multiclass")


def candidates(classes, *, m=6, n=120, seed=0, noise=1.0):
    """Return (stack float32, y): m noisy views of the truth."""
    rng = np.random.default_rng(seed)
    if not classes:
        y = rng.normal(size=n)
        return (y + noise * rng.uniform(0.3, 1.5, (m, 1)) * rng.normal(size=(m, n))).astype(np.float32), y
    y = rng.permutation(np.arange(n) % classes)
    raw = np.eye(classes)[y] + noise * rng.uniform(0.3, 1.5, (m, 1, 1)) * rng.normal(size=(m, n, classes))
    raw = np.exp(2.0 * raw)
    return (raw / raw.sum(axis=2, keepdims=True)).astype(np.float32), y
