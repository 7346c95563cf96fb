"""Runs are pairs: a seed gives every optimizer the same rows, weights and order."""

import random

import numpy as np
import pytest
from comparison_runs import history

from minidl import Trainer, datasets, nn
from minidl.comparison import Experiment, compare
from minidl.comparison.experiment import Trainer as TrainerOfTheRace
from minidl.optim import TABLE, lookup


def curves(race, column="train_loss"):
    return {(run.optimizer, run.seed): run.history[column].tolist() for run in race.runs}


@pytest.fixture(scope="module")
def all_six():
    return compare("moons", seeds=2, epochs=2)


def test_every_optimizer_starts_at_the_same_loss_and_every_seed_at_another(all_six):
    initial = {key: losses[0] for key, losses in curves(all_six).items()}
    assert len(initial) == 2 * len(TABLE)
    assert [len({initial[e.name, seed] for e in TABLE}) for seed in (0, 1)] == [1, 1]
    assert initial["nag", 0] != initial["nag", 1]


def test_a_run_is_what_the_trainer_gives_with_that_seed(all_six):
    for run in all_six.runs:
        data = datasets.load("moons", split_seed=run.seed)
        model = nn.mlp(2, 16, 16, 1, activation="tanh", seed=run.seed)
        entry = lookup(run.optimizer)
        alone = Trainer(
            model,
            "bce",
            optimizer=entry.make(0.1, 0.9),
            batch_size=entry.batch_size,
            seed=run.seed,
        ).fit(data.X_train, data.y_train, epochs=2)
        for column in ("epoch", "updates", "samples", "train_loss", "train_accuracy"):
            assert np.array_equal(run.history[column], alone[column])


def test_without_momentum_the_three_rules_walk_one_path():
    race = compare("moons", optimizers=["gd", "momentum", "nag"], momentum=0.0, seeds=1, epochs=3)
    one, *others = curves(race).values()
    for other in others:
        np.testing.assert_allclose(other, one, rtol=1e-12)


def test_the_two_forms_of_nag_arrive_together():
    race = compare("moons", optimizers=["nag", "nag-reformulated"], seeds=4, epochs=12)
    hits = {name: [r.hit for r in race.runs if r.optimizer == name] for name in race_names(race)}
    assert hits["nag"] == hits["nag-reformulated"]
    assert any(hits["nag"])


def race_names(race):
    return [row.optimizer for row in race.rows]


def test_seeds_may_be_counted_or_listed(all_six):
    listed = compare("moons", optimizers=["nag"], seeds=[1], epochs=2)
    assert curves(listed)["nag", 1] == curves(all_six)["nag", 1]
    assert listed.settings["seeds"] == [1]


def test_numpys_integers_are_seeds_too():
    race = compare("moons", optimizers=["nag"], seeds=np.arange(2), epochs=1)
    assert race.settings["seeds"] == [0, 1]
    assert compare("moons", optimizers=["nag"], seeds=np.int64(1), epochs=1).to_json()


def test_each_seed_splits_the_rows_anew():
    def same_weights(seed):
        return nn.mlp(2, 4, 1, seed=0)

    race = compare("moons", same_weights, optimizers=["nag", "momentum"], seeds=2, epochs=1)
    initial = {key: losses[0] for key, losses in curves(race).items()}
    assert initial["nag", 0] == initial["momentum", 0]
    assert initial["nag", 0] != initial["nag", 1]


def test_a_data_set_is_taken_as_it_is():
    data = datasets.load("circles", n=80, seed=5)
    race = compare(data, optimizers=["nag"], seeds=2, epochs=1)
    assert race.settings["problem"] == "circles"
    for run in race.runs:
        model = nn.mlp(2, 16, 16, 1, activation="tanh", seed=run.seed)
        trainer = Trainer(model, "bce", optimizer=lookup("nag").make(0.1))
        initial = trainer.evaluate(data.X_train, data.y_train)["loss"]
        assert run.history["train_loss"][0] == initial


def test_a_model_of_ones_own_is_built_anew_for_every_run():
    built = []

    def model(seed):
        built.append(seed)
        return nn.mlp(2, 3, 1, activation="relu", seed=seed)

    race = compare("moons", model, optimizers=["nag", "momentum"], seeds=[4, 7], epochs=1)
    assert built == [4, 4, 7, 7]
    assert (race.settings["hidden"], race.settings["activation"]) == (None, None)
    assert str(race).startswith("moons: epochs until")


def test_the_network_and_the_loss_are_those_that_were_asked_for():
    race = compare(
        "moons", optimizers=["nag"], hidden=(5,), activation="relu", loss="hinge", seeds=1, epochs=1
    )
    data = datasets.load("moons", split_seed=0)
    model = nn.mlp(2, 5, 1, activation="relu", seed=0)
    initial = Trainer(model, "hinge", optimizer=lookup("nag").make(0.1))
    loss = initial.evaluate(data.X_train, data.y_train)["loss"]
    assert curves(race)["nag", 0][0] == loss


