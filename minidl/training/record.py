"""Measured values by name: a row of the history, and the result of evaluate."""

import sys
from dis import opmap
from typing import Any

from minidl.errors import CallError, UnknownNameError
from minidl.keywords import answers
from minidl.registry import normalise
from minidl.words import NAMES

UNPACK = opmap["UNPACK_SEQUENCE"], opmap["UNPACK_EX"]
MOST_EPOCHS = 10**9  # of a run, whose history would take 50 GB


@answers
class Record(dict[str, Any]):
    """A dict whose answer to another library's name is an error that says what it is called here.

    >>> Record(loss=0.5, accuracy=0.75)["acc"]
    Traceback (most recent call last):
    ...
    minidl.errors.UnknownNameError: unknown column 'acc': expected one of: loss, accuracy. \
Did you mean 'accuracy'?
    """

    def __missing__(self, name: object) -> Any:
        raise UnknownNameError("column", name, self.keys())

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value or the default; a name that only other libraries have is an error."""
        recognised = name in self or normalise(name) in NAMES["column"]
        return self[name] if recognised else default

    def __iter__(self) -> Any:
        """Yield the names; to unpack them is an error, since values are expected then."""
        frame = sys._getframe(1)
        if frame.f_code.co_code[frame.f_lasti] in UNPACK:
            names = ", ".join(f'["{name}"]' for name in self.keys())
            raise CallError("a dict is not unpacked into its values", hint=f"Write {names}.")
        return super().__iter__()
