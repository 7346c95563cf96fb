"""The moving parts of the page, by epoch: pictures of the outputs and the path of the weights."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.datasets import Dataset
from minidl.nn import Layer, Loss
from minidl.page.frames import BUDGET, fitted, frames, shown_epochs
from minidl.page.paths import weight_paths
from minidl.page.shades import MOST_CLASSES, Shades
from minidl.page.view import View


def film(
    model: Layer,
    data: Dataset,
    loss: Loss,
    weights: Mapping[str, Array],
    *,
    diverged: Collection[str] = (),
    keep: Collection[int] = (),
    room: int = BUDGET,
) -> dict[str, Any]:
    """Return pictures and paths of runs as JSON data.

    Parameters
    ----------
    model : Layer
        A network that takes these weights; it has its own when this returns.
    data : Dataset
        The data that the runs were trained on.
    loss : Loss
        The loss they were trained with, which says what the outputs are.
    weights : dict of str to array of shape (E + 1, P)
        For each optimizer the weights after each epoch from 0 on; runs may differ in length.
    diverged : collection of str
        Optimizers whose runs diverged: the plane of the paths is not fitted to these.
    keep : collection of int
        Epochs that are shown in any case, besides the first, and the last one of each run.
    room : int
        Characters for the pictures; epochs are left out until these fit.

    Returns
    -------
    dict
        `epochs`, those of curves and paths; `stops`, those with pictures; `picture`, or None with
        more than 64 classes; `path`; and `notes`, sentences on what was left out or rounded.
    """
    last_epoch = max(map(len, weights.values())) - 1
    ends = [len(rows) - 1 for rows in weights.values()]
    keep = sorted({*ends, *(epoch for epoch in keep if epoch <= last_epoch)})
    epochs = shown_epochs(last_epoch, keep=keep)
    paths, shares = weight_paths(weights, diverged)
    places = {name: [e for e in epochs if e < len(rows)] for name, rows in weights.items()}
    points = {name: _rounded(paths[name][places[name]]) for name in weights}
    pictures: dict[str, Any] = {"epochs": epochs, "stops": epochs, "picture": None, "notes": []}
    pictures["path"] = {"shares": shares, "points": points}
    if len(data.class_names) <= MOST_CLASSES:
        view = View.of(data, frames=len(epochs) * len(weights))
        shades = Shades.of(data, loss)
        drawn = {n: frames(model, weights[n][places[n]], view, shades) for n in weights}
        pictures["stops"], texts = fitted(drawn, epochs, view.side, keep, room)
        pictures["picture"] = {
            "axes": view.axes(),
            "side": view.side,
            "frames": texts,
            "points": view.points(data),
            "projected": view.projected,
            "regression": data.task == "regression",
            "shades": shades.to_dict(),
        }
        pictures["notes"] = [*_notes(data, view, shades), *_left_out(pictures["stops"], last_epoch)]
    return pictures


def _rounded(path: Array) -> list[list[float]]:
    """Return points with five digits."""
    return [[float(f"{value:.5g}") for value in point] for point in path.tolist()]


def _notes(data: Dataset, view: View, shades: Shades) -> Iterator[str]:
    """Yield what the pictures show, and how exactly."""
    if view.projected:
        yield (
            f"The data have {data.n_features} features. The pictures show the plane of the first"
            " two principal components of the training rows. Rows are projected onto it, so a row"
            " can lie on the wrong side of the line and still be predicted correctly."
        )
    unit = {"value": "a prediction", "share": "a probability", "class": "a lead"}[shades.kind]
    per_class = " of each class" * (shades.kind == "class")
    words = f"Pictures have {shades.levels} shades{per_class}"
    words = "Curves are rounded" if shades.fine else words
    yield f"{words}: {unit} that is read from them is wrong by at most {shades.error:.2g}."
    drawn, total = len(view.points(data)["target"]), len(data.X_train) + len(data.X_test)
    if drawn < total:
        yield f"{drawn} of {total} rows are drawn."


def _left_out(stops: Collection[int], end: int) -> Iterator[str]:
    """Yield which epochs the pictures show, if these are not all."""
    if len(stops) <= end:
        step = int(np.median(np.diff(list(stops))))
        yield (
            f"The slider stops at {len(stops)} of {end + 1} epochs, about one of {step}, so that"
            " this file stays small."
        )
