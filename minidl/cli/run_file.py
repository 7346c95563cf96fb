"""``minidl train --checkpoint``: the file from which the same command goes on."""

import dataclasses
import hashlib
import json
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minidl.checks import check_count
from minidl.cli.output import say
from minidl.cli.signals import SIGNALS
from minidl.cli.values import prefixed
from minidl.datasets import Dataset
from minidl.errors import ArgumentError, DataError
from minidl.optim.named import PLATEAU
from minidl.optim.source import code_of
from minidl.training import Callback, Checkpoint, SuggestedRate, Trainer, load_extra
from minidl.training.rates import begin_schedule
from minidl.training.run_file import load_run, save_run

# What may differ when a run goes on: where results go, and how they are shown.
OTHER = {"parser", "flags", "command", "words", "json", "csv", "save", "plot", "checkpoint"}
OTHER |= {"every", "resume", "quiet", "fail_on_diverge", "fail_under_target"}


def check_run(options: Namespace) -> None:
    """Raise for options without effect, and before the checkpoint of another run is replaced."""
    path = options.checkpoint
    if path is None:
        for name in ("every", "resume"):
            if getattr(options, name):
                hint = "Name a file: --checkpoint run.ckpt."
                raise ArgumentError(f"--{name} needs --checkpoint", hint=hint)
        return
    if path == "-":
        raise ArgumentError("--checkpoint needs a file, got -")
    if options.every is not None:
        check_count("every", options.every)
    if Path(path).exists() and not options.resume:
        hint = "Add --resume to go on, or delete the file to start anew."
        raise ArgumentError(f"--checkpoint: there is a run in {path}", hint=hint)


class RunFile:
    """The checkpoint of a command: its options, the rate that was chosen, and the run."""

    def __init__(
        self, options: Namespace, typed: Mapping[str, Any], data: Dataset, trainer: Trainer
    ) -> None:
        self.path, self.every = options.checkpoint, options.every or 1
        self.finished, self.error, self.rows = False, False, len(data.X_train)
        self.said: dict[str, Any] = {"rate": None, **_identity(typed, data, trainer)}
        self.found: dict[str, Any] | None = None
        if options.resume and not Path(self.path).exists():
            say(f"minidl train: there is no checkpoint {self.path}: the run starts anew")
        elif options.resume:
            self.found = _read(self.path)
            _compare(self.path, self.found, self.said, trainer.schedule)

    def take_rate(self, options: Namespace, trainer: Trainer) -> bool:
        """Take over the learning rate that was chosen before; return whether there is one."""
        if self.found is None:
            return False
        lr, chosen = self.found["rate"]
        if chosen is not None:
            tuples: dict[str, Any] = {
                n: tuple(v) if isinstance(v, list) else v for n, v in chosen.items()
            }
            options.suggested = SuggestedRate(**tuples)
            if self.found["options"]["epochs"] < options.epochs:
                kept = f"the learning rate {lr:g} was chosen for fewer epochs, and stays"
                say(f"minidl train: {kept}")
        options.lr = trainer.optimizer.hyperparameters["lr"] = lr
        return True

    def join(self, trainer: Trainer, options: Namespace) -> None:
        """Give a Trainer the run of the file, and the callback that saves it from here on."""
        chosen = options.suggested
        self.said["rate"] = [options.lr, chosen and dataclasses.asdict(chosen)]
        self.extra = {"command": np.array(json.dumps(self.said))}
        if self.found is not None:
            load_run(trainer, self.path)
            ended = trainer.history.stopped_by
            more = ended == "epochs" and trainer.epoch < options.epochs
            self.finished = ended not in (None, "interrupted") and not more
            if self.finished:  # what the next fit would do before it trains
                trainer.hooks.take(trainer.callbacks)
                begin_schedule(trainer, self.rows, trainer.epoch)
            place = "is finished" if self.finished else f"goes on after epoch {trainer.epoch}"
            say(f"minidl train: the run of {self.path} {place}")
        trainer.callbacks.append(SaveRun(self))

    def save(self, trainer: Trainer) -> None:
        """Save the run; an error is told once, and does not end it."""
        try:
            save_run(trainer, self.path, self.extra)
        except DataError as error:
            if not self.error:
                say(f"minidl train: error: --checkpoint: {error}. The run goes on without it.")
            self.error = True


