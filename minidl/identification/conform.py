"""A report on one optimizer: which rule it is, and what of the expected rule it does not do."""

import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minidl import optim
from minidl.errors import StepError, cut
from minidl.identification.api import Examination, of_class, reference
from minidl.identification.compare import Check
from minidl.identification.declared import given
from minidl.identification.response import quiet, record
from minidl.identification.result import WIDTH, Identification, capital, wrapped

# Words in the name of a class -> the rule that it should be, the first that occurs.
WORDS = {
    "adamw": "AdamW", "adamax": "AdaMax", "nadam": "NAdam", "radam": "RAdam",
    "nesterovadam": "NAdam", "adamnesterov": "NAdam", "amsgrad": "AMSGrad",
    "adagrad": "Adagrad", "adadelta": "Adadelta",
    "centeredrmsprop": "CenteredRMSprop", "rmsprop": "RMSprop", "lion": "Lion", "rprop": "Rprop",
    "adam": "Adam", "reformulatednag": "ReformulatedNAG", "nesterov": "NAG", "nag": "NAG",
    "heavyball": "Momentum", "momentum": "Momentum", "gradientdescent": "GradientDescent",
    "sgd": "SGD", "gd": "GradientDescent",
}  # fmt: skip
WORD = r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+(?:[a-z](?![a-z]))?"  # cs231n_adam is not NAdam
UNKNOWN = ("sign", "signum")  # words of rules that minidl has no class for
FORMS_OF = {  # rules that count as another one
    "NAG": ("NAG", "ReformulatedNAG"), "SGD": ("GradientDescent", "Momentum", "ReformulatedNAG"),
}  # fmt: skip
LEFT, COLUMN = 44, 12  # columns of the names of checks, and of a number


