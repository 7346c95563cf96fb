"""``comparison.plot`` and ``study.plot``: what they return, where they draw, and wrong calls."""

import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from test_comparison_plots import (
    OTHER,
    PLAN,
    data,
    figured,
    first,
    lines,
    made,
    study_of_two,
    without,
)

from minidl.errors import ArgumentError, DataError, UnknownKeywordError
from minidl.plots.style import LOOKS

PANELS = ("loss", "arrivals", "rates")


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    plt.close("all")
    yield
    plt.close("all")


def contents(axes):
    return (
        axes.get_title(),
        axes.get_xlabel(),
        {name: data(one) for name, one in lines(axes).items()},
    )


def test_three_panels_are_drawn_in_a_new_figure_like_those_of_the_file(tmp_path):
    found = made().plot()
    assert found.shape == (3,)
    assert [plt.figure(number) for number in plt.get_fignums()] == [found[0].figure]
    found[0].figure.savefig(tmp_path / "race.png")  # as the documentation says
    expected = first(figured(made()))
    assert list(map(contents, found)) == list(map(contents, expected.axes))
    assert found[0].figure.get_suptitle() == expected.get_suptitle()
    assert [axes.get_legend() for axes in found] == [None] * 3  # the figure has one


@pytest.mark.parametrize("panel", PANELS)
def test_a_single_panel_is_drawn_where_it_is_asked_for(panel):
    place = plt.figure().add_subplot()
    assert made().plot(panel, place) is place
    assert contents(place) == contents(first(figured(made())).axes[PANELS.index(panel)])
    texts = [text.get_text() for text in place.get_legend().get_texts()]
    assert [text.split(":")[0] for text in texts if "equally" not in text and text] == ["gd", "nag"]
    assert len(plt.get_fignums()) == 1
    assert made().plot(panel) is not place
    assert len(plt.get_fignums()) == 2


def test_three_axes_are_taken_for_three_panels():
    places = plt.figure().subplots(3, 1, squeeze=False)
    assert made().plot(ax=places).tolist() == places.ravel().tolist()
    assert [axes.get_title() for axes in places.ravel()] == [
        "Training loss: median, quartiles",
        "Share of 5 seeds at the goal",
        "Mean epochs to the goal",
    ]


def test_the_legend_of_rates_lies_above_the_lines():
    axes = made().plot("rates")
    axes.figure.draw_without_rendering()
    legend = axes.get_legend().get_window_extent()
    assert axes.transData.transform((1, PLAN.epochs))[1] < legend.y0
    assert legend.y1 < axes.bbox.y1


def test_an_optimizer_has_its_own_colour_in_every_panel():
    for axes in (*made().plot(), made().plot("loss")):
        for name in ("gd", "nag"):
            assert to_hex(lines(axes)[name].get_color()) == LOOKS[name].color.lower()


def test_a_study_has_a_row_for_each_comparison_and_one_for_the_profile():
    found = study_of_two().plot()
    whole = plt.gcf()
    assert found.shape == (2, 3)
    assert [len(part.axes) for part in whole.subfigs] == [3, 3, 2]
    assert list(map(contents, found[1])) == list(map(contents, first(figured(made(OTHER))).axes))
    assert whole.subfigs[1].get_suptitle().startswith("other: ")


def test_a_title_of_a_caller_replaces_the_panels():
    axes = made().plot("loss")
    axes.set_title("mine")
    assert {axes.get_title(loc=loc) for loc in ("left", "center", "right")} == {"mine", ""}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.plot("losses"), "what must be one of loss, arrivals, rates, got 'losses'$"),
        (lambda c: c.plot("race.png"), r"To write a file: comparison.plot\(\)\[0\].figure.savefig"),
        (
            lambda c: c.plot(ax=plt.axes()),
            r'ax must be three Axes.* comparison.plot\("loss", ax=ax',
        ),
        (lambda c: c.plot("loss", ax=plt.subplots(2)[1]), "ax must be a single Axes"),
    ],
)
def test_wrong_calls_say_what_to_write(call, message):
    with pytest.raises(ArgumentError, match=message):
        call(made())


def test_arguments_that_plot_does_not_have_are_named():
    with pytest.raises(UnknownKeywordError, match="no argument color"):
        made().plot(color="red")


def test_without_a_target_nothing_is_drawn():
    part = without(made(), lambda run: run.seed != 102)
    for call in (part.plot, lambda: part.plot("rates")):
        with pytest.raises(DataError, match="on toy cannot be drawn"):
            call()
    assert not plt.get_fignums()


def test_the_settings_of_matplotlib_are_left_alone():
    with mpl.rc_context({"lines.linewidth": 70.0, "font.size": 5.0}):
        before = dict(mpl.rcParams)
        widths = [line.get_linewidth() for axes in made().plot() for line in axes.lines]
        assert dict(mpl.rcParams) == before
    assert max(widths) < 10


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    for name in [one for one in sys.modules if one.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    for call in (made().plot, study_of_two().plot, lambda: made().plot("loss")):
        with pytest.raises(ArgumentError, match=r"pip install 'minidl\[plot\]'"):
            call()


def test_the_median_of_all_seeds_is_inside_the_panel():
    for axes in made().plot()[:1]:
        low, high = axes.get_ylim()
        half = np.array(data(lines(axes)["gd"])[1])
        assert low < half.min() < half.max() < high
