"""Support vector machines and kernel ridge regression."""

from __future__ import annotations

from automl.space.component import CLASSIFICATION, REGRESSION, Choice, Component, Cost, Float, Int, Role

__all__ = ["COMPONENTS"]

_CLASS_WEIGHT = Choice("class_weight", (None, "balanced"), None, tasks=CLASSIFICATION)
_GAMMA = Float("gamma_scale", 0.01, 20.0, 1.0, log=True)

COMPONENTS = (
    Component(
        name="svm",
        role=Role.MODEL,
        target={
            "classification": "automl.pipeline.models:support_vector_classifier",
            "regression": "automl.pipeline.models:support_vector_regressor",
        },
        family="kernel",
        hyperparameters=(
            Choice("kernel", ("rbf", "poly", "sigmoid"), "rbf"),
            Float("C", 0.03, 2e4, 3.0, log=True),
            _GAMMA,
            Int("degree", 2, 5, 3, when=("kernel", ("poly",))),
            Float("coef0", -0.5, 1.0, 0.5, when=("kernel", ("poly", "sigmoid"))),
            Float("epsilon", 1e-3, 1.0, 0.1, log=True, tasks=REGRESSION),
            _CLASS_WEIGHT,
        ),
        accepts=frozenset({"sparse"}),
        weights=True,
        groups=False,  # its probabilities come from random inner splits
        order=False,
        scale_target=True,
        bounded=True,
        max_rows=5_000,
        max_classes=20,
        min_class_count=8,
        share=1.0,
        cost=Cost(0.06, rows=1.6, columns=0.8, outputs=0.5, grows=(("C", 0.2),)),
    ),
    Component(
        name="linear_svm",
        role=Role.MODEL,
        target={
            "classification": "automl.pipeline.linear_models:linear_svm_classifier",
            "regression": "sklearn.svm:LinearSVR",
        },
        family="linear",
        hyperparameters=(
            Choice("loss", ("squared_hinge", "hinge"), "squared_hinge", tasks=CLASSIFICATION),
            Choice(
                "loss",
                ("squared_epsilon_insensitive", "epsilon_insensitive"),
                "squared_epsilon_insensitive",
                tasks=REGRESSION,
            ),
            Choice("penalty", ("l2", "l1"), "l2", tasks=CLASSIFICATION, when=("loss", ("squared_hinge",))),
            Float("C", 1e-3, 2e4, 0.3, log=True, tasks=CLASSIFICATION),
            Float("C", 1e-3, 300.0, 0.3, log=True, tasks=REGRESSION),
            Float("epsilon", 1e-3, 1.0, 0.1, log=True, tasks=REGRESSION),
            _CLASS_WEIGHT,
        ),
        constants={"dual": "auto", "max_iter": 2000},
        accepts=frozenset({"sparse"}),
        weights=True,
        groups=False,  # its probabilities come from random inner splits
        order=False,
        scale_target=True,
        bounded=True,
        max_rows=100_000,
        max_cells=20_000_000,
        max_classes=30,
        min_class_count=8,
        share=0.3,
        cost=Cost(0.02, rows=1.1, columns=1.0, outputs=1.0, grows=(("C", 0.25),)),
    ),
    Component(
        name="kernel_ridge",
        role=Role.MODEL,
        target="automl.pipeline.models:kernel_ridge",
        family="kernel",
        hyperparameters=(
            Choice("kernel", ("rbf", "laplacian", "poly"), "rbf"),
            Float("alpha", 1e-4, 10.0, 0.1, log=True),
            _GAMMA,
            Int("degree", 2, 3, 2, when=("kernel", ("poly",))),
            Float("coef0", 0.0, 2.0, 1.0, when=("kernel", ("poly",))),
        ),
        tasks=frozenset(REGRESSION),
        accepts=frozenset({"sparse"}),
        weights=True,
        scale_target=True,
        bounded=True,
        max_rows=4_000,
        share=0.4,
        cost=Cost(0.03, rows=2.5, columns=0.2),
    ),
)
