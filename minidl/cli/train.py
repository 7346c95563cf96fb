"""``minidl train``: train one network, print the result, and write the requested files."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path

import numpy.typing as npt

from minidl import __version__, nn
from minidl.cli.listing import bold
from minidl.cli.options import DIVERGED, INTERRUPTED, MISSED
from minidl.cli.values import check_file, load
from minidl.datasets import Dataset
from minidl.datasets.dataset import loss_for
from minidl.errors import ArgumentError, DivergenceWarning
from minidl.optim import lookup
from minidl.training import Callback, Progress, StopAtTarget, Trainer, save_model

__all__ = ["train"]

NOT_SETTINGS = ("parser", "flags", "command", "words")


def train(options: argparse.Namespace) -> int:
    """Train a network and return the exit code."""
    for option in ("json", "csv", "save"):
        check_file(options, option, stdout="json")
    if options.fail_under_target and not _has_target(options):
        raise ArgumentError("--fail-under-target needs --target-loss or --target-accuracy")
    entry = lookup(options.optimizer)
    optimizer = entry.make(options.lr, options.momentum)
    batch_size = entry.batches(options.batch_size)
    data = load(options.dataset, options, seed=options.seed)
    trainer = Trainer(
        nn.mlp(
            data.n_features,
            *options.hidden,
            data.n_outputs,
            activation=options.activation,
            dropout=options.dropout,
            initializer=options.initializer,
            seed=options.seed,
        ),
        options.loss or loss_for(data),
        optimizer=optimizer,
        batch_size=batch_size,
        seed=options.seed,
        l2=options.l2,
        callbacks=_callbacks(options),
    )
    if options.target_accuracy is not None and not trainer.loss.classifies:
        raise ArgumentError(f"{trainer.loss!r} has no accuracy", hint="Use --target-loss.")
    code = _fit(trainer, data, options.epochs)
    if options.json != "-":
        _print_result(trainer, data, options)
    _write_files(trainer, data, options)
    return code or _exit_code(options, trainer)


def _has_target(options: argparse.Namespace) -> bool:
    return options.target_loss is not None or options.target_accuracy is not None


def _callbacks(options: argparse.Namespace) -> list[Callback]:
    callbacks: list[Callback] = [] if options.quiet else [Progress()]
    if _has_target(options):
        callbacks.append(StopAtTarget(options.target_loss, accuracy=options.target_accuracy))
    return callbacks


def _fit(trainer: Trainer, data: Dataset, epochs: int) -> int:
    """Train; return the exit code of an interruption, or 0."""
    validation = (data.X_test, data.y_test) if len(data.X_test) else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DivergenceWarning)  # the result says so
            trainer.fit(data.X_train, data.y_train, epochs=epochs, validation=validation)
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _print_result(trainer: Trainer, data: Dataset, options: argparse.Namespace) -> None:
    history = trainer.history
    print(data.summary())
    print(f"model      {trainer.model!r}, {trainer.model.parameters.size} parameters")
    print(f"optimizer  {trainer.optimizer!r}, batch size {trainer.batch_size}")
    if not len(history):
        print("interrupted before the first measurement")
        return
    last = history.row(-1)
    columns = ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy")
    values = [f"{name.replace('_', ' ')} {last[name]:.4f}" for name in columns if name in last]
    print(bold(f"epoch {last['epoch']}: ") + ", ".join(values))
    updates = f"{last['updates']:.0f} update{'' if last['updates'] == 1 else 's'}"
    print(f"           {updates} in {last['seconds']:.2f} s")
    if _has_target(options):
        column = "accuracy" if options.target_loss is None else "loss"
        target = getattr(options, f"target_{column}")
        epoch = _epoch_of_target(options, trainer)
        reached = "not reached" if epoch is None else f"reached in epoch {epoch}"
        print(f"           target training {column} {target:g} {reached}")
    if history.diverged:
        print(f"diverged   {history.advice}")
    if history.stopped_by == "interrupted":
        print("           interrupted: the history so far is kept")


def _epoch_of_target(options: argparse.Namespace, trainer: Trainer) -> float | None:
    return trainer.history.epochs_to(options.target_loss, accuracy=options.target_accuracy)


def _write_files(trainer: Trainer, data: Dataset, options: argparse.Namespace) -> None:
    if options.json:
        record = {
            "minidl": __version__,
            "settings": {k: v for k, v in vars(options).items() if k not in NOT_SETTINGS},
            "optimizer": repr(trainer.optimizer),
            "batch_size": trainer.batch_size,
            "loss": repr(trainer.loss),
            "model": repr(trainer.model),
            "history": trainer.history.to_dict(),
        }
        text = json.dumps(record, indent=1, allow_nan=False) + "\n"
        if options.json == "-":
            sys.stdout.write(text)
        else:
            Path(options.json).write_text(text, encoding="utf-8")
    if options.csv:
        trainer.history.to_csv(options.csv)
    if options.save:
        extra: dict[str, npt.ArrayLike] = {"x_mean": data.x_mean, "x_scale": data.x_scale}
        if data.class_names:
            extra["class_names"] = data.class_names
        else:
            extra.update(y_mean=data.y_mean, y_scale=data.y_scale)
        save_model(trainer.model, options.save, extra)


def _exit_code(options: argparse.Namespace, trainer: Trainer) -> int:
    if trainer.history.diverged and options.fail_on_diverge:
        return DIVERGED
    if options.fail_under_target and _epoch_of_target(options, trainer) is None:
        return MISSED
    return 0
