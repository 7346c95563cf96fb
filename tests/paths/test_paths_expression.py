"""Formulas that a user types: what they compute, and what is refused, with its position."""

import ast

import numpy as np
import pytest

import minidl
from minidl.errors import ArgumentError
from minidl.paths.expression import FUNCTIONS, OF_TWO, parse

X, Y = 0.7, -0.4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50*x**2 + y**2/2", 50 * X**2 + Y**2 / 2),
        ("-x**2 - -y", -(X**2) + Y),
        ("+x - (y - 1)*2", X - (Y - 1) * 2),
        ("2**3**x + y*0", 2 ** (3**X)),
        ("x**-2*y", Y / X**2),
        ("sin(x)*y + e**x - pi", np.sin(X) * Y + np.exp(X) - np.pi),
        ("max(x, y) + 10*min(x, y)", X + 10 * Y),
        ("sqrt(2)*x + log(3)*y", np.sqrt(2) * X + np.log(3) * Y),
        ("abs(y)*x*1e-3", abs(Y) * X * 1e-3),
        ("  x \n + y ", X + Y),
    ],
)
def test_a_formula_means_what_it_means_in_python(text, expected):
    np.testing.assert_allclose(parse(text)(X, Y), expected, rtol=1e-14)


@pytest.mark.parametrize("name", [*FUNCTIONS, *OF_TWO])
def test_every_function_is_differentiated_by_minidl(name):
    formula = parse(f"{name}(x)" if name in FUNCTIONS else f"{name}(x, 0.1*x + 0.2)")
    x, h = minidl.Tensor(0.6, requires_grad=True), 1e-6
    slope = minidl.grad(formula(x), x).item()
    difference = (formula(0.6 + h) - formula(0.6 - h)) / (2 * h)
    np.testing.assert_allclose(slope, difference, rtol=1e-7)


@pytest.mark.parametrize(
    ("text", "part", "position", "hint"),
    [
        ("x^2 + y", "'^'", 2, "Write ** for a power"),
        ("x**2 + z", "'z'", 8, "Did you mean 'y'?"),
        ("ln(x)", "'ln'", 1, "Did you mean 'log'?"),
        ("1 + sni(x)", "'sni'", 5, "Did you mean 'sin'?"),
        ("x + sin", "'sin'", 5, "Write parentheses: sin(x)."),
        ("x + np.sin(x)", "'np.sin(x)'", 5, "*"),
        ("2x + 1", "", 1, "Write * between factors: 2*x."),
        ("x + 2(x + 1)", "'2(x + 1)'", 5, "Write * before a parenthesis"),
        ("x(y + 1)", "'x(y + 1)'", 1, "Write * before a parenthesis"),
        ("x y", "'y'", 3, "Write * between factors"),
        ("sin x", "'x'", 5, "Write parentheses: sin(x)."),
        ("y = x**2", "", 3, "Give the formula alone"),
        ("0,5*x", "','", 2, "Write a decimal point"),
        ("x² + y", "'²'", 2, "Write **2."),
        ("x − y", "'−'", 3, "Write -."),
        ("x**2 + y**200", "'200'", 11, "exponent of at most 100"),
        ("x**99**99", "'99**99'", 4, "exponent of at most 100"),
        ("x + 1/0", "'1/0'", 5, "a finite number"),
        ("x*(-1)**0.5", "'(-1)**0.5'", 3, "a finite number"),
        ("x*1e400", "'1e400'", 3, "a finite number"),
        ("x + 3 // 2", "'//'", 7, "*"),
        ("max(x)", "'max(x)'", 1, "max with two arguments"),
        ("exp(x, y)", "'exp(x, y)'", 1, "exp with one argument"),
        ("(x + 1", "", 1, "never closed"),
        ("x + 1)", "", 6, "unmatched"),
        ("x # c", "'#'", 3, "+ - * /"),
        ("log(0)*x", "'log(0)'", 1, "a finite number"),
        ("True*x", "'True'", 1, "*"),
        ("1j*x", "'1j'", 1, "*"),
    ],
)
def test_the_part_that_is_wrong_is_named_with_its_position(text, part, position, hint):
    with pytest.raises(ArgumentError) as caught:
        parse(text)
    message = str(caught.value)
    assert repr(text) in message
    assert f"{part} at position {position}" in message or f", at position {position}" in message
    assert hint in message


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "x.__class__",
        "().__class__.__bases__",
        "open('x')",
        "(lambda: x)()",
        "[x for x in (1, 2)]",
        "x if x else y",
        "x := 3",
        "f'{x}'",
        "exp(*x)",
        "exp(x=1)",
        "exec('1')",
        "x[0]",
        "not x",
        "x and y",
        "{x: y}",
        "'a'*x",
        "x; y",
        "x\x00",
        "...",
        "await x",
        "eval",
    ],
)
def test_whatever_is_not_a_formula_is_refused_and_never_run(text, monkeypatch):
    def run(*_):
        raise AssertionError("code was run")

    for name in ("eval", "exec", "open"):
        monkeypatch.setattr("builtins." + name, run)
    with pytest.raises(ArgumentError, match="cannot read the surface"):
        parse(text)


def test_length_and_depth_are_bounded():
    with pytest.raises(ArgumentError, match="too long: got 403 characters, expected at most 400"):
        parse("x" + "+x" * 201)
    with pytest.raises(ArgumentError, match="nested too deeply"):
        parse("-" * 300 + "x")
    with pytest.raises(ArgumentError, match="nested too deeply"):
        parse("abs(" * 55 + "-" * 60 + "x" + ")" * 55)
    with pytest.raises(ArgumentError, match="nested parentheses"):
        parse("(" * 250 + "x")
    assert parse("x" + "+x" * 99)(1.0) == 100


@pytest.mark.parametrize(("text", "words"), [("", "''"), ("  ", "'  '"), (5, "5"), (None, "None")])
def test_what_is_no_text_is_an_error(text, words):
    with pytest.raises(ArgumentError, match="a surface is a name or a formula") as caught:
        parse(text)
    assert str(caught.value).endswith(f"got {words}")


@pytest.mark.parametrize(("text", "hint"), [("y**2", "Write x for"), ("3 + pi", "")])
def test_a_formula_must_depend_on_x(text, hint):
    with pytest.raises(ArgumentError, match=f"does not depend on x.*{hint}"):
        parse(text)


def test_an_end_that_is_missing_is_said():
    with pytest.raises(ArgumentError, match=r"got its end, .* Something is missing after '[+]'"):
        parse("x**2 +")


@pytest.mark.parametrize(
    ("text", "degree"),
    [
        ("x", 1),
        ("(x + y)**2/3 - x*y + 7", 2),
        ("sqrt(2)*x**2 + -y", 2),
        ("x*y*x", 3),
        ("(x**2)**2", 4),
        ("x**0", 0),
        ("x**-1", np.inf),
        ("x**0.5", np.inf),
        ("2**x", np.inf),
        ("1/x", np.inf),
        ("abs(x)", np.inf),
    ],
)
def test_the_degree_is_that_of_the_polynomial(text, degree):
    assert parse(text).degree == degree


def test_the_tree_holds_nothing_but_what_is_allowed():
    kinds = {type(node) for node in ast.walk(parse("max(-x, 2)**2 + y").tree)}
    assert ast.Attribute not in kinds
    assert ast.Call in kinds
