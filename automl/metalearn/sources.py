"""Earlier runs as sources: what their results say of configurations not tried here, trusted as far as they agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from automl.core import Array, Config
from automl.metalearn.encoding import RowEncoder, config_cells, encode_configs
from automl.space import Space

__all__ = ["LEAST_SEEN", "LEAST_TRIALS", "Mixture", "Record", "Source", "discordance", "trust", "usable"]

LEAST_TRIALS = 8  # of a run, to be a source
LEAST_SEEN = 5  # trials on this table before a source is believed
REACH = 0.4  # a source that orders so large a share of pairs otherwise counts for nothing; chance is 0.5
OWN = 0.75  # weight of this table's own model: that of a source without any disagreement
TREES = 20
SAME = 1e-9

Predict = Callable[[Array], Array]


@dataclass(frozen=True)
class Record:
    """A trial of an earlier run: its loss is None where it failed."""

    config: Config
    loss: float | None
    seconds: float


@dataclass(frozen=True)
class Source:
    """An earlier run: what its table was like, and how its trials ended.

    Parameters
    ----------
    name : str
        For the user.
    metafeatures : mapping
        Those that cost nothing: sizes, kinds, target, gaps, levels.
    """

    name: str
    task: str
    metric: str
    n_rows: int
    n_columns: int
    metafeatures: Mapping[str, float]
    records: tuple[Record, ...]
    checksum: str = ""

    def best(self, n: int) -> tuple[Config, ...]:
        """Return its n best configurations."""
        ended = [r for r in self.records if r.loss is not None]
        return tuple(r.config for r in sorted(ended, key=lambda r: r.loss if r.loss is not None else np.inf)[:n])

    def distance(self, metafeatures: Mapping[str, float]) -> float:
        """Return how far a table is: the mean relative difference of the meta-features that both have, 0 to 1."""
        shared = [name for name in self.metafeatures if name in metafeatures]
        mine = np.array([self.metafeatures[name] for name in shared], dtype=np.float64)
        other = np.array([metafeatures[name] for name in shared], dtype=np.float64)
        sizes = np.abs(mine) + np.abs(other)
        apart = np.abs(mine - other) / np.where(sizes > 0, sizes, 1.0)
        known = apart[np.isfinite(apart)]
        return float(known.mean()) if known.size else 1.0

    def resembles(self, metafeatures: Mapping[str, float]) -> bool:
        """Whether a table has the same meta-features: it is the same, or one much like it."""
        return self.distance(metafeatures) < SAME

    def to_json(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in ("name", "task", "metric", "n_rows", "n_columns", "checksum")}
        features = {name: value if np.isfinite(value) else None for name, value in self.metafeatures.items()}
        records = [{"config": r.config.to_json(), "loss": r.loss, "seconds": r.seconds} for r in self.records]
        return {**plain, "metafeatures": features, "records": records}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Source:
        records = tuple(
            Record(Config.from_json(r["config"]), None if r["loss"] is None else float(r["loss"]), float(r["seconds"]))
            for r in data["records"]
        )
        features = {n: float("nan") if v is None else float(v) for n, v in data["metafeatures"].items()}
        sizes = (int(data["n_rows"]), int(data["n_columns"]))
        return cls(data["name"], data["task"], data["metric"], *sizes, features, records, data.get("checksum", ""))


def discordance(expected: Array, losses: Array) -> float:
    """Return the share of pairs with different losses that are expected in the other order; ties count half.

    Examples
    --------
    >>> import numpy as np
    >>> discordance(np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.3, 0.2]))
    0.3333333333333333
    """
    first, second = np.triu_indices(len(losses), 1)
    real = np.sign(losses[first] - losses[second])
    told = np.sign(expected[first] - expected[second])
    counted = real != 0
    if not counted.any():
        return 0.5
    return float(np.mean(0.5 * np.abs(real - told)[counted]))


def trust(discordant: Array, reach: float = REACH) -> Array:
    """Return the weight of each source, by the Epanechnikov kernel of its share of discordant pairs.

    The ranking version of two-stage transfer surrogates (Wistuba, Schilling and Schmidt-Thieme, Machine Learning 2018).
    """
    return np.asarray(np.where(discordant <= reach, OWN * (1.0 - (discordant / reach) ** 2), 0.0))


class Mixture:
    """What all sources together expect of configurations: 0 for the best, 1 for the worst. Fits nothing until asked.

    Parameters
    ----------
    space : Space
        Rows are vectors of its ConfigSpace.
    sources : sequence of Source
        Those of another task or with too few trials are left out.
    base : callable, optional
        What the knowledge base expects of rows: one more source, held to the same rule.
    """

    def __init__(self, space: Space, sources: Sequence[Source], base: Predict | None = None) -> None:
        self._space = space
        self._sources = [source for source in sources if usable(source, str(space.facts.task))]
        self._base = base

    def __len__(self) -> int:
        return len(self._sources) + (self._base is not None)

    @cached_property
    def _models(self) -> list[Predict]:
        base = [] if self._base is None else [self._base]
        return base + [_model(source, self._space) for source in self._sources]

    def weights(self, seen: Array, losses: Array) -> Array:
        """Return how far each source is believed, given the rows tried on this table and their losses."""
        known = np.isfinite(losses)
        if known.sum() < LEAST_SEEN:
            return np.zeros(len(self))
        found = [discordance(model(seen[known]), losses[known]) for model in self._models]
        return trust(np.array(found))

    def __call__(self, seen: Array, losses: Array) -> Predict | None:
        """Return what is expected of other rows, or None where no source is believed."""
        weights = self.weights(seen, losses)
        if not weights.any():
            return None
        believed = [(w, model) for w, model in zip(weights, self._models, strict=True) if w > 0]
        whole = OWN + float(weights.sum())

        def expected(rows: Array) -> Array:
            return np.asarray(sum(w * model(rows) for w, model in believed) / whole)

        return expected


def usable(source: Source, task: str) -> bool:
    """Whether a run can be learnt from for a task."""
    return source.task == task and sum(record.loss is not None for record in source.records) >= LEAST_TRIALS


def _model(source: Source, space: Space) -> Predict:
    """Return a forest of the ranks in one source; failed trials are its worst."""
    from sklearn.ensemble import ExtraTreesRegressor

    configs = [record.config for record in source.records]
    columns = sorted({name for config in configs for name in config_cells(config, space.catalog, source.task)})
    losses = np.array([np.inf if r.loss is None else r.loss for r in source.records])
    forest = ExtraTreesRegressor(TREES, min_samples_leaf=1, random_state=0, n_jobs=1)
    forest.fit(encode_configs(configs, columns, space.catalog, source.task), _ranks(losses))
    encode = RowEncoder(space.configspace, columns)
    return lambda rows: np.asarray(forest.predict(encode(rows))) if len(rows) else np.empty(0)


def _ranks(losses: Array) -> Array:
    """Return ranks from 0 to 1, equal ones for equal losses."""
    _, places, counts = np.unique(losses, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts + 1) / 2
    return np.asarray(middle[places] / max(len(losses) - 1, 1))
