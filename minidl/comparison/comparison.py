"""The result of a race: plain data, of which the table and the sentences are views."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from minidl import nn
from minidl.comparison.experiment import Contestant, Experiment, Run
from minidl.comparison.report import (
    Duel,
    Row,
    as_dict,
    counted,
    duel,
    row,
    sentence,
    text_table,
)
from minidl.comparison.statistics import holm
from minidl.comparison.verdicts import fewest_seeds
from minidl.datasets import Dataset
from minidl.errors import DataError
from minidl.optim import BatchSize, lookup
from minidl.training import History

__all__ = ["Comparison", "compare"]


class Comparison:
    """What a race gave; print it to see the table and the sentences.

    Parameters
    ----------
    settings : dict
        What was raced: what :meth:`Experiment.settings` returns.
    runs : sequence of Run
        The runs there are; after an interruption, fewer than planned.

    Attributes
    ----------
    rows : list of Row
        One for each optimizer.
    duels : list of (Duel, float)
        The first that ran of NAG, reformulated NAG, momentum and mini-batch, against each other
        one with its batch size, and the p-value after Holm's correction.
    """

    def __init__(self, settings: Mapping[str, Any], runs: Sequence[Run]) -> None:
        self.settings = dict(settings)
        self.runs = list(runs)
        contestants = [
            Contestant(lookup(o["name"]), o["lr"], o["momentum"] or 0.0, o["batch_size"])
            for o in self.settings["optimizers"]
        ]
        self.budget = int(self.settings["epochs"])
        self.rows: list[Row] = [
            row(c, [run for run in self.runs if run.optimizer == c.name])
            for c in contestants
            if any(run.optimizer == c.name for run in self.runs)
        ]
        self.duels = self._duels(contestants)

    def _duels(self, contestants: Sequence[Contestant]) -> list[tuple[Duel, float]]:
        names = [c.name for c in contestants]
        heroes = ("nag", "nag-reformulated", "momentum", "mini-batch")
        first = next((name for name in heroes if name in names), names[0])
        rows = next(c.batch_size for c in contestants if c.name == first)
        rank = ["momentum", "mini-batch", "batch", "stochastic", "nag-reformulated"]
        others = sorted(
            (c.name for c in contestants if c.name != first and c.batch_size == rows),
            key=lambda name: rank.index(name) if name in rank else len(rank),
        )
        duels = [duel(first, other, self.runs, self.budget) for other in others]
        rivals = [d for d in duels if not d.one_method]
        corrected = iter(holm([d.p for d in rivals]))
        return [(d, d.p if d.one_method else next(corrected)) for d in duels]

    @property
    def complete(self) -> bool:
        """Whether all runs that were planned are there."""
        return len(self.runs) == len(self.settings["seeds"]) * len(self.settings["optimizers"])

    def table(self) -> str:
        """Return the table as text."""
        return text_table(self.rows, self.runs, self.budget)

    def sentences(self) -> list[str]:
        """Return a plain sentence for each duel."""
        return [sentence(d, p, self.budget, self.fewest) for d, p in self.duels]

    @property
    def fewest(self) -> int:
        """The number of seeds below which no difference is claimed."""
        return fewest_seeds(self._rivals)

    @property
    def _rivals(self) -> int:
        return sum(not d.one_method for d, _ in self.duels)

    def __str__(self) -> str:
        s = self.settings
        target = (
            f"training loss {s['target_loss']:g}"
            if s["target_loss"] is not None
            else f"training accuracy {s['target_accuracy']:g}"
        )
        network = (
            f", hidden {','.join(map(str, s['hidden']))} {s['activation']}" if s["hidden"] else ""
        )
        head = (
            f"{Path(s['problem']).name}{network}: epochs until the {target} has held for"
            f" {counted(s['sustained'], 'epoch')}, at most {self.budget};"
            f" medians over {counted(len(s['seeds']), 'seed') if self.complete else 'what was run'}"
        )
        parts = [head, "", self.table(), "", *self.sentences(), *self._notes()]
        return "\n".join(parts)

    def _notes(self) -> Iterator[str]:
        if not self.complete:
            planned = len(self.settings["seeds"]) * len(self.settings["optimizers"])
            yield f"Interrupted: {len(self.runs)} of {counted(planned, 'run')} were finished."
        told = [d for d, _ in self.duels if d.tested(self.fewest)]
        if told:
            corrected = f", after Holm's correction for {self._rivals} pairs"
            yield (
                "p is that of a two-sided sign-flip test over the seeds"
                f"{corrected if self._rivals > 1 else ''}."
            )
        if any(min(d.reached) < d.seeds for d in told):
            yield f"Averages and p-values count a run that never arrived as {self.budget} epochs."
        if len(self.rows) > 1 and not self.duels:
            yield "No two of these ran at one batch size, so no pair is compared by epochs."
        for r in self.rows:
            if r.diverged and 2 * r.diverged < r.seeds:
                yield f"{r.optimizer} diverged on {r.diverged} of {counted(r.seeds, 'seed')}."
        if len({r.batch_size for r in self.rows}) > 1:
            yield (
                "An epoch costs more updates the smaller the batch: across batch sizes, compare"
                " updates and seconds, not epochs."
            )
        momenta = {o["momentum"] for o in self.settings["optimizers"] if o["momentum"]}
        if momenta and any(not o["momentum"] for o in self.settings["optimizers"]):
            m = max(momenta)
            yield (
                f"All ran at one learning rate, and momentum {m:g} makes steady steps"
                f" {1 / (1 - m):.3g} times longer: this compares flags, not tuned optimizers."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, with every curve."""
        from importlib.metadata import version

        from minidl import __version__

        return {
            "minidl": __version__,
            "numpy": version("numpy"),
            "scikit-learn": version("scikit-learn"),
            "settings": self.settings,
            "rows": [as_dict(r) for r in self.rows],
            "duels": [{**as_dict(d), "p_holm": p} for d, p in self.duels],
            "sentences": self.sentences(),
            "runs": [
                {
                    "optimizer": run.optimizer,
                    "seed": run.seed,
                    "hit": run.hit,
                    "history": run.history.to_dict(),
                }
                for run in self.runs
            ],
        }

    def to_json(self, path: str | Path | None = None) -> str:
        """Return everything as JSON, and write it to `path` if that is given."""
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    @classmethod
    def from_json(cls, path: str | Path) -> Comparison:
        """Return the comparison of a JSON file: the same runs, so the same table and sentences.

        Raises
        ------
        DataError
            The file is not a saved comparison.
        """
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
            runs = [
                Run(r["optimizer"], r["seed"], History.from_dict(r["history"]), r["hit"])
                for r in data["runs"]
            ]
            return cls(data["settings"], runs)
        except (LookupError, TypeError, ValueError) as error:  # not JSON, or JSON of something else
            raise DataError(f"{path} is not a saved comparison", received=repr(error)) from None


