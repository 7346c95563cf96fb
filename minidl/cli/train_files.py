"""The files of ``minidl train``: the model first, then the numbers of the run, then pictures."""

import json
from argparse import Namespace

from minidl import __version__
from minidl.cli.result_files import Writers, write_text
from minidl.datasets import Dataset
from minidl.plots.figures import save
from minidl.plots.overview import draw_run
from minidl.training import History, Predictor, Trainer

NOT_SETTINGS = {"parser", "flags", "command", "words", "suggested", "chosen_l2"}
NOT_SETTINGS |= {"checkpoint", "every", "resume"}


def first_files(trainer: Trainer, data: Dataset, options: Namespace) -> Writers:
    """Return the writers of the model and of the numbers of the run."""

    def model() -> None:
        assert data.preparation is not None  # that of load
        Predictor(trainer.model, data.preparation, trainer.loss).save(options.save)

    def record() -> None:
        write_text(options.json, json_text(trainer, options))

    return {"save": model, "json": record, "csv": lambda: trainer.history.to_csv(options.csv)}


def json_text(trainer: Trainer, options: Namespace) -> str:
    """Return the text that ``--json`` writes."""
    record = {
        "minidl": __version__,
        "settings": {k: v for k, v in vars(options).items() if k not in NOT_SETTINGS},
        "optimizer": repr(trainer.optimizer),
        "batch_size": trainer.batch_size,
        "loss": repr(trainer.loss),
        "model": repr(trainer.model),
        "engine": trainer.engine_used,
        "history": trainer.history.to_dict(),
    }
    return json.dumps(record, indent=1, allow_nan=False) + "\n"


def draw(trainer: Trainer, data: Dataset, options: Namespace) -> None:
    """Draw the boundary and the history."""
    save(draw_run(trainer, data, trainer.history, _title(trainer, data, options)), options.plot)


def which_weights(history: History, early_stopping: bool) -> str:
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


def _title(trainer: Trainer, data: Dataset, options: Namespace) -> str:
    """Return the data, the optimizer and its rate, and how good the drawn weights are."""
    name, held_out = options.optimizer.rpartition(":")[2], len(data.X_test) > 0
    history = trainer.history
    rows = (data.X_test, data.y_test) if held_out else (data.X_train, data.y_train)
    scores, part = trainer.evaluate(*rows), "validation" if held_out else "training"
    worth = f"loss {scores['loss']:.4g}"
    if "accuracy" in scores:
        worth = f"accuracy {100 * scores['accuracy']:.1f} %"
    if history.diverged:
        worth += f", diverged in epoch {history.diverged_at}"
    elif options.early_stopping is not None:
        worth += f" at epoch {history.best('validation_loss')[0]}, the best"
    elif len(history):
        worth += f" after epoch {int(history.entry('epoch', -1))}"
    return f"{data.name}, {name}, learning rate {options.lr:g}: {part} {worth}"
