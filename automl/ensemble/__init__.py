"""Ensembles as numbers only: weights over candidates, selected on out-of-fold predictions."""

from automl.ensemble.candidates import candidate_cap, distinct, shortlist
from automl.ensemble.decision import Decision, apply_decision, decide
from automl.ensemble.for_labels import select_decided
from automl.ensemble.guard import Choice, select
from automl.ensemble.selection import Selection, greedy, single_losses
from automl.ensemble.slim import slimmed
from automl.ensemble.steps import sample_rows

__all__ = [
    "Choice",
    "Decision",
    "Selection",
    "apply_decision",
    "candidate_cap",
    "decide",
    "distinct",
    "greedy",
    "sample_rows",
    "select",
    "select_decided",
    "shortlist",
    "single_losses",
    "slimmed",
]
