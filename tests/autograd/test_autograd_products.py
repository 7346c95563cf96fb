"""Products: einsum over random subscripts, what NumPy's names reach, and the errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from autograd_oracles import gradients
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from minidl import Tensor, grad, gradcheck, ops
from minidl.errors import ArgumentError, DTypeError, MissingRuleError, ShapeError

generator = np.random.default_rng(8)
A, B = generator.standard_normal((3, 3)), generator.standard_normal((3, 3))
CUBE = generator.standard_normal((3, 3, 3))


@st.composite
def einsums(draw: Any) -> tuple[str, list[Any]]:
    """Up to three operands: letters that repeat, occur once, have length 0 or 1, and ellipses."""
    sizes = {c: draw(st.integers(0, 3)) for c in "abcd"}
    hidden = draw(st.lists(st.integers(1, 2), max_size=2))
    terms, shapes, ellipsis = [], [], False
    for _ in range(draw(st.integers(1, 3))):
        letters = draw(st.text("abcd", max_size=3))
        once = [c for c in set(letters) if letters.count(c) == 1]
        short = {c for c in once if draw(st.booleans())}  # of length 1: broadcast
        shape = [1 if c in short else sizes[c] for c in letters]
        term = letters
        if draw(st.booleans()):
            ellipsis = True
            place = draw(st.integers(0, len(letters)))
            under = [draw(st.sampled_from([1, n])) for n in hidden]
            under = under[draw(st.integers(0, len(under))) :]
            term = f"{letters[:place]}...{letters[place:]}"
            shape[place:place] = under
        terms.append(term)
        shapes.append(shape)
    subscripts = ",".join(terms)
    if draw(st.booleans()):
        found = draw(st.permutations(sorted(set(subscripts) - set(".,"))))
        output = "".join(found[: draw(st.integers(0, len(found)))])
        place = draw(st.integers(0, len(output)))
        subscripts += f"->{output[:place]}{'...' * ellipsis}{output[place:]}"
    seed = np.random.default_rng(draw(st.integers(0, 99)))
    return subscripts, [seed.standard_normal(shape) for shape in shapes]


@settings(max_examples=150, deadline=None)
@given(einsums())
def test_einsum_of_any_subscripts(case: tuple[str, list[Any]]) -> None:
    subscripts, arrays = case
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    y = ops.einsum(subscripts, *leaves)
    expected = np.einsum(subscripts, *arrays)
    assert y.shape == np.shape(expected)
    assert_allclose(y.data, expected, rtol=1e-13, atol=1e-13)
    weight = np.random.default_rng(1).standard_normal(y.shape)
    slopes = gradients(lambda *x: np.einsum(subscripts, *x), arrays, weight)
    for g, slope in zip(grad(y, leaves, weight), slopes, strict=True):
        assert_allclose(g.data, slope, rtol=1e-12, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(einsums())
def test_einsum_of_any_subscripts_in_second_order(case: tuple[str, list[Any]]) -> None:
    subscripts, arrays = case
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    assert gradcheck(lambda *x: ops.einsum(subscripts, *x), leaves, order=2)


@pytest.mark.parametrize("optimize", [True, "greedy", "optimal", ["einsum_path", (1, 2), (0, 1)]])
def test_einsum_takes_its_order_of_summation_into_the_rules(optimize: Any) -> None:
    leaves = [Tensor(x, requires_grad=True) for x in (A, B, A[:, :2])]
    y = np.einsum("ij,jk,kl->il", *leaves, optimize=optimize)
    plain = np.einsum("ij,jk,kl->il", *leaves)
    assert_allclose(y.data, plain.data, rtol=1e-13)
    for g, h in zip(grad(y.sum(), leaves), grad(plain.sum(), leaves), strict=True):
        assert_allclose(g.data, h.data, rtol=1e-13)


def test_only_the_diagonal_of_a_repeated_letter_receives_even_beside_what_is_not_finite() -> None:
    x = Tensor(A, requires_grad=True)
    (g,) = grad(ops.einsum("ii->i", x), [x], [np.inf, 1.0, 2.0])
    assert_array_equal(g.data, np.diag([np.inf, 1.0, 2.0]))


NUMPY: dict[str, Any] = {
    "matmul": np.matmul,
    "dot": np.dot,
    "outer": np.outer,
    "tensordot": lambda a, b: np.tensordot(a, b, axes=1),
    "einsum": lambda a, b: np.einsum("ij,jk", a, b),
    "diag": lambda a, b: np.diag(a, k=1),
    "diagonal": lambda a, b: np.diagonal(a, offset=-1),
    "trace": lambda a, b: np.trace(a, offset=1),
    "tril": lambda a, b: np.tril(a, k=-1),
    "triu": lambda a, b: np.triu(a, k=1),
}
METHODS: dict[str, Any] = {
    "matmul": lambda a, b: a.matmul(b),
    "dot": lambda a, b: a.dot(b),
    "outer": lambda a, b: a.outer(b),
    "diag": lambda a, b: a.diag(1),
    "diagonal": lambda a, b: a.diagonal(-1),
    "trace": lambda a, b: a.trace(1),
    "tril": lambda a, b: a.tril(-1),
    "triu": lambda a, b: a.triu(1),
}


@pytest.mark.parametrize("name", NUMPY)
def test_numpy_s_functions_and_the_methods_mean_the_operation(name: str) -> None:
    expected = NUMPY[name](A, B)
    for f in [NUMPY[name], *([METHODS[name]] if name in METHODS else [])]:
        for other in (Tensor(B), B):
            y = f(Tensor(A, requires_grad=True), other)
            assert isinstance(y, Tensor)
            assert y.requires_grad
            assert_allclose(y.data, expected, rtol=1e-14)
    mixed = NUMPY[name](A, Tensor(B))
    assert isinstance(mixed, Tensor if name in list(NUMPY)[:5] else np.ndarray | np.float64)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ops.matmul(Tensor(2.0), A), ShapeError, "matmul"),
        (lambda: ops.matmul(A, Tensor(2.0)), ShapeError, "matmul"),
        (lambda: Tensor(A) @ B[:2], ShapeError, "matmul"),
        (lambda: ops.dot(Tensor(A), B[:2]), ShapeError, "matmul"),
        (lambda: ops.dot(Tensor(CUBE), CUBE[:, :2]), ShapeError, "tensordot"),
        (lambda: ops.tensordot(Tensor(A), B, 3), ShapeError, "axes=3"),
        (lambda: ops.tensordot(Tensor(A), B, -1), ShapeError, "axes=-1"),
        (lambda: ops.tensordot(Tensor(A), B, ((0, 1), (0,))), ShapeError, "number"),
        (lambda: ops.tensordot(Tensor(A), B[:2], (1, 0)), ShapeError, "length"),
        (lambda: ops.tensordot(Tensor(A), B, ((0, 0), (0, 1))), ShapeError, "tensordot"),
        (lambda: ops.tensordot(Tensor(A), B, (2, 0)), ShapeError, "tensordot"),
        (lambda: ops.einsum("ij,jk", Tensor(A), B[:2]), ShapeError, "einsum"),
        (lambda: ops.einsum("ij,jk", Tensor(A)), ShapeError, "einsum"),
        (lambda: ops.einsum("ij->k", Tensor(A)), ShapeError, "einsum"),
        (lambda: ops.einsum("ijk", Tensor(A)), ShapeError, "einsum"),
        (lambda: np.einsum(Tensor(A), [0, 1]), ArgumentError, "subscripts must be text"),
        (lambda: np.einsum("ij", Tensor(A), out=A), MissingRuleError, "out"),
        (lambda: ops.diag(Tensor(CUBE)), ShapeError, "diagonal"),
        (lambda: ops.diag(Tensor(1.0)), ShapeError, "vector"),
        (lambda: ops.trace(Tensor(A[0])), ShapeError, "diagonal"),
        (lambda: ops.diagonal(Tensor(A), 0, 1, 1), ShapeError, "diagonal"),
        (lambda: ops.tril(Tensor(1.0)), ShapeError, "tril"),
        (lambda: ops.triu(Tensor(1.0)), ShapeError, "triu"),
        (lambda: ops.tril(Tensor(A), "a"), DTypeError, "tril"),
    ],
)
def test_what_does_not_fit_is_an_error(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call()


def test_triangles_of_a_vector_are_of_its_copies_as_in_numpy() -> None:
    x = Tensor(A[0], requires_grad=True)
    assert_array_equal(ops.tril(x).data, np.tril(A[0]))
    assert_array_equal(grad(ops.tril(x).sum(), [x])[0].data, [3.0, 2.0, 1.0])


def test_a_diagonal_can_be_written_to() -> None:
    assert ops.diagonal(Tensor(A)).data.flags.writeable


@pytest.mark.parametrize("constant", ["left", "right"])
def test_a_product_with_a_constant_matrix_is_differentiated_twice(constant: str) -> None:
    """The rule then multiplies an array by a Tensor, f = sum tanh(A W): checked by differences."""
    generator = np.random.default_rng(7)
    A, w, v = (generator.standard_normal((3, 3)) for _ in range(3))

    def gradient(values: Any, create_graph: bool) -> tuple[Any, Any]:
        W = Tensor(values, requires_grad=True)
        y = np.tanh(A @ W if constant == "left" else W @ A).sum()
        return W, grad(y, W, create_graph=create_graph)

    W, g = gradient(w, create_graph=True)
    found = grad((g * v).sum(), W)
    step = 1e-6
    up, down = (gradient(w + s * step * v, create_graph=False)[1].data for s in (1, -1))
    np.testing.assert_allclose(found.data, (up - down) / (2 * step), rtol=1e-7, atol=1e-8)


LEADS: list[tuple[tuple[int, ...], tuple[int, ...]]] = [((), ()), ((4,), (4,)), ((), (4,))]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("rows", [31, 32, 600])
@pytest.mark.parametrize("n_out", [1, 16, 80])
@pytest.mark.parametrize("leads", LEADS, ids=["one", "replicas", "replicas, shared rows"])
def test_layers_of_many_rows_give_what_a_row_gives(
    leads: Any, n_out: int, rows: int, dtype: Any
) -> None:
    of_rows, of_weights = leads
    x = generator.standard_normal((*of_rows, rows, 60)).astype(dtype)
    W = generator.standard_normal((*of_weights, 60, n_out)).astype(dtype)
    b = generator.standard_normal((*of_weights, 1, n_out) if of_weights else n_out).astype(dtype)
    g = generator.standard_normal((*(of_rows or of_weights), rows, n_out)).astype(dtype)
    leaves = [Tensor(array, requires_grad=True) for array in (x, W, b)]
    y = ops.dense(*leaves)
    plain = ops.linear(*leaves[:2])
    assert_array_equal(y.data, plain.data + b)  # the same bits, whichever way b is added
    close = {"rtol": 1e-11, "atol": 1e-11} if dtype is np.float64 else {"rtol": 1e-3, "atol": 1e-3}
    assert_allclose(y.data, np.einsum("...ni,...io->...no", x, W) + b, **close)
    to_x, to_W, to_b = (part.data for part in grad(y, leaves, g))
    each = np.einsum("...no,...io->...ni", g, W)
    assert_allclose(to_x, each if x.ndim == each.ndim else each.sum(0), **close)
    assert_allclose(to_W, np.einsum("...ni,...no->...io", x, g), **close)
    assert_allclose(to_b, g.sum(-2).reshape(b.shape), **close)
    assert_array_equal(grad(plain, leaves[0], g).data, to_x)
    again = grad(ops.dense(*leaves), leaves, Tensor(g), create_graph=True)
    for found, expected in zip(again, (to_x, to_W, to_b), strict=True):
        assert_allclose(found.data, expected, **close)


def test_a_product_that_underflows_is_told_where_somebody_asks_for_it() -> None:
    tiny, b = np.full((2, 2, 2), 1e-200), np.zeros(2)
    with np.errstate(under="raise"), pytest.raises(FloatingPointError, match="underflow"):
        ops.dense(tiny, tiny, b)
