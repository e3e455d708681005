"""Linear models and discriminants whose hyperparameters need translating before the library takes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from automl.pipeline.models import calibrated, least_width
from automl.space.facts import Facts

__all__ = [
    "elastic_net_classifier",
    "elastic_net_path",
    "linear_discriminant",
    "linear_svm_classifier",
    "logistic_path",
    "partial_least_squares",
    "quadratic_discriminant",
    "ridge_path",
    "sgd_margin",
    "sgd_regressor",
]

_SQUARED = ("squared_error", "squared_epsilon_insensitive")


def elastic_net_classifier(random_state: int, **params: Any) -> Any:
    """Logistic regression with both penalties, by averaged stochastic gradient descent."""
    from sklearn.linear_model import SGDClassifier

    return SGDClassifier(loss="log_loss", penalty="elasticnet", average=True, random_state=random_state, **params)


def logistic_path(random_state: int, **params: Any) -> Any:
    """Logistic regression that chooses its penalty on three random folds, each penalty starting from the last."""
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.model_selection import StratifiedKFold

    return LogisticRegressionCV(
        cv=StratifiedKFold(3, shuffle=True, random_state=random_state),
        scoring="neg_log_loss",
        l1_ratios=(0.0,),
        use_legacy_attributes=False,
        max_iter=300,
        **params,
    )


def ridge_path() -> Any:
    """Ridge regression that chooses its penalty by leaving out single rows, in closed form."""
    from sklearn.linear_model import RidgeCV

    return RidgeCV(np.logspace(-2, 4, 13))


def elastic_net_path(random_state: int, **params: Any) -> Any:
    """Linear regression that chooses the size and the mix of both penalties on five random folds."""
    from sklearn.linear_model import ElasticNetCV
    from sklearn.model_selection import KFold

    folds = KFold(5, shuffle=True, random_state=random_state)
    return ElasticNetCV(l1_ratio=[0.1, 0.5, 0.9, 1.0], cv=folds, random_state=random_state, **params)


def linear_svm_classifier(random_state: int, **params: Any) -> Any:
    """A linear support vector machine with probabilities from cross-fitted decision values."""
    from sklearn.svm import LinearSVC

    return calibrated(LinearSVC(random_state=random_state, **params), random_state)


def sgd_margin(random_state: int, **params: Any) -> Any:
    """Stochastic gradient descent on a loss of margins, with probabilities from cross-fitted decision values."""
    from sklearn.linear_model import SGDClassifier

    return calibrated(SGDClassifier(random_state=random_state, **params), random_state)


def sgd_regressor(facts: Facts, random_state: int, loss: str, eta0: float, **params: Any) -> Any:
    """Stochastic gradient descent; steps on a squared loss are kept short enough not to diverge."""
    from sklearn.linear_model import SGDRegressor

    step = min(eta0, 0.5 / (1 + facts.width)) if loss in _SQUARED else eta0
    return SGDRegressor(loss=loss, eta0=step, random_state=random_state, **params)


def partial_least_squares(facts: Facts, n_components: int) -> Any:
    from sklearn.cross_decomposition import PLSRegression

    # It refuses more components than columns.
    return PLSRegression(n_components=max(1, min(n_components, least_width(facts), facts.n_rows // 2)))


def linear_discriminant(
    facts: Facts, auto_shrinkage: bool, class_weight: str | None, shrinkage: float | None = None
) -> Any:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return LinearDiscriminantAnalysis(
        solver="lsqr", shrinkage="auto" if auto_shrinkage else shrinkage, priors=_priors(facts, class_weight)
    )


def quadratic_discriminant(facts: Facts, shrinkage: float, class_weight: str | None) -> Any:
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

    return QuadraticDiscriminantAnalysis(solver="eigen", shrinkage=shrinkage, priors=_priors(facts, class_weight))


def _priors(facts: Facts, class_weight: str | None) -> Any:
    """Discriminants take no weights: what balances the classes are equal priors."""
    return None if class_weight is None else np.full(facts.n_classes, 1 / facts.n_classes)
