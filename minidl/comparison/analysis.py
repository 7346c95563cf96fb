"""From runs to numbers: the chosen setting and a row per optimizer, a duel per pair."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from minidl.comparison.goal import Target
from minidl.comparison.plan import Contestant, Pairing, Plan
from minidl.comparison.run import Key, Run, Setting
from minidl.comparison.stats import hitting
from minidl.comparison.stats.intervals import bootstrap_interval, median_interval, tuned_interval
from minidl.comparison.stats.tests import faster_probability, holm, median, sign_flip
from minidl.comparison.stats.tuning import choose_rate, expected_best
from minidl.comparison.stats.verdicts import Verdict, verdict
from minidl.optim import BatchSize

Table = Mapping[Key, Run]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Chosen:
    """The result of tuning one optimizer on the tuning seeds."""

    setting: Setting  # the smallest restricted mean; the lowest final loss if not `arrived`
    mean: float  # its restricted mean
    arrived: bool  # whether any run at that setting reached the target
    edge: int  # -1 or 1 if the learning rate is the smallest or the largest of the grid, else 0
    trials: int  # number of settings tried
    expected: tuple[float, ...]  # expected best mean of 1, 2, ... random trials, up to all


def choose(plan: Plan, table: Table, target: Target) -> dict[str, Chosen]:
    """Return the chosen setting of every contestant, by the tuning seeds alone."""
    chosen = {}
    for c in plan.contestants:
        settings, times = plan.settings(c), _times(plan, table, target, c, plan.tuning_seeds)
        best = choose_rate([s.lr for s in settings], times, plan.epochs)
        setting = settings[best.position]
        arrived = bool(np.isfinite(times[best.position]).any())
        if not arrived:
            runs = [[table[c.name, s, seed] for seed in plan.tuning_seeds] for s in settings]
            finals = [median([run.final for run in row]) for row in runs]
            setting = settings[finals.index(min(finals))]
        means = [hitting.restricted_mean(row, plan.epochs) for row in times]
        curve = tuple(expected_best(means, b + 1) for b in range(len(settings)))
        edge = best.edge if plan.tune != "none" and arrived else 0
        chosen[c.name] = Chosen(setting, best.mean, arrived, edge, len(settings), curve)
    return chosen


def _times(
    plan: Plan, table: Table, target: Target, contestant: Contestant, seeds: Sequence[int]
) -> hitting.Floats:
    """Return the hitting times of a contestant, (settings, seeds)."""
    runs = [[table[contestant.name, s, n] for n in seeds] for s in plan.settings(contestant)]
    return np.array([target.times(row, plan.sustained) for row in runs])


@dataclass(frozen=True)
class Row:
    """One optimizer at one setting, on the evaluation seeds.

    Times are in epochs, and infinite where most runs missed the target.
    """

    optimizer: str
    batch_size: BatchSize
    setting: Setting
    reached: int  # number of runs that reached the target
    seeds: int  # number of runs
    diverged: int  # number of runs that diverged
    diverged_at: float  # median epoch of the divergences; nan without any
    median: float  # median hitting time
    first_hit: float  # median epoch in which the target was first touched
    interval: Interval | None  # exact 95 % interval of the median; None below 6 seeds
    mean: float  # restricted mean: the mean of min(T, E)
    mean_interval: Interval | None  # its bootstrap interval
    running_time: float  # ERT: all epochs spent, per run that reached the target
    updates: float  # medians until the target held
    samples: float
    seconds: float
    loss: float  # median training loss at the end of the budget; infinite after a divergence


def summarize(plan: Plan, contestant: Contestant, runs: Sequence[Run], target: Target) -> Row:
    """Return the row of one contestant's runs at one setting."""
    times = target.times(runs, plan.sustained)
    diverged = [float(run.diverged_at) for run in runs if run.diverged_at is not None]

    def until_target(per_epoch: Sequence[float]) -> float:
        pairs = zip(times.tolist(), per_epoch, strict=True)
        return median([t * amount if math.isfinite(t) else t for t, amount in pairs])

    return Row(
        optimizer=contestant.name,
        batch_size=contestant.batch_size,
        setting=runs[0].setting,
        reached=int(np.isfinite(times).sum()),
        seeds=len(runs),
        diverged=len(diverged),
        diverged_at=median(diverged),
        median=median(times.tolist()),
        first_hit=median(target.times(runs, 1).tolist()),
        interval=median_interval(times),
        mean=hitting.restricted_mean(times, plan.epochs),
        mean_interval=bootstrap_interval(hitting.restricted(times, plan.epochs)),
        running_time=hitting.expected_running_time(times, plan.epochs),
        updates=until_target([run.updates for run in runs]),
        samples=until_target([run.samples for run in runs]),
        seconds=until_target([run.seconds / max(run.epochs, 1) for run in runs]),
        loss=median([run.final for run in runs]),
    )


