"""The workshop: many configurations on many tables, to learn from.

    python -m meta.knowledge.workshop run --processes 1     # resumable; any number of processes may share the folder
    python -m meta.knowledge.workshop run --rows 5000       # only tables at this size
    python -m meta.knowledge.workshop status                # what is done, fits per hour, hours to go
    python -m meta.knowledge.workshop hold COMMAND ...      # run a timed benchmark; the workshop stands aside
    python -m meta.knowledge.workshop metafeatures          # of every table
    python -m meta.knowledge.workshop pack                  # everything small, into meta/knowledge/base
    python -m meta.knowledge.workshop unpack                # the base as the folder of a run, to go on elsewhere

Needs the tables (``--data``, by default ``../shared/data`` beside the project), which are not part of it. What is
written where, and what it means: README.md in this folder.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from meta.knowledge.claims import LOCK, holding, take, wait_while_held, write_whole
from meta.knowledge.machine import Unit
from meta.knowledge.pack import BASE, pack
from meta.knowledge.plan import EVALUATION, Fidelity, Variant, fidelities, prepare, read_variant, tasks
from meta.knowledge.pool import POOL, Pool, read_pool
from meta.knowledge.tables import DATA, Source, refusals, sampled, sources
from meta.knowledge.unpack import unpack
from meta.knowledge.working import Piece, Work, do_all

__all__ = ["main"]

MEMORY_MB = 4_000.0


def default_folder() -> Path:
    """Return where a run lies: beside the project, where it outlives temporary folders, if one may write there."""
    beside = Path(__file__).resolve().parents[3]
    return (beside if os.access(beside, os.W_OK) else Path(tempfile.gettempdir())) / "workshop" / "run"


def accepted(folder: Path, data: Path) -> tuple[Source, ...]:
    """Return the tables of a run: all that may be used, without those that resemble others; decided once."""
    wanted = sources(data)
    path = folder / "refused.json"
    if not path.exists():
        write_whole(path, json.dumps(refusals(wanted, sources(data, "develop")), indent=1))
    refused = json.loads(path.read_text())
    return tuple(source for source in wanted if source.name not in refused)


def pieces(folder: Path, found: tuple[Source, ...], pool: Pool, only: Collection[int] = ()) -> Iterator[Piece]:
    """Yield what there is to do, in order; a table at a size is written when it is first needed."""
    variants: dict[str, Variant] = {}
    for source, rows, entry, cap in tasks(pool, found):
        if only and rows not in only:
            continue
        name = f"{source.name}@{rows}"
        place = folder / "tables" / name
        if name not in variants:
            _prepared(source, rows, pool, folder, place)
            variants[name] = read_variant(place)
        variant = variants[name]
        if entry in variant.configs:
            yield Piece(variant, place, entry, variant.configs[entry], cap)


def _prepared(source: Source, rows: int, pool: Pool, folder: Path, place: Path) -> None:
    """Let one process write a table, the others wait for it."""
    while not (place / EVALUATION).exists():
        claim = take(folder / "claims" / f"table {place.name}", place / EVALUATION)
        if claim is None:
            time.sleep(0.5)
            continue
        try:
            prepare(source, rows, pool, place)
        finally:
            claim.release()


def run(arguments: argparse.Namespace) -> int:
    from automl.evaluate import warm_up
    from automl.execute import ProcessExecutor

    folder = Path(arguments.out)
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "pool.json"
    if not kept.exists():
        write_whole(kept, POOL.read_text())
    pool = read_pool(kept)
    found = accepted(folder, Path(arguments.data))
    lock = Path(arguments.lock)
    with ProcessExecutor(arguments.processes, memory_limit_mb=MEMORY_MB, spare=False, warm=warm_up) as executor:
        work = Work(folder, executor, Unit(), yields=lambda: wait_while_held(lock))
        print(do_all(pieces(folder, found, pool, arguments.rows), work), "done", flush=True)
    return 0


def status(arguments: argparse.Namespace) -> int:
    """Print what is done; the hours to go are those at the pace of the last two hours."""
    folder = Path(arguments.out)
    pool, found = read_pool(folder / "pool.json"), accepted(folder, Path(arguments.data))
    done = {f"{path.parents[1].name} {path.stem}": path for path in folder.glob("tables/*/results/*.json")}
    ended = sorted(path.stat().st_mtime for path in done.values())
    recent = [at for at in ended if at > ended[-1] - 7200]
    pace = (len(recent) - 1) / max(recent[-1] - recent[0], 1.0) if len(recent) > 1 else 0.0
    left = 0
    for fidelity, tables in fidelities(found):
        part = list(_names(fidelity, tables, pool, folder))
        missing = sum(name not in done for name in part)
        left += missing
        hours = f"{left / pace / 3600:.1f} h to its end" if pace else "no pace yet"
        first = f"entries {fidelity.first + 1} on" if fidelity.first else f"the first {fidelity.configurations} entries"
        print(f"{fidelity.rows} rows, {first}: {len(part) - missing} of at most {len(part)} done, {hours}")
    records_found = [json.loads(path.read_text()) for path in done.values()]
    counts = Counter(record["status"] for record in records_found)
    fits = sum(len(record["folds"]) for record in records_found)
    print(f"{fits} fits, {dict(counts)}; {3 * 3600 * pace:.0f} fits per hour lately")
    return 0


def _names(fidelity: Fidelity, tables: Sequence[Source], pool: Pool, folder: Path) -> Iterator[str]:
    """Yield the pieces of a fidelity; without those that a table, once it is written, does not hold."""
    for source in tables:
        place = folder / "tables" / f"{source.name}@{fidelity.rows}"
        held = set(read_variant(place).configs) if (place / "variant.json").exists() else None
        for entry in fidelity.entries(pool, source.task):
            if held is None or entry in held:
                yield f"{place.name} {entry}"


def metafeatures(arguments: argparse.Namespace) -> int:
    """Write the meta-features of every table, as it is at 2,000 rows and whole."""
    import pandas as pd

    from automl.metalearn import describe_dataset

    folder, rows = Path(arguments.out), {}
    for source in accepted(folder, Path(arguments.data)):
        for size in (2_000, source.n_rows):
            name = f"{source.name}@{2_000 if size == 2_000 else 'all'}"
            started = time.process_time()
            rows[name] = describe_dataset(sampled(source, size))
            print(f"{name} {time.process_time() - started:.2f} s", flush=True)
    buffer = io.BytesIO()
    pd.DataFrame(rows).T.to_parquet(buffer)
    write_whole(folder / "metafeatures.parquet", buffer.getvalue())
    return 0


def pack_run(arguments: argparse.Namespace) -> int:
    print(f"{pack(Path(arguments.out), Path(arguments.base)):.1f} MB in {arguments.base}")
    return 0


def unpack_base(arguments: argparse.Namespace) -> int:
    print(f"{unpack(Path(arguments.out), Path(arguments.base))} finished pieces in {arguments.out}")
    return 0


def hold(arguments: argparse.Namespace) -> int:
    with holding(Path(arguments.lock)):
        return subprocess.run(arguments.command_line, check=False).returncode


def main(given: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m meta.knowledge.workshop",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True)
    functions = {"run": run, "status": status, "hold": hold, "metafeatures": metafeatures}
    functions |= {"pack": pack_run, "unpack": unpack_base}
    for name, function in functions.items():
        command = commands.add_parser(name)
        command.set_defaults(function=function)
        command.add_argument("--out", default=str(default_folder()), help="folder of the run")
        command.add_argument("--data", default=str(DATA))
        command.add_argument("--lock", default=str(LOCK))
        if name == "run":
            command.add_argument("--processes", type=int, default=1)
            command.add_argument("--rows", type=int, nargs="*", default=(), help="only these sizes of tables")
        if name in ("pack", "unpack"):
            command.add_argument("--base", default=str(BASE))
        if name == "hold":
            command.add_argument("command_line", nargs=argparse.REMAINDER)
    arguments = parser.parse_args(given)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    return int(arguments.function(arguments))


if __name__ == "__main__":
    raise SystemExit(main())
