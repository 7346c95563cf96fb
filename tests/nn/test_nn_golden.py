"""The same values and gradients as PyTorch's and Keras's own activations, losses and networks.

The golden file was written by ``tests/golden/write_nn.py``, with the libraries' own automatic
differentiation, in float64.
"""

from pathlib import Path

import numpy as np
import pytest

from minidl import Tensor, nn, ops

with np.load(Path(__file__).parent.parent / "golden" / "nn.npz") as file:
    GOLDEN = dict(file)

TOLERANCE = 1e-12  # of the largest entry; the largest difference seen is 3e-14, by Keras
ACTIVATIONS = {
    "leaky_relu": nn.LeakyReLU(float(GOLDEN["leaky_slope"])),
    **{name: nn.activation(name) for name in nn.ACTIVATIONS if name != "leaky_relu"},
}
TARGETS = {  # loss -> (outputs, targets), the names of its inputs in the file
    "mean_squared_error": ("prediction", "target"),
    "mean_absolute_error": ("prediction", "target"),
    "huber": ("prediction", "target"),
    "smooth_l1": ("prediction", "target"),
    "poisson": ("prediction", "count"),
    "focal": ("logit", "zero_one"),
    "kl_divergence": ("logits", "distribution"),
    "hinge": ("logit", "sign"),
    "binary_cross_entropy": ("logit", "probability"),
    "softmax_cross_entropy index": ("logits", "class"),
    "softmax_cross_entropy rows": ("logits", "distribution"),
}
LIBRARIES = ("torch", "keras")
CASES = [key.removesuffix(" value") for key in GOLDEN if key.endswith(" value")]
NETWORKS = [key.removesuffix(" loss") for key in GOLDEN if key.endswith(" loss")]


def difference(ours: np.ndarray, key: str, where: np.ndarray | bool = True) -> float:
    """Return the largest difference from a golden entry, as a share of its largest."""
    assert ours.shape == GOLDEN[key].shape
    apart = np.abs(ours - GOLDEN[key]).max(where=where, initial=0)
    return float(apart / np.abs(GOLDEN[key]).max(where=where, initial=1e-300))


def loss_of(name: str) -> nn.Loss:
    """Return the loss with the settings of the golden file."""
    delta = float(GOLDEN["huber_delta"])
    given = {"huber": nn.Huber(delta), "smooth_l1": nn.SmoothL1(delta)}
    return given[name] if name in given else nn.loss(name)


def test_golden_file_holds_every_activation_and_every_loss_of_both_libraries() -> None:
    for library in LIBRARIES:
        assert {f"{library} activation {name}" for name in nn.ACTIVATIONS} <= set(CASES)
        tested = {case.split()[2] for case in CASES if case.startswith(f"{library} loss")}
        assert tested == set(nn.LOSSES)
    assert [str(version).split()[0] for version in GOLDEN["versions"]] == ["torch", "keras", "jax"]
    assert all(GOLDEN[f"{case} {of}"].dtype == float for case in CASES for of in ("value",))
    assert len(NETWORKS) == 8


@pytest.mark.parametrize("name", nn.ACTIVATIONS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_activation_has_the_values_and_gradients_of_the_library(library: str, name: str) -> None:
    x = Tensor(GOLDEN["activation_x"], requires_grad=True)
    # Keras has the other one-sided derivative at the kink of the leaky ReLU, as JAX does.
    where = x.data != 0 if (library, name) == ("keras", "leaky_relu") else True
    y = ACTIVATIONS[name](x)
    (y * GOLDEN["activation_weights"]).sum().backward()
    assert difference(y.data, f"{library} activation {name} value") < TOLERANCE
    # PyTorch multiplies the gradient of hardsigmoid by 1/6 in float32, also of float64.
    rounded = 6 * float(np.float32(1 / 6)) if (library, name) == ("torch", "hardsigmoid") else 1.0
    gradient = rounded * x.grad
    assert difference(gradient, f"{library} activation {name} gradient", where) < TOLERANCE


@pytest.mark.parametrize("case", [case for case in CASES if " loss " in case])
def test_loss_has_the_value_and_gradient_of_the_library(case: str) -> None:
    words = case.split()[2:]
    extreme = words[-1] == "extreme"
    outputs, targets = TARGETS[" ".join(words[:-1] if extreme else words)]
    z = Tensor(GOLDEN[f"extreme_{outputs}" if extreme else outputs], requires_grad=True)
    if case == "keras loss poisson":  # Keras takes the mean itself
        value = nn.Poisson(log_input=False, epsilon=1e-7)(ops.exp(z), GOLDEN[targets])
    else:
        value = loss_of(words[0])(z, GOLDEN[targets])
    value.backward()
    assert difference(value.data, f"{case} value") < TOLERANCE
    assert difference(z.grad, f"{case} gradient") < TOLERANCE


@pytest.mark.parametrize("case", NETWORKS)
def test_network_has_the_loss_and_the_flat_gradient_of_pytorch(case: str) -> None:
    _, _, activation, loss = case.split()
    model = nn.mlp(3, 7, 5, {"bce": 1, "ce": 4}[loss], activation=activation, seed=0)
    model.parameters.set(GOLDEN[f"{loss}_start"])
    value = nn.loss({"ce": "cross_entropy"}.get(loss, loss))(
        model(GOLDEN["X"]), GOLDEN[f"{loss}_y"]
    )
    value.backward()
    assert difference(value.data, f"{case} loss") < TOLERANCE
    assert difference(model.parameters.grad, f"{case} gradient") < TOLERANCE


@pytest.mark.parametrize("case", NETWORKS)
def test_l2_penalty_is_pytorchs_weight_decay_on_the_weights_alone(case: str) -> None:
    _, _, activation, loss = case.split()
    model = nn.mlp(3, 7, 5, {"bce": 1, "ce": 4}[loss], activation=activation, seed=0)
    model.parameters.set(GOLDEN[f"{loss}_start"])
    model.parameters.grad[...] = GOLDEN[f"{case} gradient"]
    nn.L2Penalty(float(GOLDEN["decay"])).add(model.parameters)
    assert difference(model.parameters.grad, f"{case} decayed") < TOLERANCE
    assert difference(GOLDEN[f"{case} gradient"], f"{case} decayed") > 1e-3
