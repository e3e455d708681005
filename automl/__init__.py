"""AutoML for tables: a deadline in, a plain scikit-learn pipeline out."""

__version__ = "0.1.0"
