import io
import pickle
import pickletools
import sys
import types

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from automl.core import Config, SpaceError
from automl.pipeline.assemble import vote
from automl.pipeline.plain import check_plain, modules_of, read_back, write_pickle

X, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2


def fitted(*steps) -> Pipeline:
    return make_pipeline(*steps, LogisticRegression()).fit(X, y)


def test_scikit_learn_is_made_of_itself_and_numpy() -> None:
    found = modules_of(vote([fitted(StandardScaler())], classes=np.array(["n", "y"])))
    assert {"sklearn", "numpy"} <= found <= {"sklearn", "numpy", "builtins", "collections", "_codecs"}


def test_lightgbm_is_named() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMClassifier(n_estimators=2, min_child_samples=2, verbose=-1, n_jobs=1).fit(X, y)
    assert "lightgbm" in modules_of(model)
    check_plain(model)


@pytest.mark.parametrize("build", [lambda: Config, lambda: Config.of, lambda: [{"deep": (Config(()),)}]])
def test_ours_is_found_wherever_it_hides(build) -> None:
    assert "automl" in modules_of(build())
    with pytest.raises(SpaceError, match="refers to automl"):
        check_plain(build())


def test_a_function_of_ours_inside_a_pipeline_is_found() -> None:
    with pytest.raises(SpaceError, match="refers to automl"):
        check_plain(make_pipeline(FunctionTransformer(modules_of)))


def test_modules_named_by_memo_are_found() -> None:
    """The second class of a module refers to its name by memo; the strings between must not confuse."""
    values = ["automl.core", "numpy", LogisticRegression(), "os", "system", StandardScaler(), LogisticRegression()]
    assert modules_of(values) == {"sklearn"}


def test_text_that_looks_like_a_module_is_no_module() -> None:
    assert modules_of(["automl", "__main__", "cloudpickle"]) == set()


def test_all_globals_in_the_pickle_are_reported_and_the_model_comes_back() -> None:
    """Against the text of the pickle: protocol 0 names module and class behind each other."""
    model = vote([fitted(StandardScaler()), fitted(FunctionTransformer(np.log1p))], classes=np.array(["n", "y"]))
    named = {
        argument.partition(".")[0].partition(" ")[0]
        for opcode, argument, _ in pickletools.genops(pickle.dumps(model, protocol=0))
        if opcode.name == "GLOBAL"
    }
    file = io.BytesIO()
    write_pickle(model, file)
    file.seek(0)
    again, modules = read_back(file)
    assert modules | {"copyreg", "copy_reg", "__builtin__", "_codecs"} >= named and modules == modules_of(model)
    assert {"sklearn", "numpy"} <= modules
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_what_the_users_script_defines_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    script = types.ModuleType("__main__")
    exec("class Mine:\n    pass", script.__dict__)
    monkeypatch.setitem(sys.modules, "__main__", script)
    with pytest.raises(SpaceError, match="__main__.*importable module"):
        check_plain(script.Mine())


def test_what_cannot_be_pickled_is_refused() -> None:
    with pytest.raises(SpaceError, match="cannot be pickled"):
        modules_of(FunctionTransformer(lambda x: x))
