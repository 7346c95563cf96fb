"""Formulas that a user types, such as ``50*x**2 + y**2/2``: parsed by `ast`, never by `eval`."""

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.autograd import ops
from minidl.autograd.node import Value
from minidl.errors import ArgumentError, shown
from minidl.spelling import close_matches

LONGEST, DEEPEST, HIGHEST = 400, 100, 100  # characters, nested parts, exponent
NAMES = "exp log log10 log2 sqrt abs sin cos tan arcsin arccos arctan sinh cosh tanh sigmoid"
NAMES += " softplus relu"
FUNCTIONS: dict[str, Callable[..., Any]] = {name: getattr(ops, name) for name in NAMES.split()}
OF_TWO = {"max": ops.maximum, "min": ops.minimum}
CONSTANTS = {"pi": math.pi, "e": math.e}
OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
SIGNS: dict[type, Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}
EXPECTED = "numbers, x, y, + - * / ** ( ) and functions such as exp, sin, abs"
KNOWN = ["x", "y", *CONSTANTS, *FUNCTIONS, *OF_TWO]
ELSEWHERE = {"ln": "log", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "fabs": "abs"}
ELSEWHERE |= {"maximum": "max", "minimum": "min", "pow": "x**3"}
ELSEWHERE |= dict.fromkeys(["X", "x1", "w", "w1", "theta", "t"], "x")
ELSEWHERE |= dict.fromkeys(["Y", "x2", "w2", "z"], "y")
SIGNS_OF_PRINT = {"²": "**2", "³": "**3", "⁴": "**4", "·": "*", "×": "*", "−": "-", "÷": "/"}
SIGNS_OF_PRINT |= {"π": "pi", "√": "sqrt(...)"}
SYNTAX = (  # in a text that Python cannot parse -> hint
    (r"\d\s*[a-df-zA-Z(]", "Write * between factors: 2*x."),
    (r"(?<![=<>!])=(?!=)", "Give the formula alone, without = and what is before it."),
    (rf"\b({'|'.join(FUNCTIONS)})\s+\w", "Write parentheses: sin(x)."),
    (r"[\w)]\s+[\w(]", "Write * between factors: x*y."),
)


@dataclass(frozen=True)
class Formula:
    """A formula of x, or of x and y, that computes on arrays and Tensors; see :func:`parse`.

    Examples
    --------
    >>> formula = parse("50*x**2 + y**2/2")
    >>> formula.variables, formula(1.0, 2.0), formula.degree
    (('x', 'y'), 52.0, 2.0)
    """

    text: str
    tree: ast.expr
    variables: tuple[str, ...]

    def __call__(self, *values: Value) -> Value:
        """Return the value for a value of each variable: numbers, arrays or Tensors."""
        return _value(self.tree, dict(zip(self.variables, values, strict=True)))

    @property
    def degree(self) -> float:
        """The degree of a polynomial; infinity for other formulas."""
        return _degree(self.tree)


def parse(text: object) -> Formula:
    """Return the formula that a text means.

    It may contain numbers, ``x``, ``y``, ``pi``, ``e``, ``+ - * / **``, parentheses and the
    functions exp, log, log10, log2, sqrt, abs, sin, cos, tan, arcsin, arccos, arctan, sinh, cosh,
    tanh, sigmoid, softplus, relu, max(a, b) and min(a, b).

    Raises
    ------
    ArgumentError
        It contains anything else, is longer than 400 characters, nested more than 100 deep, has
        an exponent above 100 or no x; the message names the part and its position from 1.

    Examples
    --------
    >>> parse("2*x + z")
    Traceback (most recent call last):
    ...
    minidl.errors.ArgumentError: cannot read the surface '2*x + z': got 'z' at position 7, expected
    numbers, x, y, + - * / ** ( ) and functions such as exp, sin, abs. Did you mean 'y'?
    """
    if not isinstance(text, str) or not text.strip():
        raise ArgumentError(
            "a surface is a name or a formula, such as 'x**2 + y**2'", received=shown(text)
        )
    text = " ".join(text.split())
    if len(text) > LONGEST:
        received, expected = f"{len(text)} characters", f"at most {LONGEST}"
        raise ArgumentError(
            "the formula of the surface is too long", received=received, expected=expected
        )
    for position, sign in enumerate(text):
        if not sign.isascii() or sign == "#":  # a comment, for Python
            right = SIGNS_OF_PRINT.get(sign)
            raise _error(text, sign, position, hint=f"Write {right}." if right else None)
    tree = _tree(text)
    _check(text, tree, 0)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if "x" not in used:
        hint = "Write x for the only variable." if "y" in used else None
        raise ArgumentError(f"the surface {text!r} does not depend on x", hint=hint)
    return Formula(text, tree, ("x", "y") if "y" in used else ("x",))


def _error(
    text: str, part: str, position: int, expected: str | None = None, hint: str | None = None
) -> ArgumentError:
    """Return the error for a part of a formula, at a position counted from 0."""
    received = f"{part!r} at position {position + 1}" if part else "its end"
    problem = f"cannot read the surface {text!r}"
    return ArgumentError(problem, received=received, expected=expected or EXPECTED, hint=hint)


