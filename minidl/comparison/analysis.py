"""From runs to numbers: what is chosen, one row for each optimizer, one line for each pair."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from minidl.comparison.goal import Target
from minidl.comparison.plan import Contestant, Plan
from minidl.comparison.run import Key, Run, Setting
from minidl.comparison.stats.hitting import (
    Floats,
    expected_running_time,
    restricted,
    restricted_mean,
)
from minidl.comparison.stats.intervals import bootstrap_interval, median_interval, tuned_interval
from minidl.comparison.stats.tests import faster_probability, holm, median, sign_flip
from minidl.comparison.stats.tuning import choose_rate, expected_best
from minidl.comparison.stats.verdicts import Verdict, verdict
from minidl.optim import BatchSize

__all__ = ["Chosen", "Duel", "Row", "Table", "choose", "compare_pairs", "summarize"]

Table = Mapping[Key, Run]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Chosen:
    """What tuning gave for one optimizer.

    Attributes
    ----------
    setting : Setting
        The one with the smallest restricted mean on the tuning seeds; that of the lowest final
        loss, if none ever arrived.
    mean : float
        That mean; the whole budget if no setting ever arrived.
    arrived : bool
        Whether it reached the target on any tuning seed.
    edge : int
        -1 or 1 if the learning rate is the smallest or the largest of the grid, else 0.
    trials : int
        How many settings were tried.
    expected : tuple of float
        The expected best of 1, 2, ... random trials, the last being all.
    """

    setting: Setting
    mean: float
    arrived: bool
    edge: int
    trials: int
    expected: tuple[float, ...]


def choose(plan: Plan, table: Table, target: Target) -> dict[str, Chosen]:
    """Return the chosen setting of every contestant, by the tuning seeds alone."""
    found = {}
    for c in plan.contestants:
        settings = plan.settings(c)
        times = [
            target.times([table[c.name, s, seed] for seed in plan.tuning_seeds], plan.sustained)
            for s in settings
        ]
        best = choose_rate([s.lr for s in settings], np.array(times), plan.epochs)
        means = [restricted_mean(row, plan.epochs) for row in times]
        curve = tuple(expected_best(means, b + 1) for b in range(len(settings)))
        arrived = bool(np.isfinite(times[best.position]).any())
        edge = best.edge if plan.tune != "none" and arrived else 0
        setting = settings[best.position] if arrived else _lowest(plan, table, c)
        found[c.name] = Chosen(setting, best.mean, arrived, edge, len(settings), curve)
    return found


def _lowest(plan: Plan, table: Table, contestant: Contestant) -> Setting:
    """Return the setting with the smallest median of final losses on the tuning seeds."""

    def final(setting: Setting) -> float:
        runs = [table[contestant.name, setting, seed] for seed in plan.tuning_seeds]
        return median([run.final for run in runs])

    return min(plan.settings(contestant), key=final)


@dataclass(frozen=True)
class Row:
    """How one optimizer did at one setting; infinite where most seeds never arrived.

    Attributes
    ----------
    optimizer, batch_size, setting
        What ran.
    reached, seeds, diverged : int
        On how many seeds it arrived, of how many, and on how many it diverged.
    diverged_at : float
        The median of the epochs in which it diverged; nan if it never did.
    median, first_hit : float
        Median epochs until the target has held, and until it was first touched.
    interval : (float, float) or None
        Exact 95 % interval of the median; None for fewer than 6 seeds.
    mean : float
        Restricted mean, of min(T, E).
    mean_interval : (float, float) or None
        Its bootstrap interval.
    running_time : float
        ERT, the epochs spent for each arrival.
    updates, samples, seconds : float
        Median at the arrival.
    loss : float
        Median training loss at the end of the budget; infinite where it diverged.
    """

    optimizer: str
    batch_size: BatchSize
    setting: Setting
    reached: int
    seeds: int
    diverged: int
    diverged_at: float
    median: float
    first_hit: float
    interval: Interval | None
    mean: float
    mean_interval: Interval | None
    running_time: float
    updates: float
    samples: float
    seconds: float
    loss: float


def summarize(plan: Plan, contestant: Contestant, runs: Sequence[Run], target: Target) -> Row:
    """Return the row of one contestant's runs at one setting."""
    E = plan.epochs
    times = target.times(runs, plan.sustained)
    cut = restricted(times, E)
    lost = [float(run.diverged_at) for run in runs if run.diverged_at is not None]
    pace = [run.seconds / max(run.epochs, 1) for run in runs]
    return Row(
        optimizer=contestant.name,
        batch_size=contestant.batch_size,
        setting=runs[0].setting,
        reached=int(np.isfinite(times).sum()),
        seeds=len(runs),
        diverged=len(lost),
        diverged_at=median(lost),
        median=median(times.tolist()),
        first_hit=median(target.times(runs, 1).tolist()),
        interval=median_interval(times),
        mean=restricted_mean(times, E),
        mean_interval=bootstrap_interval(cut),
        running_time=expected_running_time(times, E),
        updates=_spent(times, [run.updates for run in runs]),
        samples=_spent(times, [run.samples for run in runs]),
        seconds=_spent(times, pace),
        loss=median([run.final for run in runs]),
    )


