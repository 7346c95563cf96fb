"""``minidl train``: train one network, print the result, and write the requested files."""

import math
import sys
import warnings
from argparse import Namespace
from functools import partial

from minidl import nn
from minidl.checks import is_minidl
from minidl.cli.epochs import table, wrapped
from minidl.cli.listing import bold
from minidl.cli.modifier_options import modifiers_of
from minidl.cli.next_step import command_text, next_command
from minidl.cli.options import INTERRUPTED, exit_code
from minidl.cli.outcome import Outcome
from minidl.cli.output import FAILED, say
from minidl.cli.penalty import choose_l2, print_l2
from minidl.cli.result_files import Writers, printed, write_all
from minidl.cli.run_file import EndIfSignalled, RunFile, check_run
from minidl.cli.signals import SIGNALS
from minidl.cli.train_files import draw, first_files, json_text, which_weights
from minidl.cli.values import check_files, load
from minidl.datasets import Dataset
from minidl.datasets.dataset import loss_for
from minidl.errors import ArgumentError, DivergenceWarning, UntrainedWarning, WorseLossWarning
from minidl.nn.losses import lowest
from minidl.optim import lookup
from minidl.optim.named import PLATEAU
from minidl.training import (
    Callback,
    EarlyStopping,
    Progress,
    StopAtTarget,
    SuggestedRate,
    Trainer,
    WeightPath,
    suggest_lr,
)

RATE = 0.1  # where none is chosen, for lack of rows
CUSTOM_RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)  # of an optimizer in a user's file


def train(options: Namespace) -> int:
    """Train a network and return the exit code: files first, then the result is printed."""
    _check_options(options)
    trainer, data, run = _prepare(options)
    path = WeightPath()
    if options.report:
        trainer.callbacks.append(path)
    if run is not None:
        run.join(trainer, options)
    history, reached = trainer.history, None

    def report() -> None:
        from minidl.cli.report_run import report_run

        report_run(Outcome(trainer, data, options, reached), path.weights)

    with SIGNALS.held():  # what is trained is saved, whatever signal comes
        code = _fit(trainer, data, options, run)
        written = write_all(options, first_files(trainer, data, options))
        if _has_target(options) and len(history):
            reached = history.epochs_to(options.target_loss, accuracy=options.target_accuracy)
        pictures: Writers = {"plot": partial(draw, trainer, data, options), "report": report}
        drawn = write_all(options, pictures if len(history) else {})
    if trainer.untrained:
        say(f"minidl train: warning: {trainer.untrained}")
    code = code or written.code or drawn.code or FAILED * (run is not None and run.error)
    show = partial(_print, trainer, data, options, reached, saved="save" not in written.failed)
    failed = printed(show)
    return exit_code(options, code or failed, history.diverged, reached is None)


def _fit(trainer: Trainer, data: Dataset, options: Namespace, run: RunFile | None) -> int:
    """Train what is left of the run, and save it; return the exit code."""
    validation, code = (data.X_test, data.y_test) if len(data.X_test) else None, 0
    trainer.callbacks.insert(0, EndIfSignalled())
    try:
        if run is None or not run.finished:
            with warnings.catch_warnings():
                for category in (DivergenceWarning, UntrainedWarning, WorseLossWarning):
                    warnings.simplefilter("ignore", category)  # the result says so
                X, y, epochs = data.X_train, data.y_train, options.epochs - trainer.epoch
                trainer.fit(X, y, epochs=epochs, validation=validation)
    except KeyboardInterrupt:
        code = INTERRUPTED
        if run is not None and len(trainer.history):
            run.save(trainer)
    return code


def _print(
    trainer: Trainer, data: Dataset, options: Namespace, hit: int | None, *, saved: bool
) -> None:
    """Print the result, and which weights have been saved."""
    if options.json == "-":
        sys.stdout.write(json_text(trainer, options))
    else:
        _print_result(trainer, data, options, hit)
    stops_early = options.early_stopping is not None
    if options.save and saved and (weights := which_weights(trainer.history, stops_early)):
        line = f"saved      {options.save} has {weights}"
        if options.json == "-":
            say(line)
        else:
            print(line)


def _check_options(options: Namespace) -> None:
    """Raise before training for files that cannot be written, and for a target that is missing."""
    check_files(options, "json", "csv", "save", "plot", "report", "checkpoint")
    check_run(options)
    if options.fail_under_target and not _has_target(options):
        raise ArgumentError("--fail-under-target needs --target-loss or --target-accuracy")


def _check_target(trainer: Trainer, options: Namespace) -> None:
    """Raise for a target that no network can reach."""
    if options.target_accuracy is not None and not trainer.loss.classifies:
        raise ArgumentError(f"{trainer.loss!r} has no accuracy", hint="Use --target-loss.")
    least = lowest(trainer.loss)
    if options.target_loss is not None and options.target_loss < least:
        received = f"must be at least {least:g}, got {options.target_loss:g}"
        raise ArgumentError(f"--target-loss {received}: {trainer.loss!r} is never lower")


def _has_target(options: Namespace) -> bool:
    return options.target_loss is not None or options.target_accuracy is not None


