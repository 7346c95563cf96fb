"""From runs to numbers: the chosen setting and a row per optimizer, a duel per pair."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from minidl.comparison.goal import Target, resolve
from minidl.comparison.plan import Contestant, Pairing, Plan
from minidl.comparison.run import Key, Run, Setting
from minidl.comparison.stats import hitting
from minidl.comparison.stats.hitting import median
from minidl.comparison.stats.intervals import bootstrap_interval, median_interval, tuned_interval
from minidl.comparison.stats.tuning import choose_rate, expected_best
from minidl.comparison.stats.verdicts import Verdict, faster_probability, holm, sign_flip, verdict
from minidl.optim import BatchSize

Interval = tuple[float, float]
Seeds = Sequence[int]


@dataclass(frozen=True)
class Chosen:
    """The result of tuning one optimizer on the tuning seeds."""

    setting: Setting  # the smallest restricted mean; the lowest final loss if not `arrived`
    mean: float  # its restricted mean
    arrived: bool  # whether any run at that setting reached the target
    edge: int  # -1 or 1 if the learning rate is the smallest or the largest of the grid, else 0
    trials: int  # number of settings tried
    expected: tuple[float, ...]  # expected best mean of 1, 2, ... random trials, up to all


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


class Results:
    """The numbers of a comparison, which report and plots show; computed when they are used."""

    def __init__(
        self, plan: Plan, runs: Iterable[Run], request: Mapping[str, Any] | None = None
    ) -> None:
        self.plan = plan
        self.request: dict[str, Any] = json.loads(json.dumps(dict(request or {})))
        self.command: list[str] = []
        self.versions: dict[str, str] | None = None  # None: those installed now
        names = [c.name for c in plan.contestants]
        self.runs = sorted(runs, key=lambda r: (r.seed, names.index(r.optimizer), r.setting))

    @cached_property
    def table(self) -> Mapping[Key, Run]:
        """The runs by optimizer, setting and seed."""
        return {run.key: run for run in self.runs}

    @cached_property
    def target(self) -> Target | None:
        """When a run has converged; None until all tuning runs are finished."""
        plan = self.plan
        tried = [(c.name, setting) for c in plan.contestants for setting in plan.settings(c)]
        keys = [(*pair, seed) for pair in tried for seed in plan.tuning_seeds]
        runs = [self.table[key] for key in keys if key in self.table]
        return resolve(plan.goal, runs, plan.sustained) if len(runs) == len(keys) else None

    def times(self, contestant: Contestant, setting: Setting, seeds: Seeds) -> hitting.Floats:
        """Return the hitting times of a contestant at a setting, once the target is known."""
        assert self.target is not None
        runs = [self.table[contestant.name, setting, seed] for seed in seeds]
        return self.target.times(runs, self.plan.sustained)

    @cached_property
    def chosen(self) -> dict[str, Chosen]:
        """The result of tuning, by optimizer; empty without a target."""
        contestants = () if self.target is None else self.plan.contestants
        return {c.name: self._choose(c) for c in contestants}

    def _choose(self, contestant: Contestant) -> Chosen:
        plan, settings = self.plan, self.plan.settings(contestant)
        times = [self.times(contestant, setting, plan.tuning_seeds) for setting in settings]
        best = choose_rate([setting.lr for setting in settings], times, plan.epochs)
        setting, arrived = settings[best.position], bool(np.isfinite(times[best.position]).any())
        if not arrived:
            keys = [[(contestant.name, s, seed) for seed in plan.tuning_seeds] for s in settings]
            finals = [median([self.table[key].final for key in row]) for row in keys]
            setting = settings[finals.index(min(finals))]
        means = [hitting.restricted_mean(row, plan.epochs) for row in times]
        curve = tuple(expected_best(means, b + 1) for b in range(len(settings)))
        edge = best.edge if plan.tune != "none" and arrived else 0
        return Chosen(setting, best.mean, arrived, edge, len(settings), curve)

    @cached_property
    def seeds(self) -> dict[str, tuple[int, ...]]:
        """For each optimizer its evaluation seeds that are finished for all it is paired with.

        After an interruption, optimizers without any finished seed do not count.
        """
        finished = {c: self._finished(c) for c in self.plan.contestants if self.chosen}
        seeds = {}
        for c, candidates in finished.items():
            rivals = {rival for pair in self.plan.pairs if c in pair for rival in pair}
            lists = [finished[rival] for rival in rivals if finished[rival]]
            seeds[c.name] = tuple(s for s in candidates if all(s in part for part in lists))
        return seeds

    def _finished(self, contestant: Contestant) -> list[int]:
        """Return the evaluation seeds that are finished at every setting that needs them."""
        name, table = contestant.name, self.table
        settings = self.plan.evaluated(contestant, self.chosen[name].setting)
        return [s for s in self.plan.seeds if all((name, tried, s) in table for tried in settings)]

    def evaluation_runs(self, contestant: Contestant, setting: Setting) -> list[Run]:
        """Return the runs of a contestant at a setting, with its evaluation seeds."""
        keys = [(contestant.name, setting, seed) for seed in self.seeds[contestant.name]]
        return [self.table[key] for key in keys if key in self.table]

    @cached_property
    def rows(self) -> list[Row]:
        """One row per optimizer at its chosen setting, on the evaluation seeds."""
        plan, target, chosen = self.plan, self.target, self.chosen
        if target is None:
            return []
        groups = [(c, self.evaluation_runs(c, chosen[c.name].setting)) for c in plan.contestants]
        return [summarize(plan, c, runs, target) for c, runs in groups if runs]

    @cached_property
    def tuned(self) -> list[Duel]:
        """The verdict *tuned against tuned*: each pair at one batch size."""
        best = {name: chosen.setting for name, chosen in self.chosen.items()}
        pairs = self.plan.pairs if best else []
        return self._duels([(a, b, (best[a.name], best[b.name]), None) for a, b in pairs])

    @cached_property
    def flags(self) -> list[Duel]:
        """The verdict *swap the flag*: each pair at each learning rate and momentum of the grid."""
        return self._duels(self.plan.flag_pairings() if self.chosen else [])

    def _duels(self, pairings: Sequence[Pairing]) -> list[Duel]:
        """Return a duel for each pairing, on the seeds that both have, with one Holm correction.

        The correction counts the pairs that differ on any seed: if all differences are 0, p is 1
        whatever their signs, so it can never be a false positive (Tarone 1990). The interval of two
        tuned optimizers chooses the settings anew in each resample; p holds for the chosen ones.
        """
        plan, drafts = self.plan, []
        for a, b, settings, flag in pairings:
            seeds = [seed for seed in self.seeds[a.name] if seed in self.seeds[b.name]]
            if not seeds:
                continue
            x, y = self.times(a, settings[0], seeds), self.times(b, settings[1], seeds)
            d = hitting.restricted(x, plan.epochs) - hitting.restricted(y, plan.epochs)
            if flag is None and plan.tune != "none":
                parts = plan.tuning_seeds, seeds
                tuning, judging = ([self._grid(c, part) for c in (a, b)] for part in parts)
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

    def _grid(self, contestant: Contestant, seeds: Seeds) -> hitting.Floats:
        """Return min(T, E) of a contestant at all its settings, (settings, seeds)."""
        times = [self.times(contestant, s, seeds) for s in self.plan.settings(contestant)]
        return np.minimum(times, self.plan.epochs)

    @property
    def complete(self) -> bool:
        """Whether all planned runs are finished."""
        counts = {len(self._finished(c)) for c in self.plan.contestants if self.chosen}
        return counts == {len(self.plan.seeds)}
