"""Every exception that minidl raises on purpose, in one hierarchy.

Each also derives from the built-in exception that a Python programmer would expect, so
``except ValueError`` works as usual. A message has up to four parts: what happened, what was
received, what was expected, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

__all__ = [
    "ArgumentError",
    "ConvergenceError",
    "DTypeError",
    "DataError",
    "DivergenceWarning",
    "GraphError",
    "MinidlError",
    "MissingRuleError",
    "NonFiniteError",
    "OutOfRangeError",
    "ShapeError",
    "UnknownKeywordError",
    "UnknownNameError",
    "WorkerError",
]


class MinidlError(Exception):
    """The base of every minidl exception.

    Parameters
    ----------
    what : str
        What happened.
    received, expected : object, optional
        What was given, and what would have been right; shown with ``str``.
    hint : str, optional
        What to do about it, as a sentence.

    Examples
    --------
    >>> str(ArgumentError("lr must be positive", received=-1.0, expected="lr > 0", hint="Try 0.1."))
    'lr must be positive; received -1.0; expected lr > 0. Try 0.1.'
    """

    def __init__(
        self,
        what: str,
        *,
        received: object = None,
        expected: object = None,
        hint: str | None = None,
    ) -> None:
        message = what
        if received is not None:
            message += f"; received {received}"
        if expected is not None:
            message += f"; expected {expected}"
        if hint is not None:
            message += f". {hint}"
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), str(self))


def _restore(kind: type[MinidlError], message: str) -> MinidlError:
    """Return an error as it was before it was pickled, say to leave another process."""
    error = kind.__new__(kind)
    error.args = (message,)
    return error


class ArgumentError(MinidlError, ValueError):
    """An argument has a value that cannot be used."""


class ShapeError(MinidlError, ValueError):
    """Shapes do not fit together."""


class OutOfRangeError(MinidlError, IndexError):
    """An index or a position lies outside what it counts."""


class DTypeError(MinidlError, TypeError):
    """Data of a type that cannot be differentiated, such as text, complex or float16."""


class DataError(MinidlError, ValueError):
    """A data set or a file cannot be used; the message names file, column and row."""


class GraphError(MinidlError, RuntimeError):
    """The computation graph cannot do what was asked, such as a second backward pass."""


class MissingRuleError(MinidlError, TypeError):
    """A NumPy function was called on a Tensor, and minidl has no derivative for it."""


class NonFiniteError(MinidlError, FloatingPointError):
    """A value became infinite or not a number, found by :func:`minidl.debug`."""


class ConvergenceError(MinidlError, RuntimeError):
    """An iteration did not come close enough to its limit."""


class UnknownKeywordError(MinidlError, TypeError):
    """A function or class takes no argument of that name."""


class WorkerError(MinidlError, RuntimeError):
    """A process that trained networks died, and died again; the message names the seeds."""


class UnknownNameError(MinidlError, ValueError):
    """A name is in none of the tables; the message suggests the nearest one.

    Parameters
    ----------
    kind : str
        What was looked for, such as ``"optimizer"``.
    name : str
        The name that was not found.
    known : iterable of str
        The names that exist.
    aliases : iterable of str, optional
        Other names that would do; suggested, but not listed.

    Examples
    --------
    >>> str(UnknownNameError("optimizer", "nga", ["nag", "momentum"]))
    "unknown optimizer 'nga'; expected one of: nag, momentum. Did you mean 'nag'?"
    """

    def __init__(
        self, kind: str, name: object, known: Iterable[str], aliases: Iterable[str] = ()
    ) -> None:
        names = list(known)
        typed = str(name).strip().lower()
        near = difflib.get_close_matches(typed, [*names, *aliases], n=1, cutoff=0.5)
        near = near or [word for word in names if typed and word.startswith(typed)]
        super().__init__(
            f"unknown {kind} {name!r}",
            expected="one of: " + ", ".join(names),
            hint=f"Did you mean {near[0]!r}?" if near else None,
        )


class DivergenceWarning(UserWarning):
    """A run ended early because its loss grew beyond all bounds; the text says what to try."""
