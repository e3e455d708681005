"""Columns turned into fewer or other ones: directions, kernels, clusters."""

from __future__ import annotations

from typing import Any

from automl.pipeline.models import kernel_width, least_width
from automl.pipeline.parts import chain
from automl.space.facts import Facts

__all__ = [
    "cluster_distances",
    "count_sketch",
    "discriminant_projection",
    "feature_agglomeration",
    "independent_components",
    "kernel_pca",
    "kitchen_sinks",
    "nystroem",
    "principal_components",
    "random_projection",
    "rotation",
    "truncated_svd",
]


def _at_most(wanted: int, facts: Facts, *, columns: bool) -> int:
    """Return a count that no fold is too small for: it holds half of the rows, and a column for each used one."""
    return max(1, min(wanted, facts.n_rows // 2, least_width(facts) if columns else wanted))


def _beside(*steps: tuple[str, Any]) -> Any:
    """The columns as they are, missing values included, beside what is made of them filled in and scaled."""
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import FeatureUnion
    from sklearn.preprocessing import StandardScaler

    fill = ("impute", SimpleImputer(strategy="median", keep_empty_features=True))
    return FeatureUnion([("raw", "passthrough"), ("made", chain(fill, ("scale", StandardScaler()), *steps))])


def principal_components(random_state: int, kept: float, whiten: bool) -> Any:
    from sklearn.decomposition import PCA

    return PCA(n_components=kept, whiten=whiten, random_state=random_state)


def rotation(random_state: int, kept: float) -> Any:
    """The columns beside their principal components: trees then also split along these directions."""
    from sklearn.decomposition import PCA

    return _beside(("rotate", PCA(n_components=kept, random_state=random_state)))


def truncated_svd(facts: Facts, random_state: int, n_components: int) -> Any:
    from sklearn.decomposition import TruncatedSVD

    count = _at_most(n_components, facts, columns=True)
    return TruncatedSVD(count, algorithm="randomized", random_state=random_state)


def independent_components(random_state: int, kept: float, fun: str, algorithm: str) -> Any:
    from sklearn.decomposition import PCA, FastICA

    # Whitened beforehand by directions that do vary: FastICA itself would divide by the others' variance of zero.
    white = PCA(n_components=kept, whiten=True, random_state=random_state)
    search = FastICA(whiten=False, fun=fun, algorithm=algorithm, max_iter=100, tol=1e-3, random_state=random_state)
    return chain(("whiten", white), ("unmix", search))


def kernel_pca(
    facts: Facts, random_state: int, n_components: int, kernel: str, gamma_scale: float | None = None, **shape: Any
) -> Any:
    from sklearn.decomposition import KernelPCA

    gamma = None if gamma_scale is None else kernel_width(facts, gamma_scale)
    count = _at_most(n_components, facts, columns=False)
    return KernelPCA(
        count, kernel=kernel, gamma=gamma, eigen_solver="randomized", random_state=random_state, n_jobs=1, **shape
    )


def nystroem(
    facts: Facts, random_state: int, n_components: int, gamma_scale: float, kernel: str, degree: int | None = None
) -> Any:
    from sklearn.kernel_approximation import Nystroem

    # It warns when asked for more components than a fold has rows.
    return Nystroem(
        kernel=kernel,
        gamma=kernel_width(facts, gamma_scale),
        degree=degree,
        coef0=None if degree is None else 1.0,
        n_components=_at_most(n_components, facts, columns=False),
        random_state=random_state,
        n_jobs=1,
    )


def kitchen_sinks(facts: Facts, random_state: int, n_components: int, gamma_scale: float) -> Any:
    """Cosines of random directions, whose products approach a radial kernel."""
    from sklearn.kernel_approximation import RBFSampler

    return RBFSampler(gamma=kernel_width(facts, gamma_scale), n_components=n_components, random_state=random_state)


def count_sketch(facts: Facts, random_state: int, n_components: int, degree: int) -> Any:
    """The columns folded into random sums whose products approach a polynomial kernel."""
    from sklearn.kernel_approximation import PolynomialCountSketch

    return PolynomialCountSketch(
        gamma=kernel_width(facts, 1.0), degree=degree, coef0=1, n_components=n_components, random_state=random_state
    )


def random_projection(facts: Facts, random_state: int, n_components: int, density: str) -> Any:
    from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

    count = max(1, min(n_components, facts.width))
    if density == "gaussian":
        return GaussianRandomProjection(count, random_state=random_state)
    return SparseRandomProjection(count, dense_output=True, random_state=random_state)


def feature_agglomeration(facts: Facts, share: float, linkage: str, metric: str = "euclidean") -> Any:
    """Means of groups of similar columns; a single column has nothing to be grouped with."""
    from sklearn.cluster import FeatureAgglomeration
    from sklearn.preprocessing import FunctionTransformer

    if least_width(facts) < 2:
        return FunctionTransformer()
    count = max(1, round(share * least_width(facts)))
    return FeatureAgglomeration(count, linkage=linkage, metric=metric)


def cluster_distances(facts: Facts, random_state: int, n_clusters: int) -> Any:
    """The columns beside the distances to the centres of clusters."""
    from sklearn.cluster import MiniBatchKMeans

    count = _at_most(n_clusters, facts, columns=False)
    return _beside(("clusters", MiniBatchKMeans(count, n_init=1, max_iter=50, random_state=random_state)))


def discriminant_projection(random_state: int, kept: float) -> Any:
    """The columns beside the directions that part the classes best, found among their principal components."""
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    rotate = PCA(n_components=kept, whiten=True, random_state=random_state)
    return _beside(("rotate", rotate), ("part", LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto")))
