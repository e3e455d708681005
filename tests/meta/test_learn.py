"""From results to the shipped base: orders, surrogates, files; and what the audit makes of them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from meta.knowledge import audit, strategies
from meta.knowledge.greedy import Ensembles, greedy_order, loss_of
from meta.knowledge.learn import learn, weight_between
from meta.knowledge.surrogates import fit_surrogates, trees_of
from meta.knowledge.warm import CompromisedError, check_apart
from tests.meta.knowledge_results import of_tables, results, some_entries, table


def models_of(entries):
    return {entry.id: entry.model for entry in entries}


def test_losses_of_many_predictions_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    y, two = rng.integers(0, 2, 200), rng.random((3, 200)).astype(np.float32)
    assert loss_of("binary", y, two) == pytest.approx([1 - roc_auc_score(y, p) for p in two], abs=1e-6)
    classes = rng.dirichlet(np.ones(4), (2, 200))
    labels = rng.integers(0, 4, 200)
    expected = [log_loss(labels, p, labels=range(4)) for p in classes]
    true = classes[:, np.arange(200), labels]
    assert loss_of("multiclass", labels, true) == pytest.approx(expected, rel=1e-4)
    values = rng.normal(size=200)
    assert loss_of("regression", values, np.stack([values, values + 2.0])) == pytest.approx([0.0, 2.0])


def test_ties_cost_neither_class():
    y = np.arange(400) % 2
    assert loss_of("binary", y, np.full((1, 400), 0.5, np.float32))[0] == pytest.approx(0.5, abs=0.06)


def test_of_two_that_are_equally_good_the_cheaper_one_comes_first():
    entries = some_entries(5)
    quality = {entry.id: 1.5 if place in (2, 4) else 0.1 for place, entry in enumerate(entries)}
    units = {entry.id: {2: 9.0, 4: 0.5}.get(place, 1.0) for place, entry in enumerate(entries)}
    tables = [table(number, entries, quality, units) for number in range(12)]
    ids = [entry.id for entry in entries]
    order = greedy_order(Ensembles(tables, ids), models_of(entries))
    assert order[0] == ids[4]
    swapped = [table(n, entries, quality, {**units, ids[2]: 0.5, ids[4]: 9.0}) for n in range(12)]
    assert greedy_order(Ensembles(swapped, ids), models_of(entries))[0] == ids[2]


def test_no_model_comes_twice_before_there_is_breadth():
    entries = some_entries(14)
    models = {entry.id: "same" if place < 10 else f"other{place}" for place, entry in enumerate(entries)}
    quality = {entry.id: 2.0 if place < 10 else 0.3 for place, entry in enumerate(entries)}
    ensembles = Ensembles([table(n, entries, quality, {}) for n in range(8)], [e.id for e in entries])
    order = greedy_order(ensembles, models)
    assert [models[name] for name in order].count("same") == 1


def test_an_entry_that_was_hardly_tried_is_left_out():
    entries = some_entries(6)
    ids = [entry.id for entry in entries]
    tables = [table(n, entries, {ids[1]: 3.0}, {}) for n in range(10)]
    few = []
    for number, whole in enumerate(tables):
        keep = [i for i, name in enumerate(ids) if name != ids[1] or number < 3]
        found = {name: whole.found[name] for i, name in enumerate(ids) if i in keep}
        few.append(
            dataclasses.replace(
                whole, found=found, predicted=tuple(ids[i] for i in keep), predictions=whole.predictions[keep]
            )
        )
    assert ids[1] in greedy_order(Ensembles(tables, ids), models_of(entries))
    assert ids[1] not in greedy_order(Ensembles(few, ids), models_of(entries))


def test_the_mean_loss_of_a_greedy_ensemble_falls_with_every_line():
    known = results(20)
    ensembles = Ensembles(known.tables, [entry.id for entry in some_entries()])
    order = greedy_order(ensembles, models_of(some_entries()))
    losses = [ensembles.losses(order[:length]).mean() for length in range(len(order) + 1)]
    assert len(order) > 3 and (np.diff(losses) < 0).all()


def test_what_is_nothing_but_noise_gains_nothing():
    entries = some_entries(12)
    quality = {entry.id: 2.0 if place == 0 else 0.0 for place, entry in enumerate(entries)}
    tables = [table(number, entries, quality, {}) for number in range(20)]
    ensembles = Ensembles(tables, [entry.id for entry in entries])
    gains = ensembles.gains((entries[0].id,))
    assert gains[:, 1:].mean() < 0.0, "weighted and judged on the same rows it would be above"
    assert greedy_order(ensembles, models_of(entries))[0] == entries[0].id


def test_trees_as_arrays_predict_what_lightgbm_does():
    import lightgbm

    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 4))
    y = X[:, 0] * X[:, 1] + 5
    settings = {"verbose": -1, "num_leaves": 7, "min_data_in_leaf": 5, "num_threads": 1}
    booster = lightgbm.train(settings, lightgbm.Dataset(X, y), 20)
    assert trees_of(booster).predict(X) == pytest.approx(booster.predict(X), rel=1e-9)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folders = (tmp_path_factory.mktemp("one") / "base", tmp_path_factory.mktemp("two") / "base")
    for folder in folders:
        learn(results(), folder)
    return folders


def test_equal_results_give_equal_files(learnt):
    one, two = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in learnt)
    assert one == two and sum(map(len, one.values())) < 3e6


def test_the_manifest_says_what_it_was_made_of(learnt):
    manifest = json.loads((learnt[0] / "manifest.json").read_text())
    assert manifest["schema"] == 1 and manifest["counts"]["binary"]["tables"] == 22
    assert {"name", "checksum", "provenance", "licence"} <= manifest["tables"][0].keys()
    assert {"scikit-learn", "lightgbm", "python"} <= manifest["versions"].keys()
    assert list(manifest["surrogates"]) == ["binary"]


def test_too_little_gives_neither_order_nor_surrogates(tmp_path: Path):
    manifest = learn(results(n_tables=5), tmp_path / "base")
    assert manifest["surrogates"] == {} and json.loads((tmp_path / "base" / "orders.json").read_text()) == {}
    assert len(manifest["tables"]) == 5


def test_a_table_has_no_say_in_its_own_order():
    entries = some_entries(8)
    ids = [entry.id for entry in entries]
    quality = {name: 0.2 + 0.1 * place for place, name in enumerate(ids)}
    tables = [table(number, entries, quality, {}) for number in range(6)]
    turned = table(0, entries, {name: 1.0 - q for name, q in quality.items()}, {})
    first = strategies.Known(of_tables(tuple(tables), entries), "binary")
    other = strategies.Known(of_tables((turned, *tables[1:]), entries), "binary")
    assert first.order(tables[0]) == other.order(turned)
    assert first.order(tables[1]) == first.order(tables[1])


def test_surrogates_learn_without_the_tables_that_are_left_out():
    known = results(6)
    config = [known.configs[known.tables[0].found[some_entries()[0].id].key]]
    without = fit_surrogates(known, "binary", without=["t0"])
    changed = dataclasses.replace(known, tables=(table(0, some_entries(), {}, {}), *known.tables[1:]))
    again = fit_surrogates(changed, "binary", without=["t0"])
    assert without.predict("rank", config, known.tables[1])[0] == again.predict("rank", config, known.tables[1])[0]


def test_the_audit_compares_all_ways_to_begin():
    text = audit.audit(results(5))
    for name in audit.STRATEGIES:
        assert name in text
    assert "median |log error|" in text and "samples of more than" not in text


def test_samples_of_many_rows_are_looked_at_on_their_own_and_weigh_only_for_their_size():
    known = results(5)
    samples = [dataclasses.replace(t, rows=5000, description={**t.description, "n_rows": 5000}) for t in known.tables]
    text = audit.audit(dataclasses.replace(known, tables=(*known.tables, *samples)))
    part = text[text.index("5 samples of more than 2,000 rows") :]
    assert all(name in part for name in audit.LARGER) and "defaults + random" not in part
    few, many = weight_between(0, 1_000), weight_between(4_000, None)
    assert [few(samples[0]), many(samples[0])] == [0.0, 1.0]
    assert 0.0 < many(known.tables[0]) < 1.0


def test_regret_is_lower_where_the_best_come_first():
    known = strategies.Known(results(4), "binary")
    best_last = [entry.id for entry in some_entries()]
    rising = audit.curve(best_last, known.tables[0]).mean()
    falling = audit.curve(best_last[::-1], known.tables[0]).mean()
    assert falling < rising


def test_with_next_to_nothing_the_audit_says_so():
    assert "too little" in audit.audit(results(1))


def test_nothing_is_measured_on_a_table_of_the_base(learnt):
    from automl.metalearn import KnowledgeBase

    base = KnowledgeBase.load(learnt[0])
    check_apart(base, {"fresh": "f" * 64})
    with pytest.raises(CompromisedError, match="renamed"):
        check_apart(base, {"renamed": f"{3:064d}"})
