"""Hyperparameters: checked attributes of an optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from minidl.checks import call, refuse_class
from minidl.errors import ArgumentError, invalid
from minidl.keywords import answers
from minidl.words import NAMES, PLACES

Array: TypeAlias = npt.NDArray[Any]


@answers
class Hyperparameter:
    """A checked attribute of an optimizer: a number, one for each replica, or a schedule.

    Reading ``optimizer.lr`` gives its value at the present step: a float, or an array (R, 1).
    Constants are checked when they are assigned, the values of a schedule when they are read:
    `valid` is a function array -> boolean array, and `expected` says the same in words.
    """

    def __init__(self, valid: Callable[[Array], npt.NDArray[np.bool_]], expected: str) -> None:
        if not callable(valid):
            raise invalid("valid", valid, "a function array -> booleans")
        self.valid = valid
        self.expected = expected

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __set__(self, optimizer: Any, value: object) -> None:
        refuse_class(self.name, value, object)
        schedule = callable(value) and not _is_model(value)
        optimizer.hyperparameters[self.name] = value if schedule else self.check(value)

    def __get__(self, optimizer: Any, owner: type) -> Any:
        if optimizer is None:
            return self
        value = optimizer.hyperparameters[self.name]
        return self._of(value, optimizer.step_count) if callable(value) else value

    def at(self, optimizer: Any, step: int) -> float | Array:
        """Return the value at `step`, which may lie in the future."""
        value = optimizer.hyperparameters[self.name]
        return self._of(value, step) if callable(value) else value

    def _of(self, schedule: Callable[[int], object], step: int) -> float | Array:
        """Return the value of a schedule at a step, checked."""
        return self.check(call(self.name, schedule, step, form="of the step count"))

    def check(self, value: object) -> float | Array:
        """Return `value` as a float or an array (R, 1), or raise an ArgumentError.

        A number that the compiled engine follows while it records a step stays one.
        """
        if (number := getattr(value, "followed", None)) is not None:
            self.check(number)
            return value  # type: ignore[return-value]
        if _is_model(value):
            message = f"must be {self.expected}, got a {type(value).__name__}"
            raise ArgumentError(message, argument=self.name, hint=PLACES["params"])
        try:
            if np.asarray(value).dtype.kind in "bcSU":  # bool, complex, bytes, str
                raise TypeError
            array = np.array(value, dtype=float)
        except (TypeError, ValueError, OverflowError):
            array = np.array(np.nan)
        if array.size == 0 or array.shape[1:] not in ((), (1,)) or not np.all(self.valid(array)):
            word = value.lower() if isinstance(value, str) else ""
            hint = NAMES["learning rate"].get(word) if self.name == "lr" else None
            raise invalid(self.name, value, self.expected, hint)
        if array.ndim == 0:
            return float(array)
        single = isinstance(value, np.ndarray) and value.dtype.char == "f"  # for float32 weights
        return array.reshape(-1, 1).astype(np.float32 if single else float)


def _is_model(value: object) -> bool:
    """Return True for a model, its parameter vector, or a list of parameters."""
    part = next(iter(value), None) if isinstance(value, Sequence | Iterator) else value
    part = part[-1] if isinstance(part, tuple) and part else part  # of named_parameters()
    return getattr(part, "requires_grad", hasattr(part, "parameters") or hasattr(part, "grad"))


@answers
def learning_rate() -> Hyperparameter:
    """Return a hyperparameter that must be positive and finite."""
    return positive()


@answers
def momentum() -> Hyperparameter:
    """Return a hyperparameter in [0, 1)."""
    return decay_rate()


def positive() -> Hyperparameter:
    """Return a hyperparameter that must be positive and finite, such as epsilon."""
    return Hyperparameter(lambda x: (x > 0) & np.isfinite(x), "a positive finite number")


def not_negative() -> Hyperparameter:
    """Return a hyperparameter that must be finite and at least 0, such as a weight decay."""
    return Hyperparameter(lambda x: (x >= 0) & np.isfinite(x), "a finite number >= 0")


def decay_rate() -> Hyperparameter:
    """Return a hyperparameter in [0, 1), such as beta1."""
    return Hyperparameter(lambda x: (x >= 0) & (x < 1), "a number in [0, 1)")
