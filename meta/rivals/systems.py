"""The systems that are compared: where each lives, and what is installed there. Standard library only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ENVIRONMENTS", "OURS", "SYSTEMS", "System", "home", "python_of"]

OURS = "automl"
_TORCH = "torch==2.13.0"  # the build for the CPU: from an index that has it, or a file on disk
_READING = "psutil pyarrow"

# One `pip install` a line; every rival has an environment of its own, for they ask for versions that do not agree.
ENVIRONMENTS: dict[str, tuple[str, ...]] = {
    "base": (f"scikit-learn==1.9.1 lightgbm==4.7.0 xgboost==3.2.0 catboost==1.2.10 pandas {_READING}",),
    "flaml": (f"flaml[automl]==2.7.0 pandas {_READING}",),
    "autogluon": (f"autogluon.tabular[lightgbm,catboost,xgboost]==1.6.3 pandas {_READING}",),
    "autogluon_torch": (
        _TORCH,
        f"autogluon.tabular[lightgbm,catboost,xgboost,fastai]==1.6.3 pandas {_READING}",
    ),
    "lightautoml": (_TORCH, f"lightautoml==0.4.2 pandas {_READING}"),
    "mljar": (f"mljar-supervised==1.3.2 pandas {_READING}",),
    "h2o": (f"h2o==3.46.0.12 scikit-learn pandas {_READING}",),  # needs Java
    "tpot": (f"tpot==1.1.0 pandas {_READING}",),
    "gama": (
        "gama==23.0.0.post1 numpy<2 pandas<2.3 scipy<1.13 pyarrow<20 category-encoders<2.7 statsmodels<0.15 psutil",
    ),
}


@dataclass(frozen=True)
class System:
    """A system, or a setting of one.

    Parameters
    ----------
    environment : str
        One of ENVIRONMENTS; empty for the environment that the benchmark itself runs in.
    adapter : str
        Class in ``adapters.py``.
    setting : str
        What the adapter is told.
    """

    environment: str
    adapter: str
    setting: str = ""


SYSTEMS: dict[str, System] = {
    "automl": System("", "Automl"),
    "automl_fast": System("", "AutomlFast"),
    "constant": System("base", "Constant"),
    "rf_default": System("base", "Forest"),
    "lgbm_default": System("base", "LightGBM"),
    "catboost_default": System("base", "CatBoost"),
    "flaml": System("flaml", "Flaml"),
    "autogluon_mq": System("autogluon", "AutoGluon", "medium_quality"),
    "autogluon_bq": System("autogluon", "AutoGluon", "best_quality"),
    "autogluon_mq_torch": System("autogluon_torch", "AutoGluon", "medium_quality"),
    "autogluon_bq_torch": System("autogluon_torch", "AutoGluon", "best_quality"),
    "lightautoml": System("lightautoml", "LightAutoML"),
    "mljar": System("mljar", "Mljar", "Compete"),
    "h2o": System("h2o", "H2O"),
    "tpot": System("tpot", "Tpot"),
    "gama": System("gama", "Gama"),
}


def home() -> Path:
    """Return the folder of the environments."""
    return Path(os.environ.get("RIVALS_HOME", Path.home() / ".cache" / "automl-rivals"))


def python_of(environment: str) -> Path:
    return home() / environment / "bin" / "python"
