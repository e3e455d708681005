"""check_table: how a table differs from the one of fit, and the table as a model expects it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from automl.core import DataError, SchemaError, SettingError
from automl.data.compare import ColumnFinding, Scale, compare, counted
from automl.data.dataset import Container, Schema
from automl.data.drift import Drift
from automl.data.reference import Reference, each_column, sample_step
from automl.data.repair import assemble, restore
from automl.data.schema import as_frame, check_width, conform, opened

__all__ = ["POLICIES", "TableCheck", "check_table"]

POLICIES = ("report", "repair", "strict")
_TOLERATED = ("drift", "out_of_range")  # strict says nothing of values that every model takes
_SHOWN_FINDINGS = 50


@dataclass(frozen=True)
class TableCheck:
    """What :func:`check_table` found.

    Parameters
    ----------
    findings : tuple of ColumnFinding
        Warnings first.
    drift : tuple of Drift
        Of every column of numbers or levels, whether it is a finding or not.
    frame : DataFrame, ndarray, CSR matrix or None
        The repaired table, for the policy "repair".
    """

    policy: str
    n_rows: int
    n_columns: int
    n_rows_fit: int
    findings: tuple[ColumnFinding, ...]
    drift: tuple[Drift, ...] = ()
    frame: Any = field(default=None, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether there is no warning."""
        return all(finding.level != "warning" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return everything but the table."""
        return {
            "ok": self.ok,
            "policy": self.policy,
            "n_rows": self.n_rows,
            "n_columns": self.n_columns,
            "n_rows_fit": self.n_rows_fit,
            "findings": [asdict(finding) for finding in self.findings],
            "drift": [{**asdict(drift), "found": drift.found} for drift in self.drift],
        }

    def __str__(self) -> str:
        size = f"{counted(self.n_rows, 'row')} in {counted(self.n_columns, 'column')}"
        if not self.findings:
            return f"{size}: like the table of fit"
        warnings = sum(finding.level == "warning" for finding in self.findings)
        head = f"{size}: {counted(len(self.findings), 'finding')}, {counted(warnings, 'warning')}"
        lines = [f"{finding.level + ':':9}{finding.message}" for finding in self.findings[:_SHOWN_FINDINGS]]
        if len(self.findings) > _SHOWN_FINDINGS:
            lines.append(f"... and {len(self.findings) - _SHOWN_FINDINGS:,} more")
        return "\n".join([head, *lines])


def check_table(
    X: Any, schema: Schema, reference: Reference, policy: str = "report", name: str = "automl"
) -> TableCheck:
    """Compare a table with the one of fit.

    Parameters
    ----------
    X : table-like of shape (n, d)
    schema : Schema
    reference : Reference
    policy : {"report", "repair", "strict"}
        "report" changes nothing. "repair" also returns the table with the columns of fit in their order: missing ones
        all missing, others dropped, retyped ones as they were where nothing is lost; values stay, unseen levels too.
        "strict" raises unless drift and values out of range are all there is.
    name : str
        Who expects the table, for messages.

    Raises
    ------
    SchemaError
        X is no table; "strict" finds something; "repair" cannot make a table that ``predict`` accepts.

    Examples
    --------
    >>> import pandas as pd
    >>> from automl.data import check_table, make_dataset, make_reference
    >>> X = pd.DataFrame({"age": [31.0, 45.0, 50.0, 22.0], "city": ["Bonn", "Ulm", "Ulm", "Bonn"]})
    >>> dataset = make_dataset(X, [1.0, 2.0, 3.0, 4.0], classifies=False)
    >>> new = pd.DataFrame({"city": ["Rome", "Ulm"], "age": ["40", "41"]})
    >>> check = check_table(new, dataset.schema, make_reference(dataset), policy="repair")
    >>> print(check)
    2 rows in 2 columns: 2 findings, 1 warning
    warning: column 'city': 1 row holds 1 level not seen in fit: 'Rome'
    info:    column 'age' held numbers in fit and strings here; they are read as numbers
    >>> check.frame
        age  city
    0  40.0  Rome
    1  41.0   Ulm
    """
    if policy not in POLICIES:
        raise SettingError(f"policy={policy!r}; choose one of: {', '.join(POLICIES)}")
    table, named = opened(X)
    rows, width = table.shape
    findings: list[ColumnFinding] = []
    drift: list[Drift] = []
    restored: dict[Hashable, pd.Series[Any]] = {}
    if _by_name(table, named, schema):
        findings += _names(table, schema, name)
    else:
        try:
            table = _by_position(table, named, schema, name)
        except SchemaError as error:
            if policy != "report":
                raise
            finding = ColumnFinding("warning", "columns", None, rows, str(error))
            return TableCheck(policy, rows, width, reference.n_rows, (finding,))
    used = {column.name: column for column in schema.used}
    known = {seen.name: seen for seen in reference.columns}
    scale = Scale(sample_step(rows, len(used)), reference, len(used))
    present = set(table.columns) if isinstance(table, pd.DataFrame) else used.keys()
    for label, series in each_column(table, [label for label in used if label in present]):
        back = restore(series, used[label], known[label])
        if back is not series:
            restored[label] = back
        found, moved = compare(series, back, used[label], known[label], scale)
        findings += found
        drift += [] if moved is None else [moved]
    if all(finding.level != "warning" for finding in findings):
        findings += _refused(table, schema, name)
    findings.sort(key=lambda finding: finding.level != "warning")
    if policy == "strict":
        _raise(findings, name)
    lacks = any(finding.code == "missing_column" for finding in findings)
    frame = None
    if policy == "repair":
        frame = conform(_repaired(table, restored, schema, name, lacks=lacks), schema, name)
    return TableCheck(policy, rows, width, reference.n_rows, tuple(findings), tuple(drift), frame)


def _by_name(table: Any, named: bool, schema: Schema) -> bool:
    strings = schema.container is Container.FRAME and all(isinstance(label, str) for label in schema.names)
    return strings and named and isinstance(table, pd.DataFrame)


def _names(table: pd.DataFrame, schema: Schema, name: str) -> Iterator[ColumnFinding]:
    rows, present, known = len(table), set(table.columns), set(schema.names)
    for column in schema.used:
        if column.name not in present:
            text = f"column {column.name!r} is missing, and {name} uses it"
            yield ColumnFinding("warning", "missing_column", column.name, rows, text)
    for label in table.columns:
        if label not in known:
            text = f"column {label!r} was not there in fit and is left out"
            yield ColumnFinding("info", "extra_column", label, rows, text)


def _by_position(table: Any, named: bool, schema: Schema, name: str) -> Any:
    """Return the table with the labels of the schema; nobody knows which columns are missing if the width is wrong."""
    if schema.container is Container.FRAME:
        return as_frame(table, named, schema, name)
    check_width(table, schema, name)
    return table.set_axis(range(table.shape[1]), axis=1) if isinstance(table, pd.DataFrame) else table


def _refused(table: Any, schema: Schema, name: str) -> Iterator[ColumnFinding]:
    """Whatever else predict has against the table."""
    try:
        conform(table, schema, name)
    except DataError as error:
        yield ColumnFinding("warning", "columns", None, table.shape[0], str(error))


def _raise(findings: Sequence[ColumnFinding], name: str) -> None:
    wrong = [finding for finding in findings if finding.code not in _TOLERATED]
    if wrong:
        shown = "; ".join(finding.message.rstrip(".") for finding in wrong[:3])
        more = f"; and {counted(len(wrong) - 3, 'more finding')}" if len(wrong) > 3 else ""
        raise SchemaError(
            f"X is not as {name} saw it in fit: {shown}{more}. Correct it, or take policy='report' or 'repair'."
        )


def _repaired(table: Any, restored: dict[Hashable, pd.Series[Any]], schema: Schema, name: str, *, lacks: bool) -> Any:
    if not (restored or lacks):
        return table
    if lacks and not any(column.name in table.columns for column in schema.used):
        raise SchemaError(
            f"X has none of the {len(schema.used)} columns that {name} uses, such as {schema.used[0].name!r}; "
            "there is nothing to repair. Pass the table that belongs to this model."
        )
    return assemble(table, restored, schema)