def _spent(times: Floats, each: Sequence[float]) -> float:
    """Return the median of what was spent until the target, at so much an epoch.

    A run that diverged in its first epoch has no whole epoch, and no updates; its time is infinite.
    """
    pairs = zip(times.tolist(), each, strict=True)
    return median([t * one if math.isfinite(t) else t for t, one in pairs])


@dataclass(frozen=True)
class Duel:
    """Two optimizers on the same seeds.

    Attributes
    ----------
    first, second : str
        Their names.
    settings : (Setting, Setting)
        At which they ran.
    flag : Setting or None
        The setting that both share, when the flag is swapped; None when both are tuned.
    reached : (int, int)
        On how many seeds each arrived.
    medians : (float, float)
        Of their times.
    p_alone : float
        The sign-flip p before Holm's correction.
    faster : float
        The probability that the first is faster, ties half.
    corrected_for : int
        How many pairs Holm's correction counted.
    verdict : Verdict
        The difference, its interval, p after correction, and the word.
    """

    first: str
    second: str
    settings: tuple[Setting, Setting]
    flag: Setting | None
    reached: tuple[int, int]
    medians: tuple[float, float]
    p_alone: float
    faster: float
    corrected_for: int
    verdict: Verdict

    @property
    def word(self) -> str:
        """The verdict, with the names."""
        return self.verdict.word if self.winner is None else f"{self.winner} faster"

    @property
    def winner(self) -> str | None:
        """The name of the faster one, or None."""
        return {"A faster": self.first, "B faster": self.second}.get(self.verdict.word)

    @property
    def nobody(self) -> bool:
        """Whether neither arrived on any seed."""
        return self.reached == (0, 0)


Meeting = tuple[Contestant, Setting, Contestant, Setting, Setting | None]


def compare_pairs(
    plan: Plan,
    table: Table,
    target: Target,
    meetings: Sequence[Meeting],
    seeds_of: Mapping[str, Sequence[int]],
) -> list[Duel]:
    """Return a duel for each meeting, on the seeds that both have, corrected together.

    Holm's correction counts the pairs that differ on any seed. Where all differences are 0, p is 1
    whatever their signs, so such a pair can never be one of those falsely called different
    (Tarone 1990 for the argument). The interval of two tuned optimizers is that of
    :func:`~minidl.comparison.tuned_interval`: p alone takes the chosen settings for given.
    """
    drafts = []
    for meeting in meetings:
        a, one, b, other, flag = meeting
        seeds = [s for s in seeds_of[a.name] if s in seeds_of[b.name]]
        if seeds:
            x, y = (
                target.times([table[c.name, setting, s] for s in seeds], plan.sustained)
                for c, setting in ((a, one), (b, other))
            )
            d = restricted(x, plan.epochs) - restricted(y, plan.epochs)
            tuned = flag is None and plan.tune != "none"
            interval = (
                _tuned(plan, table, target, (a, b), seeds) if tuned else bootstrap_interval(d)
            )
            head = (a.name, b.name, (one, other), flag)
            drafts.append((head, x, y, interval, sign_flip(d.tolist()), bool(np.any(d))))
    corrected = iter(holm([p for *_, p, differs in drafts if differs]))
    k = max(sum(differs for *_, differs in drafts), 1)
    duels = []
    for head, x, y, interval, p, differs in drafts:
        told = next(corrected) if differs else 1.0
        ruling = verdict(x, y, plan.epochs, told, interval, comparisons=k)
        reached = int(np.isfinite(x).sum()), int(np.isfinite(y).sum())
        medians = median(x.tolist()), median(y.tolist())
        duels.append(Duel(*head, reached, medians, p, faster_probability(x, y), k, ruling))
    return duels


def _tuned(
    plan: Plan,
    table: Table,
    target: Target,
    pair: tuple[Contestant, Contestant],
    seeds: Sequence[int],
) -> Interval | None:
    """Return the interval of a pair, each at the setting that its tuning seeds choose."""

    def all_settings(c: Contestant, some: Sequence[int]) -> Floats:
        rows = [
            target.times([table[c.name, setting, s] for s in some], plan.sustained)
            for setting in plan.settings(c)
        ]
        return np.minimum(np.array(rows), plan.epochs)

    a, b = pair
    return tuned_interval(
        (all_settings(a, plan.tuning_seeds), all_settings(b, plan.tuning_seeds)),
        (all_settings(a, seeds), all_settings(b, seeds)),
    )