@dataclass(frozen=True)
class Report:
    """The result of :func:`conform`.

    `expected` is the class of the rule that it should be, `reason` says why that one, `conforms`
    whether it is, and `error` is the message if its code failed.
    """

    place: str
    expected: str
    reason: str
    conforms: bool
    answer: Identification | None
    given: dict[str, float | None]
    error: str = ""

    @property
    def failed(self) -> list[Check]:
        """The checks that failed."""
        return [check for check in self.answer.checks if not check.passed] if self.answer else []

    def verdict(self) -> str:
        """Return the result in one line."""
        if self.answer is None:
            return "its code failed"
        if self.conforms:
            return f"conforms: all {len(self.answer.checks)} checks passed"
        return f"does not conform: {len(self.failed)} of {len(self.answer.checks)} checks failed"

    def __str__(self) -> str:
        lines = [self.place, "", *_row("result", self.verdict())]
        if self.answer is None:
            lines += _row("expected", self._expectation()) if self.reason else []
            return "\n".join([*lines, "", *wrapped(self.error)])
        rule = self.answer.rule or "no rule that minidl knows"
        lines += _row("it is", rule)
        lines += _row("expected", self._expectation())
        lines += self._why()
        lines += ["", *self._hyperparameters(), ""] if self._hyperparameters() else [""]
        lines += self._checks()
        return "\n".join(lines)

    def _expectation(self) -> str:
        named = not self.reason.startswith("(")
        return f"{self.expected}, {self.reason}" if named else f"any rule of minidl {self.reason}"

    def _why(self) -> list[str]:
        answer = self.answer
        assert answer is not None
        if self.conforms:
            return _row("the same as", answer.also) if answer.also else []
        texts = []
        if answer.rule is None:
            texts += [*answer.facts.sentences()]
            if answer.facts.deterministic and not answer.facts.first_nan:
                texts += [f"It is nearest to: {answer.nearest}. {answer.rounding()}".strip()]
        elif answer.difference != answer.rule:
            texts += [f"{capital(answer.difference or '')}."]
        texts += [answer.cure] if answer.cure else []
        return [line for k, text in enumerate(texts) for line in _row("why" if not k else "", text)]

    def _hyperparameters(self) -> list[str]:
        assert self.answer is not None
        if not self.answer.hyperparameters:
            return []
        if self.answer.rule is None and not self.answer.facts.first_nan:
            head = f"hyperparameters of the nearest rule, {self.answer.nearest}"
            return wrapped(head) + [
                f"    {name:38}{value:>12.6g}"
                for name, value in self.answer.hyperparameters.items()
            ]
        if self.answer.rule is None:
            return []
        lines = [f"  {'hyperparameters':40}{'acts as':>12}{'given':>12}"]
        for name, value in self.answer.hyperparameters.items():
            declared = self.given[name]
            shown = "-" if declared is None else f"{declared:.6g}"
            lines.append(f"    {name:38}{value:>12.6g}{shown:>12}")
        return lines

    def _checks(self) -> list[str]:
        assert self.answer is not None
        head = f"  {'checks':{LEFT - 2}}{'step':>6}{'expected':>13}{'got':>13}"
        lines, at_point = [head], False
        for check in self.answer.checks:
            mark = "ok  " if check.passed else "FAIL"
            line = f"    {mark}  {check.what}"
            if check.passed:
                lines.append(line)
            elif check.difference is None:
                lines += textwrap.wrap(f"{line}: {check.remark}", WIDTH, subsequent_indent=" " * 10)
            else:
                expected, received = check.difference.numbers()
                if max(len(expected), len(received)) > COLUMN:
                    expected, received = check.difference.distance()
                name = cut(line, LEFT)
                lines.append(f"{name:{LEFT}}{check.difference.step:>6}{expected:>13}{received:>13}")
                at_point |= check.difference.at_point
        if any(check.difference for check in self.failed):
            note = "Numbers are how far the weight moves in that step, the first that differs"
            note += "; of a gradient's point, its distance from the weight." if at_point else "."
            lines += ["", *wrapped(note)]
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Return the report for JSON."""
        head = {"place": self.place, "conforms": self.conforms, "result": self.verdict()}
        head |= {"expected": self.expected, "reason": self.reason, "error": self.error}
        answer = None if self.answer is None else self.answer.to_dict()
        return head | {"given": self.given, "answer": answer}


def _row(name: str, text: str) -> list[str]:
    """Return a line that begins with a name, and the lines that follow it."""
    head, indent = f"  {name:13}", " " * 15
    return textwrap.wrap(text, WIDTH, initial_indent=head, subsequent_indent=indent)


def conform(
    step: Any,
    expected: str | None = None,
    place: str = "",
    on_run: Callable[[int, int], None] = quiet,
) -> Report:
    """Return a report on an optimizer, which :func:`~minidl.identify` also takes.

    `expected` is a name of the optimizer table such as "adam"; without it, the rule in the name of
    the class, or else any rule of minidl. `place` is what the optimizer is called, and `on_run` is
    as for :func:`~minidl.identification.record`.

    >>> from minidl.optim import NAG
    >>> report = conform(NAG(lr=0.1), "momentum")
    >>> report.conforms, report.answer.difference
    (False, 'it is NAG, not Momentum')
    """
    name = str(getattr(step, "__name__", type(step).__name__))
    right, reason = _expected(name, expected)
    try:
        examined = Examination.of(record(step, on_run))
    except StepError as error:
        return Report(place or name, right or "", reason, False, None, {}, str(error))
    nearest = examined.nearest()
    right, named, declared = right or nearest.rule.base, bool(right), examined.response.declared
    accepted = FORMS_OF.get(right, (right,))
    if right == "AdamW" and given("weight_decay", declared) == 0:
        accepted = ("AdamW", "Adam")
    if nearest.rule.base not in accepted and nearest.agrees:  # two rules may take the same steps
        nearest = next(examined.agreeing(accepted), nearest)
    base = nearest.rule.base
    if base in accepted:
        answer = examined.beside(nearest, reference(base, nearest.rule), textbook=named)
    else:
        rule = of_class(accepted[0])
        answer = examined.beside(nearest, rule, instead=right, textbook=True)
    rate = examined.response.rate if examined.response.takes_rate else None
    declared_values = {n: rate if n == "lr" else given(n, declared) for n in answer.hyperparameters}
    ok = answer.matches and all(check.passed for check in answer.checks)
    return Report(place or name, right, reason, ok, answer, declared_values)


def _expected(name: str, expected: str | None) -> tuple[str | None, str]:
    """Return the class of the expected rule, or None, and why it is that."""
    if expected is not None:
        return optim.lookup(expected).optimizer.__name__, "as asked for"
    words = [w.lower() for w in re.findall(WORD, name)]
    spans = {"".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, len(words) + 1)}
    rule = next((rule for word, rule in WORDS.items() if word in spans), None)
    if spans & {*UNKNOWN}:
        rule = None
    if rule is not None:
        return rule, "by its name (--as NAME expects another)"
    return None, "(--as NAME expects a certain one)"
