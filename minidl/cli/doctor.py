"""``minidl doctor``: what is wrong with a run, or which learning rate to begin with."""

import json
import shlex
from argparse import Namespace
from dataclasses import replace
from typing import Any

import numpy as np

from minidl import __version__
from minidl.cli.epochs import wrapped
from minidl.cli.listing import bold
from minidl.cli.next_step import after_doctor, command_text
from minidl.cli.penalty import print_l2
from minidl.cli.result_files import printed, write_all, write_text
from minidl.cli.train import prepare, print_made
from minidl.cli.train_files import NOT_SETTINGS
from minidl.cli.values import check_files
from minidl.datasets import Dataset
from minidl.errors import ArgumentError
from minidl.training import Diagnosis, RateCurve, Trainer, diagnose, find_lr

ROWS = 8  # of the curve, as text
INDENT = 11


def doctor(options: Namespace) -> int:
    """Print a diagnosis, or with ``--find-lr`` a learning rate, and return the exit code.

    Files are written first.
    """
    _check_options(options)
    trainer, data = prepare(options)
    if options.find_lr:
        curve = find_lr(trainer, data.X_train, data.y_train)
        words, record = after_doctor(options.words, curve.lr, False), curve.to_dict()
    else:
        diagnosis = diagnose(trainer, data.X_train, data.y_train)
        diagnosis = diagnosis if options.lr is not None else replace(diagnosis, lr=None)
        words, record = _next(diagnosis, options), diagnosis.to_dict()
    text = _json_text(record, words, options)

    def show() -> None:
        if options.json == "-":
            print(text, end="")
            return
        _print_made(trainer, data, options)
        if options.find_lr:
            _print_curve(curve)
        else:
            _print_diagnosis(diagnosis, options.optimizer.rpartition(":")[2])
        print(command_text(words))

    def draw() -> None:
        _plot(curve, options)

    written = write_all(options, {"json": lambda: write_text(options.json, text), "plot": draw})
    failed = printed(show)
    return written.code or failed


def _json_text(record: dict[str, Any], words: list[str], options: Namespace) -> str:
    """Return the text that ``--json`` writes."""
    settings = {k: v for k, v in vars(options).items() if k not in NOT_SETTINGS}
    part = "find_lr" if options.find_lr else "diagnosis"
    content = {"minidl": __version__, "settings": settings, part: record}
    content["next"] = shlex.join(words)
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _check_options(options: Namespace) -> None:
    """Raise before any work for files that cannot be written, and for options at odds."""
    check_files(options, "json", "plot")
    if options.find_lr and options.lr is not None:
        hint = "Leave --lr out."
        raise ArgumentError(f"--find-lr tries rates itself, got --lr {options.lr:g}", hint=hint)
    if options.plot and not options.find_lr:
        raise ArgumentError("--plot draws the curve of --find-lr", hint="Add --find-lr.")


def _next(diagnosis: Diagnosis, options: Namespace) -> list[str]:
    """Return the command to type after a diagnosis."""
    if diagnosis.limit is None or diagnosis.largest_lr is None:
        return after_doctor(options.words, None, find=True)
    change = options.lr is None or diagnosis.stable is False or diagnosis.slow
    return after_doctor(options.words, diagnosis.suggested_lr if change else None, find=False)


def _print_made(trainer: Trainer, data: Dataset, options: Namespace) -> None:
    """Print what would be trained; an optimizer without its rate if none was given."""
    if options.lr is not None:
        return print_made(trainer, data, options)
    print(wrapped(data.summary(typed=True), INDENT))
    model = f"{trainer.model!r}, {trainer.model.parameters.size} parameters"
    print(wrapped(f"model      {model}", INDENT))
    name = options.optimizer.rpartition(":")[2]
    print(f"optimizer  {name}, batch size {trainer.batch_size}")
    return print_l2(data, options)


def _print_diagnosis(diagnosis: Diagnosis, name: str) -> None:
    """Print problems, figures and notes."""
    print()
    for sentence in list(diagnosis.problems()) or [diagnosis.all_well()]:
        print(bold(wrapped(sentence.replace(diagnosis.optimizer, name), 2)))
    for title, text in diagnosis.rows():
        print(wrapped(f"{title:<11}{text}", INDENT))
    for note in diagnosis.notes_shown():
        print(wrapped(f"note       {note}", INDENT))


def _print_curve(curve: RateCurve) -> None:
    """Print the rate, and a few points of the curve."""
    print(f"\nlearning rate  training loss\n{'before':>13}  {curve.start:13.4g}")
    places = np.unique(np.linspace(0, len(curve.rates) - 1, ROWS).astype(int))
    for k in places:
        print(f"{curve.rates[k]:13.3g}  {curve.losses[k]:13.4g}")
    end = f"at {curve.rates[-1]:.3g} it was four times the first one"
    end = end if curve.ended == "worse" else f"at {curve.rates[-1]:.3g} it had not risen fourfold"
    words = f"lr {curve.lr:g}, a tenth of {curve.lowest:.3g}, where the loss was lowest; {end}"
    print("\n" + bold(wrapped(words, 2)))


def _plot(curve: RateCurve, options: Namespace) -> None:
    """Draw the curve of a range test."""
    from minidl.plots import plot_rates
    from minidl.plots.figures import new_figure, save

    figure = new_figure(6.4, 4.4)
    title: dict[str, Any] = {"lr": curve.lr, "start": curve.start}
    ax = plot_rates(curve.rates, curve.losses, **title, ax=figure.subplots())
    ax.set_title(f"{options.dataset}, {options.optimizer.rpartition(':')[2]}: range test")
    save(figure, options.plot)
