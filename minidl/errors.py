"""All exceptions of minidl, in one hierarchy.

Each is also a subclass of the built-in exception that fits, so ``except ValueError`` works as
usual. A message says what is wrong, what was received, what was expected, and how to fix it.
"""

import re
import sys
import warnings
from collections.abc import Iterable
from types import FrameType
from typing import Any

from minidl.spelling import close_matches
from minidl.words import COLUMNS, NAMES

__all__ = [
    "ArgumentError", "CallError", "ConvergenceError", "DTypeError", "DataError",
    "DivergenceWarning", "FileError", "GraphError", "MinidlError", "MissingRuleError",
    "NonFiniteError", "OutOfRangeError", "ShapeError", "StepError", "TableError", "TooLargeError",
    "UnknownAttributeError", "UnknownImportError", "UnknownKeywordError", "UnknownNameError",
    "UntrainedWarning", "WorkerError", "WorseLossWarning", "invalid", "warn",
]  # fmt: skip


LONGEST = 200  # characters of a value that a message prints
MESSAGE = 4000  # characters of a message; of a longer one, the middle is left out


class MinidlError(Exception):
    """Base class of all minidl exceptions.

    Parameters
    ----------
    message : str
        What is wrong, as a sentence without its full stop.
    received, expected : object, optional
        The value that was given and what would have been valid; shown with ``str``.
    hint : str, optional
        How to fix it, as a sentence.

    Examples
    --------
    >>> str(DataError("X and y differ in length", received="5 and 4 rows", hint="Check the file."))
    'X and y differ in length: got 5 and 4 rows. Check the file.'
    """

    def __init__(
        self,
        message: str,
        *,
        received: object = None,
        expected: object = None,
        hint: str | None = None,
    ) -> None:
        if received is not None:
            message += f": got {cut(str(received), 2 * LONGEST)}"
        if expected is not None:
            message += f"{':' if received is None else ','} expected {expected}"
        if hint is not None:
            message += f"{'' if message.endswith('...') else '.'} {hint}"
        if len(message) > MESSAGE:  # such as of a cell of a damaged file
            message = f"{message[: MESSAGE - 500]} ... {message[-400:]}"
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        return Exception.__new__, (type(self), str(self)), vars(self)


class ArgumentError(MinidlError, ValueError):
    """An argument has an invalid value.

    Parameters
    ----------
    message : str
        What is wrong; with `argument`, the rest of a sentence that begins with its name.
    argument : str, optional
        The name of the argument. The command line prints its option instead.
    use : pair of str, optional
        An argument and its value that the hint ends with; also printed as an option.
    **details
        `received`, `expected` and `hint`, as for :class:`MinidlError`.

    Examples
    --------
    >>> error = ArgumentError("must be positive, got -1.0", argument="lr", hint="Try 0.1.")
    >>> str(error), error.named("--lr")
    ('lr must be positive, got -1.0. Try 0.1.', '--lr must be positive, got -1.0. Try 0.1.')
    """

    def __init__(
        self,
        message: str,
        *,
        argument: str | None = None,
        use: tuple[str, str] | None = None,
        **details: Any,
    ) -> None:
        if use is not None:
            details["hint"] += ' use {}="{}".'.format(*use)
        super().__init__(message if argument is None else f"{argument} {message}", **details)
        self.argument, self.use = argument, use

    def named(self, name: str) -> str:
        """Return the message with the argument called `name`."""
        text = str(self)
        if self.use is not None:
            text = text.replace('{}="{}"'.format(*self.use), "--{} {}".format(*self.use))
        return text if self.argument is None else name + text.removeprefix(self.argument)


def invalid(
    argument: str,
    value: object,
    expected: str,
    hint: str | None = None,
    use: tuple[str, str] | None = None,
) -> ArgumentError:
    """Return the error for an argument that must be something else.

    Examples
    --------
    >>> str(invalid("epochs", -1, "an integer >= 0"))
    'epochs must be an integer >= 0, got -1'
    """
    return ArgumentError(
        f"must be {expected}, got {shown(value)}", argument=argument, hint=hint, use=use
    )


def shown(value: object) -> str:
    """Return a value as it prints, but an array or anything long by its type and shape.

    >>> import numpy as np
    >>> shown("a"), shown(np.zeros((200, 2))), shown(list(range(1000)))
    ("'a'", 'an ndarray of shape (200, 2)', 'a list of 1000')
    """
    type_name = type(value).__name__
    article = "an" if type_name[0] in "aeiouAEIOU" or type_name == "ndarray" else "a"
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"{article} {type_name} of shape {shape}"
    if isinstance(value, int) and value.bit_length() > 4 * LONGEST:
        return f"{article} {type_name} of {value.bit_length()} bits"  # Python prints no longer ones
    text = repr(value)
    if isinstance(value, (list, tuple, dict, set)) and (len(text) > LONGEST or "array(" in text):
        return f"{article} {type_name} of {len(value)}"
    return cut(text, LONGEST)


def cut(text: str, longest: int) -> str:
    """Return a text, without its end if it is longer.

    >>> cut("abcdefgh", 6)
    'abc...'
    """
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


class StepError(ArgumentError):
    """The code of an optimizer failed in a step; the message has its line."""


class ShapeError(MinidlError, ValueError):
    """Shapes do not fit together."""


