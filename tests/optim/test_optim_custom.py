"""Custom optimizers get a name: registered in Python, or as a class in a file."""

from __future__ import annotations

import pickle
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minidl import Trainer, nn, optim
from minidl.errors import ArgumentError, CallError, UnknownNameError
from minidl.optim.source import code_of

HEAD = "from minidl.optim import Optimizer, learning_rate, momentum, register\n"
GOOD = """
class {name}(Optimizer):
    "Its rule."
    lr = learning_rate()
    def __init__(self, lr):
        super().__init__(lr=lr)
    def update(self, w, grad):
        w -= {rate} * self.lr * grad(w)
"""
Write = Callable[..., str]


class Signs(optim.Optimizer):
    """Sign descent.

    It moves each weight by lr.
    """

    lr = optim.learning_rate()

    def __init__(self, lr: object) -> None:
        super().__init__(lr=lr)

    def update(self, w: optim.base.Array, grad: optim.Gradient) -> None:
        w -= self.lr * np.sign(grad(w))


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a file into an empty folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def write(text: str, name: str = "mine.py") -> str:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(HEAD + textwrap.dedent(text), encoding="utf-8")
        return name

    return write


@pytest.fixture
def _forgotten() -> Iterator[None]:
    """Forget names that a test has registered."""
    known = set(optim.OPTIMIZERS)
    yield
    for name in set(optim.OPTIMIZERS) - known:
        optim.OPTIMIZERS.remove(name)


def good(name: str = "Mine", rate: object = 1.0) -> str:
    return GOOD.format(name=name, rate=rate)


def step(name: str, lr: float = 0.5) -> float:
    """Return where one step of an optimizer leads from 1 on the parabola w^2 / 2."""
    w = np.ones(1)
    optim.lookup(name).make(lr).step(w, lambda point: point)
    return float(w[0])


# -- register ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("_forgotten")
def test_a_registered_class_is_found_by_name_and_alias() -> None:
    optim.register("signs", Signs, aliases=["sign-descent"], batch_size=8)
    entry = optim.lookup("Sign Descent")
    assert entry == optim.Entry("signs", Signs, 8, False, ("sign-descent",), "Sign descent.")
    assert entry in list(optim.TABLE)
    trainer = Trainer(nn.mlp(2, 1, seed=0), "mse", "signs", lr=0.25)
    assert (repr(trainer.optimizer), trainer.batch_size) == ("Signs(lr=0.25)", 8)


@pytest.mark.usefixtures("_forgotten")
def test_a_name_can_be_registered_again_as_in_a_notebook() -> None:
    optim.register("signs", Signs, aliases=["old"])
    optim.register("other", optim.NAG)
    optim.register("Signs", optim.GradientDescent, summary="now another")
    assert optim.lookup("signs").optimizer is optim.GradientDescent
    assert optim.lookup("signs").summary == "now another"
    assert optim.lookup("other").optimizer is optim.NAG
    with pytest.raises(UnknownNameError):
        optim.lookup("old")


@pytest.mark.parametrize("name", ["nag", "SGD", "mini_batch"])
def test_a_name_of_minidl_cannot_be_taken(name: str) -> None:
    with pytest.raises(ArgumentError, match=r"minidl has an optimizer named '.*': choose another"):
        optim.register(name, Signs)
    with pytest.raises(ArgumentError, match="choose another"):
        optim.register("signs", Signs, aliases=[name])
    assert optim.lookup("nag").optimizer is optim.NAG


@pytest.mark.parametrize("name", ["", " ", "a,b", "a.py:B", "dir/adam", None])
def test_a_name_must_be_one_that_can_be_typed(name: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^name must be a name such as .*, got "):
        optim.register(name, Signs)


def test_only_optimizer_classes_are_registered() -> None:
    with pytest.raises(ArgumentError, match=r"got Signs\(lr=0.1\). Give the class, not an inst"):
        optim.register("signs", Signs(0.1))  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"dict is not derived from minidl\.optim"):
        optim.register("dict", dict)  # type: ignore[arg-type]
    assert "signs" not in optim.OPTIMIZERS


