"""A metric of one's own: what a false alarm and a missed case cost. Greater is better."""

from sklearn.datasets import load_breast_cancer

from automl import AutoClassifier


def savings(y_true, y_pred):
    """Return the mean value of a decision: a case found is worth 1, a missed one costs 5, a false alarm 1."""
    found = ((y_true == 0) & (y_pred == 0)).sum()
    missed = ((y_true == 0) & (y_pred == 1)).sum()
    alarms = ((y_true == 1) & (y_pred == 0)).sum()
    return (found - 5 * missed - alarms) / len(y_true)


X, y = load_breast_cancer(return_X_y=True, as_frame=True)  # 0 is malignant

# A counted run: no clock, six trials, the same result again.
model = AutoClassifier(None, max_trials=6, metric=savings, include=["linear", "forest"], random_state=0, verbose=0)
model.fit(X, y)

print(f"{model.outcome_.plan.metric}: {model.estimate_.value:.3f} ({model.estimate_.label})")
print(model.leaderboard()[["rank", "model", "score", "metric"]].head(5).to_string(index=False))