class OutOfRangeError(MinidlError, IndexError):
    """An index or a position lies outside what it counts."""


class TooLargeError(MinidlError, MemoryError):
    """An array would not fit into memory."""


class DTypeError(MinidlError, TypeError):
    """Data of a type that cannot be differentiated, such as text, complex or float16."""


class DataError(MinidlError, ValueError):
    """A data set or a file is invalid; the message names file, column and row."""


class FileError(DataError, OSError):
    """A file cannot be opened, read or written; ``errno`` is that of the system, if it has one.

    >>> isinstance(FileError("cannot write a.npz: No space left on device"), OSError)
    True
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self),), {**vars(self), "errno": self.errno}


class TableError(DataError):
    """Columns of a table need an option; the message has one line for each problem.

    Parameters
    ----------
    message : str
        The problems, with the arguments that deal with them.
    typed : str, optional
        The same, with the options of the command line.
    **details
        `received`, `expected` and `hint`, as for :class:`MinidlError`.

    Examples
    --------
    >>> TableError('add drop=["id"]', "add --drop id").typed
    'add --drop id'
    """

    def __init__(self, message: str, typed: str = "", **details: Any) -> None:
        super().__init__(message, **details)
        self.typed = typed or str(self)


class GraphError(MinidlError, RuntimeError):
    """The computation graph cannot do what was asked, such as a second backward pass."""


class MissingRuleError(MinidlError, TypeError):
    """A NumPy function was called on a Tensor, and minidl has no derivative for it."""


class NonFiniteError(MinidlError, FloatingPointError):
    """A value became infinite or not a number, found by :func:`minidl.debug`."""


class ConvergenceError(MinidlError, RuntimeError):
    """An iteration did not come close enough to its limit."""


class CallError(MinidlError, TypeError):
    """A call has too many or too few arguments, or gives one of them twice."""


class UnknownKeywordError(CallError):
    """A function or class takes no argument of that name."""


class UnknownAttributeError(MinidlError, AttributeError):
    """An object or a module has no such attribute; the message says what to write instead."""


class UnknownImportError(MinidlError, ImportError):
    """A module has no such name to import; the message says what to write instead."""


class WorkerError(MinidlError, RuntimeError):
    """A process that trained networks died, and died again; the message names the seeds."""


class UnknownNameError(MinidlError, ValueError):
    """A name is not registered; the message suggests the nearest one.

    Parameters
    ----------
    kind : str
        What the name stands for, such as ``"optimizer"``.
    name : object
        The unknown name.
    known, aliases : iterable of str
        The registered names, and their aliases, which are suggested, but not listed.

    Examples
    --------
    >>> str(UnknownNameError("optimizer", "nga", ["nag", "momentum"]))
    "unknown optimizer 'nga': expected one of: nag, momentum. Did you mean 'nag'?"
    """

    def __init__(
        self, kind: str, name: object, known: Iterable[str], aliases: Iterable[str] = ()
    ) -> None:
        names, text = list(known), shown(name)
        typed = str(name).strip().lower() if len(text) < LONGEST else ""
        hint = name_hint(kind, typed, names, aliases, near=isinstance(name, str))
        super().__init__(
            f"unknown {kind} {text}", expected=f"one of: {', '.join(names)}", hint=hint
        )


def name_hint(
    kind: str, typed: str, names: list[str], aliases: Iterable[str] = (), *, near: bool = True
) -> str | None:
    """Return the answer to a name that is not one of `names`, in lower case.

    It is that of :mod:`minidl.words`, or else, with `near`, the nearest name.

    >>> name_hint("column", "val_loss", ["train_loss"])
    "It is 'validation_loss'. Give fit() validation rows: fit(..., validation=(X_val, y_val))."
    """
    answer = NAMES.get(kind, {}).get(re.sub(r"[\s_-]", "", typed))
    if answer is not None and " " in answer:
        return answer
    right = answer or typed
    if kind == "column" and right not in names and right.split("_")[-1] in names:
        right = right.split("_")[-1]  # evaluate says loss and accuracy
    if kind == "column" and right in COLUMNS and right not in names:
        accuracy = right.replace("accuracy", "loss") in names
        absent = COLUMNS["train_accuracy" if accuracy else right]
        return absent if right == typed else f"It is {right!r}. {absent}"
    if right != typed:
        return f"Did you mean {right!r}?"
    lowered = {name.lower(): name for name in [*aliases, *names]}
    words = close_matches(typed, lowered, n=1, cutoff=0.5) if near else []
    words = words or [word for word in lowered if near and typed and word.startswith(typed)]
    return f"Did you mean {lowered[words[0]]!r}?" if words else None


class DivergenceWarning(UserWarning):
    """A run ended early because its loss grew beyond all bounds; the text says what to try."""


class WorseLossWarning(UserWarning):
    """The training loss was higher at the end than at the start; the text says what to try."""


class UntrainedWarning(UserWarning):
    """Some parameters got no gradient in the first epoch; the text names them."""


def warn(message: str | Warning, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called minidl, however many of minidl's functions lie between.

    It is what `skip_file_prefixes` does since Python 3.12.
    """
    frame: FrameType | None = sys._getframe()
    level = 1
    while frame is not None and _is_inside(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_inside(module: str) -> bool:
    return module == "minidl" or module.startswith("minidl.")
