"""Search the rule that agrees: right rules first, then their forms, then known faults."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from minidl.identification.declared import disagreements, given
from minidl.identification.facts import CLOSE, Facts
from minidl.identification.fit import FRACTIONS, STARTS, fit, rounded
from minidl.identification.modifiers import (
    CLIPPED_STEP,
    CLIPS,
    DECAYS,
    SCHEDULES,
    SUMS,
    UPHILL,
    Modifier,
    every,
)
from minidl.identification.response import Response
from minidl.identification.rules import BASES, FAULTS, FORMS, LINEAR, SIGNS, Rule
from minidl.identification.simulate import ALL, Observed

FITTED = ("main", "small")
THRESHOLDS = ("main", "small", "large")
PLACE_OF_DECAY = {
    "decoupled": ("rate",), "after": ("rate",), "coupled": ("other",),
    "decoupled, no rate": ("no rate",), "growth": ("growth",), "forgets": ("forgets",),
    "decoupled, iterate": ("rate",),
}  # fmt: skip
ROUNDING = 1e-11  # error below which no rule is better than another
SHORT = 24  # steps of a first fit
DIGITS = (1, 2, 3, 4, 6)
SMALLEST = 1e-7  # of 1 - beta2 that a fit tells from 0
LARGEST = float(np.abs(ALL.gradients).max())  # no gradient is clipped from here on
IDLE = 1e-6  # a momentum or decay rate of nothing
REFINED = 8  # rules that get a second, better fit
ENOUGH = 1e-6  # error of the fit below which a rule is worth a look at all runs


@dataclass(frozen=True)
class Candidate:
    """A rule with the hyperparameters that fit best, and its largest error over all runs."""

    rule: Rule
    hyperparameters: dict[str, float]
    error: float

    @property
    def agrees(self) -> bool:
        """Whether all runs agree; a fault without any average is another rule."""
        right = self.rule.form or not self.has_no_average
        return self.error <= CLOSE and right and not self.has_idle_parts

    @property
    def has_no_average(self) -> bool:
        """Whether a momentum or decay rate is 0."""
        return any(self.hyperparameters.get(name, 1) < IDLE for name in FRACTIONS)

    @property
    def has_idle_parts(self) -> bool:
        """Whether it has a part without effect: a simpler rule takes the same steps."""
        h = self.hyperparameters
        unreached = h.get("threshold", 0.0) >= LARGEST
        return (
            unreached
            or h.get("initial", 1.0) < 1e-12
            or (h.get("rho", 1.0) < IDLE and h.get("epsilon", 0.0) > 1)
            or h.get("lr_decay", 1.0) < IDLE
            or h.get("lr_factor", 0.0) > 1 - IDLE
        )


@dataclass(frozen=True)
class Search:
    """The search for the rule of a response, from its facts."""

    response: Response
    observed: Observed
    traits: Facts

    def best(self) -> Candidate:
        """Return the first rule that agrees with all runs, or else the one that is nearest.

        One that acts by the hyperparameters that were given is preferred: the same steps may be
        those of another rule at another learning rate.
        """
        rough: list[Candidate] = []
        clips = given("threshold", self.response.declared) is not None
        for rule in rules(self.traits, clips):
            if (candidate := _settled(rough, rule)) and not self.disagreements(candidate):
                return candidate
            rough.append(self.candidate(rule, rough=True))
        refined: list[Candidate] = []
        for near in sorted(rough, key=lambda candidate: candidate.error):
            if not near.agrees and len(refined) < REFINED:
                refined.append(self.candidate(near.rule))
        agreeing = [candidate for candidate in [*rough, *refined] if candidate.agrees]
        as_given = [candidate for candidate in agreeing if not self.disagreements(candidate)]
        return _settled(as_given or agreeing[:1]) or self.nearest(refined)

    def nearest(self, tried: Sequence[Candidate]) -> Candidate:
        """Return the candidate that comes nearest; of similar ones a simple one, as given."""
        least = min(candidate.error for candidate in tried)
        equal = [candidate for candidate in tried if candidate.error <= 2 * least]

        def order(c: Candidate) -> tuple[bool, bool, int]:
            idle = c.has_no_average or c.has_idle_parts
            return bool(self.disagreements(c)), idle, len(c.rule.modifiers)

        return min(equal, key=order)

    def disagreements(self, candidate: Candidate) -> list[str]:
        """Return how a candidate acts otherwise than the optimizer's hyperparameters say."""
        rate = self.response.rate if self.response.takes_rate else None
        return list(disagreements(candidate.hyperparameters, self.response.declared, rate))

    def candidate(self, rule: Rule, rough: bool = False) -> Candidate:
        """Return a rule with its best hyperparameters, in round numbers if these agree as well."""
        if (as_given := self.as_given(rule)).agrees:
            return as_given
        runs = self.observed.take(THRESHOLDS if "threshold" in rule.hyperparameters else FITTED)
        fixed = self.betas(rule)
        short = rough and rule.family != SIGNS
        h, cost = fit(rule, runs.first(SHORT) if short else runs, fixed, rough)
        if short and cost <= ENOUGH:
            h, cost = fit(rule, runs, fixed, near=h)
        if cost > ENOUGH:
            return Candidate(rule, h, max(cost, 2 * CLOSE))
        candidate = Candidate(rule, h, self.largest(rule, h))
        return self.rounded(candidate, fixed) if candidate.agrees else candidate

    def as_given(self, rule: Rule) -> Candidate:
        """Return a rule with the hyperparameters that were given, if all of them were."""
        declared = self.response.declared
        values = {name: given(name, declared) for name in rule.hyperparameters}
        values["lr"] = self.response.rate if self.response.takes_rate else None
        h = {name: x for name, x in values.items() if x is not None}
        return Candidate(rule, h, self.largest(rule, h) if len(h) == len(values) else np.inf)

    def largest(self, rule: Rule, h: Mapping[str, float]) -> float:
        """Return the largest error of a rule over all runs."""
        return float(np.abs(self.observed.error_of(rule, h)).max())

    def betas(self, rule: Rule) -> dict[str, float]:
        """Return the hyperparameters of Lion, which only its turning points tell exactly."""
        turns = self.response.thresholds
        if turns is None or "beta1" not in rule.free or rule.family != SIGNS:
            return {}
        if turns[0] == 0:  # beta1 is 0, if it says so; beta2 has no effect
            declared = self.response.declared
            stated, beta2 = given("beta1", declared), given("beta2", declared)
            return {"beta1": 0.0, "beta2": beta2 or 0.0} if stated == 0 else {}
        beta2 = turns[1] / turns[0]
        if not 0 <= beta2 < 1 - SMALLEST:  # not Lion
            return {}
        odds = turns[0] / (1 - beta2)
        return {"beta1": odds / (1 + odds), "beta2": beta2}

    def rounded(self, candidate: Candidate, fixed: Mapping[str, float]) -> Candidate:
        """Return the candidate with as few digits as agree hardly worse.

        Numbers that were given, or are usual, come first: the steps may hardly depend on one. Those
        in `fixed` are known to a millionth already, more exactly than the runs tell.
        """
        rule, best = candidate.rule, candidate
        limit = max(10 * candidate.error, 1e-12)
        for digits in DIGITS:
            h = rounded(candidate.hyperparameters, digits)
            exact = all(_near(h[name], x) for name, x in fixed.items())
            if exact and (error := self.largest(rule, h)) <= limit:
                best = Candidate(rule, h, error)
                break
        for name, value in candidate.hyperparameters.items():
            stated, usual = given(name, self.response.declared), STARTS.get(name, (None,))[0]
            tried = [rounded({name: value}, digits)[name] for digits in DIGITS if best is candidate]
            for x in [stated, usual] * (name not in fixed) + tried * (name not in fixed):
                if x is None or x == best.hyperparameters[name]:
                    continue
                h = best.hyperparameters | {name: x}
                if (error := self.largest(rule, h)) <= limit:
                    best = Candidate(rule, h, error)
                    break
        return best


