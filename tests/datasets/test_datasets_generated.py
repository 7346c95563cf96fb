"""Generated rows: shapes, seeds, noise, and what each set is supposed to be."""

from functools import partial

import numpy as np
import pytest
import sklearn.datasets

from minidl.datasets import TABLE, generate, generated
from minidl.errors import ArgumentError

GENERATED = [info.name for info in TABLE if info.kind == "generated"]
OWN = ["xor", "spirals", "gaussian_quantiles", "sine", "linear"]
FEATURES = dict.fromkeys(GENERATED, 2) | {"classification": 10, "friedman1": 10}
FEATURES |= {"sine": 1, "linear": 5}


def same(a, b):
    return np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1])


@pytest.mark.parametrize("name", GENERATED)
def test_rows_have_the_promised_shape_and_type(name):
    X, y = generate(name, n=101)
    assert X.shape == (101, FEATURES[name])
    assert y.shape == (101,)
    assert X.dtype == np.float64
    assert X.flags.c_contiguous
    regression = name in ("friedman1", "sine", "linear")
    assert y.dtype == (np.float64 if regression else np.int64)


@pytest.mark.parametrize("name", GENERATED)
def test_there_are_a_thousand_rows_by_default(name):
    assert len(generate(name)[0]) == 1000


@pytest.mark.parametrize("name", GENERATED)
def test_the_seed_decides_the_rows(name):
    assert same(generate(name, seed=5), generate(name, seed=5))
    assert not same(generate(name, seed=5), generate(name, seed=6))
    assert same(generate(name), generate(name, seed=0))


@pytest.mark.parametrize("name", GENERATED)
def test_generating_leaves_numpy_s_global_state_alone(name):
    np.random.seed(1)  # noqa: NPY002 - the global state is what this test watches
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    generate(name)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize("name", GENERATED)
def test_noise_none_is_the_default_noise_of_the_table(name):
    noise = next(info.noise for info in TABLE if info.name == name)
    assert same(generate(name), generate(name, noise=noise))
    assert not same(generate(name), generate(name, noise=noise + 0.3))


@pytest.mark.parametrize("name", [n for n in GENERATED if n not in ("friedman1", "sine", "linear")])
def test_classes_are_balanced(name):
    counts = np.bincount(generate(name, n=1000, noise=0.0)[1])
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("name", GENERATED)
def test_the_fewest_rows_are_one_per_class_and_at_least_two(name):
    fewest = max(next(info.classes for info in TABLE if info.name == name), 2)
    X, _ = generate(name, n=fewest)
    assert len(X) == fewest
    with pytest.raises(
        ArgumentError, match=f"^n must be an integer >= {fewest}, got {fewest - 1}$"
    ):
        generate(name, n=fewest - 1)


def test_sets_of_scikit_learn_are_its_rows_under_the_same_seed():
    X, y = sklearn.datasets.make_moons(50, noise=0.3, random_state=7)
    assert same(generate("moons", n=50, noise=0.3, seed=7), (X, y))
    X, y = sklearn.datasets.make_circles(50, noise=0.1, factor=0.5, random_state=7)
    assert same(generate("circles", n=50, seed=7), (X, y))
    X, y = sklearn.datasets.make_friedman1(50, noise=1.0, random_state=7)
    assert same(generate("friedman1", n=50, seed=7), (X, y))


THEIRS = {
    "moons": sklearn.datasets.make_moons,
    "circles": partial(sklearn.datasets.make_circles, factor=0.5),
}


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize("noise", [None, 0.0, 1e-9, 0.2, 3.7])
@pytest.mark.parametrize("seed", [0, 1, 12345, 2**32 - 1])
def test_moons_and_circles_are_those_of_scikit_learn_in_every_bit(name, noise, seed):
    few = range(2, 70 if seed == 0 else 8)  # the curves do not depend on the seed
    for n in (*few, 999, 1000, 1001, 4096, 20001):
        X, y = generate(name, n=n, noise=noise or 0.0, seed=seed)
        their_X, their_y = THEIRS[name](n, noise=noise, random_state=seed)
        assert X.tobytes() == their_X.tobytes(), n  # both in C order, whatever the strides
        assert y.tobytes() == their_y.tobytes(), n


