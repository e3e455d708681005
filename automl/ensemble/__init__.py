"""Ensembles as numbers only: weights over candidates, selected on out-of-fold predictions."""

from automl.ensemble.candidates import candidate_cap
from automl.ensemble.guard import Choice, select
from automl.ensemble.selection import Selection, greedy
from automl.ensemble.steps import sample_rows

__all__ = ["Choice", "Selection", "candidate_cap", "greedy", "sample_rows", "select"]
