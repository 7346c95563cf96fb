"""Every error of the engine: its type, what it received, and what it advises."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minidl import Tensor, errors, grad, no_grad, ops, primitive
from minidl.errors import ArgumentError, DTypeError, GraphError, MissingRuleError, ShapeError


def leaf(*shape: int) -> Tensor:
    return Tensor(np.ones(shape), requires_grad=True)


@primitive(lambda g, y, x: g)
def forgetful(x: Any) -> Any:
    return np.transpose(x)


@primitive(lambda g, y, x: g)
def by_keyword(x: Any, *, scale: Any = 1.0) -> Any:
    return x * scale


X, FREED = leaf(2, 3), leaf(2) * 2
FREED.backward(np.ones(2))

FAILURES: dict[str, tuple[type[Exception], str, Callable[[], Any]]] = {
    "add": (ShapeError, r"add .*float64\[2, 3\], float64\[4\]", lambda: X + np.ones(4)),
    "matmul": (ShapeError, r"matmul .*float64\[2, 3\], float64\[2, 3\]", lambda: X @ X),
    "matmul of a number": (DTypeError, r"matmul .*float64\[2, 3\], 2\.0", lambda: X @ 2.0),
    "reshape": (ShapeError, r"reshape .*float64\[2, 3\], \(4, 2\)", lambda: X.reshape(4, 2)),
    "axis": (ShapeError, r"sum .*axis 2 .*float64\[2, 3\]", lambda: X.sum(axis=2)),
    "axes beyond the last": (ShapeError, "transpose .*axis 3", lambda: X.transpose(0, 3)),
    "too few axes": (ShapeError, "transpose .*axes", lambda: X.transpose(0)),
    "no axes": (ShapeError, "transpose .*axes", lambda: X.transpose(())),
    "one axis twice": (ShapeError, "transpose .*repeated", lambda: X.transpose(1, 1)),
    "swap": (ShapeError, "swapaxes", lambda: X.swapaxes(0, 5)),
    "broadcast": (ShapeError, r"broadcast_to .*\(2, 4\)", lambda: ops.broadcast_to(X, (2, 4))),
    "max of nothing": (ShapeError, r"max .*float64\[0\]", lambda: leaf(0).max()),
    "dense": (
        ShapeError,
        r"input of shape \(2, 3\)[,:] expected shape \(n, 4\)",
        lambda: ops.dense(X, np.ones((4, 5)), np.ones(5)),
    ),
    "dense of one row": (
        ShapeError,
        r"input of shape \(4,\).*x\[None, :\]",
        lambda: ops.dense(leaf(4), np.ones((4, 5)), np.ones(5)),
    ),
    "bias": (
        ShapeError,
        r"dense .*float64\[4\]",
        lambda: ops.dense(X, np.ones((3, 5)), np.ones(4)),
    ),
    "targets": (
        ShapeError,
        r"predictions \(2, 3\), targets \(2,\).*reshape",
        lambda: ops.mean_squared_error(X, np.ones(2)),
    ),
    "class indices": (
        ShapeError,
        r"logits \(2, 3\), indices \(3,\).*shape \(2,\)",
        lambda: ops.softmax_cross_entropy(X, np.array([0, 1, 2])),
    ),
    "class index": (
        ArgumentError,
        r"indices from -1 to 3[,:] expected 0 to 2.*\(2, 3\)",
        lambda: ops.softmax_cross_entropy(X, np.array([3, -1])),
    ),
    "negative class index": (
        ArgumentError,
        r"indices from -1 to 1[,:] expected 0 to 2",
        lambda: ops.softmax_cross_entropy(X, np.array([1, -1])),
    ),
    "reduction": (
        errors.UnknownNameError,
        "'maen'.*mean, sum, none.*'mean'",
        lambda: ops.huber(X, X, reduction="maen"),
    ),
    "no gradient": (ShapeError, r"shape \(2, 3\).*gradient=", X.backward),
    "gradient": (ShapeError, r"\(3,\).*\(2, 3\)", lambda: X.backward(np.ones(3))),
    "gradient of grad": (
        ShapeError,
        r"\(3, 2\).*\(2, 3\)",
        lambda: grad(X * X, X, Tensor(np.ones((3, 2))), create_graph=True),
    ),
    "gradients": (ArgumentError, "2 for 1", lambda: grad([X.sum()], X, [1.0, 2.0])),
    "complex gradient": (DTypeError, "complex128", lambda: X.backward(np.ones((2, 3)) * 1j)),
    "input without a graph": (
        GraphError,
        "input 1 .*requires_grad=True",
        lambda: grad(X.sum(), [X, Tensor(1.0)]),
    ),
    "input that is an array": (
        ArgumentError,
        "ndarray at position 0",
        lambda: grad(X.sum(), [np.ones(2)]),
    ),
    "output that is a number": (ArgumentError, "float at position 1", lambda: grad([X, 1.0], X)),
    "nothing to differentiate": (
        GraphError,
        r"shape \(\).*requires_grad=True",
        lambda: Tensor(1.0).backward(),
    ),
    "backward twice": (
        GraphError,
        r"shape \(2,\).*retain_graph=True",
        lambda: FREED.backward(np.ones(2)),
    ),
    "constant argument": (
        MissingRuleError,
        "leaky_relu .*argument 1.*detach",
        lambda: ops.leaky_relu(X, leaf()),
    ),
    "keyword argument": (
        MissingRuleError,
        "by_keyword .*keyword.*detach",
        lambda: by_keyword(X, scale=leaf()),
    ),
    "wrong rule": (
        ShapeError,
        r"forgetful .*shape: got \(3, 2\)[,:] expected \(2, 3\)",
        lambda: forgetful(X).sum().backward(),
    ),
    "integers": (DTypeError, r"astype .*float64\[2, 3\]", lambda: X.astype(int)),
    "complex factor": (DTypeError, r"multiply must .*complex128", lambda: X * np.array(1j)),
    "tensors in a list": (
        GraphError,
        r"shape \(\).*minidl\.ops\.stack",
        lambda: Tensor([X.sum(), X.mean()]),
    ),
    "an array of a tensor": (GraphError, r"\(2, 3\).*detach", lambda: np.array(X)),
    "a function without a rule": (
        MissingRuleError,
        r"np\.linalg\.svd\. .*minidl\.primitive",
        lambda: np.linalg.svd(X),  # type: ignore[call-overload]
    ),
    "an array as the place to write": (
        MissingRuleError,
        r"np\.add with out\. .*\.numpy",
        lambda: np.add(X, 1, out=np.ones((2, 3))),  # type: ignore[call-overload]
    ),
    "the number of a vector": (ArgumentError, r"\(2,\).*Index", lambda: float(leaf(2))),
    "the truth of a vector": (ArgumentError, r"\(2,\).*\.any\(\)", lambda: bool(leaf(2))),
    "an element assigned": (
        GraphError,
        r"index 0.*minidl\.ops\.where",
        lambda: X.__setitem__(0, 1.0),
    ),
    "text": (DTypeError, "add .*'a'", lambda: X + "a"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_an_error_names_what_it_received_and_what_to_do(name: str) -> None:
    kind, pattern, fail = FAILURES[name]
    with pytest.raises(kind, match=pattern) as caught:
        fail()
    assert type(caught.value) is kind
    assert isinstance(caught.value, errors.MinidlError)


@pytest.mark.parametrize(
    "data",
    [
        np.float16(1),
        np.longdouble(1),
        1j,
        np.zeros(2, complex),
        "1.0",
        b"1",
        None,
        [None, 1.0],
        {},
        np.datetime64("2024-01-01"),
        np.array([1, "a"], object),
        10**400,
    ],
    ids=repr,
)
def test_only_real_numbers_become_tensors(data: Any) -> None:
    with pytest.raises(DTypeError, match=r"holds float64, float32 or integers"):
        Tensor(data)


def test_ragged_rows_do_not_become_tensors() -> None:
    with pytest.raises(ShapeError, match="rectangular"):
        Tensor([[1.0, 2.0], [3.0]])


def test_a_failed_call_leaves_the_graph_and_the_gradients_as_they_were() -> None:
    x = leaf(2, 3)
    y = x * 2
    with pytest.raises(ShapeError):
        y @ y
    with pytest.raises(ShapeError):
        y.backward(np.ones(3))
    assert x.grad is None
    y.backward(np.ones((2, 3)))
    assert x.grad is not None
    assert x.grad.tolist() == [[2, 2, 2]] * 2


def test_a_gradient_through_a_condition_is_none_not_an_error() -> None:
    condition, x = Tensor([1.0, 0.0], requires_grad=True), leaf(2)
    ops.where(condition, x, -x).sum().backward()
    assert condition.grad is None
    assert x.grad is not None
    assert x.grad.tolist() == [1, -1]


def test_what_was_computed_under_no_grad_says_so() -> None:
    with no_grad():
        y = leaf(2).sum()
    with pytest.raises(GraphError, match=r"no_grad\(\)"):
        y.backward()


def test_a_row_of_targets_is_not_broadcast_over_a_square_table() -> None:
    with pytest.raises(ShapeError, match="never broadcast"):
        ops.mean_squared_error(Tensor(np.zeros((3, 3))), np.zeros(3))
    shared = ops.mean_squared_error(Tensor(np.zeros((4, 3, 3))), np.zeros((3, 3)), "none")
    assert shared.shape == (4, 3, 3)
