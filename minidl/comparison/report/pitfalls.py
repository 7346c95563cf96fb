"""One sentence for each pitfall that applies to a comparison."""

from collections.abc import Iterator

from minidl.comparison.analysis import Results
from minidl.comparison.goal import Target
from minidl.comparison.report.words import method_name, rate, setting_words
from minidl.text import counted, joined

VELOCITIES = "Momentum", "NAG", "ReformulatedNAG"  # gradient descent if momentum is 0


def warnings_of(comparison: Results) -> Iterator[str]:
    """Yield one sentence for each pitfall that applies to this comparison."""
    plan = comparison.plan
    for c in plan.contestants:
        setting = comparison.chosen[c.name].setting if comparison.chosen else c.own
        rule = c.rule.rstrip(")").rpartition("(")[2]  # NAG of ClipByNorm(NAG)
        if setting.momentum == 0 and rule in VELOCITIES:
            yield f"{method_name(c.name)} has momentum 0: it is plain gradient descent then."
    sizes, rows = {c.batch_size for c in plan.contestants}, plan.rows
    for size in [size for size in sizes - {"full"} if int(size) > rows]:
        yield f"a batch of {size} is larger than the {rows} training rows: it is the full batch."
    if any(size == "full" or int(size) >= rows for size in sizes):
        yield "the full batch is not shuffled: its gradient does not depend on the order of rows."
    if len(sizes) > 1:
        yield "across batch sizes compare updates, samples and seconds, not epochs: no verdicts."
    if comparison.target is not None:
        yield from _target(comparison, comparison.target)
    for name, chosen in comparison.chosen.items():
        if chosen.edge:
            end, best = "smallest" if chosen.edge < 0 else "largest", rate(chosen.best.lr)
            range_words = "learning rate of the grid"
            if plan.trials:
                searched = "lr" if chosen.best.momentum is None else "lr / (1 - momentum)"
                best, range_words = setting_words(chosen.best), f"{searched} of its trials"
            words = f"{method_name(name)} did best at {best}, the {end} {range_words}"
            if chosen.best != chosen.setting:
                words += f" ({setting_words(chosen.setting)} is chosen, as it is about as good)"
            yield f"EDGE: {words}; a better one may lie beyond."
        elif plan.tune != "none" and not (chosen.arrived or chosen.chaotic):
            words = f"{method_name(name)} did not reach the target on any tuning seed"
            yield f"{words}; the setting with the lowest final loss is used."
    yield from _few_trials(comparison)
    yield from _chaotic(comparison)


def _few_trials(comparison: Results) -> Iterator[str]:
    """Yield the optimizers for which a random search found a single good trial."""
    chosen = comparison.chosen.items()
    alone = [name for name, c in chosen if c.arrived and c.forgiving * c.trials < 1.5]
    if comparison.plan.trials and comparison.tuned and alone:
        words = f"only one trial of {joined([*map(method_name, alone)])} is within 10 % of the best"
        yield f"{words}: with other trials verdicts may differ. Use more trials."


def _chaotic(comparison: Results) -> Iterator[str]:
    """Yield where training begins to be chaotic, and whether the target rests on such training."""
    several = bool(comparison.plan.trials)
    lowest = {
        name: min(settings, key=lambda s: s.effective if several else s.lr)
        for name, settings in comparison.chaotic.items()
        if settings
    }
    if lowest:
        rates = {n: setting_words(s) if several else rate(s.lr) for n, s in lowest.items()}
        words = joined([f"{method_name(name)} at {text}" for name, text in rates.items()])
        yield f"training becomes chaotic for {words}; no verdict rests on such rates."
    if comparison.target is not None and not comparison.target.steady:
        words = "every setting that comes near the best loss is chaotic"
        yield f"{words}: the goal may be another one on another processor."


def _target(comparison: Results, target: Target) -> Iterator[str]:
    plan = comparison.plan
    early = {run.seed for run in comparison.runs if target.time(run, 1) == 0}
    if early:
        yield f"the target is met before training on {counted(len(early), 'seed')}: tighten it."
    seeds = "on 80 % of the tuning seeds"
    if target.loosened:
        gap = f"gap:{target.tau:g}"
        yield f"no optimizer reached {plan.goal} {seeds}, so the target was loosened to {gap}."
    if not target.reachable:
        best_of = max if plan.goal.rises else min
        curves = [r.curves[plan.goal.column] for r in comparison.runs if r.diverged_at is None]
        epochs = counted(plan.epochs, "epoch")
        if curves:
            epochs += f"; the best single run reached {best_of(map(best_of, curves)):.4g}"
        words = f"no optimizer reaches the target {seeds} within {epochs}"
        yield f"{words}. Use more epochs or another target."
