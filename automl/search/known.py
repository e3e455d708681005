"""What a fit takes from elsewhere: the knowledge base and the user's earlier runs, for one table."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from automl.core import Config, InputError, SettingError, StoreError, as_path
from automl.data import Dataset
from automl.metalearn import (
    LEAST_TRIALS,
    KnowledgeBase,
    Mixture,
    NewerSchemaError,
    Ordered,
    Predictor,
    Record,
    Source,
    adapted,
    describe_dataset,
    own_folder,
    own_sources,
    usable,
)
from automl.search.plan import Settings
from automl.space import Space
from automl.store import RunFolder, SqliteJournal

__all__ = ["Advice", "advise", "check_knowledge", "read_source", "settled"]

SAME_TABLE = 5  # best configurations of an earlier run on the same table that come first
BREADTH = 9  # behind so many lines come the best of earlier runs on other tables
OF_EACH = 2
MOST_SOURCES = 5  # the nearest: each is modelled, and asked for every proposal


@dataclass(frozen=True)
class Advice:
    """What is known before anything was fitted.

    Parameters
    ----------
    line : str
        For the plan: what is used. Two runs with the same line start alike.
    order : Ordered or None
        The learnt portfolio; None where the hand-made one stays.
    first, later : tuple of Config
        The best of earlier runs: on this table, and on others.
    problem : str or None
        What was wanted and is not used: the base, or runs of the user's own that cannot be read.
    """

    line: str
    order: Ordered | None = None
    first: tuple[Config, ...] = ()
    later: tuple[Config, ...] = ()
    predictor: Predictor | None = field(default=None, repr=False)
    prior: Callable[[Space], Mixture] | None = field(default=None, repr=False)
    metafeatures: Mapping[str, float] = field(default_factory=dict, repr=False)
    problem: str | None = None

    @property
    def slower(self) -> Callable[[Config], float] | None:
        """Factor for the declared seconds of a configuration."""
        return None if self.predictor is None else self.predictor.slower

    @property
    def memory_mb(self) -> Callable[[Config], float] | None:
        """Megabytes of a worker, on a table like those of the base."""
        return None if self.predictor is None else self.predictor.memory_mb

    def ordered(self, portfolio: tuple[Config, ...]) -> tuple[Config, ...]:
        """Return the portfolio to start with; no line of the hand-made one is lost.

        The constant model stays first: it costs nothing, and something can be delivered from then on. A line of which
        the base knows too little keeps the place that it was given by hand.
        """
        opening, rest = portfolio[:1], portfolio[1:]
        learnt = [] if self.order is None else list(self.order.configs)
        judged = {config.key() for config in rest} if self.order is None else self.order.judged
        judged = judged | {config.key() for config in learnt}
        for place, config in enumerate(rest):
            if config.key() not in judged:
                learnt.insert(place, config)
        lines = [*opening, *self.first, *learnt, *rest]
        lines = list({config.key(): config for config in lines}.values())
        later = [config for config in self.later if config not in lines[:BREADTH]]
        return tuple({c.key(): c for c in (*lines[:BREADTH], *later, *lines[BREADTH:])}.values())


def check_knowledge(value: Any) -> None:
    """Refuse what cannot be a source of knowledge.

    Raises
    ------
    SettingError
    """
    known = value is False or isinstance(value, KnowledgeBase) or (isinstance(value, (str, os.PathLike)) and value)
    if not known:
        raise SettingError(f"knowledge={value!r}; give 'auto', False, the folder of a base or a KnowledgeBase")


def settled(settings: Settings) -> Settings:
    """Return the settings with the knowledge as it is now, so that a run that goes on later proposes the same.

    ``auto`` becomes the base that automl comes with and the user's own; folders of runs become what they hold.

    Raises
    ------
    SettingError
        If a base or a run that the user named cannot be read.
    """
    value = settings.knowledge
    check_knowledge(value)
    if value is False:
        return settings
    if isinstance(value, str) and value == "auto":
        base = KnowledgeBase(None, *own_sources(own_folder()))
    elif isinstance(value, KnowledgeBase):
        base = value
    else:
        base = KnowledgeBase(os.fspath(as_path(value, "knowledge")))
    if base.path is not None:
        try:
            base.manifest  # noqa: B018  reads it
        except StoreError as error:
            if not isinstance(error, NewerSchemaError):  # one of a later version is not used, and the plan says why
                raise SettingError(f"knowledge={base.path!r}: {error}") from error
    sources = tuple(s if isinstance(s, Source) else read_source(s) for s in base.transfer)
    return dataclasses.replace(settings, knowledge=dataclasses.replace(base, transfer=sources))


def advise(settings: Settings, dataset: Dataset, space: Space) -> Advice:
    """Return what the knowledge of the settings says of a table; never fails for a base that cannot be read."""
    described = describe_dataset(dataset, lambda: True).dropna()  # those that cost next to nothing
    metafeatures = {str(name): float(value) for name, value in described.items()}
    base = settled(settings).knowledge
    if base is False:
        return Advice("none, as asked for", metafeatures=metafeatures)
    problem = base.why_off()
    if problem is not None:
        advice = Advice(f"no base: {problem}", metafeatures=metafeatures, problem=problem)
    else:
        try:
            advice = _from_base(base, space, metafeatures)
        except (StoreError, LookupError, ValueError) as error:  # damaged
            problem = f"the knowledge base cannot be used: {error}"
            advice = Advice(f"no base: {problem}", metafeatures=metafeatures, problem=problem)
    if base.unread:
        unread = f"of your own base {', '.join(base.unread)} cannot be read; see automl knowledge show"
        advice = dataclasses.replace(advice, problem="; ".join(filter(None, (advice.problem, unread))))
    return _with_sources(advice, base, space)


def _from_base(base: KnowledgeBase, space: Space, metafeatures: Mapping[str, float]) -> Advice:
    facts = space.facts
    task = str(facts.task)
    predictor = base.predictor(space, metafeatures)
    scarce = base.scarce(task)
    if facts.quantile is not None or facts.has_times:
        scarce = "quantiles and rows with times are not what the base was measured on"
    predicted = "" if predictor is None else "; ranks and seconds predicted"
    if scarce is not None:
        line = f"base {base.checksum}, hand-made order ({scarce}){predicted}"
        return Advice(line, None, predictor=predictor, metafeatures=metafeatures)
    known = base.portfolio(task, facts.n_rows, space)
    skipped = f" ({known.skipped} do not fit)" if known.skipped else ""
    line = f"base {base.checksum}, its order of {len(known.configs)} configurations{skipped}{predicted}"
    return Advice(line, known, predictor=predictor, metafeatures=metafeatures)


def _with_sources(advice: Advice, base: KnowledgeBase, space: Space) -> Advice:
    """Add what earlier runs say: their best configurations, and a prior for optimizers that learn."""
    kept = [source for source in base.transfer if usable(source, str(space.facts.task))]
    kept = sorted(kept, key=lambda source: source.distance(advice.metafeatures))[:MOST_SOURCES]
    same = [source for source in kept if source.resembles(advice.metafeatures)]
    first = _here((c for source in same for c in source.best(SAME_TABLE)), space)
    later = _here((c for source in kept if source not in same for c in source.best(OF_EACH)), space)
    names = ", ".join(source.name for source in kept)

    def prior(within: Space) -> Mixture:
        predictor = None if advice.predictor is None else base.predictor(within, advice.metafeatures)
        return Mixture(within, kept, None if predictor is None else predictor.rank_rows)

    return dataclasses.replace(
        advice,
        line=f"{advice.line}; earlier runs: {names}" if kept else advice.line,
        first=first,
        later=later,
        prior=prior if kept or advice.predictor is not None else None,
    )


def _here(configs: Iterable[Config], space: Space) -> tuple[Config, ...]:
    """Return those configurations that this space can express, as it spells them."""
    found = (adapted(config, space) for config in configs)
    return tuple(config for config in found if not isinstance(config, str))


def read_source(run: Any) -> Source:
    """Return what can be learnt from a run: its folder, or that of a model made by ``automl fit``.

    Raises
    ------
    SettingError
        If there is no run, or it has too few complete trials.
    """
    folder = RunFolder(run)
    if not folder.journal.is_file():
        raise SettingError(f"{run} holds no run; name the run_dir (or --out folder) of an earlier fit")
    try:
        journal = SqliteJournal.open_readonly(folder.journal)
        try:
            events = [event for _, event in journal.read()]
        finally:
            journal.close()
        plan = next(e.data for e in events if e.kind == "plan")
        configs = {int(e.data["trial"]): Config.from_json(e.data["config"]) for e in events if e.kind == "trial"}
        ended = {int(e.data["trial"]): e.data for e in events if e.kind == "result" and e.data["status"] != "cancelled"}
        records = tuple(
            Record(configs[trial], data["loss"] if data["status"] == "ok" else None, float(data["fit_seconds"]))
            for trial, data in sorted(ended.items())
            if data["status"] != "pruned"
        )
        source = Source(
            name=f"{folder.path.resolve().name}-{hashlib.sha256(str(folder.path.resolve()).encode()).hexdigest()[:6]}",
            task=str(plan["plan"]["task"]),
            metric=str(plan["plan"]["metric"]),
            n_rows=int(plan["plan"]["n_rows"]),
            n_columns=int(plan["plan"]["n_columns"]),
            metafeatures={name: float(value) for name, value in plan.get("metafeatures", {}).items()},
            records=records,
        )
    except InputError:
        raise
    except (StoreError, StopIteration, LookupError, TypeError, ValueError) as error:
        raise SettingError(f"the run in {run} cannot be read: {type(error).__name__}: {error}") from error
    if not usable(source, source.task):
        complete = sum(record.loss is not None for record in records)
        raise SettingError(f"the run in {run} has {complete} complete trials; at least {LEAST_TRIALS} are needed")
    return source
