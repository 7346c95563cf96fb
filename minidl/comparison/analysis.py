"""From runs to numbers: the chosen setting and a row per optimizer, a duel per pair."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from minidl.comparison.chaos import horizon, is_chaotic
from minidl.comparison.duels import Duel, Match, settle_by_holm, settle_together
from minidl.comparison.goal import Target
from minidl.comparison.plan import Contestant, Plan
from minidl.comparison.resolve import resolve
from minidl.comparison.rows import Row, summarize
from minidl.comparison.run import Key, Run, Setting
from minidl.comparison.stats import hitting
from minidl.comparison.stats.hitting import median
from minidl.comparison.stats.intervals import bootstrap_interval
from minidl.comparison.stats.spending import error_share
from minidl.comparison.stats.tuned import (
    leave_one_out,
    tuned_equivalence,
    tuned_interval,
    tuned_swap,
)
from minidl.comparison.stats.tuning import choose_rate, expected_best, near_share, stable_range
from minidl.comparison.stats.verdicts import confidence_of, sign_flip

Interval = tuple[float, float]
Seeds = Sequence[int]
Settings = tuple[Setting, Setting]


@dataclass(frozen=True)
class Chosen:
    """The result of tuning one optimizer on the tuning seeds."""

    setting: Setting  # the middle of the good rates; the lowest final loss if not `arrived`
    mean: float  # its restricted mean
    best: Setting  # the smallest restricted mean
    rates: tuple[float, float]  # the smallest and the largest good rate around the best
    arrived: bool  # whether any run at the best setting reached the target
    chaotic: bool  # whether training is chaotic at all its settings, so that none can be chosen
    edge: int  # -1 or 1 if the best is at the smallest or the largest rate of the grid, or of the
    # lr / (1 - momentum) of random trials; else 0
    trials: int  # number of settings tried
    forgiving: float  # the share of settings whose mean is within 10 % of the smallest
    expected: tuple[float, ...]  # expected best mean of 1, 2, ... random trials, up to all


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
        ordered = sorted(runs, key=lambda r: (r.seed, names.index(r.optimizer), r.setting))
        self.runs = [run for run in ordered if not run.twin]
        self.twins = {run.key: run for run in ordered if run.twin}

    def all_runs(self) -> list[Run]:
        """Return the runs and their twins."""
        return [*self.runs, *self.twins.values()]

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
        if len(runs) < len(keys):
            return None
        return resolve(plan.goal, runs, plan.sustained, self.twins)

    @cached_property
    def chaotic(self) -> Mapping[str, frozenset[Setting]]:
        """For each optimizer the settings at which training is chaotic on some seed.

        There a twin of a run, whose initial weights differ by 1e-12, does not confirm its hitting
        time (see :func:`minidl.comparison.chaos.is_chaotic`). No verdict rests on such runs.
        """
        settings: dict[str, set[Setting]] = {c.name: set() for c in self.plan.contestants}
        if self.target is not None:
            time = partial(self.target.time, sustained=self.plan.sustained)
            for key, twin in self.twins.items():
                if key in self.table and is_chaotic(self.table[key], twin, time):
                    settings[twin.optimizer].add(twin.setting)
        return {name: frozenset(chaotic) for name, chaotic in settings.items()}

    def twins_wanted(self) -> dict[Key, int]:
        """Return the runs whose twins are missing or too short, and for how many epochs to train.

        Twins of the runs that reach the target, until they do; of the others, for 32 epochs; of
        those that define it, and of those at the chosen setting on the evaluation seeds, to the
        end.
        """
        plan, target = self.plan, self.target
        if target is None or not plan.twins:
            return {}
        times = {run.key: target.time(run, plan.sustained) for run in self._planned_runs()}
        epochs = {key: horizon(time, plan.sustained, plan.epochs) for key, time in times.items()}
        settings = {c: self.chosen[c.name].setting for c in plan.contestants}
        judged = [(c.name, s, seed) for c, s in settings.items() for seed in plan.seeds]
        full_length = [*target.source, *(key for key in judged if key in self.table)]
        epochs |= dict.fromkeys(full_length, plan.epochs)
        return {key: end for key, end in epochs.items() if not self._has_twin(key, end)}

    def _planned_runs(self) -> list[Run]:
        """Return the finished runs at the settings of the plan; a file may hold more."""
        tried = {c.name: set(self.plan.settings(c)) for c in self.plan.contestants}
        return [run for run in self.runs if run.setting in tried[run.optimizer]]

    def _has_twin(self, key: Key, epochs: int) -> bool:
        return key in self.twins and self.twins[key].lasts(epochs)

    def times(self, contestant: Contestant, setting: Setting, seeds: Seeds) -> hitting.Floats:
        """Return the hitting times of a contestant at a setting, once the target is known."""
        assert self.target is not None
        runs = [self.table[contestant.name, setting, seed] for seed in seeds]
        return self.target.times(runs, self.plan.sustained)

    def steady_times(self, c: Contestant, setting: Setting, seeds: Seeds) -> hitting.Floats:
        """Return the hitting times at a setting, infinite if training is chaotic there."""
        if setting in self.chaotic[c.name]:
            return np.full(len(seeds), math.inf)
        return self.times(c, setting, seeds)

    @cached_property
    def chosen(self) -> dict[str, Chosen]:
        """The result of tuning, by optimizer; empty without a target."""
        contestants = () if self.target is None else self.plan.contestants
        return {c.name: self._choose(c) for c in contestants}

    def _choose(self, contestant: Contestant) -> Chosen:
        plan, settings = self.plan, self.plan.settings(contestant)
        chaotic = self.chaotic[contestant.name]
        times = [self.steady_times(contestant, s, plan.tuning_seeds) for s in settings]
        means = [hitting.restricted_mean(row, plan.epochs) for row in times]
        rates = [setting.effective if plan.trials else setting.lr for setting in settings]
        choice = choose_rate(rates, times, plan.epochs)
        best, arrived = settings[choice.position], bool(np.isfinite(times[choice.position]).any())
        if arrived:
            line = [k for k, s in enumerate(settings) if s.momentum == best.momentum]
            lowest, middle, highest = stable_range([times[k] for k in line], plan.epochs)
            ends, place = (settings[line[lowest]].lr, settings[line[highest]].lr), line[middle]
        else:
            place = self._place_without_arrival(contestant, settings)
            best = settings[place]
            ends = best.lr, best.lr
        return Chosen(
            setting=settings[place],
            mean=self._mean(contestant, settings[place]),
            best=best,
            rates=ends,
            arrived=arrived,
            chaotic=settings[place] in chaotic,
            edge=choice.edge if plan.tune != "none" and arrived else 0,
            trials=len(settings),
            forgiving=near_share(means) if arrived else 0.0,
            expected=tuple(expected_best(means, b + 1) for b in range(len(settings))),
        )

    def _mean(self, contestant: Contestant, setting: Setting) -> float:
        times = self.times(contestant, setting, self.plan.tuning_seeds)
        return hitting.restricted_mean(times, self.plan.epochs)

    def _place_without_arrival(self, contestant: Contestant, settings: Sequence[Setting]) -> int:
        """Return the position of a setting if no run that is not chaotic reaches the target.

        The best chaotic one if any reaches it: one that fails would make the optimizer seem slow.
        Otherwise the one with the lowest final loss.
        """
        means = [self._mean(contestant, setting) for setting in settings]
        if min(means) < self.plan.epochs:
            return means.index(min(means))
        seeds, name = self.plan.tuning_seeds, contestant.name
        chaotic = self.chaotic[name]
        finals = [median([self.table[name, s, seed].final for seed in seeds]) for s in settings]
        return min(range(len(finals)), key=lambda k: (settings[k] in chaotic, finals[k]))

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
        chaotic = {c.name: chosen[c.name].chaotic for c in plan.contestants}
        return [summarize(plan, c, runs, target, chaotic[c.name]) for c, runs in groups if runs]

    @cached_property
    def tuned(self) -> list[Duel]:
        """The verdict *tuned against tuned*: each pair at one batch size."""
        return settle_by_holm(self.tuned_matches)

    @cached_property
    def tuned_matches(self) -> list[Match]:
        """The tuned pairs, before the correction for several pairs.

        On a grid it takes all seeds, those of tuning included: what is random is the whole
        procedure, the choice of the settings too. The trials of a random search do not line up, so
        the chosen ones are judged by the evaluation seeds.
        """
        matches = []
        for a, b in self.plan.pairs if self.chosen else []:
            if seeds := self._common(a, b):
                settings = self.chosen[a.name].setting, self.chosen[b.name].setting
                make = self._tuned_match if self.plan.on_grid else self._match
                matches.append(make(a, b, settings, seeds))
        return matches

    @cached_property
    def flags(self) -> list[Duel]:
        """The verdict *swap the flag*: each pair at each learning rate and momentum of the grid."""
        matches = []
        for a, b, settings, flag in self.plan.flag_pairings() if self.chosen else []:
            if seeds := self._common(a, b):
                matches.append(replace(self._match(a, b, settings, seeds), flag=flag))
        return settle_together(matches)

    def _common(self, a: Contestant, b: Contestant) -> list[int]:
        """Return the finished evaluation seeds of both."""
        return [seed for seed in self.seeds[a.name] if seed in self.seeds[b.name]]

    def _match(self, a: Contestant, b: Contestant, settings: Settings, seeds: Seeds) -> Match:
        """Return the match of two contestants at one setting each."""
        x, y = self.times(a, settings[0], seeds), self.times(b, settings[1], seeds)
        names, budget = (a.name, b.name), self.plan.epochs
        chaotic, share = self._any_chaotic(a, b, settings), error_share(self.plan.looks, len(seeds))
        head = names, settings, None, seeds, budget, (x, y)
        match = Match(*head, 1.0, None, None, chaotic, share)
        d = match.differences()
        interval = bootstrap_interval(d, confidence_of(share))
        return replace(match, p=sign_flip(d.tolist()), interval=interval)

    def _tuned_match(self, a: Contestant, b: Contestant, settings: Settings, seeds: Seeds) -> Match:
        """Return the match of two contestants at all settings; its times are leave-one-out."""
        share = error_share(self.plan.looks, len(seeds))
        seeds, budget = (*self.plan.tuning_seeds, *seeds), self.plan.epochs
        grids = self._grid(a, seeds), self._grid(b, seeds)
        u, v = (np.minimum(grid, budget) for grid in grids)
        columns, places = np.arange(len(seeds)), (leave_one_out(u), leave_one_out(v))
        x, y = (
            grid.reshape(-1, len(seeds))[place, columns]
            for grid, place in zip(grids, places, strict=True)
        )
        equivalence = tuned_equivalence(u, v, x, y, budget, confidence=confidence_of(share))
        difference = float(np.mean(np.minimum(x, budget) - np.minimum(y, budget)))
        low, high = tuned_interval(u, v, confidence_of(share)) or (difference, difference)
        interval = min(low, difference), max(high, difference)  # it holds the printed estimate
        p, names = tuned_swap(u, v), (a.name, b.name)
        chaotic = self._any_chaotic(a, b, settings)
        head = names, settings, None, seeds, budget, (x, y)
        return Match(*head, p, interval, equivalence, chaotic, share)

    def _any_chaotic(self, a: Contestant, b: Contestant, settings: Settings) -> bool:
        pairs = zip((a, b), settings, strict=True)
        return any(setting in self.chaotic[c.name] for c, setting in pairs)

    def _grid(self, contestant: Contestant, seeds: Seeds) -> hitting.Floats:
        """Return the hitting times of a contestant at all settings, (rates, momenta, seeds)."""
        times = [self.steady_times(contestant, s, seeds) for s in self.plan.settings(contestant)]
        return np.reshape(times, (len(self.plan.rates), -1, len(seeds)))

    @property
    def complete(self) -> bool:
        """Whether all planned runs are finished, and their twins."""
        counts = {len(self._finished(c)) for c in self.plan.contestants if self.chosen}
        return counts == {len(self.plan.seeds)} and not self.twins_wanted()
