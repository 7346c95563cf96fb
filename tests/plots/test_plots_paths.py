"""Pictures of paths: the data in every line, arrow and mark."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from numpy.testing import assert_allclose

from minidl.errors import ArgumentError
from minidl.paths import descend
from minidl.plots import plot_paths, plot_steps
from minidl.plots.contours import levels, limits_of
from minidl.plots.paths import ACROSS, AHEAD
from minidl.plots.style import LOOKS

ALL = ("gd", "momentum", "nag")


def runs(surface="valley", names=ALL, **settings):
    return [descend(surface, name, **{"lr": 0.025} | settings) for name in names]


def axes():
    return Figure().add_subplot()


def drawn(ax, label):
    """The points (n, 2) of all lines with a label."""
    found = [line.get_xydata() for line in ax.lines if line.get_label() == label]
    return np.concatenate(found) if found else np.empty((0, 2))


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_each_path_is_a_line_through_its_iterates_with_the_look_of_its_name():
    paths = runs()
    ax = plot_paths(paths, ax=axes())
    for path in paths:
        (line,) = (line for line in ax.lines if line.get_label() == path.name)
        assert np.array_equal(line.get_xydata(), path.iterates)
        assert line.get_color() == LOOKS[path.name].color
    assert legend(ax) == [*ALL, AHEAD, "start", "minimum"]
    assert ax.get_title() == "valley: (x**2 + 20*y**2)/2"


def test_two_arrows_show_the_half_steps_of_nag_and_a_ring_the_look_ahead_point():
    ax = plot_paths(runs(), half_steps=3, ax=axes())
    theta, v, expected = np.array([-4.0, 1.0]), np.zeros(2), []
    for step in range(4):  # the first has no velocity
        ahead = theta + 0.9 * v
        v = 0.9 * v - 0.025 * ahead * [1.0, 20.0]
        expected += [(theta, ahead), (ahead, theta + v)] if step else []
        theta = theta + v
    arrows = [text for text in ax.texts if isinstance(text, Annotation)]
    assert_allclose([(arrow.xyann, arrow.xy) for arrow in arrows], expected, atol=1e-12)
    dashes = [arrow.arrow_patch.get_linestyle() for arrow in arrows]
    assert dashes[1::2] == ["-", "-", "-"]
    assert "-" not in dashes[::2]
    rings = [line for line in ax.lines if line.get_marker() == "o" and line.get_markersize() == 6]
    assert_allclose([ring.get_xydata()[0] for ring in rings], [e[1] for e in expected[::2]])
    assert all(ring.get_markerfacecolor() == "#ffffff" for ring in rings)


def test_without_half_steps_and_for_other_rules_there_are_no_arrows():
    assert not plot_paths(runs(), half_steps=0, ax=axes()).texts
    assert not plot_paths(runs(names=("gd", "momentum")), ax=axes()).texts


def test_start_and_minima_are_marked_and_everything_is_inside_the_picture():
    ax = plot_paths(runs("himmelblau", lr=0.003), ax=axes())
    assert drawn(ax, "start").tolist() == [[0, 0]]
    stars = [line.get_xydata()[0] for line in ax.lines if line.get_marker() == "*"]
    assert_allclose(stars, runs("himmelblau")[0].surface.minima)
    for line in ax.lines:
        x, y = line.get_xydata().T
        assert ax.get_xlim()[0] < x.min() <= x.max() < ax.get_xlim()[1]
        assert ax.get_ylim()[0] < y.min() <= y.max() < ax.get_ylim()[1]


def test_contours_are_heights_above_the_minimum_in_a_geometric_sequence():
    found = levels(np.array([[5.0, 105.0], [np.nan, 6.0]]), 5.0)
    ratios = (found[1:] - 5) / (found[:-1] - 5)
    assert_allclose(ratios, ratios[0])
    assert_allclose([found[0], found[-1]], [5.01, 105.0])
    ax = plot_paths(runs(), ax=axes())
    low = min(ax.collections[0].levels)
    assert 0 < low < 0.01


def test_a_path_that_flies_off_does_not_shrink_the_picture():
    view = ((-1.0, 1.0),)
    (limits,) = limits_of(np.array([[-0.5], [1e9]]), view)  # 3 times as wide, with a margin
    assert_allclose(limits, (-1.0, 3.42))
    assert_allclose(limits_of(np.array([[0.0], [1.0]])), [(-0.12, 1.12)])


def test_a_surface_with_holes_can_be_drawn():
    ax = plot_paths(descend("log(x)**2 + log(y)**2", "nag", lr=0.05), ax=axes())
    assert "minimum" in legend(ax)
    assert_allclose(drawn(ax, "minimum"), [[1.0, 1.0]], atol=1e-9)


def test_in_one_dimension_the_loss_curve_and_the_first_points_across_the_minimum():
    paths = runs("x**2/2", ("momentum", "nag"), lr=0.5, steps=30)
    ax = plot_paths(paths, ax=axes())
    curve = ax.lines[0].get_xydata()
    assert_allclose(curve[:, 1], curve[:, 0] ** 2 / 2)
    rings = [line for line in ax.lines if line.get_markersize() == 9]
    for path, ring in zip(paths, rings, strict=True):
        x = path.iterates[:, 0]
        assert np.array_equal(drawn(ax, path.name), np.stack([x, path.losses], axis=1))
        kept = x[np.abs(x) >= 1e-3]
        across = kept[1:][np.sign(kept[1:]) != np.sign(kept[:-1])]
        assert_allclose(ring.get_xydata(), np.stack([across, across**2 / 2], axis=1))
    assert legend(ax) == ["momentum", ACROSS, "nag", "start", "minimum"]
    assert_allclose(drawn(ax, "minimum"), [[0, 0]], atol=1e-12)


def test_the_steps_show_the_distance_along_the_steepest_direction_and_its_crossings():
    (path,) = paths = runs(names=("momentum",), steps=20)
    ax = plot_steps(paths, ax=axes())
    line = drawn(ax, "momentum")
    assert np.array_equal(line[:, 0], np.arange(21))
    assert_allclose(line[:, 1], path.iterates[:, 1])
    rings = next(line.get_xydata() for line in ax.lines if line.get_markersize() == 7)
    y = path.iterates[:, 1]
    signs = [k for k in range(20) if y[k] * y[k + 1] < 0]
    assert_allclose(rings[:, 0], [k + y[k] / (y[k] - y[k + 1]) for k in signs])
    assert not rings[:, 1].any()
    flat = plot_steps(paths, direction=1, ax=axes())
    assert_allclose(drawn(flat, "momentum")[:, 1], -path.iterates[:, 0])  # it starts at -4
    assert "curvature 20" in ax.get_title()
    assert "curvature 1" in flat.get_title()


def test_in_one_dimension_the_steps_show_x_around_the_minimum():
    (path,) = runs("(x - 3)**2", ("momentum",), lr=0.1, steps=30)
    ax = plot_steps(path, steps=12, ax=axes())
    assert np.array_equal(drawn(ax, "momentum")[:, 1], path.iterates[:13, 0])
    rings = next(line.get_xydata() for line in ax.lines if line.get_markersize() == 7)
    assert_allclose(rings[:, 1], 3.0)
    assert rings[:, 0].max() <= 12


def test_two_names_of_one_optimizer_look_the_same_in_both_pictures():
    paths = runs(names=("nag", "nesterov"), steps=20)
    for plot in (plot_paths, plot_steps):
        lines = {line.get_label(): line for line in plot(paths, ax=axes()).lines}
        assert lines["nag"].get_color() == LOOKS["nag"].color
        if plot is plot_paths:
            other = lines["nesterov"].get_color()
        assert lines["nesterov"].get_color() == other != LOOKS["nag"].color


def test_on_other_surfaces_the_steps_show_the_loss_above_the_minimum():
    paths = runs("beale", lr=0.005)
    ax = plot_steps(paths, ax=axes())
    assert ax.get_yscale() == "log"
    for path in paths:
        assert_allclose(drawn(ax, path.name)[:, 1], path.losses)
    ax.figure.canvas.draw()
    assert not any("$" in label.get_text() for label in ax.get_yticklabels())


@pytest.mark.parametrize("plot", [plot_paths, plot_steps])
def test_what_cannot_be_drawn_is_an_error(plot):
    with pytest.raises(ArgumentError, match="there are no paths to draw"):
        plot([])
    with pytest.raises(ArgumentError, match=r"there are no paths to draw: got \[3"):
        plot([3])
    with pytest.raises(ArgumentError, match="paths in one picture need one surface"):
        plot([*runs("valley"), *runs("bowl")])
    with pytest.raises(ArgumentError, match="paths need different names: got nag, nag"):
        plot(runs(names=("nag", "nag")))


def test_directions_and_steps_out_of_range_are_errors():
    with pytest.raises(ArgumentError, match="direction must be an integer from 0 to 1, got 2"):
        plot_steps(runs(), direction=2)
    with pytest.raises(ArgumentError, match="steps must be an integer >= 1, got 0"):
        plot_steps(runs(), steps=0)


def test_without_axes_a_new_figure_is_made_and_matplotlib_stays_as_it_was():
    import matplotlib.pyplot as plt

    with mpl.rc_context({"font.size": 5.0}):
        before = dict(mpl.rcParams)
        ax, other = plot_paths(runs()), plot_steps(runs())
        assert dict(mpl.rcParams) == before
    assert ax.figure is not other.figure
    plt.close(ax.figure)
    plt.close(other.figure)


def test_a_name_with_a_dollar_is_drawn_as_it_is():
    path = descend("valley", "nag", lr=0.025, name="a$b$")
    ax = plot_paths(path, ax=axes())
    ax.figure.canvas.draw()
    assert "a$b$" in legend(ax)
    assert not ax.get_legend().get_texts()[0].get_parse_math()


def test_matplotlib_is_imported_only_when_something_is_drawn():
    script = """
import sys
import minidl.plots, minidl.paths
from minidl import paths
path = paths.descend("valley", "nag", lr=0.02)
assert "matplotlib" not in sys.modules
sys.modules["matplotlib"] = None  # as if it were not installed
try:
    minidl.plots.plot_paths(path)
except minidl.errors.ArgumentError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert (
        "a plot needs matplotlib, which is not installed: pip install 'minidl[plot]'" in done.stdout
    )


@pytest.mark.parametrize(
    ("surface", "lr"),
    [
        ("log(x)+log(y)", 3.0),  # NaN in most of the picture
        ("x**100+y**100", 3.0),  # 1e247
        ("x**2+y**2", 1e150),
        ("x**2+y**2+1e20", 0.1),  # without heights above rounding
        ("1e5*(x**2+y**2)+1e20", 1e-6),  # with few
        ("1e300*y**2-1e300*x**2", 1e-299),
    ],
)
def test_surfaces_with_extreme_losses_are_drawn(surface, lr):
    ax = plot_paths(runs(surface, lr=lr), ax=axes())
    heights = ax.collections[0].levels
    assert np.isfinite(heights).all()
    assert (np.diff(heights) > 0).all()
    ax.figure.canvas.draw()
