"""Forms in which a step takes weights: an array, a list or dict of arrays, or objects with them.

Books and courses write ``update(params, grads)`` with a list or a dict of the arrays of all layers.
The ten weights are then three such arrays, views of the vector, so changes in place reach it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.errors import ArgumentError
from minidl.identification.gradient import Array, Slope
from minidl.identification.probes import COORDINATES

Step = Callable[[Array, Slope, float], Array]  # weights, gradient, learning rate -> new weights
DEFAULT_RATE = 0.1
NAMES = ("W1", "b1", "W2")
CUTS = (4, 6)  # where the vector is divided
LISTS = ("params", "parameters", "model_parameters")  # first arguments of a class as in PyTorch
GRADIENTS = ("g", "grad", "grads", "gradient", "gradients", "dw", "dparams")
COUNTERS = ("t", "step", "steps", "iteration", "iter", "i", "k", "n", "epoch")


def parts(vector: Array) -> list[Array]:
    """Return the vector as three arrays, which share its memory."""
    return np.split(np.asarray(vector), CUTS)


@dataclass
class Form:
    """The form of weights and gradients: an "array", or a "list" or "dict" of arrays."""

    container: str = "array"

    def converted(self, vector: Array) -> Any:
        """Return a vector in this form."""
        if self.container == "array":
            return vector
        several = parts(vector)
        return several if self.container == "list" else dict(zip(NAMES, several, strict=True))

    def vector(self, returned: Any, passed: Any, w: Array) -> Array:
        """Return the weights after a step: what it returned, or else what it was given."""
        weights = passed if returned is None else returned
        if isinstance(weights, dict) and set(weights) == {*NAMES}:
            weights = [weights[name] for name in NAMES]
        if self.container == "array" or not isinstance(weights, (list, tuple)):
            return new_weights(returned, w)
        return new_weights(np.concatenate([np.atleast_1d(part) for part in weights]), w)

    def choose(self, make: Callable[[], Callable[[Array, Slope], Array]]) -> None:
        """Take the first form in which a new optimizer moves the weights; else that of an array."""
        for self.container in ("array", "list", "dict"):
            if _moves(make):
                return
        self.container = "array"


def _moves(make: Callable[[], Callable[[Array, Slope], Array]]) -> bool:
    """Return whether a new optimizer moves weights in one of two steps, without an exception."""
    w = np.ones(len(COORDINATES))
    try:
        step = make()
        with np.errstate(all="ignore"):
            for _ in range(2):
                w = np.array(step(w, Slope(np.ones_like(w), np.ones_like)), dtype=float)
    except (Exception, SystemExit):  # whatever it is, it is told when the form is settled
        return False
    return bool(np.any(w != 1))


def new_weights(returned: Any, w: Array) -> Array:
    """Return the weights after a step: what it returned, or else `w`, changed in place."""
    if returned is None:
        return w
    weights = np.asarray(returned)
    if weights.shape != w.shape or weights.dtype.kind != "f":
        received = f"{type(returned).__name__} of shape {weights.shape} and dtype {weights.dtype}"
        expected = f"the new weights, floats of shape {w.shape}, or None if w was changed in place"
        raise ArgumentError("a step returned no weights", received=received, expected=expected)
    return weights


class Parameter:
    """A parameter as PyTorch's: ``data``, ``grad`` and ``requires_grad``."""

    requires_grad = True

    def __init__(self) -> None:
        self.data: Any = np.zeros(0)
        self.grad: Any = None


def holding(
    factory: Callable[[list[Parameter]], Any],
) -> tuple[Any, Callable[[Array, Array], Array]]:
    """Return an optimizer that holds its parameters, as PyTorch's do, and its step."""
    parameters = [Parameter() for _ in NAMES]
    for parameter, part in zip(parameters, parts(np.zeros(len(COORDINATES))), strict=True):
        parameter.data, parameter.grad = part, np.zeros_like(part)
    optimizer = factory(parameters)
    if not callable(getattr(optimizer, "step", None)):
        raise ArgumentError(f"{type(optimizer).__name__} has no method step()")

    def step(w: Array, g: Array) -> Array:
        for parameter, weights, gradient in zip(parameters, parts(w.copy()), parts(g), strict=True):
            parameter.data, parameter.grad = weights, gradient
        optimizer.step()
        return new_weights(np.concatenate([parameter.data for parameter in parameters]), w)

    return optimizer, step


def at_rate(make: Callable[[float], Step], rate: float | None) -> Callable[[], Any]:
    """Return a function that makes a step of weights and gradient, at one learning rate."""
    lr = DEFAULT_RATE if rate is None else rate

    def made() -> Callable[[Array, Slope], Array]:
        step = make(lr)
        return lambda w, g: step(w, g, lr)

    return made


def following(instance: Any, attribute: str | None, lr: float) -> Callable[[float], None]:
    """Return a function that passes changes of the learning rate to an object.

    One that the object has changed itself, as a schedule inside it does, is multiplied.
    """
    previous = lr

    def follow(lr: float) -> None:
        nonlocal previous
        if attribute is not None and lr != previous:
            current = getattr(instance, attribute)
            setattr(instance, attribute, lr if current == previous else current * lr / previous)
        previous = lr

    return follow


def check_arguments(names: Iterable[str], needed: Iterable[str], call: str) -> None:
    """Raise if a step wants its arguments in another order, or the number of the step."""
    leading, second, *_ = [*names, "", ""]
    if second and leading in GRADIENTS:
        hint = f"Write step({second}, {leading}): the weights come first."
        raise ArgumentError("a step is called with weights and gradient", received=call, hint=hint)
    if counter := next((name for name in needed if name in COUNTERS), None):
        hint = "Let it count: self.t += 1, or state['t'] = state.get('t', 0) + 1."
        raise ArgumentError(f"identify does not pass {counter}", received=call, hint=hint)
