"""Models whose hyperparameters need translating before the library takes them."""

from __future__ import annotations

from typing import Any

from automl.space.facts import Facts

__all__ = [
    "calibrated",
    "gaussian_process_classifier",
    "gaussian_process_regressor",
    "kernel_ridge",
    "kernel_width",
    "least_width",
    "nearest_neighbours",
    "support_vector_classifier",
    "support_vector_regressor",
]

_MOST_STEPS = 200_000  # of a support vector machine: large C on noisy labels would go on for minutes


def kernel_width(facts: Facts, scale: float) -> float:
    """Return gamma as a multiple of 1 / total variance, for columns scaled to variance one and one-hot columns."""
    one_hot_variance = 0.1
    total = facts.width - facts.n_levels + one_hot_variance * facts.n_levels
    return scale / max(total, 1.0)


def least_width(facts: Facts) -> int:
    """Return how many columns reach the feature step or the model at least, whatever the encoding."""
    return max(1, facts.n_numeric + facts.n_categorical + facts.n_dates + facts.n_text)


def nearest_neighbours(facts: Facts, n_neighbors: int, **params: Any) -> Any:
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    # Folds hold at least half of the rows.
    count = max(1, min(n_neighbors, facts.n_rows // 2))
    return (KNeighborsClassifier if facts.task.classifies else KNeighborsRegressor)(n_neighbors=count, **params)


def calibrated(machine: Any, random_state: int) -> Any:
    """A classifier of decision values with probabilities from a sigmoid fitted on three random folds."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.model_selection import StratifiedKFold

    folds = StratifiedKFold(3, shuffle=True, random_state=random_state)
    return CalibratedClassifierCV(machine, method="sigmoid", cv=folds, ensemble=False)


def support_vector_classifier(facts: Facts, random_state: int, gamma_scale: float, **params: Any) -> Any:
    """A support vector machine with probabilities from cross-fitted decision values."""
    from sklearn.svm import SVC

    gamma = kernel_width(facts, gamma_scale)
    return calibrated(SVC(gamma=gamma, max_iter=_MOST_STEPS, random_state=random_state, **params), random_state)


def support_vector_regressor(facts: Facts, gamma_scale: float, **params: Any) -> Any:
    from sklearn.svm import SVR

    return SVR(gamma=kernel_width(facts, gamma_scale), max_iter=_MOST_STEPS, **params)


def kernel_ridge(facts: Facts, gamma_scale: float, **params: Any) -> Any:
    from sklearn.kernel_ridge import KernelRidge

    return KernelRidge(gamma=kernel_width(facts, gamma_scale), **params)


def gaussian_process_regressor(random_state: int, noise: float, linear_trend: bool, **shape: Any) -> Any:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, DotProduct, WhiteKernel

    kernel = _process_kernel(**shape) + WhiteKernel(noise)
    if linear_trend:
        kernel = kernel + ConstantKernel(0.1) * DotProduct()
    return GaussianProcessRegressor(kernel, normalize_y=True, random_state=random_state)


def gaussian_process_classifier(random_state: int, **shape: Any) -> Any:
    from sklearn.gaussian_process import GaussianProcessClassifier

    return GaussianProcessClassifier(_process_kernel(**shape), random_state=random_state)


def _process_kernel(kernel: str, length_scale: float, smoothness: float | None = None) -> Any:
    """``length_scale`` is where the fit of the kernel begins."""
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, RationalQuadratic

    if kernel == "matern":
        return ConstantKernel() * Matern(length_scale, nu=smoothness)
    return ConstantKernel() * RationalQuadratic(length_scale)
