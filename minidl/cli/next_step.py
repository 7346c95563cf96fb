"""The command that ``minidl train`` suggests after a run."""

import shlex

from minidl.cli.epochs import WIDTH
from minidl.cli.outcome import Outcome
from minidl.optim import lookup

COMPARED = ("gd", "momentum", "nag")
# Options of compare that mean something else there, or choose what it compares.
OTHERS = {"--lr", "--epochs", "--momentum", "--quiet", "--fail-on-diverge", "--fail-under-target"}
OTHERS |= {"--plot", "--report", "--json", "--csv", "--save", "--out"}  # their files are kept
OF_DOCTOR = ("--find-lr", "--json", "--plot")

OF_THIS_RUN = ("--checkpoint", "--every", "--resume")


def next_command(outcome: Outcome) -> list[str]:
    """Return the command to type next, as words."""
    options, history, trend = outcome.options, outcome.history, outcome.kind
    typed, reached = _typed(options.words), outcome.hit is not None
    if history.stopped_by == "interrupted" and options.checkpoint:
        return _words("train", typed | {"--resume": []})
    typed = {flag: v for flag, v in typed.items() if flag not in OF_THIS_RUN}
    if history.advice or (trend == "unsteady" and not (reached or outcome.keeps_best)):
        initial = outcome.trainer.optimizer.hyperparameters["lr"]
        lr = options.lr if options.schedule else initial  # of a schedule, what it starts from
        rate = lr / (10 if history.advice else 3)
        return _words("train", typed | {"--lr": [f"{float(f'{rate:.1g}'):g}"]})
    if trend == "improving" and history.stopped_by == "epochs":
        return _words("train", typed | {"--epochs": [str(max(2 * options.epochs, 10))]})
    if not reached and trend == "overfitting" and not outcome.keeps_best:
        return _words("train", typed | {"--early-stopping": []})
    if outcome.keeps_best and not (reached or options.save) and outcome.against_guessing[1]:
        return _words("train", typed | {"--save": ["model.npz"]})
    return _comparison(outcome, typed)


def after_doctor(words: list[str], lr: float | None, find: bool) -> list[str]:
    """Return the command to type after ``minidl doctor`` with these words.

    That is ``train``, with another learning rate if there is one, or a range test, to `find` it.
    """
    typed = {flag: v for flag, v in _typed(words).items() if flag not in OF_DOCTOR}
    if find:
        typed.pop("--lr", None)
        return _words("doctor", typed | {"--find-lr": []})
    return _words("train", typed if lr is None else typed | {"--lr": [f"{lr:g}"]})


def _comparison(outcome: Outcome, typed: dict[str, list[str]]) -> list[str]:
    """Return the command that compares optimizers on the same problem."""
    from minidl.cli.options import parse

    options, flags = outcome.options, set(parse(["compare"]).flags) - OTHERS
    chosen: dict[str, list[str]] = {"--quick": []}
    chosen |= {flag: values for flag, values in typed.items() if flag in flags}
    entry = lookup(options.optimizer)
    if entry.fixed:
        chosen.pop("--batch-size", None)
    elif entry.name not in COMPARED:
        rival = "momentum" if entry.name == "nag-reformulated" else "nag"
        chosen["--optimizers"] = [f"{options.optimizer},{rival}"]
    if outcome.hit is not None:
        column = "accuracy" if options.target_loss is None else "loss"
        chosen["--target"] = [f"{column}:{getattr(options, f'target_{column}'):g}"]
    return _words("compare", chosen)


def _typed(words: list[str]) -> dict[str, list[str]]:
    """Return the values of each option that was typed; of one typed twice, the last.

    >>> _typed(["train", "--lr", "0.1", "--epochs", "5", "--lr", "0.3"])
    {'--epochs': ['5'], '--lr': ['0.3']}
    """
    typed: dict[str, list[str]] = {}
    for word in words[1:]:
        flag, sign, value = word.partition("=")
        if word.startswith("--"):
            typed.pop(flag, None)
            typed[flag] = [value] if sign else []
        elif typed:
            typed[list(typed)[-1]].append(word)
    return typed


def _words(command: str, options: dict[str, list[str]]) -> list[str]:
    return ["minidl", command, *(word for flag, v in options.items() for word in (flag, *v))]


def command_text(words: list[str]) -> str:
    """Return a command that can be pasted into a shell, in lines of at most 80 characters.

    >>> print(command_text(["minidl", "train", "--lr", "0.1"]))
    next: minidl train --lr 0.1
    """
    lines = ["next:"]
    for word in map(shlex.quote, words):
        if len(lines[-1]) + len(word) + 3 > WIDTH:  # a space, and a space and \ after it
            lines[-1] += " \\"
            lines.append("     ")
        lines[-1] += f" {word}"
    return "\n".join(lines)
