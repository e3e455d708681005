"""Config -> scikit-learn Pipeline, column routing, assembling members, export."""

from automl.pipeline.build import build

__all__ = ["build"]
