"""The stability map: shades, limits and places against the roots of the recurrences."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from minidl.errors import ArgumentError, UnknownNameError
from minidl.plots import plot_stability
from minidl.plots.stability import LEVELS

RULES = ("gd", "momentum", "nag")
PLACES = [(0.0015, 0.95), (0.01, 0.2), (0.03, 0.9), (0.2, 0.5), (0.5, 0.9), (0.9, 0.1), (1.25, 0.3)]
PLACES += [(1.5, 0.9), (2.5, 0.5), (4.5, 0.2)]


def panels(**settings):
    return plot_stability(ax=Figure().subplots(1, 3), **settings)


def radius(rule, x, m):
    q = 1 - x
    polynomial = {"gd": [1, -q], "momentum": [1, -(1 + m - x), m], "nag": [1, -(1 + m) * q, m * q]}
    return np.abs(np.roots(polynomial[rule])).max()


@pytest.mark.parametrize(("number", "rule"), [*enumerate(RULES)])
def test_each_place_is_shaded_by_its_factor_per_step(number, rule):
    shades, beyond = panels()[number].collections[:2]
    for x, m in PLACES:
        expected = radius(rule, x, m)
        bands = [band.contains_point((x, m)) for band in shades.get_paths()]
        assert beyond.get_paths()[0].contains_point((x, m)) == (expected > 1), (x, m)
        if expected < 1:
            assert bands.index(True) == np.searchsorted(LEVELS, expected) - 1, (x, m)


def test_lines_are_the_limits_and_the_edges_of_oscillation():
    momentum = {line.get_label(): line.get_xydata() for line in panels()[1].lines}
    x, m = momentum["limit"].T
    assert_allclose(x, 2 * (1 + m))
    nag = panels()[2].lines
    x, m = nag[0].get_xydata().T
    assert_allclose(x, 2 * (1 + m) / (1 + 2 * m))
    for line, other in zip(
        nag[1:], (lambda m: ((1 - m) / (1 + m)) ** 2, lambda m: 1.0), strict=True
    ):
        x, m = line.get_xydata().T
        assert_allclose(x, np.broadcast_to(other(m), m.shape))
    descent = panels()[0].lines
    assert len(descent) == 1
    assert_allclose(descent[0].get_xdata(), 2.0)


def test_roots_are_complex_between_the_edges_and_real_outside():
    edges = [line.get_xydata() for line in panels()[1].lines[1:]]
    for (low, m), (high, _) in zip(edges[0][20:-20:40], edges[1][20:-20:40], strict=True):
        for x, oscillates in (
            (low * 0.99, False),
            (low * 1.01, True),
            (high * 0.99, True),
            (high * 1.01, False),
        ):
            roots = np.roots([1, -(1 + m - x), m])
            assert np.iscomplex(roots).any() == oscillates


def test_runs_are_marked_in_all_panels_or_in_those_of_their_rule():
    def marked(found):
        return [
            [
                tuple(p)
                for line in ax.lines
                if line.get_label() == "a run"
                for p in line.get_xydata()
            ]
            for ax in found
        ]

    assert marked(panels(at=[(0.5, 0.9)])) == [[(0.5, 0.9)]] * 3
    at = {"nag": [(0.5, 0.9), (0.025, 0.9)]}
    assert marked(panels(at=at)) == [[], [], at["nag"]]


def test_wrong_arguments_are_named():
    with pytest.raises(UnknownNameError, match="unknown rule 'adam'"):
        plot_stability(rules=["adam"])
    with pytest.raises(ArgumentError, match="at has a place off the map"):
        plot_stability(at=[(-1.0, 0.9)])
    with pytest.raises(ArgumentError, match="ax needs one Axes for each rule: got 1, expected 3"):
        plot_stability(ax=[Figure().add_subplot()])
    for at in ((0.5, 0.9), 0.5, [(0.5, 0.9, 1)], {"nag": (0.5, 0.9)}, [("a", "b")]):
        with pytest.raises(ArgumentError, match=r"at must be pairs such as \[\(0.5, 0.9\)\]"):
            plot_stability(at=at)
    with pytest.raises(ArgumentError, match="ax must be Axes of Matplotlib, got 'a'"):
        plot_stability(ax=["a", "b", "c"])


def test_given_axes_have_a_scale_of_the_shades_and_a_legend_for_the_circles():
    found = panels(at={"momentum": [(0.5, 0.9)]})
    bar = found[0].figure.axes[-1]
    assert bar.get_ylabel() == "factor per step"
    legends = [panel.get_legend() for panel in found]
    assert [bool(legend) for legend in legends] == [False, True, False]
    assert [text.get_text() for text in legends[1].get_texts()] == ["a run"]
    assert [panel.get_legend() for panel in panels()] == [None] * 3


def test_a_new_figure_has_a_bar_of_shades_and_matplotlib_stays_as_it_was():
    import matplotlib.pyplot as plt

    before = dict(mpl.rcParams)
    found = plot_stability(rules=["nag"])
    assert dict(mpl.rcParams) == before
    assert found.shape == (1,)
    assert found[0].figure.axes[-1].get_ylabel() == "factor per step"
    plt.close(found[0].figure)


def test_aliases_are_known_and_runs_without_a_panel_are_an_error():
    at = {"nesterov": [(0.5, 0.9)], "nag-reformulated": [(0.2, 0.9)], "batch": [(0.1, 0.0)]}
    found = panels(at=at)
    runs = [
        [line.get_xydata()[0] for line in ax.lines if line.get_label() == "a run"] for ax in found
    ]
    assert_allclose(runs[0], [(0.1, 0.0)])
    assert runs[1] == []
    assert_allclose(runs[2], [(0.5, 0.9), (0.2, 0.9)])
    with pytest.raises(UnknownNameError, match="unknown optimizer 'adm'"):
        panels(at={"adm": [(0.5, 0.9)]})
    with pytest.raises(ArgumentError, match="without a panel: got 'adam', expected runs of gd"):
        panels(at={"adam": [(0.5, 0.9)]})
    with pytest.raises(ArgumentError, match="without a panel: got 'gd', expected runs of nag"):
        plot_stability({"gd": [(0.5, 0.0)]}, rules=["nag"], ax=[Figure().add_subplot()])


def test_runs_outside_the_picture_are_triangles_at_its_edge():
    found = panels(at=[(6e300, 0.5), (1e-6, 0.5), (1.0, 0.9999), (0.5, 0.5)])[1]
    outside = [line for line in found.lines if line.get_label() == "a run outside the picture"]
    assert [line.get_marker() for line in outside] == [">", "<", "^"]
    assert_allclose([line.get_xydata()[0] for line in outside], [(6, 0.5), (1e-3, 0.5), (1, 0.999)])
    (legend,) = [ax.get_legend() for ax in found.figure.axes if ax.get_legend()]
    words = [text.get_text() for text in legend.get_texts()]
    assert words == ["a run", "a run outside the picture"]