class SaveRun(Checkpoint):
    """Save the run of a command, as a :class:`RunFile` does."""

    def __init__(self, run: RunFile) -> None:
        super().__init__(run.path, every=run.every, extra=run.extra)
        self.run = run

    def write(self, trainer: Trainer) -> None:
        """Save the run, if that is possible."""
        self.run.save(trainer)


class EndIfSignalled(Callback):
    """End a run whose signal came before it began, when nothing could be interrupted."""

    def on_fit_begin(self, trainer: Any, epochs: int) -> None:
        """Raise KeyboardInterrupt if there was a signal."""
        if SIGNALS.number:
            raise KeyboardInterrupt


def _identity(typed: Mapping[str, Any], data: Dataset, trainer: Trainer) -> dict[str, Any]:
    """Return what must be the same when a run goes on, as JSON returns it."""
    rows = hashlib.sha256()
    for array in (data.X_train, data.y_train, data.X_test, data.y_test):
        rows.update(repr((array.shape, array.dtype.str)).encode())
        rows.update(np.ascontiguousarray(array).data)
    options = {name: value for name, value in typed.items() if name not in OTHER}
    options["report"] = bool(options["report"])  # whose weights of every epoch are in the file
    code = [code_of(type(part)) for part in trainer.optimizer.chain()]
    said = {"options": options, "rows": rows.hexdigest(), "code": code}
    same: dict[str, Any] = json.loads(json.dumps(said))
    return same


def _read(path: str) -> dict[str, Any]:
    """Return what a checkpoint says of its command."""
    with prefixed("checkpoint"):
        extra = load_extra(path)
    try:
        found: dict[str, Any] = json.loads(str(extra["command"]))
        found["options"].items(), found["rows"], found["code"]
        int(found["options"]["epochs"])
        lr, _ = found["rate"]
        float(lr)
    except (KeyError, ValueError, TypeError, AttributeError):
        problem = f"--checkpoint: {path} was not written by minidl train --checkpoint"
        raise DataError(problem, hint="Give another name.") from None
    return found


def _compare(
    path: str, found: Mapping[str, Any], said: Mapping[str, Any], schedule: str | None = None
) -> None:
    """Raise an ArgumentError that says in what a command differs from that of a checkpoint.

    It may have more epochs, unless its learning rate follows a `schedule` over all of them.
    """
    before, now = {"engine": "eager", **found["options"]}, said["options"]  # older ones have none
    names = [n for n in {**before, **now} if before.get(n) != now.get(n)]
    follows = schedule not in (None, PLATEAU)
    if not follows and "epochs" in names and before["epochs"] < now["epochs"]:
        names.remove("epochs")
    words = [
        f"--{n.replace('_', '-')} was {_shown(before, n)}, now {_shown(now, n)}" for n in names
    ]
    if follows and "epochs" in names:
        words.append(f"--schedule {now['schedule']} is as long as the run")
    if not words and found["rows"] != said["rows"]:
        words = [f"the rows of {now['dataset']} have changed"]
    if not words and found["code"] != said["code"]:
        words = [f"the code of {now['optimizer']} has changed"]
    if words:
        hint = "Give the same options as then, or another file."
        problem = f"--checkpoint: {path} is the run of another command: {'; '.join(words)}"
        raise ArgumentError(problem, hint=hint)


def _shown(options: Mapping[str, Any], name: str) -> str:
    """Return the value of an option as it is typed."""
    value = options.get(name)
    if isinstance(value, list):
        return ",".join(map(str, value)) or "none"
    return (
        "not given" if value is None or value is False else "given" if value is True else f"{value}"
    )
