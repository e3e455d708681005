"""What a model of unknown origin may consist of: the classes and functions that the catalogue's own models do.

Each was looked at for what its code does with attributes that somebody else has chosen. None of them imports, opens,
writes or runs what an attribute names. Missing on purpose are getters and callers of methods, whose argument is a name
(a DataFrame's ``eval`` runs code, its ``to_pickle`` writes a file): those that the catalogue uses are in
:func:`named_functions`, whole, under a name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

__all__ = ["ALLOWED", "named_functions"]

_CLASSES: Mapping[str, str] = {
    "lightgbm.basic": "Booster",
    "lightgbm.sklearn": "LGBMClassifier LGBMRegressor",
    "scipy.interpolate._bsplines": "BSpline",
    "sklearn._loss.link": "IdentityLink Interval LogitLink MultinomialLogit",
    "sklearn._loss.loss": "HalfBinomialLoss HalfMultinomialLoss HalfSquaredError HuberLoss",
    "sklearn.calibration": "CalibratedClassifierCV _CalibratedClassifier _SigmoidCalibration",
    "sklearn.cluster._agglomerative": "FeatureAgglomeration",
    "sklearn.cluster._kmeans": "MiniBatchKMeans",
    "sklearn.compose._column_transformer": "ColumnTransformer",
    "sklearn.compose._target": "TransformedTargetRegressor",
    "sklearn.cross_decomposition._pls": "PLSRegression",
    "sklearn.decomposition._fastica": "FastICA",
    "sklearn.decomposition._kernel_pca": "KernelPCA",
    "sklearn.decomposition._pca": "PCA",
    "sklearn.decomposition._truncated_svd": "TruncatedSVD",
    "sklearn.discriminant_analysis": "LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis",
    "sklearn.dummy": "DummyClassifier DummyRegressor",
    "sklearn.ensemble._bagging": "BaggingClassifier BaggingRegressor",
    "sklearn.ensemble._forest": (
        "ExtraTreesClassifier ExtraTreesRegressor RandomForestClassifier RandomForestRegressor RandomTreesEmbedding"
    ),
    "sklearn.ensemble._gb": "GradientBoostingClassifier GradientBoostingRegressor",
    "sklearn.ensemble._hist_gradient_boosting.binning": "_BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting": (
        "HistGradientBoostingClassifier HistGradientBoostingRegressor"
    ),
    "sklearn.ensemble._hist_gradient_boosting.predictor": "TreePredictor",
    "sklearn.ensemble._voting": "VotingClassifier VotingRegressor",
    "sklearn.ensemble._weight_boosting": "AdaBoostClassifier AdaBoostRegressor",
    "sklearn.feature_extraction._hash": "FeatureHasher",
    "sklearn.feature_extraction.text": "HashingVectorizer TfidfTransformer",
    "sklearn.feature_selection._from_model": "SelectFromModel",
    "sklearn.feature_selection._univariate_selection": "GenericUnivariateSelect SelectPercentile",
    "sklearn.frozen._frozen": "FrozenEstimator",
    "sklearn.gaussian_process._gpc": "GaussianProcessClassifier _BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process._gpr": "GaussianProcessRegressor",
    "sklearn.gaussian_process.kernels": "ConstantKernel DotProduct Matern Product RationalQuadratic Sum WhiteKernel",
    "sklearn.impute._base": "MissingIndicator SimpleImputer",
    "sklearn.kernel_approximation": "Nystroem PolynomialCountSketch RBFSampler",
    "sklearn.kernel_ridge": "KernelRidge",
    "sklearn.linear_model._bayes": "ARDRegression BayesianRidge",
    "sklearn.linear_model._coordinate_descent": "ElasticNet ElasticNetCV Lasso",
    "sklearn.linear_model._huber": "HuberRegressor",
    "sklearn.linear_model._logistic": "LogisticRegression LogisticRegressionCV",
    "sklearn.linear_model._quantile": "QuantileRegressor",
    "sklearn.linear_model._ridge": "Ridge RidgeCV",
    "sklearn.linear_model._stochastic_gradient": "SGDClassifier SGDRegressor",
    "sklearn.metrics._dist_metrics": "EuclideanDistance64",
    "sklearn.model_selection._classification_threshold": "FixedThresholdClassifier",
    "sklearn.model_selection._split": "KFold StratifiedKFold",
    "sklearn.naive_bayes": "BernoulliNB GaussianNB",
    "sklearn.neighbors._classification": "KNeighborsClassifier",
    "sklearn.neighbors._kd_tree": "KDTree",
    "sklearn.neighbors._nearest_centroid": "NearestCentroid",
    "sklearn.neighbors._regression": "KNeighborsRegressor",
    "sklearn.neural_network._multilayer_perceptron": "MLPClassifier MLPRegressor",
    "sklearn.neural_network._stochastic_optimizers": "AdamOptimizer",
    "sklearn.pipeline": "FeatureUnion Pipeline",
    "sklearn.preprocessing._data": "KernelCenterer MinMaxScaler QuantileTransformer RobustScaler StandardScaler",
    "sklearn.preprocessing._discretization": "KBinsDiscretizer",
    "sklearn.preprocessing._encoders": "OneHotEncoder OrdinalEncoder",
    "sklearn.preprocessing._function_transformer": "FunctionTransformer",
    "sklearn.preprocessing._label": "LabelBinarizer LabelEncoder",
    "sklearn.preprocessing._polynomial": "PolynomialFeatures SplineTransformer",
    "sklearn.preprocessing._target_encoder": "TargetEncoder",
    "sklearn.random_projection": "GaussianRandomProjection SparseRandomProjection",
    "sklearn.svm._classes": "LinearSVC LinearSVR SVC SVR",
    "sklearn.tree._classes": "DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor",
}
_FUNCTIONS: Mapping[str, str] = {
    "numpy": "arctan arctan2 clip cos dot expm1 log log1p mean multiply nan_to_num reshape sin sum take",
    "pandas": "to_datetime",
    "scipy._lib.array_api_compat.numpy._aliases": "asarray",
    "sklearn.feature_selection._mutual_info": "mutual_info_classif mutual_info_regression",
    "sklearn.feature_selection._univariate_selection": "f_classif f_regression",
    "sklearn.utils.validation": "check_array",
}
_LOSSES: Mapping[str, str] = {
    "sklearn._loss._loss": "CyHalfBinomialLoss CyHalfMultinomialLoss CyHalfSquaredError CyHuberLoss",
    "sklearn.linear_model._sgd_fast": "EpsilonInsensitive Hinge ModifiedHuber SquaredEpsilonInsensitive SquaredHinge",
}


def _names(modules: Mapping[str, str]) -> frozenset[str]:
    return frozenset(f"{module}.{name}" for module, names in modules.items() for name in names.split())


# What may stand behind each way in which a skops file says how an object is made.
ALLOWED: Mapping[str, frozenset[str]] = {
    "ConstructorFromReduceNode": _names({"pandas": "StringDtype", "pandas.core.arrays.string_": "StringDtype"}),
    "DTypeNode": _names({"numpy": "dtype"}),
    "DefaultDictNode": _names({"collections": "defaultdict"}),
    "DictNode": _names({"builtins": "dict", "collections": "OrderedDict", "sklearn.utils._bunch": "Bunch"}),
    "FunctionNode": _names(_FUNCTIONS),
    "ListNode": _names({"builtins": "list"}),
    "LossNode": _names(_LOSSES),
    "NdArrayNode": _names({"numpy": "bool float32 float64 int32 int64 ndarray str_ uint64"}),
    "ObjectNode": _names(_CLASSES),
    "OperatorFuncNode": _names({"operator": "itemgetter"}),
    "PartialNode": _names({"functools": "partial"}),
    "RandomGeneratorNode": _names({"numpy.random._generator": "Generator"}),
    "RandomStateNode": _names({"numpy.random.mtrand": "RandomState"}),
    "SetNode": _names({"builtins": "set"}),
    "SliceNode": _names({"builtins": "slice"}),
    "SparseMatrixNode": _names({"scipy.sparse._csr": "csr_matrix csr_array", "scipy.sparse._csc": "csc_matrix"}),
    "TreeNode": _names({"sklearn.tree._tree": "Tree"}),
    "TupleNode": _names({"builtins": "tuple"}),
    "TypeNode": _names(
        {
            "builtins": "bool float int str",
            "collections": "OrderedDict",
            "numpy": "asarray bool float32 float64 int32 int64 str_",
            "pandas": "DataFrame",
            "pandas.core.frame": "DataFrame",
        }
    ),
}


@cache
def named_functions() -> Mapping[str, Callable[..., Any]]:
    """Return functions that a skops file cannot hold, or must not hold in parts, by the names that stand for them."""
    import operator

    import numpy as np
    import pandas as pd

    from automl.data.dates import EPOCH

    parts = ("year", "month", "day", "day_of_week", "day_of_year", "hour")
    return {
        "pandas.DataFrame.astype": pd.DataFrame.astype,
        "pandas.DataFrame.to_numpy": pd.DataFrame.to_numpy,
        "pandas.DataFrame.fillna": pd.DataFrame.fillna,
        "pandas.Series.to_frame": pd.Series.to_frame,
        **{f"numpy.{f.__name__}.reduce": f.reduce for f in (np.add, np.subtract, np.multiply, np.arctan2)},
        **{f"dt.{part}": operator.attrgetter(f"dt.{part}") for part in parts},
        "since 1970": operator.methodcaller("sub", EPOCH.tz_localize("UTC")),
        "in days": operator.methodcaller("div", pd.Timedelta(days=1)),
        "get_support": operator.methodcaller("get_support"),
        "to_dict of records": operator.methodcaller("to_dict", orient="records"),
        "toarray": operator.methodcaller("toarray"),
    }
