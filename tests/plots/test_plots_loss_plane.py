"""The loss over the plane of the principal components, against eigenvectors of the covariance."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from minidl import Trainer, nn
from minidl.errors import ArgumentError, ShapeError
from minidl.plots import plot_loss_plane
from minidl.plots.loss_plane import percent, plane_of_weights
from minidl.training import WeightPath, loss_of_weights

GENERATOR = np.random.default_rng(0)
SCALES = np.array([5.0, 2.0, 0.5, 0.1, 0.1])
PATHS = {
    "momentum": np.cumsum(GENERATOR.normal(size=(30, 5)) * SCALES, axis=0),
    "nag": np.cumsum(GENERATOR.normal(size=(20, 5)) * SCALES, axis=0),
}


def axes():
    return Figure().add_subplot()


def test_the_plane_is_that_of_the_largest_eigenvalues_of_the_covariance():
    plane, rows = plane_of_weights(PATHS), np.concatenate(list(PATHS.values()))
    eigenvalues, vectors = np.linalg.eigh(np.cov(rows.T, bias=True))
    assert_allclose(plane.centre, rows.mean(axis=0))
    assert_allclose(plane.shares, eigenvalues[:-3:-1] / eigenvalues.sum())
    assert_allclose(np.abs(plane.directions @ vectors[:, :-3:-1]), np.eye(2), atol=1e-10)
    first = next(iter(PATHS.values()))
    assert (plane.directions @ (first[-1] - first[0]) > 0).all()


def test_paths_are_projected_and_the_loss_is_that_of_points_in_the_plane():
    plane, asked = plane_of_weights(PATHS), []

    def loss(w):
        asked.append(w.copy())
        return float((w**2).sum())

    ax = plot_loss_plane(PATHS, loss, points=7, ax=axes())
    assert len(asked) == 49
    offsets = np.array(asked) - plane.centre
    inside = offsets @ plane.directions.T
    assert_allclose(inside @ plane.directions, offsets, atol=1e-10)
    corners = [[low, high] for low, high in (ax.get_xlim(), ax.get_ylim())]
    assert_allclose([inside.min(axis=0), inside.max(axis=0)], np.transpose(corners))
    for name, rows in PATHS.items():
        (line,) = (line for line in ax.lines if line.get_label() == name)
        assert_allclose(line.get_xydata(), (rows - plane.centre) @ plane.directions.T)
    heights = ax.collections[0].levels
    values = [(w**2).sum() for w in asked]
    assert_allclose(heights.max(), max(values))
    assert_allclose(heights.min() - min(values), 1e-4 * (max(values) - min(values)), rtol=1e-6)


def test_labels_have_the_shares_and_the_title_what_is_left_out():
    ax = plot_loss_plane(PATHS, lambda w: float(w @ w), points=3, ax=axes())
    first, second = plane_of_weights(PATHS).shares
    assert ax.get_xlabel() == f"first direction, {100 * first:.0f} % of the movement"
    assert ax.get_ylabel() == f"second direction, {percent(second)} of the movement"
    left = percent(1 - first - second)
    assert f"the other 3 directions, with {left} of the movement, are left out" in ax.get_title()
    plain = plot_loss_plane(PATHS["nag"][:, :2], lambda w: float(w @ w), points=3, ax=axes())
    assert "left out" not in plain.get_title()


def test_starts_and_ends_are_marked():
    ax = plot_loss_plane(PATHS, lambda w: float(w @ w), points=3, ax=axes())
    plane = plane_of_weights(PATHS)
    for marker, row in (("o", 0), ("X", -1)):
        marks = [
            line.get_xydata()[0]
            for line in ax.lines
            if line.get_marker() == marker and line.get_markersize() > 6
        ]
        expected = [(rows[row] - plane.centre) @ plane.directions.T for rows in PATHS.values()]
        assert_allclose(marks, expected)


def test_the_loss_of_a_network_at_its_weights_leaves_it_as_it_was():
    X, y = GENERATOR.normal(size=(20, 2)), GENERATOR.normal(size=20)
    path, model = WeightPath(), nn.mlp(2, 4, 1, seed=0)
    trainer = Trainer(model, "mse", "nag", lr=0.05, seed=0, callbacks=[path])
    history = trainer.fit(X, y, epochs=5)
    before = model.parameters.value.copy()
    loss = loss_of_weights(trainer, X, y)
    measured = [loss(w) for w in path.weights[::-1]]
    assert_allclose(measured[::-1], history["train_loss"], rtol=1e-12)
    assert np.array_equal(model.parameters.value, before)
    for wrong in (np.zeros(3), 1.0, [1.0]):
        with pytest.raises(ShapeError, match="weights have the wrong shape: got"):
            loss(wrong)
    assert np.array_equal(model.parameters.value, before)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.zeros(5), "weights have the wrong shape: got .5,., expected arrays of shape"),
        ({}, "weights have the wrong shape: got none"),
        ({"a": np.zeros((3, 2)), "b": np.zeros((3, 4))}, "wrong shape"),
        (np.zeros((3, 1)), "a plane needs at least two weights: got 1"),
        (np.full((3, 2), np.nan), "weights are not finite"),
        (np.outer([0.0, 1.0, 2.0], [1.0, 1.0]), "moved along a line"),
        (np.ones((3, 4)), "moved along a line at most"),
    ],
)
def test_weights_without_a_plane_are_an_error(weights, words):
    with pytest.raises(ArgumentError, match=words):
        plot_loss_plane(weights, lambda w: 0.0, ax=axes())
    with pytest.raises(ArgumentError, match="points must be an integer >= 3"):
        plot_loss_plane(PATHS, lambda w: 0.0, points=2)
    for swapped, hint in ((PATHS, ".*The weights come first, then the loss"), ("loss", ".*'loss'")):
        other = PATHS if hint.endswith("'loss'") else lambda w: 0.0
        with pytest.raises(ArgumentError, match=f"loss must be a function of weights, got{hint}"):
            plot_loss_plane(other, swapped)


def test_shares_in_percent():
    assert [percent(share) for share in (1.0, 0.874, 0.0123, 0.0012, 0.0)] == [
        "100 %", "87 %", "1 %", "0.1 %", "0 %",
    ]  # fmt: skip


@pytest.mark.parametrize("nowhere", [np.nan, -np.inf, np.inf])
def test_a_loss_that_is_nowhere_finite_is_an_error(nowhere):
    with pytest.raises(ArgumentError, match="the loss is not finite anywhere in the picture"):
        plot_loss_plane(PATHS, lambda w: nowhere, points=3, ax=axes())
    values = iter([*[nowhere] * 8, 1.0])
    plot_loss_plane(PATHS, lambda w: next(values), points=3, ax=axes())  # one is enough


def test_buffers_of_the_last_epoch_are_told():
    model = nn.Sequential(nn.Dense(2, 4), nn.BatchNorm(4), nn.Dense(4, 1), seed=0)
    trainer = Trainer(model, "mse", "nag", lr=0.05, seed=0)
    trainer.fit(GENERATOR.normal(size=(20, 2)), GENERATOR.normal(size=20), epochs=1)
    with pytest.warns(UserWarning, match=r"the buffers 1\..* have their present values") as told:
        loss_of_weights(trainer, np.ones((4, 2)), np.ones(4))
    assert told[0].filename == __file__
