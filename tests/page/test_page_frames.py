"""Pictures as bytes: what they mean, how they are packed, and which epochs are kept."""

import numpy as np
import pytest
from page_reading import unpacked

from minidl import datasets, nn
from minidl.page.film import film
from minidl.page.frames import fitted, frames, packed, shown_epochs
from minidl.page.shades import Shades
from minidl.page.view import View

MOONS = datasets.load("moons", seed=0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_packed_pictures_come_back_bit_for_bit():
    pictures = np.random.default_rng(0).integers(0, 256, (3, 12 * 7)).astype(np.uint8)
    assert (unpacked(packed(pictures, 7), 7, 84) == pictures).all()


def test_smooth_pictures_take_far_fewer_bytes():
    x = np.linspace(-2, 2, 64)
    smooth = np.rint(127.5 + 127.5 * np.tanh(x[:, None] + x**2)).astype(np.uint8).reshape(1, -1)
    assert len(packed(smooth, 64)) < smooth.size / 2


def test_a_byte_is_the_probability_within_the_stated_error():
    outputs = np.linspace(-6, 6, 1001)[:, None]
    shades = Shades.of(MOONS, nn.loss("bce"))
    read = shades.bytes_of(outputs) / 255
    assert abs(read - sigmoid(outputs[:, 0])).max() <= shades.error < 0.002
    assert (shades.bytes_of(outputs) >= 128).tolist() == (outputs[:, 0] >= 0).tolist()


def test_a_byte_of_a_regression_is_in_the_units_of_the_target():
    data = datasets.load("diabetes", seed=0)
    shades = Shades.of(data, nn.loss("mse"))
    outputs = data.y_train[:, None]
    read = shades.low + (shades.high - shades.low) * shades.bytes_of(outputs) / 255
    assert abs(read - data.inverse_y(outputs[:, 0])).max() <= 1.001 * shades.error
    assert shades.bytes_of(np.array([[-99.0], [99.0]])).tolist() == [0, 255]


def test_a_curve_has_two_bytes_for_each_number():
    data = datasets.load("sine", seed=0)
    shades = Shades.of(data, nn.loss("mse"))
    outputs = np.linspace(-1, 1, 50)[:, None]
    coarse, fine = shades.bytes_of(outputs).reshape(2, -1)
    read = shades.low + (shades.high - shades.low) * (coarse + fine / 256) / 255
    assert abs(read - data.inverse_y(outputs[:, 0])).max() <= 1.001 * shades.error < 1e-4


def test_a_byte_of_classes_is_the_class_and_its_lead():
    shades = Shades.of(datasets.load("iris", seed=0), nn.loss("cross_entropy"))
    outputs = np.log([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.05, 0.9, 0.05]])
    byte = shades.bytes_of(outputs).astype(int)
    assert (byte // shades.levels).tolist() == [0, 2, 1]
    lead = byte % shades.levels / (shades.levels - 1)
    assert lead == pytest.approx([0.5, 0.1, 0.85], abs=shades.error)


@pytest.mark.parametrize("loss", ["hinge", "mse"])
def test_other_losses_of_two_classes_have_their_threshold_in_the_middle(loss):
    shades = Shades.of(MOONS, nn.loss(loss))
    below, above = shades.bytes_of(np.array([[-0.1], [0.1]]) + (0.5 if loss == "mse" else 0))
    assert below < 127.5 < above
    assert shades.words.startswith("output")


def test_outputs_that_are_not_finite_are_bytes():
    shades = Shades.of(MOONS, nn.loss("bce"))
    assert shades.bytes_of(np.array([[np.nan], [np.inf], [-np.inf]])).tolist() == [0, 255, 0]


def test_frames_are_those_of_the_weights_and_leave_the_model_alone():
    model = nn.mlp(2, 3, 1, seed=0)
    before = model.parameters.value.copy()
    weights = np.array([before, 3 * before])
    view, shades = View.of(MOONS, frames=2), Shades.of(MOONS, nn.loss("bce"))
    made = frames(model, weights, view, shades)
    assert (model.parameters.value == before).all()
    model.parameters.set(weights[1])
    expected = sigmoid(model.predict(view.inputs)[:, 0])
    assert abs(made[1] / 255 - expected).max() <= shades.error


def test_epochs_are_left_out_until_the_pictures_fit():
    rows = np.random.default_rng(0).integers(0, 256, (41, 64)).astype(np.uint8)
    all_of_it = len(packed(rows, 8))
    stops, texts = fitted({"a": rows, "b": rows[:9]}, range(41), 8, keep=[7], room=all_of_it // 2)
    assert sum(map(len, texts.values())) <= all_of_it // 2
    assert {0, 7, 40} <= set(stops)
    assert (unpacked(texts["a"], 8, 64) == rows[stops]).all()
    assert (unpacked(texts["b"], 8, 64) == rows[[e for e in stops if e < 9]]).all()


def test_long_runs_show_some_hundred_epochs_with_the_last_and_those_to_keep():
    shown = shown_epochs(10_000, keep=[7])
    assert len(shown) <= 402
    assert {0, 7, 10_000} <= set(shown)
    assert shown_epochs(60) == list(range(61))


def walk(optimizers, epochs):
    """Return weights that wander from those of one network."""
    model, steps = nn.mlp(2, 16, 16, 1, seed=0), np.random.default_rng(0)
    start = model.parameters.value
    paths = {}
    for k in range(optimizers):
        moves = steps.normal(0, 0.06, (epochs, start.size)).cumsum(axis=0)
        paths[f"optimizer {k}"] = np.vstack([start, start + moves])
    return model, paths


@pytest.mark.parametrize(("optimizers", "epochs", "most"), [(4, 51, 420_000), (8, 200, 1_600_000)])
def test_pictures_stay_small(optimizers, epochs, most):
    model, weights = walk(optimizers, epochs)
    shots = film(model, MOONS, nn.loss("bce"), weights)
    assert len(shots["stops"]) == epochs + 1
    assert sum(map(len, shots["picture"]["frames"].values())) < most


def test_what_was_left_out_is_said():
    model, weights = walk(1, 60)
    shots = film(model, MOONS, nn.loss("bce"), weights, room=30_000)
    assert len(shots["stops"]) < 40
    step = int(np.median(np.diff(shots["stops"])))
    words = f"The slider stops at {len(shots['stops'])} of 61 epochs, about one of {step}, so"
    assert words in " ".join(shots["notes"])
    everything = film(model, MOONS, nn.loss("bce"), weights)
    assert "slider" not in " ".join(everything["notes"])
    assert "400 of 1000 rows are drawn." in everything["notes"]


def test_the_last_picture_of_a_run_that_ended_early_is_kept():
    model, weights = walk(2, 60)
    short = weights["optimizer 1"] = weights["optimizer 1"][:38]
    shots = film(model, MOONS, nn.loss("bce"), weights, room=40_000)
    assert len(shots["stops"]) < 40
    assert 37 in shots["stops"]
    side = shots["picture"]["side"]
    pictures = unpacked(shots["picture"]["frames"]["optimizer 1"], side, side * side)
    view, shades = View.of(MOONS, frames=122), Shades.of(MOONS, nn.loss("bce"))
    assert side == view.side
    assert (pictures[-1] == frames(model, short[-1:], view, shades)[0]).all()


def test_the_last_values_of_a_run_that_ended_early_are_kept():
    model, weights = nn.mlp(2, 1, seed=0), {}
    weights["long"] = np.zeros((1001, model.parameters.value.size))
    weights["short"] = weights["long"][:98]
    shots = film(model, MOONS, nn.loss("bce"), weights)
    assert len(shots["epochs"]) < 400
    assert {0, 97, 1000} <= set(shots["epochs"])
