"""Weights for other libraries: PyTorch's names and shapes, and safetensors files.

PyTorch stores the weights of a linear layer as (out, in), minidl as (in, out).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array
from minidl.checks import check_instance
from minidl.errors import ArgumentError, DataError, DTypeError, ShapeError, invalid
from minidl.files import atomic_write, check_path, open_regular
from minidl.keywords import answers
from minidl.nn.layer import Layer
from minidl.nn.layers import Dense
from minidl.nn.norms import Norm
from minidl.sealed import CHANGED, damaged, parse
from minidl.text import listed
from minidl.training.model_file import wrong_buffer

NAMES = {"scale": "weight", "shift": "bias"}  # of a Norm, in PyTorch
COUNTER = "num_batches_tracked"  # which PyTorch's BatchNorm1d does not use by default
SEAL = "minidl.sha256"  # in the metadata
WHAT = "a safetensors file"


@answers
def to_torch(model: Layer) -> dict[str, Array]:
    """Return the weights and buffers of a model as PyTorch's ``state_dict`` names and shapes them.

    W of a :class:`~minidl.nn.Dense` becomes W' (out, in); scale and shift of a norm are called
    weight and bias there. The names are those of an ``nn.Sequential`` with the same layers, such as
    ``"0.weight"``; those of custom layers stay. The arrays are copies, C-contiguous, of the dtype
    of the model.

    Examples
    --------
    >>> from minidl import nn
    >>> {name: array.shape for name, array in to_torch(nn.mlp(2, 3, 1)).items()}
    {'0.weight': (3, 2), '0.bias': (3,), '2.weight': (1, 3), '2.bias': (1,)}
    """
    check_instance("model", model, Layer)
    state: dict[str, Array] = {}
    for name, (array, transposed) in _places(model).items():
        state[name] = np.array(array.T if transposed else array, order="C")
        if name.endswith("running_var"):
            state[name.replace("running_var", COUNTER)] = np.array(0)
    return state


@answers
def from_torch(model: Layer, state: Mapping[str, npt.ArrayLike]) -> None:
    """Write weights and buffers that are named and shaped as by :func:`to_torch` into a model.

    Raises
    ------
    DataError
        A name is missing or unknown, or a variance is below 0.
    ShapeError, DTypeError
        An array has another shape or dtype than the model; nothing has been changed then.
    DataError
        A number is not finite.
    ArgumentError
        `state` is not a dictionary of names and arrays.

    Examples
    --------
    >>> from minidl import nn
    >>> one, other = nn.mlp(2, 3, 1, seed=0), nn.mlp(2, 3, 1, seed=1)
    >>> from_torch(other, to_torch(one))
    >>> bool((one.parameters.value == other.parameters.value).all())
    True
    """
    check_instance("model", model, Layer, "Give the model first, then the weights.")
    if not isinstance(state, Mapping) or not all(isinstance(name, str) for name in state):
        expected = "a dictionary of names and arrays, such as torch_model.state_dict()"
        raise invalid("state", state, expected)
    places = _places(model)
    arrays = {n: np.asarray(a) for n, a in state.items() if n.split(".")[-1] != COUNTER}
    if arrays.keys() != places.keys():
        absent, extra = sorted(places.keys() - arrays.keys()), sorted(arrays.keys() - places.keys())
        differences = [f"{listed(absent)} missing"] if absent else []
        differences += [f"{listed(extra)} unknown"] if extra else []
        raise DataError(f"these are not the weights of the model: {', '.join(differences)}")
    for name, (array, transposed) in places.items():
        shape = array.shape[::-1] if transposed else array.shape
        if arrays[name].shape != shape:
            raise ShapeError(
                f"{name} has another shape", received=arrays[name].shape, expected=shape
            )
        if arrays[name].dtype != array.dtype:
            hint = "Convert it, or build the model with dtype=..."
            message = f"{name} has another dtype"
            raise DTypeError(message, received=arrays[name].dtype, expected=array.dtype, hint=hint)
        if not np.isfinite(arrays[name]).all():
            raise DataError(f"{name} has numbers that are not finite")
        if name.endswith("running_var") and (arrays[name] < 0).any():
            raise DataError(f"{name} has numbers below 0, which no variance can be")
    for name, (array, transposed) in places.items():
        array[...] = arrays[name].T if transposed else arrays[name]


def _places(model: Layer) -> dict[str, tuple[Array, bool]]:
    """Return the arrays of a model by PyTorch's names, and whether they are transposed there."""
    named = [(name, p.data) for name, p in model.named_parameters()]
    named += list(model.named_buffers())
    layers = {"": model} | _layers(model)
    places: dict[str, tuple[Array, bool]] = {}
    for name, array in named:
        owner, _, local = name.rpartition(".")
        layer = layers.get(owner)
        if isinstance(layer, Norm):
            local = NAMES.get(local, local)
        place = f"{owner}.{local}" if owner else local
        places[place] = array, isinstance(layer, Dense) and local == "weight"
    return places


