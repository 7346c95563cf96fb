"""Indexing, joining and rearranging: values are NumPy's, gradients go back where they came from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_array_equal

from minidl import Tensor, grad, ops
from minidl.errors import (
    ArgumentError,
    DTypeError,
    MissingRuleError,
    OutOfRangeError,
    ShapeError,
    UnknownNameError,
)

SHAPES = arrays.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4)
often = settings(max_examples=150, deadline=None, derandomize=True)


def numbered(shape: tuple[int, ...]) -> Any:
    return np.arange(1.0, 1 + np.prod(shape, dtype=int)).reshape(shape)


def gathered(sources: Any, weight: Any, size: int) -> Any:
    """Return, for each element, the sum of the weights where it went; one by one."""
    total = np.zeros(size)
    for source, w in zip(np.ravel(sources), np.ravel(weight), strict=True):
        total[source] += w
    return total


def check(f: Any, shape: tuple[int, ...]) -> None:
    """Compare f of a Tensor with f of an array, and its gradient with where elements went."""
    data = numbered(shape)
    leaf = Tensor(data, requires_grad=True)
    y, expected = f(leaf), f(data)
    assert_array_equal(y.data, expected, strict=True)
    weight = np.random.default_rng(0).normal(size=y.shape)
    g = grad(y, leaf, weight, create_graph=True)
    sources = np.asarray(f(np.arange(data.size).reshape(shape)))
    np.testing.assert_allclose(
        g.data, gathered(sources, weight, data.size).reshape(shape), rtol=1e-13, atol=1e-13
    )
    second = Tensor(weight, requires_grad=True)  # the gradient is linear in its seed
    h = grad(grad(f(leaf), leaf, second, create_graph=True), second, data)
    assert_array_equal(h.data, expected)


@st.composite
def indexed(draw: Any) -> tuple[tuple[int, ...], Any]:
    """A shape, and any index that NumPy has for it."""
    shape = draw(SHAPES)
    basic = arrays.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True)
    whole = arrays.integer_array_indices(shape)
    mask = arrays.arrays(bool, shape)
    first = arrays.arrays(np.intp, st.integers(0, 4), elements=st.integers(-shape[0], shape[0] - 1))
    mixed = st.tuples(first, *(st.slices(n) for n in shape[1:]))
    return shape, draw(st.one_of(basic, whole, mask, mixed))


@often
@given(indexed())
def test_any_index_gives_numpy_s_elements_and_gradients_add_up_where_it_points(case: Any) -> None:
    shape, index = case
    check(lambda x: x[index], shape)


@often
@given(SHAPES, st.data())
def test_rearrangements_send_gradients_back(shape: tuple[int, ...], data: Any) -> None:
    n = len(shape)
    axis, other = (data.draw(st.integers(-n, n - 1)) for _ in range(2))
    order = data.draw(st.permutations(range(n)))
    shift = data.draw(st.integers(-5, 5))
    for f in (
        lambda x: np.transpose(x, axes=order),
        lambda x: np.swapaxes(x, axis, other),
        lambda x: np.moveaxis(x, axis, other),
        lambda x: np.flip(x, axis),
        lambda x: np.roll(x, shift, axis),
        lambda x: np.roll(x, shift),
        lambda x: np.reshape(x, -1),
        lambda x: np.expand_dims(x, axis),
        np.squeeze,
        lambda x: x.flatten(),
        lambda x: x.ravel(),
        lambda x: x.transpose(*order).reshape(-1, 1),
        lambda x: x.squeeze(),
    ):
        check(f, shape)


@often
@given(SHAPES, st.data())
def test_enlargements_sum_the_gradients_of_copies(shape: tuple[int, ...], data: Any) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    reps = data.draw(st.lists(st.integers(0, 2), max_size=5))
    counts = data.draw(st.lists(st.integers(0, 3), min_size=shape[axis], max_size=shape[axis]))
    width = data.draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    mode = data.draw(st.sampled_from(["edge", "reflect", "symmetric", "wrap"]))
    for f in (
        lambda x: np.tile(x, reps),
        lambda x: np.repeat(x, counts, axis=axis),
        lambda x: np.repeat(x, 2),
        lambda x: np.pad(x, width, mode=mode),
        lambda x: np.broadcast_to(x, (2, *x.shape)),
    ):
        check(f, shape)


@often
@given(SHAPES, st.data())
def test_what_is_cut_and_joined_again_is_what_it_was(shape: tuple[int, ...], data: Any) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    cuts = sorted(data.draw(st.lists(st.integers(0, shape[axis]), max_size=3)))
    check(lambda x: np.concatenate(np.split(x, cuts, axis=axis)[::-1], axis=axis), shape)
    check(lambda x: np.concatenate([x, x], axis=None), shape)
    check(lambda x: np.stack([x, x], axis=axis), shape)


def test_joining_takes_tensors_and_arrays_of_both_precisions() -> None:
    x = Tensor(np.float32([1, 2]), requires_grad=True)
    z = Tensor([3.0], requires_grad=True)
    y = np.concatenate((x, [7, 8], z))
    assert y.dtype == np.float64
    gx, gz = grad((y * np.arange(5.0)).sum(), [x, z])
    assert_array_equal(gx.data, np.float32([0, 1]), strict=True)
    assert_array_equal(gz.data, [4.0], strict=True)
    assert np.stack([x, x]).dtype == np.float32


def test_a_padded_constant_has_no_gradient_and_each_side_may_have_its_own() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = np.pad(x, (1, 2), constant_values=(5, 6))
    assert_array_equal(y.data, [5, 1, 2, 6, 6])
    assert_array_equal(grad((y * y).sum(), x).data, [2, 4])


def test_tensors_are_unpacked_iterated_and_counted() -> None:
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    a, b = x
    assert_array_equal(grad((a * b).sum(), x).data, [[3, 4], [1, 2]])
    assert len(x) == 2
    assert [row.shape for row in x] == [(2,), (2,)]
    for use in (len, iter):
        with pytest.raises(DTypeError, match=r"shape \(\) .*item"):
            use(Tensor(1.0))


def test_mistakes_are_told_with_what_was_received() -> None:
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    with pytest.raises(OutOfRangeError, match=r"index 5 is out of bounds.*float64\[2, 3\]"):
        x[:, 5]
    with pytest.raises(OutOfRangeError, match="integer"):
        x[Tensor([0.0, 1.0])]
    with pytest.raises(OutOfRangeError, match="too many indices"):
        x[0, 0, 0]
    with pytest.raises(ShapeError, match=r"length 3 cannot .* 2 parts"):
        np.split(x, 2, axis=1)
    with pytest.raises(ShapeError, match=r"\(2, 3\), \(3,\)"):
        np.stack([x, np.ones(3)])
    with pytest.raises(ShapeError, match="no arrays"):
        ops.stack([])
    with pytest.raises(ShapeError, match="no arrays"):
        ops.concatenate([])
    with pytest.raises(ShapeError, match=r"concatenate .*float64\[2, 3\], float64\[2, 2\]"):
        np.concatenate([x, np.ones((2, 2))])
    with pytest.raises(UnknownNameError, match=r"'mean'.*constant, edge, reflect"):
        np.pad(x, 1, mode="mean")
    with pytest.raises(ShapeError, match="squeeze"):
        np.squeeze(x, axis=0)


def test_plain_answers_are_plain() -> None:
    x = Tensor([[1.0, 5.0], [7.0, 2.0]], requires_grad=True)
    assert (x.argmax(), x.argmin()) == (2, 0)
    assert_array_equal(x.argmax(axis=1), [1, 0])
    assert_array_equal(x.argmax(axis=1, keepdims=True), [[1], [0]])
    assert_array_equal(x.argmin(0, keepdims=True), [[0, 1]])
    assert (np.any(x), np.all(x), np.all(x - 1)) == (True, True, False)
    assert_array_equal(np.argmin(x, axis=0), [0, 1])
    assert x.tolist() == [[1.0, 5.0], [7.0, 2.0]]


def test_what_numpy_says_of_a_call_is_told_as_minidl_s_own_error() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    for f in (
        lambda: np.split(x, 2, axis=5),
        lambda: np.repeat(x, 2, axis=5),
        lambda: np.repeat(x, -1),
        lambda: np.repeat(x, [1, 2, 3]),
    ):
        with pytest.raises(ShapeError, match=r"failed: .*got float64\[2\]"):
            f()
    with pytest.raises(ArgumentError, match=r"pad_width (?=.*pair).*\{-1: \(1, 2\)\}"):
        ops.pad(x, {-1: (1, 2)})
    assert_array_equal(grad(np.tile(x, np.array(2)).sum(), x).data, [2, 2])


def test_an_order_in_memory_is_refused_for_a_tensor_has_none() -> None:
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    refused = {
        "reshape": (lambda: x.reshape(6, order="F"), lambda: np.reshape(x, 6, order="F")),
        "ravel": (lambda: x.flatten("F"), lambda: x.ravel(order="F"), lambda: np.ravel(x, "F")),
        "transpose": (lambda: x.transpose(axes=(1, 0)),),
    }
    for name, calls in refused.items():
        for f in calls:
            with pytest.raises(MissingRuleError, match=rf"{name}: .*expected {name}"):
                f()


def test_raveling_by_numpy_s_function_is_that_of_the_method() -> None:
    check(np.ravel, (2, 3))


def test_a_number_of_parts_is_whole_in_any_of_numpy_s_forms() -> None:
    x = Tensor(np.arange(4.0), requires_grad=True)
    for parts in (2, np.int8(2), np.array(2)):
        assert [p.data.tolist() for p in np.split(x, parts)] == [[0, 1], [2, 3]]
    with pytest.raises(DTypeError, match=r"split .*float"):
        np.split(x, 2.0)


def test_constants_beside_a_mode_of_pad_that_has_none_are_refused() -> None:
    x = Tensor(np.arange(4.0), requires_grad=True)
    with pytest.raises(ArgumentError, match=r"constant_values .*mode='edge', constant_values=3"):
        np.pad(x, 1, "edge", constant_values=3)
