"""Typed changes of trees: what stands at a place is replaced only by what may stand there.

The type of a place is the role of its step, the model that the step serves, and what the step is inside of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from automl.core import Config, SpaceError, Step
from automl.space import Component, Preparation, Role, Space
from automl.space.encoding import OPTIONAL, PREPARING
from automl.space.trees import LONGEST, draw_step

__all__ = ["Genome"]

_Path = tuple[int, ...]  # step, branch, step, ...
_Option = TypeVar("_Option")


@dataclass(frozen=True)
class _Place:
    path: _Path
    step: Step
    role: Role
    model: Component
    inside: Role | None = None  # None: of the trunk


class Genome:
    """Changes configurations of a space; what comes out may be incomplete, and has to be checked."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._union = self._join(Role.FEATURE)
        self._stack = self._join(Role.STACK) if self._models(Role.STACK) else None

    def change(self, config: Config, rng: np.random.Generator) -> Config:
        """Return the configuration with another component, of the same type, at one place (point mutation)."""
        places = [(place, self._others(place)) for place in self._places(config)]
        place, options = _one([(place, options) for place, options in places if options], rng)
        return self._settled(_put(config, place.path, [self._drawn(options, rng)]))

    def insert(self, config: Config, rng: np.random.Generator) -> Config:
        """Return the configuration with one more step or branch."""
        return _one([*self._insertions(config, rng)], rng)

    def shrink(self, config: Config, rng: np.random.Generator) -> Config:
        """Return the configuration without one of its steps or branches."""
        places = [place for place in self._places(config) if self._may_go(place)]
        place = _one(places, rng)
        if place.step.branches and len(place.step.branches[0].steps) == 1 and rng.random() < 0.5:
            if place.role is Role.FEATURE:  # a union becomes one of its steps
                return _put(config, place.path, [_one(place.step.branches, rng).steps[0]])
        return _put(config, place.path if place.role is not Role.MODEL else place.path[:-1], [])

    def cross(self, first: Config, second: Config, rng: np.random.Generator) -> Config:
        """Return the first with a step of the second, and all in its branches, in place of one of the same role."""
        giver = _one([*self._places(second)], rng)
        takers = [place for place in self._places(first) if place.role is giver.role]
        if takers:
            return self._settled(_put(first, _one(takers, rng).path, [giver.step]))
        return self._settled(Config((giver.step, *first.steps)))

    def _insertions(self, config: Config, rng: np.random.Generator) -> Iterator[Config]:
        """Yield longer configurations, one for each way and place."""
        places = [*self._places(config)]
        yield from self._new_steps(config, places[-1].model, rng)
        for place in places:
            features = self._space.options(place.model.preparation, Role.FEATURE)
            if place.role is Role.FEATURE and features:
                yield from self._wider(config, place, self._drawn(features, rng), rng)
            if place.role is Role.STACK and len(place.step.branches) < _most(self._stack):
                yield _put(config, place.path, [_with(place.step, self._inner(rng))])
            if place.role is Role.MODEL and place.inside is Role.STACK and place.path[-1] == 0 and features:
                yield _put(config, place.path, [self._drawn(features, rng), place.step])

    def _new_steps(self, config: Config, model: Component, rng: np.random.Generator) -> Iterator[Config]:
        present = {self._space.component(step.component).role for step in config.steps}
        for role in PREPARING[model.preparation]:
            options = self._space.options(model.preparation, role)
            if role in OPTIONAL and role not in present and options:
                yield Config((self._drawn(options, rng), *config.steps))
        if self._stack is not None and Role.STACK not in present and model.preparation is not Preparation.NONE:
            yield Config((Step.of(self._stack.name, self._inner(rng)), *config.steps))

    def _wider(self, config: Config, place: _Place, new: Step, rng: np.random.Generator) -> Iterator[Config]:
        """Yield what makes more of a feature step or a union: beside it, behind it."""
        step = place.step
        if place.inside is Role.FEATURE:
            return
        if not step.branches and self._union is not None:
            name, keep = self._union.name, bool(rng.random() < 0.5)
            yield _put(config, place.path, [Step.of(name, Config.of(step), Config.of(new), keep=keep)])
            yield _put(config, place.path, [Step.of(name, Config.of(step, new), keep=keep)])
        elif step.branches:
            if len(step.branches) < _most(self._union):
                yield _put(config, place.path, [_with(step, Config.of(new))])
            for number, branch in enumerate(step.branches):
                if len(branch.steps) < LONGEST:
                    yield _put(config, (*place.path, number, 0), [branch.steps[0], new])

    def _inner(self, rng: np.random.Generator) -> Config:
        """Return a branch for a stack: a model, half of the time behind a feature step."""
        model = self._drawn(self._models(Role.STACK), rng)
        features = self._space.options(self._space.component(model.component).preparation, Role.FEATURE)
        if features and rng.random() < 0.5:
            return Config.of(self._drawn(features, rng), model)
        return Config.of(model)

    def _places(self, config: Config) -> Iterator[_Place]:
        return self._inside(config, (), None, None)

    def _inside(self, config: Config, path: _Path, inside: Role | None, served: Component | None) -> Iterator[_Place]:
        model = served if inside is Role.FEATURE else self._space.component(config.steps[-1].component)
        assert model is not None
        for position, step in enumerate(config.steps):
            role = self._space.component(step.component).role
            yield _Place((*path, position), step, role, model, inside)
            for number, branch in enumerate(step.branches):
                yield from self._inside(branch, (*path, position, number), role, model)

    def _others(self, place: _Place) -> list[Component]:
        """Return what else may stand at a place."""
        if place.role is Role.STACK:
            return []
        if place.role is Role.MODEL:
            options = self._models(place.inside)
        else:
            options = list(self._space.options(place.model.preparation, place.role))
        return [option for option in options if option.name != place.step.component]

    def _models(self, inside: Role | None) -> list[Component]:
        """Return the models of the trunk, or those of a stack."""
        models = [model for model in self._space.models if model.preparation is not Preparation.NONE]
        return models if inside is None else [model for model in models if model.stopping is None]

    def _may_go(self, place: _Place) -> bool:
        if place.role is Role.MODEL:
            return place.inside is Role.STACK
        return place.inside is not None or place.role in OPTIONAL or place.role is Role.STACK

    def _settled(self, config: Config) -> Config:
        """Leave out the steps of the trunk that are not offered to its model, which may be another one than before."""
        models = [step for step in config.steps if self._space.component(step.component).role is Role.MODEL]
        if len(models) != 1:
            raise SpaceError(f"expected one model, got {config.shape()!r}")
        preparation = self._space.component(models[0].component).preparation

        def stays(step: Step) -> bool:
            component = self._space.component(step.component)
            joins = component.branches is not None or component.role is Role.MODEL
            return joins or component in self._space.options(preparation, component.role)

        return Config(tuple(step for step in config.steps if stays(step)))

    def _drawn(self, options: Sequence[Component], rng: np.random.Generator) -> Step:
        """Return one of the components, by their shares, with hyperparameters drawn."""
        if not options:
            raise SpaceError("nothing may stand there")
        shares = np.array([option.share for option in options])
        chosen = rng.choice(len(options), p=shares / shares.sum() if shares.any() else None)
        return draw_step(self._space, options[int(chosen)], rng)

    def _join(self, role: Role) -> Component | None:
        return next((c for c in self._space.active if c.role is role and c.branches is not None), None)


def _most(join: Component | None) -> int:
    return 0 if join is None or join.branches is None else join.branches[1]


def _with(step: Step, branch: Config) -> Step:
    return Step(step.component, step.params, (*step.branches, branch))


def _put(config: Config, path: _Path, new: Sequence[Step]) -> Config:
    """Return the configuration with these steps in place of what is at a path, which may also be that of a branch.

    A branch without steps goes, and so does what joined it if it was the last.
    """
    position, *rest = path
    steps = list(config.steps)
    if rest:
        step, (number, *inside) = steps[position], rest
        branches = list(step.branches)
        branches[number] = _put(branches[number], tuple(inside), new) if inside else Config(tuple(new))
        kept = tuple(branch for branch in branches if branch.steps)
        new = [Step(step.component, step.params, kept)] if kept else []
    steps[position : position + 1] = new
    return Config(tuple(steps))


def _one(options: Sequence[_Option], rng: np.random.Generator) -> _Option:
    """Draw one of these."""
    if not options:
        raise SpaceError("there is no place for such a change")
    return options[int(rng.integers(len(options)))]
