"""Make the tables of this folder again: ``python datasets/make.py`` writes the same rows on every machine.

The tables are invented; the relations in them are ours, so that a learner has something to find: interactions, a
curve, a rare group, values missing for a reason, and noise that nobody can learn.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 20261121
FOLDER = Path(__file__).parent


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))


def _days(rng: np.random.Generator, n: int, first: str, days: int) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.Timestamp(first) + pd.to_timedelta(rng.integers(0, days, n), unit="D"))


def _brands(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return n distinct made-up brand names."""
    first = ["Al", "Bre", "Ca", "Do", "El", "Fi", "Gra", "Ho", "Il", "Ju", "Ka", "Lo", "Ma", "No", "Or", "Pe"]
    last = ["bara", "cott", "dine", "fors", "gard", "lund", "mont", "nova", "rell", "sten", "tova", "vick", "wyn"]
    names = np.array([a + b for a in first for b in last])
    return rng.permutation(names)[:n]


def orders(rng: np.random.Generator, n: int = 4000) -> pd.DataFrame:
    """Orders of a shop; ``returned`` says whether the parcel came back (about one in nine)."""
    brands = _brands(rng, 170)
    appeal = pd.Series(rng.normal(0.0, 0.7, len(brands)), index=brands)
    department = rng.choice(
        ["dresses", "shirts", "trousers", "shoes", "coats", "bags", "toys", "books", "kitchen", "garden"],
        n,
        p=[0.16, 0.15, 0.13, 0.14, 0.06, 0.08, 0.08, 0.07, 0.08, 0.05],
    )
    channel = rng.choice(["web", "app", "phone", "store"], n, p=[0.48, 0.34, 0.07, 0.11])
    tenure = np.round(rng.gamma(1.2, 420.0, n)).astype(int)
    ordered = _days(rng, n, "2024-01-01", 730)
    previous = rng.poisson(np.minimum(tenure / 90.0, 12.0))
    frame = pd.DataFrame(
        {
            "order_number": [f"A{number}" for number in 100_000 + rng.permutation(n)],
            "ordered_on": ordered.strftime("%Y-%m-%d"),
            "customer_since": (ordered - pd.to_timedelta(tenure, unit="D")).strftime("%Y-%m-%d"),
            "channel": channel,
            "country": rng.choice(["DE", "FR", "NL", "AT", "PL", "IT", "ES"], n,
                                  p=[0.37, 0.18, 0.12, 0.09, 0.1, 0.08, 0.06]),
            "department": department,
            "brand": rng.choice(brands, n, p=rng.dirichlet(np.full(len(brands), 0.6))),
            "payment": rng.choice(["card", "invoice", "wallet", "transfer"], n, p=[0.42, 0.27, 0.24, 0.07]),
            "unit_price": np.round(np.exp(rng.normal(3.5, 0.6, n) + 0.35 * (department == "coats")), 2),
            "quantity": 1 + rng.poisson(0.5, n),
            "discount_percent": np.where(rng.random(n) < 0.42, rng.choice([5, 10, 15, 20, 30, 50], n), 0),
            "delivery_days": np.where(channel == "store", 0, 1 + rng.poisson(2.4, n)).astype(float),
            "customer_age": np.round(np.clip(rng.normal(41, 13, n), 18, 88)),
            "previous_orders": previous,
            "previous_returns": rng.binomial(previous, rng.beta(1.2, 5.0, n)),
            "newsletter": rng.choice(["yes", "no"], n, p=[0.55, 0.45]),
            "is_gift": rng.random(n) < 0.09,
        }
    )  # fmt: skip
    logit = (
        _return_logit(frame) + appeal[frame["brand"]].to_numpy() + 0.7 * (tenure < 30) * (frame.payment == "invoice")
    )
    frame["returned"] = np.where(rng.random(n) < _sigmoid(logit), "yes", "no")
    lost = (rng.random(n) < 0.05) | ((channel == "phone") & (rng.random(n) < 0.4))
    frame["delivery_days"] = frame["delivery_days"].mask(lost)
    for column, share in [("customer_age", 0.11), ("customer_since", 0.06), ("newsletter", 0.15)]:
        frame[column] = frame[column].mask(rng.random(n) < share)
    return frame


def _return_logit(orders: pd.DataFrame) -> pd.Series:
    """Return how likely an order comes back, on the logit scale, from everything but the brand and the tenure."""
    worn = orders.department.isin(["dresses", "shirts", "trousers", "shoes", "coats"])
    december = orders.ordered_on.str[5:7] == "12"
    return (
        -4.6
        + 1.1 * worn
        + 0.9 * (worn & orders.channel.isin(["web", "app"]))
        + 0.8 * ((orders.payment == "invoice") & (orders.unit_price > 45))
        + 2.6 * orders.previous_returns / np.maximum(orders.previous_orders, 1)
        + 0.22 * np.clip(orders.delivery_days - 5, 0, None)
        - 0.018 * orders.discount_percent * (orders.unit_price < 40)
        + 1.0 * (orders.is_gift & december)
        + 0.9 * np.abs(orders.customer_age - 45) / 45
        - 1.6 * (orders.channel == "store")
        + 0.3 * ((orders.quantity >= 3) & worn)
    )


