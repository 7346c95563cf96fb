"""The traps that people fall into, told where one is open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from minidl.comparison.plan import FORMS_OF_NAG
from minidl.comparison.report.words import counted, rate

if TYPE_CHECKING:
    from minidl.comparison.result import Comparison

__all__ = ["warnings_of"]


def warnings_of(comparison: Comparison) -> Iterator[str]:
    """Yield a sentence for each trap that is open."""
    yield from _of_plan(comparison)
    yield from _of_target(comparison)
    yield from _of_rates(comparison)


def _of_plan(comparison: Comparison) -> Iterator[str]:
    plan = comparison.plan
    used = {name: chosen.setting.momentum for name, chosen in comparison.chosen.items()}
    for c in plan.contestants:
        if used.get(c.name, c.own.momentum) != 0:
            continue
        what = "Nesterov's method" if c.rule in FORMS_OF_NAG else c.name
        yield f"{c.name} has momentum 0: without momentum, {what} is plain gradient descent."
    sizes = {c.batch_size for c in plan.contestants}
    for size in sizes - {"full"}:
        if int(size) > plan.rows:
            yield (
                f"a batch of {size} is larger than the {plan.rows} training rows: it is the full"
                " batch."
            )
    if any(size == "full" or int(size) >= plan.rows for size in sizes):
        yield "the full batch is not shuffled: its gradient does not depend on the order of rows."
    if len(sizes) > 1:
        yield (
            "an epoch has more updates the smaller the batch: across batch sizes compare updates,"
            " samples and seconds, not epochs. No verdict is given across them."
        )


def _of_target(comparison: Comparison) -> Iterator[str]:
    plan, target = comparison.plan, comparison.target
    if target is None:
        return
    early = [run.seed for run in comparison.runs if target.time(run, 1) == 0]
    if early:
        yield (
            f"the target lies above the initial loss of {counted(len(set(early)), 'seed')}, which"
            " begin converged: ask for a smaller gap."
        )
    if target.loosened:
        yield (
            f"no optimizer reached {plan.goal} on 80 % of the tuning seeds, so the target was"
            f" loosened to gap:{target.tau:g}."
        )
    if not target.reachable:
        column = plan.goal.column
        ends = [run.curves[column] for run in comparison.runs if run.diverged_at is None]
        best = [float(curve.max() if plan.goal.rises else curve.min()) for curve in ends]
        nearest = ""
        if best:
            value = max(best) if plan.goal.rises else min(best)
            nearest = f"; the best single run came to {value:.4g}"
        yield (
            f"no optimizer reaches the target on 80 % of the tuning seeds within"
            f" {counted(plan.epochs, 'epoch')}{nearest}. Give more epochs, or another target."
        )


def _of_rates(comparison: Comparison) -> Iterator[str]:
    for name, chosen in comparison.chosen.items():
        if chosen.edge:
            end = "smallest" if chosen.edge < 0 else "largest"
            yield (
                f"EDGE: {name} did best at {rate(chosen.setting.lr)}, the {end} learning rate of"
                " the grid; a better one may lie beyond."
            )
        elif comparison.plan.tune != "none" and not chosen.arrived:
            yield (
                f"{name} reached the target on no tuning seed; the rate with the lowest final loss"
                " is taken."
            )
