"""Diagnoses of networks whose Hessian, dead units and scales are known."""

from __future__ import annotations

import json
import math
import sys
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from minidl import Trainer, errors, nn, optim
from minidl.streams import stream
from minidl.training import Diagnosis, diagnose, find_lr
from minidl.training.limits import limit_of

RNG = np.random.default_rng(0)
X = np.concatenate([RNG.standard_normal((40, 3)) * [1.0, 2.0, 0.5], np.zeros((1, 3))])
TARGETS = X @ [[1.0], [-2.0], [0.5]]
H = 2 * X.T @ X / len(X)  # of the squared error, whatever the weights
TOP = float(np.linalg.eigvalsh(H)[-1])
RULES = {
    "gd": (optim.GradientDescent, {}, 2.0),
    "momentum": (optim.Momentum, {"momentum": 0.8}, 2 * 1.8),
    "nag": (optim.NAG, {"momentum": 0.8}, 2 * 1.8 / 2.6),
    "nag-reformulated": (optim.ReformulatedNAG, {"momentum": 0.8}, 2 * 1.8 / 2.6),
    "clipped": (lambda lr: optim.ClipByNorm(optim.GradientDescent(lr), 1e9), {}, 2.0),
}


def linear() -> nn.Layer:
    return nn.Dense(3, 1, bias=False, seed=1)


