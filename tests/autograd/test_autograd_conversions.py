"""A Tensor that requires a gradient does not become a number or an array without a word."""

import array
import json
import math
import operator
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import mean_squared_error

from minidl import Tensor, nn, no_grad
from minidl.errors import DTypeError, GraphError, MissingRuleError, ShapeError

Use = Callable[[Any, Any], Any]  # of a number t, and of a vector v

PYTHON: dict[str, Use] = {
    "float": lambda t, v: float(t),
    "int": lambda t, v: int(t),
    "complex": lambda t, v: complex(t),
    "trunc": lambda t, v: math.trunc(t),
    "floor": lambda t, v: math.floor(t),
    "exp": lambda t, v: math.exp(t),
    "isfinite": lambda t, v: math.isfinite(t),
    "fsum": lambda t, v: math.fsum(v),
    "percent": lambda t, v: "%.3f" % t,  # noqa: UP031
    "array": lambda t, v: array.array("d", v),
    "json": lambda t, v: json.dumps([t], default=float),
}
NUMPY: dict[str, Use] = {
    "array": lambda t, v: np.array(t),
    "asarray": lambda t, v: np.asarray(v),
    "float32": lambda t, v: np.asarray(v, np.float32),
    "no copy": lambda t, v: np.array(v, copy=False),
    "a list": lambda t, v: np.array([t, 1.0]),
    "a list of vectors": lambda t, v: np.array([v, v]),
    "objects": lambda t, v: np.array([t, t], object),
    "float64": lambda t, v: np.float64(t),
    "float64 of a vector": lambda t, v: np.float64(v),
    "complex128": lambda t, v: np.complex128(t),
    "full": lambda t, v: np.full(2, t),
    "arange": lambda t, v: np.arange(t),
    "slice": lambda t, v: np.ones(3).__setitem__(slice(None), t),
    "mask": lambda t, v: np.ones(3).__setitem__([True, False, True], v),
    "put": lambda t, v: np.ones(3).put([0], t),
    "dot": lambda t, v: np.ones(2).dot(v),
    "in place": lambda t, v: operator.iadd(np.ones(2), v),
    "vectorize": lambda t, v: np.vectorize(math.exp)(v),
    "masked": lambda t, v: np.ma.array(v),
    "dlpack": lambda t, v: np.from_dlpack(v),
    "random": lambda t, v: np.random.default_rng(0).normal(t, 1.0),
    "scikit-learn": lambda t, v: mean_squared_error([1.0, 2.0], v),
    "Tensor": lambda t, v: Tensor(t),
    "Tensor of a list": lambda t, v: Tensor([t, t]),
}
WRAPPED: dict[str, Use] = {  # the GraphError is the cause of NumPy's own error
    "element": lambda t, v: np.ones(3).__setitem__(0, t),
    "fill": lambda t, v: np.ones(3).fill(t),
    "fromiter": lambda t, v: np.fromiter([t, t], float),
    "initial": lambda t, v: np.ones(3).sum(initial=t),
}
NO_RULE: dict[str, Use] = {
    "copyto": lambda t, v: np.copyto(np.ones(2), v),
    "np.put": lambda t, v: np.put(np.ones(3), [0], t),
    "place": lambda t, v: np.place(np.ones(2), np.ones(2) > 0, v),
    "full_like": lambda t, v: np.full_like(np.ones(2), t),
    "linspace": lambda t, v: np.linspace(t, 3.0, 5),
    "out": lambda t, v: np.add(t, 1, out=np.ones(())),
    "out is a Tensor": lambda t, v: np.add(1.0, np.ones(2), out=v),
}
MEANT = r"\.item\(\).*\.detach\(\)|Write a = a \+ t"


def results() -> tuple[Tensor, Tensor]:
    x = Tensor([1.0, 2.0], requires_grad=True)
    return x.sum(), x * 2


def leaves() -> tuple[Tensor, Tensor]:
    return Tensor(3.0, requires_grad=True), Tensor([1.0, 2.0], requires_grad=True)


@pytest.mark.parametrize("made", [results, leaves])
@pytest.mark.parametrize("name", PYTHON)
def test_python_makes_no_number_of_it(name: str, made: Any) -> None:
    with pytest.raises(GraphError, match=MEANT):
        PYTHON[name](*made())


@pytest.mark.parametrize("made", [results, leaves])
@pytest.mark.parametrize("name", NUMPY)
def test_numpy_makes_no_array_of_it(name: str, made: Any) -> None:
    with pytest.raises(GraphError, match=MEANT):
        NUMPY[name](*made())


@pytest.mark.parametrize("name", WRAPPED)
def test_an_array_does_not_take_it_as_an_element(name: str) -> None:
    with pytest.raises(ValueError, match=r"array|sequence") as caught:
        WRAPPED[name](*results())
    assert isinstance(caught.value.__cause__, GraphError)
    assert ".item()" in str(caught.value.__cause__)


