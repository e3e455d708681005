"""Adjusted p-values: known numbers, and error rates under the null hypothesis."""

import numpy as np
import pytest

from automl.core import adjusted_p_values

KNOWN = (0.01, 0.02, 0.03, 0.04, 0.05)


@pytest.mark.parametrize(("method", "rejected"), [("bh", 5), ("bonferroni", 1), ("holm", 1)])
def test_the_known_numbers_are_rejected_as_they_should(method, rejected):
    assert (adjusted_p_values(KNOWN, method) <= 0.05).sum() == rejected


def test_holm_by_hand_in_any_order():
    assert np.allclose(adjusted_p_values([0.04, 0.01, 0.5, 0.02]), [0.08, 0.04, 0.5, 0.06])


def test_benjamini_and_hochberg_agree_with_scipy():
    from scipy.stats import false_discovery_control

    p = np.random.default_rng(0).uniform(size=30) ** 3
    assert np.allclose(adjusted_p_values(p, "bh"), false_discovery_control(p))


@pytest.mark.parametrize("method", ["holm", "bonferroni", "bh"])
def test_under_the_null_hypothesis_few_families_have_a_false_rejection(method):
    rng = np.random.default_rng(1)
    wrong = np.mean([(adjusted_p_values(rng.uniform(size=12), method) <= 0.05).any() for _ in range(2_000)])
    assert 0.035 < wrong < 0.065


def test_nothing_to_adjust_and_an_unknown_method():
    assert adjusted_p_values([]).shape == (0,)
    with pytest.raises(ValueError, match="choose holm"):
        adjusted_p_values([0.1], "sidak")
