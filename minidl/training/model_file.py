"""Save and load models.

A file is NumPy's ``.npz`` without pickled objects: weights, buffers, and JSON that says how to
build the model; with a version and a checksum (:mod:`minidl.archive`).
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.archive import NUMBERS_AND_TEXT, read_arrays, write_arrays
from minidl.autograd import Array, Tensor
from minidl.checks import check_instance
from minidl.errors import ArgumentError, DataError, DTypeError, ShapeError, invalid
from minidl.keywords import answers
from minidl.nn.layer import Layer, parts_of
from minidl.schema import anything, in_order, integer, listed, mapped, optional, text
from minidl.sealed import damaged, parse
from minidl.training.checks import undeclared_state
from minidl.training.describe import CLASSES, build, describe, elements, outline, types

Arrays = Mapping[str, Array]
WHAT = "a saved model"
SPARE = 10**6  # numbers that layers may hold besides the weights of the file
_layout_form = listed(in_order(text, listed(integer())))
_layers_form = optional(mapped(anything))


@dataclass(frozen=True)
class Saved:
    """The contents of a model's file, checked as far as that goes without a model.

    `version` is 1 for files that have neither checksum nor version.
    """

    path: str | Path
    version: int
    what: str  # such as "a saved model"
    arrays: dict[str, Array]  # all that the file holds
    layout: list[list[Any]]  # name and shape of each parameter
    layers: dict[str, Any] | None  # how to build the model; None if it has custom layers
    parts: list[str] | None  # the classes of minidl's own layers in it
    buffers: dict[str, Array]

    @property
    def value(self) -> Array:
        """The weights (P,)."""
        return self.arrays["model/value"]

    def damaged(self, reason: object) -> DataError:
        """Return the error for a damaged file, or one with other contents."""
        return damaged(self.path, self.what, reason)


@answers
def save_model(
    model: Layer, path: str | Path, extra: Mapping[str, npt.ArrayLike] | None = None
) -> None:
    """Write a model to an ``.npz`` file, which is replaced if it exists.

    Of custom layers, only parameters and buffers are saved; a warning names arrays and floats that
    have changed in training but are not a :class:`~minidl.nn.Buffer`. `extra` holds further arrays
    to save, such as the mean and scale of the inputs. A DataError is raised if they hold anything
    but numbers and text, and if a weight or a buffer is not finite.
    """
    check_order(model, Layer, path)
    arrays = check_extra(extra)
    if message := undeclared_state(model):
        warnings.warn(message, stacklevel=3)
    write(path, model, arrays)


def check_extra(extra: Mapping[str, npt.ArrayLike] | None) -> dict[str, Array]:
    """Return further arrays by their names in the file, or raise a DataError."""
    entries = {} if extra is None else extra
    if not isinstance(entries, Mapping) or not all(isinstance(name, str) for name in entries):
        raise invalid("extra", extra, "a dictionary of names and arrays")
    arrays = {f"extra/{name}": np.asarray(value) for name, value in entries.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in NUMBERS_AND_TEXT:
            raise DataError(f"{name} is not an array of numbers or text")
    return arrays


@answers
def load_model(path: str | Path, into: Layer | None = None) -> Layer:
    """Return the model of a file that :func:`save_model` or :class:`Checkpoint` wrote.

    A model `into` of the same layout receives the weights; custom layers need one.

    Raises
    ------
    DataError
        The file does not exist, is not a saved model, is damaged, or has weights or buffers that
        are not finite. Nothing has been changed then, nor after the next errors.
    ShapeError, DTypeError
        `into` has other parameters or buffers than the file, or another dtype.
    ArgumentError
        `into` has other layers than the file, such as another activation; or the model has custom
        layers and `into` is missing.

    Examples
    --------
    >>> import tempfile, os
    >>> from minidl import nn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.npz")
    ...     save_model(nn.mlp(2, 3, 1, seed=0), path, {"x_mean": [5.0, 7.0]})
    ...     load_model(path), load_extra(path)
    (Sequential(Dense(2, 3), Tanh(), Dense(3, 1)), {'x_mean': array([5., 7.])})
    """
    return model_of(read(path), into)


def model_of(saved: Saved, into: Layer | None) -> Layer:
    """Return the model of a file, or `into` with its weights."""
    if into is not None:
        check_instance("into", into, Layer)
    if into is None:
        into = _built(saved)
    else:
        check_model(into, saved, settings=True)
    restore_model(into, saved)
    return into


def _built(saved: Saved) -> Layer:
    """Return the model of a file, with new weights."""
    if saved.layers is None:
        hint = "Build it and pass it: load_model(path, into=model)."
        raise ArgumentError("this model has custom layers", received=str(saved.path), hint=hint)
    try:
        model = build(saved.layers, saved.value.dtype)
        check_model(model, saved)
    except Exception as error:  # of whatever a constructor is given
        raise saved.damaged(error) from error
    return model


@answers
def load_extra(path: str | Path) -> dict[str, Array]:
    """Return the arrays that :func:`save_model` saved with a model; it raises the same errors.

    ``minidl train --save`` writes ``x_mean`` and ``x_scale``; ``class_names`` for classes, and
    ``y_mean`` and ``y_scale`` for regression.
    """
    return below("extra/", read(path).arrays)


def check_order(first_argument: object, expected: type, path: object) -> None:
    """Raise unless the first argument is a model or a Trainer and the second a path."""
    name, class_name = ("model", "Layer") if expected is Layer else ("trainer", "Trainer")
    hint = f"Give the {name} first, then the path." if isinstance(path, expected) else None
    if not isinstance(first_argument, expected):
        raise invalid(name, first_argument, f"a {class_name}", hint)
    if not isinstance(path, str | PathLike):
        raise invalid("path", path, "a file name")


def _layout(named: Iterable[tuple[str, Array | Tensor]]) -> list[list[Any]]:
    """Return names and shapes, as JSON returns them."""
    return [[name, list(array.shape)] for name, array in named]


def below(prefix: str, arrays: Arrays) -> dict[str, Array]:
    """Return the arrays whose names begin with a prefix, without it."""
    return {n.removeprefix(prefix): array for n, array in arrays.items() if n.startswith(prefix)}


def check_model(model: Layer, saved: Saved, *, settings: bool = False) -> None:
    """Check that a file fits the model; with `settings`, also slopes and the like of its layers."""
    buffers = list(model.named_buffers())
    if saved.version == 1 and not saved.buffers:  # the oldest files have none
        buffers = []
    for name, received, expected in (
        ("parameters", _layout(model.named_parameters()), saved.layout),
        ("buffers", _layout(buffers), _layout(saved.buffers.items())),
    ):
        if received != expected:
            message = f"the model has other {name} than the file"
            raise ShapeError(message, received=received, expected=f"{expected}, as in {saved.path}")
    pairs = [("weights", model.parameters.value, saved.value)]
    pairs += [(f"buffer {name}", array, saved.buffers[name]) for name, array in buffers]
    for name, array, saved_array in pairs:
        if array.dtype != saved_array.dtype:
            message = f"the {name} of the model have another dtype than the file"
            expected_dtype = f"{saved_array.dtype}, as in {saved.path}"
            raise DTypeError(message, received=array.dtype, expected=expected_dtype)
    _check_layers(model, saved, settings)


def _check_layers(model: Layer, saved: Saved, settings: bool) -> None:
    """Raise an ArgumentError if a model has other layers, such as activations, than the file."""
    described = describe(model)
    of_model: object = outline(described, settings=settings)
    of_file: object = outline(saved.layers, settings=settings)
    if saved.layers is None and described is None:
        of_model, of_file = _parts(model), saved.parts
    if None in (of_model, of_file) or of_model == of_file:
        return
    layers = of_file if saved.layers is None else repr(_built(saved))
    message = "the model has other layers than the file"
    raise ArgumentError(message, received=repr(model), expected=f"{layers}, as in {saved.path}")


def _parts(model: Layer) -> list[str]:
    """Return the classes of minidl's own layers in a model."""
    classes = [type(part) for part in parts_of(model)]
    return [cls.__name__ for cls in classes if CLASSES.get(cls.__name__) is cls]


