"""automl and its rivals on the same tables, folds, cores and seconds.

    python meta/rivals/rivals.py install flaml autogluon_torch   # environments; without names all of them
    python meta/rivals/rivals.py run --datasets sets.json --systems automl flaml --budgets 60 --results results.jsonl
    python meta/rivals/rivals.py table results.jsonl stored.jsonl --budget 60
    python meta/rivals/rivals.py curve results.jsonl             # automl's score by budget

See README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from known import MANIFEST, measured_in_base
from standings import curve, read_results, shown, standings
from systems import ENVIRONMENTS, OURS, SYSTEMS

__all__ = ["main"]


def datasets(path: str, only: Sequence[str] | None) -> list[dict[str, str]]:
    """Return the tables that a file names; their paths are relative to it."""
    found = json.loads(Path(path).read_text(encoding="utf-8"))
    folder = Path(path).resolve().parent
    return [{**one, "path": str(folder / one["path"])} for one in found if not only or one["name"] in only]


def run(asked: argparse.Namespace) -> int:
    from running import Job, Limits, execute, jobs_left

    tables = datasets(asked.datasets, asked.only)
    inside = measured_in_base({one["name"]: one["path"] for one in tables}, asked.manifest)
    if inside and any(system.startswith(OURS) for system in asked.systems) and not asked.allow_known:
        print(
            f"the shipped knowledge comes from {', '.join(inside)}: on them nothing would be measured", file=sys.stderr
        )
        return 2
    sizes = {len(cores.split(",")) for cores in asked.core_sets}
    if len(sizes) != 1:
        print("--core-sets: give sets of the same size, such as 0 1, or 0,1", file=sys.stderr)
        return 2
    jobs = [
        Job(system, one, budget, fold, asked.seed, min(sizes))
        for budget in asked.budgets
        for fold in asked.folds
        for one in tables
        for system in asked.systems
    ]
    left = jobs_left(jobs, Path(asked.results), retry=asked.retry)
    hours = sum(job.budget for job in left) / len(asked.core_sets) / 3600
    print(f"{len(jobs)} runs, {len(left)} of them to do; about {hours:.1f} hours of budget", flush=True)
    if not asked.dry:
        pythons = dict(pair.split("=", 1) for pair in asked.python)
        limits = Limits(memory_gb=asked.memory_gb, adapters=asked.adapters, pythons=pythons)
        execute(left, asked.core_sets, Path(asked.results), limits)
    return 0


def table(asked: argparse.Namespace) -> int:
    rows = read_results(asked.results)
    if asked.datasets_of:
        wanted = {row["dataset_name"] for row in rows if row["peer"] == asked.datasets_of}
        rows = [row for row in rows if row["dataset_name"] in wanted]
    kinds = sorted({(row["budget"], row["cores"]) for row in rows})
    for budget, cores in kinds:
        if asked.budget not in (None, budget):
            continue
        some = [row for row in rows if (row["budget"], row["cores"]) == (budget, cores)]
        print(f"\n{budget:g} s, {cores} core(s)\n")
        print(shown(standings(some), asked.ours, markdown=asked.markdown))
        for row in some:
            if row["status"] != "ok":
                print(f"{row['dataset_name']} {row['peer']} fold {row['fold']}: {row['status']}: {row.get('error')}")
    return 0


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("install")
    made.add_argument("environments", nargs="*", metavar="NAME", help=", ".join(ENVIRONMENTS))
    runs = commands.add_parser("run")
    runs.add_argument("--datasets", required=True, help='JSON: [{"name", "path", "target", "task"}, ...]')
    runs.add_argument("--only", nargs="+", help="names of datasets")
    runs.add_argument("--systems", nargs="+", required=True, help=", ".join(SYSTEMS))
    runs.add_argument("--budgets", nargs="+", type=float, default=[60.0])
    runs.add_argument("--folds", nargs="+", type=int, default=[0])
    runs.add_argument("--seed", type=int, default=0)
    runs.add_argument("--core-sets", nargs="+", default=["0"], help="0 1: two runs of one core; 0,1: one of two")
    runs.add_argument("--results", required=True)
    runs.add_argument("--memory-gb", type=float, default=8.0)
    runs.add_argument("--adapters", help="Python file with ADAPTERS of further systems")
    runs.add_argument("--python", nargs="*", default=[], help="SYSTEM=/path/to/python")
    runs.add_argument("--manifest", default=str(MANIFEST), help="of the knowledge base in use")
    runs.add_argument("--allow-known", action="store_true", help="also on tables that the knowledge comes from")
    runs.add_argument("--retry", action="store_true", help="runs that failed, again")
    runs.add_argument("--dry", action="store_true", help="only say what there is to do")
    for name in ("table", "curve"):
        shows = commands.add_parser(name)
        shows.add_argument("results", nargs="+")
        shows.add_argument("--ours", default=OURS)
        shows.add_argument("--markdown", action="store_true")
        shows.add_argument("--budget", type=float)
        shows.add_argument("--datasets-of", help="only datasets that this system has results on")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    asked: Any = parsed(arguments)
    if asked.command == "install":
        from install import install

        return install(asked.environments or list(ENVIRONMENTS))
    if asked.command == "run":
        return run(asked)
    if asked.command == "table":
        return table(asked)
    print(curve(read_results(asked.results), asked.ours, markdown=asked.markdown))
    return 0


if __name__ == "__main__":
    sys.exit(main())
