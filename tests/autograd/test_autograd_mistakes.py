"""What a first user typed, and what they are told."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minidl import Tensor, debug, grad, gradcheck, hessian, ops, primitive
from minidl.errors import (
    ArgumentError,
    DTypeError,
    GraphError,
    MissingRuleError,
    OutOfRangeError,
    ShapeError,
    TooLargeError,
)


def leaf(data: Any) -> Tensor:
    return Tensor(data, requires_grad=True)


X = leaf([1.0, 2.0])


def written_into() -> None:
    a = np.zeros(2)
    a += X


def with_a_gradient_of_another_shape() -> None:
    x = leaf([1.0, 2.0])
    x.grad = np.zeros((3, 2))
    (x * x).sum().backward()


def without_a_graph() -> None:
    Tensor([1.0]).sum().backward()


Z = np.zeros((2, 3))


def ignoring_a_fraction() -> None:
    ops.softmax_cross_entropy(Z, [0, 1], ignore_index=1.5)  # type: ignore[arg-type]


MISTAKES: list[tuple[type[Exception], str, Callable[[], Any]]] = [
    (GraphError, "would drop its gradient.*detach", lambda: Tensor(X * X)),
    (ArgumentError, "must be True or False.*float32", lambda: Tensor([1], np.float32)),  # type: ignore[arg-type]
    (ArgumentError, "requires_grad must be True or F", lambda: Tensor([1.0], requires_grad="no")),  # type: ignore[arg-type]
    (GraphError, r"np\.add in place, as in a \+= t, .* Write a = a \+ t", written_into),
    (ShapeError, r"\(3, 2\)[,:] expected shape \(2,\)", with_a_gradient_of_another_shape),
    (GraphError, r"w = w - \.\.\. makes a new Tensor", without_a_graph),
    (DTypeError, "repeats must be integers", lambda: np.repeat(X, 1.5)),
    (DTypeError, "shift must be an integer", lambda: np.roll(X, 1.5)),
    (DTypeError, "ignore_index must be an int", ignoring_a_fraction),
    (DTypeError, "targets must be an array", lambda: ops.softmax_cross_entropy(Z[0], 1)),
    (ArgumentError, "tolerance .* 0", lambda: gradcheck(ops.tanh, X, tolerance=0)),
    (ArgumentError, "f is not a function: got Tensor", lambda: hessian(X * X, X)),  # type: ignore[arg-type]
    (ShapeError, "returns a single number has a Hessian", lambda: hessian(ops.tanh, X)),
    (ShapeError, "targets of floats must be", lambda: ops.softmax_cross_entropy(Z, np.ones(2))),
    (ShapeError, "different shapes", lambda: ops.softmax_cross_entropy(Z, np.ones((1, 3)))),
    (ShapeError, "the input does not fit the layer", lambda: ops.linear(Z[0], Z.T)),
    (ShapeError, "the bias does not fit the layer", lambda: ops.dense(Z, Z.T, np.ones((2, 2)))),
    (ShapeError, "tensordot failed", lambda: ops.tensordot(X, X, (0, 0, 0))),  # type: ignore[arg-type]
    (ShapeError, "split failed", lambda: ops.split(X, 2, axis=1)),
    (DTypeError, "predictions must be .*int64", lambda: ops.huber(np.arange(2), np.ones(2))),
    (DTypeError, "predictions must be .*float of", lambda: ops.huber(1.0, 1.0)),
    (ArgumentError, "only a function becomes an .*Without parentheses", lambda: primitive(abs)(X)),  # type: ignore[arg-type]
    (ArgumentError, "a rule is a function or None", lambda: primitive("x")(lambda x: x)),  # type: ignore[arg-type]
]  # fmt: skip


@pytest.mark.parametrize(("kind", "words", "mistake"), MISTAKES, ids=[m[1][:30] for m in MISTAKES])
def test_a_mistake_is_told(kind: type[Exception], words: str, mistake: Callable[[], Any]) -> None:
    with pytest.raises(kind, match=words):
        mistake()


def test_a_rule_too_many_and_a_rule_that_fails_are_named() -> None:
    with pytest.raises(ArgumentError, match=r"double has fewer arguments than rules: .*2 rules"):

        @primitive(lambda g, y, x: g, lambda g, y, x: g)
        def double(x: Any) -> Any:
            return 2 * x

    @primitive(lambda g: g)
    def short(x: Any) -> Any:
        return 2 * x

    with pytest.raises(MissingRuleError, match=r"a rule of short failed: .*expected \(g, y, "):
        grad(short(X).sum(), X)

    @primitive(lambda g, y, x: None)
    def forgetful(x: Any) -> Any:
        return 2 * x

    with pytest.raises(MissingRuleError, match="a rule of forgetful failed"):
        grad(forgetful(X).sum(), X)


def test_a_ufunc_becomes_an_operation() -> None:
    cosh = primitive(lambda g, y, x: g * np.sinh(x))(np.cosh)
    assert gradcheck(cosh, X)


def test_debug_names_an_operation_that_changes_its_argument() -> None:
    @primitive(lambda g, y, x: g * 2 * x)
    def square(x: Any) -> Any:
        x *= x
        return x

    with debug(), pytest.raises(GraphError, match="square changes its own argument 0"):
        square(leaf([2.0, 3.0]))


def test_numbers_are_shown_as_numbers() -> None:
    loss = (X * X).mean()
    assert f"{loss:.2f}" == "2.50"
    assert f"{loss}" == str(loss)


def test_minidl_ops_is_a_module_of_its_own_name() -> None:
    assert importlib.import_module("minidl.ops").tanh is ops.tanh


def test_shapes_and_places_are_plain_arrays() -> None:
    assert isinstance(np.zeros_like(X), np.ndarray)
    assert np.nonzero(X)[0].tolist() == [0, 1]


V = Tensor([1.0, 2.0, 3.0], requires_grad=True)
LONG = np.broadcast_to(leaf(1.0), 2**26)  # outer products are larger than any address space
FAR, MANY = 2**70, 2**50
TOO_LARGE: dict[str, tuple[type[Exception], Callable[[], Any]]] = {
    "sum": (OverflowError, lambda: V.sum(axis=FAR)),
    "stack": (OverflowError, lambda: np.stack([V, V], axis=FAR)),
    "swapaxes": (OverflowError, lambda: (V[None]).swapaxes(0, FAR)),
    "diag": (OverflowError, lambda: np.diag(V, FAR)),
    "argmax": (OverflowError, lambda: V.argmax(axis=FAR)),
    "multiply": (OverflowError, lambda: V * 10**400),
    "less": (OverflowError, lambda: V < 10**5000),
    "power": (OverflowError, lambda: V**10**5000),
    "tile": (MemoryError, lambda: np.tile(V, MANY)),
    "repeat": (MemoryError, lambda: np.repeat(V, MANY)),
    "pad": (MemoryError, lambda: np.pad(V, MANY)),
    "kron": (MemoryError, lambda: np.kron(LONG, LONG)),
    "outer": (MemoryError, lambda: np.outer(LONG, LONG)),
    "einsum": (MemoryError, lambda: np.einsum("i,j", LONG, LONG)),
    "greater": (MemoryError, lambda: LONG[:, None] > LONG),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_what_is_too_large_is_an_error_of_minidl(name: str) -> None:
    cause, call = TOO_LARGE[name]
    kind = OutOfRangeError if cause is OverflowError else TooLargeError
    with pytest.raises(kind, match=r" failed: .*: got ") as caught:
        call()
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    "call", [lambda: V << 1, lambda: 1 >> V, lambda: V >> V, lambda: 2 << V, lambda: V & 1]
)
def test_operators_of_bits_are_answered(call: Callable[[], Any]) -> None:
    with pytest.raises(MissingRuleError, match="integers or booleans"):
        call()


def test_differences_end_when_nothing_is_left() -> None:
    for n in (3, 4, FAR):
        assert np.diff(V, n=n).shape == np.diff([1.0, 2.0, 3.0], n=min(n, 9)).shape == (0,)
    assert np.diff(V, n=3, prepend=0.0).data.tolist() == [0]
    assert np.diff(np.stack([V, V]), n=FAR, axis=0).shape == (0, 3)
