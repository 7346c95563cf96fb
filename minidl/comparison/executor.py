"""Training all networks of a comparison, in blocks, and keeping what is finished."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from minidl.comparison.journal import Page
from minidl.comparison.plan import Contestant, Plan
from minidl.comparison.problem import Problem
from minidl.comparison.result import Comparison
from minidl.comparison.run import Key, Run, Setting
from minidl.optim import Optimizer
from minidl.training import Trainer
from minidl.training.many import train_many

__all__ = ["Race"]

TOGETHER = 32  # networks, at least, of a group: fewer cost more each, more are kept less often
EXTENSIONS = 3  # times, at most, that the grid grows by two learning rates at one end


@dataclass
class Race:
    """Trains what a plan says, all of it or what a page of a journal has not yet.

    Parameters
    ----------
    plan : Plan
        What is compared.
    problem : Problem
        Data and networks.
    templates : dict of str to Optimizer
        A new optimizer for each contestant, which is copied.
    jobs, memory
        As for :func:`minidl.training.train_replicas`.

    Attributes
    ----------
    page : Page
        The runs that are finished.
    tick : callable
        Is called when a block is finished.
    asked : dict
        What tells this race from others, as plain data.
    """

    plan: Plan
    problem: Problem
    templates: Mapping[str, Optimizer]
    jobs: int | None = 1
    memory: int = 2**19
    page: Page = field(default_factory=Page)
    tick: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        seeds = (*self.plan.tuning_seeds, *self.plan.seeds)
        self.asked: dict[str, Any] = {
            "plan": self.plan.to_dict(),
            "optimizers": {name: repr(one) for name, one in self.templates.items()},
            "data and weights": self.problem.checked(self.plan.goal, seeds),
            "memory": self.memory,
        }

    def run(self) -> Comparison:
        """Train everything; return the comparison."""
        self._tune()
        chosen = self.so_far().chosen
        judged = {c: self.plan.judged(c, chosen[c.name].setting) for c in self.plan.contestants}
        self._train(self.plan.seeds, judged)
        return self.so_far()

    def so_far(self) -> Comparison:
        """Return the comparison of what is finished."""
        return Comparison(self.plan, self.page.runs.values(), self.asked)

    def planned(self) -> int:
        """Return how many runs there will be, as far as is known."""
        total = 0
        for c in self.plan.contestants:
            settings = self.plan.settings(c)
            total += len(settings) * len(self.plan.tuning_seeds)
            total += len(self.plan.judged(c, settings[0])) * len(self.plan.seeds)
        return total

    def _tune(self) -> None:
        """Train with the tuning seeds; extend the grid while the best is at its edge."""
        low = high = 0
        while True:
            plan = self.plan
            self._train(plan.tuning_seeds, {c: plan.settings(c) for c in plan.contestants})
            edges = {chosen.edge for chosen in self.so_far().chosen.values()}
            down, up = -1 in edges and low < EXTENSIONS, 1 in edges and high < EXTENSIONS
            if not (down or up):
                return
            low, high = low + down, high + up
            self.plan = plan.extended(down, up)

    def _train(self, seeds: Sequence[int], settings: Mapping[Contestant, list[Setting]]) -> None:
        """Train every contestant at these settings with these seeds, unless that is done."""
        groups = [
            [key for key in group if key not in self.page.runs]
            for group in self._groups(seeds, settings)
        ]
        keys = [key for group in groups for key in group]
        self.tick()
        if not keys:
            return
        trainers = list(map(self._trainer, keys))
        named = dict(zip(map(id, trainers), keys, strict=True))
        rows = self.problem.rows(seeds)
        n = rows[0].X.shape[-2]

        def done(finished: list[Trainer]) -> None:
            self.page.add([Run.of(*named[id(one)], one.history, n) for one in finished])
            self.tick()

        train_many(
            trainers,
            rows,
            self.plan.epochs,
            sets=None if self.problem.fixed else [seeds.index(seed) for *_, seed in keys],
            apart=[k for k, group in enumerate(groups) for _ in group],
            memory=self.memory,
            jobs=self.jobs,
            done=done,
        )

    def _groups(
        self, seeds: Sequence[int], settings: Mapping[Contestant, list[Setting]]
    ) -> Iterator[list[Key]]:
        """Yield what is trained together: some seeds, for each contestant in turn.

        So an interruption finds pairs. What is finished changes nothing in the other groups, and
        so not a bit of their results.
        """
        most = max(len(found) for found in settings.values())
        chunk = min(math.ceil(TOGETHER / most), math.ceil(len(seeds) / 2))
        for start in range(0, len(seeds), chunk):
            some = seeds[start : start + chunk]
            for contestant, found in settings.items():
                yield [(contestant.name, setting, seed) for setting in found for seed in some]

    def _trainer(self, key: Key) -> Trainer:
        name, setting, seed = key
        contestant = next(c for c in self.plan.contestants if c.name == name)
        optimizer = copy.deepcopy(self.templates[name])
        if self.plan.tune != "none":
            own = {} if setting.momentum is None else {"momentum": setting.momentum}
            optimizer.hyperparameters.update({"lr": setting.lr, **own})
        return Trainer(
            self.problem.network(seed),
            self.problem.loss,
            optimizer=optimizer,
            batch_size=contestant.batch_size,
            seed=seed,
            look_ahead=_looks_ahead(type(optimizer)),
        )


def _looks_ahead(rule: type[Optimizer]) -> bool:
    """Tell whether a rule asks for its gradient elsewhere than at its iterate."""
    return (rule.look_ahead, rule.iterate) != (Optimizer.look_ahead, Optimizer.iterate)
