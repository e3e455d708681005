"""What can be searched: components, facts about a table, the space made of both, the start portfolio."""

from automl.space.build import Space, build_space
from automl.space.catalog import Catalog, default_catalog
from automl.space.component import Choice, Component, Cost, Flag, Float, Hyperparameter, Int, Preparation, Role
from automl.space.facts import Facts, facts_of
from automl.space.free import FreeSpace
from automl.space.portfolio import start_portfolio
from automl.space.rows import RowSpace
from automl.space.trees import ShapeSpace

__all__ = [
    "Catalog",
    "Choice",
    "Component",
    "Cost",
    "Facts",
    "Flag",
    "Float",
    "FreeSpace",
    "Hyperparameter",
    "Int",
    "Preparation",
    "Role",
    "RowSpace",
    "ShapeSpace",
    "Space",
    "build_space",
    "default_catalog",
    "facts_of",
    "start_portfolio",
]
