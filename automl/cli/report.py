"""`automl leaderboard` and `automl failures`: what the journal of a run says, also while the run works."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from automl.cli.folder import ModelFolder
from automl.cli.output import as_records, fixed, print_json, text_table
from automl.core import Journal, StoreError

__all__ = ["equal_text", "leaderboard_text", "print_failures", "print_leaderboard", "print_log"]


def print_leaderboard(model: Path, top: int | None, *, as_json: bool) -> None:
    """Print the finished trials of a run, best first."""
    from automl.explain import leaderboard

    def text(board: Any) -> str:
        return leaderboard_text(board) if top else f"{leaderboard_text(board)}\n\n{equal_text(board)}".rstrip()

    _print(_read(model, leaderboard, top), text, as_json=as_json, empty="no trial has finished yet")


def print_failures(model: Path, *, as_json: bool) -> None:
    """Print what failed in a run, and why."""
    from automl.explain import failures

    _print(_read(model, failures, None), failures_text, as_json=as_json, empty="nothing failed")


def print_log(model: Path, tail: int | None, *, as_json: bool) -> None:
    """Print what happened in a run."""
    from automl.explain import log

    def last(journal: Journal) -> Any:
        frame = log(journal)
        return frame if tail is None else frame.tail(tail)

    _print(_read(model, last, None), log_text, as_json=as_json, empty="nothing has happened yet")


def log_text(frame: Any) -> str:
    """Return a log as lines: seconds, what, and details."""
    return "\n".join(f"{row.seconds:9.2f}  {row.event:<9} {row.text}" for row in frame.itertuples())


def leaderboard_text(frame: Any) -> str:
    """Return a leaderboard as aligned text: the columns that fit on a screen, each with its own number of digits."""
    score = f"score ({frame['metric'].iloc[0]})"
    reported = frame.columns[frame.columns.get_loc("configuration") + 1 :]
    columns = {
        "rank": frame["rank"],
        "model": frame["model"],
        "trial": frame["trial"],
        score: fixed(frame["score"]),
        "sd": fixed(frame["score_sd"]),
        "se": fixed(frame["standard_error"]),
        **{name: fixed(frame[name]) for name in reported},
        "weight": fixed(frame["ensemble_weight"], 3),
        "fit s": fixed(frame["fit_seconds"], 3),
        "predict s": fixed(frame["predict_seconds"], 3),
        "peak MB": fixed(frame["peak_mb"], 3),
        "folds": frame["folds"],
        "status": frame["status"],
    }
    return text_table(list(columns), zip(*columns.values(), strict=True))


def equal_text(frame: Any) -> str:
    """Return a line on the trials of a whole leaderboard that are not significantly worse than the best, or nothing."""
    from automl.explain import fastest_equal

    found = fastest_equal(frame)
    if found is None:
        return ""
    count, fastest = found
    if count == 1:
        return f"equal:    none; all other trials are significantly worse than #{fastest} (Holm, 5 %)\n"
    model = frame["model"][frame["trial"] == fastest].iloc[0]
    return (
        f"equal:    {count} trials not significantly worse than the best (Holm, 5 %); of them #{fastest} "
        f"{model} predicts fastest\n"
    )


def failures_text(frame: Any) -> str:
    """Return a list of failures as aligned text."""
    columns = {**dict(frame.items()), "seconds": fixed(frame["seconds"], 3)}
    return text_table(list(columns), zip(*columns.values(), strict=True))


def _read(model: Path, view: Callable[[Journal], Any], top: int | None) -> Any:
    from automl.store import SqliteJournal

    folder = ModelFolder(model)
    folder.check_run()
    journal = SqliteJournal.open_readonly(folder.journal)
    try:
        frame = view(journal)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(f"{folder.journal} holds events that are not as automl writes them: {error!r}") from error
    finally:
        journal.close()
    return frame if top is None else frame.head(top)


def _print(frame: Any, text: Callable[[Any], str], *, as_json: bool, empty: str) -> None:
    if as_json:
        print_json(as_records(frame))
    else:
        print(text(frame) if len(frame) else empty)
