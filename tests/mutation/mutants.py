"""Make mutants: small changes of a source file, one at a time.

A mutant replaces one stretch of the text; the rest of the file keeps its layout. Docstrings,
annotations, imports, ``__all__``, ``__slots__``, type aliases and error messages are not changed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "**": "*", "//": "*", "%": "*"}
SWAPPED = {**ARITHMETIC, "&": "|", "|": "&"}
COMPARED = {
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
    "is": ("is not",),
    "is not": ("is",),
    "in": ("not in",),
    "not in": ("in",),
}
SIGNS: dict[type, str] = {
    **{ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"},
    **{ast.FloorDiv: "//", ast.Mod: "%", ast.BitAnd: "&", ast.BitOr: "|"},
    **{ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="},
    **{ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in"},
}
# Swapped arguments of these functions only crash, or change nothing.
EITHER_ORDER = {"isinstance", "getattr", "setattr", "hasattr"}
EITHER_ORDER |= {"min", "max", "np.minimum", "np.maximum", "np.add"}
EITHER_ORDER |= {"np.multiply", "np.equal", "np.not_equal", "np.logaddexp", "np.hypot"}
EITHER_ORDER |= {"np.array_equal", "_dot", "_size"}  # the last two are in gradcheck


class Mutant(NamedTuple):
    """One changed stretch of a file, from byte `start` to byte `end`."""

    file: str
    line: int
    inside: str  # the top-level function or class around it
    start: int
    end: int
    old: str
    new: str

    def apply(self, source: bytes) -> bytes:
        """Return the changed source."""
        return source[: self.start] + self.new.encode() + source[self.end :]


def mutants(file: str, source: bytes) -> list[Mutant]:
    """Return all mutants of a file, in order.

    Examples
    --------
    >>> for mutant in mutants("f.py", b"def slope(g, x):\\n    return 2 * g\\n"):
    ...     print(mutant.line, mutant.old, "->", mutant.new)
    2 2 * g -> g
    2 2 * g -> ((2) / (g))
    2 2 -> (3)
    2 2 -> (0)
    """
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    result = []
    for statement in ast.parse(source).body:
        inside = getattr(statement, "name", "")
        for node, new in changes(statement, []):
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[node.end_lineno - 1] + node.end_col_offset
            old = source[start:end].decode()
            if new != old:
                result.append(Mutant(file, node.lineno, inside, start, end, old, new))
    return list(dict.fromkeys(result))


def changes(node: ast.AST, parameters: list[str]) -> Iterator[tuple[ast.AST, str]]:
    """Yield each node to replace, from this one down, with its replacement."""
    if untouched(node):
        return
    if isinstance(node, (ast.FunctionDef, ast.Lambda)):
        names = [argument.arg for argument in node.args.args]
        parameters = [name for name in names if name not in ("self", "cls")]
        if isinstance(node, ast.Lambda):
            yield node.body, f"-({ast.unparse(node.body)})"
            yield from ((node.body, name) for name in parameters[:1])
    if isinstance(node, ast.stmt):
        yield from ((node, "pass") for _ in range(deleted(node)))
        yield from of_statement(node, parameters)
    elif isinstance(node, ast.expr):
        yield from ((node, f"({new})") for new in of_expression(node))
    elif isinstance(node, ast.keyword) and node.arg in ("numpy", "methods"):
        yield node.value, "[]"
    if not isinstance(node, ast.Raise):
        for child in ast.iter_child_nodes(node):
            if child not in (getattr(node, "annotation", None), getattr(node, "returns", None)):
                yield from changes(child, parameters)


def untouched(node: ast.AST) -> bool:
    """Return True if a node and everything inside it stays as it is."""
    match node:
        case (
            ast.Import() | ast.ImportFrom() | ast.JoinedStr() | ast.arg() | ast.Expr(ast.Constant())
        ):
            return True
        case ast.AnnAssign(value=None) | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__" | "__slots__")]):
            return True
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.BinOp(op=ast.BitOr())):
            return name[0].isupper()  # a type alias
        case ast.Call(func=ast.Name(id=name)):
            return name.endswith(("Error", "TypeVar", "ParamSpec"))
    return False


def deleted(node: ast.stmt) -> bool:
    """Return True if a statement can be deleted without leaving a name undefined."""
    if isinstance(node, ast.Assign):
        return not isinstance(node.targets[0], (ast.Name, ast.Tuple))
    return isinstance(node, (ast.Expr, ast.AugAssign, ast.Raise, ast.Delete, ast.Break))


def of_statement(node: ast.stmt, parameters: list[str]) -> Iterator[tuple[ast.AST, str]]:
    """Yield the changes of a statement other than those of its expressions."""
    if isinstance(node, ast.Return) and node.value is not None and not untouched(node.value):
        yield node.value, parameters[0] if parameters else "None"
    elif isinstance(node, (ast.If, ast.While)) and not isinstance(node.test, ast.Compare):
        yield node.test, f"(not ({ast.unparse(node.test)}))"
    elif isinstance(node, ast.AugAssign) and type(node.op) in SIGNS:
        target, value = ast.unparse(node.target), ast.unparse(node.value)
        yield node, f"{target} {SWAPPED[SIGNS[type(node.op)]]}= {value}"


def of_expression(node: ast.expr) -> Iterator[str]:
    """Yield replacements of an expression."""
    text = ast.unparse
    match node:
        case ast.BinOp(left, op, right) if type(op) in SIGNS:
            yield f"({text(left)}) {SWAPPED[SIGNS[type(op)]]} ({text(right)})"
        case ast.Compare(left, [op], [right]):
            for other in COMPARED[SIGNS[type(op)]]:
                yield f"({text(left)}) {other} ({text(right)})"
        case ast.UnaryOp(ast.USub() | ast.Not(), operand):
            yield text(operand)
        case ast.BoolOp(op, values):
            other = " or " if isinstance(op, ast.And) else " and "
            yield other.join(f"({text(value)})" for value in values)
        case ast.IfExp(test, body, orelse):
            yield f"({text(orelse)}) if ({text(test)}) else ({text(body)})"
        case ast.Call(function, [first, second], _) if text(function) not in EITHER_ORDER:
            starred = isinstance(first, ast.Starred) or isinstance(second, ast.Starred)
            if not starred and text(first) != text(second):
                others = [f"{word.arg}={text(word.value)}" for word in node.keywords if word.arg]
                others += [f"**{text(word.value)}" for word in node.keywords if not word.arg]
                yield f"{text(function)}({', '.join([text(second), text(first), *others])})"
        case ast.Constant(bool() as value):
            yield text(ast.Constant(not value))
        case ast.Constant(int() | float() as value):
            yield text(ast.Constant(value + 1))
            if value:
                yield "0"