def compare(
    problem: str | Dataset,
    model: Callable[[int], nn.Layer] | None = None,
    *,
    optimizers: Sequence[str] | None = None,
    lr: float = 0.1,
    momentum: float = 0.9,
    batch_size: BatchSize | None = None,
    hidden: Sequence[int] = (16, 16),
    activation: str = "tanh",
    loss: str | None = None,
    epochs: int = 50,
    seeds: int | Sequence[int] = 10,
    target_loss: float | None = None,
    target_accuracy: float | None = None,
    sustained: int | None = None,
    progress: bool = False,
) -> Comparison:
    """Race optimizers, and count the epochs that each needs to reach a target.

    Parameters
    ----------
    problem : str or Dataset
        A name or file for :func:`minidl.datasets.load`, split anew with each seed; or a data set,
        whose split is kept.
    model : callable, optional
        Seed -> new model. By default a perceptron with `hidden` layers and `activation`.
    optimizers : sequence of str, optional
        Names of ``minidl list optimizers``; all of them by default.
    lr : float, default 0.1
        The learning rate of all.
    momentum : float, default 0.9
        Of those that have one.
    batch_size : "full" or int, optional
        For the optimizers whose name does not fix it; by default their own, 32.
    hidden : sequence of int, default (16, 16)
        Widths of the hidden layers.
    activation : str, default "tanh"
        Between them.
    loss : str, optional
        By default what suits the task: cross-entropy, or the squared error for a regression.
    epochs : int, default 50
        The budget of each run. All runs use it up, so that final losses can be compared.
    seeds : int or sequence of int, default 10
        How many (0, 1, ...), or which. A seed fixes split, initial weights and order of rows,
        alike for every optimizer.
    target_loss, target_accuracy : float, optional
        Of the training rows; one of them. By default the loss 0.1.
    sustained : int, optional
        How many epochs in a row the target must hold, which keeps a lucky epoch from counting; by
        default 3, or all of a smaller budget.
    progress : bool, default False
        Whether to show a bar on standard error.

    Returns
    -------
    Comparison
        Print it for the table and the sentences.

    Raises
    ------
    ArgumentError, UnknownNameError
        An argument cannot be used.
    DataError
        The data cannot be used.

    Examples
    --------
    >>> race = compare("circles", optimizers=["momentum", "nag"], seeds=2, epochs=6)
    >>> [(r.optimizer, r.reached) for r in race.rows]
    [('momentum', 1), ('nag', 2)]
    """
    experiment = Experiment(
        problem,
        model,
        optimizers=optimizers,
        lr=lr,
        momentum=momentum,
        batch_size=batch_size,
        hidden=hidden,
        activation=activation,
        loss=loss,
        epochs=epochs,
        seeds=seeds,
        target_loss=target_loss,
        target_accuracy=target_accuracy,
        sustained=sustained,
    )
    runs: Iterator[Run] = experiment.runs()
    if progress:
        from tqdm import tqdm

        runs = tqdm(runs, total=len(experiment), unit="run")
    return Comparison(experiment.settings(), list(runs))
