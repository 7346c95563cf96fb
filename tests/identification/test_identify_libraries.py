"""The optimizers of PyTorch, Keras and optax are identified from their recorded responses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minidl.identification import Identification, Response, identify

FILE = Path(__file__).parents[1] / "golden" / "identify.npz"
DECAYS = "with weight decay in the gradient"
DECOUPLED = "with decoupled weight decay"
OUTSIDE = "with the learning rate outside the velocity"
LOOK = "NAG, stored at the look-ahead point"
# What each is, and the hyperparameters other than the library's defaults below.
EXPECTED: dict[str, tuple[str, dict[str, float]]] = {
    "torch SGD": ("GradientDescent", {}),
    "torch SGD momentum": (f"Momentum, {OUTSIDE}", {"momentum": 0.9}),
    "torch SGD dampening": ("Momentum with dampening", {"momentum": 0.9, "dampening": 0.5}),
    "torch SGD nesterov": (f"{LOOK}, {OUTSIDE}", {"momentum": 0.9}),
    "torch SGD weight_decay": ("GradientDescent with weight decay", {"weight_decay": 0.01}),
    "torch SGD momentum weight_decay": (f"Momentum, {OUTSIDE} and {DECAYS}",
                                        {"momentum": 0.9, "weight_decay": 0.01}),
    "torch SGD nesterov weight_decay": (f"{LOOK}, {OUTSIDE} and {DECAYS}",
                                        {"momentum": 0.8, "weight_decay": 0.1}),
    "torch SGD maximize": (f"Momentum, {OUTSIDE}, that goes uphill", {"momentum": 0.9}),
    "torch Adam": ("Adam", {}),
    "torch Adam betas": ("Adam", {"lr": 0.02, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-6}),
    "torch Adam weight_decay": (f"Adam {DECAYS}", {"weight_decay": 0.1}),
    "torch Adam decoupled_weight_decay": ("AdamW", {"weight_decay": 0.1}),
    "torch Adam amsgrad": ("AMSGrad", {}),
    "torch Adam maximize": ("Adam that goes uphill", {}),
    "torch AdamW": ("AdamW", {"weight_decay": 0.01}),
    "torch AdamW amsgrad": (f"AMSGrad {DECOUPLED}", {"weight_decay": 0.01}),
    "torch AdamW maximize": ("AdamW that goes uphill", {"weight_decay": 0.01}),
    "torch NAdam": ("NAdam", {"lr": 0.002, "momentum_decay": 0.004}),
    "torch NAdam weight_decay": (f"NAdam {DECAYS}", {"momentum_decay": 0.01, "weight_decay": 0.01}),
    "torch NAdam decoupled_weight_decay": (f"NAdam {DECOUPLED}", {"weight_decay": 0.01}),
    "torch RAdam": ("RAdam", {}),
    "torch RAdam weight_decay": (f"RAdam {DECAYS}", {"beta2": 0.99, "weight_decay": 0.01}),
    "torch RAdam decoupled_weight_decay": (f"RAdam {DECOUPLED}", {"weight_decay": 0.01}),
    "torch Adamax": ("AdaMax", {"lr": 0.002}),
    "torch Adamax weight_decay": (f"AdaMax {DECAYS}", {"weight_decay": 0.01}),
    "torch RMSprop": ("RMSprop", {"lr": 0.01, "rho": 0.99, "epsilon": 1e-8}),
    "torch RMSprop momentum": (f"RMSprop, {OUTSIDE}", {"rho": 0.99, "momentum": 0.9}),
    "torch RMSprop centered": ("CenteredRMSprop", {"rho": 0.99, "epsilon": 1e-8}),
    "torch RMSprop centered momentum": (f"CenteredRMSprop, {OUTSIDE}", {"momentum": 0.9}),
    "torch RMSprop weight_decay": (f"RMSprop {DECAYS}", {"weight_decay": 0.01}),
    "torch Adagrad": ("Adagrad", {"lr": 0.01, "epsilon": 1e-10}),
    "torch Adagrad lr_decay": ("Adagrad with a decaying learning rate", {"lr_decay": 0.01}),
    "torch Adagrad initial_accumulator_value": ("Adagrad with a sum that begins above 0",
                                                {"initial": 0.1, "epsilon": 1e-10}),
    "torch Adagrad weight_decay": (f"Adagrad {DECAYS}", {"weight_decay": 0.01}),
    "torch Adadelta": ("Adadelta", {"lr": 1.0, "rho": 0.9, "epsilon": 1e-6}),
    "torch Adadelta weight_decay": (f"Adadelta {DECAYS}", {"rho": 0.95, "weight_decay": 0.01}),
    "torch Rprop": ("Rprop", {"shrink": 0.5, "grow": 1.2, "smallest": 1e-6, "largest": 50}),
    "torch Rprop etas": ("Rprop", {"shrink": 0.4, "grow": 1.1, "smallest": 1e-3, "largest": 1}),
    "torch Rprop maximize": ("Rprop that goes uphill", {"lr": 0.01}),
    "keras SGD": ("GradientDescent", {"lr": 0.01}),
    "keras SGD momentum": ("Momentum", {"momentum": 0.9}),
    "keras SGD nesterov": (LOOK, {"momentum": 0.9}),
    "keras SGD weight_decay": (f"Momentum {DECOUPLED}", {"weight_decay": 0.1}),
    "keras SGD clipvalue": ("GradientDescent with gradients clipped by value", {"threshold": 0.5}),
    "keras SGD clipnorm": ("Momentum with gradients clipped by norm", {"threshold": 1.0}),
    "keras SGD global_clipnorm": ("GradientDescent with gradients clipped by norm",
                                  {"threshold": 2.0}),
    "keras RMSprop": ("RMSprop with epsilon inside the root", {"rho": 0.9, "epsilon": 1e-7}),
    "keras RMSprop momentum": ("RMSprop with epsilon inside the root", {"momentum": 0.9}),
    "keras RMSprop centered": ("CenteredRMSprop with epsilon inside the root", {"rho": 0.9}),
    "keras RMSprop weight_decay": (f"RMSprop with epsilon inside the root and {DECOUPLED}",
                                   {"weight_decay": 0.01}),
    "keras Adam": ("Adam with epsilon hat", {"epsilon": 1e-7}),
    "keras Adam amsgrad": ("AMSGrad with epsilon hat", {"epsilon": 1e-7}),
    "keras Adam clipnorm": ("Adam with epsilon hat and with gradients clipped by norm",
                            {"threshold": 1.0}),
    "keras Adam weight_decay": ("AdamW with epsilon hat", {"weight_decay": 0.01}),
    "keras AdamW": ("AdamW with epsilon hat", {"weight_decay": 0.004}),
    "keras AdamW amsgrad": (f"AMSGrad with epsilon hat and {DECOUPLED}", {"weight_decay": 0.01}),
    "keras Adamax": ("AdaMax with epsilon outside the maximum", {"epsilon": 1e-7}),
    "keras Nadam": ("NAdam", {"momentum_decay": 1.0, "epsilon": 1e-7}),
    "keras Adagrad": ("Adagrad with a sum that begins above 0 and epsilon inside the root",
                      {"initial": 0.1000001}),
    "keras Adagrad initial": ("Adagrad with a sum that begins above 0 and epsilon inside the root",
                              {"lr": 0.1, "initial": 0.501}),
    "keras Adadelta": ("Adadelta", {"rho": 0.95, "epsilon": 1e-7}),
    "keras Lion": ("Lion", {"beta1": 0.9, "beta2": 0.99}),
    "keras Lion weight_decay": ("Lion", {"beta2": 0.99, "weight_decay": 0.1}),
    "optax sgd": ("GradientDescent", {"lr": 0.1}),
    "optax sgd momentum": ("Momentum", {"momentum": 0.9}),
    "optax sgd nesterov": (LOOK, {"momentum": 0.9}),
    "optax adam": ("Adam", {"epsilon": 1e-8}),
    "optax adam nesterov": ("NAdam with constant momentum", {}),
    "optax adamw": ("AdamW", {"weight_decay": 1e-4}),
    "optax nadam": ("NAdam with constant momentum", {}),
    "optax nadamw": (f"NAdam with constant momentum and {DECOUPLED}", {"weight_decay": 0.01}),
    "optax radam": ("RAdam with epsilon added to the corrected root", {"epsilon": 1e-8}),
    "optax amsgrad": ("AMSGrad, the maximum of corrected averages", {}),
    "optax adamax": ("AdaMax", {}),
    "optax adamaxw": (f"AdaMax {DECOUPLED}", {"weight_decay": 0.01}),
    "optax rmsprop": ("RMSprop with epsilon inside the root", {"rho": 0.9, "epsilon": 1e-8}),
    "optax rmsprop eps outside": ("RMSprop", {"rho": 0.9}),
    "optax rmsprop centered": ("CenteredRMSprop with epsilon inside the root", {}),
    "optax rmsprop momentum": ("RMSprop with epsilon inside the root", {"momentum": 0.9}),
    "optax adagrad": ("Adagrad with a sum that begins above 0 and epsilon inside the root",
                      {"initial": 0.1000001}),
    "optax adadelta": ("Adadelta", {"rho": 0.9, "epsilon": 1e-6}),
    "optax lion": ("Lion", {"beta1": 0.9, "beta2": 0.99, "weight_decay": 0.001}),
    "optax lion weight_decay": ("Lion", {"beta1": 0.95, "beta2": 0.98}),
    "optax rprop": ("Rprop that takes each step one call late", {"shrink": 0.5, "grow": 1.2}),
    "optax signsgd": ("sign descent: Lion without an average", {"lr": 0.01}),
}  # fmt: skip
WRONG = ("uphill", "one call late", "sign descent")  # of those, what no class of minidl does
NO_RULE = ["torch ASGD", "keras Ftrl", "optax adabelief", "optax yogi", "optax novograd"]
NO_RULE += ["optax lamb"]


def responses() -> dict[str, Response]:
    """Return the recorded responses by library and name."""
    arrays: dict[str, dict[str, np.ndarray]] = {}
    with np.load(FILE) as file:
        for key in file.files:
            name, _, part = key.partition("|")
            arrays.setdefault(name, {})[part] = file[key]
    return {name: Response.from_arrays(parts) for name, parts in arrays.items()}


RESPONSES = responses()


def test_every_recorded_optimizer_is_in_one_of_the_lists() -> None:
    assert sorted(RESPONSES) == sorted([*EXPECTED, *NO_RULE])


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", EXPECTED)
def test_an_optimizer_of_another_library_is_identified(name: str) -> None:
    title, h = EXPECTED[name]
    found: Identification = identify(RESPONSES[name])
    assert found.rule == title
    assert found.matches != any(word in title for word in WRONG)
    for hyperparameter, value in h.items():
        assert found.hyperparameters[hyperparameter] == pytest.approx(value, rel=1e-9)


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", NO_RULE)
def test_an_optimizer_that_minidl_does_not_have_is_no_rule(name: str) -> None:
    found = identify(RESPONSES[name])
    assert found.rule is None
    assert not found.matches
    assert found.error > 1e-7
    assert found.difference == "it agrees with no rule that minidl knows"
    assert "no rule that minidl knows\n" in str(found)
    assert f"Nearest is {found.nearest.split()[0]}" in str(found)


def test_a_planted_error_of_a_billionth_is_seen() -> None:
    response = RESPONSES["torch Adam"]
    weights = response.runs["other"].weights
    moved = np.abs(weights - weights[0]).max(axis=0)
    weights[20:, 3] += 3e-9 * moved[3]
    try:
        found = identify(response)
        assert found.rule is None
        assert found.nearest == "Adam"
        assert found.first is not None
        assert (found.first.run, found.first.step, found.first.coordinate) == (
            "other",
            20,
            "alternating",
        )
    finally:
        weights[20:, 3] -= 3e-9 * moved[3]
