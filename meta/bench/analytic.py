"""Functions with known optima, under choices that decide which parameters exist: tasks of ``optimizers.py``.

Each task chooses between known test functions (one per choice, with parameters of its own that are active under that
choice only), as a search chooses between models. Every function is scaled to a spread of about 1 over its range and
shifted so that its optimum is 0, then lifted by what the choice costs: the optimum of a task is 0, under one choice.
Nothing is noisy. The functions are the usual ones (Surjanovic and Bingham, Virtual Library of Simulation Experiments).

There are two sets of eight without a common task: settings of an optimizer are chosen on ``TUNING``, what is published
comes from ``REPORTING``.

At a fidelity r < 1 the loss is off by up to ``OFF`` * (1 - r), by a smooth function of the configuration that has
nothing to do with the loss, as fits on fewer rows are off; it costs r evaluations.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from automl.core import Config
    from automl.space import FreeSpace

__all__ = ["FUNCTIONS", "REPORTING", "TASKS", "TUNING", "Analytic", "Branch", "Function"]

OFF = 0.5
_HARTMANN = np.array([1.0, 1.2, 3.0, 3.2])


def branin(x: np.ndarray) -> float:
    a, b = x
    bowl = (b - 5.1 / (4 * np.pi**2) * a**2 + 5 / np.pi * a - 6) ** 2
    return float(bowl + 10 * (1 - 1 / (8 * np.pi)) * np.cos(a) + 10)


def camel(x: np.ndarray) -> float:
    a, b = x
    return float((4 - 2.1 * a**2 + a**4 / 3) * a**2 + a * b + (-4 + 4 * b**2) * b**2)


def goldstein(x: np.ndarray) -> float:
    a, b = x
    first = 1 + (a + b + 1) ** 2 * (19 - 14 * a + 3 * a**2 - 14 * b + 6 * a * b + 3 * b**2)
    second = 30 + (2 * a - 3 * b) ** 2 * (18 - 32 * a + 12 * a**2 + 48 * b - 36 * a * b + 27 * b**2)
    return float(np.log(first * second))


def beale(x: np.ndarray) -> float:
    a, b = x
    value = (1.5 - a + a * b) ** 2 + (2.25 - a + a * b**2) ** 2 + (2.625 - a + a * b**3) ** 2
    return float(np.log1p(value))


def hartmann3(x: np.ndarray) -> float:
    A = np.array([[3.0, 10, 30], [0.1, 10, 35], [3.0, 10, 30], [0.1, 10, 35]])
    P = 1e-4 * np.array([[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]])
    return float(-_HARTMANN @ np.exp(-(A * (x - P) ** 2).sum(axis=1)))


def hartmann6(x: np.ndarray) -> float:
    A = np.array(
        [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
    )
    P = 1e-4 * np.array(
        [
            [1312, 1696, 5569, 124, 8283, 5886],
            [2329, 4135, 8307, 3736, 1004, 9991],
            [2348, 1451, 3522, 2883, 3047, 6650],
            [4047, 8828, 8732, 5743, 1091, 381],
        ]
    )
    return float(-_HARTMANN @ np.exp(-(A * (x - P) ** 2).sum(axis=1)))


def rosenbrock(x: np.ndarray) -> float:
    return float(np.log1p((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()))


def ackley(x: np.ndarray) -> float:
    waves = np.exp(np.cos(2 * np.pi * x).mean())
    return float(-20 * np.exp(-0.2 * np.sqrt((x**2).mean())) - waves + 20 + np.e)


def griewank(x: np.ndarray) -> float:
    return float(1 + (x**2).sum() / 4000 - np.prod(np.cos(x / np.sqrt(np.arange(1, len(x) + 1)))))


def levy(x: np.ndarray) -> float:
    w = 1 + (x - 1) / 4
    middle = ((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2)).sum()
    return float(np.sin(np.pi * w[0]) ** 2 + middle + (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2))


def rastrigin(x: np.ndarray) -> float:
    return float((x**2 - 10 * np.cos(2 * np.pi * x) + 10).sum())


def sphere(x: np.ndarray) -> float:
    return float(((x - 0.3) ** 2).sum())


def styblinski(x: np.ndarray) -> float:
    return float(0.5 * (x**4 - 16 * x**2 + 5 * x).sum())


def zakharov(x: np.ndarray) -> float:
    tilted = 0.5 * (np.arange(1, len(x) + 1) * x).sum()
    return float(np.log1p((x**2).sum() + tilted**2 + tilted**4))


@dataclass(frozen=True)
class Function:
    """A test function: range of each input (the same for all where one is given), least value, where it is."""

    call: Callable[[np.ndarray], float]
    ranges: tuple[tuple[float, float], ...]
    least: float
    at: tuple[float, ...]

    @property
    def d(self) -> int:
        return len(self.ranges)


def _same(call: Callable[[np.ndarray], float], d: int, low: float, high: float, at: float) -> Function:
    return Function(call, ((low, high),) * d, call(np.full(d, at)), (at,) * d)


FUNCTIONS: Mapping[str, Function] = {
    "branin": Function(branin, ((-5, 10), (0, 15)), 0.397887, (np.pi, 2.275)),
    "camel": Function(camel, ((-3, 3), (-2, 2)), -1.031628, (0.089842, -0.712656)),
    "goldstein": Function(goldstein, ((-2, 2), (-2, 2)), float(np.log(3)), (0.0, -1.0)),
    "beale": Function(beale, ((-4.5, 4.5), (-4.5, 4.5)), 0.0, (3.0, 0.5)),
    "hartmann3": Function(hartmann3, ((0, 1),) * 3, -3.862782, (0.114614, 0.555649, 0.852547)),
    "hartmann6": Function(
        hartmann6, ((0, 1),) * 6, -3.322368, (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573)
    ),
    **{f"rosenbrock{d}": _same(rosenbrock, d, -2, 2, 1.0) for d in (2, 4)},
    **{f"ackley{d}": _same(ackley, d, -10, 20, 0.0) for d in (3, 5)},
    **{f"griewank{d}": _same(griewank, d, -30, 50, 0.0) for d in (2, 4)},
    **{f"levy{d}": _same(levy, d, -10, 10, 1.0) for d in (3, 4)},
    **{f"rastrigin{d}": _same(rastrigin, d, -3, 5, 0.0) for d in (2, 3)},
    **{f"sphere{d}": _same(sphere, d, -1, 1, 0.3) for d in (1, 2, 3, 5)},
    **{f"styblinski{d}": _same(styblinski, d, -5, 5, -2.903534) for d in (2, 3)},
    **{f"zakharov{d}": _same(zakharov, d, -5, 10, 0.0) for d in (2, 4)},
}


@dataclass(frozen=True)
class Branch:
    """What one choice leads to: a function, and how much worse its optimum is than that of the task.

    ``kinds`` says of some inputs that they are searched on a logarithmic scale (``"log"``) or are whole numbers of
    0..20 (``"int"``), which are stretched over the input's range.
    """

    function: str
    lift: float = 0.0
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Analytic:
    """A task: branches under one choice, and parameters beside them that change nothing (``idle``) or a little.

    ``flags`` adds so many choices of three, each of which costs .15 if it is not the second one.
    """

    name: str
    branches: tuple[Branch, ...]
    flags: int = 0
    idle: int = 0
    _spreads: dict[str, float] = field(default_factory=dict, compare=False, repr=False)

    optimum = 0.0

    def space(self) -> FreeSpace:
        """Return the space; made anew, as spaces hold the state of a generator."""
        from ConfigSpace import ConfigurationSpace, EqualsCondition

        from automl.space import FreeSpace

        space = ConfigurationSpace(
            {
                "kind": [f"k{number}" for number in range(len(self.branches))],
                **{f"flag{i}": ["a", "b", "c"] for i in range(self.flags)},
                **{f"idle{i}": (0.0, 1.0) for i in range(self.idle)},
            }
        )
        for number, branch in enumerate(self.branches):
            parts = [_declared(f"k{number}_{i}", kind, pair) for i, (kind, pair) in enumerate(_inputs(branch))]
            space.add([*parts, *(EqualsCondition(part, space["kind"], f"k{number}") for part in parts)])
        return FreeSpace(space)

    def loss(self, values: Mapping[str, Any], fidelity: float = 1.0) -> float:
        """Return how much worse these values are than the optimum."""
        number = int(str(values["kind"])[1:])
        branch = self.branches[number]
        function = FUNCTIONS[branch.function]
        inputs = _inputs(branch)
        x = np.array([_stretched(values[f"k{number}_{i}"], *one) for i, one in enumerate(inputs)])
        loss = branch.lift + max(function.call(x) - function.least, 0.0) / self._spread(branch.function)
        loss += 0.15 * sum(values[f"flag{i}"] != "b" for i in range(self.flags))
        if fidelity < 1.0:
            low, high = np.array(function.ranges).T
            rng = np.random.default_rng([zlib.crc32(self.name.encode()), number])
            wave = np.sin(2 * np.pi * (rng.random() + rng.normal(0.0, 0.5, len(x)) @ ((x - low) / (high - low))))
            loss += OFF * (1.0 - fidelity) * (1.0 + wave) / 2
        return float(loss)

    def portfolio(self) -> tuple[Config, ...]:
        return ()

    def evaluate(self, config: Config, fidelity: float = 1.0) -> tuple[float, float]:
        """Return (loss, seconds): all kinds cost the same, so that trials are time."""
        return self.loss(config.steps[0].values, fidelity), fidelity

    def best(self) -> dict[str, Any]:
        """Return the values at the optimum, where every input is a number on a linear scale."""
        number = min(range(len(self.branches)), key=lambda i: self.branches[i].lift)
        function = FUNCTIONS[self.branches[number].function]
        own = {f"k{number}_{i}": value for i, value in enumerate(function.at)}
        flags = {f"flag{i}": "b" for i in range(self.flags)}
        return {"kind": f"k{number}", **own, **flags, **{f"idle{i}": 0.5 for i in range(self.idle)}}

    def _spread(self, name: str) -> float:
        """Return the median of the function above its optimum, over its range."""
        if name not in self._spreads:
            function = FUNCTIONS[name]
            low, high = np.array(function.ranges).T
            drawn = low + (high - low) * np.random.default_rng(0).random((2_000, function.d))
            self._spreads[name] = float(np.median([function.call(x) for x in drawn]) - function.least)
        return self._spreads[name]


def _inputs(branch: Branch) -> list[tuple[str, tuple[float, float]]]:
    ranges = FUNCTIONS[branch.function].ranges
    kinds = branch.kinds + ("",) * (len(ranges) - len(branch.kinds))
    return list(zip(kinds, ranges, strict=True))


def _declared(name: str, kind: str, pair: tuple[float, float]) -> Any:
    from ConfigSpace import UniformFloatHyperparameter, UniformIntegerHyperparameter

    if kind == "int":
        return UniformIntegerHyperparameter(name, 0, 20)
    low, high = (1e-4, 1e2) if kind == "log" else pair
    return UniformFloatHyperparameter(name, low, high, log=kind == "log")


def _stretched(value: Any, kind: str, pair: tuple[float, float]) -> float:
    share = {"int": lambda: value / 20, "log": lambda: (np.log10(value) + 4) / 6}
    return float(value) if kind not in share else pair[0] + (pair[1] - pair[0]) * float(share[kind]())


REPORTING: tuple[Analytic, ...] = (
    Analytic("branin or two others", (Branch("sphere3", 0.2), Branch("branin"), Branch("camel", 0.1))),
    Analytic("hartmann3 or rosenbrock", (Branch("hartmann3"), Branch("rosenbrock4", 0.1), Branch("levy4", 0.2))),
    Analytic("hartmann6 or ackley", (Branch("ackley3", 0.1), Branch("hartmann6"))),
    Analytic("kernels", (Branch("sphere2", 0.1, ("log", "log")), Branch("rastrigin3", 0.0, ("log",)), Branch("beale"))),
    Analytic(
        "ten models",
        (
            *(Branch(f"sphere{d}", 0.06 * i) for i, d in enumerate((2, 3, 5, 1, 2, 3, 5, 2, 3), 1)),
            Branch("rosenbrock4"),
        ),
    ),
    Analytic("few of many matter", (Branch("styblinski3"), Branch("camel", 0.2)), flags=3, idle=8),
    Analytic("a valley", (Branch("rosenbrock4"), Branch("zakharov2", 0.05), Branch("griewank4", 0.05))),
    Analytic(
        "whole numbers",
        (
            Branch("goldstein", 0.0, ("", "int")),
            Branch("levy4", 0.05, ("log", "int")),
            Branch("sphere5", 0.1, ("int",)),
        ),
        flags=2,
    ),
)

TUNING: tuple[Analytic, ...] = (
    Analytic("goldstein or a sphere", (Branch("goldstein"), Branch("sphere5", 0.1))),
    Analytic("levy or camel", (Branch("levy3"), Branch("camel", 0.1), Branch("ackley5", 0.1), Branch("beale", 0.2))),
    Analytic("four models", tuple(Branch(name, 0.08 * i) for i, name in enumerate(("hartmann3", "sphere3") * 2))),
    Analytic("zakharov behind logs", (Branch("zakharov4", 0.0, ("log", "log")), Branch("styblinski2", 0.1, ("log",)))),
    Analytic("waves", (Branch("griewank2"), Branch("rastrigin2", 0.05), Branch("sphere1", 0.15))),
    Analytic("flags", (Branch("branin"), Branch("sphere3", 0.1)), flags=5, idle=4),
    Analytic("six numbers", (Branch("hartmann6", 0.05), Branch("ackley5"), Branch("rosenbrock2", 0.3)), idle=2),
    Analytic("twelve models", tuple(Branch(f"sphere{1 + i % 3}", 0.05 * ((i * 5) % 12)) for i in range(12)), flags=1),
)

TASKS: Mapping[str, Analytic] = {task.name: task for task in (*REPORTING, *TUNING)}
