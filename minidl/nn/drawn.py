"""Layers whose weights are drawn: checks of sizes, dtypes and what initializers return."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array
from minidl.checks import call
from minidl.errors import ArgumentError, DataError, DTypeError, MinidlError, ShapeError, shown
from minidl.memory import check_memory
from minidl.nn.initializers import Initializer, initializer
from minidl.nn.layer import Layer
from minidl.nn.parameters import Parameter
from minidl.values import numbers

Draw = tuple[Parameter, str | Initializer, tuple[int, ...]]  # how and in which shape it is drawn

COPIES = 3  # of the weights: themselves, their gradient, and what was drawn


class Drawn(Layer):
    """The base of layers whose weights are drawn when they are made."""

    def draws(self, suited: str) -> list[Draw]:
        """Return each parameter with its initializer, which by default is what is `suited`."""
        raise NotImplementedError

    def draw(
        self, generator: np.random.Generator, suited: str, *, provisional: bool, again: bool = True
    ) -> None:
        """Draw the weights; if `again`, only those that are provisional."""
        draws = self.draws(suited)
        drawn_now = [not again or parameter.provisional for parameter, _, _ in draws]
        if not any(drawn_now):
            return
        for (parameter, choice, shape), is_drawn in zip(draws, drawn_now, strict=True):
            values = drawn(choice, shape, generator)
            if is_drawn:
                parameter.draw(values, provisional=provisional)


def drawn(
    choice: str | Initializer, shape: tuple[int, ...], generator: np.random.Generator
) -> Array:
    """Return the numbers that an initializer draws, or raise unless they are valid weights."""
    form = "(shape, generator) -> array"
    output = call("initializer", initializer(choice), shape, generator, form=form)
    name = f"the initializer {shown(choice)}"
    try:
        values, _ = numbers(output)
    except MinidlError as error:
        message = f"{name} must return an array of numbers: {error}"
        raise ArgumentError(message, argument=None) from None
    if values.shape != shape:
        message = f"{name} gave an array of another shape"
        raise ShapeError(message, received=f"shape {values.shape}", expected=f"shape {shape}")
    if not np.isfinite(values).all():
        raise DataError(f"{name} gave weights that are not finite")
    return values


def of_initializer(choice: str | Initializer | None) -> str | Initializer | None:
    """Return an initializer as it was given, or None, or raise if there is none of that name."""
    if choice is not None:
        initializer(choice)
    return choice


def check_weights(layer: str, *shape: int, dtype: npt.DTypeLike = np.float64) -> None:
    """Raise a :class:`TooLargeError` if weights of this shape cannot be trained here."""
    check_memory(layer, COPIES * np.dtype(dtype).itemsize * math.prod(shape))


def check_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Return the dtype of a layer, float64 or float32; another is a DTypeError."""
    try:
        checked = np.dtype(dtype)
    except (TypeError, ValueError):
        checked = None
    if checked is None or checked.char not in "fd":
        received, expected = shown(dtype) if checked is None else checked, "float64 or float32"
        raise DTypeError("a layer cannot have this dtype", received=received, expected=expected)
    return checked