def trainer(model: nn.Layer, optimizer: object, **settings: object) -> Trainer:
    settings = {"batch_size": "full", "seed": 0} | settings
    return Trainer(model, "mse", optimizer, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("rule", RULES)
def test_1_percent_below_the_limit_trains_and_1_percent_above_diverges(rule: str) -> None:
    make, settings, limit = RULES[rule]
    for share in (0.99, 1.01):
        made = trainer(linear(), make(lr=share * limit / TOP, **settings))  # type: ignore[operator]
        before = made.model.parameters.value.copy()
        found = diagnose(made, X, TARGETS)
        assert_allclose(found.sharpness, TOP, rtol=1e-9)
        assert_allclose(found.product, share * limit, rtol=1e-9)
        assert found.limit is not None
        assert_allclose([found.limit, found.largest_lr], [limit, limit / TOP], rtol=1e-9)
        assert found.stable is (share < 1)
        assert (made.model.parameters.value == before).all()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            history = made.fit(X, TARGETS, epochs=1500)
        assert history.diverged is (share > 1)
        assert bool(history["train_loss"][-1] < 1e-6) is (share < 1)
        if share > 1:
            assert diagnose(made, X, TARGETS).course == "diverged"


def settled(rule: str, lr: float) -> Trainer:
    """Return a Trainer whose preconditioner has settled, and stays as long as gradients are small.

    The weights are close to the minimum, and the squares have the values 0.25, 1 and 4.
    """
    rates = {"beta2": 1 - 1e-6} if rule == "adam" else {"rho": 1 - 1e-6, "momentum": 0.8}
    made = trainer(linear(), (optim.Adam if rule == "adam" else optim.RMSprop)(lr=lr, **rates))
    made.model.parameters.value[...] = [1 + 1e-6, -2 - 1e-6, 0.5 + 1e-6]
    optimizer, zero = made.optimizer, np.zeros(3)
    optimizer.step(made.model.parameters.value, lambda point: zero)
    optimizer.state["square_mean"][...] = [0.25, 1.0, 4.0]
    optimizer.step_count = 10**9
    return made


@pytest.mark.parametrize(("rule", "limit"), [("adam", 2 * 1.9 / 0.1), ("rmsprop", 2 * 1.8)])
def test_the_limit_of_adam_and_rmsprop_is_that_of_the_preconditioned_hessian(
    rule: str, limit: float
) -> None:
    D = np.sqrt([0.25, 1.0, 4.0])
    goal = np.array([1.0, -2.0, 0.5])
    top = float(np.linalg.eigvalsh(H / np.sqrt(np.outer(D, D)))[-1])
    for share in (0.99, 1.01):
        made = settled(rule, share * limit / top)
        found = diagnose(made, X, TARGETS)
        assert_allclose([found.sharpness, found.limit], [top, limit], rtol=1e-6)
        assert found.preconditioned
        assert found.stable is (share < 1)
        w, far = made.model.parameters.value, []
        for _ in range(1500):
            made.optimizer.step(w, lambda point: H @ (point - goal))
            far.append(float(np.linalg.norm(w - goal)))
            if far[-1] > 1e-3:
                break
        assert (far[-1] < 1e-7) is (share < 1)
        assert (far[-1] > 1e-3) is (share > 1)


@pytest.mark.parametrize(
    ("optimizer", "reason"),
    [
        (optim.Adam(0.1), "Adam has no limit before its first step"),
        (optim.Lion(0.1), "No limit is known for Lion."),
        (optim.DecoupledWeightDecay(optim.NAG(0.1), 0.1), "with DecoupledWeightDecay"),
        (optim.GradientRestart(optim.NAG(0.1)), "No limit is known with GradientRestart."),
    ],
)
def test_where_no_limit_is_known_the_result_says_so(
    optimizer: optim.Optimizer, reason: str
) -> None:
    found = diagnose(trainer(linear(), optimizer), X, TARGETS)
    assert found.limit is found.stable is found.largest_lr is found.suggested_lr is None
    assert reason in str(found)
    assert "the learning rate was not judged" in str(found)
    assert_allclose(found.sharpness, TOP, rtol=1e-9)


@pytest.mark.parametrize(("rule", "margin"), [("gd", 2), ("momentum", 4), ("nag", 2)])
def test_the_l2_penalty_adds_to_the_sharpness_and_the_margin_is_kept(
    rule: str, margin: float
) -> None:
    found = diagnose(trainer(linear(), rule, lr=0.1, l2=0.5), X, TARGETS)
    assert_allclose(found.sharpness, TOP + 0.5, rtol=1e-9)
    assert found.largest_lr is not None
    assert found.suggested_lr is not None
    assert found.margin == margin
    assert found.largest_lr / margin / 2 < found.suggested_lr <= found.largest_lr / margin
    assert f"with a margin of {margin}, lr {found.suggested_lr:g}" in str(found)


def test_a_schedule_is_judged_at_the_present_step() -> None:
    made = trainer(linear(), optim.GradientDescent(lr=lambda step: 5.0 if step else 0.01))
    assert diagnose(made, X, TARGETS).lr == 0.01
    made.fit(X, TARGETS, epochs=1)
    assert diagnose(made, X, TARGETS).lr == 5.0


def test_dead_relus_are_counted_by_the_name_of_the_layer() -> None:
    model = nn.mlp(3, 5, 4, 1, activation="relu", seed=0)
    model.parameters["0.bias"].data[..., [1, 3]] = -1e3  # two of five never fire
    model.parameters["2.bias"].data[...] = -1e6
    found = diagnose(trainer(model, "gd", lr=0.1), X, TARGETS)
    assert found.dead["3"] == (4, 4)
    assert found.dead["1"][1] == 5
    assert found.dead["1"][0] >= 2
    assert found.saturated == {}
    norms = {s.name: s.gradient_norm for s in found.layers if s.gradient_norm is not None}
    assert norms["0"] == norms["2"] == 0.0  # nothing passes the dead layer
    assert norms["4"] > 0
    assert found.vanished == ("0", "2")
    assert "4 of 4 in layer 3" in str(found)
    assert diagnose(trainer(nn.mlp(3, 5, 1, seed=0), "gd", lr=0.1), X, TARGETS).dead == {}


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "hardtanh"])
def test_saturated_units_are_counted(name: str) -> None:
    model = nn.mlp(3, 4, 1, activation=name, seed=0)
    fine = diagnose(trainer(model, "gd", lr=0.1), X / 10, TARGETS)
    assert fine.saturated == {}
    model.parameters["0.bias"].data[..., [0, 2, 3]] = [30.0, -30.0, 12.0]
    found = diagnose(trainer(model, "gd", lr=0.1), X / 10, TARGETS)
    assert found.saturated == {"1": (3, 4)}
    assert found.dead == {}
    assert "3 of 4 in layer 1" in str(found)


