"""`automl replay`: do a finished run again from its journal, and say whether it came out the same."""

from __future__ import annotations

from pathlib import Path

from automl.cli.folder import ModelFolder
from automl.cli.output import print_json
from automl.cli.resume import table_of
from automl.core import SettingError

__all__ = ["replay"]

DIFFERS = 1


def replay(model: Path, data: Path | None, *, jobs: int, as_json: bool) -> int:
    """Repeat the jobs of the final members and compare; return 0 where all are equal, 1 where some differ."""
    from automl.data import make_dataset
    from automl.search import continued_session, replay_run, wanted_workers

    folder = ModelFolder(model)
    request = folder.request()
    with continued_session(folder.path, keep=True) as session:
        assert session.settings is not None
        dataset = session.dataset()
        if data is not None:
            table = table_of(request, data)
            dataset = make_dataset(
                table.X,
                table.y,
                classifies=table.classifies,
                groups=table.groups,
                times=table.times,
                weights=table.weights,
            )
        if dataset is None:
            raise SettingError(f"the run in {model} no longer has its table (--keep-data keeps it); name the table too")
        again = replay_run(session.settings, dataset, session.earlier, n_jobs=wanted_workers(jobs))
    if as_json:
        print_json({"jobs": again.folds, "differing": list(again.differing)})
    else:
        print(f"{again.folds} jobs of the final model done again: ", end="")
        print("all as in the journal" if not again.differing else f"{len(again.differing)} differences")
        for text in again.differing:
            print(f"  {text}")
    return DIFFERS if again.differing else 0
