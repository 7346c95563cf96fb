"""Which engine takes a step: a function of where the run is, never of time or of the process.

With "auto", the first steps of a run are eager, so that a short run does not pay for a recording;
from step WARM on the machine takes all that it can. What a run has found out on the way, such as
the answers of its conditions, is saved with it. So a run that is saved and resumed ends with the
same bits as one that is not.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from minidl.engine import SETS, machine, worthwhile
from minidl.errors import ArgumentError, invalid, warn
from minidl.schema import fields, integer, listed, such_that, text, truth

WARM = 64  # eager steps before the machine takes over; a recording takes as long as about 100
WARM_CUSTOM = 1024  # with custom parts, of which 24 recordings are made
LARGE = "products of large matrices are as fast"
PATTERNS = 20  # in how many ways the conditions of a run may turn out
TOO_OFTEN = "conditions in Python code turn out in too many ways"
TOO_FEW = "there were too few steps"
NO_MACHINE = "the machine was not compiled when minidl was installed"
ENGINES = ("auto", "eager", "compiled")

SAVED = fields(
    {
        "steps": integer(),
        "forced": integer(),
        "patterns": listed(text),
        "reason": text,
        "final": truth,
        "instruction_set": such_that(lambda name: name in ("", *SETS), "an instruction set"),
    },
    {"differs": text},
)


@dataclass
class EngineAccount:
    """What the compiled engine has done in a run, which is saved with it."""

    steps: int = 0  # taken by the machine
    forced: int = 0  # steps that were eager because of how conditions turned out
    patterns: list[str] = field(default_factory=list)  # of how they have turned out
    reason: str = ""  # why the last steps were eager
    final: bool = False  # whether they will be to the end of the run
    instruction_set: str = ""  # of the machine, in its last steps
    differs: str = ""  # in what a measurement differed from the eager one; all others are eager

    def give_up(self, reason: str) -> None:
        """Leave all further steps of the run to the eager engine."""
        self.reason, self.final = reason, True

    def note(self, steps: int) -> None:
        """Note that the machine has taken steps."""
        self.steps += steps
        self.instruction_set = instruction_set()

    def note_pattern(self, count: int, answers: Sequence[bool]) -> None:
        """Note how the conditions of a step on `count` rows have turned out."""
        pattern = f"{count} {''.join('01'[answer] for answer in answers)}"
        if pattern not in self.patterns:
            self.patterns = sorted([*self.patterns, pattern])

    @property
    def too_often(self) -> bool:
        """Whether conditions turn out in so many ways that the machine is of no use."""
        return len(self.patterns) > PATTERNS or self.forced > PATTERNS + self.steps // PATTERNS


class _Here(threading.local):
    without = False  # whether this process works for one that has no machine


HERE = _Here()


def instruction_set() -> str:
    """Return the instruction set of the compiled engine, or "" if there is none."""
    installed = None if HERE.without else machine()
    return "" if installed is None else installed.instruction_set


@contextlib.contextmanager
def as_in_parent(name: str) -> Iterator[None]:
    """Use the instruction set of the process that this one works for, "" for none.

    A processor that lacks it uses its own, as BLAS does.
    """
    installed = machine()
    before, chosen = HERE.without, None if installed is None else installed.set
    try:
        HERE.without = not name
        if installed is not None and name:
            installed.set = min(installed.set, SETS.index(name))
        yield
    finally:
        HERE.without = before
        if installed is not None and chosen is not None:
            installed.set = chosen


def check_engine(engine: object) -> str:
    """Return the name of an engine, or raise an ArgumentError if there is none, or none here."""
    if not isinstance(engine, str) or engine not in ENGINES:
        raise invalid("engine", engine, '"auto", "eager" or "compiled"')
    if engine == "compiled" and not instruction_set():
        hint = "Install a C compiler and then minidl again, "
        hint += 'pip install --force-reinstall --no-cache-dir minidl, or use engine="auto".'
        raise ArgumentError(f"there is no compiled engine: {NO_MACHINE}", hint=hint)
    return engine


def eager_steps(run: Any) -> int:
    """Return how many steps the eager engine takes before the machine may take one."""
    first = 1 if run.engine == "compiled" else run.warm  # the first makes the optimizer's state
    return max(0, max(1, first) - int(run.optimizer.step_count))


def may_measure(run: Any) -> bool:
    """Return whether the machine may measure: from when on it takes steps."""
    if run.compiled.account.reason or not instruction_set():
        return False
    return run.engine == "compiled" or not eager_steps(run)


def unable(run: Any, epoch: Any) -> str:
    """Return why the compiled engine is not used, or "" if it may be."""
    if not instruction_set():
        return NO_MACHINE
    elements = min(epoch.size, epoch.data.n) * run.objective.vector.largest_matrix
    if run.engine == "auto" and not worthwhile(elements, instruction_set()):
        return LARGE
    return ""


def check_instructions(run: Any) -> None:
    """Warn that a resumed run goes on with other instructions, so its last bits may differ."""
    account, here = run.compiled.account, instruction_set()
    there = "" if account.final or run.engine == "eager" else account.instruction_set
    if there and here != there:
        words = f"and goes on {f'with {here}' if here else 'with the eager engine'}"
        warn(f"the saved run was compiled for {there}, {words}: its last bits may differ")


def engine_words(engine: str, account: EngineAccount) -> str:
    """Return which engine has taken the steps of a run and, if it was the eager one, why.

    >>> engine_words("auto", EngineAccount(steps=900, instruction_set="AVX2"))
    'compiled (AVX2)'
    >>> engine_words("auto", EngineAccount(reason="the model has buffers"))
    'eager, because the model has buffers'
    """
    compiled = f"compiled ({account.instruction_set})" if account.steps else ""
    if engine == "eager":
        return f"{compiled}, then eager" if compiled else "eager"
    if not account.reason:
        return compiled or f"eager, because {TOO_FEW}"
    eager = f"eager, because {account.reason}"
    return f"{compiled}, then {eager}" if compiled else eager
