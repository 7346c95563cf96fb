"""Numbers that write down what is computed with them.

A :class:`Number` passes for a float wherever Python asks, but is none: so functions written in C,
such as :func:`math.sqrt`, must ask it for its value, and the recording learns of it.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from minidl.engine.tape import NotRecordable, Scalar


class Number:
    """A Python number whose operations are recorded.

    `followed` is its value. It is known by its place, and `recorder` writes what is computed. After
    the recording it computes as a float does.
    """

    __slots__ = ("followed", "place", "recorder")

    def __init__(self, value: Any, place: Scalar, recorder: Any) -> None:
        self.followed, self.place, self.recorder = float(value), place, recorder

    __class__: Any = property(lambda self: float)  # for isinstance
    __array_ufunc__: Any  # as that of arrays

    def __bool__(self) -> bool:
        value = self.followed != 0
        return self.recorder.add_guard(self, value, "a number") if self.recorder.active else value

    def __reduce__(self) -> Any:
        return float, (self.followed,)

    def __pos__(self) -> Number:
        return self

    def astype(self, dtype: Any, copy: bool = True) -> Number:
        """Return the number itself, which keeps the dtype of arrays as a float does."""
        return self


def _operator(name: str, reflected: bool, compares: bool) -> Any:
    function = getattr(operator, name)

    def call(self: Number, other: Any) -> Any:
        if isinstance(other, np.ndarray) or not isinstance(other, int | float):
            return NotImplemented
        pair = (other, self) if reflected else (self, other)
        if not self.recorder.active:
            return function(*(x.followed if type(x) is Number else x for x in pair))
        result = self.recorder.add_number(function, *pair, name=f"number {name}")
        return self.recorder.add_guard(result, None, f"number {name}") if compares else result

    return call


def _unary(name: str, words: str) -> Any:
    function = getattr(operator, name)

    def call(self: Number) -> Any:
        if not self.recorder.active:
            return function(self.followed)
        return self.recorder.add_number(function, self, name=words)

    return call


def _hidden(name: str) -> Any:
    """Return a method that raises: what is computed with its result cannot be seen."""

    def call(self: Number, *arguments: Any) -> Any:
        if self.recorder.active:
            words = f"Python code takes the value of a number ({name.strip('_')})"
            raise NotRecordable(words)
        return getattr(self.followed, name)(*arguments)

    return call


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    setattr(Number, f"__{_name}__", _operator(_name, False, False))
    setattr(Number, f"__r{_name}__", _operator(_name, True, False))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Number, f"__{_name}__", _operator(_name, False, True))
for _name, _words in (("neg", "negative"), ("abs", "number abs")):
    setattr(Number, f"__{_name}__", _unary(_name, _words))
for _name in (
    "__float__", "__int__", "__index__", "__round__", "__floor__", "__ceil__", "__trunc__",
    "__divmod__", "__rdivmod__", "__hash__", "__str__", "__repr__", "__format__", "__complex__",
    "is_integer", "as_integer_ratio", "hex",
):  # fmt: skip
    setattr(Number, _name, _hidden(_name))
