"""`automl knowledge`: earlier runs of one's own, kept on this machine and used by later fits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from automl.cli.options import Json

__all__ = ["knowledge_app"]

knowledge_app = typer.Typer(
    help="What later fits know: the base that automl comes with, and runs of your own. Nothing leaves this machine.",
)


@knowledge_app.command()
def add(
    run: Annotated[Path, typer.Argument(help="Folder that `automl fit --out` made, or a run_dir.", show_default=False)],
    json: Json = False,
) -> None:
    """Let later fits learn from a run: its configurations, losses and seconds, and what its table was like."""
    from automl.cli.output import print_json
    from automl.metalearn import add_source, own_folder
    from automl.search import read_source

    source = read_source(run)
    path = add_source(source, own_folder())
    if json:
        print_json({"name": source.name, "trials": len(source.records), "file": str(path)})
    else:
        print(f"{source.name}: {len(source.records)} trials kept in {path}")


@knowledge_app.command()
def remove(
    name: Annotated[str, typer.Argument(help="A run, as `automl knowledge show` names it.", show_default=False)],
) -> None:
    """Forget a run."""
    from automl.metalearn import own_folder, remove_source

    remove_source(name, own_folder())
    print(f"{name} is forgotten")


@knowledge_app.command()
def show(json: Json = False) -> None:
    """List what later fits know, and where it lies."""
    from automl.cli.output import print_json, text_table
    from automl.metalearn import own_folder, own_sources

    folder = own_folder()
    sources, damaged = own_sources(folder)
    runs = [
        {
            "name": source.name,
            "task": source.task,
            "metric": source.metric,
            "rows": source.n_rows,
            "columns": source.n_columns,
            "trials": len(source.records),
        }
        for source in sources
    ]
    base = _shipped()
    if json:
        print_json(
            {"folder": None if folder is None else str(folder), "runs": runs, "damaged": list(damaged), "base": base}
        )
        return
    print(f"base    {base['what']}")
    print(f"folder  {folder if folder is not None else 'none: AUTOML_KNOWLEDGE=off'}")
    if runs:
        print(text_table(tuple(runs[0]), [tuple(run.values()) for run in runs]))
    else:
        print("no runs of your own; `automl knowledge add RUN` adds one")
    for name in damaged:
        print(f"not read: {name}")


def _shipped() -> dict[str, Any]:
    """Describe the base that automl comes with."""
    from automl.metalearn import KnowledgeBase

    base = KnowledgeBase.shipped()
    problem = base.why_off()
    if problem is not None:
        return {"what": problem, "checksum": None, "tables": 0}
    tables = base.manifest["tables"]
    counts = ", ".join(f"{task} {base.scarce(task) or 'in use'}" for task in sorted(base.manifest["counts"]))
    what = f"{base.checksum}: {len(tables)} tables; {counts}"
    return {"what": what, "checksum": base.checksum, "tables": len(tables)}
