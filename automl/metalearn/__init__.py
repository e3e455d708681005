"""What tables are like, and what is carried from one table to another: meta-features and the knowledge base."""

from automl.metalearn.adapting import adapted
from automl.metalearn.compute import describe_dataset, metafeatures, until
from automl.metalearn.contents import NewerSchemaError
from automl.metalearn.declared import METAFEATURES, MetaFeature
from automl.metalearn.knowledge import KnowledgeBase, Near, Ordered, Predictor
from automl.metalearn.private import add_source, own_folder, own_sources, remove_source
from automl.metalearn.sources import LEAST_TRIALS, Mixture, Record, Source, usable

__all__ = [
    "KnowledgeBase",
    "LEAST_TRIALS",
    "METAFEATURES",
    "MetaFeature",
    "Mixture",
    "Near",
    "NewerSchemaError",
    "Ordered",
    "Predictor",
    "Record",
    "Source",
    "adapted",
    "add_source",
    "describe_dataset",
    "metafeatures",
    "own_folder",
    "own_sources",
    "remove_source",
    "until",
    "usable",
]
