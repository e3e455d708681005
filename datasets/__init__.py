"""Small tables to try automl on: our own, and the ones that come with scikit-learn."""

from datasets.load import Table, load, names

__all__ = ["Table", "load", "names"]
