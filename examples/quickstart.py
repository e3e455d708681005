"""Ten seconds for a first classifier: numbers, categories, dates and missing values go in as they are."""

from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split

from automl import AutoClassifier

orders = pd.read_csv(Path(__file__).parents[1] / "datasets" / "orders.csv.gz")
train, test = train_test_split(orders, test_size=0.25, random_state=0, stratify=orders["returned"])

model = AutoClassifier(time_budget=10, random_state=0)
model.fit(train.drop(columns="returned"), train["returned"])

print(model.leaderboard()[["rank", "model", "score", "ensemble_weight", "fit_seconds"]].head(8).to_string(index=False))
print(f"{model.estimate_.label}: {model.estimate_.value:.3f}")
print(
    f"on {len(test)} rows that the search never saw: {model.score(test.drop(columns='returned'), test['returned']):.3f}"
)
