"""The last stage of public parts: labels and probabilities of every kind, copies, clones, without automl."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from automl.core import StoreError
from automl.data import Task
from automl.ensemble import Decision, apply_decision
from automl.pipeline.assemble import assemble, decided, leaves, undecided
from automl.pipeline.audited import read_audited, write_audited
from automl.pipeline.plain import check_plain

LABELS = {
    "strings": np.array(["no", "yes"]),
    "objects": np.array(["no", "yes"], dtype=object),
    "bool": np.array([False, True]),
    "codes": np.array([0, 1]),
    "halves": np.array([0.5, 1.5]),
    "three": np.array(["a", "b", "c"]),
    "numbers": np.array([3, 7, 9]),
}
DECISIONS = {
    "temperature": Decision("temperature", (1.7,), accepted=True),
    "threshold": Decision("threshold", (0.31,), accepted=True),
    "multipliers": Decision("multipliers", (0.5, 1.2, 2.0), accepted=True),
}
CASES = [
    (labels, kind)
    for labels, classes in LABELS.items()
    for kind in ("temperature", "threshold" if len(classes) == 2 else "multipliers")
]


def table(container: str = "frame"):
    values = np.random.default_rng(0).normal(size=(90, 3))
    if container == "sparse":
        return sparse.csr_matrix(values)
    return values if container == "array" else pd.DataFrame(values, columns=list("abc"))


def ensemble(classes, container: str = "frame"):
    y = np.arange(90) % len(classes)
    models = [LogisticRegression(C=c).fit(table(container), y) for c in (0.01, 1.0, 100.0)]
    task = Task.BINARY if len(classes) == 2 else Task.MULTICLASS
    return assemble([(0.7, models[:2]), (0.3, models[2:])], classes=classes, task=task)


def with_stage(model, classes, decision: Decision):
    return decided(
        model,
        classes=classes,
        temperature=decision.temperature,
        threshold=decision.threshold,
        multipliers=decision.multipliers,
    )


@pytest.mark.parametrize("container", ["frame", "array", "sparse"])
@pytest.mark.parametrize(("labels", "kind"), CASES)
def test_the_parts_do_what_the_numbers_say(labels: str, kind: str, container: str) -> None:
    classes, decision, X = LABELS[labels], DECISIONS[kind], table(container)
    base = ensemble(classes, container)
    before = base.predict_proba(X)
    model, labeller = with_stage(base, classes, decision)
    expected = apply_decision(before, decision)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, probability = labeller.predict(X), model.predict_proba(X)
        assert labeller.predict(X[:1]).shape == (1,)
    np.testing.assert_array_equal(found, classes[expected.argmax(axis=1)])
    assert found.dtype == classes.dtype and (found != base.predict(X)).any() == (kind != "temperature")
    np.testing.assert_allclose(probability, expected if kind == "temperature" else before, rtol=0, atol=1e-14)
    assert undecided(model) is base
    assert (labeller is model) == (kind != "multipliers" and labels != "halves" or kind == "temperature")


def test_nothing_decided_is_nothing_added() -> None:
    base = ensemble(LABELS["three"])
    assert decided(base, classes=LABELS["three"]) == (base, base) and undecided(base) is base


@pytest.mark.parametrize(
    ("labels", "kind"), [("strings", "threshold"), ("three", "multipliers"), ("codes", "temperature")]
)
def test_a_clone_is_fitted_anew_and_keeps_the_number(labels: str, kind: str) -> None:
    classes = LABELS[labels]
    X = table()
    model = with_stage(ensemble(classes), classes, DECISIONS[kind])[1]
    anew = np.where(X["a"] > 0, classes[-1], classes[0])  # has nothing to do with what it was fitted on
    if len(classes) == 3:
        anew[:10] = classes[1]  # every class in every fold
    again = clone(model).fit(X, anew)
    np.testing.assert_array_equal(again.classes_, classes)
    assert cross_val_score(model, X, anew, cv=3).mean() > 0.6
    plain = clone(undecided(model)).fit(X, anew)
    expected = apply_decision(plain.predict_proba(X), DECISIONS[kind])
    np.testing.assert_array_equal(again.predict(X), classes[expected.argmax(axis=1)])


@pytest.mark.parametrize(
    ("labels", "kind"), [("strings", "threshold"), ("three", "multipliers"), ("codes", "temperature")]
)
def test_pickles_hold_the_models_once_and_nothing_of_automl(labels: str, kind: str, tmp_path) -> None:
    classes, X = LABELS[labels], table()
    base = ensemble(classes)
    pair = with_stage(base, classes, DECISIONS[kind])
    assert check_plain(pair) == {"numpy", "sklearn"}
    content = pickle.dumps((*pair, X, pair[1].predict(X)))
    assert b"automl" not in content
    models = sum(type(value).__name__ == "LogisticRegression" for value in fitted_models(pickle.loads(content)[:2]))
    assert models == 3  # shared by both, in memory and in one pickle
    path = tmp_path / "model.pkl"
    path.write_bytes(content)
    code = (
        "import pickle, sys\n"
        "sys.modules['automl'] = None\n"
        f"model, labeller, X, expected = pickle.load(open({str(path)!r}, 'rb'))\n"
        "assert (labeller.predict(X) == expected).all()\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=tmp_path)


def fitted_models(pair) -> list:
    """Return the members' models in the two objects, each once."""
    found = {}
    for model in pair:
        for leaf in leaves(undecided(model)):
            found[id(leaf.steps[-1][1])] = leaf.steps[-1][1]
    return list(found.values())


@pytest.mark.parametrize(("labels", "kind"), [("strings", "threshold"), ("three", "temperature")])
def test_the_audited_format_reads_it_back(labels: str, kind: str) -> None:
    pytest.importorskip("skops")
    classes, X = LABELS[labels], table()
    model = with_stage(ensemble(classes), classes, DECISIONS[kind])[0]
    again = read_audited(write_audited({"model": model}))["model"]
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_the_audited_format_calls_no_method_of_a_files_choice() -> None:
    pytest.importorskip("skops")
    model = with_stage(ensemble(LABELS["strings"]), LABELS["strings"], DECISIONS["threshold"])[0]
    model.response_method = "fit"
    with pytest.raises(StoreError, match="FixedThresholdClassifier"):
        read_audited(write_audited({"model": model}))
