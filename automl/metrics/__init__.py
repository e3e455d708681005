"""Metrics: what a prediction is worth. Losses are minimised inside; scores keep their natural sign outside."""

from automl.metrics.catalog import metric_names
from automl.metrics.kernels import KERNELS, Kernel
from automl.metrics.labels import scores_by_counts
from automl.metrics.named import NamedMetric, as_named
from automl.metrics.registry import get_metric

__all__ = ["KERNELS", "Kernel", "NamedMetric", "as_named", "get_metric", "metric_names", "scores_by_counts"]
