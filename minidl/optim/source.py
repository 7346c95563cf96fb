"""Optimizer classes in a Python file that the user names, such as ``my_file.py:MyAdam``.

The file is run once, as a module that only its own classes and functions refer to. So workers
get its code with each task, instead of importing a file that they do not have.
"""

import ast
import hashlib
import sys
import traceback
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from minidl.errors import ArgumentError, MinidlError, UnknownNameError
from minidl.optim.base import Optimizer

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
EXPECTED = "FILE.py:CLASS"
LOADED: dict[Path, tuple[bytes, ModuleType]] = {}  # what was in the file when it was run
CODES: dict[str, str] = {}  # name of the module -> hash of its code, see code_of


def is_place(name: object) -> bool:
    """Return whether a name is that of a class in a file, not a registered one."""
    return isinstance(name, str) and (":" in name or name.endswith(".py"))


def code_of(cls: type) -> str:
    """Return a hash of the file of a class, and of modules beside it; "" for other classes.

    Comments and docstrings do not count.
    """
    return CODES.get(cls.__module__, "")


def load(place: str) -> tuple[ModuleType, str]:
    """Return the module of ``FILE.py:CLASS``, and the name of the class.

    It is run again if the file has changed since.

    Raises
    ------
    ArgumentError
        The file does not exist, no class is named, or the file raises an error; with its line.
    """
    file, _, name = place.rpartition(":")
    path = Path(file or place)
    if not _is_file(path):
        right = f"{file}.py:{name}"
        hint = f"Did you mean {right!r}?" if file and _is_file(Path(f"{file}.py")) else None
        raise ArgumentError(f"there is no file {path}", expected=EXPECTED, hint=hint)
    module = _run(path)
    if not file:
        names = classes(module) or ["CLASS"]
        hint = f"Name the class: {place}:{names[0]}."
        raise ArgumentError(f"{place} names no class", expected=EXPECTED, hint=hint)
    return module, name


def _is_file(path: Path) -> bool:
    """Return whether a file exists; False for a name that the system refuses."""
    try:
        return path.is_file()
    except OSError:
        return False


def classes(module: ModuleType) -> list[str]:
    """Return the names of the optimizers that a module defines."""
    defined = [v for v in vars(module).values() if getattr(v, "__module__", "") == module.__name__]
    return [v.__name__ for v in defined if isinstance(v, type) and issubclass(v, Optimizer)]


def attribute(module: ModuleType, name: str) -> object:
    """Return the object called `name` in a module, or raise an error with the nearest optimizer."""
    if hasattr(module, name):
        value = getattr(module, name)
        home = str(getattr(value, "__module__", ""))
        if home.split(".", maxsplit=1)[0] != "minidl":  # which the file only imports
            CODES.setdefault(home, CODES[module.__name__])
        return value
    names, file = classes(module), Path(str(module.__file__)).name
    if names:
        raise UnknownNameError(f"optimizer in {file}", name, names)
    hint = "Derive a class from minidl.optim.Optimizer, and write its update."
    raise ArgumentError(f"{file} defines no optimizer", received=name, hint=hint)


def _run(path: Path) -> ModuleType:
    """Return the module of a file, which is run if it is not the one that was run before."""
    try:
        place, text = path.resolve(), path.read_bytes()
    except OSError as error:
        raise ArgumentError(f"cannot read {path}: {error.strerror}") from error
    if place in LOADED and LOADED[place][0] == text:
        return LOADED[place][1]
    name = f"{path.stem}_{hashlib.sha256(str(place).encode()).hexdigest()[:8]}"
    spec = spec_from_file_location(name, place)
    if spec is None:
        raise ArgumentError(f"{path} is not a file of Python", expected=EXPECTED)
    module = module_from_spec(spec)
    if str(place.parent) not in sys.path:
        sys.path.insert(0, str(place.parent))  # for the modules beside it, as Python does
    sys.modules[name] = module  # which dataclasses need while they are defined
    try:
        exec(compile(text, str(place), "exec"), vars(module))
    except (Exception, SystemExit) as error:
        raise _failure(path, place, error) from error
    finally:
        del sys.modules[name]  # pickle would refer to it by name
    LOADED[place] = text, module
    trees = "".join(ast.dump(tree) for tree in _trees(place, place.parent, set()))
    CODES[name] = hashlib.sha256(trees.encode()).hexdigest()[:12]
    return module


def _failure(path: Path, place: Path, error: BaseException) -> ArgumentError:
    """Return the error for a file that cannot be run, with the line."""
    if isinstance(error, SyntaxError) and error.filename == str(place):
        shown = f"{error.msg}: {(error.text or '').strip()}"
        return ArgumentError(f"{path}, line {error.lineno}: {shown}")
    frames = traceback.extract_tb(error.__traceback__)
    line = next((f.lineno for f in reversed(frames) if f.filename == str(place)), 1)
    if isinstance(error, SystemExit):
        hint = 'Put what is not a definition under if __name__ == "__main__":'
        return ArgumentError(f"{path}, line {line} ends the process", hint=hint)
    error_name = "" if isinstance(error, MinidlError) else f"{type(error).__name__}: "
    return ArgumentError(f"{path}, line {line}: {error_name}{error}")


def _trees(path: Path, folder: Path, visited: set[Path]) -> Iterator[ast.Module]:
    """Yield the code of a file, and of the modules in the folder that it imports."""
    visited.add(path)
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:  # of a module that was not imported after all
        return
    for node in ast.walk(tree):
        if isinstance(node, Documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    yield tree
    for place in dict.fromkeys(_imported(tree)):
        inside = [folder / place, path.parent / place]
        for file in [f for p in inside for f in (p.with_suffix(".py"), p / "__init__.py")]:
            if file.is_file() and file not in visited:
                yield from _trees(file, folder, visited)


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield where modules may be that a file imports, such as ``tools/clip``."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parent = [node.module] if node.module else []
            names = parent + [".".join([*parent, alias.name]) for alias in node.names]
        yield from (name.replace(".", "/") for name in names)
