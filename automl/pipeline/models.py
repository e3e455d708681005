"""Models whose hyperparameters need translating before the library takes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from automl.space.facts import Facts

__all__ = [
    "discriminant",
    "elastic_net_classifier",
    "gaussian_process_classifier",
    "gaussian_process_regressor",
    "nearest_neighbours",
    "perceptron_classifier",
    "perceptron_regressor",
    "ridge_path",
    "support_vector_classifier",
    "support_vector_regressor",
]


def kernel_width(facts: Facts, scale: float) -> float:
    """Return gamma as a multiple of 1 / total variance, for columns scaled to variance one and one-hot columns."""
    one_hot_variance = 0.1
    total = facts.width - facts.n_levels + one_hot_variance * facts.n_levels
    return scale / max(total, 1.0)


def perceptron_classifier(facts: Facts, random_state: int, **params: Any) -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(random_state=random_state, **_perceptron(facts, **params))


def perceptron_regressor(facts: Facts, random_state: int, **params: Any) -> Any:
    from sklearn.neural_network import MLPRegressor

    return MLPRegressor(random_state=random_state, **_perceptron(facts, **params))


def _perceptron(facts: Facts, width: int, layers: int, **params: Any) -> dict[str, Any]:
    # The inner validation split is random and stratified: it needs rows enough, free of groups and times.
    stops = facts.n_rows > 1000 and facts.ordinary_rows and (not facts.task.classifies or facts.min_class_count >= 20)
    return {
        "hidden_layer_sizes": (width,) * layers,
        "batch_size": int(min(np.clip(facts.n_rows // 20, 16, 256), max(1, facts.n_rows // 2))),
        "early_stopping": stops,
        "n_iter_no_change": 15,
        **params,
    }


def elastic_net_classifier(random_state: int, **params: Any) -> Any:
    """Logistic regression with both penalties, by averaged stochastic gradient descent."""
    from sklearn.linear_model import SGDClassifier

    return SGDClassifier(loss="log_loss", penalty="elasticnet", average=True, random_state=random_state, **params)


def ridge_path() -> Any:
    """Ridge regression that chooses its penalty by leaving out single rows, in closed form."""
    from sklearn.linear_model import RidgeCV

    return RidgeCV(np.logspace(-2, 4, 13))


def discriminant(quadratic: bool, shrinkage: float) -> Any:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis

    if quadratic:
        # Covariances of small classes are singular unless shrunk.
        return QuadraticDiscriminantAnalysis(solver="eigen", shrinkage=max(shrinkage, 1e-3))
    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)


def nearest_neighbours(facts: Facts, n_neighbors: int, **params: Any) -> Any:
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    # Folds hold at least half of the rows.
    count = max(1, min(n_neighbors, facts.n_rows // 2))
    return (KNeighborsClassifier if facts.task.classifies else KNeighborsRegressor)(n_neighbors=count, **params)


def support_vector_classifier(facts: Facts, random_state: int, gamma_scale: float, **params: Any) -> Any:
    """A support vector machine with probabilities from cross-fitted decision values."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.model_selection import StratifiedKFold
    from sklearn.svm import SVC

    machine = SVC(gamma=kernel_width(facts, gamma_scale), random_state=random_state, **params)
    folds = StratifiedKFold(3, shuffle=True, random_state=random_state)
    return CalibratedClassifierCV(machine, method="sigmoid", cv=folds, ensemble=False)


def support_vector_regressor(facts: Facts, gamma_scale: float, **params: Any) -> Any:
    from sklearn.svm import SVR

    return SVR(gamma=kernel_width(facts, gamma_scale), **params)


def gaussian_process_regressor(random_state: int, smoothness: float, noise: float, linear_trend: bool) -> Any:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, DotProduct, Matern, WhiteKernel

    kernel = ConstantKernel() * Matern(length_scale=3.0, nu=smoothness) + WhiteKernel(noise)
    if linear_trend:
        kernel = kernel + ConstantKernel(0.1) * DotProduct()
    return GaussianProcessRegressor(kernel, normalize_y=True, random_state=random_state)


def gaussian_process_classifier(random_state: int, smoothness: float) -> Any:
    from sklearn.gaussian_process import GaussianProcessClassifier
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern

    return GaussianProcessClassifier(ConstantKernel() * Matern(3.0, nu=smoothness), random_state=random_state)
