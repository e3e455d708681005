"""The shape of the house: import directions, no cycles, proportions, doors."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "automl"

LAYERS = {
    "core": 0,
    "data": 1,
    "metrics": 1,
    "space": 2,
    "optimize": 3,
    "metalearn": 3,
    "pipeline": 3,
    "execute": 3,
    "store": 3,
    "ensemble": 3,
    "evaluate": 4,
    "search": 5,
    "explain": 5,
    "saving": 5,
    "fitted": 6,
    "base": 7,
    "estimator": 8,
    "cli": 9,
    "__main__": 10,
}
SEES_ONLY = {
    "execute": {"core"},
    "store": {"core"},
    "ensemble": {"core", "metrics"},
    "optimize": {"core", "space"},
}
ONLY_IN = {
    "deap": {"optimize"},
    "sqlite3": {"store"},
    "typer": {"cli"},
    "rich": {"cli"},
    "click": set(),
    "dask": {"execute"},
    "distributed": {"execute"},
    "lightgbm": {"pipeline", "evaluate"},
    "xgboost": {"pipeline", "evaluate"},
    "catboost": {"pipeline", "evaluate"},
    "meta": set(),
    "tests": set(),
    "datasets": set(),
}
MAX_LINES = 400
MAX_FUNCTION_LINES = 60
CODE_FOLDERS = ("automl", "meta", "tests", "examples", "datasets")

MODULES = sorted(PACKAGE.rglob("*.py"))
CODE = sorted(path for folder in CODE_FOLDERS for path in (ROOT / folder).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(path: Path) -> str:
    """Return the room of a file; the package's own ``__init__.py``, which only re-exports lazily, has none."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "" if parts == ("__init__",) else parts[0]


def imported(path: Path) -> Iterator[str]:
    """Yield the dotted name of everything a file imports, at its top or inside functions."""
    package = module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base]) if base else ".".join(parents)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def own_imports(path: Path) -> Iterator[str]:
    """Yield the rooms of automl that a file imports, without its own and without the root's names."""
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "automl" and len(parts) > 1 and parts[1] in LAYERS and parts[1] != room(path):
            yield parts[1]


def test_every_room_has_a_layer():
    assert {room(path) for path in MODULES} - {""} <= set(LAYERS)


@pytest.mark.parametrize("path", [p for p in MODULES if room(p)], ids=module_name)
def test_imports_go_strictly_downward(path: Path):
    wrong = {name for name in own_imports(path) if LAYERS[name] >= LAYERS[room(path)]}
    assert not wrong, f"{module_name(path)} imports {sorted(wrong)}: not below {room(path)}"


@pytest.mark.parametrize("path", [p for p in MODULES if room(p) in SEES_ONLY], ids=module_name)
def test_rooms_behind_a_port_see_only_what_they_may(path: Path):
    assert set(own_imports(path)) <= SEES_ONLY[room(path)]


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_outside_packages_stay_in_their_room(path: Path):
    packages = {name.split(".")[0] for name in imported(path)}
    wrong = {name for name in packages if room(path) not in ONLY_IN.get(name, {room(path)})}
    assert not wrong, f"{module_name(path)} imports {sorted(wrong)}"


@pytest.mark.parametrize("path", [p for p in MODULES if room(p) != "cli"], ids=module_name)
def test_only_the_version_is_taken_from_the_front_door(path: Path):
    names = {name.removeprefix("automl.") for name in imported(path) if name.startswith("automl.")}
    assert {name for name in names if name.split(".")[0] not in LAYERS} <= {"__version__"}


def test_no_module_is_part_of_a_cycle():
    names = {module_name(path): path for path in MODULES}

    def targets(path: Path) -> set[str]:
        found = set()
        for name in imported(path):
            while name and name not in names:
                name = name.rpartition(".")[0]
            if name not in ("", "automl", module_name(path)):
                found.add(name)
        return found

    graph = {name: targets(path) for name, path in names.items() if name != "automl"}
    ends = {""}
    while ends:  # take away what imports nothing and what nothing imports, until only cycles are left
        needed = set().union(*graph.values()) if graph else set()
        ends = {name for name, needs in graph.items() if not needs & graph.keys() or name not in needed}
        graph = {name: needs for name, needs in graph.items() if name not in ends}
    assert not graph, f"importing each other: {sorted(graph)}"


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_keep_their_proportions(path: Path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES, f"{path.relative_to(ROOT)} has {lines} lines: split it by idea"
    long = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            length = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node) is not None:
                docstring = node.body[0]
                assert docstring.end_lineno is not None
                length -= docstring.end_lineno - docstring.lineno + 1
            if length > MAX_FUNCTION_LINES:
                long.append(f"{node.name}: {length} lines")
    assert not long, f"{path.relative_to(ROOT)}: {', '.join(long)}"


def declared_names(path: Path) -> list[str] | None:
    for node in tree(path).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return list(ast.literal_eval(node.value))
    return None


ROOMS = sorted({room(path) for path in MODULES if len(path.relative_to(PACKAGE).parts) > 1})


@pytest.mark.parametrize("name", ROOMS)
def test_every_room_has_a_door_with_sorted_names(name: str):
    door = PACKAGE / name / "__init__.py"
    assert door.is_file(), f"automl/{name}/ needs an __init__.py that says what is public"
    names = declared_names(door)
    assert names, f"automl/{name}/__init__.py must say what is public in __all__"
    assert names == sorted(set(names))
    bound = {
        alias.asname or alias.name for n in ast.walk(tree(door)) if isinstance(n, ast.ImportFrom) for alias in n.names
    }
    assert set(names) <= bound


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_have_speaking_names(path: Path):
    assert path.stem not in ("utils", "util", "helpers", "helper", "common", "manager", "misc")
