"""The pictures of every epoch: outputs on a grid as bytes, compressed, within a budget."""

import base64
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from minidl.autograd import Array
from minidl.nn import Layer
from minidl.page.shades import Shades
from minidl.page.view import View

EPOCHS = 401  # shown at most
BUDGET = 1_500_000  # characters for the pictures of a page


def shown_epochs(last_epoch: int, limit: int = EPOCHS, keep: Iterable[int] = ()) -> list[int]:
    """Return epochs at equal distances from 0 on, at most so many, the last one, and `keep`.

    >>> shown_epochs(10, limit=6, keep=[3])
    [0, 2, 3, 4, 6, 8, 10]
    """
    step = max(1, math.ceil(last_epoch / (limit - 1)))
    return sorted({*range(0, last_epoch + 1, step), last_epoch, *keep})


def frames(model: Layer, weights: Array, view: View, shades: Shades) -> Array:
    """Return the shades of the grid for each row of weights (E, P), uint8 (E, points).

    The model has the weights it had when this returns.
    """
    inputs, before = view.inputs, model.parameters.value.copy()
    try:
        pictures = []
        for row in weights:
            model.parameters.set(row)
            with np.errstate(all="ignore"):  # a run that is about to diverge
                pictures.append(shades.bytes_of(model.predict(inputs)))
    finally:
        model.parameters.set(before)
    return np.array(pictures)


def packed(pictures: Array, width: int) -> str:
    """Return pictures (E, points), uint8, as base64 of deflated differences.

    Each byte is the difference to the left neighbour of its difference to the neighbour below,
    modulo 256, which a script undoes by adding up; a smooth picture has small ones.

    >>> text = packed(np.array([[7, 7, 8, 8]], dtype=np.uint8), width=2)
    >>> list(zlib.decompress(base64.b64decode(text)))
    [7, 0, 1, 0]
    """
    grid = pictures.reshape(len(pictures), -1, width)
    for axis in (1, 2):
        grid = np.diff(grid, axis=axis, prepend=np.zeros_like(grid.take([0], axis=axis)))
    return base64.b64encode(zlib.compress(grid.tobytes(), 9)).decode("ascii")


def fitted(
    pictures: Mapping[str, Array], epochs: Sequence[int], width: int, keep: Iterable[int], room: int
) -> tuple[list[int], dict[str, str]]:
    """Return the epochs that are shown, and each optimizer's packed pictures of them.

    `pictures` have one row for each of `epochs`, or fewer if a run ended earlier. Every second
    epoch is left out, except for `keep`, until the texts have at most `room` characters.
    """
    stops, always = list(range(len(epochs))), {0, len(epochs) - 1, *map(epochs.index, keep)}
    while True:
        texts = {
            name: packed(rows[[k for k in stops if k < len(rows)]], width)
            for name, rows in pictures.items()
        }
        thinned = sorted({*stops[::2], *always})
        if sum(map(len, texts.values())) <= room or len(thinned) == len(stops):
            return [epochs[k] for k in stops], texts
        stops = thinned
