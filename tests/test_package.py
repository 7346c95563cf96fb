"""The shape of the package: order of imports, sizes, what is imported, what is in the wheel."""

from __future__ import annotations

import ast
import shutil
import statistics
import subprocess
import sys
import zipfile
from pathlib import Path
from types import FunctionType

import pytest

import minidl

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "minidl"
SOURCES = sorted(PACKAGE.rglob("*.py"))
ORDER = [  # from the ground up: a module may import from its own room and those before it
    "words",
    "spelling",
    "errors",
    "memory",
    "leftovers",
    "files",
    "schema",
    "sealed",
    "archive",
    "text",
    "html",
    "values",
    "checks",
    "registry",
    "subclasses",
    "keywords",
    "streams",
    "autograd",
    "nn",
    "optim",
    "identification",
    "engine",
    "paths",
    "datasets",
    "plots",
    "training",
    "estimators",
    "comparison",
    "page",
    "cli",
]
# The facade names the rooms above it for type checkers alone. At run time it imports them when
# they are first used, so that `import minidl` imports nothing but NumPy. No other file may do so.
FACADE, VERSION = "minidl", "minidl.__version__"
FILE_LINES, MEDIAN_LINES, FUNCTION_LINES = 350, 130, 40


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in SOURCES}


def place_of(module: str) -> int:
    """Return a module's place in ORDER; the facade and `__main__` are above all rooms."""
    room = module.split(".")[1] if "." in module else ""
    return ORDER.index(room) if room in ORDER else len(ORDER)


def imports(module: str, source: str) -> set[str]:
    """Return the minidl modules that a source imports, at the top, in functions or for types."""
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import in line {node.lineno}"
            names = {f"{node.module}.{alias.name}" for alias in node.names} - {VERSION}
            imported |= {name if name in MODULES else str(node.module) for name in names}
    return imported & set(MODULES)


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    """Return what each module imports, but for the facade."""
    inner = {module: path for module, path in MODULES.items() if module != FACADE}
    return {name: imports(name, path.read_text(encoding="utf-8")) for name, path in inner.items()}


def circles(graph: dict[str, set[str]]) -> list[str]:
    """Return the shortest circle through each module as text, such as `a -> b -> a`, once each."""
    shortest: dict[frozenset[str], str] = {}
    for start in sorted(graph):
        paths, seen = [[start]], set()
        for path in paths:  # which grows meanwhile: short paths come first
            for module in sorted(graph.get(path[-1], set()) - seen):
                seen.add(module)
                paths.append([*path, module])
                if module == start:
                    shortest.setdefault(frozenset(path), " -> ".join([*path, start]))
    return list(shortest.values())


def test_imports_go_downward_only(graph: dict[str, set[str]]) -> None:
    upward = {
        module: sorted(name for name in names if place_of(name) > place_of(module))
        for module, names in graph.items()
    }
    wrong = [f"{module} imports {names}" for module, names in upward.items() if names]
    assert not wrong, "\n".join([*wrong, f"the order is {' < '.join(ORDER)}"])


def test_no_module_imports_itself_through_others(graph: dict[str, set[str]]) -> None:
    found = circles(graph)
    assert not found, "circular imports (TYPE_CHECKING counts):\n" + "\n".join(found)


def test_planted_circles_and_upward_imports_are_found() -> None:
    source = "if TYPE_CHECKING:\n    from minidl.training import Trainer\n"
    assert imports("minidl.nn.layer", source) == {"minidl.training"}
    assert imports("minidl.optim", "from minidl import Tensor") == {FACADE}
    assert place_of("minidl.nn") < place_of("minidl.training") < place_of(FACADE)
    graph = {"a": {"b", "d"}, "b": {"c"}, "c": {"b"}, "d": {"a"}, "e": {"e"}}
    assert circles(graph) == ["a -> d -> a", "b -> c -> b", "e -> e"]


def test_every_folder_is_a_room_that_says_what_it_is_for() -> None:
    for folder in sorted({path.parent for path in SOURCES}):
        room = folder / "__init__.py"
        assert room.exists(), f"{folder.relative_to(ROOT)} has no __init__.py"
        text = ast.get_docstring(ast.parse(room.read_text(encoding="utf-8")))
        assert text, f"{room.relative_to(ROOT)} must say what the folder is for"


