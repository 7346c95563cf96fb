"""`jacobian`, `hessian`, `hvp`, `jvp`: closed forms, the complex step, and one another."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minidl import Tensor, grad, hessian, hvp, jacobian, jvp, no_grad, ops
from minidl.errors import ArgumentError, ShapeError

generator = np.random.default_rng(7)
A, X, V = generator.standard_normal((3, 3)), np.array([0.4, -1.1, 0.7]), np.array([1.0, -2.0, 0.5])


def quadratic(x: Any) -> Any:
    return x @ (A @ x) * 0.5


def curved(x: Any) -> Any:
    return np.exp(np.tanh(x[0] * x[1])) + x[2] ** 3 / (1 + x[0] ** 2)


def vector(x: Any) -> Any:
    return np.tanh(A[:2] @ x) * x[0]


def complex_jacobian(f: Callable[..., Any], x: Any) -> Any:
    columns = [np.imag(f(x + 1e-30j * e)) / 1e-30 for e in np.eye(x.size)]
    return np.stack(columns, axis=-1)


def test_a_quadratic_has_its_matrix_as_hessian() -> None:
    h = (A + A.T) / 2
    assert_allclose(hessian(quadratic, X).data, h, rtol=1e-14)
    assert_allclose(hvp(quadratic, X, V).data, h @ V, rtol=1e-13)
    assert_allclose(jacobian(quadratic, X).data, h @ X, rtol=1e-13)


def test_a_jacobian_equals_the_complex_step() -> None:
    expected = complex_jacobian(vector, X)
    found = jacobian(vector, X)
    assert isinstance(found, Tensor)
    assert not found.requires_grad
    assert_allclose(found.data, expected, rtol=1e-13)
    assert_allclose(jvp(vector, X, V).data, expected @ V, rtol=1e-13)


def test_a_hessian_is_symmetric_and_equals_the_slope_of_the_complex_step() -> None:
    h = hessian(curved, X).data
    step = 1e-6
    slopes = [
        complex_jacobian(curved, X + step * e) - complex_jacobian(curved, X - step * e)
        for e in np.eye(3)
    ]
    assert_allclose(h, np.array(slopes) / (2 * step), rtol=1e-8, atol=1e-8)
    assert_allclose(h, h.T, rtol=1e-14, atol=1e-16)
    assert_allclose(hvp(curved, X, V).data, h @ V, rtol=1e-13)


def test_shapes_are_those_of_result_and_input_one_after_the_other() -> None:
    x = generator.standard_normal((2, 3))
    weights = generator.standard_normal((4, 2))
    j = jacobian(lambda t: weights @ t, x).data
    expected = np.einsum("ia,bj->ijab", weights, np.eye(3))
    assert_array_equal(j, expected)
    assert_array_equal(hessian(lambda t: (t**3).sum(), x).data.shape, (2, 3, 2, 3))


def test_several_inputs_give_blocks() -> None:
    a, b = np.array([0.5, 2.0]), np.array(3.0)

    def f(a: Any, b: Any) -> Any:
        return (a**2).sum() * b**3

    ja, jb = jacobian(lambda a, b: a * b, (a, b))
    assert_array_equal(ja.data, 3 * np.eye(2))
    assert_array_equal(jb.data, a)
    h = hessian(f, [Tensor(a), b])
    s = a @ a
    expected = [[2 * 27 * np.eye(2), 2 * a * 27], [2 * a * 27, 6 * s * 3]]
    for row, right in zip(h, expected, strict=True):
        for block, one in zip(row, right, strict=True):
            assert_allclose(block.data, one, rtol=1e-14)
    va, vb = np.array([1.0, -1.0]), 2.0
    pa, pb = hvp(f, [a, b], [va, vb])
    assert_allclose(pa.data, 54 * va + 54 * a * vb, rtol=1e-14)
    assert_allclose(pb.data, 54 * a @ va + 18 * s * vb, rtol=1e-14)
    along = jvp(lambda a, b: a * b, (a, b), (va, vb))
    assert_array_equal(along.data, 3 * va + a * vb)


def test_third_derivatives_are_the_jacobian_of_a_hessian() -> None:
    third = jacobian(lambda x: hessian(lambda t: (t**4).sum(), x, create_graph=True), X).data
    expected = np.zeros((3, 3, 3))
    expected[range(3), range(3), range(3)] = 24 * X
    assert_allclose(third, expected, rtol=1e-13)


def test_create_graph_keeps_the_way_to_inputs_seeds_and_other_tensors() -> None:
    x, v, w = (Tensor(data, requires_grad=True) for data in (X, V, X + 2))

    def f(t: Tensor) -> Tensor:
        return (w * t**3).sum()

    product = hvp(f, x, v, create_graph=True)  # 6 w x v
    gx, gv, gw = grad(product.sum(), [x, v, w])
    assert_allclose(gx.data, 6 * w.data * V, rtol=1e-14)
    assert_allclose(gv.data, 6 * w.data * X, rtol=1e-14)
    assert_allclose(gw.data, 6 * X * V, rtol=1e-14)
    along = jvp(lambda t: w * t**3, x, v, create_graph=True)  # 3 w x^2 v
    gx, gv = grad(along.sum(), [x, v])
    assert_allclose(gx.data, 6 * w.data * X * V, rtol=1e-14)
    assert_allclose(gv.data, 3 * w.data * X**2, rtol=1e-14)
    assert_allclose(grad(jacobian(f, x, create_graph=True).sum(), w).data, 3 * X**2, rtol=1e-14)
    assert not hvp(f, x, v).requires_grad


def test_a_use_of_the_input_beside_the_argument_is_a_constant() -> None:
    x = Tensor(X, requires_grad=True)
    for keep in (False, True):
        assert_array_equal(jacobian(lambda t: t * x, x, create_graph=keep).data, np.diag(X))
    assert x.grad is None


def test_what_does_not_depend_on_an_input_has_zeros() -> None:
    constant = Tensor(2.0)
    assert_array_equal(jacobian(lambda x: Tensor(np.ones(2)), X).data, np.zeros((2, 3)))
    assert_array_equal(hessian(lambda x: constant, X).data, np.zeros((3, 3)))
    assert_array_equal(hessian(lambda x: x.sum(), X).data, np.zeros((3, 3)))
    assert_array_equal(hvp(lambda x: constant, X, V).data, np.zeros(3))
    assert_array_equal(jvp(lambda x: Tensor(np.ones(2)), X, V).data, np.zeros(2))
    assert_array_equal(jacobian(lambda a, b: a * 2, [X[:1], X])[1].data, np.zeros((1, 3)))


def test_numbers_and_nothing_at_all_have_derivatives() -> None:
    assert hessian(lambda x: x**3, 2.0).data == 12
    assert jacobian(lambda x: x**3, 2).shape == ()
    empty = np.ones((0, 2))
    for keep in (False, True):
        assert jacobian(lambda x: x * 2, empty, create_graph=keep).shape == (0, 2, 0, 2)
    assert hessian(lambda x: (x * x).sum(), empty).shape == (0, 2, 0, 2)
    assert hvp(lambda x: (x * x).sum(), empty, empty).shape == (0, 2)
    assert jvp(lambda x: x * x, empty, empty).shape == (0, 2)


def test_float32_stays() -> None:
    x, v = X.astype(np.float32), V
    found = [
        jacobian(np.tanh, x),
        jacobian(np.tanh, x, create_graph=True),
        hessian(lambda t: np.exp(t).sum(), x),
        hvp(lambda t: np.exp(t).sum(), x, v),
        hvp(lambda t: np.exp(t).sum(), x, Tensor(v), create_graph=True),
        jvp(np.tanh, x, v),
    ]
    assert [one.dtype for one in found] == [np.float32] * 6


def test_under_no_grad_values_are_the_same_and_have_no_graph() -> None:
    x = Tensor(X, requires_grad=True)
    with no_grad():
        found = hessian(curved, x, create_graph=True)
        assert not (x * x).requires_grad
    assert not found.requires_grad
    assert_array_equal(found.data, hessian(curved, X).data)


def test_results_alias_neither_inputs_nor_vectors() -> None:
    x, v = Tensor(X), Tensor(V)
    for keep in (False, True):
        along = jvp(lambda t: t, x, v, create_graph=keep)
        assert_array_equal(along.data, V)
        assert not np.shares_memory(along.data, v.data)


def wrong(value: Any) -> Callable[..., Any]:
    return lambda x: value


F: Callable[..., Any] = lambda x: (x * x).sum()  # noqa: E731
FAILURES: dict[str, tuple[type[Exception], str, Callable[[], Any]]] = {
    "no scalar": (ShapeError, r"shape \(3,\).*sum", lambda: hessian(np.tanh, X)),
    "no scalar product": (ShapeError, r"shape \(3,\).*sum", lambda: hvp(np.tanh, X, V)),
    "shape of v": (
        ShapeError,
        r"input 0: .*\(2,\)[,:] expected \(3,\)",
        lambda: hvp(F, X, V[:2]),
    ),
    "shape along v": (ShapeError, r"input 0.*\(3, 1\)", lambda: jvp(F, X, V[:, None])),
    "missing v": (ArgumentError, "1 for 2", lambda: jvp(lambda a, b: a * b, [X, X], [V])),
    "one v for two": (ArgumentError, "1 for 2", lambda: hvp(lambda a, b: a @ b, [X, X], V)),
    "no tensor": (ArgumentError, "float", lambda: jacobian(wrong(1.0), X)),
    "an array": (ArgumentError, "ndarray", lambda: jvp(lambda x: x.data, X, V)),
    "no inputs": (ArgumentError, "no inputs", lambda: jacobian(F, [])),
    "nothing": (ArgumentError, "NoneType", lambda: hvp(wrong(None), X, V)),
}


@pytest.mark.parametrize("name", FAILURES)
def test_errors_say_what_was_received(name: str) -> None:
    kind, pattern, fail = FAILURES[name]
    with pytest.raises(kind, match=pattern):
        fail()


def test_softmax_has_the_jacobian_of_the_books() -> None:
    s = np.exp(X) / np.exp(X).sum()
    assert_allclose(jacobian(ops.softmax, X).data, np.diag(s) - np.outer(s, s), atol=1e-16)
