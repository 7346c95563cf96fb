"""Which rule agrees with a response: right rules first, then their forms, then known faults."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from minidl.identification.facts import CLOSE, Facts
from minidl.identification.fit import fit, rounded
from minidl.identification.modifiers import CLIPS, DECAYS, SUMS, UPHILL, Modifier, every
from minidl.identification.rules import BASES, FAULTS, FORMS, SIGNS, Rule
from minidl.identification.simulate import Observed

FITTED = ("main", "small")
THRESHOLDS = ("main", "small", "large")
PLACE_OF_DECAY = {
    "decoupled": ("rate",), "after": ("rate",), "coupled": ("other",),
    "decoupled, no rate": ("no rate",), "growth": ("growth",),
}  # fmt: skip
ROUNDING = 1e-11  # error below which no rule is better than another
SHORT = 24  # steps of a first fit
DIGITS = (1, 2, 3, 4, 6)
REFINED = 6  # rules that get a second, better fit
ENOUGH = 1e-6  # error of the fit below which a rule is worth a look at all runs


@dataclass(frozen=True)
class Candidate:
    """A rule with the hyperparameters that fit best, and its largest error over all runs."""

    rule: Rule
    hyperparameters: dict[str, float]
    error: float

    @property
    def agrees(self) -> bool:
        """Whether all runs agree."""
        return self.error <= CLOSE


def search(
    seen: Observed,
    known: Facts,
    thresholds: tuple[float, float] | None = None,
    acts_as_given: Callable[[Candidate], bool] = lambda found: True,
) -> Candidate:
    """Return the first rule that agrees with all runs, or else the one that is nearest.

    One that `acts_as_given` is preferred: the same steps may be those of another rule at another
    learning rate.
    """
    rough: list[Candidate] = []
    for rule in rules(known):
        if (found := _settled(rough, rule)) and acts_as_given(found):
            return found
        rough.append(candidate(rule, seen, thresholds, rough=True))
    refined = []
    for near in sorted(rough, key=lambda found: found.error):
        if not near.agrees and len(refined) < REFINED:
            refined.append(candidate(near.rule, seen, thresholds))
    agreeing = [found for found in [*rough, *refined] if found.agrees]
    as_given = [found for found in agreeing if acts_as_given(found)]
    return _settled(as_given or agreeing[:1]) or min(refined, key=lambda found: found.error)


def _settled(tried: Sequence[Candidate], then: Rule | None = None) -> Candidate | None:
    """Return the best candidate if it agrees, unless the next rule may agree better."""
    agreeing = [found for found in tried if found.agrees]
    best = min(agreeing, key=lambda found: max(found.error, ROUNDING), default=None)
    if best is None or best.error <= ROUNDING or then is None or then.base != best.rule.base:
        return best
    return None


def rules(known: Facts) -> Iterator[Rule]:
    """Yield the rules that the facts allow, the simplest first."""
    up = (UPHILL,) if known.uphill else ()
    groups = [_family(group, known) for group in (BASES, FORMS, FAULTS)]
    bases, forms, _ = groups
    if known.period > 1:
        yield from (r.modified(m, *up) for r in bases + forms for m in every(known.period))
        return
    decays = [m for m in DECAYS if known.decay in PLACE_OF_DECAY.get(m.key, ())]
    for group in groups:
        yield from (r.modified(m, *up) for r in group for m in decays)
        yield from (r.modified(*up) for r in group if not decays)
    clips = (CLIPS if known.shared else CLIPS[:1]) if known.clipped else ()
    yield from (r.modified(c, *up, *d) for r in bases + forms for c in clips for d in pairs(decays))
    yield from (r.modified(m, *up) for r in bases for m in SUMS if known.endless)


def pairs(decays: Sequence[Modifier]) -> list[tuple[Modifier, ...]]:
    """Return each decay that is a form alone; the empty tuple if there is none."""
    return [(m,) for m in decays if m.form] or [()]


def _family(group: Sequence[Rule], known: Facts) -> list[Rule]:
    """Return the rules that fit the observed proportion of gradients and steps."""
    if known.family == "":
        return [rule for rule in group if rule.family != SIGNS]
    return [rule for rule in group if rule.family == known.family]


def betas(rule: Rule, thresholds: tuple[float, float] | None) -> dict[str, float]:
    """Return the hyperparameters of Lion, which only its turning points tell exactly."""
    if thresholds is None or "beta1" not in rule.free or rule.family != SIGNS:
        return {}
    beta2 = thresholds[1] / thresholds[0]
    odds = thresholds[0] / (1 - beta2)
    return {"beta1": odds / (1 + odds), "beta2": beta2} if 0 < beta2 < 1 else {}


def candidate(
    rule: Rule,
    seen: Observed,
    thresholds: tuple[float, float] | None = None,
    rough: bool = False,
) -> Candidate:
    """Return a rule with its best hyperparameters, in round numbers if these agree as well."""
    few = seen.take(THRESHOLDS if "threshold" in rule.hyperparameters else FITTED)
    fixed = betas(rule, thresholds)
    short = rough and rule.family != SIGNS
    h, cost = fit(rule, few.first(SHORT) if short else few, fixed, rough)
    if short and cost <= ENOUGH:
        h, cost = fit(rule, few, fixed, near=h)
    if cost > ENOUGH:
        return Candidate(rule, h, max(cost, 2 * CLOSE))
    found = Candidate(rule, h, largest(rule, h, seen))
    return rounder(found, seen, fixed) if found.agrees else found


def largest(rule: Rule, h: dict[str, float], seen: Observed) -> float:
    """Return the largest error of a rule over all runs."""
    return float(np.abs(seen.error_of(rule, h)).max())


def rounder(found: Candidate, seen: Observed, fixed: Mapping[str, float]) -> Candidate:
    """Return the candidate with as few digits as agree hardly worse.

    Those in `fixed` are known to a millionth already, more exactly than the runs tell.
    """
    limit = max(10 * found.error, 1e-12)
    best = found
    for digits in DIGITS:
        h = rounded(found.hyperparameters, digits)
        far = [abs(h[n] - x) > 1e-6 * min(x, 1 - x) for n, x in fixed.items()]
        error = np.inf if any(far) else largest(found.rule, h, seen)
        if error <= limit:
            return Candidate(found.rule, h, error)
    for name in found.hyperparameters:
        for digits in () if name in fixed else DIGITS:
            h = best.hyperparameters | {name: rounded(found.hyperparameters, digits)[name]}
            if (error := largest(found.rule, h, seen)) <= limit:
                best = Candidate(found.rule, h, error)
                break
    return best