@pytest.mark.parametrize("name", [n for n in nn.activations.ACTIVATIONS if "softmax" not in n])
def test_a_new_layer_of_any_activation_has_no_dead_and_no_saturated_units(name: str) -> None:
    found = diagnose(
        trainer(nn.mlp(3, 6, 1, activation=name, seed=0), "gd", lr=0.1), 0.9 * np.eye(3), np.ones(3)
    )
    states = {s.name: s for s in found.layers}
    assert states["1"].units == 6
    assert states["1"].saturated == 0
    if name not in ("relu", "relu6", "softshrink"):  # which pass nothing on one side
        assert states["1"].dead == 0


def test_gradient_norms_are_those_of_the_objective_and_nothing_is_changed() -> None:
    model = nn.mlp(3, 4, 1, seed=0)
    made = trainer(model, "nag", lr=0.1)
    made.fit(X, TARGETS, epochs=3)
    vector = model.parameters
    kept = vector.grad.copy(), vector.value.copy(), made.optimizer.state["velocity"].copy()
    found = diagnose(made, X, TARGETS)
    assert (vector.grad == kept[0]).all()
    assert (vector.value == kept[1]).all()
    assert (made.optimizer.state["velocity"] == kept[2]).all()
    assert all("forward" not in vars(layer) for _, layer in model.children())
    made.objective.gradient(vector.value, X, TARGETS)
    for state in found.layers:
        if state.gradient_norm is not None:
            parts = [vector[f"{state.name}.{n}"].grad.ravel() for n in ("weight", "bias")]
            assert_allclose(state.gradient_norm, np.linalg.norm(np.concatenate(parts)), rtol=1e-9)


def test_a_run_goes_on_with_the_same_bits_after_a_diagnosis() -> None:
    ends = []
    for looks in (False, True):
        made = trainer(nn.mlp(3, 4, 1, dropout=0.2, seed=0), "nag", lr=0.05, batch_size=8)
        made.fit(X, TARGETS, epochs=2)
        if looks:
            diagnose(made, X, TARGETS)
        made.fit(X, TARGETS, epochs=2)
        ends.append(made.model.parameters.value.tobytes())
    assert ends[0] == ends[1]


def test_columns_times_1000_are_named_and_make_the_loss_as_much_sharper() -> None:
    wide = X * [1.0, 1000.0, 1.0]
    found = diagnose(trainer(linear(), "gd", lr=0.1), wide, TARGETS)
    assert list(found.unscaled) == [1]
    assert_allclose(found.columns, np.sqrt((wide**2).mean(axis=0)))
    assert_allclose(found.sharpness, np.linalg.eigvalsh(2 * wide.T @ wide / len(X))[-1], rtol=1e-9)
    assert found.stable is False
    assert "1 input column not on a scale of 1, by root mean square: 1 (" in str(found)
    assert list(diagnose(trainer(linear(), "gd", lr=0.1), X / 1000, TARGETS).unscaled) == [0, 1, 2]
    numbers = nn.Sequential(nn.Embedding(5000, 2, seed=0), nn.Dense(2, 1, seed=0))
    rows = np.arange(4000.0, 4005.0)[:, None]  # not a scale, but names of categories
    assert diagnose(trainer(numbers, "gd", lr=0.1), rows, np.ones(5)).unscaled == {}


def test_a_run_that_stands_still_is_told_that_its_rate_is_small() -> None:
    made = trainer(linear(), "gd", lr=1e-6)
    made.fit(X, TARGETS, epochs=5)
    found = diagnose(made, X, TARGETS)
    assert found.course == "standing still"
    assert f"lr 1e-06 is small: up to {found.largest_lr:.3g} is stable" in str(found)


def test_a_run_that_diverged_though_its_rate_seems_stable_is_told_so() -> None:
    made = trainer(linear(), optim.GradientDescent(lr=lambda step: 0.01 if step < 3 else 50.0))
    with pytest.warns(errors.DivergenceWarning):
        made.fit(X, TARGETS, epochs=50)
    made.optimizer.hyperparameters["lr"] = 0.01
    assert "The run diverged, though lr 0.01 is below the limit" in str(diagnose(made, X, TARGETS))


