"""What cannot be raced is refused in words, and before anything is trained."""

import math

import pytest

from minidl import nn
from minidl.comparison import Experiment, compare
from minidl.errors import ArgumentError, DataError, UnknownNameError
from minidl.optim import ExponentialDecay, lookup


def load_nothing(seed):
    raise AssertionError


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"seeds": 0}, "seeds cannot be used; received 0"),
        ({"seeds": -1}, "seeds cannot be used; received -1"),
        ({"seeds": 2.5}, "seeds cannot be used; received 2.5"),
        ({"seeds": True}, "seeds cannot be used; received True"),
        ({"seeds": "12"}, "seeds cannot be used; received '12'"),
        ({"seeds": []}, r"received \[\]; expected at least one seed, and each once"),
        ({"seeds": [1, 1]}, r"received \[1, 1\]; expected at least one seed, and each once"),
        ({"seeds": [0, 2.5]}, "a seed cannot be used; received 2.5"),
        ({"seeds": [-3]}, "a seed cannot be used; received -3"),
        ({"optimizers": []}, "there is nothing to compare"),
        ({"optimizers": "nag"}, "optimizers cannot be used; received 'nag'; expected a list"),
        ({"optimizers": ["nag", "nag"]}, "an optimizer is named twice; received 'nag'"),
        ({"optimizers": ["nag", "Nesterov"]}, "named twice; received 'Nesterov'"),
        ({"target_loss": 0.1, "target_accuracy": 0.9}, "a loss or an accuracy, one of the two"),
        ({"target_loss": math.nan}, "loss cannot be used; received nan"),
        ({"target_loss": math.inf}, "loss cannot be used; received inf"),
        ({"target_accuracy": 95}, "accuracy cannot be used; received 95; expected 0 to 1"),
        ({"lr": 0.0}, "lr cannot be used; received 0.0"),
        ({"lr": math.nan}, "lr cannot be used; received nan"),
        ({"lr": ExponentialDecay(0.1, 0.9)}, "lr cannot be used"),
        ({"momentum": 1.0}, "momentum cannot be used; received 1.0"),
        ({"momentum": -0.1}, "momentum cannot be used"),
        ({"batch_size": 0}, "batch_size cannot be used; received 0"),
        ({"epochs": 0}, "epochs cannot be used; received 0"),
        ({"epochs": 2.0}, "epochs cannot be used; received 2.0"),
        ({"sustained": 0}, "sustained cannot be used; received 0"),
        ({"hidden": (0,)}, "hidden cannot be used; received 0"),
    ],
)
def test_a_bad_argument_is_refused_and_named_before_anything_is_loaded(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        Experiment("moons", load=load_nothing, **arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"problem": "mons"}, "unknown data set 'mons'.*Did you mean 'moons'"),
        ({"optimizers": ["nag", "momentun"]}, "'momentun'.*Did you mean 'momentum'"),
        ({"activation": "tahn"}, "unknown activation 'tahn'.*Did you mean 'tanh'"),
        ({"loss": "hing"}, "unknown loss 'hing'.*Did you mean 'hinge'"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(arguments, words):
    with pytest.raises(UnknownNameError, match=words):
        compare(**{"problem": "moons", **arguments})


@pytest.mark.parametrize("problem", ["diabetes", "sine"])
def test_a_regression_has_no_accuracy(problem):
    with pytest.raises(ArgumentError, match=r"no accuracy; received MeanSquaredError.*target loss"):
        compare(problem, target_accuracy=0.9)


def test_a_target_that_holds_before_training_is_refused():
    with pytest.raises(ArgumentError, match=r"before training; received target_loss=5"):
        compare("moons", target_loss=5.0, seeds=1, epochs=1)


def test_a_file_that_is_not_there_is_an_error_of_the_data():
    with pytest.raises(DataError, match="no such file"):
        compare("missing.csv")


def test_a_model_that_is_handed_out_twice_is_refused():
    model = nn.mlp(2, 3, 1, seed=0)
    with pytest.raises(ArgumentError, match="a new model each time"):
        compare("moons", lambda seed: model, seeds=1, epochs=1)


def test_a_model_that_is_none_is_refused():
    with pytest.raises(ArgumentError, match="model is not a layer"):
        compare("moons", lambda seed: "perceptron", seeds=1, epochs=1)


def test_both_doors_refuse_alike():
    with pytest.raises(ArgumentError, match="seeds cannot be used; received 0"):
        compare("moons", seeds=0)


def test_a_run_that_never_arrived_has_infinite_counts():
    race = compare("moons", optimizers=["nag"], seeds=1, epochs=1)
    run = race.runs[0]
    assert (run.hit, run.epochs, run.at_hit("updates")) == (None, math.inf, math.inf)
    assert lookup(run.optimizer).name == "nag"
