"""How each system is told what to do: a class per system, imported where that system is installed.

A further system is a class like these, in a dictionary ``ADAPTERS`` of a file given with ``--adapters``.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["ADAPTERS", "Adapter", "find"]

_TARGET = "target__"


class Adapter:
    """A system in use. Classes are 0..K-1; ``predict`` returns probabilities (n, K'), or values (n,).

    Attributes
    ----------
    needs : {"native", "category", "numeric"}
        What it takes: all; no text or dates; numbers without gaps alone.
    package : str
    columns : list of int
        Classes of the columns of ``predict``.
    info : dict
        Kept with the result.
    """

    needs = "native"
    package = ""

    def __init__(self, task: str, budget: float, cores: int, seed: int, n_classes: int, setting: str = "") -> None:
        self.task, self.budget, self.cores, self.seed, self.setting = task, budget, cores, seed, setting
        self.columns = list(range(n_classes))
        self.info: dict[str, Any] = {}
        self.model: Any = None

    def version(self) -> str:
        from importlib.metadata import PackageNotFoundError, version

        try:
            return f"{self.package} {version(self.package)}"
        except PackageNotFoundError:
            return self.package

    def by_task(self, binary: Any, multiclass: Any, regression: Any) -> Any:
        return {"binary": binary, "multiclass": multiclass, "regression": regression}[self.task]

    @property
    def classifies(self) -> bool:
        return self.task != "regression"

    def setup(self) -> None:
        """Import, and start servers: not part of the budget."""

    def fit(self, X: Any, y: Any) -> None:
        self.model.fit(X, y)

    def predict(self, X: Any) -> Any:
        if not self.classifies:
            return np.asarray(self.model.predict(X)).ravel()
        found = np.asarray(self.model.predict_proba(X))
        self.columns = [int(code) for code in getattr(self.model, "classes_", self.columns)]
        return found

    def size_mb(self) -> float | None:
        """Return the size of what predicts, in 10^6 bytes."""
        return len(pickle.dumps(self.model)) / 1e6

    def close(self) -> None:
        """Stop servers."""


def _folder_mb(path: str) -> float:
    return sum(file.stat().st_size for file in Path(path).rglob("*") if file.is_file()) / 1e6


# ---- defaults of single models


class Constant(Adapter):
    package = "scikit-learn"

    def setup(self) -> None:
        from sklearn.dummy import DummyClassifier, DummyRegressor

        self.model = DummyClassifier(strategy="prior") if self.classifies else DummyRegressor()


class Forest(Adapter):
    """Behind the least that makes it run: codes for categories, medians for gaps."""

    needs, package = "category", "scikit-learn"

    def setup(self) -> None:
        from sklearn.compose import make_column_selector, make_column_transformer
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OrdinalEncoder

        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
        numbers = SimpleImputer(strategy="median", keep_empty_features=True)
        prepare = make_column_transformer(
            (codes, make_column_selector(dtype_include="category")),
            (numbers, make_column_selector(dtype_exclude="category")),
        )
        kind = RandomForestClassifier if self.classifies else RandomForestRegressor
        self.model = make_pipeline(prepare, kind(n_jobs=self.cores, random_state=self.seed))


class LightGBM(Adapter):
    needs, package = "category", "lightgbm"

    def setup(self) -> None:
        from lightgbm import LGBMClassifier, LGBMRegressor

        kind = LGBMClassifier if self.classifies else LGBMRegressor
        self.model = kind(n_jobs=self.cores, random_state=self.seed, verbose=-1)


class CatBoost(Adapter):
    needs, package = "category", "catboost"

    def setup(self) -> None:
        from catboost import CatBoostClassifier, CatBoostRegressor

        kind = CatBoostClassifier if self.classifies else CatBoostRegressor
        settings = {"thread_count": self.cores, "random_seed": self.seed, "verbose": False}
        self.model = kind(**settings, allow_writing_files=False)

    def _texts(self, X: Any) -> Any:
        X = X.copy()
        for name in self.info["categories"]:
            X[name] = X[name].astype(object).where(X[name].notna(), "missing").astype(str)
        return X

    def fit(self, X: Any, y: Any) -> None:
        self.info["categories"] = [name for name in X.columns if str(X[name].dtype) == "category"]
        self.model.fit(self._texts(X), y, cat_features=self.info["categories"])

    def predict(self, X: Any) -> Any:
        return super().predict(self._texts(X))


# ---- systems that search


class Automl(Adapter):
    package = "automl"

    def setup(self) -> None:
        from automl import AutoClassifier, AutoRegressor

        kind = AutoClassifier if self.classifies else AutoRegressor
        metric = self.by_task("roc_auc", "log_loss", "root_mean_squared_error")
        self.model = kind(self.budget, metric=metric, n_jobs=self.cores, random_state=self.seed, verbose=0)

    def fit(self, X: Any, y: Any) -> None:
        super().fit(X, y)
        self.info["estimate"] = str(self.model.estimate_)
        self.info["members"] = [(m.config.shape(), round(m.weight, 3)) for m in self.model.outcome_.members]
        self.info["notes"] = list(self.model.outcome_.notes)

    def size_mb(self) -> float | None:
        return len(pickle.dumps(self.model.pipeline_)) / 1e6


class AutomlFast(Automl):
    """The fastest model that the same fit has to offer at a loss, held out, of at most one per cent more."""

    def fit(self, X: Any, y: Any) -> None:
        super().fit(X, y)
        score = float(self.model.menu()["score"].iloc[0])
        self.model = self.model.select(max_loss_increase=0.01 * (1 - score if self.task == "binary" else abs(score)))


class Flaml(Adapter):
    package = "FLAML"

    def setup(self) -> None:
        from flaml import AutoML

        self.model = AutoML()

    def fit(self, X: Any, y: Any) -> None:
        self.model.fit(
            X_train=X,
            y_train=y,
            time_budget=self.budget,
            n_jobs=self.cores,
            task="classification" if self.classifies else "regression",
            metric=self.by_task("roc_auc", "log_loss", "rmse"),
            seed=self.seed,
            verbose=0,
        )
        self.info["best"] = str(self.model.best_estimator)


class AutoGluon(Adapter):
    package = "autogluon.tabular"

    def setup(self) -> None:
        from autogluon.tabular import TabularPredictor

        self.path = tempfile.mkdtemp(dir=".")
        metric = self.by_task("roc_auc", "log_loss", "root_mean_squared_error")
        self.model = TabularPredictor(_TARGET, problem_type=self.task, eval_metric=metric, path=self.path, verbosity=1)

    def fit(self, X: Any, y: Any) -> None:
        limits = {"time_limit": self.budget, "num_cpus": self.cores, "num_gpus": 0}
        self.model.fit(X.assign(**{_TARGET: y}), presets=self.setting, **limits)
        self.info["best"] = self.model.model_best

    def predict(self, X: Any) -> Any:
        if not self.classifies:
            return self.model.predict(X).to_numpy()
        found = self.model.predict_proba(X, as_multiclass=True)
        self.columns = [int(code) for code in found.columns]
        return found.to_numpy()

    def size_mb(self) -> float | None:
        return _folder_mb(self.path)


class LightAutoML(Adapter):
    """Its utilised preset, which is the one made for budgets."""

    package = "lightautoml"

    def setup(self) -> None:
        from lightautoml.automl.presets.tabular_presets import TabularUtilizedAutoML
        from lightautoml.tasks import Task

        task = Task(self.by_task("binary", "multiclass", "reg"), metric=self.by_task("auc", "crossentropy", "mse"))
        self.model = TabularUtilizedAutoML(task, timeout=self.budget, cpu_limit=self.cores, random_state=self.seed)

    def fit(self, X: Any, y: Any) -> None:
        self.model.fit_predict(X.assign(**{_TARGET: y}), roles={"target": _TARGET}, verbose=0)
        reader = self.model.outer_pipes[0].ml_algos[0].models[0][0].reader
        mapping = getattr(reader, "class_mapping", None)
        if mapping:
            self.columns = [int(label) for label, _ in sorted(mapping.items(), key=lambda pair: pair[1])]

    def predict(self, X: Any) -> Any:
        found = np.asarray(self.model.predict(X).data)
        if not self.classifies:
            return found.ravel()
        return np.hstack([1 - found, found]) if found.shape[1] == 1 else found


class Mljar(Adapter):
    package = "mljar-supervised"

    def setup(self) -> None:
        from supervised.automl import AutoML

        self.path = tempfile.mkdtemp(dir=".")
        self.model = AutoML(
            mode=self.setting,
            total_time_limit=int(self.budget),
            n_jobs=self.cores,
            ml_task=self.by_task("binary_classification", "multiclass_classification", "regression"),
            eval_metric=self.by_task("auc", "logloss", "rmse"),
            results_path=self.path,
            random_state=self.seed,
            explain_level=0,
            verbose=0,
        )

    def predict(self, X: Any) -> Any:
        return np.asarray(self.model.predict_proba(X) if self.classifies else self.model.predict(X).ravel())

    def size_mb(self) -> float | None:
        return _folder_mb(self.path)


class H2O(Adapter):
    package = "h2o"

    def setup(self) -> None:
        import h2o
        from h2o.automl import H2OAutoML

        self.h2o, self.path = h2o, tempfile.mkdtemp(dir=".")
        port = 40_000 + 2 * (os.getpid() % 10_000)
        h2o.init(nthreads=self.cores, port=port, max_mem_size="8G", name=f"rivals{os.getpid()}", log_level="ERRR")
        h2o.no_progress()
        self.model = H2OAutoML(
            max_runtime_secs=int(self.budget), seed=self.seed, sort_metric=self.by_task("AUC", "logloss", "RMSE")
        )

    def _frame(self, X: Any, y: Any = None) -> Any:
        text = [name for name in X.columns if str(X[name].dtype) in ("category", "object")]
        kinds = dict.fromkeys(text, "enum")
        X = X.astype(dict.fromkeys(text, object))
        if y is not None:
            X = X.assign(**{_TARGET: [f"c{code}" for code in y] if self.classifies else y})
            kinds[_TARGET] = "enum" if self.classifies else "numeric"
        return self.h2o.H2OFrame(X, column_types=kinds)

    def fit(self, X: Any, y: Any) -> None:
        self.model.train(y=_TARGET, training_frame=self._frame(X, y))
        if self.model.leader is None:
            raise RuntimeError("there is no model on its leaderboard")

    def predict(self, X: Any) -> Any:
        found = self.model.leader.predict(self._frame(X)).as_data_frame()
        if not self.classifies:
            return found["predict"].to_numpy()
        found = found.drop(columns="predict")
        self.columns = [int(name[1:]) for name in found.columns]
        return found.to_numpy()

    def size_mb(self) -> float | None:
        return Path(self.h2o.save_model(self.model.leader, path=self.path)).stat().st_size / 1e6

    def close(self) -> None:
        self.h2o.cluster().shutdown()


class Tpot(Adapter):
    """It waits for a pipeline as long as one may take, by default ten minutes: here a sixth of the budget."""

    needs, package = "category", "TPOT"

    def setup(self) -> None:
        import tpot

        kind = tpot.TPOTClassifier if self.classifies else tpot.TPOTRegressor
        self.model = kind(
            scorers=[self.by_task("roc_auc", "neg_log_loss", "neg_root_mean_squared_error")],
            scorers_weights=[1],
            max_time_mins=self.budget / 60,
            max_eval_time_mins=min(10, self.budget / 360),
            n_jobs=self.cores,
            random_state=self.seed,
            verbose=0,
        )

    def predict(self, X: Any) -> Any:
        self.model, whole = self.model.fitted_pipeline_, self.model
        found = super().predict(X)
        self.model = whole
        return found


class Gama(Adapter):
    needs, package = "category", "gama"

    def setup(self) -> None:
        from gama import GamaClassifier, GamaRegressor

        kind = GamaClassifier if self.classifies else GamaRegressor
        self.model = kind(
            scoring=self.by_task("roc_auc", "neg_log_loss", "neg_mean_squared_error"),
            max_total_time=int(self.budget),
            n_jobs=self.cores,
            store="nothing",
            random_state=self.seed,
            output_directory=f"{tempfile.mkdtemp(dir='.')}/gama",
        )

    def fit(self, X: Any, y: Any) -> None:
        import pandas as pd

        self.model.fit(X, pd.Series(y))


ADAPTERS: dict[str, type[Adapter]] = {
    kind.__name__: kind for kind in (
        Automl, AutomlFast, AutoGluon, CatBoost, Constant, Flaml, Forest, Gama, H2O, LightAutoML, LightGBM, Mljar, Tpot,
    )
}  # fmt: skip


def find(system: str, path: str | None = None) -> Callable[..., Adapter]:
    """Return what makes the adapter of a system; ``path``: a file with further ones, by the names of their systems."""
    from functools import partial

    from systems import SYSTEMS

    if path is not None:
        spec = importlib.util.spec_from_file_location("further_adapters", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        if system in module.ADAPTERS:
            made: Callable[..., Adapter] = module.ADAPTERS[system]
            return made
    known = SYSTEMS[system]
    return partial(ADAPTERS[known.adapter], setting=known.setting)
