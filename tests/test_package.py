"""The shape of the package: floors, lengths, what is imported, what is in the wheel."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import FunctionType

import pytest

import minidl

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "minidl").rglob("*.py"))
FLOORS = [
    "errors",
    "memory",
    "files",
    "registry",
    "checks",
    "streams",
    "autograd",
    "nn",
    "optim",
    "datasets",
    "training",
    "comparison",
    "cli",
]


def floor_of(module: str) -> int:
    parts = module.split(".")
    return FLOORS.index(parts[1]) if len(parts) > 1 and parts[1] in FLOORS else len(FLOORS)


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path) for path in SOURCES}


def imports(path: Path) -> set[str]:
    """The minidl modules a file imports when it runs; what only type checkers read is left out."""
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and id(node) not in skipped:
            for alias in node.names if node.module.split(".")[0] == "minidl" else ():
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in MODULES or node.module == "minidl" else node.module)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_imports_go_downward_only(path: Path) -> None:
    here = floor_of(module_of(path))
    for module in imports(path):
        if module in ("minidl.__version__", "minidl"):
            continue
        assert floor_of(module) <= here, f"{module_of(path)} imports {module}"


def test_no_module_imports_itself_through_others() -> None:
    graph = {module_of(path): imports(path) for path in SOURCES}

    def reaches(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for module in graph.get(waiting.pop(), set()):
                if module not in seen:
                    seen.add(module)
                    waiting.append(module)
        return seen

    plain = [path for path in SOURCES if path.name != "__init__.py"]
    circles = [module_of(p) for p in plain if module_of(p) in reaches(module_of(p))]
    assert circles == []


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_files_and_functions_are_short_and_documented(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    tree = ast.parse(text)
    assert ast.get_docstring(tree) or not text.strip()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            doc = ast.get_docstring(node, clean=False) or ""
            assert length - doc.count("\n") - bool(doc) <= 40, f"{node.name}: {length} lines"


def run(*command: str, cwd: Path = ROOT) -> str:
    found = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return found.stdout


def loaded_by(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in found.stdout.split()}


# By NumPy's own random module, and by an editable installation.
BROUGHT_ALONG = ("cython_runtime", "_cython_", "__editable__")


def test_importing_minidl_imports_numpy_and_nothing_heavier() -> None:
    extra = loaded_by("import minidl") - loaded_by("import numpy")
    outside = {name for name in extra if name not in sys.stdlib_module_names}
    assert {name for name in outside if not name.startswith(BROUGHT_ALONG)} == {"minidl"}


def test_what_a_script_does_not_ask_for_is_not_imported() -> None:
    names = ["nn", "optim", "datasets", "training", "comparison"]
    script = f"import minidl, sys; print([n for n in {names} if f'minidl.{{n}}' in sys.modules])"
    assert run(sys.executable, "-c", script).strip() == "[]"


def test_every_public_name_is_there_when_asked_for() -> None:
    script = "import minidl; print([n for n in minidl.__all__ if n not in dir(minidl)])"
    assert run(sys.executable, "-c", script).strip() == "[]"
    for name in minidl.__all__:
        assert getattr(minidl, name) is not None
    assert minidl.comparison.__name__ == "minidl.comparison"
    assert minidl.compare is minidl.comparison.compare
    with pytest.raises(AttributeError, match=r"module 'minidl' has no attribute 'optimizers'"):
        getattr(minidl, "optimizers")  # noqa: B009


def test_the_wheel_holds_only_minidl(tmp_path: Path) -> None:
    copy = tmp_path / "minidl"  # building leaves things behind, so not in the checkout
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "*.egg-info", "build"))
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", ".", cwd=copy)
    (wheel,) = (copy / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"minidl", f"minidl-{minidl.__version__}.dist-info"}
    assert "minidl/py.typed" in names
    shipped = {name for name in names if name.endswith(".py")}
    assert shipped == {path.relative_to(ROOT).as_posix() for path in SOURCES}


def test_the_top_level_holds_what_was_asked_for() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    tops = {name.split("/")[0] for name in listed.stdout.split("\n") if name}
    asked = {"setup.cfg", "README.md", "minidl", "examples", "tests", "datasets"}
    tools = {"pyproject.toml", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"}
    assert {name for name in tops if not name.startswith(".")} <= asked | tools


def test_every_exported_name_exists_and_is_documented() -> None:
    for name in minidl.__all__:
        thing = getattr(minidl, name)
        assert thing.__doc__, name
    for module in (minidl.nn, minidl.optim, minidl.datasets, minidl.training, minidl.ops):
        assert len(module.__all__) > 5
        for name in module.__all__:
            thing = getattr(module, name)
            if isinstance(thing, (type, FunctionType)):
                assert thing.__doc__, f"{module.__name__}.{name}"
