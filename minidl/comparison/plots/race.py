"""A comparison as an animation: what each optimizer predicts, epoch by epoch."""

from __future__ import annotations

from pathlib import Path

from minidl.comparison.problem import Model, Source
from minidl.comparison.replay import replay, typical_seed
from minidl.comparison.report.words import rate
from minidl.comparison.result import Comparison
from minidl.plots.animation import animate_boundaries, check_animation


def animate(
    comparison: Comparison,
    path: str | Path,
    problem: Source | None = None,
    model: Model | None = None,
) -> None:
    """Train each optimizer again with a typical seed, and write a GIF.

    The seed is that of the page of ``--report``. All start from the same weights, at their
    chosen settings. `problem` and `model` are as for
    :func:`~minidl.comparison.replay`, and so are the errors; and those of
    :func:`~minidl.plots.animate_boundaries`.
    """
    check_animation(path)
    plan, seed = comparison.plan, typical_seed(comparison)
    replays = replay(comparison, problem, model, seed=seed)
    labels = {}
    for c in plan.contestants:
        setting = replays[c.name].setting
        labels[c.name] = f"{c.name}, lr {rate(setting.lr)}"
        if len({contestant.batch_size for contestant in plan.contestants}) > 1:
            labels[c.name] += f", batch size {c.batch_size}"
        elif plan.trials and setting.momentum is not None:
            labels[c.name] += f", momentum {setting.momentum:g}"
    runs = {name: (r.weights, r.history["train_loss"]) for name, r in replays.items()}
    example = replays[plan.contestants[0].name]
    title = f"{plan.problem}, seed {seed}"
    animate_boundaries(runs, example.model, example.data, path, title=title, labels=labels)
