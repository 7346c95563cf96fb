"""Train the runs of a plan that are not finished yet, in blocks of networks."""

import copy
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from minidl.comparison.analysis import Chosen
from minidl.comparison.chaos import perturb
from minidl.comparison.engine import engine_of, made_by, why_eager
from minidl.comparison.identity import custom_code, shown
from minidl.comparison.looks import decided, stages
from minidl.comparison.plan import Contestant, Plan
from minidl.comparison.problem import Problem
from minidl.comparison.result import Comparison, MadeWith
from minidl.comparison.run import FullKey, Run, Setting
from minidl.errors import UntrainedWarning
from minidl.memory import check_memory
from minidl.optim import Optimizer
from minidl.training import Trainer
from minidl.training.engine_choice import NO_MACHINE, WARM
from minidl.training.many import train_many
from minidl.training.reach import summary

GROUP = 32  # networks of a group: fewer cost more each, more are lost when a process is killed
EXTENSIONS = 3  # how often the grid may grow by two learning rates at one end


@dataclass
class Executor:
    """Trains the runs of one comparison."""

    plan: Plan  # its grid of learning rates may grow, and its evaluation seeds end at a look
    problem: Problem
    templates: Mapping[str, Optimizer]  # a new optimizer for each contestant, copied for each run
    jobs: int | None = 1  # as for train_replicas
    memory: int = 2**19
    engine: str = "auto"
    runs: dict[FullKey, Run] = field(default_factory=dict)  # the finished runs, and twins
    finished: Callable[[list[Run]], object] = len  # called with the runs of each finished block
    warned: bool = False  # whether a part of the networks that does not train was warned of

    def __post_init__(self) -> None:
        """Check the target, and describe the comparison for its file."""
        runs, rows = self.planned(), self.plan.epochs + 1
        check_memory(f"the curves of {runs} runs of {self.plan.epochs} epochs", 8 * runs * rows)
        seeds = (*self.plan.tuning_seeds, *self.plan.seeds)
        self.request: dict[str, Any] = {
            "plan": self.plan.to_dict(),
            "optimizers": {name: shown(template) for name, template in self.templates.items()},
            "data and weights": self.problem.fingerprint(self.plan.goal, seeds),
            "memory": self.memory,
            **made_by(self.engine),
        }
        requested, self.engine = self.engine, engine_of(self.request)
        self.why_eager = NO_MACHINE if requested != self.engine else ""
        codes = {f"code of {name}": custom_code(part) for name, part in self.templates.items()}
        self.request |= {name: code for name, code in codes.items() if code}

    def run(self) -> None:
        """Train all runs: tuning seeds, then evaluation seeds until a look that decides."""
        chosen, planned = self.tune(), self.plan
        for plan in stages(planned):
            before = None
            while chosen != before:  # choose anew if a rate is chaotic
                settings = {c: plan.evaluated(c, chosen[c.name].setting) for c in plan.contestants}
                self.train(plan.seeds, settings)
                result = self.confirmed(plan)
                chosen, before = result.chosen, chosen
            if plan != planned and decided(result):
                self.plan = plan
                break

    def confirmed(self, plan: Plan) -> Comparison:
        """Train the twins that the runs of a plan call for, and return their comparison."""
        while twins := (result := self.result(plan)).twins_wanted():
            for epochs in sorted(set(twins.values())):
                keys = sorted(key for key, ends in twins.items() if ends == epochs)
                labels = {(*key, True): (epochs, key[0]) for key in keys}
                self._train(labels, sorted({seed for *_, seed in keys}), epochs)
        return result

    def result(self, plan: Plan | None = None) -> Comparison:
        """Return the comparison of the finished runs, or of those with the seeds of a plan."""
        plan = self.plan if plan is None else plan
        seeds = {*plan.tuning_seeds, *plan.seeds}
        runs = [run for run in self.runs.values() if run.seed in seeds]
        comparison = Comparison(plan, runs, self.request)
        comparison.made_with, comparison.why_eager = (self.templates, self.problem), self.why_eager
        return comparison

    def trained(self) -> int:
        """Return the number of finished runs, without twins."""
        return sum(not run.twin for run in self.runs.values())

    def planned(self) -> int:
        """Return the number of runs of the plan, without twins, unless the grid grows."""
        plan = self.plan
        tried = {c: plan.settings(c) for c in plan.contestants}
        evaluated = sum(len(plan.evaluated(c, settings[0])) for c, settings in tried.items())
        return sum(map(len, tried.values())) * len(plan.tuning_seeds) + evaluated * len(plan.seeds)

    def tune(self) -> Mapping[str, Chosen]:
        """Train with the tuning seeds; extend the default grid while the best is at its edge."""
        low = high = 0
        while True:
            plan = self.plan
            self.train(plan.tuning_seeds, {c: plan.settings(c) for c in plan.contestants})
            chosen = self.confirmed(replace(plan, seeds=())).chosen  # whatever else is finished
            edges = {choice.edge for choice in chosen.values()}
            down, up = -1 in edges and low < EXTENSIONS, 1 in edges and high < EXTENSIONS
            if not (plan.grows and (down or up)):
                return chosen
            low, high = low + down, high + up
            self.plan = plan.extended(down, up)

    def train(self, seeds: Sequence[int], settings: Mapping[Contestant, list[Setting]]) -> None:
        """Train every contestant at these settings with these seeds, except finished runs.

        A few seeds of one contestant are a group, and contestants take turns, so an interruption
        leaves pairs. Groups do not depend on what is finished, so neither do the last bits.
        """
        largest = max(map(len, settings.values()))
        size = min(math.ceil(GROUP / largest), math.ceil(len(seeds) / 2))
        labels: dict[FullKey, object] = {}  # of each run's group
        for start, (c, tried) in product(range(0, len(seeds), size), settings.items()):
            keys = product([c.name], tried, seeds[start : start + size], [False])
            labels |= dict.fromkeys(keys, (start, c))
        self._train(labels, seeds, self.plan.epochs)

    def _train(self, labels: Mapping[FullKey, object], seeds: Sequence[int], epochs: int) -> None:
        """Train these runs, or twins, unless they are finished; equal labels may share a block."""
        missing = [key for key in labels if not self._finished(key, epochs)]
        if not missing:
            return
        made_with = self.templates, self.problem
        trainers = [trainer_of(self.plan, made_with, key, self.engine) for key in missing]
        key_of = dict(zip(map(id, trainers), missing, strict=True))
        train, held_out = self.problem.rows(seeds)
        twins, column = missing[0][-1], self.plan.goal.column
        columns = {"train_loss", column}
        if twins and epochs == self.plan.epochs:
            columns |= {"validation_loss", "validation_accuracy"}  # to see how steady the end is
        elif twins and not column.startswith("validation"):
            held_out = None

        def done(block: list[Trainer]) -> None:
            n = train.X.shape[-2]
            runs = [
                replace(
                    Run.of(*key_of[id(trainer)][:3], trainer.history, n),
                    eager=why_eager(self.engine, trainer),
                )
                for trainer in block
            ]
            if twins:
                runs = [run.as_twin(columns) for run in runs]
            self.runs.update({run.full_key: run for run in runs})
            self.finished(runs)

        sets = None if self.problem.fixed else [seeds.index(seed) for *_, seed, _ in missing]
        apart, memory, jobs = [labels[key] for key in missing], self.memory, self.jobs
        train_many(
            trainers, (train, held_out), epochs,
            sets=sets, apart=apart, memory=memory, jobs=jobs, done=done,
        )  # fmt: skip
        untrained = summary([trainer.untrained for trainer in trainers])
        if untrained and not self.warned:
            warnings.warn(untrained, UntrainedWarning, stacklevel=3)
        self.warned = self.warned or bool(untrained)

    def _finished(self, key: FullKey, epochs: int) -> bool:
        """Return whether a run is there, and a twin for so many epochs."""
        run = self.runs.get(key)
        return run is not None and (not run.twin or run.lasts(epochs))


def trainer_of(plan: Plan, made_with: MadeWith, key: FullKey, engine: str) -> Trainer:
    """Return a new Trainer for a run or a twin, for which the compiled engine begins at once."""
    (name, setting, seed, twin), (templates, problem) = key, made_with
    optimizer = copy.deepcopy(templates[name])
    if plan.tune != "none":
        optimizer.hyperparameters["lr"] = setting.lr
        if setting.momentum is not None:
            optimizer.hyperparameters["momentum"] = setting.momentum
    network, size = problem.network(seed), plan.contestant(name).batch_size
    if twin:
        perturb(network)
    schedule = dict(plan.modifiers).get("schedule")
    settings: dict[str, Any] = {"batch_size": size, "seed": seed, "schedule": schedule}
    trainer = Trainer(network, problem.loss, optimizer, engine=engine, **settings)
    trainer.warm = 1 if trainer.warm == WARM else trainer.warm  # later with custom parts
    trainer.schedule_epochs = plan.epochs  # of twins, too, which may end earlier
    return trainer
