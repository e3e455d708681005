"""Python expressions laid out over lines as ruff format does it, at 120 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Brackets", "Expression", "flat", "quoted", "rendered"]

WIDTH = 120
_STEP = 4


@dataclass(frozen=True)
class Brackets:
    """Something between brackets: a call, a list, a tuple, a dictionary.

    Parameters
    ----------
    opening, closing : str
        ``"Pipeline("`` and ``")"``, for example.
    items : tuple of (prefix, expression)
        The prefix is a keyword or a key: ``"n_jobs="``, ``"'a': "``, or nothing.
    call : bool
        Arguments that fit one line share it; the elements of a literal take a line each.
    packed : bool
        As many on a line as fit: for long rows of numbers, where a formatter would make a column of them.
    """

    opening: str
    items: tuple[tuple[str, Expression], ...]
    closing: str
    call: bool = False
    packed: bool = False


Expression = str | Brackets


def quoted(value: str) -> str:
    """Return a string literal, in double quotes where that takes no escapes."""
    literal = repr(value)
    return f'"{literal[1:-1]}"' if literal[0] == "'" and '"' not in value else literal


def flat(expression: Expression) -> str:
    """Return an expression on one line."""
    if isinstance(expression, str):
        return expression
    items = ", ".join(prefix + flat(item) for prefix, item in expression.items)
    return f"{expression.opening}{items}{_lone(expression)}{expression.closing}"


def rendered(expression: Expression, *, indent: int = 0, before: int = 0, after: int = 0) -> str:
    """Return an expression over as few lines as it needs; the first and the last are without their surroundings.

    Parameters
    ----------
    indent : int
        Of the line that it begins on, and of its closing bracket.
    before, after : int
        Characters that stand before it on its first line, indentation included, and after it on its last.
    """
    line = flat(expression)
    if isinstance(expression, str) or not expression.items or before + len(line) + after <= WIDTH:
        return line
    inner = indent + _STEP
    if expression.packed:
        lines = _packed([prefix + flat(item) for prefix, item in expression.items], inner)
    elif expression.call and inner + len(together := _together(expression)) <= WIDTH:
        lines = [" " * inner + together]
    else:
        comma = "," if len(expression.items) > 1 or _lone(expression) else ""
        lines = [
            " " * inner + prefix + rendered(item, indent=inner, before=inner + len(prefix), after=len(comma)) + comma
            for prefix, item in expression.items
        ]
    return "\n".join([expression.opening, *lines, " " * indent + expression.closing])


def _together(expression: Brackets) -> str:
    return ", ".join(prefix + flat(item) for prefix, item in expression.items)


def _lone(expression: Brackets) -> str:
    """The comma that makes a tuple of a single element."""
    return "," if expression.opening == "(" and len(expression.items) == 1 else ""


def _packed(items: Sequence[str], indent: int) -> list[str]:
    margin = " " * indent
    return textwrap.wrap(
        ", ".join(items) + ",", WIDTH, initial_indent=margin, subsequent_indent=margin, break_long_words=False
    )
