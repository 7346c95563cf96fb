"""Identify an optimizer: record its response, search the rules, and say how it differs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minidl import optim
from minidl.identification.compare import Check, checks, first_difference
from minidl.identification.declared import given
from minidl.identification.facts import Facts, facts
from minidl.identification.fit import STARTS
from minidl.identification.modifiers import DECAYS
from minidl.identification.response import Response, record
from minidl.identification.result import Identification
from minidl.identification.rules import BASE, FORMS, Rule
from minidl.identification.search import Candidate, Search, fits
from minidl.identification.simulate import Observed, observed
from minidl.keywords import answers


@answers
def identify(step: Any) -> Identification:
    """Tell which rule an optimizer implements, by its steps alone.

    Parameters
    ----------
    step : Optimizer, class, function or Response
        An optimizer of minidl, its name, or such a class; a class or function that is called with
        ``lr`` and returns an object with ``step(w, grad)`` or such a function, so that optimizers
        of PyTorch, Keras and optax need three lines; a function ``step(w, g, state)``; a generator
        function; or a :class:`~minidl.identification.Response`. The README of
        ``minidl/identification`` shows each. Anything else is an ArgumentError, as is an
        exception in its code.

    Returns
    -------
    Identification
        Rule, hyperparameters, and how it differs from the nearest rule of minidl.

    Notes
    -----
    It takes 48 steps on ten weights in ten runs, with gradients that tell rules apart: a single
    one, equal ones, tiny and large ones, none. The hyperparameters with which a rule takes the same
    steps are fitted to two of the runs; all runs must then agree to 1e-9. Weights and gradients are
    float64, and the optimizer must be as exact.

    Examples
    --------
    >>> import minidl
    >>> def heavy_ball(w, g, state, lr=0.1):
    ...     state["v"] = 0.9 * state.get("v", 0) + lr * g
    ...     return w - state["v"]
    >>> answer = minidl.identify(heavy_ball)
    >>> answer.rule, answer.hyperparameters, answer.matches
    ('Momentum', {'lr': 0.1, 'momentum': 0.9}, True)
    >>> def chainer(w, g, state, lr=0.1, m=0.9):
    ...     state["v"] = m * state.get("v", 0) - lr * g
    ...     return w + m * m * state["v"] - (1 + m) * lr * g
    >>> print(minidl.identify(chainer))
    chainer: Nesterov, but momentum is applied twice
      lr=0.1, momentum=0.9
      The same as Chainer's NesterovAG.
      Write w -= momentum * v + lr * g: the new v contains momentum already.
      First seen in step 1 (one gradient, then zeros): ReformulatedNAG moves the
      weight by -0.19, chainer by -0.271.
    """
    return Examination.of(step).answer()


@dataclass
class Examination:
    """A response with its facts, and the search for its rule."""

    response: Response
    observed: Observed
    traits: Facts

    @classmethod
    def of(cls, step: Any) -> "Examination":
        """Return the examination of an optimizer, or of a response."""
        response = step if isinstance(step, Response) else record(step)
        traces = observed(response)
        traits = facts(response, traces)
        if traits.ignores_rate:
            traces = replace(
                traces, runs=replace(traces.runs, rates=np.ones_like(traces.runs.rates))
            )
        if traits.ignores_change:
            rates = traces.runs.rates.copy()
            rates[:, traces.names.index("changing")] = 1.0
            traces = replace(traces, runs=replace(traces.runs, rates=rates))
        if not traits.deterministic or traits.keeps_array:
            traces = traces.take([name for name in traces.names if name not in ("again", "reused")])
        return cls(response, traces, traits)

    def answer(self) -> Identification:
        """Return the identification."""
        candidate = self.nearest()
        return self.beside(candidate, reference(candidate.rule.base, candidate.rule))

    @property
    def search(self) -> Search:
        """The search for the rule."""
        return Search(self.response, self.observed, self.traits)

    def nearest(self) -> Candidate:
        """Return the rule that agrees, or else the one that comes nearest."""
        return self.search.best()

    def agreeing(self, bases: Sequence[str]) -> Iterator[Candidate]:
        """Yield the right rules of some classes that agree and act as given."""
        decays = [m for m in DECAYS if m.form]
        for base in bases:
            rule = of_class(base)
            forms = [form for form in FORMS if form.base == base]
            decayed = (rule.modified(m) for m in decays if base != "AdamW" and fits(rule, m))
            for form in (rule, *forms, *decayed):
                candidate = self.search.candidate(form)
                if candidate.agrees and not self.search.disagreements(candidate):
                    yield candidate

    def beside(
        self, candidate: Candidate, right: Rule, instead: str = "", textbook: bool = False
    ) -> Identification:
        """Return the identification of a candidate, with all checks against the right rule.

        If that is of another class, which is expected `instead`, the candidate does not match. With
        `textbook`, the right rule is never fitted.
        """
        rule, traits = candidate.rule, self.traits
        agrees = candidate.agrees and traits.is_usable
        h = candidate.hyperparameters if traits.moves else {}
        unlike = self.search.disagreements(candidate) if agrees else []
        if agrees and traits.ignores_rate and h["lr"] not in (h.get("smallest"), h.get("largest")):
            unlike += ["lr is given, but has no effect"]  # and not that of Rprop beyond its bounds
        elif agrees and traits.ignores_change and rule.base != "Rprop":
            unlike += ["lr is read at the start only: a later change has no effect"]
        faults = [f"it is {rule.title}, not {instead}"] * bool(instead) + unlike
        faults += ["it keeps the array of the gradient instead of a copy"] * traits.keeps_array
        faults += ["it changes the array of the gradient"] * traits.changes_gradient
        matches = agrees and rule.form and not faults
        if agrees and not instead and set(right.hyperparameters) <= {*h}:
            expected = h
        else:
            expected = self.best(right, h if agrees else {}, textbook)
        compared = checks(right, complete(right, expected), self.observed, traits)
        if agrees:
            title = "hyperparameters act as given"
            compared.append(Check(title, not unlike, remark="; ".join(unlike)))
        difference = None if matches else "; ".join(faults) or rule.title
        if not agrees:
            difference = "it agrees with no rule that minidl knows"
        return Identification(
            name=self.response.name, rule=rule.title if agrees else None, base=rule.base,
            hyperparameters=h, matches=matches, difference=difference, nearest=rule.title,
            also=rule.also, error=candidate.error,
            first=None if matches or not traits.deterministic else first_difference(compared),
            checks=compared, facts=traits, cure=rule.cure if agrees else "",
        )  # fmt: skip

    def best(self, rule: Rule, acts: Mapping[str, float], textbook: bool) -> dict[str, float]:
        """Return the hyperparameters that it was given, or else those with which it is nearest.

        A `textbook` takes the others from those by which it `acts`, or from the class's defaults.
        """
        values = {n: given(n, self.response.declared) for n in rule.hyperparameters[1:]}
        if textbook or not self.traits.is_usable:
            usual = {n: v[0] for n, v in STARTS.items()} | _defaults(rule.base) | {**acts}
            values = {n: usual[n] if v is None else v for n, v in values.items()}
        if self.response.takes_rate and None not in values.values():
            return {"lr": self.response.rate, **{n: v for n, v in values.items() if v is not None}}
        return self.search.candidate(rule).hyperparameters


def _defaults(base: str) -> dict[str, float]:
    """Return the default hyperparameters of a class, those above 0."""
    optimizer = getattr(optim, base)(lr=1.0)
    return {name: float(value) for name, value in optimizer.hyperparameters.items() if value}


def of_class(name: str) -> Rule:
    """Return the right rule of a class of minidl."""
    if name == "AdamW":
        return BASE["Adam"].modified(DECAYS[0])
    return BASE[name]


def reference(base: str, fitted: Rule) -> Rule:
    """Return the right rule of a name, in the form that was fitted if it is one."""
    if fitted.form:
        return fitted
    decays = [m for m in fitted.modifiers if m.form]
    rule = BASE["Adam" if base == "AdamW" else base]
    if base == "AdamW" and not decays:
        decays = [DECAYS[0]]
    return rule.modified(*decays) if decays else rule


def complete(rule: Rule, h: dict[str, float]) -> dict[str, float]:
    """Return hyperparameters for a rule: those in `h`, and usual values for others."""
    return {name: h.get(name, STARTS.get(name, (0.1,))[0]) for name in rule.hyperparameters}
