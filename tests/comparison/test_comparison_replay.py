"""Runs trained again with their weights: those of the comparison, also from its file."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from comparison_runs import sealed_again

from minidl import Tensor, datasets, nn, optim
from minidl.comparison import Comparison, compare, replay
from minidl.comparison.replay import typical_seed
from minidl.errors import ArgumentError, DataError

SMALL = {"epochs": 6, "seeds": [3, 4], "tuning_seeds": 1, "lr": [0.1, 0.3], "hidden": [4],
         "sustained": 1, "target": "gap:0.5"}  # fmt: skip


def load(seed):
    return datasets.load("moons", n=60, split_seed=seed)


@pytest.fixture(scope="module")
def found():
    return compare(load, **SMALL)


def read(found, tmp_path):
    found.to_json(tmp_path / "found.json")
    return Comparison.from_json(tmp_path / "found.json")


def agrees(found, replays, seed):
    """Assert that the replays have the curves of the comparison's own runs."""
    assert list(replays) == [c.name for c in found.plan.contestants]
    for name, one in replays.items():
        run = found.table[name, found.chosen[name].setting, seed]
        assert one.setting == run.setting
        for column, curve in run.curves.items():
            np.testing.assert_allclose(one.history[column], curve, rtol=1e-12, atol=1e-14)
        assert len(one.weights) == len(run.curves["train_loss"])


def test_a_replay_has_the_losses_of_the_comparison(found):
    agrees(found, replay(found), typical_seed(found))
    agrees(found, replay(found, seed=4), 4)
    agrees(found, replay(found, seed=10_000), 10_000)


def test_the_weights_of_each_epoch_give_the_loss_of_that_epoch(found):
    for one in replay(found).values():
        for weights, loss in zip(one.weights, one.history["train_loss"], strict=True):
            one.model.parameters.set(weights)
            outputs = one.model.predict(one.data.X_train)
            value = nn.loss("bce")(Tensor(outputs), one.data.y_train).item()
            assert value == pytest.approx(loss, rel=1e-12)


def test_all_optimizers_start_from_the_same_weights_and_leave_the_comparison_alone(found):
    first, *others = replay(found).values()
    for other in others:
        assert (other.weights[0] == first.weights[0]).all()
        assert (other.weights[-1] != first.weights[-1]).any()
    again = replay(found)
    assert all((again[name].weights == one.weights).all() for name, one in replay(found).items())


def test_custom_data_networks_losses_and_optimizers_are_replayed_by_a_comparison_just_made():
    made = compare(
        (np.linspace(-1, 1, 40)[:, None], np.linspace(-1, 1, 40) ** 2),
        lambda seed: nn.Sequential(nn.Dense(1, 3), nn.Tanh(), nn.Dense(3, 1), seed=seed),
        optimizers={"mine": optim.NAG(0.1, 0.7), "other": optim.GradientDescent(0.2)},
        loss=nn.Huber(0.5), epochs=4, seeds=2, tuning_seeds=1, tune="none", sustained=1,
        target="gap:0.9",
    )  # fmt: skip
    agrees(made, replay(made), typical_seed(made))


def test_a_comparison_of_a_named_data_set_is_replayed_from_its_file(tmp_path):
    settings = {**SMALL, "activation": "relu", "hidden": [5, 3], "loss": "hinge"}
    made = compare("xor", optimizers=["stochastic", "nag"], **settings)
    agrees(made, replay(read(made, tmp_path)), typical_seed(made))


