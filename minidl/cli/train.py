"""``minidl train``: train one network, print the result, and write the requested files."""

import json
import math
import sys
import warnings
from argparse import Namespace

from minidl import __version__, nn
from minidl.checks import is_minidl
from minidl.cli.epochs import table, wrapped
from minidl.cli.listing import bold
from minidl.cli.modifier_options import modifiers_of
from minidl.cli.next_step import command_text, next_command
from minidl.cli.options import INTERRUPTED, exit_code
from minidl.cli.outcome import Outcome
from minidl.cli.values import check_files, load
from minidl.datasets import Dataset
from minidl.datasets.dataset import loss_for
from minidl.errors import ArgumentError, DivergenceWarning, UntrainedWarning, WorseLossWarning
from minidl.files import atomic_write
from minidl.optim import lookup
from minidl.optim.named import PLATEAU
from minidl.plots.figures import check_plot, save
from minidl.plots.overview import draw_run
from minidl.training import (
    Callback,
    EarlyStopping,
    History,
    Predictor,
    Progress,
    StopAtTarget,
    SuggestedRate,
    Trainer,
    WeightPath,
    suggest_lr,
)

NOT_SETTINGS = ("parser", "flags", "command", "words", "suggested")
RATE = 0.1  # where none is chosen, for lack of rows
CUSTOM_RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)  # of an optimizer in a user's file


def train(options: Namespace) -> int:
    """Train a network and return the exit code."""
    _check_options(options)
    trainer, data = _prepare(options)
    if options.target_accuracy is not None and not trainer.loss.classifies:
        raise ArgumentError(f"{trainer.loss!r} has no accuracy", hint="Use --target-loss.")
    validation = (data.X_test, data.y_test) if len(data.X_test) else None
    code, path = 0, WeightPath()
    if options.report:
        trainer.callbacks.append(path)
    try:
        with warnings.catch_warnings():
            for category in (DivergenceWarning, UntrainedWarning, WorseLossWarning):
                warnings.simplefilter("ignore", category)  # the result says so
            trainer.fit(data.X_train, data.y_train, epochs=options.epochs, validation=validation)
    except KeyboardInterrupt:
        code = INTERRUPTED
    if trainer.untrained:
        print(f"minidl train: warning: {trainer.untrained}", file=sys.stderr)
    history, reached = trainer.history, None
    if _has_target(options) and len(history):
        reached = history.epochs_to(options.target_loss, accuracy=options.target_accuracy)
    if options.json != "-":
        _print_result(trainer, data, options, reached)
    _write_files(trainer, data, options)
    if options.report and len(history):
        from minidl.cli.report_run import report_run

        report_run(Outcome(trainer, data, options, reached), path.weights)
    stops_early = options.early_stopping is not None
    if options.save and (which := _which_weights(history, stops_early)):
        file = sys.stderr if options.json == "-" else sys.stdout
        print(f"saved      {options.save} has {which}", file=file)
    return exit_code(options, code, history.diverged, reached is None)


def _check_options(options: Namespace) -> None:
    """Raise before training for files that cannot be written, and for a target that is missing."""
    check_files(options, "json", "csv", "save", "plot", "report")
    if options.plot:
        check_plot(options.plot)
    if options.report:  # only a page waits for its imports
        from minidl.page.document import check_report

        check_report(options.report)
    if options.fail_under_target and not _has_target(options):
        raise ArgumentError("--fail-under-target needs --target-loss or --target-accuracy")


def _has_target(options: Namespace) -> bool:
    return options.target_loss is not None or options.target_accuracy is not None


