import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.core import Budget, Config, Step, stream, stream_seed

params = st.dictionaries(
    st.text("abc_", min_size=1, max_size=5),
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    max_size=4,
)
steps = st.builds(lambda name, values: Step(name, tuple(values.items())), st.sampled_from("xyz"), params)
configs = st.lists(steps, min_size=1, max_size=4).map(lambda s: Config(tuple(s)))
nested = st.builds(lambda a, b: Config.of(Step.of("union", a, b), Step.of("model", depth=2)), configs, configs)


@given(configs | nested)
def test_config_survives_json_and_pickle(config):
    assert Config.from_json(config.to_json()) == config
    assert pickle.loads(pickle.dumps(config)).key() == config.key()


@given(params)
def test_key_does_not_depend_on_the_order_of_parameters(values):
    forward = Step("m", tuple(values.items()))
    backward = Step("m", tuple(reversed(values.items())))
    assert Config.of(forward).key() == Config.of(backward).key()


def test_key_is_the_same_for_numpy_and_python_scalars():
    assert Step.of("m", a=np.int64(3), b=np.float64(0.5)) == Step.of("m", a=3, b=0.5)


def test_a_parameter_must_be_plain():
    with pytest.raises(TypeError, match="bool, int, float, str or None"):
        Step.of("m", a=[1, 2])


def test_shape_shows_branches():
    inner = Config.of(Step.of("pca"))
    assert Config.of(Step.of("union", inner, inner), Step.of("ridge", alpha=1.0)).shape() == "union(pca, pca) > ridge"


def test_an_untimed_budget_reads_no_clock():
    def clock() -> float:
        raise AssertionError("read the clock")

    budget = Budget.begin(None, clock)
    assert (budget.elapsed(), budget.remaining(), budget.over()) == (0.0, float("inf"), False)


def test_a_timed_budget_ends_at_its_deadline():
    now = [10.0]
    budget = Budget.begin(5.0, lambda: now[0])
    now[0] = 14.0
    assert not budget.over()
    now[0] = 15.0
    assert budget.over() and budget.elapsed() == 5.0


def test_streams_are_named_and_independent():
    assert stream_seed(0, "a", 1) == stream_seed(0, "a", 1)
    assert len({stream_seed(0, "a", 1), stream_seed(0, "a", 2), stream_seed(0, "b", 1), stream_seed(1, "a", 1)}) == 4
    assert stream(3, "x").random() == stream(3, "x").random()
