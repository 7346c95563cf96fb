"""What two runs must have in common so that a recording of one is that of the other."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.checks import is_minidl
from minidl.engine import machine
from minidl.nn import Layer, Loss, Parameter
from minidl.optim import Optimizer
from minidl.training.measure import Objective

METHODS = ["forward", "__call__", "mean", "right", "accuracy", "options", "row_weight", "prepare"]
METHODS += ["update", "step", "gradient", "function"]
# Attributes of layers, and of optimizers, that no forward and no step reads, or that are inputs
OTHERS = {"seed", "initializer", "bias_initializer", "generator", "provisional", "_vector"}
OTHERS |= {"hyperparameters", "state", "step_count", "gradient_evaluations", "_before"}
SIMPLE = (bool, int, float, str, type(None))


class _Unknown(Exception):  # noqa: N818 - an answer: the recording is not shared
    """A part is custom, or holds what cannot be compared."""


def structure(
    objective: Objective, optimizer: Optimizer | None, batch: Sequence[Array | None]
) -> Hashable:
    """Return all that a recording on such a batch holds, or None if it cannot be told.

    It is a step of the optimizer or, without one, a measurement. The numbers of weights, state and
    hyperparameters are left out, since a recording takes them as inputs. Without a batch, it
    is what the recordings of a run have in common.
    """
    model, vector = objective.model, objective.vector
    if type(objective) is not Objective or list(model.named_buffers()):
        return None
    if optimizer is not None and model.stochastic:
        return None
    form = _Form({id(parameter): k for k, parameter in enumerate(vector)})
    penalties = [bool(p.strength) for p in (objective.penalty, objective.l1_penalty)]
    try:
        parts = form.of(model), form.of(objective.loss), optimizer and _optimizer(form, optimizer)
    except _Unknown:
        return None
    states = sorted(optimizer.state.items()) if optimizer is not None and batch else []
    arrays = [a if a is None else (a.shape, a.dtype.str) for a in (*batch, *(a for _, a in states))]
    own = vector.names, vector.shapes, vector.value.dtype.str, vector.penalized.tobytes()
    names = tuple(name for name, _ in states)
    return (machine(), *parts, *own, *penalties, objective.differentiates, names, *arrays)


def _optimizer(form: _Form, optimizer: Optimizer) -> Hashable:
    """Return what a recording holds of an optimizer, and of which kinds its inputs are."""
    settings = [
        (name, type(v), v.shape if isinstance(v, np.ndarray) else None)
        for name, v in optimizer.hyperparameters.items()
    ]
    if not all(is_minidl(v) or not callable(v) for v in optimizer.hyperparameters.values()):
        raise _Unknown
    return form.of(optimizer), *settings


class _Form:
    """Objects of minidl's own classes as hashable values, equal if all they hold is equal."""

    def __init__(self, parameters: dict[int, int]) -> None:
        self._parameters = parameters  # the place in the vector of each, by its id
        self._seen: dict[int, int] = {}  # the parts that occurred before: one may be there twice

    def of(self, value: Any) -> Hashable:
        """Return the form of a value, or raise :class:`_Unknown`."""
        cls = type(value)
        if cls in SIMPLE or isinstance(value, np.generic):
            return cls, repr(value)
        if cls is np.ndarray and not value.dtype.hasobject:
            return "array", value.shape, value.dtype.str, value.tobytes()
        if cls in (tuple, list):
            return cls, *map(self.of, value)
        if cls is dict:
            return cls, *((self.of(key), self.of(item)) for key, item in value.items())
        return self._part(value)

    def _part(self, part: Any) -> Hashable:
        """Return the form of a parameter, layer, loss or optimizer: class and attributes."""
        if isinstance(part, Parameter) and id(part) in self._parameters:
            return "parameter", self._parameters[id(part)], part.requires_grad
        if not (is_minidl(part) and isinstance(part, Layer | Loss | Optimizer)):
            raise _Unknown
        if id(part) in self._seen:
            return "again", self._seen[id(part)]
        self._seen[id(part)] = len(self._seen)
        held = ((name, self.of(v)) for name, v in vars(part).items() if name not in OTHERS)
        return *methods_of(part), *held


def methods_of(part: Any) -> tuple[Any, ...]:
    """Return the class of a part, and its methods, which may be replaced."""
    return type(part), *(getattr(type(part), name, None) for name in METHODS)