def _prepare(options: Namespace) -> tuple[Trainer, Dataset]:
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
    network = {k: getattr(options, k) for k in ("activation", "dropout", "initializer")}
    model = nn.mlp(data.n_features, *options.hidden, data.n_outputs, seed=seed, **network)
    settings = {"optimizer": optimizer, "batch_size": batch_size, "seed": seed, "l2": options.l2}
    settings["l1"] = options.l1
    callbacks: list[Callback] = [] if options.quiet else [Progress()]
    if _has_target(options):
        callbacks.append(StopAtTarget(options.target_loss, accuracy=options.target_accuracy))
    if options.early_stopping is not None:
        callbacks.append(EarlyStopping("validation_loss", patience=options.early_stopping))
        if not len(data.X_test):
            hint = "Leave --test-size out, or give a share such as 0.25."
            raise ArgumentError("--early-stopping needs validation rows, got none", hint=hint)
    loss = options.loss or loss_for(data)
    if isinstance(loss, str) and isinstance(nn.loss(loss), nn.Poisson):
        hint = 'Use MLPRegressor(loss="poisson"), or a Trainer.'
        raise ArgumentError("minidl train predicts the logarithm of a rate as a number", hint=hint)
    settings |= modifiers_of(options)
    trainer = Trainer(model, loss, callbacks=callbacks, **settings)
    options.suggested = None
    if options.lr is None:
        _choose_rate(trainer, data, options)
    return trainer, data


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
    name, history = options.optimizer.rpartition(":")[2], trainer.history
    print(wrapped(data.summary(typed=True), 11))
    model = f"{trainer.model!r}, {trainer.model.parameters.size} parameters"
    print(wrapped(f"model      {model}", 11))
    made = f"optimizer  {name}: {trainer.optimizer!r}, batch size {trainer.batch_size}"
    falls = f", lowered from {options.lr:g} on plateaus" * (trainer.schedule == PLATEAU)
    print(wrapped(made + falls, 11))
    if options.suggested:
        print(wrapped(f"rate       {_reason(options.suggested)}; --lr sets another", 11))
    if not len(history):
        print("interrupted before the first measurement")
        return
    outcome, last = Outcome(trainer, data, options, hit), history.row(-1)
    updates = f"{last['updates']:.0f} update{'' if last['updates'] == 1 else 's'}"
    print(f"\n{table(history, outcome.best)}\n\n{updates} in {last['seconds']:.2f} s")
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


def _reason(chosen: SuggestedRate) -> str:
    """Return why a learning rate was chosen."""
    rates = f"{chosen.rates[0]:g} to {chosen.rates[-1]:g}"
    if not math.isfinite(min(chosen.losses)):
        return f"{chosen.lr:g}, but all of {rates} diverged"
    best = chosen.rates[chosen.losses.index(min(chosen.losses))]
    but = "" if best == chosen.lr else f" but for {best:g}, next to one that diverged"
    return f"{chosen.lr:g} of {rates} predicts held-out training rows best{but}"


def _which_weights(history: History, early_stopping: bool) -> str:
    """Return which weights the model has if they are not those of the last epoch."""
    if not len(history):
        return "the weights before training"
    epoch = int(history.entry("epoch", -1))
    if early_stopping:
        return f"the weights of epoch {history.best('validation_loss')[0]}, the best"
    if history.diverged:
        return f"the weights after epoch {epoch}, the last before the run diverged"
    interrupted = history.stopped_by == "interrupted"
    return f"the weights when the run was interrupted, after epoch {epoch}" if interrupted else ""


def _write_files(trainer: Trainer, data: Dataset, options: Namespace) -> None:
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
        _write(options.json, json.dumps(record, indent=1, allow_nan=False) + "\n")
    if options.csv:
        trainer.history.to_csv(options.csv)
    if options.save:
        assert data.preparation is not None  # that of load
        Predictor(trainer.model, data.preparation, trainer.loss).save(options.save)
    if options.plot and len(trainer.history):
        save(draw_run(trainer, data, trainer.history, _title(trainer, data, options)), options.plot)


def _title(trainer: Trainer, data: Dataset, options: Namespace) -> str:
    """Return the data, the optimizer and its rate, and how good the drawn weights are."""
    name, held_out = options.optimizer.rpartition(":")[2], len(data.X_test) > 0
    history = trainer.history
    rows = (data.X_test, data.y_test) if held_out else (data.X_train, data.y_train)
    found, part = trainer.evaluate(*rows), "validation" if held_out else "training"
    worth = f"loss {found['loss']:.4g}"
    if "accuracy" in found:
        worth = f"accuracy {100 * found['accuracy']:.1f} %"
    if history.diverged:
        worth += f", diverged in epoch {history.diverged_at}"
    elif options.early_stopping is not None:
        worth += f" at epoch {history.best('validation_loss')[0]}, the best"
    elif len(history):
        worth += f" after epoch {int(history.entry('epoch', -1))}"
    return f"{data.name}, {name}, learning rate {options.lr:g}: {part} {worth}"


def _write(file: str, text: str) -> None:
    """Write a file, or to standard output."""
    if file == "-":
        sys.stdout.write(text)
    else:
        with atomic_write(file, "w") as stream:
            stream.write(text)
