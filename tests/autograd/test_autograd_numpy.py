"""NumPy's functions and operators on Tensors, and the Tensor as a Python object."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minidl import Tensor, ops
from minidl.autograd.node import name_of
from minidl.errors import ArgumentError, GraphError, MissingRuleError

UFUNCS = [
    "absolute add divide exp expm1 log log1p log2 log10 matmul maximum minimum multiply negative",
    "power reciprocal sign sin cos tan sinh cosh tanh arcsin arccos arctan arcsinh arccosh arctanh",
    "arctan2 hypot logaddexp sqrt square subtract positive",
]
DATA = np.array([[0.5, 1.5], [2.5, 3.5]])


def leaf(data: Any = DATA) -> Tensor:
    return Tensor(data, requires_grad=True)


def operation(result: Tensor) -> str:
    assert result._node is not None
    return name_of(result._node[0])


@pytest.mark.parametrize("name", " ".join(UFUNCS).split())
def test_a_ufunc_on_a_tensor_is_the_operation_of_its_name(name: str) -> None:
    ufunc = getattr(np, name)
    data = DATA + 1 if name == "arccosh" else DATA / 4 if "arc" in name else DATA
    arguments = [leaf(data) for _ in range(ufunc.nin)]
    y = ufunc(*arguments)
    assert operation(y) == name
    assert_array_equal(y.data, ufunc(*[data] * ufunc.nin))


CALLS: dict[str, Callable[[Any], Any]] = {
    "sum": lambda x: np.sum(x, axis=0, keepdims=True),
    "mean": lambda x: np.mean(x, axis=(0, 1)),
    "max": lambda x: np.max(x, -1),
    "min": np.amin,
    "clip": lambda x: np.clip(x, 1, 2),
    "where": lambda x: np.where(DATA > 1, x, 0.0),
    "reshape": lambda x: np.reshape(x, (4, 1)),
    "transpose": lambda x: np.transpose(x, (1, 0)),
    "swapaxes": lambda x: np.swapaxes(x, 0, -1),
    "broadcast_to": lambda x: np.broadcast_to(x, (3, 2, 2)),
    "absolute": np.fabs,
    "power": lambda x: np.float_power(x, 2),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_numpy_function_on_a_tensor_is_the_operation_of_its_name(name: str) -> None:
    y = CALLS[name](leaf())
    assert operation(y) == name
    assert_array_equal(y.data, CALLS[name](DATA))


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "power": lambda a, b: a**b,
    "matmul": lambda a, b: a @ b,
}


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_with_an_array_on_either_side_gives_a_tensor(name: str) -> None:
    f = OPERATORS[name]
    other = DATA[::-1] + 1
    others = [other, other.tolist()] if name != "power" else [other]
    for value in others:
        for y, expected in ((f(leaf(), value), f(DATA, other)), (f(value, leaf()), f(other, DATA))):
            assert isinstance(y, Tensor)
            assert operation(y) == name
            assert_array_equal(y.data, expected)


@pytest.mark.parametrize("name", sorted(OPERATORS.keys() - {"matmul"}))
@pytest.mark.parametrize("number", [2, 2.5, np.float64(2.5), np.int64(3), np.array(2.0)])
def test_an_operator_with_a_number_on_either_side_gives_a_tensor(name: str, number: Any) -> None:
    f = OPERATORS[name]
    assert_array_equal(f(leaf(), number).data, f(DATA, number))
    assert_array_equal(f(number, leaf()).data, f(number, DATA))


def test_whole_negative_powers_of_whole_numbers_are_allowed() -> None:
    assert (Tensor(2) ** -1).item() == 0.5
    assert (2 ** Tensor(-1)).item() == 0.5
    assert ops.power(np.array([2]), -1) == 0.5


def test_unary_operators_and_methods() -> None:
    x = leaf(-DATA)
    assert_array_equal((-x).data, DATA)
    assert_array_equal(abs(x).data, DATA)
    names = "tanh sigmoid relu silu sum mean max min erf square reciprocal abs sin cosh arctan exp"
    for name in names.split():
        assert_array_equal(getattr(x, name)().data, getattr(ops, name)(-DATA))
    assert_array_equal(x.T.data, -DATA.T)
    assert_array_equal(leaf(np.ones((2, 3, 4))).mT.data, np.ones((2, 4, 3)))
    assert x.astype(np.float32).dtype == np.float32


COMPARISONS: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a < b,
    lambda a, b: a <= b,
    lambda a, b: a > b,
    lambda a, b: a >= b,
    lambda a, b: a == b,
    lambda a, b: a != b,
]


@pytest.mark.parametrize("compare", COMPARISONS)
@pytest.mark.parametrize("other", [1.5, DATA[::-1], DATA[0]])
def test_comparisons_give_boolean_arrays(compare: Any, other: Any) -> None:
    for a, b in ((leaf(), other), (other, leaf()), (leaf(), leaf(other))):
        result = compare(a, b)
        assert type(result) is np.ndarray
        plain = [v.data if isinstance(v, Tensor) else v for v in (a, b)]
        assert_array_equal(result, compare(*plain), strict=True)


def test_functions_that_have_no_derivative_give_plain_values() -> None:
    x = leaf()
    assert np.argmax(x) == 3
    assert np.argmin(x, axis=0).tolist() == [0, 0]
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((2, 2), 2, 4)
    assert np.allclose(x, DATA)
    assert np.allclose(DATA, b=x)
    assert np.isfinite(x).all()
    assert np.array_equal(x, DATA)


MISSING: dict[str, Callable[[Any], Any]] = {
    "cbrt": np.cbrt,
    "fft.fft": np.fft.fft,
    "linalg.eigh": np.linalg.eigh,
    "nanstd": np.nanstd,
    "add": np.add.reduce,
    "multiply": lambda x: np.multiply.outer(x, x),
    "frexp": np.frexp,
}


@pytest.mark.parametrize("name", MISSING)
def test_a_function_without_a_rule_names_itself(name: str) -> None:
    with pytest.raises(MissingRuleError, match=rf"np\.{name}\b"):
        MISSING[name](leaf())


@pytest.mark.parametrize("data", [DATA, DATA.copy()[:1]])
def test_writing_into_an_array_by_out_or_in_place_is_refused(data: Any) -> None:
    out = data.copy()
    with pytest.raises(MissingRuleError, match=r"np\.add with out.*numpy\(\)"):
        np.add(leaf(data), 1.0, out=out)
    with pytest.raises(GraphError, match=r"np\.multiply in place, as in a \+= t"):
        out *= leaf(data)
    with pytest.raises(MissingRuleError, match=r"'out'.*sum\(a, axis=None, "):
        np.sum(leaf(data), out=out)
    with pytest.raises(MissingRuleError, match="'where'"):
        np.sum(leaf(data), where=data > 1)
    assert_array_equal(out, data)


def test_a_tracked_tensor_does_not_become_an_array_by_accident() -> None:
    for convert in (np.asarray, np.array, lambda x: np.array([x, x]), Tensor([0]).data.dot):
        with pytest.raises((GraphError, MissingRuleError)):
            convert(leaf())
    with pytest.raises(GraphError, match=r"shape \(2, 2\).*\.numpy\(\) or \.detach\(\)"):
        np.asarray(leaf())


def test_an_untracked_tensor_becomes_an_array_of_its_own() -> None:
    x = Tensor(DATA)
    array = np.asarray(x)
    assert_array_equal(array, DATA, strict=True)
    assert not np.shares_memory(array, x.data)
    assert np.asarray(x, dtype=np.float32).dtype == np.float32
    assert np.array([Tensor(1.0), Tensor(2.0)]).tolist() == [1, 2]


def test_tensors_are_keys_by_identity() -> None:
    a, b = Tensor([1.0, 2.0]), Tensor([1.0, 2.0])
    table = {a: "a", b: "b"}
    assert (table[a], table[b]) == ("a", "b")
    assert len({a, b, a}) == 2
    assert hash(a) != hash(b)


def test_length_and_iteration_are_those_of_the_first_axis() -> None:
    x = leaf()
    assert len(x) == 2
    rows = list(x)
    assert [operation(row) for row in rows] == ["getitem"] * 2
    (rows[0] * rows[1]).sum().backward()
    assert_array_equal(x.grad, DATA[::-1])
    a, b = x[0]
    assert (a.item(), b.item()) == (0.5, 1.5)
    for use in (len, iter, list):
        with pytest.raises(TypeError):
            use(Tensor(1.0))
    with pytest.raises(IndexError):
        x[2]


def test_one_element_is_a_number_and_a_truth_value() -> None:
    for data in (2.5, [2.5], [[2.5]]):
        x = leaf(data)
        assert type(x.item()) is float
        assert float(x.detach()) == x.item() == 2.5
        assert bool(x) is True
        assert bool(x * 0) is False


@pytest.mark.parametrize("data", [DATA, [], [1.0, 2.0]])
def test_several_elements_or_none_are_neither_number_nor_truth_value(data: Any) -> None:
    for use in (float, Tensor.item, bool):
        with pytest.raises(ArgumentError, match=rf"shape \({np.shape(data)[0]},"):
            use(Tensor(data))


def test_elements_cannot_be_assigned() -> None:
    x = leaf()
    with pytest.raises(GraphError, match=r"index \(0, 1\).*where"):
        x[0, 1] = 5.0
    assert_array_equal(x.data, DATA)


def test_the_text_form_shows_values_and_flag() -> None:
    assert repr(Tensor([1.0, 2.5])) == "Tensor([1. , 2.5])"
    assert repr(Tensor(3)) == "Tensor(3.)"
    assert repr(leaf([1.0])) == "Tensor([1.], requires_grad=True)"
    assert repr(Tensor(np.eye(2))) == "Tensor([[1., 0.],\n        [0., 1.]])"
    assert len(repr(Tensor(np.zeros(100_000)))) < 200


def test_shape_properties_are_those_of_the_array() -> None:
    x = Tensor(np.zeros((2, 0, 3), np.float32))
    assert (x.shape, x.ndim, x.size, x.dtype) == ((2, 0, 3), 3, 0, np.float32)