@dataclass(frozen=True)
class Duel:
    """Two optimizers on the same seeds."""

    first: str
    second: str
    settings: tuple[Setting, Setting]
    flag: Setting | None  # the setting both share when the flag is swapped; None if each is tuned
    reached: tuple[int, int]  # on how many seeds each reached the target
    medians: tuple[float, float]  # their median hitting times
    p_alone: float  # the sign-flip p-value before Holm's correction
    faster: float  # probability that the first is faster, ties counting one half
    corrected_for: int  # number of pairs in Holm's correction
    verdict: Verdict  # mean difference, interval, corrected p-value and the verdict in words

    @property
    def word(self) -> str:
        """The verdict, with the winner's name."""
        return self.verdict.word if self.winner is None else f"{self.winner} faster"

    @property
    def winner(self) -> str | None:
        """The faster optimizer, None if no difference is shown."""
        return {"A faster": self.first, "B faster": self.second}.get(self.verdict.word)

    @property
    def nobody(self) -> bool:
        """Whether neither reached the target on any seed."""
        return self.reached == (0, 0)


def compare_pairs(
    plan: Plan,
    table: Table,
    target: Target,
    pairings: Sequence[Pairing],
    seeds_of: Mapping[str, Sequence[int]],
) -> list[Duel]:
    """Return a duel for each pairing, on the seeds that both have, with one Holm correction.

    The correction counts the pairs that differ on any seed: if all differences are 0, p is 1
    whatever their signs, so it can never be a false positive (Tarone 1990). The interval of two
    tuned optimizers chooses the settings anew in each resample; p holds for the chosen settings.
    """
    drafts = []
    for a, b, settings, flag in pairings:
        seeds = [s for s in seeds_of[a.name] if s in seeds_of[b.name]]
        if not seeds:
            continue
        x, y = (
            target.times([table[c.name, setting, s] for s in seeds], plan.sustained)
            for c, setting in zip((a, b), settings, strict=True)
        )
        d = hitting.restricted(x, plan.epochs) - hitting.restricted(y, plan.epochs)
        if flag is None and plan.tune != "none":
            tuning, judging = (
                [np.minimum(_times(plan, table, target, c, part), plan.epochs) for c in (a, b)]
                for part in (plan.tuning_seeds, seeds)
            )
            interval = tuned_interval(tuning, judging)
        else:
            interval = bootstrap_interval(d)
        head = a.name, b.name, settings, flag
        drafts.append((head, x, y, interval, sign_flip(d.tolist()), bool(np.any(d))))
    corrected = iter(holm([p for *_, p, differs in drafts if differs]))
    k = max(sum(differs for *_, differs in drafts), 1)
    duels = []
    for head, x, y, interval, p, differs in drafts:
        p_corrected = next(corrected) if differs else 1.0
        ruling = verdict(x, y, plan.epochs, p_corrected, interval, comparisons=k)
        reached = int(np.isfinite(x).sum()), int(np.isfinite(y).sum())
        medians = median(x.tolist()), median(y.tolist())
        duels.append(Duel(*head, reached, medians, p, faster_probability(x, y), k, ruling))
    return duels