def repairs(rng: np.random.Generator, n: int = 2500) -> pd.DataFrame:
    """Repairs of cars; ``cost`` in euros is heavy-tailed: the dearest are some hundred times the median."""
    makes = _brands(rng, 24)
    make = rng.integers(0, len(makes), n)
    make_effect = rng.normal(0.0, 0.22, len(makes))
    damage = rng.choice(["glass", "paint", "bumper", "engine", "brakes", "water", "total"], n,
                        p=[0.22, 0.2, 0.25, 0.1, 0.15, 0.05, 0.03])  # fmt: skip
    base = pd.Series({"glass": 5.6, "paint": 6.1, "bumper": 6.5, "engine": 7.4, "brakes": 6.0, "water": 7.6,
                      "total": 8.9})  # fmt: skip
    age = np.round(rng.gamma(2.2, 3.1, n), 1)
    mileage = np.round(np.clip(age * rng.normal(13_500, 4_000, n), 50, None), -1)
    power = np.round(np.clip(rng.normal(92, 34, n) + 25 * make_effect[make], 40, 320))
    region = rng.choice(["north", "east", "south", "west", "city"], n)
    workshop = rng.choice(["dealer", "chain", "free"], n, p=[0.35, 0.3, 0.35])
    speed = np.round(np.clip(rng.gamma(2.0, 16.0, n), 0, 180))
    airbags = np.where((damage == "total") | (speed > 70), rng.integers(1, 7, n), 0)
    log_cost = (
        base[damage].to_numpy()
        + make_effect[make]
        + 0.006 * (power - 90) * np.isin(damage, ["engine", "total"])
        + 0.00009 * speed**2 * np.isin(damage, ["bumper", "paint", "total"])
        + 0.2 * airbags
        + 0.22 * (workshop == "dealer")
        - 0.18 * (workshop == "free") * (age > 8)
        + 0.12 * (region == "city")
        + 0.03 * np.clip(age - 10, 0, 15) * (damage == "engine")
        + rng.standard_t(5.0, n) * 0.22
    )
    speed[np.isin(damage, ["glass", "water"]) & (rng.random(n) < 0.6)] = np.nan
    power[rng.random(n) < 0.04] = np.nan
    return pd.DataFrame(
        {
            "reported_on": _days(rng, n, "2023-01-01", 1000).strftime("%d.%m.%Y"),
            "make": makes[make],
            "car_age_years": age,
            "mileage_km": mileage.astype(int),
            "power_kw": power,
            "region": region,
            "workshop": workshop,
            "damage": damage,
            "speed_kmh": speed,
            "airbags_opened": airbags,
            "cost": np.round(np.exp(log_cost), 2),
        }
    )


def machines(rng: np.random.Generator) -> pd.DataFrame:
    """Vibration readings of pumps; ``state`` has five classes, one of them with nine rows."""
    counts = {"sound": 320, "unbalanced": 130, "misaligned": 90, "worn_bearing": 60, "leaking_seal": 9}
    state = rng.permutation(np.repeat(list(counts), list(counts.values())))
    n = len(state)
    speed = rng.choice([980.0, 1470.0, 2950.0], n, p=[0.25, 0.5, 0.25]) + rng.normal(0, 8, n)
    load = rng.uniform(0.35, 1.0, n)
    once = 0.5 + 0.4 * load + np.where(state == "unbalanced", 0.9 * (speed / 1470.0), 0) + rng.normal(0, 0.28, n)
    twice = 0.3 + np.where(state == "misaligned", 0.7 * load, 0) + rng.normal(0, 0.2, n)
    kurtosis = 3.0 + np.where(state == "worn_bearing", rng.gamma(2.0, 0.9, n), 0) + rng.normal(0, 0.35, n)
    bearing = 42 + 18 * load + np.where(state == "worn_bearing", 6.0, 0) + rng.normal(0, 4.0, n)
    pressure = 6.0 - 1.2 * load - np.where(state == "leaking_seal", 0.9, 0) + rng.normal(0, 0.25, n)
    phase = np.where(state == "misaligned", 180.0, 90.0) + rng.normal(0, 55, n)
    bearing[rng.random(n) < 0.08] = np.nan
    return pd.DataFrame(
        {
            "pump_type": rng.choice(["ES-40", "ES-65", "KR-80", "KR-100"], n, p=[0.4, 0.3, 0.2, 0.1]),
            "speed_rpm": np.round(speed, 1),
            "load": np.round(load, 3),
            "vibration_1x": np.round(np.clip(once, 0.02, None), 3),
            "vibration_2x": np.round(np.clip(twice, 0.02, None), 3),
            "kurtosis": np.round(kurtosis, 3),
            "phase_degrees": np.round(phase % 360.0, 1),
            "bearing_celsius": np.round(bearing, 1),
            "pressure_bar": np.round(pressure, 2),
            "state": state,
        }
    )


TABLES: tuple[Callable[[np.random.Generator], pd.DataFrame], ...] = (orders, repairs, machines)


def build(name: str) -> pd.DataFrame:
    """Return one table as the script makes it."""
    index = [table.__name__ for table in TABLES].index(name)
    return TABLES[index](np.random.default_rng([SEED, index]))


def main() -> None:
    for table in TABLES:
        frame = build(table.__name__)
        path = FOLDER / f"{table.__name__}.csv.gz"
        frame.to_csv(path, index=False, compression={"method": "gzip", "mtime": 0})
        print(f"{path.name}: {len(frame)} rows, {frame.shape[1]} columns, {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
