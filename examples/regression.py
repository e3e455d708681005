"""A regression with a heavy tail: another metric, another cross-validation, and what failed."""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import mean_absolute_error

from automl import AutoRegressor

repairs = pd.read_csv(Path(__file__).parents[1] / "datasets" / "repairs.csv.gz")
train, test = repairs.iloc[:1800], repairs.iloc[1800:]

model = AutoRegressor(time_budget=10, metric="mean_absolute_error", cv=3, random_state=0, verbose=0)
model.fit(train.drop(columns="cost"), train["cost"])

predictions = model.predict(test.drop(columns="cost"))
always_the_median = np.full(len(test), train["cost"].median())
print(f"stopped by {model.outcome_.stopped}, {len(model.leaderboard())} lines on the leaderboard")
print(f"mean absolute error: {mean_absolute_error(test['cost'], predictions):.0f}")
print(f"of the median:       {mean_absolute_error(test['cost'], always_the_median):.0f}")
print(f"failed: {len(model.failures())}")
