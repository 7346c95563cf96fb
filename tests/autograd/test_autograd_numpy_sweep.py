"""All of np, np.linalg and np.fft: differentiated, of values alone, or refused with advice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy_calls import ARRAYS, CONSTANTS, DIFFERENTIATED, REFUSED, VALUES, evaluated, listed
from scipy import special

from minidl import Tensor, gradcheck
from minidl.autograd.hints import SCIPY, SENTENCES, WRITE
from minidl.autograd.numpy_functions import NUMPY, PLAIN
from minidl.errors import GraphError, MissingRuleError


def public() -> Iterator[tuple[str, Any]]:
    """Yield every public function, by name without ``np.``."""
    for prefix, module in (("", np), ("linalg.", np.linalg), ("fft.", np.fft)):
        for name in dir(module):
            function = getattr(module, name)
            if not name.startswith("_") and callable(function) and not isinstance(function, type):
                yield prefix + name, function


def dispatched(function: Any) -> bool:
    """Return whether NumPy asks a Tensor before the function runs."""
    return isinstance(function, np.ufunc) or hasattr(function, "_implementation")


FUNCTIONS = {name: f for name, f in public() if name not in ("trapz", "row_stack")}  # deprecated
WORKS = {name: call for name, call in listed(DIFFERENTIATED).items() if name in FUNCTIONS}
PLAINLY = {name: call for name, call in listed(VALUES).items() if name in FUNCTIONS}


def leaves() -> dict[str, Tensor]:
    return {name: Tensor(array, requires_grad=True) for name, array in ARRAYS.items()}


def flat(value: Any) -> Any:
    """Return one vector of all results of a call."""
    if isinstance(value, list | tuple):
        return np.concatenate([flat(part) for part in value])
    return value.reshape(-1) if isinstance(value, Tensor) else np.ravel(value)


def test_every_function_is_in_one_of_the_three_tables() -> None:
    for name, function in FUNCTIONS.items():
        if dispatched(function):
            refused = name in SENTENCES or name in WRITE
            places = [function in NUMPY, function in PLAIN, refused]
            assert sum(places) == 1, f"{name}: differentiated, values, refused: {places}"
    named = {FUNCTIONS[name] for name in WORKS}
    assert not [n for n, f in FUNCTIONS.items() if f in NUMPY and f not in named]
    assert {FUNCTIONS[name] for name in PLAINLY} == {f for f in PLAIN if f in FUNCTIONS.values()}
    assert WRITE.keys() == REFUSED.keys()


@pytest.mark.parametrize("name", WORKS)
def test_a_differentiated_function_has_numpy_s_values_and_the_right_gradient(name: str) -> None:
    found = evaluated(WORKS[name], leaves())
    expected = evaluated(WORKS[name], ARRAYS)
    assert type(found) is type(expected) or isinstance(found, Tensor | tuple)
    assert_allclose(flat(found).data, flat(expected), rtol=1e-14, atol=1e-14)
    used = [n for n in ARRAYS if n in WORKS[name].partition("(")[2].replace("np.", "")]

    def call(*tensors: Any) -> Any:
        return flat(evaluated(WORKS[name], {**ARRAYS, **dict(zip(used, tensors, strict=True))}))

    assert gradcheck(call, [leaves()[n] for n in used])


@pytest.mark.parametrize("name", PLAINLY)
def test_a_function_of_values_returns_what_numpy_returns_for_the_arrays(name: str) -> None:
    found, expected = (evaluated(PLAINLY[name], names) for names in (leaves(), ARRAYS))
    assert type(found) is type(expected)
    if name != "empty_like":
        assert str(found) == str(expected)


@pytest.mark.parametrize("name", WRITE)
def test_advice_that_is_code_equals_numpy_s_function_and_keeps_the_gradient(name: str) -> None:
    text = WRITE[name].replace("x", "p") if name == "cbrt" else WRITE[name]
    expected = evaluated(REFUSED[name], ARRAYS)
    with pytest.raises((MissingRuleError, GraphError)) as caught:
        evaluated(REFUSED[name], leaves())
    found = flat(evaluated(text, leaves()))
    assert_allclose(found.data, flat(expected), rtol=1e-12, atol=1e-12)
    assert found.requires_grad
    assert name in ("apply_along_axis", "piecewise") or text in str(caught.value) or name == "cbrt"


@pytest.mark.parametrize("name", sorted(SENTENCES.keys() & FUNCTIONS.keys()))
def test_a_refused_function_says_what_it_is_and_what_to_do(name: str) -> None:
    function, x = FUNCTIONS[name], leaves()["m"]
    first = ("file",) if name.startswith("save") else ()
    for arguments in ((*first, x), (x, 1), (x, 1, 1), (x, 1, 1, 0)):
        try:
            function(*arguments)
        except MissingRuleError as error:
            message = str(error)
            break
        except TypeError:  # of Python: the function has other arguments
            continue
    assert function.__name__ in message
    assert SENTENCES[name] in message


@pytest.mark.parametrize("name", [n for n, f in FUNCTIONS.items() if not dispatched(f)])
def test_a_function_that_numpy_does_not_dispatch_never_takes_the_values_alone(name: str) -> None:
    """What makes an array of a Tensor is an error; what does not only looks at its type."""
    harmless = "isscalar iterable printoptions set_printoptions setbufsize seterr seterrcall test"
    harmless += " show_config show_runtime get_include info typename isdtype issubdtype"
    harmless += " getbufsize geterr geterrcall get_printoptions"
    harmless += " asmatrix bmat"  # deprecated
    if name.rpartition(".")[2] in harmless.split():
        return
    for value in (leaves()["x"] * 1, leaves()["m"] * 1):
        with pytest.raises((TypeError, ValueError, RuntimeError, AttributeError, OSError)):
            FUNCTIONS[name](value)


def test_the_table_of_constants_has_no_name_of_an_array() -> None:
    assert not ARRAYS.keys() & CONSTANTS.keys()


@pytest.mark.parametrize("name", SCIPY)
def test_advice_for_a_function_of_scipy_equals_it_and_keeps_the_gradient(name: str) -> None:
    function = getattr(special, name)
    names = ("x", "y") if "y" in SCIPY[name] else ("a", "x") if "a *" in SCIPY[name] else ("x",)
    points = {"x": np.array([0.2, 0.5, 0.9]), "y": np.array([0.3, 0.1, 2.0]), "a": np.full(3, 0.6)}
    tensors = {n: Tensor(points[n], requires_grad=True) for n in names}
    with pytest.raises(MissingRuleError, match=rf"no derivative for scipy\.special\.{name}\. "):
        function(*tensors.values())
    found = evaluated(SCIPY[name], tensors)
    assert_allclose(found.data, function(*(points[n] for n in names)), rtol=1e-13)
    assert found.requires_grad


def test_an_ufunc_with_the_name_of_an_operation_is_that_operation() -> None:
    t = Tensor([1.0, 3.0], requires_grad=True)
    for y in (np.zeros(2).clip(t, 2.0), np.array([5.0, 5.0]).clip(0, t), special.log1p(t)):
        assert isinstance(y, Tensor)
        assert y.requires_grad
    assert np.zeros(2).clip(t, 2.0).data.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("call", "advice"),
    [
        (
            lambda t: np.full_like(np.ones(2), t),
            "np.full_like(a, t), which calls it, is t * np.one",
        ),
        (np.poly1d, "np.poly1d(p)(x), which calls it, is functools.reduce("),
        (special.gamma, "no derivative for gamma. Use functions of minidl.ops"),
    ],
)
def test_advice_names_what_was_written(call: Any, advice: str) -> None:
    with pytest.raises(MissingRuleError, match=re.escape(advice)):
        call(leaves()["x"] if call is not np.poly1d else leaves()["p"])
