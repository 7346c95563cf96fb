"""What each command does, once its options are known."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from minidl import __version__, datasets, nn
from minidl.checks import check_place
from minidl.cli.terminal import bold
from minidl.datasets import Dataset
from minidl.datasets.dataset import loss_for
from minidl.errors import ArgumentError, DataError, DivergenceWarning
from minidl.nn.losses import ALIASES
from minidl.optim import TABLE, lookup
from minidl.training import Progress, StopAtTarget, Trainer, save_model

__all__ = ["LISTS", "about", "list_names", "load", "train"]

DIVERGED, MISSED, INTERRUPTED = 3, 4, 130
NO_SETTINGS = ("run", "parser", "command", "words")


def train(options: argparse.Namespace) -> int:
    """Train one network, print what came of it, write the files that were asked for."""
    _check_places(options)
    if options.fail_under_target and not _targeted(options):
        raise ArgumentError("--fail-under-target needs --target-loss or --target-accuracy")
    entry = lookup(options.optimizer)
    optimizer = entry.make(options.lr, options.momentum)
    batch_size = entry.batches(options.batch_size)
    data = load(options.dataset, options, seed=options.seed)
    model = nn.mlp(
        data.n_features,
        *options.hidden,
        data.n_outputs,
        activation=options.activation,
        dropout=options.dropout,
        initializer=options.initializer,
        seed=options.seed,
    )
    trainer = Trainer(
        model,
        options.loss or loss_for(data),
        optimizer=optimizer,
        batch_size=batch_size,
        seed=options.seed,
        l2=options.l2,
        callbacks=_callbacks(options),
    )
    if options.target_accuracy is not None and not trainer.loss.classifies:
        raise ArgumentError(
            "this loss has no accuracy", received=repr(trainer.loss), hint="Use --target-loss."
        )
    code = _fit(trainer, data, options.epochs)
    if options.json != "-":
        _print_result(trainer, data, options)
    _write_train_files(trainer, data, options)
    return code or _judge(options, trainer)


def _check_places(options: argparse.Namespace) -> None:
    """Say before training, not after it, that a result could not be written."""
    for option in ("json", "csv", "save"):
        file = getattr(options, option, None)
        if file is None or (file == "-" and option == "json"):
            continue
        if file == "-":
            raise ArgumentError(f"--{option} needs a file; only --json can write to -")
        with about(option):
            check_place(file)


def _targeted(options: argparse.Namespace) -> bool:
    return options.target_loss is not None or options.target_accuracy is not None


@contextlib.contextmanager
def about(option: str) -> Iterator[None]:
    """Name the option that gave a file which cannot be used."""
    try:
        yield
    except DataError as error:
        raise DataError(f"--{option}: {error}") from None


def load(
    name: str, options: argparse.Namespace, seed: int = 0, split_seed: int | None = None
) -> Dataset:
    """Return the data set of that name, as the options want it."""
    return datasets.load(
        name,
        n=options.rows,
        noise=options.noise,
        test_size=options.test_size,
        target=options.target_column,
        task=options.task,
        seed=seed,
        split_seed=split_seed,
    )


def _callbacks(options: argparse.Namespace) -> list[Any]:
    callbacks: list[Any] = [] if options.quiet else [Progress()]
    if _targeted(options):
        callbacks.append(StopAtTarget(options.target_loss, accuracy=options.target_accuracy))
    return callbacks


def _fit(trainer: Trainer, data: Dataset, epochs: int) -> int:
    held_out = (data.X_test, data.y_test) if len(data.X_test) else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DivergenceWarning)  # told in the result
            trainer.fit(data.X_train, data.y_train, epochs=epochs, validation=held_out)
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
    words = [
        f"{name.replace('_', ' ')} {last[name]:.4f}"
        for name in ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy")
        if name in last
    ]
    print(bold(f"epoch {last['epoch']}: ") + ", ".join(words))
    updates = f"{last['updates']:.0f} update{'' if last['updates'] == 1 else 's'}"
    print(f"           {updates} in {last['seconds']:.2f} s")
    if _targeted(options):
        hit = history.epochs_to(options.target_loss, accuracy=options.target_accuracy)
        goal = (
            f"loss {options.target_loss:g}"
            if options.target_loss is not None
            else f"accuracy {options.target_accuracy:g}"
        )
        reached = "not reached" if hit is None else f"reached in epoch {hit}"
        print(f"           target training {goal} {reached}")
    if history.diverged:
        print(f"diverged   {history.advice}")
    if history.stopped_by == "interrupted":
        print("           interrupted: the history so far is kept")


def _write_train_files(trainer: Trainer, data: Dataset, options: argparse.Namespace) -> None:
    if options.json:
        record = {
            "minidl": __version__,
            "settings": {k: v for k, v in vars(options).items() if k not in NO_SETTINGS},
            "optimizer": repr(trainer.optimizer),
            "batch_size": trainer.batch_size,
            "loss": repr(trainer.loss),
            "model": repr(trainer.model),
            "history": trainer.history.to_dict(),
        }
        _write_json(record, options.json)
    if options.csv:
        trainer.history.to_csv(options.csv)
    if options.save:
        extra: dict[str, Any] = {"x_mean": data.x_mean, "x_scale": data.x_scale}
        if data.class_names:
            extra["class_names"] = data.class_names
        else:
            extra.update(y_mean=data.y_mean, y_scale=data.y_scale)
        save_model(trainer.model, options.save, extra)


def _write_json(record: Any, where: str) -> None:
    text = json.dumps(record, indent=1, allow_nan=False) + "\n"
    if where == "-":
        sys.stdout.write(text)
    else:
        Path(where).write_text(text, encoding="utf-8")


def _judge(options: argparse.Namespace, trainer: Trainer) -> int:
    history = trainer.history
    if history.diverged and options.fail_on_diverge:
        return DIVERGED
    if options.fail_under_target:
        hit = history.epochs_to(options.target_loss, accuracy=options.target_accuracy)
        return MISSED if hit is None else 0
    return 0


def list_names(options: argparse.Namespace) -> int:
    """Print the names of one kind, or of all, one per line, each with a few words."""
    for what in [options.what] if options.what else LISTS:
        if not options.what:
            print(bold(f"{what}:"))
        rows = LISTS[what]()
        width = max(len(name) for name, _ in rows)
        for name, words in rows:
            print(f"{name.ljust(width)}  {words}".rstrip())
    return 0


def _first_line(thing: Any) -> str:
    return (thing.__doc__ or "").strip().splitlines()[0]


def _optimizers() -> list[tuple[str, str]]:
    return [
        (e.name, f"batch size {e.batch_size}; {e.summary}; also {', '.join(e.aliases)}")
        for e in TABLE
    ]


def _losses() -> list[tuple[str, str]]:
    rows = []
    for name, kind in nn.LOSSES.items():
        aliases = [alias for alias, meant in ALIASES.items() if meant == name]
        also = f" Also {', '.join(aliases)}." if aliases else ""
        rows.append((name, _first_line(kind) + also))
    return rows


LISTS: dict[str, Callable[[], list[tuple[str, str]]]] = {
    "datasets": lambda: [(name, datasets.describe(name)) for name in datasets.names()],
    "optimizers": _optimizers,
    "activations": lambda: [(n, _first_line(c)) for n, c in nn.ACTIVATIONS.items()],
    "losses": _losses,
    "initializers": lambda: [
        *((n, _first_line(f)) for n, f in nn.INITIALIZERS.items()),
        ("constant:0.1", "The same number everywhere, whichever follows the colon."),
    ],
}
