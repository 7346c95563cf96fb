"""Save and load models and runs.

A file is NumPy's ``.npz`` without pickled objects: weights, buffers, and JSON that says how to
build the model and where the run was.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array, Tensor
from minidl.checks import check_count
from minidl.errors import ArgumentError, DataError, ShapeError, invalid
from minidl.files import atomic_write
from minidl.keywords import answers
from minidl.nn.layer import Layer
from minidl.training.callbacks import Callback
from minidl.training.describe import build, describe
from minidl.training.history import History
from minidl.training.trainer import Trainer

Arrays = Mapping[str, Array]
OLDER = {"cursor": 0, "running_total": 0.0, "callbacks": ()}  # what older files do not say
NUMBERS = ("epoch", "samples", "cursor", "running_total", "seconds", "seed")  # of a Trainer


@answers
def save_model(
    model: Layer, path: str | Path, extra: Mapping[str, npt.ArrayLike] | None = None
) -> None:
    """Write a model to an ``.npz`` file, which is replaced if it exists.

    Of custom layers, only parameters and buffers are saved. `extra` are arrays to save with it,
    such as the mean and scale of the inputs; other objects than numbers and text raise DataError.
    """
    _check_order(model, Layer, path)
    arrays = {f"extra/{name}": np.asarray(value) for name, value in (extra or {}).items()}
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise DataError(f"{name} is not an array of numbers or text")
    _write(path, model, arrays)


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
    arrays = _read(path)
    if into is None:
        description = json.loads(str(arrays["model/layers"]))
        if description is None:
            hint = "Build it and pass it: load_model(path, into=model)."
            raise ArgumentError("this model has custom layers", received=str(path), hint=hint)
        into = build(description, arrays["model/value"].dtype)
    _check_model(into, arrays, path)
    _restore_model(into, arrays)
    return into


@answers
def load_extra(path: str | Path) -> dict[str, Array]:
    """Return the arrays that :func:`save_model` saved with a model; it raises the same errors.

    ``minidl train --save`` writes ``x_mean`` and ``x_scale``; ``class_names`` for classes, and
    ``y_mean`` and ``y_scale`` for regression.
    """
    return _below("extra/", _read(path))


@answers
def save_run(trainer: Trainer, path: str | Path) -> None:
    """Save a run, so that :func:`load_run` can continue it.

    Saved are the model, the state of the optimizer and of the Trainer's callbacks, the history,
    and how many epochs and rows the run has seen, also in the middle of an interrupted epoch.

    Raises
    ------
    ArgumentError
        An epoch with dropout has been interrupted: its random numbers are not saved.
    DataError
        The ``state_dict`` of a callback holds something other than numbers, text and arrays.
    """
    _check_order(trainer, Trainer, path)
    if trainer.cursor and trainer.model.stochastic:
        problem = "a run with dropout cannot be saved in the middle of an epoch"
        received = f"{trainer.cursor} rows of epoch {trainer.epoch + 1} done"
        hint = "Finish the epoch first, with fit(..., epochs=1)."
        raise ArgumentError(problem, received=received, hint=hint)
    words = trainer.optimizer.state_dict()
    arrays = {f"state/{name}": vector for name, vector in words.pop("state").items()}
    arrays["run/stored"] = trainer.stored_vector()
    words |= {name: getattr(trainer, name) for name in NUMBERS}
    words |= {"history": trainer.history.to_dict(), "callbacks": []}
    for k, callback in enumerate(trainer.callbacks):
        numbers = dict(callback.state_dict())
        for name in [name for name, value in numbers.items() if isinstance(value, np.ndarray)]:
            arrays[f"callback/{k}/{name}"] = numbers.pop(name)
        words["callbacks"].append([type(callback).__name__, numbers])
    try:
        arrays["run/words"] = np.array(json.dumps(words, default=lambda number: number.item()))
    except (AttributeError, TypeError, ValueError) as error:
        raise DataError(f"the state of a callback cannot be saved: {error}") from None
    _write(path, trainer.model, arrays)


@answers
def load_run(trainer: Trainer, path: str | Path) -> None:
    """Restore a saved run into a Trainer made with the same arguments, so that ``fit`` continues.

    The continued run equals, bit for bit, one that never stopped. Learning rate, momentum, batch
    size and penalty are those of the Trainer, so that they can be changed on purpose. Callbacks
    receive the states of the saved callbacks of the same class, in order.

    Raises
    ------
    DataError
        The file does not exist or does not hold a run.
    ArgumentError
        The optimizer is of another class, or the seed differs.
    ShapeError
        The model has other parameters or buffers.
    """
    _check_order(trainer, Trainer, path)
    arrays = _read(path)
    if "run/words" not in arrays:
        raise DataError(f"{path} holds a model without a run to continue")
    words = OLDER | json.loads(str(arrays["run/words"]))
    if words["seed"] != trainer.seed:
        received, expected = f"Trainer(seed={trainer.seed})", f"seed={words['seed']}"
        raise ArgumentError("the saved run has another seed", received=received, expected=expected)
    _check_model(trainer.model, arrays, path)
    trainer.optimizer.load_state_dict({**words, "state": _below("state/", arrays)})
    _restore_model(trainer.model, arrays)
    numbers = {name: words[name] for name in NUMBERS}
    trainer.restore(numbers, History.from_dict(words["history"]), arrays["run/stored"])
    callbacks = list(trainer.callbacks)
    for k, (name, state) in enumerate(words["callbacks"]):
        state.update(_below(f"callback/{k}/", arrays))
        same = next((c for c in callbacks if type(c).__name__ == name), None)
        if same is not None:
            callbacks.remove(same)
            if state:
                same.load_state_dict(state)


class Checkpoint(Callback):
    """Save the run to a file every few epochs, and at the end.

    The file holds the latest state; see :func:`load_run` and :func:`load_model`. Put this callback
    after those whose state it saves.
    """

    def __init__(self, path: str | Path, *, every: int = 1) -> None:
        self.path = Path(path)
        self.every = check_count("every", every)

    def on_epoch_end(self, trainer: Trainer, record: Mapping[str, float]) -> None:
        """Save every few epochs."""
        if trainer.epoch % self.every == 0:
            save_run(trainer, self.path)

    def on_fit_end(self, trainer: Trainer) -> None:
        """Save the last state, unless an error or Ctrl-C has ended the run."""
        if trainer.history.stopped_by not in (None, "interrupted"):
            save_run(trainer, self.path)


def _check_order(thing: object, kind: type, path: object) -> None:
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


def _below(prefix: str, arrays: Arrays) -> dict[str, Array]:
    """Return the arrays whose names begin with a prefix, without it."""
    return {n.removeprefix(prefix): array for n, array in arrays.items() if n.startswith(prefix)}


def _check_model(model: Layer, arrays: Arrays, path: str | Path) -> None:
    """Check that the parameters and buffers of a file fit the model."""
    saved = _below("buffer/", arrays)
    buffers = model.named_buffers() if saved else ()  # older files have none
    for name, received, expected in (
        ("parameters", _layout(model.named_parameters()), json.loads(str(arrays["model/layout"]))),
        ("buffers", _layout(buffers), _layout(saved.items())),
    ):
        if received != expected:
            message = f"the model has other {name} than the file"
            raise ShapeError(message, received=received, expected=f"{expected}, as in {path}")


def _restore_model(model: Layer, arrays: Arrays) -> None:
    model.parameters.set(arrays["model/value"])
    buffers = dict(model.named_buffers())
    for name, saved in _below("buffer/", arrays).items():
        buffers[name][...] = saved


def _write(path: str | Path, model: Layer, arrays: Arrays) -> None:
    """Write a model and further arrays."""
    named: dict[str, Any] = {"model/value": model.parameters.value}
    named["model/layout"] = np.array(json.dumps(_layout(model.named_parameters())))
    named["model/layers"] = np.array(json.dumps(describe(model)))
    named |= {f"buffer/{name}": buffer for name, buffer in model.named_buffers()} | dict(arrays)
    with atomic_write(path) as file:
        np.savez(file, **named)


def _read(path: str | Path) -> dict[str, Array]:
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
