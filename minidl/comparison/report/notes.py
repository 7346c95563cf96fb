"""Warnings that apply to a comparison."""

from __future__ import annotations

from collections.abc import Iterator

from minidl.comparison.goal import Target
from minidl.comparison.plan import FORMS_OF_NAG
from minidl.comparison.report.view import View
from minidl.comparison.report.words import counted, rate

__all__ = ["warnings_of"]


def warnings_of(comparison: View) -> Iterator[str]:
    """Yield one sentence for each pitfall that applies to this comparison."""
    yield from _momentum(comparison)
    yield from _batch_sizes(comparison)
    if comparison.target is not None:
        yield from _target(comparison, comparison.target)
    yield from _rates(comparison)


def _momentum(comparison: View) -> Iterator[str]:
    for c in comparison.plan.contestants:
        chosen = comparison.chosen.get(c.name)
        if (c.own if chosen is None else chosen.setting).momentum == 0:
            method = "Nesterov's method" if c.rule in FORMS_OF_NAG else c.name
            yield f"{c.name} has momentum 0: without momentum, {method} is plain gradient descent."


def _batch_sizes(comparison: View) -> Iterator[str]:
    rows = comparison.plan.rows
    sizes = {c.batch_size for c in comparison.plan.contestants}
    for size in sizes - {"full"}:
        if int(size) > rows:
            batch = f"a batch of {size} is larger than the {rows} training rows"
            yield f"{batch}: it is the full batch."
    if any(size == "full" or int(size) >= rows for size in sizes):
        yield "the full batch is not shuffled: its gradient does not depend on the order of rows."
    if len(sizes) > 1:
        yield "across batch sizes compare updates, samples and seconds, not epochs: no verdicts."


def _target(comparison: View, target: Target) -> Iterator[str]:
    plan = comparison.plan
    early = {run.seed for run in comparison.runs if target.time(run, 1) == 0}
    if early:
        yield f"the target is met before training on {counted(len(early), 'seed')}: tighten it."
    if target.loosened:
        yield (
            f"no optimizer reached {plan.goal} on 80 % of the tuning seeds, so the target was"
            f" loosened to gap:{target.tau:g}."
        )
    if not target.reachable:
        best_of = max if plan.goal.rises else min
        curves = [r.curves[plan.goal.column] for r in comparison.runs if r.diverged_at is None]
        best = best_of((float(best_of(curve)) for curve in curves), default=None)
        closest = "" if best is None else f"; the best single run reached {best:.4g}"
        yield (
            f"no optimizer reaches the target on 80 % of the tuning seeds within"
            f" {counted(plan.epochs, 'epoch')}{closest}. Use more epochs or another target."
        )


def _rates(comparison: View) -> Iterator[str]:
    for name, chosen in comparison.chosen.items():
        if chosen.edge:
            end = "smallest" if chosen.edge < 0 else "largest"
            yield (
                f"EDGE: {name} did best at {rate(chosen.setting.lr)}, the {end} learning rate of"
                " the grid; a better one may lie beyond."
            )
        elif comparison.plan.tune != "none" and not chosen.arrived:
            yield (
                f"{name} did not reach the target on any tuning seed; the setting with the lowest"
                " final loss is used."
            )
