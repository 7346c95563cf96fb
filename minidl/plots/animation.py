"""Animations: what several optimizers predict, epoch by epoch, from the same initial weights."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count
from minidl.datasets import Dataset
from minidl.errors import ArgumentError, DataError, ShapeError, invalid
from minidl.files import atomic_write, check_place
from minidl.keywords import answers
from minidl.nn import Layer
from minidl.plots.boundary import FINEST, repaint
from minidl.plots.curves import set_scales
from minidl.plots.figures import explain, new_figure, styled
from minidl.plots.planes import Plane, plane_of
from minidl.plots.scores import Scores, network_of, scores_of
from minidl.plots.shades import colours_of
from minidl.plots.style import looks_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from PIL.Image import Image

Floats = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]
Runs = dict[str, tuple[Floats, Floats]]  # weights (E + 1, P) and losses (E + 1,)
DPI, PANEL, IN_A_ROW = 80, 3.2, 4  # the width of a panel in inches
COLOURS = 128  # of the file
STEP, START, END = 100, 800, 3000  # milliseconds: a frame, the first, the last
SMALL: Any = {"font.size": 8, "axes.titlesize": 9, "lines.markersize": 3}


@answers
def animate_boundaries(
    runs: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]],
    model: Any,
    data: Dataset,
    path: str | Path,
    *,
    title: str = "",
    labels: Mapping[str, str] | None = None,
    frames: int = 51,
    resolution: int = 80,
) -> None:
    """Write a GIF of what each optimizer predicts, epoch by epoch, with the losses below.

    Each panel is a picture of :func:`plot_boundary`; a vertical line moves over the losses. The
    first picture stays for 0.8 s, the last for 3 s, the others for 0.1 s; then it begins anew.
    Equal arguments give equal bytes, with one version of matplotlib and Pillow.

    Parameters
    ----------
    runs : mapping of str to (weights, losses)
        For each optimizer, the weights of shape (E + 1, P) after epochs 0 to E, as
        :class:`~minidl.training.WeightPath` keeps them, and the losses (E + 1,). Runs that ended
        earlier than others keep their last picture.
    model : Layer or Trainer
        The network to put the weights into; its own weights are as before afterwards.
    data : Dataset
        The rows, as for :func:`plot_boundary`.
    path : str or Path
        The file to write, which ends in ``.gif`` and is replaced.
    title : str, optional
        What stands above, before the epoch.
    labels : mapping of str to str, optional
        What stands above the panels instead of the optimizer's name, such as "nag, lr 0.1".
    frames : int, default 51
        The largest number of pictures; of more epochs, some are left out evenly.
    resolution : int, default 80
        As for :func:`plot_boundary`.

    Raises
    ------
    ArgumentError
        matplotlib is not installed, or an argument is something else.
    DataError, ShapeError
        Weights, losses, model and data do not fit, or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from minidl import Trainer, datasets, nn
    >>> from minidl.training import WeightPath
    >>> data, runs = datasets.load("moons", n=40), {}
    >>> for name in ("momentum", "nag"):
    ...     weights = WeightPath()
    ...     trainer = Trainer(nn.mlp(2, 4, 1, seed=0), "bce", name, lr=0.1, callbacks=[weights])
    ...     history = trainer.fit(data.X_train, data.y_train, epochs=2)
    ...     runs[name] = weights.weights, history["train_loss"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     animate_boundaries(runs, trainer.model, data, f"{folder}/race.gif")
    """
    check_animation(path)
    network, checked = _checked(runs, model)
    last_epoch = max(len(weights) for weights, _ in checked.values()) - 1
    count = min(check_count("frames", frames, 2), last_epoch + 1)
    epochs = np.linspace(0, last_epoch, count).round().astype(int).tolist()
    names = {name: (labels or {}).get(name, name) for name in checked}
    size, before = check_count("resolution", resolution, 2, FINEST), network.parameters.value.copy()
    with styled():
        from matplotlib import rc_context

        with rc_context(SMALL):
            plane = plane_of(data) if data.n_features > 1 else None
            scene = _Scene(network, scores_of(model, data), data, size, plane)
            stage = _Stage(checked, names, scene)
            try:
                pictures = [stage.picture(epoch, title) for epoch in epochs]
            finally:
                network.parameters.set(before)
    exact = ["#ffffff", "#000000", *colours_of(max(data.n_classes, 1))]
    _write(pictures, [*exact, *(look.color for look in stage.looks.values())], Path(path))


def check_animation(path: str | Path) -> None:
    """Raise, before any training, if an animation could not be written to this file."""
    with styled():  # raises if matplotlib, which brings Pillow, is not installed
        ending = Path(path).suffix
    if ending.lower() != ".gif":
        expected = "a name that ends in .gif"
        raise ArgumentError(f"cannot animate {str(path)!r}", received=ending, expected=expected)
    check_place(path)


def _checked(runs: Mapping[str, Any], model: Any) -> tuple[Layer, Runs]:
    """Return the network, and the runs as arrays that fit it."""
    network = network_of(model)
    if network is None:
        raise invalid("model", model, "a network, or a Trainer or Predictor with one")
    if not runs:
        raise ArgumentError("must name at least one optimizer", argument="runs")
    checked, size = {}, network.parameters.size
    for name, (weights, losses) in runs.items():
        rows, curve = np.asarray(weights, np.float64), np.asarray(losses, np.float64)
        if rows.shape != (len(curve), size) or not len(curve):
            received = f"weights of shape {rows.shape} and losses of shape {curve.shape}"
            expected = f"(E + 1, {size}) and (E + 1,)"
            raise ShapeError(f"run {name!r} does not fit", received=received, expected=expected)
        checked[name] = rows, curve
    return network, checked


class _Scene(NamedTuple):
    """The network, what it says of rows, and the rows."""

    network: Layer
    scores: Scores
    data: Dataset
    size: int
    plane: Plane | None  # of the rows, if they have two features or more


class _Stage:
    """The figure: a panel for each optimizer, and below them the losses with a cursor."""

    def __init__(self, runs: Runs, names: Mapping[str, str], scene: _Scene) -> None:
        self.runs, self.names, self.scene, self.looks = runs, names, scene, looks_of(runs)
        columns = min(len(runs), IN_A_ROW)
        rows = -(-len(runs) // columns)
        self.figure = new_figure(max(PANEL * columns, 2 * PANEL), PANEL * rows + 2.0)
        grid = self.figure.add_gridspec(rows + 1, columns, height_ratios=[PANEL] * rows + [1.4])
        cells = [grid[k // columns, k % columns] for k in range(len(runs))]
        self.panels = [self.figure.add_subplot(cell) for cell in cells]
        self.title = self.figure.suptitle(" ", x=0.01, horizontalalignment="left", fontsize=11)
        self.cursor, self.points = self._draw_losses(self.figure.add_subplot(grid[rows, :]))

    def _draw_losses(self, ax: Axes) -> tuple[Any, dict[str, Any]]:
        """Draw all losses; return the cursor, and a point on each curve."""
        points = {}
        for name, (_, losses) in self.runs.items():
            look = self.looks[name]
            ax.plot(losses, label=self.names[name], **look.line)
            (points[name],) = ax.plot([], [], look.marker, color=look.color, markersize=6)
        set_scales(ax, "loss", np.concatenate([losses for _, losses in self.runs.values()]))
        ax.set(xlabel="epoch", ylabel="training loss")
        explain(ax, ax.lines[::2])
        return ax.axvline(0, color="0.3", linewidth=1), points

    def picture(self, epoch: int, title: str) -> Pixels:
        """Return the picture of an epoch."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        for panel, name in zip(self.panels, self.runs, strict=True):
            self._draw_panel(panel, name, epoch)
        self.cursor.set_xdata([epoch, epoch])
        self.title.set_text(f"{title}{', ' if title else ''}epoch {epoch}")
        self.figure.set_dpi(DPI)
        canvas: Any = FigureCanvasAgg(self.figure)
        canvas.draw()
        self.figure.set_layout_engine("none")  # where things are, they stay
        return np.array(canvas.buffer_rgba())[..., :3]

    def _draw_panel(self, ax: Axes, name: str, epoch: int) -> None:
        """Draw what one optimizer's network predicts after an epoch."""
        weights, losses = self.runs[name]
        row = min(epoch, len(weights) - 1)
        scene = self.scene
        scene.network.parameters.set(weights[row])
        repaint(ax, scene.data, scene.scores, scene.size, scene.plane)
        ended = f" (ended in epoch {row})" if row < epoch else ""
        ax.set_title(f"{self.names[name]}{ended}\ntraining loss {losses[row]:.3g}")
        ax.spines.top.set(visible=True, color=self.looks[name].color, linewidth=4)
        ax.set_xlabel(ax.get_xlabel().replace(" of the variance", ""))
        inner = self.panels.index(ax) % IN_A_ROW > 0  # beside another panel with the same label
        ax.set_ylabel("" if inner else ax.get_ylabel().replace(" of the variance", ""))
        self.points[name].set_data([row], [losses[row]])


def _indexed(picture: Pixels, colours: Pixels) -> Image:
    """Return a picture in the nearest of these colours; Pillow's own search takes others."""
    from PIL import Image

    packed = picture.astype(np.int32) @ [65536, 256, 1]
    distinct: Any
    distinct, places = np.unique(packed, return_inverse=True)
    rgb = np.stack([distinct >> 16, distinct >> 8 & 255, distinct & 255], axis=1)
    distances = ((rgb[:, None] - colours.astype(np.int32)) ** 2).sum(axis=2)
    indices = distances.argmin(axis=1).astype(np.uint8)[places.ravel()]
    image = Image.frombytes("P", packed.shape[::-1], indices.tobytes())
    image.putpalette(colours.tobytes())
    return image


def _write(pictures: list[Pixels], exact: list[str], path: Path) -> None:
    """Write a GIF whose pictures share their colours, or these would flicker.

    Colours of small areas, which count little in the choice, are given as `exact`.
    """
    from PIL import Image

    samples = pictures[:: max(1, len(pictures) // 8)]
    sample = Image.fromarray(np.concatenate(samples)).quantize(COLOURS)
    colours = np.array(sample.getpalette(), np.uint8).reshape(-1, 3)
    colours = np.concatenate(
        [colours, np.array([bytearray.fromhex(c[1:]) for c in exact], np.uint8)]
    )
    opening, *later = [_indexed(picture, colours) for picture in pictures]
    times = [START, *[STEP] * (len(later) - 1), END][: len(pictures)]
    content = BytesIO()
    opening.save(content, "GIF", save_all=True, append_images=later, duration=times, loop=0)
    try:
        with atomic_write(path) as file:
            file.write(content.getvalue())
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}") from None
