"""A script: readable Python that builds the unfitted members of a model again and fits them, without automl."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl.core import Array, Param, SpaceError
from automl.data.table import LEAST_MEAN
from automl.pipeline.last_stage import LastStage
from automl.pipeline.layout import WIDTH, Brackets, Expression, quoted, rendered
from automl.pipeline.source import Writer

if TYPE_CHECKING:
    from automl.data.dataset import Schema

__all__ = ["Part", "write_script"]

_NETWORKS = ("MLPClassifier", "MLPRegressor")
_NETWORK_NOTE = (
    "The search trained this perceptron with a falling learning rate; scikit-learn's own training, which this is, has "
    "a constant one: expect a somewhat different model."
)
_ROWS = {
    "frame": "a DataFrame with the columns of the table that the search was given",
    "array": "an array with the columns of the table that the search was given, in their order",
    "sparse": "a CSR matrix with the columns of the table that the search was given, in their order",
}
_TEXT_KINDS = ("categorical", "high_cardinality", "text", "date")


@dataclass(frozen=True)
class Part:
    """A member of the ensemble as a script shows it.

    Parameters
    ----------
    pipeline : estimator
        Fitted or not: only its parameters are written.
    settings : mapping
        Parameters of the model that change when it is fitted on all rows: the number of rounds.
    shown : frozenset of str
        Parameters written even where they have the default of their class: those that were searched.
    title : str
        What it is, in a line.
    note : str
        How the search fitted it otherwise than the script does, if so.
    """

    pipeline: Any
    weight: float = 1.0
    settings: Mapping[str, Param] = field(default_factory=dict)
    shown: frozenset[str] = frozenset()
    title: str = ""
    note: str = ""


def write_script(
    parts: Sequence[Part],
    *,
    about: str,
    schema: Schema,
    classes: Array | None,
    encodes: bool,
    last: LastStage | None = None,
) -> str:
    """Return the source of a module with ``build()`` and ``fit(X, y)``, and ``decided(model)`` for a last stage.

    Parameters
    ----------
    parts : sequence of Part
    about : str
        What the model is and how good; the beginning of the docstring.
    classes : ndarray of shape (K,) or None
        None for regression.
    encodes : bool
        Whether a single classifier needs its labels as codes.
    last : LastStage
        What was decided for a classifier, if anything was.

    Raises
    ------
    SpaceError
        A member cannot be written; says which and why.
    """
    source = _Script(parts, about, schema, classes, encodes, last or LastStage()).source()
    _prove(source, parts)
    return source


@dataclass(frozen=True)
class _Script:
    parts: Sequence[Part]
    about: str
    schema: Schema
    classes: Array | None
    encodes: bool
    last: LastStage
    writer: Writer = field(default_factory=lambda: Writer(["build", "decided", "fit", "joblib", "sys", "TEXT"]))

    @property
    def votes(self) -> bool:
        return len(self.parts) > 1 or (self.classes is not None and self.encodes)

    @property
    def decides(self) -> bool:
        return self.classes is not None and self.last.present

    def source(self) -> str:
        members = [self.member(number, part) for number, part in enumerate(self.parts, 1)]
        functions = [*members, self.build(), self.fit()]
        if self.decides and self.classes is not None:
            functions.append(self.last.source(self.writer, self.classes))
        functions.append(self.main())
        head = f'"""{self.docstring()}"""\n\n{self.writer.imports()}\n'
        constants = [
            f"{name} = {rendered(self.writer.write(values), before=len(name) + 3)}\n"
            for name, values in self.writer.constants.items()
        ]
        top = head + ("\n" + "".join(constants) if constants else "")
        return "\n\n".join([top, *functions])

    def docstring(self) -> str:
        paragraphs = [
            *self.about.strip().split("\n\n"),
            "`fit` refits on all rows and so differs from a bag of fold models, which is what a search leaves unless "
            "it refits too; then the same rows and library versions give the same predictions on a single thread.",
        ]
        if self.decides:
            paragraphs.append("`decided` puts on a fitted model what the search decided on rows held out.")
        lines = [textwrap.fill(paragraph, WIDTH, break_on_hyphens=False) for paragraph in paragraphs]
        usage = "    python pipeline.py TABLE.csv TARGET MODEL.joblib    # fits on a table and saves"
        return "\n\n".join([*lines, usage]).replace("\\", "\\\\").replace('"""', "'''") + "\n"

    def member(self, number: int, part: Part) -> str:
        with _naming(number, part):
            steps, whole = self.writer.estimator(_settled(part), part.shown | part.settings.keys())
        notes = [part.note, _NETWORK_NOTE if _trains(part) else ""]
        note = "".join(f"    # {line}\n" for text in notes for line in textwrap.wrap(text, WIDTH - 6))
        title = f"    {_docstring(part.title)}\n" if part.title else ""
        body = "".join(f"    {name} = {_indented(step, len(name) + 3)}\n" for name, step in steps.items())
        return f"def {_name(number)}():\n{title}{note}{body}    return {_indented(whole, len('return '))}\n"

    def build(self) -> str:
        if not self.votes:
            return f'def build():\n    """Return the unfitted model."""\n    return {_name(1)}()\n'
        from sklearn.ensemble import VotingClassifier, VotingRegressor

        named = tuple(
            ("", Brackets("(", (("", quoted(_name(number))), ("", f"{_name(number)}()")), ")"))
            for number in range(1, len(self.parts) + 1)
        )
        total = sum(part.weight for part in self.parts)
        weights = self.writer.write([float(part.weight / total) for part in self.parts])
        items: list[tuple[str, Expression]] = [("", Brackets("[", named, "]"))]
        items += [] if self.classes is None else [("voting=", '"soft"')]
        voter = self.writer.name(VotingRegressor if self.classes is None else VotingClassifier)
        call = Brackets(f"{voter}(", (*items, ("weights=", weights)), ")", call=True)
        what = "ensemble" if len(self.parts) > 1 else "model; the voter makes codes of the labels"
        return f'def build():\n    """Return the unfitted {what}."""\n    return {_indented(call, len("return "))}\n'

    def fit(self) -> str:
        steps = getattr(self.parts[0].pipeline, "steps", None)
        weighing = f"{steps[-1][0]}__sample_weight" if steps else "sample_weight"
        rows = _ROWS[str(self.schema.container)]
        numpy = self.writer.package("numpy")
        lines = ["def fit(X, y, sample_weight=None):", '    """Return the model fitted on all rows.', ""]
        lines += textwrap.wrap(f"X is {rows}.", WIDTH, initial_indent="    ", subsequent_indent="    ")
        lines += ['    """', "    model = build()"]
        if self.classes is None:
            lines.append(f'    y = {numpy}.asarray(y, dtype="float64")')
        lines += ["    if sample_weight is None:", "        return model.fit(X, y)"]
        lines += [f"    kept = {numpy}.asarray(sample_weight) > 0  # rows of weight zero would count in preparation"]
        lines += [f"    X, y, weights = X[kept], {numpy}.asarray(y)[kept], {numpy}.asarray(sample_weight)[kept]"]
        lines += [f"    if weights.mean() < {LEAST_MEAN}:  # too small to learn from"]
        lines += ["        weights = weights / weights.mean()"]
        if not self.votes:
            return "\n".join([*lines, f"    return model.fit(X, y, {weighing}=weights)", ""])
        from sklearn.base import clone

        lines.append(
            "    # A voter hands weights on as they are, but a pipeline wants to know for which step they are."
        )
        target = "y"
        if self.classes is not None:
            from sklearn.preprocessing import LabelEncoder

            lines.append(f"    model.le_ = {self.writer.name(LabelEncoder)}().fit(y)")
            lines += ["    model.classes_ = model.le_.classes_", "    codes = model.le_.transform(y)"]
            target = "codes"
        fitted = f"{self.writer.name(clone)}(member).fit(X, {target}, {weighing}=weights)"
        members = Brackets("[", (("", f"{fitted} for _, member in model.estimators"),), "]")
        assigned = "model.estimators_ = "
        lines.append(f"    {assigned}{_indented(members, len(assigned))}")
        return "\n".join([*lines, "    return model", ""])

    def main(self) -> str:
        pandas = self.writer.package("pandas")
        self.writer.package("sys")
        self.writer.package("joblib")
        text = [c.name for c in self.schema.columns if str(c.kind) in _TEXT_KINDS and not c.numeric]
        text = [name for name in text if isinstance(name, str)]
        lines = ['if __name__ == "__main__":', "    if len(sys.argv) != 4:"]
        lines += ['        raise SystemExit("usage: python pipeline.py COMMA_SEPARATED.csv TARGET MODEL.joblib")']
        lines += ["    path, target, output = sys.argv[1:]"]
        types = "dict.fromkeys(TEXT, str)" if text else ""
        if text:
            self.writer.constants["TEXT"] = text
        if self.classes is not None and self.classes.dtype.kind in "OU":
            types = f"{{**{types}, target: str}}" if text else "{target: str}"
        if types:
            lines.append("    # Text stays text: a code such as 007 is no number.")
        lines.append(f"    table = {pandas}.read_csv(path, low_memory=False{', dtype=' + types if types else ''})")
        X = "table.drop(columns=target)"
        if str(self.schema.container) != "frame":
            X += f'.to_numpy(dtype="{self.schema.columns[0].dtype or "float64"}")'
        if str(self.schema.container) == "sparse":
            from scipy.sparse import csr_matrix

            X = f"{self.writer.name(csr_matrix)}({X})"
        model = f"fit({X}, table[target])"
        return "\n".join([*lines, f"    joblib.dump({f'decided({model})' if self.decides else model}, output)", ""])


