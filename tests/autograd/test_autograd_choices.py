"""What was not chosen has a gradient of exactly 0, also through infinite derivatives and nan."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from autograd_cases import CALLS
from numpy.testing import assert_allclose, assert_array_equal

from minidl import Tensor, debug, grad, gradcheck, hessian, hvp, jvp, nn, ops, primitive
from minidl.autograd.uses import CHOICES, ELEMENTWISE, MOVES, PRODUCTS

NAN, INF = np.nan, np.inf
Function = Callable[..., Any]


def gradients(f: Function, *values: Any, dtype: Any = np.float64, loud: bool = True) -> list[Any]:
    """Return the gradients of the sum; a warning in the backward pass is an error, if `loud`."""
    leaves = [Tensor(np.array(value, dtype), requires_grad=True) for value in values]
    with np.errstate(all="ignore"):
        y = f(*leaves).sum()
    with np.errstate(all="warn" if loud else "ignore"):
        y.backward()
    return [leaf.grad for leaf in leaves]


# The branch, its derivative, a point where both are fine, and one where the trap is.
BRANCHES: dict[str, tuple[Function, Function, float, float]] = {
    "sqrt": (ops.sqrt, lambda x: 0.5 / np.sqrt(x), 4.0, 0.0),
    "sqrt below": (ops.sqrt, lambda x: 0.5 / np.sqrt(x), 4.0, -1.0),
    "log": (ops.log, lambda x: 1 / x, 2.0, 0.0),
    "log1p": (ops.log1p, lambda x: 1 / (1 + x), 2.0, -1.0),
    "log2": (ops.log2, lambda x: 1 / (x * np.log(2)), 2.0, 0.0),
    "log10": (ops.log10, lambda x: 1 / (x * np.log(10)), 2.0, 0.0),
    "x log x": (lambda x: x * ops.log(x), lambda x: np.log(x) + 1, 2.0, 0.0),
    "log of sqrt": (lambda x: ops.log(ops.sqrt(x)), lambda x: 0.5 / x, 2.0, 0.0),
    "exp of log": (lambda x: ops.exp(ops.log(x)), lambda x: 1.0, 2.0, -1.0),
    "reciprocal": (ops.reciprocal, lambda x: -1 / x**2, 2.0, 0.0),
    "1 / x": (lambda x: 1 / x, lambda x: -1 / x**2, 2.0, 0.0),
    "sin x / x": (lambda x: ops.sin(x) / x, lambda x: np.cos(x) / x - np.sin(x) / x**2, 2.0, 0.0),
    "root as power": (lambda x: x**0.5, lambda x: 0.5 * x**-0.5, 4.0, 0.0),
    "cube root": (lambda x: ops.power(x, 1 / 3), lambda x: x ** (-2 / 3) / 3, 8.0, -8.0),
    "power of x": (lambda x: 2.0**x, lambda x: np.log(2) * 2.0**x, 3.0, 5000.0),
    "exp": (ops.exp, np.exp, 1.0, 1e4),
    "expm1": (ops.expm1, np.exp, 1.0, 1e4),
    "cosh": (ops.cosh, np.sinh, 1.0, 1e4),
    "square": (ops.square, lambda x: 2 * x, 3.0, INF),
    "arcsin": (ops.arcsin, lambda x: 1 / np.sqrt(1 - x * x), 0.5, 1.0),
    "arccos": (ops.arccos, lambda x: -1 / np.sqrt(1 - x * x), 0.5, -1.0),
    "arccosh": (ops.arccosh, lambda x: 1 / np.sqrt(x * x - 1), 2.0, 1.0),
    "arctanh": (ops.arctanh, lambda x: 1 / (1 - x * x), 0.5, 1.0),
    "nan": (lambda x: x * ops.tanh(x), lambda x: np.tanh(x) + x / np.cosh(x) ** 2, 0.5, NAN),
    "silu of inf": (ops.silu, lambda x: 0.0, -800.0, INF),
    "relu of log": (lambda x: ops.relu(ops.log(x)), lambda x: 1 / x, 2.0, 0.0),
    "reshaped": (lambda x: ops.sqrt(x).reshape(1, 2)[0][::-1][::-1], lambda x: 0.25, 4.0, 0.0),
    "repeated": (lambda x: ops.tile(ops.sqrt(x), 2)[:2], lambda x: 0.25, 4.0, 0.0),
    "as float64": (lambda x: ops.log(x).astype(np.float64), lambda x: 1 / x, 2.0, 0.0),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", BRANCHES)
def test_a_branch_that_is_not_taken_has_gradient_zero(name: str, dtype: Any) -> None:
    f, slope, good, bad = BRANCHES[name]
    take = np.array([True, False])
    for choose in (
        lambda x: ops.where(take, f(x), 7.0),
        lambda x: np.where(take.astype(int), f(x), x.detach()),
        lambda x: ops.where(~take, 7.0, f(x)),
        lambda x: (ops.where(take, f(x), 7.0) - ops.where(take, f(x), 7.0)).sum() + f(x)[take],
        lambda x: f(x)[take],
        lambda x: f(x)[:1],
        lambda x: f(x)[0],
        lambda x: ops.clip(ops.where(take, f(x), 7.0), -INF, INF),
    ):
        (found,) = gradients(choose, [good, bad], dtype=dtype)
        assert found.dtype == dtype
        assert_allclose(found, [slope(good), 0.0], rtol=1e-5 if dtype is np.float32 else 1e-13)


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (lambda x: ops.maximum(ops.log(x), 0.0), [0.0, 2.0], [0, 0.5]),
        (lambda x: ops.minimum(1 / x, 3.0), [0.0, 2.0], [0, -0.25]),
        (lambda x: np.maximum(-1.0, ops.sqrt(x) * -1 - 1), [0.0, 4.0], [-INF, 0]),  # a tie
        (lambda x: ops.maximum(ops.sqrt(x), 1.0), [0.0, 4.0], [0, 0.25]),
        (lambda x: ops.clip(ops.log(x), -1, 1), [0.0, 2.0, 9.0], [0, 0.5, 0]),
        (lambda x: ops.clip(x**0.5, 1.0, None), [0.0, 4.0], [0, 0.25]),
        (lambda x: ops.hardtanh(ops.log(x)), [0.0, 2.0], [0, 0.5]),
        (lambda x: ops.sqrt(x).max(), [0.0, 4.0], [0, 0.25]),
        (lambda x: (-ops.log(x)).min(axis=0), [0.0, 4.0], [0, -0.25]),
        (lambda x: ops.cumsum(ops.log(x))[:1], [4.0, 0.0], [0.25, 0]),
        (lambda x: ops.repeat(ops.log(x), [2, 0]), [4.0, 0.0], [0.5, 0]),
        (lambda x: ops.norm(ops.sqrt(x), np.inf), [0.0, 4.0], [0, 0.25]),
        (lambda x: ops.split(ops.sqrt(x), 2)[1], [0.0, 4.0], [0, 0.25]),
        (lambda x: ops.tril(ops.log(x).reshape(1, 2)), [4.0, 0.0], [0.25, 0]),
        (lambda x: ops.triu(ops.log(x).reshape(1, 2), 1), [0.0, 4.0], [0, 0.25]),
        (lambda x: ops.trace(ops.log(x).reshape(2, 1)), [4.0, 0.0], [0.25, 0]),
        (lambda x: ops.where(False, ops.softmax(x / 0), x), [0.0, 4.0], [1, 1]),
        (lambda x: ops.where(x.sum() < 0, x / 0, x), [0.0, 4.0], [1, 1]),
    ],
)
def test_other_choices_leave_out_as_well(f: Function, x: Any, expected: Any) -> None:
    assert_array_equal(gradients(f, x, loud=False)[0], expected)


def test_both_arguments_of_the_branch_have_their_gradients() -> None:
    a, b = gradients(lambda a, b: ops.where(b != 0, a / b, 0), [1.0, 6.0], [0.0, 2.0])
    assert_array_equal([a, b], [[0, 0.5], [0, -1.5]])
    a, b = gradients(lambda a, b: ops.where(a > 0, a**b, 0), [-1.0, 2.0], [0.5, 3.0])
    assert_allclose([a, b], [[0, 12], [0, 8 * np.log(2)]], rtol=1e-15)
    a, b = gradients(lambda a, b: ops.where([True, False], a, b / 0), [3.0, 4.0], [5.0, 0.0])
    assert_array_equal([a[0], a[1], b[0]], [1, 0, 0])


def test_an_element_that_is_broadcast_counts_if_one_of_its_copies_is_used() -> None:
    rows = np.array([[True, False], [False, False]])
    f = lambda x, z: ops.where(rows, ops.log(x) * z, 0.0)  # noqa: E731
    x, z = gradients(f, [2.0, 0.0], [[3.0], [INF]])
    assert_allclose(x, [1.5, 0], rtol=1e-15)
    assert_allclose(z, [[np.log(2)], [0]], rtol=1e-15)


def test_a_used_element_is_computed_with_as_usual() -> None:
    root = [0.0, 4.0]
    for f in (lambda x: 0 * ops.sqrt(x), lambda x: ops.sqrt(x) * [0, 0]):
        assert_array_equal(gradients(f, root, loud=False)[0], [NAN, 0])  # as in PyTorch
    assert_array_equal(gradients(lambda x: ops.sqrt(x) ** 2, root, loud=False)[0], [NAN, 1])
    taken = lambda x: ops.where(x >= 0, ops.sqrt(x), 0.0)  # noqa: E731
    assert_array_equal(gradients(taken, [0.0, 4.0, -1], loud=False)[0], [INF, 0.25, 0])
    assert_array_equal(gradients(lambda x: 0 * taken(x), root, loud=False)[0], [NAN, 0])
    assert_array_equal(gradients(taken, [0.0, NAN], loud=False)[0], [INF, 0])
    chosen_nan = lambda x: ops.where([True, False], ops.log(x) * x, 0.0)  # noqa: E731
    assert_array_equal(gradients(chosen_nan, [NAN, NAN], loud=False)[0], [NAN, 0])


def test_an_element_that_is_used_elsewhere_keeps_its_own_gradient() -> None:
    def f(x: Any) -> Any:
        y = ops.log(x)
        return ops.where(x > 1, y, 0.0) + ops.where(x < 0.5, 3 * y, 0.0)

    assert_array_equal(gradients(f, [0.25, 0.75, 2.0])[0], [12, 0, 0.5])

    def g(x: Any) -> Any:
        y = ops.sqrt(x)
        return ops.where(x > 1, y, 0.0) + 2 * y

    assert_array_equal(gradients(g, [0.0, 4.0], loud=False)[0], [INF, 0.75])

    def h(x: Any) -> Any:
        y = ops.sqrt(x)
        return 2 * y + ops.where(x > 1, y, 0.0)

    assert_array_equal(gradients(h, [0.0, 4.0], loud=False)[0], [INF, 0.75])

    def both(x: Any) -> Any:
        y = ops.sqrt(x)
        return ops.where(x > 1, y, y)

    assert_array_equal(gradients(both, [0.0, 4.0], loud=False)[0], [INF, 0.25])


def entropy(x: Any) -> Any:
    return ops.where(x > 0, x * ops.log(x), 0.0)


@np.errstate(all="ignore")
def test_higher_and_forward_derivatives_leave_out_as_well() -> None:
    x, v = np.array([0.0, 4.0, -1.0]), [1.0, 2.0, 3.0]
    assert_array_equal(hessian(lambda x: entropy(x).sum(), x).data, np.diag([0, 0.25, 0]))
    assert_array_equal(hvp(lambda x: entropy(x).sum(), x, v).data, [0, 0.5, 0])
    assert_allclose(jvp(entropy, x, v).data, [0, 2 * (np.log(4) + 1), 0], rtol=1e-15)
    leaf = Tensor(x, requires_grad=True)
    y = ops.where(leaf > 0, ops.sqrt(leaf), 0.0)
    for expected in ([0, 0.25, 0], [0, -1 / 32, 0], [0, 3 / 256, 0]):
        y = grad(y.sum(), leaf, create_graph=True)
        assert_array_equal(y.data, expected)


def test_gradcheck_agrees_where_the_other_branch_is_infinite() -> None:
    x = Tensor([-1.0, 2.0, -0.5], requires_grad=True)
    with np.errstate(all="ignore"):
        assert gradcheck(entropy, x, order=2)
        assert gradcheck(lambda x: ops.where(x > -1, ops.sin(x) * ops.log(x + 1), 0.0), x * 3)


def test_debug_finds_nothing_in_the_branch_that_was_not_taken() -> None:
    x = Tensor([0.0, 4.0], requires_grad=True)
    with debug():
        ops.where(x > 0, ops.sqrt(x), 0.0).sum().backward()
    assert_array_equal(x.grad, [0, 0.25])


@pytest.mark.parametrize("replicas", [False, True])
def test_rows_that_are_not_used_do_not_reach_the_weights(replicas: bool) -> None:
    x = np.array([[1.0, 2.0], [NAN, INF], [3.0, 5.0]])
    shape = (2, 2, 3) if replicas else (2, 3)
    W, b = np.arange(1.0, 1 + np.prod(shape)).reshape(shape) / 10, np.zeros((*shape[:-2], 1, 3))
    valid = np.array([[True], [False], [True]])

    def f(x: Any, W: Any, b: Any) -> Any:
        return ops.where(valid, ops.tanh(ops.dense(x, W, b)), 0.0)

    found = gradients(f, x, W, b)
    expected = gradients(lambda x, W, b: ops.tanh(ops.dense(x, W, b)), x[::2], W, b)
    assert_allclose(found[0], np.insert(expected[0], 1, 0.0, axis=0), rtol=1e-13)
    for one, other in zip(found[1:], expected[1:], strict=True):
        assert_allclose(one, other, rtol=1e-13)
    found = gradients(lambda x, W: ops.where(valid, x @ W, 0.0), x, W)
    assert_allclose(found[1], gradients(lambda W: x[::2] @ W, W)[0], rtol=1e-13)


@np.errstate(all="ignore")
def test_products_leave_out_rows_and_columns_in_higher_derivatives_too() -> None:
    x, W = np.array([[1.0, 2.0], [NAN, 3.0]]), np.array([[0.5, INF], [0.25, 1.0]])
    chosen = np.array([[True, False], [False, False]])
    f = lambda W: (ops.where(chosen, ops.tanh(x @ W), 0.0) ** 2).sum()  # noqa: E731
    g = lambda W: ops.tanh(x[0] @ W) ** 2  # noqa: E731
    assert_allclose(hessian(f, W).data[:, 0, :, 0], hessian(g, W[:, 0]).data, rtol=1e-13)
    assert not hessian(f, W).data[:, 1].any()
    (found,) = gradients(lambda x: ops.where(chosen, x @ W, 0.0), x)
    assert_array_equal(found, [W[:, 0], [0, 0]])
    row = lambda x: ops.where([[True], [False]], ops.log(x) @ [[1.0, -1.0]] * [3.0, 1.0], 0.0)  # noqa: E731
    assert_array_equal(gradients(row, [[4.0], [0.0]])[0], [[0.5], [0]])


@pytest.mark.parametrize("rows", [np.array([0]), [True, False], slice(1), 0])
def test_rows_of_predictions_that_are_not_indexed_do_not_reach_the_weights(rows: Any) -> None:
    x = np.array([[1.0, 2.0], [NAN, INF]])
    (found,) = gradients(lambda W: ops.tanh(x @ W)[rows], np.ones((2, 3)))
    direct = gradients(lambda W: (x @ W)[rows], np.ones((2, 3)))[0]
    assert_allclose(found, np.outer(x[0], 3 * [1 / np.cosh(3) ** 2]), rtol=1e-13)
    assert_array_equal(direct, np.outer(x[0], np.ones(3)))


ROWS: dict[str, Function] = {
    "softmax": lambda z: ops.softmax(z) * [1.0, 2.0],
    "softmax of columns": lambda z: (ops.softmax(z.T, axis=0) * [[1.0], [2.0]]).T,
    "log_softmax": lambda z: ops.log_softmax(z, -1) * [1.0, 2.0],
    "logsumexp": lambda z: ops.logsumexp(z, 1, keepdims=True),
    "logsumexp of rows": lambda z: ops.logsumexp(z, axis=(1,))[:, None],
    "std": lambda z: ops.std(z, axis=1, keepdims=True),
    "var": lambda z: ops.var(z, -1)[:, None],
    "prod": lambda z: ops.prod(z, 1)[:, None],
    "norm": lambda z: ops.norm(z, axis=1, keepdims=True),
    "norm of order 3": lambda z: ops.norm(z, 3, axis=1)[:, None],
    "cross-entropy": lambda z: ops.softmax_cross_entropy(z, np.array([1] * len(z)), "none")[
        :, None
    ],
    "einsum": lambda z: ops.einsum("ij,j->i", z, np.array([1.0, -1.0]))[:, None],
    "dot": lambda z: ops.dot(z, np.array([1.0, -1.0]))[:, None],
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_which_nothing_is_used_is_left_out(name: str) -> None:
    f, x = ROWS[name], np.array([[2.0, 5.0], [0.0, NAN], [3.0, 0.5]])
    valid = np.array([[True], [False], [True]])
    g = lambda x: ops.where(valid, f(ops.log(x)), 0.0)  # noqa: E731
    (found,) = gradients(g, x)
    (expected,) = gradients(lambda x: f(ops.log(x)), x[::2])
    assert_allclose(found, np.insert(expected, 1, 0.0, axis=0), rtol=1e-13)


def test_probabilities_that_replicas_share_are_used_if_one_of_them_uses_them() -> None:
    z, valid = np.zeros((2, 2, 3)), np.array([[True, False], [False, False]])
    loss = lambda q: ops.softmax_cross_entropy(z, ops.log(q), "none")  # noqa: E731
    (found,) = gradients(lambda q: ops.where(valid, loss(q), 0.0), [[1.0, 2, 4], [0, 0, 0]])
    assert_allclose(found, np.array([[1, 1 / 2, 1 / 4], [0, 0, 0]]) * np.log(3), rtol=1e-13)


def test_losses_of_rows_that_are_not_used_are_left_out() -> None:
    t, valid = np.array([[1.0, 2.0], [NAN, 3.0]]), np.array([[True, True], [False, True]])
    losses = lambda p: ops.mean_squared_error(p, t, "none")  # noqa: E731
    (found,) = gradients(lambda p: ops.where(valid, losses(p), 0.0), np.zeros((2, 2)))
    assert_array_equal(found, [[-2, -4], [0, -6]])
    rows = lambda p: ops.mean_squared_error(p, t, "mean", 1)  # noqa: E731
    (found,) = gradients(lambda p: ops.where([True, False], rows(p), 0.0), [[0.0, 0.0], [1, 2]])
    assert_array_equal(found[0], [-1, -2])
    (found,) = gradients(lambda p: rows(ops.log(p))[:1], [[1.0, 1.0], [0, 0]], loud=False)
    assert_array_equal(found[0], [-1, -2])


def test_a_network_is_trained_on_rows_with_missing_features() -> None:
    model = nn.Sequential(nn.Dense(2, 4), nn.Tanh(), nn.Dense(4, 1), seed=0)
    assert model.parameters.value.size == 17
    x = np.array([[1.0, 2.0], [NAN, 1.0]])
    ops.where([[True], [False]], model(x), 0.0).sum().backward()
    found = [p.grad.copy() for p in model.parameters]
    for p in model.parameters:
        p.grad[...] = 0
    model(x[:1]).sum().backward()
    for g, p in zip(found, model.parameters, strict=True):
        assert_allclose(g, p.grad, rtol=1e-13)


def test_a_custom_operation_says_that_it_is_elementwise() -> None:
    @primitive(lambda g, y, x: g / (2 * y), elementwise=True)
    def root(x: Any) -> Any:
        return np.sqrt(x)

    @primitive(lambda g, y, x: g / (2 * y))
    def silent(x: Any) -> Any:
        return np.sqrt(x)

    f = lambda operation: lambda x: ops.where(x > 0, operation(x), 0.0)  # noqa: E731
    assert_array_equal(gradients(f(root), [0.0, 4.0])[0], [0, 0.25])
    assert_array_equal(gradients(f(silent), [0.0, 4.0], loud=False)[0], [NAN, 0.25])


def moves_one_element(call: Any, arrays: list[Any], y: Any) -> bool:
    """Change one element of each argument; tell whether at most the same one of y changes."""
    place = tuple(np.random.default_rng(0).integers(arrays[0].shape))
    moved = [np.array(array) for array in arrays]
    for array in moved:
        array[place] += 1e-3 * (1 + abs(array[place]))
    same = np.equal(call.minidl(*map(Tensor, moved)).data, y)
    same[place] = True
    return bool(same.all())


MIXING = {"einsum", "var", "logsumexp", "prod"}  # elementwise in examples over no axes


def test_every_elementwise_operation_is_known_as_one() -> None:
    found: dict[Any, list[bool]] = {}
    for call in CALLS:
        arrays = [np.asarray(array, float) for array in call.arrays]
        y = call.minidl(*(Tensor(array, requires_grad=True) for array in arrays))
        if not isinstance(y, Tensor) or not y._node or y._node[0] is not getattr(ops, call.name):
            continue  # several results, or a composite operation
        if y.size > 1 and all(array.shape == y.shape for array in arrays):
            found.setdefault(y._node[0], []).append(moves_one_element(call, arrays, y.data))
    assert len(found) > 60
    elementwise = {operation for operation, seen in found.items() if all(seen)}
    unknown = {operation.__name__ for operation in elementwise - ELEMENTWISE - MOVES} - MIXING
    assert not unknown, f"primitive(..., elementwise=True), or a line in ops/choices.py: {unknown}"
    assert not {operation.__name__ for operation in ELEMENTWISE & found.keys() - elementwise}


def test_an_operation_is_of_one_kind() -> None:
    assert not ELEMENTWISE & (MOVES | PRODUCTS)
    assert CHOICES < MOVES


# -- nan ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [ops.maximum, ops.minimum])
def test_a_nan_gives_the_gradient_to_both_arguments_as_in_pytorch(f: Function) -> None:
    a, b = [NAN, 1.0, NAN, 2.0], [1.0, NAN, NAN, 2.0]
    assert np.isnan(f(np.array(a), b)[:3]).all()
    assert_array_equal(gradients(f, a, b), [[1, 1, 1, 0.5]] * 2)  # torch.maximum


@pytest.mark.parametrize(
    ("f", "slope"),  # of nan, as torch.nn.functional and torch.clamp 2.13 have it
    [
        (ops.relu, 1.0),
        (ops.leaky_relu, 0.01),
        (lambda x: ops.clip(x, 0, 2), 0.0),
        (lambda x: ops.clip(x, None, 2), 0.0),
        (ops.hardtanh, 0.0),  # 1 in PyTorch, whose clamp has 0
        (ops.hardswish, 1.0),
        (ops.hardsigmoid, 0.0),
        (ops.relu6, 1.0),
        (ops.softshrink, 1.0),
        (lambda x: ops.hinge(x, np.ones(2), "none"), -1.0),  # relu(1 - x)
        (ops.max, 1.0),
        (lambda x: ops.min(x, axis=0), 1.0),
        (ops.sign, 0.0),
        (ops.absolute, NAN),
        (ops.elu, NAN),
        (ops.gelu, NAN),
        (ops.softplus, NAN),
        (lambda x: ops.huber(x, np.zeros(2), "none"), NAN),
        (lambda x: ops.mean_absolute_error(x, np.zeros(2), "none"), NAN),
    ],
)
def test_a_nan_comes_out_and_sends_back_what_pytorch_does(f: Function, slope: float) -> None:
    x = Tensor([NAN, 0.25], requires_grad=True)
    y = f(x)
    y.sum().backward()
    assert np.isnan(y.data.flat[0])
    assert_array_equal(x.grad[0], slope)