# -- classes in files -------------------------------------------------------------------------


def test_a_class_in_a_file_is_an_optimizer(write: Write) -> None:
    place = f"{write(good(rate=3.0))}:Mine"
    entry = optim.lookup(place)
    assert (entry.name, entry.batch_size, entry.has_momentum) == ("Mine", 32, False)
    assert optim.lookup(f"./{place}") == entry
    assert step(place) == -0.5
    trainer = Trainer(nn.mlp(2, 1, seed=0), "mse", place, lr=0.25)
    assert repr(trainer.optimizer) == "Mine(lr=0.25)"
    assert "Mine" not in optim.OPTIMIZERS


def test_a_class_called_like_a_rule_of_minidl_has_the_name_of_its_file_before_it(
    write: Write,
) -> None:
    assert optim.lookup(f"{write(good('NAG'))}:NAG").name == "mine.NAG"


def test_a_file_that_the_system_cannot_read_is_an_error_of_its_name(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ArgumentError, match=r"^there is no file x{200}"):
        optim.lookup("x" * 5000 + ".py:Mine")
    place = write(good())

    def unreadable(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", unreadable)
    with pytest.raises(ArgumentError, match=rf"^cannot read {place}: Permission denied$"):
        optim.lookup(f"{place}:Mine")


def test_a_file_uses_dataclasses_and_the_modules_beside_it(write: Write) -> None:
    write("def double(x):\n    return 2 * x\n", "beside_mine.py")
    text = """
    from __future__ import annotations
    from dataclasses import dataclass
    from beside_mine import double

    @dataclass
    class Half:
        by: float = 0.5
    """
    (place := Path("mine.py")).write_text(textwrap.dedent(text) + HEAD + good(rate="double(0.25)"))
    assert step(f"{place}:Mine", lr=1.0) == 0.5


def test_a_file_that_has_changed_is_run_again_and_else_only_once(write: Write) -> None:
    place = f"{write(good(rate=1.0))}:Mine"
    first = optim.lookup(place).optimizer
    assert optim.lookup(place).optimizer is first
    write(good(rate=2.0))
    assert step(place) == 0.0


def test_two_files_of_one_name_are_two_modules(write: Write) -> None:
    write(good(rate=1.0), "one/mine.py")
    write(good(rate=2.0), "two/mine.py")
    assert [step(f"{folder}/mine.py:Mine") for folder in ("one", "two", "one")] == [0.5, 0.0, 0.5]


@pytest.mark.usefixtures("_forgotten")
def test_a_name_that_a_file_registers_can_be_used_too(write: Write) -> None:
    write(f"{good()}register('own', Mine, aliases=['mein'], batch_size=4)\n")
    entry = optim.lookup("mine.py:mein")
    assert (entry.name, entry.batch_size) == ("own", 4)
    assert optim.lookup("own") is entry


def test_a_class_in_a_file_is_pickled_with_its_code(write: Write) -> None:
    """A module that pickle found by its name would have to be there in the worker, too."""
    made = optim.lookup(f"{write(good())}:Mine").make(0.1)
    with pytest.raises(pickle.PicklingError, match="import of module 'mine_"):
        pickle.dumps(made)


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        (("2.0", "3.0"), True),
        (("FACTOR = 1.0", "FACTOR = 2.0"), True),
        (("class", "# a comment\n\nclass"), False),
        (("Its rule", "A rule"), False),
    ],
)
def test_the_code_of_a_file_is_all_but_comments_and_docstrings(
    change: tuple[str, str], differs: bool, write: Write
) -> None:
    text = f"FACTOR = 1.0\n{good(rate='2.0 * FACTOR')}"
    codes = []
    for words in (text, text.replace(*change)):
        write(words)
        codes.append(code_of(optim.lookup("mine.py:Mine").optimizer))
    assert len(codes[0]) == 12
    assert (codes[0] != codes[1]) is differs


