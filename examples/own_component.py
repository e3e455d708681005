"""A model of one's own joins the search by one declaration."""

from sklearn.datasets import load_wine

from automl import AutoClassifier
from automl.space import Component, Cost, Float, Int, Role

random_tree = Component(
    name="random_tree",
    role=Role.MODEL,
    target="sklearn.tree:ExtraTreeClassifier",  # imported only where it is fitted
    family="forest",
    hyperparameters=(
        Int("min_samples_leaf", 1, 64, 5, log=True),
        Float("max_features", 0.1, 1.0, 0.75),
    ),
    tasks=frozenset({"binary", "multiclass"}),
    weights=True,
    cost=Cost(0.01),
)

X, y = load_wine(return_X_y=True, as_frame=True)
# Only this model is searched, with every preparation that suits it; without `include` it would join all the others.
model = AutoClassifier(None, max_trials=6, include=[random_tree], random_state=0, verbose=0)
model.fit(X, y)

board = model.leaderboard()
print(board[["rank", "model", "score", "configuration"]].to_string(index=False, max_colwidth=70))
assert "random_tree" in set(board["model"])