@pytest.mark.parametrize("name", OWN)
def test_noise_is_a_gaussian_shift_that_moves_nothing_else(name):
    (X0, y0), (X1, y1) = generate(name, n=4000, noise=0.0), generate(name, n=4000, noise=0.3)
    moved, kept = ((X0, X1), (y0, y1)) if y0.dtype == np.int64 else ((y0, y1), (X0, X1))
    shift = moved[1] - moved[0]
    assert np.array_equal(*kept)
    assert abs(shift.std() - 0.3) < 0.02
    assert abs(shift.mean()) < 0.02


def test_xor_classes_are_the_sign_of_the_product_within_the_square():
    X, y = generate("xor", noise=0.0)
    assert np.array_equal(y, X[:, 0] * X[:, 1] < 0)
    assert np.abs(X).max() <= 1.0
    quadrants = np.unique(np.sign(X), axis=0, return_counts=True)
    assert quadrants[1].tolist() == [250] * 4


def test_spiral_points_lie_on_their_arms():
    X, y = generate("spirals", noise=0.0)
    radius = np.hypot(*X.T)
    angle = 3 * np.pi * radius + np.pi * y
    assert np.allclose(X[:, 0], radius * np.cos(angle), atol=1e-12)
    assert np.allclose(X[:, 1], radius * np.sin(angle), atol=1e-12)
    assert radius.max() <= 1.0


def test_least_squares_finds_the_weights_of_linear():
    X, y = generate("linear", noise=0.0)
    found = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), y, rcond=None)[0]
    expected = [*generated.LINEAR_WEIGHTS, generated.LINEAR_INTERCEPT]
    assert np.allclose(found, expected, atol=1e-12)


def test_sine_covers_one_period():
    X, y = generate("sine", noise=0.0)
    assert np.array_equal(y, np.sin(X[:, 0]))
    assert X.min() < -3.0
    assert X.max() > 3.0
    assert np.abs(X).max() <= np.pi


def test_blobs_gather_around_the_same_centres_for_every_seed():
    for seed in (0, 1):
        X, y = generate("blobs", noise=0.0, seed=seed)
        assert np.array_equal(X, np.array(generated.BLOB_CENTRES)[y])


@pytest.mark.parametrize("name", ["iris", "diabetes"])
def test_a_measured_set_cannot_be_generated(name):
    with pytest.raises(
        ArgumentError,
        match=rf'generated data set \(moons, .*\), got .{name}.\. Use load\("{name}"\)',
    ):
        generate(name)


@pytest.mark.parametrize("noise", [-0.1, float("nan"), float("inf"), "0.1", True, [0.1], 10**400])
def test_invalid_noise_is_an_error(noise):
    with pytest.raises(ArgumentError, match=r"^noise must be finite and >= 0, got "):
        generate("moons", noise=noise)


def test_a_fraction_of_random_classes_cannot_exceed_one():
    generate("classification", noise=1.0)
    with pytest.raises(ArgumentError, match=r"^noise must be in \[0, 1\], got 1\.5"):
        generate("classification", noise=1.5)


@pytest.mark.parametrize("n", [0, -5, 2.0, "10", True, None])
def test_an_invalid_number_of_rows_is_an_error(n):
    with pytest.raises(ArgumentError, match=r"^n must be an integer >= 2, got "):
        generate("moons", n=n)


@pytest.mark.parametrize("seed", [-1, 2**32, 0.0, "0", False])
def test_an_invalid_seed_is_an_error(seed):
    with pytest.raises(ArgumentError, match=r"^seed must be an integer from 0 to 4294967295, got "):
        generate("xor", seed=seed)


def test_numpy_integers_are_numbers_too():
    assert same(generate("xor", n=np.int64(9), seed=np.uint8(3)), generate("xor", n=9, seed=3))
