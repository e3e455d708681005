"""Splits, one fold, and the estimate of the final score."""

from automl.evaluate.conformal import predict_interval, predict_sets
from automl.evaluate.corrected import Optimism, selection_optimism
from automl.evaluate.drifting import DriftReport, OptimismGap, drift_report
from automl.evaluate.estimate import SEARCH_SCORE, Estimate, corrected_estimate, estimate_score, fold_loss, inflation
from automl.evaluate.fitting import refit_params
from automl.evaluate.fold import (
    Evaluation,
    FoldOutput,
    forget_evaluation,
    load_evaluation,
    metric_failed,
    read_prediction,
    run_fold,
    run_refit,
    save_evaluation,
    warm_up,
)
from automl.evaluate.held import Held, join_held, predict_held
from automl.evaluate.importance import Importances, Part, held_out_parts, new_parts, permutation_importance
from automl.evaluate.ordered import BatchFolds, TimeFolds
from automl.evaluate.out_of_fold import OutOfFold
from automl.evaluate.preparation import Preparations
from automl.evaluate.splits import Folds, Rule, default_folds, make_folds
from automl.evaluate.stop_sets import stop_split

__all__ = [
    "BatchFolds",
    "DriftReport",
    "Estimate",
    "Evaluation",
    "FoldOutput",
    "Folds",
    "Held",
    "Importances",
    "Optimism",
    "OptimismGap",
    "OutOfFold",
    "Part",
    "Preparations",
    "Rule",
    "SEARCH_SCORE",
    "TimeFolds",
    "corrected_estimate",
    "default_folds",
    "drift_report",
    "estimate_score",
    "fold_loss",
    "forget_evaluation",
    "held_out_parts",
    "inflation",
    "join_held",
    "load_evaluation",
    "make_folds",
    "metric_failed",
    "new_parts",
    "permutation_importance",
    "predict_held",
    "predict_interval",
    "predict_sets",
    "read_prediction",
    "refit_params",
    "run_fold",
    "run_refit",
    "save_evaluation",
    "selection_optimism",
    "stop_split",
    "warm_up",
]