def prepare(options: Namespace) -> tuple[Trainer, Dataset]:
    """Return a new Trainer, at the rate 0.1 if none is given, and the data."""
    entry, seed = lookup(options.optimizer), options.seed
    if options.momentum is not None and not entry.has_momentum:
        received = f"--optimizer {entry.name} --momentum {options.momentum:g}"
        hint = "Leave --momentum out."
        raise ArgumentError(f"{entry.name} has no momentum", received=received, hint=hint)
    optimizer = entry.make(RATE if options.lr is None else options.lr, options.momentum)
    if options.momentum is None and entry.has_momentum:
        options.momentum = optimizer.hyperparameters["momentum"]
    batch_size = entry.batches(options.batch_size)
    data = load(options.dataset, options, seed=seed)
    choose_l2(options, data, optimizer)
    network = {k: getattr(options, k) for k in ("activation", "dropout", "initializer")}
    model = nn.mlp(data.n_features, *options.hidden, data.n_outputs, seed=seed, **network)
    settings = {"optimizer": optimizer, "batch_size": batch_size, "seed": seed, "l2": options.l2}
    settings["l1"] = options.l1
    settings |= {"engine": options.engine, **modifiers_of(options)}
    loss = loss_for(data) if options.loss is None else options.loss
    if isinstance(loss, str) and isinstance(nn.loss(loss), nn.Poisson):
        hint = 'MLPRegressor(loss="poisson") keeps counts as they are, and predicts rates.'
        problem = "--loss poisson needs counts, and minidl train standardises the targets"
        raise ArgumentError(problem, hint=hint)
    return Trainer(model, loss, **settings), data


def _prepare(options: Namespace) -> tuple[Trainer, Dataset, RunFile | None]:
    typed = dict(vars(options))
    trainer, data = prepare(options)
    _check_target(trainer, options)
    callbacks: list[Callback] = [] if options.quiet else [Progress()]
    if _has_target(options):
        callbacks.append(StopAtTarget(options.target_loss, accuracy=options.target_accuracy))
    if options.early_stopping is not None:
        callbacks.append(EarlyStopping("validation_loss", patience=options.early_stopping))
        if not len(data.X_test):
            hint = "Leave --test-size out, or give a share such as 0.25."
            raise ArgumentError("--early-stopping needs validation rows, got none", hint=hint)
    trainer.callbacks[:0] = callbacks  # before those of the schedule
    options.suggested = None
    run = RunFile(options, typed, data, trainer) if options.checkpoint else None
    if options.lr is None and (run is None or not run.take_rate(options, trainer)):
        _choose_rate(trainer, data, options)
    return trainer, data, run


def _choose_rate(trainer: Trainer, data: Dataset, options: Namespace) -> None:
    """Give the optimizer the learning rate that predicts held-out rows best."""
    options.lr = RATE
    if len(data.X_train) >= 4:
        rates = None if is_minidl(trainer.optimizer) else CUSTOM_RATES
        X, y, epochs = data.X_train, data.y_train, max(options.epochs, 1)
        options.suggested = suggest_lr(trainer, X, y, epochs=epochs, rates=rates)
        options.lr = options.suggested.lr
        trainer.optimizer.hyperparameters["lr"] = options.lr


def _print_result(trainer: Trainer, data: Dataset, options: Namespace, hit: int | None) -> None:
    history = trainer.history
    print_made(trainer, data, options)
    if options.suggested:
        print(wrapped(f"rate       {_reason(options.suggested)}; --lr sets another", 11))
    if not len(history):
        print("interrupted before the first measurement")
        return
    outcome, last = Outcome(trainer, data, options, hit), history.row(-1)
    updates = f"{last['updates']:.0f} update{'' if last['updates'] == 1 else 's'}"
    print(f"\n{table(history, outcome.best)}\n")
    print(wrapped(f"{updates} in {last['seconds']:.2f} s, {trainer.engine_used}", 2))
    if _has_target(options):
        column = "accuracy" if options.target_loss is None else "loss"
        target = getattr(options, f"target_{column}")
        reached = "not reached" if hit is None else f"reached in epoch {hit}"
        print(f"target training {column} {target:g} {reached}")
    print(bold(wrapped(outcome.against_guessing[0], 2)))
    if outcome.by_class:
        print(wrapped(outcome.by_class, 2))
    for sentence in outcome.sentences():
        print(wrapped(sentence, 2))
    print(command_text(next_command(outcome)))


def print_made(trainer: Trainer, data: Dataset, options: Namespace) -> None:
    """Print what is trained: the data, the model and the optimizer."""
    print(wrapped(data.summary(typed=True), 11))
    model = f"{trainer.model!r}, {trainer.model.parameters.size} parameters"
    print(wrapped(f"model      {model}", 11))
    name = options.optimizer.rpartition(":")[2]
    line = f"optimizer  {name}: {trainer.optimizer!r}, batch size {trainer.batch_size}"
    falls = f", lowered from {options.lr:g} on plateaus" * (trainer.schedule == PLATEAU)
    print(wrapped(line + falls, 11))
    print_l2(data, options)


def _reason(chosen: SuggestedRate) -> str:
    """Return why a learning rate was chosen."""
    rates = f"{chosen.rates[0]:g} to {chosen.rates[-1]:g}"
    if not math.isfinite(min(chosen.losses)):
        return f"{chosen.lr:g}, but all of {rates} diverged"
    best = chosen.rates[chosen.losses.index(min(chosen.losses))]
    but = "" if best == chosen.lr else f" but for {best:g}, next to one that diverged"
    return f"{chosen.lr:g} of {rates} predicts held-out training rows best{but}"
