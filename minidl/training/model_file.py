"""Save and load models.

A file is NumPy's ``.npz`` without pickled objects: weights, buffers, and JSON that says how to
build the model.
"""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array, Tensor
from minidl.errors import ArgumentError, DataError, ShapeError, invalid
from minidl.files import atomic_write
from minidl.keywords import answers
from minidl.nn.layer import Layer
from minidl.training.checks import undeclared_state
from minidl.training.describe import build, describe

Arrays = Mapping[str, Array]


@answers
def save_model(
    model: Layer, path: str | Path, extra: Mapping[str, npt.ArrayLike] | None = None
) -> None:
    """Write a model to an ``.npz`` file, which is replaced if it exists.

    Of custom layers, only parameters and buffers are saved; a warning names arrays and floats that
    have changed in training but are not a :class:`~minidl.nn.Buffer`. `extra` holds further arrays
    to save, such as the mean and scale of the inputs; if they hold anything but numbers and text, a
    DataError is raised.
    """
    check_order(model, Layer, path)
    arrays = {f"extra/{name}": np.asarray(value) for name, value in (extra or {}).items()}
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise DataError(f"{name} is not an array of numbers or text")
    if message := undeclared_state(model):
        warnings.warn(message, stacklevel=3)
    write(path, model, arrays)


@answers
def load_model(path: str | Path, into: Layer | None = None) -> Layer:
    """Return the model of a file that :func:`save_model` or :class:`Checkpoint` wrote.

    A model `into` of the same layout receives the weights; custom layers need one.

    Raises
    ------
    DataError
        The file does not exist or is not a saved model.
    ShapeError
        `into` has other parameters or buffers than the file.
    ArgumentError
        The model has custom layers and `into` is missing.

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
    arrays = read(path)
    if into is None:
        description = json.loads(str(arrays["model/layers"]))
        if description is None:
            hint = "Build it and pass it: load_model(path, into=model)."
            raise ArgumentError("this model has custom layers", received=str(path), hint=hint)
        into = build(description, arrays["model/value"].dtype)
    check_model(into, arrays, path)
    restore_model(into, arrays)
    return into


@answers
def load_extra(path: str | Path) -> dict[str, Array]:
    """Return the arrays that :func:`save_model` saved with a model; it raises the same errors.

    ``minidl train --save`` writes ``x_mean`` and ``x_scale``; ``class_names`` for classes, and
    ``y_mean`` and ``y_scale`` for regression.
    """
    return below("extra/", read(path))


def check_order(thing: object, kind: type, path: object) -> None:
    """Raise unless the first argument is a model or a Trainer and the second a path."""
    name = "model" if kind is Layer else "trainer"
    hint = f"Give the {name} first, then the path." if isinstance(path, kind) else None
    if not isinstance(thing, kind):
        raise invalid(name, thing, f"a {kind.__name__}", hint)
    if not isinstance(path, str | PathLike):
        raise invalid("path", path, "a file name")


def _layout(named: Iterable[tuple[str, Array | Tensor]]) -> list[list[Any]]:
    """Return names and shapes, as JSON returns them."""
    return [[name, list(array.shape)] for name, array in named]


def below(prefix: str, arrays: Arrays) -> dict[str, Array]:
    """Return the arrays whose names begin with a prefix, without it."""
    return {n.removeprefix(prefix): array for n, array in arrays.items() if n.startswith(prefix)}


def check_model(model: Layer, arrays: Arrays, path: str | Path) -> None:
    """Check that the parameters and buffers of a file fit the model."""
    saved = below("buffer/", arrays)
    buffers = model.named_buffers() if saved else ()  # older files have none
    for name, received, expected in (
        ("parameters", _layout(model.named_parameters()), json.loads(str(arrays["model/layout"]))),
        ("buffers", _layout(buffers), _layout(saved.items())),
    ):
        if received != expected:
            message = f"the model has other {name} than the file"
            raise ShapeError(message, received=received, expected=f"{expected}, as in {path}")


def restore_model(model: Layer, arrays: Arrays) -> None:
    """Write the parameters and buffers of a file into a model that they fit."""
    model.parameters.set(arrays["model/value"])
    buffers = dict(model.named_buffers())
    for name, saved in below("buffer/", arrays).items():
        buffers[name][...] = saved


def write(path: str | Path, model: Layer, arrays: Arrays) -> None:
    """Write a model and further arrays."""
    named: dict[str, Any] = {"model/value": model.parameters.value}
    named["model/layout"] = np.array(json.dumps(_layout(model.named_parameters())))
    named["model/layers"] = np.array(json.dumps(describe(model)))
    named |= {f"buffer/{name}": buffer for name, buffer in model.named_buffers()} | dict(arrays)
    with atomic_write(path) as file:
        np.savez(file, **named)


def read(path: str | Path) -> dict[str, Array]:
    """Return the arrays of a model's file."""
    if not isinstance(path, str | PathLike):
        hint = 'Write load_model("model.npz"), or load_model("model.npz", into=model).'
        raise invalid("path", path, "a file name", hint)
    try:
        # Opened here, because NumPy would leave a damaged file open.
        with Path(path).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = dict(file)
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except (ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is not a saved model") from error
    if not {"model/value", "model/layout", "model/layers"} <= set(arrays):
        raise DataError(f"{path} is not a saved model", received=", ".join(arrays))
    return arrays
