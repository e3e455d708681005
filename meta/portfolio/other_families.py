"""Linear models, kernels, neighbours and perceptrons of other sources, in terms of ours."""

from __future__ import annotations

import math
from typing import Any

from automl.pipeline.models import kernel_width
from automl.space import Facts
from meta.portfolio.learner import Families, Learner, plain
from meta.portfolio.records import Record, Untranslatable

__all__ = ["FAMILIES"]

_GRID = ("the penalty is chosen by inner folds, among others than there",)


def _linear(record: Record, facts: Facts) -> tuple[Learner, dict[str, Any]]:
    estimator, params = record.estimator_for(str(facts.task)), dict(record.params)
    solver = ("solver", "max_iter", "tol")
    if estimator == "LogisticRegression":
        if "C" in record.data_dependent:
            library = {"Cs": 10, "class_weight": None}
            return Learner("logistic_path", library, dropped=solver, differences=_GRID), params
        return Learner("logistic", {"C": 1.0, "class_weight": None}, dropped=solver), params
    if estimator == "Ridge":
        return Learner("ridge", {"alpha": 1.0}, dropped=solver), params
    if estimator == "LinearRegression":
        return Learner("ridge", {"alpha": 0.0}), params
    if estimator == "ARDRegression":
        gamma = dict.fromkeys(("alpha_1", "alpha_2", "lambda_1", "lambda_2"), 1e-6)
        return Learner("ard", {**gamma, "threshold_lambda": 1e4}, dropped=solver), params
    if "alpha" in record.data_dependent:
        library = {"alphas": 50, "eps": 1e-3}
        return Learner("elastic_net_path", library, dropped=solver, differences=(*_GRID, "mixed penalties too")), params
    raise Untranslatable("the penalty of a Lasso is in units of the target")


_SGD = {
    "loss": "log_loss",
    "penalty": "l2",
    "alpha": 1e-4,
    "l1_ratio": 0.15,
    "learning_rate": "optimal",
    "eta0": 0.01,
    "power_t": 0.25,
    "epsilon": 0.1,
    "tol": 1e-3,
    "average": False,
}


def _sgd(record: Record, facts: Facts) -> tuple[Learner, dict[str, Any]]:
    params = dict(record.params)
    if not facts.task.classifies:
        return Learner("sgd", {**_SGD, "learning_rate": "invscaling"}, dropped=("max_iter",)), params
    params.pop("epsilon", None)  # of other losses
    library = {name: value for name, value in _SGD.items() if name != "epsilon"}
    if params.get("loss") in ("log_loss", "modified_huber"):
        return Learner("sgd", {**library, "class_weight": None}, dropped=("max_iter",)), params
    margin = {name: value for name, value in library.items() if name != "power_t"}
    return Learner("sgd_margin", {**margin, "class_weight": None}, dropped=("max_iter",)), params


def _svm(record: Record, facts: Facts) -> tuple[Learner, dict[str, Any]]:
    params = dict(record.params)
    if params.get("kernel") == "linear":
        names = ("kernel", "shrinking", "tol", "max_iter")
        library: dict[str, Any] = {"loss": "epsilon_insensitive", "C": 1.0, "epsilon": 0.1}
        if facts.task.classifies:
            library = {"loss": "hinge", "C": 1.0, "class_weight": None}
        return Learner("linear_svm", library, dropped=names), params
    if record.preprocessing.get("scaler") not in ("standard", "power") and "gamma" in params:
        raise Untranslatable("the kernel's width is in units of columns that are not scaled to variance one")
    # Ours is in units of 1 / total variance.
    params["gamma"] = params.get("gamma", 1.0) / kernel_width(facts, 1.0)
    library = {
        "kernel": "rbf",
        "C": 1.0,
        "gamma_scale": 1.0,
        "degree": 3,
        "coef0": 0.0,
        "epsilon": 0.1,
        "class_weight": None,
    }
    return Learner("svm", library, {"gamma": "gamma_scale"}, dropped=("shrinking", "tol", "max_iter")), params


def _mlp(record: Record, facts: Facts) -> tuple[Learner, dict[str, Any]]:
    params = dict(record.params)
    sizes = params.pop("hidden_layer_sizes", [100])
    if "hidden_layer_sizes" in record.data_dependent and facts.n_classes > 2:
        base = max(2 * facts.n_classes, 100)
        sizes = [2 * base, base]
    width, layers = sizes[0], len(sizes)
    halves = [max(4, width // 2**layer) for layer in range(layers)]
    if list(sizes) not in ([width] * layers, halves):
        raise Untranslatable("layers of a perceptron are of one size or halve, these do not")
    batch = params.pop("batch_size", "auto")
    if "batch_size" in record.data_dependent:
        batch = min(512, facts.n_rows, 2 ** (3 + int(math.log10(facts.n_rows))))
    rows = 200 if batch == "auto" else batch
    if rows > max(256, facts.n_rows // 400):
        raise Untranslatable("batches of a table of this size are smaller")
    params.update(width=width, layers=layers, halving=layers > 1 and sizes[1] < width, batch_share=rows / facts.n_rows)
    epochs = params.pop("max_iter", 200)
    library = {
        "width": 100,
        "layers": 1,
        "halving": False,
        "max_iter": min(epochs, 400),
        "learning_rate_init": 1e-3,
        "alpha": 1e-4,
        "activation": "relu",
        "batch_share": 0.1,
        "seeds": 1,
    }
    settled = {
        "solver": ("adam",),
        "learning_rate": ("constant",),
        "beta_1": (0.9,),
        "beta_2": (0.999,),
        "epsilon": (1e-8,),
    }
    dropped = ("early_stopping", "validation_fraction", "n_iter_no_change", "tol")
    # Epochs are what rounds are to boosting: a stop set ends them.
    longer = (f"the schedule has 400 epochs instead of {epochs}",) if epochs > 400 else ()
    ours = ("epochs and stopping follow our schedule", *longer)
    return Learner("mlp", library, settled=settled, dropped=dropped, differences=ours), params


def _naive_bayes(record: Record, facts: Facts) -> tuple[Learner, dict[str, Any]]:
    estimator = record.estimator_for(str(facts.task))
    if estimator == "GaussianNB":
        return Learner("naive_bayes", {"var_smoothing": 1e-9}), dict(record.params)
    if estimator == "BernoulliNB":
        return Learner("bernoulli_bayes", {"alpha": 1.0, "binarize": 0.0, "fit_prior": True}), dict(record.params)
    raise Untranslatable(f"no counterpart of {estimator}")


def _lda(record: Record, facts: Facts) -> tuple[Learner, dict[str, Any]]:
    params = dict(record.params)
    automatic = params.get("shrinkage") == "auto"
    params["auto_shrinkage"] = automatic
    if automatic:
        del params["shrinkage"]
    library = {"auto_shrinkage": False, "shrinkage": 0.0, "class_weight": None}
    return Learner("linear_discriminant", library, settled={"solver": ("lsqr",)}, dropped=("tol",)), params


FAMILIES: Families = {
    "linear": _linear,
    "sgd": _sgd,
    "linear_svm": plain(
        Learner(
            "linear_svm",
            {"loss": "squared_hinge", "penalty": "l2", "C": 1.0, "epsilon": 0.0, "class_weight": None},
            dropped=("tol", "dual", "max_iter"),
        )
    ),
    "svm": _svm,
    "knn": plain(Learner("knn", {"n_neighbors": 5, "weights": "uniform", "metric": "minkowski", "p": 2})),
    "naive_bayes": _naive_bayes,
    "lda": _lda,
    "mlp": _mlp,
}