def _layers(model: Layer, prefix: str = "") -> dict[str, Layer]:
    """Return all layers within a model by their names."""
    layers: dict[str, Layer] = {}
    for name, layer in model.children():
        layers[f"{prefix}{name}"] = layer
        layers |= _layers(layer, f"{prefix}{name}.")
    return layers


@answers
def save_safetensors(model: Layer, path: str | Path) -> None:
    """Write weights and buffers to a safetensors file with PyTorch's names and shapes.

    ``torch_model.load_state_dict(safetensors.torch.load_file(path))`` reads it. The file is
    replaced as a whole. It needs the extra ``safetensors``, otherwise an ArgumentError. It does not
    say how to build the model. Its ``__metadata__`` has a checksum, the SHA-256 of all arrays as
    ``minidl.sha256``, which other libraries do not look at.

    Examples
    --------
    >>> import tempfile, os
    >>> from minidl import nn
    >>> one, other = nn.mlp(2, 3, 1, seed=0), nn.mlp(2, 3, 1, seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     save_safetensors(one, path)
    ...     load_safetensors(path, into=other)
    >>> bool((one.parameters.value == other.parameters.value).all())
    True
    """
    check_path(path)
    state = to_torch(model)
    if problem := wrong_buffer(state):
        raise DataError(f"the model is not saved to {path}: {problem}")
    metadata = {"format": "pt", SEAL: _digest(state)}
    data = _safetensors().save(state, metadata=metadata)
    with atomic_write(path) as file:
        file.write(data)


@answers
def load_safetensors(path: str | Path, into: Layer) -> None:
    """Write the weights of a safetensors file into a model, whose layout they must have.

    Errors are those of :func:`from_torch`, and a DataError if the file is none or is damaged: the
    checksum of :func:`save_safetensors` must be right. Files of other libraries have none, so that
    a changed byte of a weight is not noticed. Nothing has been changed after an error.
    """
    library = _safetensors()
    with open_regular(path) as file:
        data = file.read()
    try:
        state = library.load(data)
        length = int.from_bytes(data[:8], "little")
        seal = parse(data[8 : 8 + length]).get("__metadata__", {}).get(SEAL)
        if seal is not None and seal != _digest(state):
            raise ValueError(CHANGED)
    except Exception as error:  # of safetensors, or of NumPy
        raise damaged(path, WHAT, error) from error
    try:
        from_torch(into, state)
    except (DataError, ShapeError, DTypeError) as error:
        raise type(error)(f"{path}: {error}") from None


def _digest(state: Mapping[str, Array]) -> str:
    """Return the SHA-256 of arrays in the order of their names, with names, dtypes and shapes."""
    digest = hashlib.sha256()
    for name in sorted(state):
        array = state[name]
        digest.update(json.dumps([name, array.dtype.str, list(array.shape)]).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _safetensors() -> Any:
    """Return safetensors for NumPy, which is imported when it is needed."""
    try:
        import safetensors.numpy
    except ImportError:
        hint = "Run pip install 'minidl[safetensors]', or use save_model."
        raise ArgumentError("safetensors is not installed", hint=hint) from None
    return safetensors.numpy