def test_other_data_of_a_file_must_be_given_and_be_those(found, tmp_path):
    loaded = read(found, tmp_path)
    with pytest.raises(DataError, match="this is not what was compared: gd starts with a training"):
        replay(loaded)  # moons, but of 60 rows
    agrees(found, replay(loaded, load), typical_seed(found))
    with pytest.raises(DataError, match="this is not what was compared: the network is Sequential"):
        replay(loaded, load, lambda seed: nn.mlp(2, 3, 1, seed=seed))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"problem": ([[0.0], [1.0], [2.0], [3.0]] * 3, ["a", "b"] * 6)}, "hold the data 'arrays'"),
        ({"model": lambda seed: nn.Sequential(nn.LayerNorm(2), nn.Dense(2, 1), seed=seed)},
         r"hold the network Sequential\(LayerNorm\("),
        ({"loss": nn.Huber(0.3)}, r"hold the loss Huber\(delta=0.3\)"),
        ({"optimizers": {"mine": optim.NAG(0.1)}, "lr": None, "tune": "none"},
         "hold the optimizer 'mine'"),
        ({"optimizers": {"nag": optim.Momentum(0.1)}, "lr": None, "tune": "none"},
         r"optimizer 'nag' is NAG\(.*, in the comparison Momentum\("),
    ],
)  # fmt: skip
def test_what_a_file_does_not_hold_is_named(given, message, tmp_path):
    made = compare(**{"problem": "moons", "optimizers": ["nag"], **SMALL, **given})
    replay(made)
    with pytest.raises(DataError, match=message):
        replay(read(made, tmp_path))


def test_a_seed_without_a_run_is_an_error(found):
    with pytest.raises(ArgumentError, match=r"seed .*gd.*: got 5, expected one of 3, 4, 10000"):
        replay(found, seed=5)


def test_a_diverged_run_ends_where_the_comparison_says():
    hot = compare("moons", optimizers=["nag"], lr=3e5, epochs=5, seeds=1, tuning_seeds=[7],
                  target="loss:0.1", sustained=1)  # fmt: skip
    one = replay(hot)["nag"]
    assert one.history.diverged_at == hot.runs[0].diverged_at
    assert len(one.weights) == len(one.history)


def test_a_finished_comparison_does_not_keep_the_data_of_every_seed():
    calls = []
    made = compare(lambda seed: calls.append(seed) or load(seed), optimizers=["nag"], **SMALL)
    assert sorted(calls) == [0, 3, 4, 10_000]
    replay(made, seed=4)
    assert calls[4:] == [4]


def test_pickling_keeps_the_numbers_without_data_and_networks(found):
    copy = pickle.loads(pickle.dumps(found))
    assert copy.made_with is None
    assert copy.to_json() == found.to_json()


def with_other_held_out_rows(seed):
    """The same training rows, and one held-out target that is another."""
    data = load(seed)
    y = data.y_test.copy()
    y[0] = 1 - y[0]
    return replace(data, y_test=y)


def without_held_out_rows(seed):
    data = load(seed)
    return replace(data, X_test=data.X_test[:0], y_test=data.y_test[:0])


def test_other_held_out_rows_are_not_what_was_compared(found, tmp_path):
    loaded = read(found, tmp_path)
    with pytest.raises(DataError, match="compared: gd starts with a validation loss of"):
        replay(loaded, with_other_held_out_rows)
    with pytest.raises(DataError, match="it has no held-out rows, unlike the comparison"):
        replay(loaded, without_held_out_rows)


def test_a_file_of_numbers_runs_no_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("open('ran', 'w').close()", encoding="utf-8")
    made = compare("moons", optimizers=["nag"], **SMALL)
    text = sealed_again(made.to_json().replace('"nag"', '"evil.py:NAG"'))
    (tmp_path / "found.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"does not hold the optimizer 'evil\.py:NAG'"):
        replay(Comparison.from_json(tmp_path / "found.json"))
    assert not (tmp_path / "ran").exists()


def test_an_optimizer_whose_code_has_changed_is_not_replayed(tmp_path):
    made = compare("moons", optimizers=["nag"], **SMALL)
    loaded = read(made, tmp_path)
    loaded.request["code of nag"] = "another hash"
    with pytest.raises(DataError, match="this is not what was compared: the optimizer 'nag'"):
        replay(loaded)
