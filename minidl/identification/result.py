"""The answer of :func:`minidl.identify`."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from minidl.identification.compare import Check, Difference
from minidl.identification.facts import Facts
from minidl.identification.probes import COORDINATES

WIDTH = 79
SMALL = 1e-5  # difference that state in float32 may make in 48 steps


@dataclass(frozen=True)
class Identification:
    """The rule that an optimizer implements, with the checks that tell it.

    Attributes
    ----------
    name : str
        What the optimizer is called.
    rule : str or None
        The rule whose weights are those of the optimizer in all runs, with its form or fault, such
        as "Adam without bias correction"; None if no known rule agrees.
    base : str
        The class of minidl nearest to it, such as "Adam".
    hyperparameters : dict
        Those by which it acts, read off its steps: of `rule`, or else of the nearest one.
    matches : bool
        Whether it is `base`, in the form of minidl or of another library, and acts by the
        hyperparameters that it was given.
    difference : str or None
        If it does not match: how it differs from `base`, as a sentence.
    nearest : str
        The rule that is nearest; `rule`, if there is one.
    also : str
        Where else this rule is.
    error : float
        The largest difference from `nearest` in all runs, relative to the way of the weight.
    first : Difference or None
        The first step in which `base` with the same hyperparameters moves otherwise.
    checks : list of Check
        All experiments, beside `base`.
    facts : Facts
        What is known without a rule.
    cure : str
        What to write instead of a known fault.
    """

    name: str
    rule: str | None
    base: str
    hyperparameters: dict[str, float]
    matches: bool
    difference: str | None
    nearest: str
    also: str
    error: float
    first: Difference | None
    checks: list[Check]
    facts: Facts
    cure: str = ""

    @property
    def cls(self) -> type:
        """The class of minidl that is this rule, or the nearest."""
        from minidl import optim

        cls: type = getattr(optim, self.base)
        return cls

    def __repr__(self) -> str:
        rule = repr(self.rule) if self.rule else f"no known rule, nearest {self.nearest!r}"
        return f"Identification({rule}, {arguments(self.hyperparameters)}, matches={self.matches})"

    def __str__(self) -> str:
        head = f"{self.name}: {self.rule or 'no rule that minidl knows'}"
        lines = [f"  {arguments(self.hyperparameters)}"] if self.rule else []
        lines += wrapped(self.also and self.rule and f"The same as {self.also}.")
        if self.rule and self.difference and self.difference != self.rule:
            lines += wrapped(f"{capital(self.difference)}.")
        lines += wrapped(self.cure)
        if self.rule is None:
            lines += [line for text in self.facts.sentences() for line in wrapped(text)]
            near = f"{self.nearest} with {arguments(self.hyperparameters)}"
            if self.facts.deterministic and not self.facts.first_nan:
                lines += wrapped(f"Nearest is {near}; it differs by {self.error:.2g} of the way.")
                lines += wrapped(self.rounding())
        if self.first is not None:
            lines += wrapped(self.seen())
        elif self.matches:
            lines += wrapped(f"All weights of all runs agree to {max(self.error, 1e-16):.0e}.")
        return "\n".join([head, *lines])

    def rounding(self) -> str:
        """Return the sentence about a difference as small as rounding errors of float32."""
        small = self.rule is None and self.facts.is_usable and self.error < SMALL
        return "Rounding in float32 may differ so little: keep its state in float64." * small

    def seen(self) -> str:
        """Return the sentence about the first step that differs from the base."""
        d = self.first
        if d is None:
            return ""
        experiment = COORDINATES[d.coordinate]
        run = "" if d.run == "main" else f", run {d.run!r}"
        expected, received = d.numbers()
        verb = "takes the gradient at w +" if d.at_point else "moves the weight by"
        return (
            f"First seen in step {d.step} ({experiment}{run}): {self.base} {verb} {expected},"
            f" {self.name} by {received}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the answer for JSON."""
        difference = None if self.first is None else self.first.to_dict()
        checks = [
            {"what": c.what, "passed": c.passed, "remark": "" if c.passed else c.remark}
            | ({"difference": c.difference.to_dict()} if c.difference else {})
            for c in self.checks
        ]
        names = ("name", "rule", "base", "hyperparameters", "matches", "difference", "nearest")
        fields = {name: getattr(self, name) for name in names}
        fields |= {
            "also": self.also,
            "cure": self.cure,
            "error": self.error,
            "first": difference,
            "checks": checks,
        }
        return fields | {"facts": list(self.facts.sentences())}


def arguments(h: Mapping[str, float]) -> str:
    """Return hyperparameters as the arguments of a call.

    >>> arguments({"lr": 0.1, "momentum": 0.9})
    'lr=0.1, momentum=0.9'
    """
    return ", ".join(f"{name}={value:.7g}" for name, value in h.items())


def capital(text: str) -> str:
    """Return a sentence that begins with a capital letter, except for a name in lower case."""
    names = ("lr ", "momentum is", "beta1", "beta2", "epsilon", "rho", "weight_decay")
    return text if text.startswith(names) else text[:1].upper() + text[1:]


def wrapped(text: str | None, indent: str = "  ") -> list[str]:
    """Return a sentence in lines of at most 79 characters."""
    if not text:
        return []
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)
