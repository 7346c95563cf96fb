"""Looks: judge the tuned pairs after some of the seeds, and stop once each is decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from minidl.checks import check_count
from minidl.comparison.analysis import Results
from minidl.comparison.plan import Plan, Seeds, SeedsOf
from minidl.comparison.problem import Problem
from minidl.comparison.stats.spending import error_share
from minidl.comparison.stats.verdicts import fewest_seeds
from minidl.errors import ArgumentError, invalid
from minidl.memory import check_memory
from minidl.optim import Optimizer
from minidl.streams import check_seeds
from minidl.text import listed

Made = tuple[Plan, Problem, Mapping[str, Optimizer]]  # by make_plan
SEEDS = 20  # evaluation seeds without looks
FIRST_TUNING_SEED = 10_000
SEED_BYTES = 10_000  # that the runs of a seed take at least


def seeds_and_looks(
    seeds: SeedsOf | None, tuning_seeds: SeedsOf, looks: Iterable[int] | None
) -> tuple[Seeds, Seeds, Seeds]:
    """Return evaluation seeds, tuning seeds and looks; by default the last look is their number."""
    ends = () if looks is None else _check_looks(looks)
    number = ends[-1] if ends else SEEDS
    evaluation, tuning = _disjoint_seeds(number if seeds is None else seeds, tuning_seeds)
    if ends and len(evaluation) != number:
        problem = f"must be {number}, as many as at the last look, got {len(evaluation)}"
        hint = "Leave it out: the last look says how many there are."
        raise ArgumentError(problem, argument="seeds", hint=hint)
    return evaluation, tuning, ends


def _disjoint_seeds(seeds: SeedsOf, tuning_seeds: SeedsOf) -> tuple[Seeds, Seeds]:
    """Return evaluation seeds and tuning seeds, which must differ."""
    for name, number in (("seeds", seeds), ("tuning_seeds", tuning_seeds)):
        if isinstance(number, int):
            check_memory(f"a comparison with {name} {number}", number * SEED_BYTES)
    evaluation, tuning = check_seeds(seeds), check_seeds(tuning_seeds, "tuning_seeds")
    if not isinstance(tuning_seeds, Iterable):
        tuning = tuple(FIRST_TUNING_SEED + k for k in tuning)
    if shared := sorted(set(evaluation) & set(tuning)):
        problem = f"must differ from seeds, got {listed(shared)} in both"
        raise ArgumentError(problem, argument="tuning_seeds")
    return evaluation, tuning


def _check_looks(looks: Iterable[int]) -> Seeds:
    """Return increasing numbers of seeds."""
    expected = "two or more numbers of seeds in increasing order, such as (12, 24, 48)"
    if isinstance(looks, (str, bytes)) or not isinstance(looks, Iterable):
        raise invalid("looks", looks, expected)
    ends = tuple(check_count("looks", look) for look in looks)
    if len(ends) < 2 or list(ends) != sorted(set(ends)):
        raise invalid("looks", list(ends), expected)
    return ends


def with_looks(parts: Made, looks: Seeds) -> Made:
    """Return a new plan and its parts with looks; each look must be able to decide."""
    plan, problem, optimizers = parts
    pairs, tuning = len(plan.pairs), len(plan.tuning_seeds) if plan.on_grid else 0
    if looks and not pairs:
        message = "would have no effect: no two optimizers are compared at one batch size"
        raise ArgumentError(message, argument="looks")
    for look in looks:
        share = error_share(looks, look)
        least = max(fewest_seeds(1, share), fewest_seeds(pairs, share) - tuning)
        if look < least:
            message = f"cannot decide a pair after {look} seeds, got {list(looks)}"
            hint = f"Its part of the 5 % error takes {least} seeds or more."
            raise ArgumentError(message, argument="looks", hint=hint)
    return replace(plan, looks=looks), problem, optimizers


def stages(plan: Plan) -> list[Plan]:
    """Return the plan up to each look, which has the evaluation seeds up to there."""
    return [replace(plan, seeds=plan.seeds[:n]) for n in plan.looks or (len(plan.seeds),)]


def decided(comparison: Results) -> bool:
    """Return whether each tuned pair is faster, equivalent or chaotic, which no seed changes."""
    return all(duel.verdict.word != "no difference shown" for duel in comparison.tuned)
