"""Warnings that apply to a comparison."""

from __future__ import annotations

from collections.abc import Iterator

from minidl.comparison.goal import Target
from minidl.comparison.plan import FORMS_OF_NAG
from minidl.comparison.report import View
from minidl.comparison.report.words import counted, rate

__all__ = ["warnings_of"]


def warnings_of(comparison: View) -> Iterator[str]:
    """Yield one sentence for each pitfall that applies to this comparison."""
    plan = comparison.plan
    for c in plan.contestants:
        setting = comparison.chosen[c.name].setting if comparison.chosen else c.own
        if setting.momentum == 0:
            method = "Nesterov's method" if c.rule in FORMS_OF_NAG else c.name
            yield f"{c.name} has momentum 0: without momentum, {method} is plain gradient descent."
    sizes, rows = {c.batch_size for c in plan.contestants}, plan.rows
    for size in [size for size in sizes - {"full"} if int(size) > rows]:
        yield f"a batch of {size} is larger than the {rows} training rows: it is the full batch."
    if any(size == "full" or int(size) >= rows for size in sizes):
        yield "the full batch is not shuffled: its gradient does not depend on the order of rows."
    if len(sizes) > 1:
        yield "across batch sizes compare updates, samples and seconds, not epochs: no verdicts."
    if comparison.target is not None:
        yield from _target(comparison, comparison.target)
    yield from _rates(comparison)


def _target(comparison: View, target: Target) -> Iterator[str]:
    plan = comparison.plan
    early = {run.seed for run in comparison.runs if target.time(run, 1) == 0}
    if early:
        yield f"the target is met before training on {counted(len(early), 'seed')}: tighten it."
    most = "on 80 % of the tuning seeds"
    if target.loosened:
        gap = f"gap:{target.tau:g}"
        yield f"no optimizer reached {plan.goal} {most}, so the target was loosened to {gap}."
    if not target.reachable:
        best_of = max if plan.goal.rises else min
        curves = [r.curves[plan.goal.column] for r in comparison.runs if r.diverged_at is None]
        best = (
            f"; the best single run reached {best_of(map(best_of, curves)):.4g}" if curves else ""
        )
        epochs = counted(plan.epochs, "epoch")
        yield (
            f"no optimizer reaches the target {most} within {epochs}{best}. Use more epochs or"
            " another target."
        )


def _rates(comparison: View) -> Iterator[str]:
    for name, chosen in comparison.chosen.items():
        lr, end = rate(chosen.setting.lr), "smallest" if chosen.edge < 0 else "largest"
        if chosen.edge:
            yield (
                f"EDGE: {name} did best at {lr}, the {end} learning rate of the grid; a better one"
                " may lie beyond."
            )
        elif comparison.plan.tune != "none" and not chosen.arrived:
            yield (
                f"{name} did not reach the target on any tuning seed; the setting with the lowest"
                " final loss is used."
            )
