"""What was not chosen of a product, or of one matrix among many, has a gradient of exactly 0."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minidl import Tensor, grad, hessian, ops

NAN, INF = np.nan, np.inf
# The einsum that each product is, as one letter for each axis, and the shapes of its arguments.
PRODUCTS: dict[str, tuple[Callable[..., Any], str, list[tuple[int, ...]]]] = {
    "matrix @ vector": (np.matmul, "ij,j->i", [(3, 2), (2,)]),
    "vector @ matrix": (np.matmul, "j,ji->i", [(2,), (2, 3)]),
    "vector @ vector": (lambda a, b: (a @ b)[None], "zj,zj->z", [(2,), (2,)]),
    "matrix @ matrix": (np.matmul, "ij,jk->ik", [(3, 2), (2, 3)]),
    "matrices @ vector": (np.matmul, "bij,j->bi", [(2, 3, 2), (2,)]),
    "vector @ matrices": (np.matmul, "j,bji->bi", [(2,), (2, 2, 3)]),
    "matrices @ matrices": (np.matmul, "bij,bjk->bik", [(2, 2, 3), (2, 3, 2)]),
    "matrix @ matrices": (np.matmul, "ij,bjk->bik", [(2, 3), (2, 3, 2)]),
    "dot": (np.dot, "bij,j->bi", [(2, 3, 2), (2,)]),
    "inner": (np.inner, "ij,kj->ik", [(3, 2), (2, 2)]),
    "tensordot": (lambda a, b: np.tensordot(a, b, 1), "ij,jkl->ikl", [(2, 3), (3, 2, 2)]),
    "matvec": (np.matvec, "bij,bj->bi", [(2, 3, 2), (2, 2)]),
    "vecmat": (np.vecmat, "bj,bji->bi", [(2, 2), (2, 2, 3)]),
    "linear": (ops.linear, "ij,jk->ik", [(3, 2), (2, 3)]),
    "einsum ij,j->i": (lambda *a: np.einsum("ij,j->i", *a), "ij,j->i", [(3, 2), (2,)]),
    "einsum bij,bjk->bik": (
        lambda *a: np.einsum("bij,bjk->bik", *a), "bij,bjk->bik", [(2, 2, 2), (2, 2, 2)],
    ),
    "einsum of three": (
        lambda *a: np.einsum("ij,jk,k->ik", *a, optimize=True), "ij,jk,k->ik",
        [(2, 2), (2, 3), (3,)],
    ),
    "einsum of a diagonal": (lambda a: np.einsum("ii->i", a), "ii->i", [(3, 3)]),
    "einsum with an ellipsis": (lambda *a: np.einsum("...j,j", *a), "ij,j->i", [(3, 2), (2,)]),
}  # fmt: skip


def of_used_terms(form: str, arrays: list[Any], weight: Any, used: Any) -> list[Any]:
    """Return the gradients of sum(weight * product), term by term, of used elements alone."""
    left, output = form.split("->")
    terms = left.split(",")
    arrays = [a[None] if "z" in form else a for a in arrays]  # the result of two vectors is one row
    size = dict(zip("".join(terms), [n for a in arrays for n in a.shape], strict=True))
    found = [np.zeros(a.shape) for a in arrays]
    for places in itertools.product(*(range(n) for n in size.values())):
        at = dict(zip(size, places, strict=True))
        index = [tuple(at[letter] for letter in term) for term in (*terms, output)]
        if used[index[-1]]:
            for k, g in enumerate(found):
                others = [a[index[j]] for j, a in enumerate(arrays) if j != k]
                g[index[k]] += np.prod([weight[index[-1]], *others])
    return found


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("choose", ["where", "index", "minimum"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_a_term_that_reaches_no_chosen_element_contributes_nothing(name: str, choose: str) -> None:
    f, form, shapes = PRODUCTS[name]
    rng = np.random.default_rng(sum(map(ord, name)))
    for trial in range(12):
        arrays = [rng.normal(size=shape) for shape in shapes]
        for bad in [(INF,), (NAN,), (-INF, INF)][trial % 3]:
            array = arrays[rng.integers(len(arrays))]
            array[tuple(rng.integers(array.shape))] = bad
        leaves = [Tensor(a, requires_grad=True) for a in arrays]
        y = f(*leaves)
        weight, used = rng.normal(size=y.shape), rng.random(y.shape) < 0.5
        if choose == "where":
            chosen = np.where(used, y, 0.0) * weight
        elif choose == "index":
            chosen = y[used] * weight[used]
        else:  # of what is finite, the smaller ones
            used = np.isfinite(y.data) & (y.data < 0.5) | (y.data == -INF) | np.isnan(y.data)
            chosen = np.minimum(y, np.where(np.isnan(y.data), NAN, 0.5)) * weight
        found = grad(chosen.sum(), leaves)
        expected = of_used_terms(form, arrays, weight, used)
        for tensor, other in zip(found, expected, strict=True):
            one, finite = tensor.data.reshape(other.shape), np.isfinite(other)
            # Where used and other terms are infinite in one sum, einsum may give nan for infinity.
            assert_array_equal(np.isfinite(one), finite)
            assert_allclose(one[finite], other[finite], rtol=1e-12)


def leaf(values: Any) -> Tensor:
    return Tensor(values, requires_grad=True)


A = np.array([[INF, 1.0], [2.0, 3.0]])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda w: (A @ w)[1], [2, 3]),
        (lambda w: np.minimum(A @ w, 10.0).sum(), [2, 3]),
        (lambda w: np.max(A * -1 @ w), [-2, -3]),
        (lambda w: np.where([0, 1], w @ A, 0.0).sum(), [1, 3]),
        (lambda w: (np.stack([A, A]) @ w)[:, 1].sum(), [4, 6]),
        (lambda w: np.nansum(np.einsum("ij,j->i", A * [[NAN], [1]], w)), [2, 3]),
        (lambda w: ((A @ w[:, None]) * np.ones(2))[[0, 1], [0, 1]][1], [2, 3]),
        (lambda w: np.minimum(np.sqrt(w - 1) @ -A, 5.0)[1], [-INF, -INF]),
        (lambda w: np.maximum(np.sqrt([[1.0], [0.0]] * w) @ [1.0, 1.0], 1).sum(), [0.5, 0.5]),
        (lambda w: (A @ w)[0], [INF, 1]),
        (lambda w: np.where([1, 0], np.array([[INF, 1], [INF, 3]]) @ w, 0.0).sum(), [INF, 1]),
    ],
)
def test_products_with_a_vector_leave_out_as_well(f: Callable[..., Any], expected: Any) -> None:
    assert_array_equal(grad(f(w := leaf([1.0, 1.0])), w).data, expected)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_second_derivatives_of_products_leave_out_as_well() -> None:
    rest = np.outer([2, 3], [2, 3])
    for f in (
        lambda w: (A @ w)[1] ** 2,
        lambda w: np.where([False, True], w @ A.T, 0.0).sum() ** 2,
        lambda w: np.minimum(np.einsum("ij,j->i", A, w), 10.0)[1] ** 2,
        lambda w: ops.dense(w[None], A.T, np.zeros(2))[0, 1:].sum() ** 2,
    ):
        assert_array_equal(hessian(f, np.ones(2)).data, 2 * rest)
    a, w = leaf(A), leaf([1.0, 1.0])
    first = grad((a @ w)[1], w, create_graph=True)  # is a[1]
    assert_array_equal(grad((first * [5.0, 7.0]).sum(), a).data, [[0, 0], [5, 7]])


GOOD = np.array([[2.0, 1.0], [1.0, 4.0]])
INVERSE = np.array([[4.0, -1.0], [-1.0, 2.0]]) / 7
OF_INVERSE = -np.outer(INVERSE.sum(axis=0), INVERSE.sum(axis=1))
PER_MATRIX: dict[str, tuple[Callable[..., Any], Any]] = {  # with d sum / dA of GOOD
    "inv": (np.linalg.inv, OF_INVERSE),
    "inv of log": (lambda a: np.linalg.inv(np.log(np.exp(a))), OF_INVERSE),
    "det": (lambda a: np.linalg.det(a)[:, None, None], np.array([[4.0, -1.0], [-1.0, 2.0]])),
    "slogdet": (lambda a: np.linalg.slogdet(a)[1][:, None, None], INVERSE),
    "solve": (lambda a: np.linalg.solve(a, np.ones((2, 1))), OF_INVERSE),
}
BAD = {"nan": np.full((2, 2), NAN), "inf": np.full((2, 2), INF), "singular": np.ones((2, 2))}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("name", "bad"),
    [(n, b) for n in PER_MATRIX for b in BAD if b != "singular" or n in ("det", "slogdet")],
)
def test_a_matrix_that_is_not_chosen_has_gradient_zero(name: str, bad: str) -> None:
    f, expected = PER_MATRIX[name]
    a, chosen = leaf(np.stack([GOOD, BAD[bad]])), np.array([True, False])[:, None, None]
    for y in (np.where(chosen, f(a), 0.0), f(a)[0], f(a)[chosen[:, 0, 0]]):
        assert_allclose(grad(y.sum(), a).data, [expected, 0 * expected], rtol=1e-13)
    first = grad(np.where(chosen, f(a), 0.0).sum(), a, create_graph=True)
    assert_array_equal(grad((first * first).sum(), a).data[1], 0 * expected)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_right_side_that_is_not_chosen_does_not_reach_the_matrix() -> None:
    a, b = leaf(GOOD), leaf([[1.0, NAN], [2.0, 3.0]])
    y = np.where([True, False], np.linalg.solve(a, b), 0.0)
    of_a, of_b = grad(y.sum(), [a, b])
    row = INVERSE.sum(axis=0)
    assert_allclose(of_a.data, -np.outer(row, INVERSE @ [1.0, 2.0]), rtol=1e-13)
    assert_allclose(of_b.data, np.stack([row, [0, 0]], axis=1), rtol=1e-13)
