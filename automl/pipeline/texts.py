"""Text becomes numbers. Hashing cannot fail on any vocabulary. Public library parts only."""

from __future__ import annotations

from typing import Any

from automl.pipeline.parts import chain

__all__ = ["characters", "hashed_words", "words"]

_HASHES = 2**13


def words(random_state: int, dense: bool, n_components: int = 30) -> Any:
    """The leading directions of single words and pairs of words."""
    from sklearn.feature_extraction.text import HashingVectorizer

    counts = HashingVectorizer(ngram_range=(1, 2), n_features=_HASHES, alternate_sign=False)
    return _directions(counts, random_state, dense, n_components)


def characters(random_state: int, dense: bool, n_components: int = 30) -> Any:
    """The leading directions of runs of three to five characters, which see through inflections and misspellings."""
    from sklearn.feature_extraction.text import HashingVectorizer

    counts = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), n_features=_HASHES, alternate_sign=False)
    return _directions(counts, random_state, dense, n_components)


def hashed_words(n_features: int = 128) -> Any:
    """Weights of the words themselves, those that share a hash added up."""
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    counts = HashingVectorizer(n_features=n_features, alternate_sign=False)
    return chain(("counts", counts), ("weights", TfidfTransformer(sublinear_tf=True)))


def _directions(counts: Any, random_state: int, dense: bool, n_components: int) -> Any:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.preprocessing import StandardScaler

    return chain(
        ("counts", counts),
        ("weights", TfidfTransformer(sublinear_tf=True)),
        ("directions", TruncatedSVD(n_components, random_state=random_state)),
        ("scale", StandardScaler()) if dense else None,
    )
