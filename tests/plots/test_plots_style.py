"""The look of an optimizer: one for each name, in whatever company."""

from itertools import combinations, permutations

import matplotlib as mpl
import numpy as np
import pytest

from minidl.optim import OPTIMIZERS
from minidl.plots.figures import styled
from minidl.plots.style import LOOKS, OTHERS, looks_of


def test_every_optimizer_of_minidl_has_a_look_of_its_own():
    names = list(OPTIMIZERS)
    assert set(names) == set(LOOKS)
    assert len({look.color for look in LOOKS.values()}) == len(LOOKS)
    assert len({(look.dashes, look.marker) for look in LOOKS.values()}) == len(LOOKS)  # in grey
    usual = ["nag", "momentum", "gd", "adam", "rmsprop", "lion"]
    for part in zip(*(LOOKS[name] for name in usual), strict=True):
        assert len(set(part)) == len(usual)  # colours, dashes and markers


def test_colours_of_optimizers_differ_to_the_eye():
    """In CIELAB, where 2.3 is a difference that is just noticed."""
    lab = [cielab(look.color) for look in LOOKS.values()]
    assert min(np.linalg.norm(a - b) for a, b in combinations(lab, 2)) > 10


def cielab(color):
    """Return lightness and the two axes of colour, for daylight (CIE 1976, D65)."""
    rgb = np.array(mpl.colors.to_rgb(color))
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = matrix @ linear / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("name", list(LOOKS))
def test_aliases_look_like_the_optimizer(name):
    for alias in (name, name.upper(), *OPTIMIZERS.aliases(name)):
        assert looks_of([alias])[alias] == LOOKS[name]


def test_the_order_of_names_does_not_change_a_look():
    for names in permutations(["nag", "gd", "mine"]):
        found = looks_of(names)
        assert found["nag"] == LOOKS["nag"]
        assert found["gd"] == LOOKS["gd"]
        assert found["mine"] == looks_of(["mine"])["mine"]


def test_no_two_of_one_picture_look_alike():
    names = ["gd", "mini-batch", "GD", "batch", *(f"mine {k}" for k in range(25))]
    found = looks_of(names)
    assert len(set(found.values())) == len(names)
    assert set(found.values()) <= {*LOOKS.values(), *OTHERS}


def test_what_makes_pyplot_interactive_inside_the_style_is_kept():
    before = mpl.is_interactive()
    try:
        mpl.interactive(False)
        with styled():
            mpl.interactive(True)  # as the first figure of a notebook does
        assert mpl.is_interactive()
        with styled():
            mpl.interactive(False)
        assert not mpl.is_interactive()
    finally:
        mpl.interactive(before)
