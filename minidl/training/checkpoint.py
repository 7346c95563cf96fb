"""Models and runs in files: a vector, its layout, and enough words to build them again.

Files are NumPy's ``.npz`` without pickled objects, written beside their place and then moved
there, so a crash while writing never destroys an older file.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.checks import check_count
from minidl.errors import ArgumentError, DataError, ShapeError
from minidl.files import atomic_write
from minidl.nn.describe import build, describe
from minidl.nn.layer import Layer
from minidl.training.callbacks import Callback
from minidl.training.history import History
from minidl.training.protocol import RunningTrainer

__all__ = ["Checkpoint", "load_extra", "load_model", "load_run", "save_model", "save_run"]


def save_model(model: Layer, path: str | Path, extra: Mapping[str, Any] | None = None) -> None:
    """Write a model to an ``.npz`` file.

    Parameters
    ----------
    model : Layer
        Any; layers of your own are saved as numbers only, see :func:`load_model`.
    path : str or Path
        The file; replaced if it exists.
    extra : mapping of str to array_like, optional
        Kept beside it, for instance the mean and scale of the inputs.

    Raises
    ------
    DataError
        Something in `extra` is no array of numbers or text.
    """
    arrays = {f"extra/{name}": np.asarray(value) for name, value in (extra or {}).items()}
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise DataError(f"{name} cannot be saved: it is not an array of numbers or text")
    _write(path, {**_model_arrays(model), **arrays})


def load_model(path: str | Path, into: Layer | None = None) -> Layer:
    """Return the model of a file that :func:`save_model` or :class:`Checkpoint` wrote.

    Parameters
    ----------
    path : str or Path
        The file.
    into : Layer, optional
        A model of the same layout that receives the numbers; needed for layers of your own.

    Raises
    ------
    DataError
        The file does not exist or is not a saved model.
    ShapeError
        `into` has other parameters than the file.
    ArgumentError
        The model has layers of your own, and there is no `into`.

    Examples
    --------
    >>> import tempfile, os
    >>> from minidl import nn
    >>> model = nn.mlp(2, 3, 1, seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, os.path.join(folder, "model.npz"))
    ...     copy = load_model(os.path.join(folder, "model.npz"))
    >>> copy
    Sequential(Dense(2, 3), Tanh(), Dense(3, 1))
    """
    arrays = _read(path)
    model = into
    if model is None:
        description = json.loads(str(arrays["model/layers"]))
        if description is None:
            raise ArgumentError(
                "this model has layers that minidl does not know",
                received=str(path),
                hint="Build it yourself and pass it: load_model(path, into=model).",
            )
        model = build(description, arrays["model/value"].dtype)
    _check_layout(model, arrays, path)
    model.parameters.set(arrays["model/value"])
    return model


def load_extra(path: str | Path) -> dict[str, Array]:
    """Return what was saved beside a model, such as the scale of its inputs.

    ``minidl train --save`` keeps ``x_mean`` and ``x_scale``; for classes ``class_names``, and for
    a regression ``y_mean`` and ``y_scale``.

    Raises
    ------
    DataError
        The file does not exist or is not a saved model.

    Examples
    --------
    >>> import os, tempfile
    >>> from minidl import nn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.npz")
    ...     save_model(nn.mlp(2, 1, seed=0), path, {"x_mean": [5.0, 7.0]})
    ...     load_extra(path)
    {'x_mean': array([5., 7.])}
    """
    arrays = _read(path)
    return {n.removeprefix("extra/"): a for n, a in arrays.items() if n.startswith("extra/")}


def save_run(trainer: RunningTrainer, path: str | Path) -> None:
    """Write all that a run needs to continue: weights, optimizer state, counts and history.

    Raises
    ------
    ArgumentError
        An epoch with dropout has been interrupted: its random numbers are not saved.
    """
    if trainer.cursor and trainer.model.stochastic:
        raise ArgumentError(
            "a run with dropout cannot be saved in the middle of an epoch",
            received=f"{trainer.cursor} rows of epoch {trainer.epoch + 1} done",
            hint="Finish the epoch first, with fit(..., epochs=1).",
        )
    optimizer = trainer.optimizer.state_dict()
    words = {
        "optimizer": optimizer["optimizer"],
        "step_count": optimizer["step_count"],
        "gradient_evaluations": optimizer["gradient_evaluations"],
        "epoch": trainer.epoch,
        "samples": trainer.samples,
        "cursor": trainer.cursor,
        "running_total": float(trainer.running_total),
        "seconds": trainer.seconds,
        "seed": trainer.seed,
        "history": trainer.history.to_dict(),
    }
    arrays = {f"state/{name}": vector for name, vector in optimizer["state"].items()}
    stored = trainer.stored_vector()
    _write(
        path,
        {
            **_model_arrays(trainer.model),
            **arrays,
            "run/stored": stored,
            "run/words": np.array(json.dumps(words)),
        },
    )


def load_run(trainer: RunningTrainer, path: str | Path) -> None:
    """Put a saved run into a Trainer made with the same arguments, so that ``fit`` goes on.

    The continued run is the same, bit for bit, as one that never stopped. Learning rate, momentum,
    batch size and penalty are those of the Trainer, so they may be changed here on purpose.

    Raises
    ------
    DataError
        The file does not exist or holds no run.
    ArgumentError
        The optimizer is of another class, or the seed differs.
    ShapeError
        The model has other parameters.
    """
    arrays = _read(path)
    if "run/words" not in arrays:
        raise DataError(f"{path} holds a model, but no run to go on with")
    words = json.loads(str(arrays["run/words"]))
    if words["seed"] != trainer.seed:
        raise ArgumentError(
            "the saved run has another seed",
            received=f"Trainer(seed={trainer.seed})",
            expected=f"seed={words['seed']}",
        )
    state = {n.removeprefix("state/"): v for n, v in arrays.items() if n.startswith("state/")}
    _check_layout(trainer.model, arrays, path)
    trainer.optimizer.load_state_dict({**words, "state": state})
    trainer.model.parameters.set(arrays["model/value"])
    trainer.restore(words, History.from_dict(words["history"]), arrays["run/stored"])


class Checkpoint(Callback):
    """Save the run after every so many epochs, and at the end.

    Parameters
    ----------
    path : str or Path
        The file, always the newest state; see :func:`load_run` and :func:`load_model`.
    every : int, default 1
        Epochs between two savings.
    """

    def __init__(self, path: str | Path, *, every: int = 1) -> None:
        self.path = Path(path)
        self.every = check_count("every", every)

    def on_epoch_end(self, trainer: RunningTrainer, record: Mapping[str, float]) -> None:
        """Save, if it is time."""
        if trainer.epoch % self.every == 0:
            save_run(trainer, self.path)

    def on_fit_end(self, trainer: RunningTrainer) -> None:
        """Save the end, unless the run was cut off in the middle of an epoch."""
        if trainer.history.stopped_by not in (None, "interrupted"):
            save_run(trainer, self.path)


def _layout(model: Layer) -> list[list[Any]]:
    vector = model.parameters
    return [[name, list(shape)] for name, shape in zip(vector.names, vector.shapes, strict=True)]


def _model_arrays(model: Layer) -> dict[str, Any]:
    return {
        "model/value": model.parameters.value,
        "model/layout": np.array(json.dumps(_layout(model))),
        "model/layers": np.array(json.dumps(describe(model))),
    }


def _check_layout(model: Layer, arrays: Mapping[str, Any], path: str | Path) -> None:
    layout = _layout(model)
    saved = json.loads(str(arrays["model/layout"]))
    if layout != saved:
        raise ShapeError(
            "the model has other parameters than the file",
            received=f"{layout}",
            expected=f"{saved}, as in {path}",
        )


def _write(path: str | Path, arrays: Mapping[str, Any]) -> None:
    with atomic_write(path) as file:
        np.savez(file, **arrays)


def _read(path: str | Path) -> dict[str, Any]:
    try:
        # Opened here: NumPy would leave a damaged file open.
        with Path(path).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = dict(file)
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except (ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is not a saved model") from error
    if not {"model/value", "model/layout", "model/layers"} <= set(arrays):
        raise DataError(f"{path} is not a saved model", received=", ".join(arrays))
    return arrays
