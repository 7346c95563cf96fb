"""A comparison as data for the page: words, tables, curves, pictures and paths."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from minidl import nn
from minidl.autograd import Array
from minidl.comparison.identity import shown
from minidl.comparison.plots.data import quartiles
from minidl.comparison.replay import Replay
from minidl.comparison.report.answer import answer
from minidl.comparison.report.screen import PAIR, cautions, cells_of, head, pair_cells, screen
from minidl.comparison.report.tables import report
from minidl.comparison.report.words import setting_words, target_words
from minidl.comparison.result import Comparison
from minidl.comparison.run import Run
from minidl.nn import Loss
from minidl.page.film import film
from minidl.page.frames import BUDGET
from minidl.page.words import at, look_of, table
from minidl.plots.style import looks_of
from minidl.text import counted, in_words

ONE_LINE = 10_000  # columns, so that sentences are not broken
AGREE = 1e-6  # relative difference of losses above which the page mentions it


def race(
    comparison: Comparison, replays: Mapping[str, Replay], seed: int, room: int = BUDGET
) -> dict[str, Any]:
    """Return a comparison, and its runs with one seed, as JSON data for the page.

    Parameters
    ----------
    comparison : Comparison
        The result, from which all words, tables and losses are taken.
    replays : dict of str to Replay
        Those of :func:`minidl.comparison.replay`, for the pictures and paths.
    seed : int
        Their seed.
    room : int
        Characters for the pictures.
    """
    plan, target = comparison.plan, comparison.target
    assert target is not None  # or nothing could be trained again
    records = {n: comparison.table[n, r.setting, seed] for n, r in replays.items()}
    hits = {n: target.time(run, plan.sustained) for n, run in records.items()}
    arrived = {n: int(hit) for n, hit in hits.items() if math.isfinite(hit)}
    example = next(iter(replays.values()))
    weights = {n: r.weights[: records[n].epochs + 1] for n, r in replays.items()}
    gone = [n for n, run in records.items() if run.diverged_at is not None]
    shots = film(
        example.model, example.data, _loss(comparison), weights,
        diverged=gone, keep={*arrived.values()}, room=room,
    )  # fmt: skip
    looks, columns = looks_of(replays), _columns(records)
    runs = [
        {
            "name": name,
            "look": look_of(looks[name]),
            "setting": setting_words(run.setting),
            "values": {column: at(run.curves[column], shots["epochs"]) for column in columns},
            "bands": _bands(comparison, run, columns, shots["epochs"]),
            "arrived": arrived.get(name),
            "diverged": run.diverged_at,
        }
        for name, run in records.items()
    ]
    goal = {"words": target_words(plan, target), "value": target.value, "column": plan.goal.column}
    notes = [*_notes(comparison, seed), *shots.pop("notes"), *_differences(replays, records)]
    about = {
        "budget": plan.epochs,
        "seed": f"One run of each, from the same initial weights (seed {seed})",
        "open": min(arrived.values(), default=plan.epochs),
        "goal": goal,
        "columns": [[name, in_words(name)] for name in columns],
        "runs": runs,
        "notes": notes,
    }
    return _words(comparison) | shots | about


def _columns(records: Mapping[str, Run]) -> list[str]:
    """Return the curves that all runs have, training loss first."""
    names = list(next(iter(records.values())).curves)
    shared = [n for n in names if all(n in run.curves for run in records.values())]
    return [name for name in shared if name != "running_loss"]


def _words(comparison: Comparison) -> dict[str, Any]:
    """Return the sentences and tables of the screen, and the texts of screen and details."""
    headline, *sentences = [*answer(comparison), *([""] * (not comparison.rows))]
    cells = [cells_of(comparison, row) for row in comparison.rows]
    titles = [n for n in cells[0] if n != "bar" and any(row[n] for row in cells)] if cells else []
    tables = [table("Optimizers", titles, [[row[n] for n in titles] for row in cells])]
    if comparison.tuned:
        tables.append(table("Pairs", PAIR, list(map(pair_cells, comparison.tuned))))
    return {
        "kicker": f"minidl compare: {comparison.plan.problem}",
        "headline": headline,
        "answer": sentences,
        "context": head(comparison, ONE_LINE),
        "cautions": cautions(comparison),
        "tables": tables,
        "texts": [
            ["The screen of minidl compare", screen(comparison)],
            ["All tables (--details)", report(comparison)],
        ],
    }


def _loss(comparison: Comparison) -> Loss:
    """Return the loss that the runs were trained with."""
    if comparison.made_with is not None:
        return comparison.made_with[1].loss
    losses = [nn.loss(name) for name in nn.LOSSES]
    return next(loss for loss in losses if shown(loss) == comparison.plan.loss)


def _bands(
    comparison: Comparison, run: Run, columns: Sequence[str], epochs: Sequence[int]
) -> dict[str, list[Any]]:
    """Return lower and upper quartile of each curve over the evaluation seeds."""
    runs = comparison.evaluation_runs(comparison.plan.contestant(run.optimizer), run.setting)
    if len(runs) < 4:
        return {}
    bands = {}
    for column in columns:
        low, _, high = quartiles([record.curves[column] for record in runs])
        bands[column] = [at(low, epochs, digits=6), at(high, epochs, digits=6)]
    return bands


def _notes(comparison: Comparison, seed: int) -> Iterator[str]:
    """Yield which run of each optimizer is shown, and what the bands are."""
    plan = comparison.plan
    words = f"Pictures, lines and paths are of one seed, {seed}"
    if seed in plan.seeds and len(plan.seeds) > 1 and comparison.rows:
        words += f", of the {len(plan.seeds)} that judge: its epochs are closest to the medians"
        words += ". The verdict rests on all of them"
    yield f"{words}. All optimizers start from the same weights."
    if any(row.seeds >= 4 for row in comparison.rows):
        yield (
            "Shaded behind the lines: the middle half of the curves of"
            f" {counted(max(row.seeds for row in comparison.rows), 'seed')}."
        )


def _differences(replays: Mapping[str, Replay], records: Mapping[str, Run]) -> Iterator[str]:
    """Yield by how much training again gave other losses than those recorded, which are shown."""
    for name, replayed in replays.items():
        curves, history = records[name].curves, replayed.history
        columns = [n for n in ("train_loss", "validation_loss") if n in curves and n in history]
        difference = max(_apart(curves[column], history[column]) for column in columns)
        if difference > AGREE:
            yield (
                f"The losses of {name} are those of the comparison. Trained again for the pictures,"
                f" they differ by up to {_percent(difference)}: this training is chaotic, or was"
                " done on another processor."
            )


def _apart(old: Array, new: Array) -> float:
    """Return the largest relative difference of two curves, infinity if one alone has a NaN."""
    n = min(len(old), len(new))
    scale = np.maximum(abs(old[:n]), np.finfo(float).tiny)
    apart = np.where(np.isnan(old[:n]) & np.isnan(new[:n]), 0.0, abs(new[:n] - old[:n]))
    return float(np.nan_to_num(apart / scale, nan=np.inf).max())


def _percent(share: float) -> str:
    """Return a share in percent with two digits."""
    return f"{100 * share:.2g} %"
