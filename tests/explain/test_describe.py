from automl.core import Config, Step
from automl.explain import describe


def test_steps_in_order_with_short_numbers() -> None:
    config = Config.of(Step.of("onehot"), Step.of("linear", C=0.123456789, penalty="l2", intercept=True, seed=None))
    assert describe(config) == "onehot > linear(C=0.1235, intercept=True, penalty=l2, seed=None)"


def test_branches_stand_in_brackets() -> None:
    inner = Config.of(Step.of("ridge", alpha=1e-7))
    assert describe(Config.of(Step.of("stack", inner, passthrough=False))) == (
        "stack([ridge(alpha=1e-07)], passthrough=False)"
    )
