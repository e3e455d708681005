"""Labels of held-out rows must not reach the model that is scored on them, by any way."""

import dataclasses
import itertools
import pickle

import numpy as np
import pytest

from automl.core import Config, Fidelity, Status, Step
from automl.data import dump_dataset
from automl.evaluate import Evaluation, forget_evaluation, make_folds, run_fold, save_evaluation
from automl.metrics import get_metric
from automl.space import default_catalog, facts_of
from tests.builders import mixed_dataset

NATIVE, DENSE = (Step.of("target"),), (Step.of("target"), Step.of("median_indicator"), Step.of("standard"))
CONFIGS = {
    "lightgbm": Config.of(*NATIVE, Step.of("lightgbm", learning_rate=0.1)),
    "hist_gradient_boosting": Config.of(*NATIVE, Step.of("hist_gradient_boosting")),
    "logistic or ridge": None,
    "univariate": Config.of(*DENSE, Step.of("univariate"), Step.of("knn")),
    "mlp": Config.of(*DENSE, Step.of("mlp")),
}


SPLITS = {
    "random": {},
    "groups": {"groups": lambda rows, rng: np.arange(rows) // 3},
    "times": {"times": lambda rows, rng: rng.permutation(rows)},
    "batches": {"times": lambda rows, rng: rng.integers(0, 4, rows)},
    "groups and times": {"groups": lambda rows, rng: np.arange(rows) // 3, "times": lambda rows, rng: np.arange(rows)},
}


def fitted(dataset, folds, config, folder, fold=0):
    """Return the bytes of the model of a fold and its predictions."""
    folder.mkdir()
    data = dump_dataset(dataset, folder / "data")
    metric = get_metric("auto", task=str(dataset.task), classes=dataset.classes)
    evaluation = Evaluation(str(data), folds, (metric,), facts_of(dataset, 60.0), default_catalog(), 0)
    save_evaluation(evaluation, folder / "evaluation.pkl")
    forget_evaluation()
    output = run_fold(str(folder / "evaluation.pkl"), config, fold, Fidelity(), str(folder / "model"), None)
    assert output.status is Status.OK, output.error
    return pickle.dumps(pickle.loads((folder / "model").read_bytes())), output


CASES = [
    *itertools.product(("random", "groups"), CONFIGS, (0, 2, 3), (300, 1500)),  # both ways of stopping early
    *itertools.product(("times", "batches", "groups and times"), ("lightgbm", "mlp"), (2,), (300,)),
    *itertools.product(("times", "batches", "groups and times"), ("lightgbm",), (0,), (1500,)),
]


@pytest.mark.parametrize(("split", "name", "classes", "rows"), CASES)
def test_changing_the_labels_of_a_fold_changes_no_byte_of_its_model(split, name, classes, rows, tmp_path):
    if name == "mlp" and rows > 1000 and (split != "random" or classes == 3):
        pytest.skip("as the smaller ones, and slow")
    rng = np.random.default_rng(0)
    dataset = mixed_dataset(rows, classes, **{key: make(rows, rng) for key, make in SPLITS[split].items()})
    folds = make_folds(dataset, cv="walk_forward" if split == "batches" else 3)
    fold = len(folds) - 1  # in the order of time the one with the most training rows
    config = CONFIGS[name] or Config.of(*DENSE, Step.of("logistic" if classes else "ridge"))
    if split != "random":
        config = Config.of(*(Step.of("one_hot") if step.component == "target" else step for step in config.steps))
    test = folds.pairs[fold][1]
    poisoned = dataset.y.copy()
    poisoned[test] = (poisoned[test] + 1) % classes if classes else poisoned[test] * -50
    clean_model, clean = fitted(dataset, folds, config, tmp_path / "clean", fold)
    other_model, other = fitted(dataclasses.replace(dataset, y=poisoned), folds, config, tmp_path / "poisoned", fold)
    assert clean_model == other_model
    assert (clean.prediction == other.prediction).all() and clean.rounds == other.rounds
    assert clean.losses != other.losses


def test_changing_training_labels_does_change_the_model(tmp_path):
    """The test above can fail."""
    dataset = mixed_dataset(300, 2)
    folds = make_folds(dataset, cv=3)
    poisoned = dataset.y.copy()
    poisoned[folds.pairs[0][0]] = 1 - poisoned[folds.pairs[0][0]]
    one, _ = fitted(dataset, folds, CONFIGS["lightgbm"], tmp_path / "a")
    two, _ = fitted(dataclasses.replace(dataset, y=poisoned), folds, CONFIGS["lightgbm"], tmp_path / "b")
    assert one != two