@pytest.mark.parametrize("how", ["import near", "from near import f", "from inner import near"])
def test_the_code_of_modules_beside_a_file_counts(how: str, write: Write) -> None:
    codes = []
    for value in (1, 2):
        for folder in (".", "inner"):
            write(f"f = {value}\n", f"{folder}/near.py")
        write(f"{how}\nimport numpy\n{good()}", "mine.py")
        optim.source.LOADED.clear()
        codes.append(code_of(optim.lookup("mine.py:Mine").optimizer))
    for name in ("near", "inner", "inner.near"):
        sys.modules.pop(name, None)
    assert codes[0] != codes[1]


def test_other_classes_have_no_code_from_a_file() -> None:
    assert code_of(optim.NAG) == code_of(Signs) == ""


# -- mistakes ---------------------------------------------------------------------------------


def refused(place: str) -> str:
    with pytest.raises((ArgumentError, UnknownNameError, CallError)) as caught:
        optim.lookup(place)
    return str(caught.value)


def test_a_missing_file_or_class_is_told_with_what_there_is(write: Write) -> None:
    write(good("Adam") + good("Lion"))
    Path("empty.py").write_text("x = 1\n")
    assert refused("none.py:A") == "there is no file none.py: expected FILE.py:CLASS"
    assert refused("mine:Adam").endswith("Did you mean 'mine.py:Adam'?")
    assert refused("mine.py").endswith("Name the class: mine.py:Adam.")
    unknown = "unknown optimizer in mine.py 'adm': expected one of: Adam, Lion. Did you mean 'Adam'"
    assert refused("mine.py:adm").startswith(unknown)
    assert "empty.py defines no optimizer: got A. Derive a class from" in refused("empty.py:A")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nclass A(\n", "mine.py, line 3: '(' was never closed: class A("),
        ("\nimport no_such_thing\n", "mine.py, line 3: ModuleNotFoundError: No module named 'no_"),
        ("def f():\n    return 1 / 0\nf()\n", "mine.py, line 3: ZeroDivisionError: division by"),
        ("raise SystemExit(1)\n", "mine.py, line 2 ends the process. Put what is not a defin"),
        ("class A(Optimizer):\n    def step(self, p): ...\n", "mine.py, line 2: A.step is never"),
    ],
)
def test_a_file_that_cannot_be_run_is_told_with_its_line(
    text: str, message: str, write: Write
) -> None:
    assert refused(f"{write(text)}:A").startswith(message)
    assert not [name for name in sys.modules if name.startswith("mine_")]


INIT = "class A(Optimizer):\n    {}\n    def __init__(self, {}): {}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "class A:\n    def __init__(self, params, lr): ...\n",
            "A is not derived from minidl.optim.Optimizer. Write class A(Optimizer), with __init__",
        ),
        (
            INIT.format("x = 1", "learning_rate", "..."),
            "the constructor of A cannot be called with lr alone: got A(learning_rate), expected A",
        ),
        (INIT.format("x = 1", "lr, beta", "..."), "defaults. Give beta a default."),
        (
            INIT.format("momentum = momentum()", "lr", "..."),
            "with lr and momentum alone: got A(lr), expected A(lr, momentum), other arguments",
        ),
        (INIT.format("x = 1", "lr", "self.lr = lr"), "A does not declare lr. Write in the class: "),
        (
            INIT.format(
                "lr = learning_rate()", "lr, momentum=0.9", "super().__init__(lr=lr); self.m = 1"
            ),
            "A does not declare momentum. Write in the class: momentum = minidl.optim.momentum(), ",
        ),
        (INIT.format("x = 1", "lr", "self.x = y"), "A(lr=0.1) raises NameError: name 'y' is not"),
    ],
)
def test_a_class_that_cannot_be_made_with_lr_is_told_what_is_wrong(
    text: str, message: str, write: Write
) -> None:
    update = "    def update(self, w, grad): w -= grad(w)\n" if "(Optimizer)" in text else ""
    assert message in refused(f"{write(text + update)}:A")


def test_a_class_without_a_formula_is_told_to_write_one(write: Write) -> None:
    text = INIT.format("lr = learning_rate()", "lr", "super().__init__(lr=lr)")
    assert "A does not define update. Write def update(self, w, grad)" in refused(
        f"{write(text)}:A"
    )
