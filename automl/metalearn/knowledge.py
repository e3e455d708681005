"""What is known from other tables: an order of configurations, near tables, predicted rank, seconds and memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from automl.core import Array, Config, SettingError, StoreError, as_path
from automl.metalearn.adapting import adapted
from automl.metalearn.contents import Contents, NewerSchemaError
from automl.metalearn.encoding import RowEncoder, encode_configs
from automl.metalearn.trees import Trees
from automl.space import Space

__all__ = ["KnowledgeBase", "Near", "Ordered", "Predictor", "SHIPPED", "scaled", "value_range"]

SHIPPED = Path(__file__).with_name("base")
LEAST_TABLES = 20  # of a task, with LEAST_CONFIGURATIONS each, before its order replaces the hand-made one
LEAST_CONFIGURATIONS = 10
FURTHEST = np.log(5.0)  # a prediction moves seconds by at most this factor
MISSING = 0.5  # stands for a meta-feature that is not known, on the scale of those of the base


@dataclass(frozen=True)
class Ordered:
    """An ordered portfolio as one space spells it.

    ``skipped`` entries of the base are not in it. Of all but the ``judged`` ones (keys of configurations) the base
    knows too little to leave them out.
    """

    configs: tuple[Config, ...]
    skipped: int
    judged: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Near:
    """A table of the base, how far it is (mean difference of scaled meta-features), and what was best there."""

    table: str
    distance: float
    best: tuple[Config, ...]


@dataclass(frozen=True)
class Predictor:
    """What the surrogates say of configurations on one table.

    Parameters
    ----------
    rank : callable of sequence of Config -> ndarray
        Expected share of configurations that are better.
    slower : callable of Config -> float
        Factor by which the declared seconds of a fold are to be multiplied.
    memory_mb : callable of Config -> float
        Of the whole worker, on a table of at most ``rows`` rows.
    rank_rows : callable of ndarray of shape (n, d) -> ndarray of shape (n,)
        As ``rank``, for vectors of the space's ConfigSpace.
    rows : int
        Largest number of rows that the base has seen.
    """

    rank: Callable[[Sequence[Config]], Array]
    slower: Callable[[Config], float]
    memory_mb: Callable[[Config], float]
    rank_rows: Callable[[Array], Array]
    rows: int


@dataclass(frozen=True)
class KnowledgeBase:
    """Knowledge for the start of a fit. Reads nothing until it is asked.

    Parameters
    ----------
    path : str or None
        Folder of a base; None: the one that automl comes with.
    transfer : sequence of path or Source
        Run folders of earlier fits of your own, as sources beside the base.
    unread : sequence of str
        Files of the user's own base that could not be read, for the log.

    Examples
    --------
    >>> from automl import KnowledgeBase
    >>> KnowledgeBase.shipped().manifest["schema"]
    1
    """

    path: str | None = None
    transfer: tuple[Any, ...] = ()
    unread: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.path is not None:
            object.__setattr__(self, "path", os.fspath(as_path(self.path, "KnowledgeBase path")))
        if isinstance(self.transfer, (str, os.PathLike)) or not isinstance(self.transfer, Sequence):
            raise SettingError(f"transfer={self.transfer!r}; give a list of run folders")
        object.__setattr__(self, "transfer", tuple(self.transfer))

    def __reduce__(self) -> tuple[Any, ...]:  # what was read stays behind
        return (KnowledgeBase, (self.path, self.transfer, self.unread))

    @classmethod
    def shipped(cls) -> KnowledgeBase:
        """Return the base that automl comes with."""
        return cls()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> KnowledgeBase:
        """Return the base in a folder.

        Raises
        ------
        StoreError
            If there is none, or it was written by a later version.
        """
        base = cls(os.fspath(as_path(path)))
        base.manifest  # noqa: B018  reads it
        return base

    @property
    def manifest(self) -> Mapping[str, Any]:
        """Schema, versions, tables with checksum, provenance and licence."""
        return self.contents.manifest

    @property
    def checksum(self) -> str:
        """Eight digits that name what the base holds."""
        return self.contents.checksum

    @cached_property
    def contents(self) -> Contents:
        """The files of the base."""
        return Contents(SHIPPED if self.path is None else Path(self.path))

    def why_off(self) -> str | None:
        """Return why the base cannot be used, or None: it is of a later version, or damaged."""
        try:
            self.contents.orders  # noqa: B018  reads it, and the manifest
        except NewerSchemaError as error:
            return f"{error}; update automl"
        except StoreError as error:
            return str(error)
        return None

    def scarce(self, task: str) -> str | None:
        """Return why what is known of a task does not replace the order that experience put together, or None."""
        why = self.manifest.get("by_hand", {}).get(task)
        if why is not None:
            return str(why)
        count = self.manifest["counts"].get(task, {"tables": 0, "configurations": 0})
        if count["tables"] >= LEAST_TABLES:
            return None
        return f"{count['tables']} tables with {LEAST_CONFIGURATIONS} configurations, {LEAST_TABLES} needed"

    def portfolio(self, task: str, n_rows: int, space: Space) -> Ordered:
        """Return the learnt order for a task and a number of rows.

        Entries that this space cannot express are skipped one by one.
        """
        orders = self.contents.orders.get(task, [])
        nothing: Mapping[str, Any] = {"entries": ()}
        order = next((o for o in orders if o["up_to"] is None or n_rows <= o["up_to"]), nothing)
        found: dict[str, Config] = {}
        skipped = 0
        for name in order["entries"]:
            config = adapted(self.contents.configs[name], space) if name in self.contents.configs else "gone"
            if isinstance(config, str):
                skipped += 1
            else:
                found.setdefault(config.key(), config)
        judged = (adapted(self.contents.configs[name], space) for name in order.get("judged", ()))
        return Ordered(tuple(found.values()), skipped, frozenset(c.key() for c in judged if not isinstance(c, str)))

    def nearest(self, metafeatures: Mapping[str, float], task: str, k: int = 5, best: int = 3) -> tuple[Near, ...]:
        """Return the k tables of the base that resemble a table most, with their best configurations.

        The distance is the mean difference of meta-features, each scaled to [0, 1] over the base (L1, as in
        auto-sklearn; Feurer et al., NeurIPS 2015); those that either table lacks do not count.
        """
        evidence = self.contents.evidence(task)
        if not evidence.tables:
            return ()
        mine = np.array([metafeatures.get(name, np.nan) for name in self.contents.metafeatures], dtype=np.float64)
        low, high = value_range(evidence.metafeatures)
        apart = np.abs(evidence.metafeatures - mine) / (high - low)
        known = np.isfinite(apart)
        distances = np.where(known, apart, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        near = np.argsort(distances, kind="stable")[:k]
        return tuple(
            Near(evidence.tables[table], float(distances[table]), self._best(evidence, int(table), best))
            for table in near
        )

    def _best(self, evidence: Any, table: int, n: int) -> tuple[Config, ...]:
        ranks = np.where(np.isfinite(evidence.ranks[:, table]), evidence.ranks[:, table], np.inf)
        order = [i for i in np.argsort(ranks, kind="stable")[:n] if np.isfinite(ranks[i])]
        return tuple(self.contents.configs[evidence.entries[i]] for i in order)

    def predictor(self, space: Space, metafeatures: Mapping[str, float]) -> Predictor | None:
        """Return what is expected of configurations on a table, or None where the base has no surrogates for its task.

        Parameters
        ----------
        metafeatures : mapping
            Of the table, as ``automl.metafeatures`` gives them; those that are missing count as ordinary.
        """
        task = str(space.facts.task)
        if task not in self.manifest["surrogates"]:
            return None
        arrays, declared = self.contents.surrogates, self.manifest["surrogates"][task]
        columns, names = tuple(declared["columns"]), tuple(declared["metafeatures"])
        about = scaled(metafeatures, names, arrays[f"{task}:low"], arrays[f"{task}:high"])
        rank, slower, memory = (Trees.from_arrays(arrays, f"{task}:{name}:") for name in ("rank", "slower", "memory"))

        def beside(cells: Array) -> Array:
            return np.hstack([cells, np.tile(about, (len(cells), 1))])

        def encoded(configs: Sequence[Config]) -> Array:
            return beside(encode_configs(configs, columns, space.catalog, task))

        rows: list[RowEncoder] = []

        def rank_rows(vectors: Array) -> Array:
            if not rows:
                rows.append(RowEncoder(space.configspace, columns))
            return rank.predict(beside(rows[0](vectors)))

        return Predictor(
            rank=lambda configs: rank.predict(encoded(configs)),
            slower=lambda config: float(np.exp(np.clip(slower.predict(encoded([config]))[0], -FURTHEST, FURTHEST))),
            memory_mb=lambda config: float(np.exp(memory.predict(encoded([config]))[0])),
            rank_rows=rank_rows,
            rows=int(declared["rows"]),
        )


def scaled(metafeatures: Mapping[str, float], names: Sequence[str], low: Array, high: Array) -> Array:
    """Return meta-features on the scale of a base, 0 to 1 within it, cut a little outside; unknown ones in the middle.

    Trees would read values far outside as those of the outermost table anyway.
    """
    values = np.array([metafeatures.get(name, np.nan) for name in names], dtype=np.float64)
    places = np.clip((values - low) / (high - low), -0.1, 1.1)
    return np.where(np.isfinite(places), places, MISSING)


def value_range(metafeatures: Array) -> tuple[Array, Array]:
    """Return the least and the greatest finite value of each meta-feature, one apart where all are equal or unknown."""
    finite = np.isfinite(metafeatures)
    low = np.where(finite, metafeatures, np.inf).min(axis=0)
    high = np.where(finite, metafeatures, -np.inf).max(axis=0)
    low = np.where(np.isfinite(low), low, 0.0)
    return low, np.where(high > low, high, low + 1.0)
