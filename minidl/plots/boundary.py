"""Decision boundaries and fitted curves: what a model predicts, with the rows."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count
from minidl.datasets import Dataset
from minidl.keywords import answers
from minidl.plots.figures import axes_of, entitle, styled
from minidl.plots.fits import FITS, curve_of, keep_limits
from minidl.plots.planes import Plane, plane_of
from minidl.plots.points import (
    Drawn,
    class_words,
    cross_out,
    draw_classes,
    legend_of,
    parts_of,
    target_of,
)
from minidl.plots.scores import Scores, dataset_of, network_of, scores_of
from minidl.plots.shades import colours_of, draw_shade, shade

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
FINEST = 10_000  # points along an axis; 10^8 in all
PROJECTED = "rows on the wrong side of a line can be predicted correctly"


@answers
def plot_boundary(model: Any, data: Any, ax: Axes | None = None, *, resolution: int = 200) -> Axes:
    """Draw what a model predicts, with training rows filled and held-out rows hollow.

    - Classes, two features: the probability of each class as shade, a line where another class
      becomes the most probable (at 0.5 for two classes), and a cross on each row that is predicted
      wrongly.
    - Classes, more features: the same on the plane through the mean of the training rows along
      their first two principal components. Rows are drawn where they are nearest to it, and crosses
      are of their predictions with all features, so they need not agree with the shade.
    - Classes, one feature: the probability of each class as a curve.
    - A regression with one feature: the fitted curve; with two: the predicted target as shade, and
      rows in the shade of their true one, held-out rows as diamonds; with more: predicted against
      true targets.

    Axes are in the data's own units, except for principal components.

    Parameters
    ----------
    model : Layer, Trainer, Predictor or estimator
        Anything with ``predict_proba`` or ``predict``, also of scikit-learn, or a network; the
        outputs of a network alone are taken for logits.
    data : Dataset or (X, y)
        A data set whose prepared rows the model takes. Or arrays: rows as the model takes them,
        and of a Predictor in their own units.
    ax : matplotlib Axes, optional
        Where to draw, in Matplotlib's present style; by default in a new pyplot figure.
    resolution : int, default 200
        The number of points along each axis at which the model is computed.

    Returns
    -------
    Axes
        With the picture.

    Raises
    ------
    ArgumentError
        matplotlib is not installed, or an argument is something else.
    DataError, ShapeError
        X, y and the model do not fit, or are fewer than three rows for principal components.

    Notes
    -----
    Of more than 2,000 training or held-out rows, 2,000 are drawn, evenly spaced; the legend says
    so, and its counts are of all rows.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")  # without windows
    >>> from minidl import datasets, nn
    >>> data = datasets.load("iris")
    >>> ax = plot_boundary(nn.mlp(4, 3, seed=0), data)
    >>> ax.get_xlabel()
    'first principal component (74 % of the variance)'
    """
    size = check_count("resolution", resolution, 2, FINEST)
    network_of(model)  # raises if it is not a model
    data = dataset_of(model, data)
    scores = scores_of(model, data)
    with styled(ax), warnings.catch_warnings():
        # of an estimator that was fitted to a DataFrame
        warnings.filterwarnings("ignore", "X does not have valid feature names", UserWarning)
        scores.of(data.X_train[:1])  # raises if they do not fit, before there is a figure
        ax = axes_of(ax, 6.4, 5.6)
        drawn = draw_prediction(ax, data, scores, size)
        misclassified = cross_out(ax, data, drawn.places, scores) if data.n_classes else ""
        entitle(ax, data.name, *drawn.words, misclassified)
        if ax.images and data.n_classes == 0:
            bar = ax.figure.colorbar(ax.images[0], ax=ax, shrink=0.9, aspect=30, extend="both")
            bar.set_label(f"{target_of(data)}: shade predicted, points true")
        elif ax.images and data.n_classes == 2 and scores.probable:
            _bar(ax, data)
        legend_of(ax, data, *drawn.handles, crosses=data.n_classes > 0)
    return ax


def draw_prediction(ax: Axes, data: Dataset, scores: Scores, size: int) -> Drawn:
    """Draw what is predicted, and the rows, without title and legend."""
    ax.grid(visible=False)
    pictures = (_draw_probabilities, _draw_plane) if data.n_classes else FITS
    return pictures[min(data.n_features, len(pictures)) - 1](ax, data, scores, size)


def repaint(ax: Axes, data: Dataset, scores: Scores, size: int, plane: Plane | None) -> None:
    """Draw what is predicted into Axes that have an older prediction, or none, of the same data.

    Rows that lie on shades, in the plane of the data, stay: drawing them takes most of the time.
    """
    from matplotlib.contour import ContourSet

    if plane is None or not (ax.images and data.n_classes):
        ax.clear()
        draw_prediction(ax, data, scores, size)
        if not data.n_classes and not ax.images:
            keep_limits(ax, data)
        return
    for artist in [*ax.images, *(c for c in ax.collections if isinstance(c, ContourSet))]:
        artist.remove()
    _shade(ax, plane, scores, size)


def _shade(ax: Axes, plane: Plane, scores: Scores, size: int) -> None:
    draw_shade(ax, scores.of(plane.grid(size)).reshape(size, size, -1), plane.limits)


def _draw_plane(ax: Axes, data: Dataset, scores: Scores, size: int) -> Drawn:
    """Draw probabilities on a plane, and the rows."""
    plane = plane_of(data)
    _shade(ax, plane, scores, size)
    places = tuple(plane.coordinates(part.X) for part in parts_of(data))
    draw_classes(ax, data, places)
    ax.set(xlabel=plane.labels[0], ylabel=plane.labels[1])
    words = f"{data.n_features} features: the plane of the first two principal components"
    return Drawn((words, PROJECTED) if plane.projected else (), places=places)


def _bar(ax: Axes, data: Dataset) -> None:
    """Explain the shades of two classes beside the Axes."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap

    p = np.linspace(0, 1, 101)
    shades = ListedColormap(shade(np.stack([1 - p, p], axis=1)))
    bar = ax.figure.colorbar(ScalarMappable(cmap=shades), ax=ax, shrink=0.9, aspect=30)
    bar.set_label(f"probability of {class_words(data.class_names[1]).strip()}")
    bar.ax.axhline(0.5, color="0.1", linewidth=1.4)


def _draw_probabilities(ax: Axes, data: Dataset, scores: Scores, size: int) -> Drawn:
    """Draw the probability of each class over the only feature, and the rows below."""
    x, predicted = curve_of(data, scores, size)
    for k, colour in enumerate(colours_of(data.n_classes)):
        ax.plot(x, predicted[:, k], color=colour, label=data.class_names[k])
    places: list[Floats] = []
    for part, height in zip(parts_of(data), (-0.06, -0.12), strict=False):
        x_of_rows = part.X[:, 0] * data.x_scale + data.x_mean
        places.append(np.stack([x_of_rows, np.full(len(x_of_rows), height)], axis=1))
    draw_classes(ax, data, places)
    label = "probability (rows are below 0)" if scores.probable else "1: the predicted class"
    ax.set(xlabel=data.feature_names[0], ylabel=label, ylim=(-0.18, 1.04))
    return Drawn((), places=tuple(places))