def restore_model(model: Layer, saved: Saved) -> None:
    """Write the parameters and buffers of a file into a model that they fit."""
    model.parameters.set(saved.value)
    buffers = dict(model.named_buffers())
    for name, array in saved.buffers.items():
        buffers[name][...] = array


def write(path: str | Path, model: Layer, arrays: Arrays, holds: str = "model") -> None:
    """Write a model and further arrays; weights that are not finite are a DataError."""
    value, layout = model.parameters.value, _layout(model.named_parameters())
    if problem := not_finite(value, layout):
        hint = "Train with a smaller learning rate. The file is as it was."
        raise DataError(f"the model is not saved to {path}: {problem}", hint=hint)
    named: dict[str, Any] = {"model/value": value}
    texts = {"layout": layout, "layers": describe(model), "parts": _parts(model)}
    named |= {f"model/{name}": np.array(json.dumps(data)) for name, data in texts.items()}
    buffers = dict(model.named_buffers())
    if problem := wrong_buffer(buffers):
        hint = "Numbers must be finite, and variances at least 0. The file is as it was."
        raise DataError(f"the model is not saved to {path}: {problem}", hint=hint)
    named |= {f"buffer/{name}": buffer for name, buffer in buffers.items()} | dict(arrays)
    write_arrays(path, holds, named)