def test_classes_and_regressions_get_the_losses_that_suit_them():
    race = compare("iris", optimizers=["nag"], seeds=1, epochs=1)
    assert "train_accuracy" in race.runs[0].history
    race = compare("sine", optimizers=["nag"], seeds=1, epochs=1)
    assert "train_accuracy" not in race.runs[0].history


def test_batch_sizes_go_to_those_whose_name_leaves_them_open():
    race = compare("moons", batch_size=50, seeds=1, epochs=1)
    updates = {run.optimizer: run.history["updates"][-1] for run in race.runs}
    assert (updates["batch"], updates["stochastic"]) == (1, 750)
    assert {updates[n] for n in ("mini-batch", "momentum", "nag", "nag-reformulated")} == {15}


def test_random_numbers_elsewhere_change_nothing_and_are_left_alone():
    np.random.seed(3)  # noqa: NPY002
    random.seed(3)
    before = (np.random.get_state()[1].tolist(), random.getstate())  # noqa: NPY002
    first = curves(compare("moons", optimizers=["nag"], seeds=1, epochs=2))
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before  # noqa: NPY002
    np.random.seed(4)  # noqa: NPY002
    random.seed(4)
    assert curves(compare("moons", optimizers=["nag"], seeds=1, epochs=2)) == first


def test_all_optimizers_of_a_seed_run_before_the_next_seed():
    experiment = Experiment("moons", optimizers=["nag", "momentum"], seeds=2, epochs=1)
    order = [(run.seed, run.optimizer) for run in experiment.runs()]
    assert order == [(0, "nag"), (0, "momentum"), (1, "nag"), (1, "momentum")]
    assert len(experiment) == len(order)


def made_up(monkeypatch, losses, diverged_at=None):
    """Let every training return these losses."""
    made = history(len(losses) - 1)
    made._columns["train_loss"] = list(losses)
    made.diverged_at = diverged_at
    monkeypatch.setattr(TrainerOfTheRace, "fit", lambda *_, **__: made)


@pytest.mark.parametrize(
    ("losses", "hit"),
    [
        ([0.7, 0.05, 0.7, 0.05, 0.05, 0.7], None),
        ([0.7, 0.05, 0.7, 0.1, 0.05, 0.05], 3),
        ([0.7, 0.7, 0.7, 0.7, 0.05, 0.05], None),
        ([0.7, 0.05, 0.05, 0.05, 0.7, 0.7], 1),
    ],
)
def test_a_target_must_hold_for_three_epochs(monkeypatch, losses, hit):
    made_up(monkeypatch, losses)
    race = compare("moons", optimizers=["nag"], seeds=1, epochs=5)
    assert [run.hit for run in race.runs] == [hit]


@pytest.mark.parametrize(("sustained", "hit"), [(1, 1), (2, 3), (4, None)])
def test_for_how_many_epochs_can_be_said(monkeypatch, sustained, hit):
    made_up(monkeypatch, [0.7, 0.05, 0.7, 0.1, 0.05, 0.05])
    race = compare("moons", optimizers=["nag"], seeds=1, epochs=5, sustained=sustained)
    assert [run.hit for run in race.runs] == [hit]


def test_a_run_that_diverges_after_reaching_the_target_has_not_converged(monkeypatch):
    made_up(monkeypatch, [0.7, 0.05, 0.05, 0.05, 0.05], diverged_at=5)
    race = compare("moons", optimizers=["nag"], seeds=1, epochs=5)
    assert race.runs[0].hit is None
    assert (race.rows[0].reached, race.rows[0].diverged_at) == (0, 5)


def test_a_real_divergence_is_shown_and_warns_nobody():
    race = compare("sine", optimizers=["mini-batch"], lr=3.0, seeds=2, epochs=4)
    assert "diverged @ " in race.table()
    assert race.rows[0].reached == 0


def test_a_target_accuracy_is_judged_on_the_training_rows():
    race = compare("iris", optimizers=["nag"], target_accuracy=0.95, seeds=2, epochs=15)
    for run in race.runs:
        accuracy = run.history["train_accuracy"]
        assert run.hit is not None
        assert (accuracy[run.hit : run.hit + 3] >= 0.95).all()


def test_progress_is_shown_on_standard_error_and_only_if_asked_for(capsys):
    compare("moons", optimizers=["nag"], seeds=1, epochs=1)
    assert capsys.readouterr() == ("", "")
    compare("moons", optimizers=["nag"], seeds=2, epochs=1, progress=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "2/2" in captured.err
