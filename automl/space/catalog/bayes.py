"""Naive Bayes, and the constant model that never fails."""

from __future__ import annotations

from automl.space.component import CLASSIFICATION, Component, Cost, Flag, Float, Preparation, Role

__all__ = ["COMPONENTS"]

COMPONENTS = (
    Component(
        name="prior",
        role=Role.MODEL,
        target={"classification": "sklearn.dummy:DummyClassifier", "regression": "sklearn.dummy:DummyRegressor"},
        family="prior",
        accepts=frozenset({"missing", "sparse"}),
        weights=True,
        preparation=Preparation.NONE,
        quantile_parameter="quantile",
        quantile_constants={"strategy": "quantile"},
        share=0.0,
        cost=Cost(0.0005, rows=0.0, columns=0.0),
    ),
    Component(
        name="naive_bayes",
        role=Role.MODEL,
        target="sklearn.naive_bayes:GaussianNB",
        family="bayes",
        hyperparameters=(Float("var_smoothing", 1e-12, 1.0, 1e-3, log=True),),
        tasks=frozenset(CLASSIFICATION),
        weights=True,
        share=0.3,
        cost=Cost(0.002, rows=1.0, columns=1.0),
    ),
    Component(
        name="bernoulli_bayes",  # of each number only whether it is above its centre
        role=Role.MODEL,
        target="sklearn.naive_bayes:BernoulliNB",
        family="bayes",
        hyperparameters=(
            Float("alpha", 1e-2, 100.0, 1.0, log=True),
            Float("binarize", 0.0, 1.0, 0.0),
            Flag("fit_prior", True),
        ),
        tasks=frozenset(CLASSIFICATION),
        accepts=frozenset({"sparse"}),
        weights=True,
        share=0.2,
        cost=Cost(0.002, rows=1.0, columns=1.0),
    ),
)
