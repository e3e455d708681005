"""Splits, one fold, and the estimate of the final score."""

from automl.evaluate.estimate import Estimate, estimate_score, fold_loss
from automl.evaluate.fitting import refit_params
from automl.evaluate.fold import (
    Evaluation,
    FoldOutput,
    load_evaluation,
    read_prediction,
    run_fold,
    run_refit,
    save_evaluation,
    warm_up,
)
from automl.evaluate.out_of_fold import OutOfFold
from automl.evaluate.preparation import Preparations
from automl.evaluate.splits import Folds, Rule, default_folds, make_folds, stop_split

__all__ = [
    "Estimate",
    "Evaluation",
    "FoldOutput",
    "Folds",
    "OutOfFold",
    "Preparations",
    "Rule",
    "default_folds",
    "estimate_score",
    "fold_loss",
    "load_evaluation",
    "make_folds",
    "read_prediction",
    "refit_params",
    "run_fold",
    "run_refit",
    "save_evaluation",
    "stop_split",
    "warm_up",
]
