"""The view of a picture, the rows in it, and the plane of the weights."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from minidl import datasets
from minidl.page.paths import weight_paths
from minidl.page.view import View


def test_two_features_are_shown_in_their_own_units():
    data = datasets.load("moons", seed=0)
    view = View.of(data, frames=1)
    original = data.X_train * data.x_scale + data.x_mean
    for k, axis in enumerate(view.axes()):
        assert axis["low"] < original[:, k].min() < original[:, k].max() < axis["high"]
    points = view.points(data)
    assert_allclose([points["x"][0], points["y"][0]], original[0], rtol=1e-3)
    assert (points["training"], len(points["target"])) == (300, 400)


@pytest.mark.parametrize("name", ["moons", "iris"])
def test_the_grid_goes_row_by_row_from_the_lower_left(name):
    view = View.of(datasets.load(name, seed=0), frames=1)
    x, y = view.axes()
    places = view.coordinates(view.inputs)
    assert_allclose(places[0], [x["low"], y["low"]])
    assert_allclose(places[view.side - 1], [x["high"], y["low"]])
    assert_allclose(places[-1], [x["high"], y["high"]])


def test_more_features_are_projected_onto_two_principal_components():
    data = datasets.load("iris", seed=0)
    view = View.of(data, frames=1)
    s = np.linalg.svd(data.X_train - data.X_train.mean(axis=0), compute_uv=False)
    assert view.projected
    assert view.labels[0] == (
        f"first principal component ({100 * s[0] ** 2 / (s**2).sum():.0f} % of the variance)"
    )
    spread = view.coordinates(data.X_train).std(axis=0)
    assert_allclose(spread, s[:2] / np.sqrt(len(data.X_train)))


def test_many_frames_make_the_grid_coarser_but_never_too_coarse():
    data = datasets.load("moons", seed=0)
    assert [View.of(data, frames=f).side for f in (10, 1608, 10**6)] == [64, 46, 32]


def test_one_feature_is_a_line_in_its_own_units():
    data = datasets.load("sine", seed=0)
    view = View.of(data, frames=1)
    (axis,) = view.axes()
    assert view.inputs.shape == (160, 1)
    ends = view.inputs[[0, -1], 0] * data.x_scale + data.x_mean
    assert_allclose(ends, [axis["low"], axis["high"]])
    points = view.points(data)
    original = data.X_train[[0, -1], 0] * data.x_scale[0] + data.x_mean[0]
    assert_allclose([points["x"][0], points["x"][points["training"] - 1]], original, rtol=1e-3)
    assert points["target"][0] == pytest.approx(data.inverse_y(data.y_train[0]), rel=1e-3)


def test_paths_keep_distances_in_the_plane_and_start_together():
    rng = np.random.default_rng(0)
    plane = np.linalg.qr(rng.normal(size=(50, 2)))[0]
    flat = {"a": rng.normal(size=(9, 2)), "b": rng.normal(size=(5, 2))}
    flat["b"][0] = flat["a"][0]
    paths, shares = weight_paths({name: z @ plane.T + 3.0 for name, z in flat.items()})
    assert sum(shares) == pytest.approx(1.0)
    for name, z in flat.items():
        assert_allclose(paths[name][0], 0.0, atol=1e-12)
        length = np.linalg.norm(np.diff(z, axis=0), axis=1)
        assert_allclose(np.linalg.norm(np.diff(paths[name], axis=0), axis=1), length)


def test_a_run_that_diverged_does_not_set_the_plane():
    rng = np.random.default_rng(0)
    start = rng.normal(size=20)
    steady = start + np.vstack([np.zeros(20), rng.normal(size=(8, 20)).cumsum(axis=0)])
    wild = np.vstack([start, start + 1e6 * rng.normal(size=20)])
    alone, _ = weight_paths({"steady": steady})
    both, _ = weight_paths({"wild": wild, "steady": steady}, diverged=["wild"])
    assert_allclose(both["steady"], alone["steady"])
    assert len(both["wild"]) == 2


@pytest.mark.parametrize("epochs", [1, 3])
def test_weights_that_do_not_move_have_a_path(epochs):
    paths, shares = weight_paths({"a": np.ones((epochs, 4))})
    assert (paths["a"] == 0).all()
    assert paths["a"].shape == (epochs, 2)
    assert shares == [0.0, 0.0]