@pytest.mark.parametrize("name", NO_RULE)
def test_functions_that_write_have_no_derivative(name: str) -> None:
    with pytest.raises(MissingRuleError, match=r"\.numpy\(\)"):
        NO_RULE[name](*results())


def test_functions_in_c_that_replace_every_error_still_raise_theirs() -> None:
    t = results()[0]
    with pytest.raises(struct.error):
        struct.pack("d", t)
    with pytest.raises(ValueError, match="single item"):
        np.ones(3).flat[0] = t


@pytest.mark.parametrize("name", NUMPY)
def test_a_constant_is_converted(name: str) -> None:
    t, v = (x.detach() for x in results())
    if name == "in place":
        with pytest.raises(GraphError, match="Write a = a \\+ t"):  # of any Tensor
            NUMPY[name](t, v)
    else:
        found, expected = NUMPY[name](t, v), NUMPY[name](t.numpy(), v.numpy())
        np.testing.assert_array_equal(np.asarray(found, object), np.asarray(expected, object))


@pytest.mark.parametrize("name", PYTHON)
def test_a_constant_and_a_value_without_a_graph_are_numbers(name: str) -> None:
    t, v = results()
    PYTHON[name](t.detach(), v.detach())
    with no_grad():  # nothing can be lost here
        PYTHON[name](t, v)
        assert np.asarray(v).tolist() == [2, 4]
        assert float(nn.Parameter(np.ones(1))) == 1.0


@pytest.mark.parametrize("name", WRAPPED)
def test_a_constant_is_an_element(name: str) -> None:
    WRAPPED[name](*(x.detach() for x in results()))
    r = np.zeros(2)
    r[1] = results()[0].detach()
    assert r.tolist() == [0, 3]


def test_a_loss_that_would_lose_a_part_of_its_gradient_is_an_error() -> None:
    w = nn.Parameter(np.array([2.0]))
    with pytest.raises(GraphError, match="a number made of this Tensor"):
        (w * w).sum() + 0.1 * math.exp(w)


@pytest.mark.parametrize("loss", [nn.MeanSquaredError(), nn.BinaryCrossEntropy()])
def test_a_loss_with_outputs_and_targets_exchanged_is_an_error(loss: Any) -> None:
    outputs, targets = Tensor([[0.5], [1.0]], requires_grad=True), np.array([[0.0], [1.0]])
    for exchanged in (outputs, outputs * 0.5):
        with pytest.raises(GraphError, match=r"as constants.*outputs first.*\.detach\(\)"):
            loss(targets, exchanged)
    assert loss(outputs, Tensor(targets)).item() == loss(outputs, targets).item()


def test_values_conditions_and_text_are_explicit_and_work() -> None:
    t, v = results()
    assert t.item() == 3
    assert (v.numpy().tolist(), v.tolist(), v.data.tolist()) == ([2, 4], [2, 4], [2, 4])
    assert v.detach().requires_grad is False
    assert bool(t)
    assert 1 if t > 2 else 0
    assert max(t, t * 2) is not t
    assert (f"{t:.2f}", f"{t}", f"{t:8.1e}") == ("3.00", str(t), " 3.0e+00")
    assert sum([t, t]).requires_grad
    assert np.full_like(v, 7.0).tolist() == [7, 7]


@pytest.mark.parametrize("make", [results, leaves, lambda: (Tensor(3.0), None)])
def test_floats_are_no_index(make: Any) -> None:
    t = make()[0]
    for use in (operator.index, range, np.eye, lambda i: [1, 2, 3][i]):
        with pytest.raises(DTypeError, match=r"holds floats.*int\(t\.item\(\)\)"):
            use(t)


@pytest.mark.parametrize("of", [lambda: Tensor([1.0, 2.0], True), lambda: nn.Parameter([1.0, 2.0])])
def test_a_tensor_does_not_get_into_data_or_grad(of: Callable[[], Tensor]) -> None:
    for name in ("data", "grad"):
        p = of()
        with pytest.raises(GraphError, match=rf"an array for \.{name} made of this Tensor .* drop"):
            setattr(p, name, p * 2)
        for value in (p.detach() * 2, [2.0, 4.0], np.array([2, 4])[::1] * 1.0):
            if name == "grad" and isinstance(value, list):
                continue
            setattr(p, name, value)
            assert type(getattr(p, name)) is np.ndarray
            assert getattr(p, name).tolist() == [2, 4]
        with no_grad():
            setattr(p, name, p * 2)
        assert type(getattr(p, name)) is np.ndarray
    p = of()
    p.data = np.array([2, 4])  # integers have no gradient
    assert p.data.dtype == np.float64
    array = np.array([3.0, 4.0])
    p.data = array
    assert p.data is array  # not a copy, so that it may be a view
    for wrong in ("a", None, [1j], [[1.0], [1.0, 2.0]]):
        with pytest.raises((DTypeError, ShapeError)):
            p.data = wrong
    (p * p).sum().backward()
    assert p.grad is not None
    assert p.grad.tolist() == [6, 8]
