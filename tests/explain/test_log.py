from automl.core import Event
from automl.explain import log
from tests.explain.test_leaderboard import PLAN, fold, result, run, trial


def texts(*events):
    return log(run(PLAN_OF_A_RUN, *events)).set_index("event")["text"]


PLAN_OF_A_RUN = Event(
    "plan",
    {**PLAN.data, "plan": {"task": "binary", "n_rows": 9, "n_columns": 2, "folds": "3 folds", "seconds": None}},
)


def test_scores_have_their_natural_sign():
    lines = texts(trial(0), fold(0, 0, -0.8), result(0, -0.85))
    assert "roc_auc 0.8 in" in lines["fold"]
    assert lines["result"].endswith("ok, roc_auc 0.85")


def test_other_metrics_of_a_fold():
    event = fold(0, 0, -0.8)
    data = {**event.data, "losses": {"roc_auc": -0.8, "log_loss": 0.4, "f1": -0.7, "profit": -3.0}}
    line = texts(Event("fold", data))["fold"]
    assert "log_loss 0.4, f1 0.7, profit (as a loss) -3 in" in line


def test_a_failed_fold_says_why():
    line = texts(fold(0, 1, None, "failed", "ValueError: no"))["fold"]
    assert line == "#0 fold 1: ValueError: no in 1.50 s"
