"""A model of one's own joins the search by one declaration."""

from sklearn.datasets import load_wine

from automl import AutoClassifier
from automl.space import Component, Cost, Float, Int, Role

adaboost = Component(
    name="adaboost",
    role=Role.MODEL,
    target="sklearn.ensemble:AdaBoostClassifier",  # imported only where it is fitted
    family="boosting",
    hyperparameters=(
        Int("n_estimators", 20, 200, 50, log=True),
        Float("learning_rate", 0.05, 2.0, 1.0, log=True),
    ),
    tasks=frozenset({"binary", "multiclass"}),
    weights=True,
    cost=Cost(0.3),
)

X, y = load_wine(return_X_y=True, as_frame=True)
# Only this model is searched, with every preparation that suits it; without `include` it would join all the others.
model = AutoClassifier(None, max_trials=6, include=[adaboost], random_state=0, verbose=0)
model.fit(X, y)

board = model.leaderboard()
print(board[["rank", "model", "score", "configuration"]].to_string(index=False, max_colwidth=70))
assert "adaboost" in set(board["model"])