def test_a_sharpness_that_cannot_be_computed_is_a_note() -> None:
    made = trainer(linear(), "gd", lr=0.1)
    made.model.parameters.value[...] = np.inf
    found = diagnose(made, X, TARGETS)
    assert math.isnan(found.sharpness)
    assert found.limit is found.stable is None
    assert "The sharpness is unknown: the gradient at these weights is not finite" in str(found)
    assert json.loads(json.dumps(found.to_dict()))["sharpness"] is None


def test_the_result_is_plain_data_and_float32_is_float32() -> None:
    model = nn.mlp(3, 4, 1, seed=0, dtype=np.float32)
    found = diagnose(trainer(model, "nag", lr=0.1, batch_size=8), X, TARGETS)
    assert isinstance(found, Diagnosis)
    assert found.mini_batches
    record = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert record["stable"] == found.stable
    assert record["layers"][1]["units"] == 4
    assert model.parameters.value.dtype == np.float32
    with pytest.raises(errors.ArgumentError, match="trainer must be a Trainer"):
        diagnose(model, X, TARGETS)  # type: ignore[arg-type]


@pytest.mark.parametrize("rule", ["gd", "momentum", "nag"])
def test_the_range_test_ends_beyond_the_exact_limit_and_its_rate_is_below(rule: str) -> None:
    made = trainer(linear(), rule, lr=0.1)
    before = made.model.parameters.value.copy()
    curve = find_lr(made, X, TARGETS, steps=200)
    largest = diagnose(made, X, TARGETS).largest_lr
    assert largest is not None
    assert largest / 2 < curve.lowest < curve.rates[-1]  # a run needs steps to grow from little
    assert largest / 20 < curve.lr < largest
    assert float(curve) == curve.lr == pytest.approx(curve.lowest / 10, rel=0.06)
    assert curve.ended == "worse"
    assert len(curve.rates) == len(curve.losses)
    assert_allclose(np.diff(np.log(curve.rates)), np.log(1e6) / 199)
    assert (made.model.parameters.value == before).all()
    assert made.optimizer.step_count == made.epoch == 0
    assert curve == find_lr(made, X, TARGETS, steps=200)


def test_the_first_steps_of_the_range_test_are_those_of_the_rule() -> None:
    made = trainer(linear(), "gd", lr=0.1)
    w, losses = made.model.parameters.value.copy(), []
    curve = find_lr(made, X, TARGETS, lowest=0.001, highest=0.01, steps=3)
    for lr in (0.001, 0.001 * 10**0.5, 0.01):
        w -= lr * 2 * X.T @ (X @ w - TARGETS[:, 0]) / len(X)
        losses.append(np.mean((X @ w - TARGETS[:, 0]) ** 2))
    assert_allclose(curve.losses, losses, rtol=1e-12)
    assert curve.ended == "steps"
    assert curve.lr == 0.001


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lowest": 1.0, "highest": 0.1}, "lowest must be below highest"),
        ({"lowest": -1.0}, "lowest must be positive"),
        ({"steps": 1}, "steps must be"),
    ],
)
def test_wrong_settings_of_the_range_test_are_errors(
    settings: dict[str, float], message: str
) -> None:
    with pytest.raises(errors.ArgumentError, match=message):
        find_lr(trainer(linear(), "gd", lr=0.1), X, TARGETS, **settings)  # type: ignore[arg-type]


def test_the_range_test_wants_a_new_trainer_with_a_number() -> None:
    made = trainer(linear(), "gd", lr=0.1)
    made.fit(X, TARGETS, epochs=1)
    with pytest.raises(errors.ArgumentError, match="must not have been used"):
        find_lr(made, X, TARGETS)
    scheduled = trainer(linear(), optim.GradientDescent(lr=lambda step: 0.1))
    with pytest.raises(errors.ArgumentError, match="not a schedule"):
        find_lr(scheduled, X, TARGETS)