def _near(value: float, exact: float) -> bool:
    """Return whether a fraction is within a millionth of another."""
    return abs(value - exact) <= 1e-6 * min(exact, 1 - exact)


def _settled(tried: Sequence[Candidate], after: Rule | None = None) -> Candidate | None:
    """Return the best candidate if it agrees, unless the next rule may agree better."""
    agreeing = [candidate for candidate in tried if candidate.agrees]
    best = min(agreeing, key=lambda candidate: max(candidate.error, ROUNDING), default=None)
    if best is None or best.error <= ROUNDING or after is None or after.base != best.rule.base:
        return best
    return None


def rules(traits: Facts, clips_anyway: bool = False) -> Iterator[Rule]:
    """Yield the rules that the facts allow, the simplest first.

    With `clips_anyway`, a threshold was given: whatever is clipped hardly depends on the size.
    """
    uphill = (UPHILL,) if traits.uphill else ()
    groups = [_family(group, traits) for group in (BASES, FORMS, FAULTS)]
    bases, forms, _ = groups
    if not traits.is_usable:  # no rule can be told, only the nearest
        yield from bases
        return
    if traits.period > 1:
        yield from (r.modified(m, *uphill) for r in bases + forms for m in every(traits.period))
        return
    decays = [m for m in DECAYS if traits.decay in PLACE_OF_DECAY.get(m.key, ())]
    for group in groups:
        yield from (r.modified(m, *uphill) for r in group for m in decays if fits(r, m))
        yield from (r.modified(*uphill) for r in group if not decays)
    clips = (CLIPS if traits.shared or clips_anyway else CLIPS[:1]) if traits.clipped else ()
    if traits.family == SIGNS:
        clips = CLIPS if clips_anyway else ()
    elif clips_anyway:
        bases, forms = ([r for r in group if r.family != SIGNS] for group in (BASES, FORMS))
    yield from (
        r.modified(c, *uphill, *d)
        for r in bases + forms
        for c in clips
        for d in pairs(decays)
        if all(fits(r, m) for m in d)
    )
    if traits.clipped and not traits.shared:
        yield from (r.modified(CLIPPED_STEP, *uphill) for r in BASES if r.family == LINEAR)
    yield from (r.modified(m, *uphill) for r in bases for m in SUMS if traits.endless)
    plain = [d for d in pairs(decays) if not d or d[0].key != "decoupled, iterate"]
    yield from (r.modified(m, *uphill, *d) for r in bases for m in SCHEDULES for d in plain)


def fits(rule: Rule, modifier: Modifier) -> bool:
    """Return whether a rule has an iterate besides what it stores, if the modifier needs it."""
    ahead = rule.base == "ReformulatedNAG" and rule.form and "outside" not in rule.title
    return modifier.key != "decoupled, iterate" or ahead


def pairs(decays: Sequence[Modifier]) -> list[tuple[Modifier, ...]]:
    """Return each decay that is a form alone; the empty tuple if there is none."""
    return [(m,) for m in decays if m.form] or [()]


def _family(group: Sequence[Rule], traits: Facts) -> list[Rule]:
    """Return the rules that fit the observed proportion of gradients and steps."""
    if traits.family == LINEAR:  # as RAdam is if beta2 is small
        return [r for r in group if r.family == LINEAR or r.base == "RAdam"]
    if traits.family == "":
        return [rule for rule in group if rule.family != SIGNS]
    return [rule for rule in group if rule.family == traits.family]
