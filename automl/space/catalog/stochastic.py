"""Linear models fitted by stochastic gradient descent: many losses, and time that grows with the rows only."""

from __future__ import annotations

from automl.space.component import CLASSIFICATION, REGRESSION, Choice, Component, Cost, Flag, Float, Role

__all__ = ["COMPONENTS"]

_CLASS_WEIGHT = Choice("class_weight", (None, "balanced"), None, tasks=CLASSIFICATION)
_TOL = Float("tol", 1e-5, 5e-2, 1e-3, log=True)

COMPONENTS = (
    Component(
        name="sgd",
        role=Role.MODEL,
        target={
            "classification": "sklearn.linear_model:SGDClassifier",
            "regression": "automl.pipeline.linear_models:sgd_regressor",
        },
        family="linear",
        hyperparameters=(
            Choice("loss", ("log_loss", "modified_huber"), "log_loss", tasks=CLASSIFICATION),
            Choice(
                "loss",
                ("squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive"),
                "huber",
                tasks=REGRESSION,
            ),
            Choice("penalty", ("l2", "l1", "elasticnet"), "l2"),
            Float("alpha", 1e-7, 1e-1, 1e-4, log=True),
            Float("l1_ratio", 0.0, 1.0, 0.15, when=("penalty", ("elasticnet",))),
            Choice("learning_rate", ("optimal", "invscaling", "constant", "adaptive"), "optimal", tasks=CLASSIFICATION),
            Float(
                "eta0",
                1e-6,
                0.5,
                0.01,
                log=True,
                tasks=CLASSIFICATION,
                when=("learning_rate", ("invscaling", "constant", "adaptive")),
            ),
            Choice("learning_rate", ("invscaling", "constant", "adaptive"), "invscaling", tasks=REGRESSION),
            Float("eta0", 5e-4, 0.1, 0.01, log=True, tasks=REGRESSION),
            Float("power_t", 0.05, 0.9, 0.25, when=("learning_rate", ("invscaling",))),
            Float(
                "epsilon",
                1e-3,
                1.0,
                0.1,
                log=True,
                tasks=REGRESSION,
                when=("loss", ("huber", "epsilon_insensitive", "squared_epsilon_insensitive")),
            ),
            _TOL,
            Flag("average", True),
            _CLASS_WEIGHT,
        ),
        constants={"max_iter": 1000},
        accepts=frozenset({"sparse"}),
        weights=True,
        scale_target=True,
        bounded=True,
        share=0.4,
        cost=Cost(0.01, rows=1.0, columns=1.0, outputs=1.0, grows=(("tol", -0.2),)),
    ),
    Component(
        name="sgd_margin",  # passive-aggressive with the rates pa1 and pa2
        role=Role.MODEL,
        target="automl.pipeline.linear_models:sgd_margin",
        family="linear",
        hyperparameters=(
            Choice("loss", ("hinge", "squared_hinge", "perceptron"), "hinge"),
            Choice("learning_rate", ("optimal", "constant", "pa1", "pa2"), "optimal", when=("loss", ("hinge",))),
            Float("eta0", 1e-6, 1.0, 0.05, log=True, when=("learning_rate", ("constant", "pa1", "pa2"))),
            Choice("penalty", (None, "l2", "l1", "elasticnet"), "l2"),
            Float("alpha", 1e-7, 1e-1, 1e-4, log=True),
            Float("l1_ratio", 0.0, 1.0, 0.15, when=("penalty", ("elasticnet",))),
            _TOL,
            Flag("average", True),
            _CLASS_WEIGHT,
        ),
        constants={"max_iter": 1000},
        tasks=frozenset(CLASSIFICATION),
        accepts=frozenset({"sparse"}),
        weights=True,
        groups=False,  # its probabilities come from random inner splits
        order=False,
        min_class_count=8,
        share=0.3,
        cost=Cost(0.03, rows=1.0, columns=1.0, outputs=1.0, grows=(("tol", -0.2),)),
    ),
)