def test_the_scales_of_adam_are_those_of_its_next_steps_also_at_the_first() -> None:
    optimizer, g = optim.Adam(0.1), np.array([2.0, -0.5])
    optimizer.step(np.zeros(2), lambda point: g)
    scale = limit_of(optimizer).scale  # of steps lr m / D, where m is not corrected yet
    assert scale is not None
    assert_allclose(scale, ((1 - 0.9) * (np.abs(g) + 1e-8)) ** -0.5, rtol=1e-9)


def test_a_negative_slope_is_not_dead() -> None:
    model = nn.mlp(3, 2, 1, activation="silu", seed=0)
    model.parameters["0.weight"].data[...] = 0.01
    model.parameters["0.bias"].data[...] = -3.0  # where the slope of SiLU is -0.09
    assert diagnose(trainer(model, "gd", lr=0.1), X, TARGETS).dead == {}


def test_a_class_weight_counts_its_rows_as_often() -> None:
    y = (X[:, 0] > 0.3).astype(int)
    found = []
    for weight, times in (({0: 1.0, 1: 3.0}, np.ones_like(y)), (None, 1 + 2 * y)):
        made = Trainer(
            nn.mlp(3, 4, 1, seed=0), "bce", "gd", lr=0.1, batch_size="full", class_weight=weight
        )
        found.append(diagnose(made, np.repeat(X, times, axis=0), np.repeat(y, times)))
    assert_allclose(found[0].sharpness, found[1].sharpness, rtol=1e-6)
    norms = [[s.gradient_norm for s in one.layers if s.gradient_norm] for one in found]
    assert_allclose(norms[0], norms[1], rtol=1e-9)


def test_a_loss_that_got_worse_is_told() -> None:
    made = trainer(linear(), "gd", lr=1.05 * 2 / TOP)
    with pytest.warns(errors.WorseLossWarning):
        made.fit(X, TARGETS, epochs=40)
    assert diagnose(made, X, TARGETS).course == "worse"
    made.optimizer.lr = 0.01
    assert "made the loss worse, though lr 0.01" in str(diagnose(made, X, TARGETS))


def test_of_many_rows_a_part_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["minidl.training.diagnose"], "LARGEST", 20)
    found = diagnose(trainer(linear(), "gd", lr=0.1), X, TARGETS)
    rows = X[stream(0, "split", 1).permutation(len(X))[:20]]
    assert_allclose(found.columns, np.sqrt((rows**2).mean(axis=0)))
    assert_allclose(found.sharpness, np.linalg.eigvalsh(2 * rows.T @ rows / 20)[-1], rtol=1e-9)


def test_batch_norm_is_a_note() -> None:
    model = nn.Sequential(nn.Dense(3, 2, seed=0), nn.BatchNorm(2), nn.Dense(2, 1, seed=0))
    text = str(diagnose(trainer(model, "gd", lr=0.1), X, TARGETS))
    assert "Batch norm is measured with its running statistics" in text


def test_the_range_test_draws_the_batches_of_the_trainer_s_own_run() -> None:
    def make(lr: object) -> Trainer:
        made = optim.NAG(lr=lr)  # type: ignore[arg-type]
        return trainer(nn.mlp(3, 4, 1, dropout=0.2, seed=0), made, batch_size=14)

    rates = np.geomspace(0.001, 0.02, 9)
    curve = find_lr(make(0.1), X, TARGETS, lowest=0.001, highest=0.02, steps=9)
    history = make(lambda step: float(rates[min(step, 8)])).fit(X, TARGETS, epochs=1)
    assert_allclose(curve.losses[2], history["train_loss"][1], rtol=1e-12)
    plain = trainer(linear(), optim.NAG(lr=lambda step: float(rates[min(step, 8)])), batch_size=14)
    history = plain.fit(X, TARGETS, epochs=3)
    made = trainer(linear(), "nag", lr=0.1, batch_size=14)
    curve = find_lr(made, X, TARGETS, lowest=0.001, highest=0.02, steps=9)
    assert_allclose(curve.losses[2::3], history["train_loss"][1:], rtol=1e-12)
