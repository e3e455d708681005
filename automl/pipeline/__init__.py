"""Config -> scikit-learn Pipeline, column routing, assembling members, export."""

from automl.pipeline.compose import build

__all__ = ["build"]
