"""What tables are like: meta-features, for knowledge that is carried from one table to another."""

from automl.metalearn.compute import describe_dataset, metafeatures, until
from automl.metalearn.declared import METAFEATURES, MetaFeature

__all__ = ["METAFEATURES", "MetaFeature", "describe_dataset", "metafeatures", "until"]