def _tree(text: str) -> ast.expr:
    """Return the syntax tree of a text in ASCII."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)  # of "1if", in Python 3.11
            return ast.parse(text, mode="eval").body
    except (MemoryError, RecursionError):
        raise ArgumentError(f"the surface {text!r} is nested too deeply") from None
    except (SyntaxError, ValueError) as error:
        raise _syntax_error(text, error) from None


def _syntax_error(text: str, error: SyntaxError | ValueError) -> ArgumentError:
    """Return the error for a text that is not an expression."""
    position, reason = (getattr(error, "offset", None) or 1) - 1, getattr(error, "msg", "")
    if "parenthes" in reason or "closed" in reason or "unmatched" in reason:
        message = f"cannot read the surface {text!r}: {reason}, at position {position + 1}"
        return ArgumentError(message)
    if re.search(r"[-+*/(,]$", text):
        return _error(text, "", len(text), hint=f"Something is missing after {text[-1]!r}.")
    hint = next((hint for pattern, hint in SYNTAX if re.search(pattern, text)), None)
    return _error(text, text[position:], position, hint=hint)


def _check(text: str, node: ast.AST, depth: int) -> None:
    """Raise unless a part of a tree is one that :func:`_value` can compute."""
    if depth > DEEPEST:
        raise ArgumentError(
            f"the surface {text!r} is nested too deeply",
            expected=f"at most {DEEPEST} parts within each other",
        )
    parts: list[ast.expr] = []
    match node:
        case ast.Constant(value=value) if type(value) in (int, float):
            pass
        case ast.Name(id=name) if name in ("x", "y") or name in CONSTANTS:
            pass
        case ast.UnaryOp(op=op, operand=operand) if type(op) in SIGNS:
            parts = [operand]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            parts = [left, right]
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if len(arguments) == (
            1 if name in FUNCTIONS else 2 if name in OF_TWO else -1
        ):
            parts = arguments
        case _:
            raise _unknown(text, node)
    for part in parts:
        _check(text, part, depth + 1)
    if isinstance(node, ast.expr) and not _varies(node):
        _check_constant(text, node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and not _varies(node.right):
        exponent = abs(_value(node.right, {}))
        if exponent > HIGHEST:
            expected = f"an exponent of at most {HIGHEST}"
            raise _error(text, _source(text, node.right), node.right.col_offset, expected)


def _check_constant(text: str, node: ast.expr) -> None:
    """Raise unless a part without variables is a finite number."""
    try:
        with np.errstate(all="ignore"):
            value = _value(node, {})
        finite = not isinstance(value, complex) and math.isfinite(value)
    except (ArithmeticError, ValueError):
        finite = False
    if not finite:
        raise _error(text, _source(text, node), node.col_offset, "a finite number")


def _source(text: str, node: ast.expr) -> str:
    return ast.get_source_segment(text, node) or ""


def _unknown(text: str, node: ast.AST) -> ArgumentError:
    """Return the error for a part that a formula cannot have."""
    assert isinstance(node, ast.expr)
    part, position, hint = _source(text, node), node.col_offset, None
    match node:
        case ast.Name(id=name):
            right = ELSEWHERE.get(name) or next(iter(close_matches(name, KNOWN)), None)
            hint = f"Did you mean {right!r}?" if right else None
            hint = f"Write parentheses: {name}(x)." if name in FUNCTIONS else hint
        case ast.BinOp(left=left, op=op):
            symbol = re.search(r"[^\s\w.)]+", text[left.end_col_offset :])
            assert symbol is not None
            part, position = symbol.group(), (left.end_col_offset or 0) + symbol.start()
            hint = "Write ** for a power: x**2." if isinstance(op, ast.BitXor) else None
        case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS or name in OF_TWO:
            count = "two arguments: max(x, y)" if name in OF_TWO else "one argument"
            return _error(text, part, position, f"{name} with {count}")
        case ast.Call(func=ast.Name(id=name)) if name not in ("x", "y"):
            return _unknown(text, node.func)
        case ast.Call():
            hint = "Write * before a parenthesis: 2*(x + 1)."
        case ast.Attribute(attr=name):
            hint = f"Write {name} alone, without what is before it."
        case ast.Tuple():
            part, position = ",", text.index(",")
            hint = "Write a decimal point, 0.5, and one formula."
        case ast.Compare():
            hint = "Give the formula alone, without a comparison."
    return _error(text, part, position, hint=hint)


def _varies(node: ast.AST) -> bool:
    """Return whether a part depends on x or y."""
    return any(isinstance(n, ast.Name) and n.id in ("x", "y") for n in ast.walk(node))


def _value(node: ast.expr, values: dict[str, Value]) -> Value:
    """Compute a checked part with operators and `minidl.ops`."""
    match node:
        case ast.Constant(value=value):
            return float(value)  # type: ignore[arg-type]
        case ast.Name(id=name):
            return values[name] if name in values else CONSTANTS[name]
        case ast.UnaryOp(op=op, operand=operand):
            return SIGNS[type(op)](_value(operand, values))
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)](_value(left, values), _value(right, values))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            function = FUNCTIONS.get(name) or OF_TWO[name]
            return function(*[_value(argument, values) for argument in arguments])
    raise AssertionError(ast.dump(node))


def _degree(node: ast.expr) -> float:
    """Return the degree of a part as a polynomial, or infinity."""
    if not _varies(node):
        return 0
    degree = math.inf
    match node:
        case ast.Name():
            degree = 1
        case ast.UnaryOp(operand=operand):
            degree = _degree(operand)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
            degree = max(_degree(left), _degree(right))
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            degree = _degree(left) + _degree(right)
        case ast.BinOp(left=left, op=ast.Div(), right=right) if not _varies(right):
            degree = _degree(left)
        case ast.BinOp(left=left, op=ast.Pow(), right=right) if not _varies(right):
            power = float(_value(right, {}))
            if power >= 0 and power.is_integer():
                degree = _degree(left) * power
    return degree
