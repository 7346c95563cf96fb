"""The look of an optimizer: one for each name, in whatever company."""

from itertools import permutations

import matplotlib as mpl
import pytest

from minidl.optim import OPTIMIZERS
from minidl.plots.figures import styled
from minidl.plots.style import LOOKS, OTHERS, looks_of


def test_every_optimizer_of_minidl_has_a_look_of_its_own():
    names = list(OPTIMIZERS)
    assert set(names) == set(LOOKS)
    for look in zip(*LOOKS.values(), strict=True):
        assert len(set(look)) == len(LOOKS)  # colours, dashes and markers


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