def faults_of(module: str, text: str) -> list[str]:
    """Return what is too long in a file, or lacks a docstring."""
    lines, tree = text.count("\n"), ast.parse(text)
    found = []
    if lines > FILE_LINES:
        found.append(f"{module} has {lines} lines, at most {FILE_LINES}")
    if text.strip() and not ast.get_docstring(tree):
        found.append(f"{module} has no docstring")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            doc = ast.get_docstring(node, clean=False) or ""
            length -= doc.count("\n") + bool(doc)
            if length > FUNCTION_LINES:
                found.append(f"{module}.{node.name} has {length} lines")
    return found


def test_files_and_functions_are_short_and_documented() -> None:
    texts = {module: path.read_text(encoding="utf-8") for module, path in MODULES.items()}
    wrong = [fault for module, text in texts.items() for fault in faults_of(module, text)]
    assert not wrong, "\n".join(wrong)


def test_planted_lengths_and_missing_docstrings_are_found() -> None:
    long = '"""A module."""\n\n\ndef f() -> None:\n    """Do nothing."""\n' + "    pass\n" * 40
    assert faults_of("a", long) == ["a.f has 41 lines"] == faults_of("a", long + "x = 1\n")
    assert faults_of("a", long.replace("    pass\n", "", 1)) == []
    assert faults_of("a", "") == [] == faults_of("a", '"""A module."""\n')
    assert faults_of("a", "x = 1\n" * 351) == [
        "a has 351 lines, at most 350",
        "a has no docstring",
    ]


def test_the_median_file_is_short() -> None:
    sizes = [len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES]
    median = statistics.median(size for size in sizes if size > 5)
    assert median < MEDIAN_LINES, f"the median file has {median:g} lines"


def run(*command: str, cwd: Path = ROOT) -> str:
    found = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return found.stdout


def loaded_by(code: str, *, parts: bool = False) -> set[str]:
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return {name if parts else name.split(".")[0] for name in found.stdout.split()}


# By NumPy's own random module, and by an editable installation.
BROUGHT_ALONG = ("cython_runtime", "_cython_", "__editable__")


def test_importing_minidl_imports_numpy_and_nothing_heavier() -> None:
    extra = loaded_by("import minidl") - loaded_by("import numpy")
    outside = {name for name in extra if name not in sys.stdlib_module_names}
    assert {name for name in outside if not name.startswith(BROUGHT_ALONG)} == {"minidl"}


def test_what_takes_time_to_import_waits_until_it_is_needed() -> None:
    slow = {
        "numpy.ma",
        "difflib",
        "decimal",
        "fractions",
        "string",
        "scipy",
        "argparse",
        "json",
        "zipfile",
    }
    extra = loaded_by("import minidl", parts=True) - loaded_by("import numpy", parts=True)
    assert not slow & extra


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
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "*.egg-info", "build", "*.so"))
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", ".", cwd=copy)
    (wheel,) = (copy / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"minidl", f"minidl-{minidl.__version__}.dist-info"}
    assert "minidl/py.typed" in names
    machines = [name for name in names if name.startswith("minidl/engine/_machine.")]
    assert len(machines) == 1, "the machine was not compiled, or is there several times"
    shipped = {name for name in names if name.endswith(".py")}
    assert shipped == {path.relative_to(ROOT).as_posix() for path in SOURCES}
    page = {path.name for path in (PACKAGE / "page").iterdir() if path.is_file()}
    parts = {name for name in page if not name.endswith(".py")}
    assert {"page.html", "page.css", "page.js", "dom.js"} <= parts
    assert {name for name in names if name.startswith("minidl/page/")} >= {
        f"minidl/page/{name}" for name in parts
    }


def test_the_top_level_holds_what_was_asked_for() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    tops = {name.split("/")[0] for name in listed.stdout.split("\n") if name}
    asked = {"setup.cfg", "README.md", "minidl", "examples", "tests", "datasets"}
    tools = {"pyproject.toml", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "setup.py"}
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