def not_finite(value: Array, layout: list[list[Any]]) -> str:
    """Return which weights are not finite, as a sentence; nothing if all are."""
    if np.isfinite(value).all():
        return ""
    ends = np.cumsum([math.prod(shape) for _, shape in layout])
    places = np.searchsorted(ends, np.flatnonzero(~np.isfinite(value)), side="right")
    names = ", ".join(layout[k][0] for k in np.unique(places))
    return f"{len(places)} of {value.size} weights are not finite, in {names:.100}"


def wrong_buffer(buffers: Arrays) -> str:
    """Return which buffer has values that it cannot have, as a sentence; nothing if none has."""
    for name, buffer in buffers.items():
        numbers = buffer.dtype.kind in "biufc"
        below_zero = numbers and name.endswith("running_var") and (buffer.real < 0).any()
        if not numbers or not np.isfinite(buffer).all() or below_zero:
            return f"the buffer {name} has values that it cannot have"
    return ""


def read(path: str | Path, what: str = WHAT) -> Saved:
    """Return the contents of a model's file; its weights fit its layout and are finite."""
    if not isinstance(path, str | PathLike):
        hint = 'Write load_model("model.npz"), or load_model("model.npz", into=model).'
        raise invalid("path", path, "a file name", hint)
    arrays, holds = read_arrays(path, what)
    if not {"model/value", "model/layout", "model/layers"} <= set(arrays):
        names = ", ".join(arrays)
        raise DataError(f"{path} is not {what}", received=f"{names:.100}")
    value = arrays["model/value"]
    try:
        layout, layers = (parse(_text(arrays, name)) for name in ("model/layout", "model/layers"))
        _layout_form(layout, "layout")
        _layers_form(layers, "layers")
        if elements(layers) > value.size + SPARE:
            raise ValueError("its layers are larger than its weights")
        parts = None if holds is None else parse(_text(arrays, "model/parts"))
        listed(text)([] if parts is None else parts, "parts")
        if value.ndim != 1 or value.dtype.char not in "fd":
            raise ValueError(f"its weights are {value.dtype} of shape {value.shape}")
        if sum(math.prod(shape) for _, shape in layout) != value.size:
            raise ValueError(f"its layout is not that of {value.size} weights")
        if layers is not None and parts is not None and parts != types(layers):
            raise ValueError(f"its parts are not those of its layers: {parts!s:.100}")
        if problem := wrong_buffer(below("buffer/", arrays)):
            raise ValueError(problem)
    except ValueError as error:
        raise damaged(path, what, error) from None
    if problem := not_finite(value, layout):
        hint = "They were so when it was written: train again with a smaller learning rate."
        raise DataError(f"{path}: {problem}", hint=hint)
    version = 1 if holds is None else 2
    return Saved(path, version, what, arrays, layout, layers, parts, below("buffer/", arrays))


def _text(arrays: Arrays, name: str) -> str:
    """Return an array that must be one text."""
    array = arrays.get(name)
    if array is None or array.shape or array.dtype.kind != "U":
        raise ValueError(f"{name} is not text")
    return str(array)
