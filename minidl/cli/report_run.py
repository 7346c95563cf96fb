"""``minidl train --report``: the page of a training run."""

import shlex

from minidl import __version__
from minidl.autograd import Array
from minidl.cli.next_step import command_text, next_command
from minidl.cli.outcome import Outcome
from minidl.page.document import document, write
from minidl.page.run import run
from minidl.page.words import table
from minidl.training.epochs import epoch_rows


def report_run(outcome: Outcome, weights: Array) -> None:
    """Write the page of a finished run, with the weights (E + 1, P) after each epoch."""
    trainer, data, options = outcome.trainer, outcome.data, outcome.options
    columns = {name: outcome.history[name].tolist() for name in outcome.history.columns}
    titles, *rows = epoch_rows(columns, outcome.best)
    body = [[*cells, mark] for mark, *cells in rows]
    name = options.optimizer.rpartition(":")[2]
    words = {
        "headline": _sentence(outcome.against_guessing[0], name),
        "answer": [_sentence(words, name) for words in outcome.sentences()],
        "context": [*data.summary(typed=True).split("\n"), f"model {trainer.model!r}"],
        "cautions": [],
        "tables": [table("Epochs", [*titles[1:], ""], body)],
        "texts": [["What to try next", command_text(next_command(outcome))]],
    }
    part = run(trainer, data, weights, name=name, best=outcome.best, words=words)
    made_with = {
        "command": shlex.join(["minidl", *options.words]),
        "versions": f"minidl {__version__}; engine: {trainer.engine_used}",
    }
    write(options.report, document(f"{data.name}, {name} - minidl", [part], made_with))


def _sentence(words: str, name: str) -> str:
    """Return a line of the result as a sentence; the name of an optimizer stays as it is.

    >>> _sentence("stopped early", "nag"), _sentence("nag diverged.", "nag")
    ('Stopped early.', 'nag diverged.')
    """
    initial = words[:1] if words.startswith(f"{name} ") else words[:1].upper()
    return initial + words[1:] + "." * (not words.endswith("."))