def _name(number: int) -> str:
    return f"member_{number}"


def _indented(expression: Expression, before: int) -> str:
    return rendered(expression, indent=4, before=4 + before)


def _docstring(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', "'")
    return f'"""{escaped}"""'


def _settled(part: Part) -> Any:
    """Return an unfitted copy of a member whose model is set as for a fit on all rows."""
    from sklearn.base import clone

    pipeline = clone(part.pipeline)
    model = _model(pipeline)
    for name in ("regressor", "final_estimator"):  # of a transformed target, of a stack
        model = getattr(model, name, model)
    # Wherever the model keeps them: in a voter over several networks, for one.
    last = {name: name.rpartition("__")[2] for name in model.get_params()}
    model.set_params(**{name: part.settings[known] for name, known in last.items() if known in part.settings})
    return pipeline


def _model(pipeline: Any) -> Any:
    return pipeline.steps[-1][1] if hasattr(pipeline, "steps") else pipeline


def _trains(part: Part) -> bool:
    """Whether the model is a perceptron whose epochs were found by the search."""
    model = _model(part.pipeline)
    inside = [model, *model.get_params().values()]
    return bool(part.settings) and any(type(value).__name__ in _NETWORKS for value in inside)


def _prove(source: str, parts: Sequence[Part]) -> None:
    """Refuse a script that does not run, or whose members are not those that it was written for."""
    namespace: dict[str, Any] = {"__name__": "pipeline"}
    exec(compile(source, "pipeline.py", "exec"), namespace)
    for number, part in enumerate(parts, 1):
        with _naming(number, part):
            made, wanted = namespace[_name(number)](), _settled(part)
            shown = part.shown | part.settings.keys()
            if Writer().estimator(made, shown) != Writer().estimator(wanted, shown):
                raise SpaceError("it does not come back as it was")


@contextmanager
def _naming(number: int, part: Part) -> Iterator[None]:
    """Say of which member an error is."""
    try:
        yield
    except Exception as error:  # of the constructors of any library
        title = f" ({part.title})" if part.title else ""
        raise SpaceError(f"member {number}{title} cannot be written as Python: {error}") from error
