"""Surfaces: values, derivatives and minima, against forms written down by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from minidl.errors import ArgumentError, UnknownNameError
from minidl.paths import SURFACES, surface
from minidl.paths.surfaces import check_start

POINTS = np.random.default_rng(0).uniform(-1.5, 1.5, (40, 2))


def rosenbrock(x, y):
    slope = [-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)]
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2, slope


def himmelblau(x, y):
    a, b = x**2 + y - 11, x + y**2 - 7
    return a**2 + b**2, [4 * x * a + 2 * b, 2 * a + 4 * y * b]


def beale(x, y):
    parts = [c - x * (1 - y**k) for c, k in ((1.5, 1), (2.25, 2), (2.625, 3))]
    slope_x = sum(2 * p * (y**k - 1) for p, k in zip(parts, (1, 2, 3), strict=True))
    slope_y = sum(2 * p * x * k * y ** (k - 1) for p, k in zip(parts, (1, 2, 3), strict=True))
    return sum(p**2 for p in parts), [slope_x, slope_y]


BY_HAND = {
    "bowl": lambda x, y: (x**2 / 2 + y**2 / 2, [x, y]),
    "valley": lambda x, y: (x**2 / 2 + 10 * y**2, [x, 20 * y]),
    "rosenbrock": rosenbrock,
    "beale": beale,
    "himmelblau": himmelblau,
    "saddle": lambda x, y: (x**2 / 2 - y**2 / 2 + y**4 / 4, [x, -y + y**3]),
}


def test_every_surface_is_tested():
    assert set(BY_HAND) == set(SURFACES)


@pytest.mark.parametrize("name", BY_HAND)
def test_losses_and_gradients_are_those_of_the_literature(name):
    losses, slopes = BY_HAND[name](*POINTS.T)
    assert_allclose(surface(name).losses(POINTS), losses, rtol=1e-12, atol=1e-12)
    assert_allclose(surface(name).gradients(POINTS), np.transpose(slopes), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", BY_HAND)
def test_hessians_are_the_differences_of_gradients(name):
    place, h = surface(name), 1e-5
    rows = [
        (place.gradients(POINTS + step) - place.gradients(POINTS - step)) / (2 * h)
        for step in h * np.eye(2)
    ]
    assert_allclose(place.hessians(POINTS), np.stack(rows, axis=-1), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", BY_HAND)
def test_known_minima_have_no_slope_and_no_downward_curvature(name):
    place = surface(name)
    minima = np.array(place.minima)
    assert_allclose(place.gradients(minima), 0, atol=1e-12)
    assert np.linalg.eigvalsh(place.hessians(minima)).min() > 0
    assert_allclose(place.losses(minima), -0.25 if name == "saddle" else 0.0, atol=1e-20)
    starts, ranges = np.array([*place.minima, place.start]), np.array(place.view)
    assert ((starts > ranges[:, 0]) & (starts < ranges[:, 1])).all()  # they are in the picture


def test_only_bowl_and_valley_are_quadratic():
    assert [name for name in SURFACES if surface(name).quadratic] == ["bowl", "valley"]


@pytest.mark.parametrize(
    ("text", "near", "expected"),
    [
        ("x**2/2 + 3*x", [1.0], [-3.0]),
        ("x**2 + y**2 + x*y - 3*y", [1.0, 1.0], [-1.0, 2.0]),
        ("(x + y)**2", [1.0, 2.0], [-0.5, 0.5]),  # the nearest of a line of minima
        ("cos(x)", [3.0], [np.pi]),
        ("cos(x)", [-2.0], [-np.pi]),
        ("x**4", [0.5], [0.0]),
        ("abs(x - 2)", [0.5], [2.0]),
        ("exp(x) + exp(-2*x) + y**2", [1.0, 1.0], [np.log(2) / 3, 0.0]),
    ],
)
def test_the_minimum_of_a_typed_formula_is_found(text, near, expected):
    assert_allclose(surface(text).minimum(np.array(near)), expected, atol=1e-8)


@pytest.mark.parametrize("text", ["x*y", "x**2 - y**2", "x + y", "exp(-x)", "sin(x)*y", "x**2 + y"])
def test_a_surface_without_a_minimum_has_none(text):
    place = surface(text)
    assert place.minimum(np.full(place.dimension, 0.9)) is None


def test_the_minimum_of_a_path_is_the_nearest_of_several():
    assert surface("himmelblau").minimum(np.array([3.1, -1.5])).round(3).tolist() == [3.584, -1.848]
    on_top = np.array([-0.270845, -0.923039])  # a maximum, from which nothing goes downhill
    assert tuple(surface("himmelblau").minimum(on_top)) == surface("himmelblau").minima[3]


def test_aliases_and_other_spellings_are_accepted():
    assert surface("Rosenbrock") is surface("banana") is surface(surface("rosenbrock"))


@pytest.mark.parametrize(("text", "loss"), [("-x", -3.0), ("x-y", 1.0), ("-x-y", -5.0), ("x", 3.0)])
def test_coordinates_with_minus_signs_are_a_formula(text, loss):
    place = surface(text)
    assert place.losses(np.array([[3.0, 2.0][: place.dimension]])) == [loss]


def test_an_unknown_word_is_taken_for_a_name():
    with pytest.raises(UnknownNameError, match="Did you mean 'rosenbrock'"):
        surface("rosenbrok")
    assert surface("x").formula.text == "x"


def test_a_typed_formula_starts_where_it_has_a_slope():
    assert surface("x**2 + y**2").start == (1.0, 1.0)
    assert surface("(x - 1)**2").start == (2.0,)
    assert surface("log(x)**2").start == (2.0,)


@pytest.mark.parametrize(
    ("text", "start", "words"),
    [
        ("bowl", 1.0, "2 numbers for x and y, of .*, got 1.0"),
        ("x**2", [1.0, 2.0], "a number for x, of x.*, got"),
        ("bowl", "here", "2 numbers"),
        ("bowl", [1.0, np.nan], "2 numbers"),
        ("log(x)", -1.0, "a point with a loss, got -1, where log.x. is nan"),
    ],
)
def test_a_start_that_does_not_fit_is_an_error(text, start, words):
    with pytest.raises(ArgumentError, match=f"start must be {words}"):
        check_start(surface(text), start)


def test_a_curvature_that_overflows_is_infinite():
    assert surface("exp(x)").curvatures(np.array([[1.0], [1e4]])).tolist()[1] == np.inf
