"""The options of all commands, with their defaults and help."""

import argparse
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from minidl.cli import values
from minidl.cli.conform_options import CONFORM, add_conform
from minidl.cli.data_options import add_data
from minidl.cli.doctor_options import DOCTOR, add_doctor
from minidl.cli.engine_options import Version, add_engine
from minidl.cli.listing import LISTS
from minidl.cli.modifier_options import add_modifiers
from minidl.cli.path_options import PATHS, add_paths, with_signs
from minidl.cli.predict_options import add_predict
from minidl.cli.unknown import hint, no_command, unknown_choice
from minidl.optim import TABLE
from minidl.optim.named import Scaled

Group = argparse._ArgumentGroup
FAILED, DIVERGED, MISSED, INTERRUPTED = 1, 3, 4, 130
NAMES_OF_COMMANDS = ("train", "predict", "compare", "paths", "doctor", "conform", "list")
EXIT_CODES = """exit codes:
  0    success
  1    the work failed, for instance because a file cannot be read
  2    the command is wrong
  3    a run diverged (with --fail-on-diverge)
  4    the target was not reached (with --fail-under-target)
  130  interrupted with Ctrl-C; finished work is kept and printed. Likewise 143
       after SIGTERM and 129 after SIGHUP
  141  the reader of the output has gone; files are written
"""
COMPARE = """\
Compare how many epochs optimizers need to converge, with statistics.

Every optimizer is trained at every learning rate of a grid. Tuning seeds set
the target and choose each optimizer's learning rate; evaluation seeds give two
verdicts on each pair: "swap the flag", at one learning rate, and "tuned against
tuned", each at its own best.

examples:
  minidl compare --quick                     gd, momentum and nag on moons
  minidl compare --quick --dataset circles --optimizers momentum,nag
  minidl compare --quick --lr 0.1            one learning rate, no tuning
  minidl compare --problems moons,circles --profile --out study.json
  minidl compare --from study.json --plot study.png
"""
QUICK = {"epochs": 60, "seeds": 12, "tuning_seeds": 4, "lr": Scaled(2.0**k for k in range(-6, 2))}
QUICK_TRIALS = 12
REPORT = "write a page for the browser, one file that needs no network"


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help that breaks lines at spaces only, not within nag-reformulated."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)


class _Parser(argparse.ArgumentParser):
    """A parser that raises when its help cannot be written, which argparse ignores."""

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is sys.stdout:
            file.write(message)
        else:
            super()._print_message(message, file)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options, and as attributes the command's `parser`, its `flags` and all `words`.

    An unknown option ends the process with exit code 2; the message suggests the nearest.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    parser, commands = _parser()
    first = next(iter(words), "train")
    if not first.startswith("-") and first not in NAMES_OF_COMMANDS:
        parser.error(unknown_choice(first, NAMES_OF_COMMANDS))
    if first.startswith("-") and first not in ("-h", "--help", "--version"):
        parser.error(no_command(first))
    if one := next((word for word in words if re.fullmatch(r"-h[a-z][a-z-]+", word)), None):
        parser.error(f"unrecognized arguments: {one}. Did you mean '-{one}'?")  # argparse reads -h
    options, unknown = parser.parse_known_args(with_signs(words))
    options.words = words
    options.flags = _flags(options.parser)
    if unknown:
        known = {name: _flags(command) for name, command in commands.items()}
        answer = hint(unknown, options.command, known)
        shown = " ".join(word or "''" for word in unknown)
        options.parser.error(f"unrecognized arguments: {shown}{answer}")
    return options


def _flags(parser: argparse.ArgumentParser) -> list[str]:
    """Return the options of a command."""
    return re.findall(r"--[a-z0-9-]+", parser.format_usage())


def _list_named(word: str) -> str:
    """Return the name of a list, or raise an error that suggests the nearest."""
    if word not in LISTS:
        raise argparse.ArgumentTypeError(unknown_choice(word, list(LISTS)))
    return word


def exit_code(options: argparse.Namespace, code: int, diverged: bool, missed: bool) -> int:
    """Return `code`, or if that is 0 what the options say of a divergence or a missed target."""
    if code == 0 and options.fail_on_diverge and diverged:
        return DIVERGED
    return MISSED if code == 0 and options.fail_under_target and missed else code


def _parser() -> tuple[argparse.ArgumentParser, Mapping[str, argparse.ArgumentParser]]:
    """Return the parser of the whole command line, and those of the commands."""
    shared: dict[str, Any] = {"allow_abbrev": False, "epilog": EXIT_CODES}
    shared["formatter_class"] = _Help
    description = "Train toy networks and compare optimizers."
    top = _Parser(prog="minidl", description=description, **shared)
    top.add_argument(
        "--version", action=Version, nargs=0, dest=argparse.SUPPRESS, help="show version and engine"
    )
    commands = top.add_subparsers(
        dest="command", required=True, metavar=" | ".join(NAMES_OF_COMMANDS)
    )
    for name, summary, add_options in (
        ("train", "train one network and report its loss", _train),
        ("predict", "apply a saved network to the rows of a file", add_predict),
        ("compare", "compare optimizers: epochs to converge, over seeds", _compare),
        ("paths", "show how optimizers move on a loss surface, beside theory", add_paths),
        ("doctor", "say why a run fails, or would", _doctor),
        ("conform", "say which rule an optimizer implements", add_conform),
        ("list", "list the names that options accept", _list),
    ):
        texts = {"compare": COMPARE, "paths": PATHS, "doctor": DOCTOR, "conform": CONFORM}
        description = texts.get(name, f"{summary.capitalize()}.")
        command = commands.add_parser(name, help=summary, description=description, **shared)
        command.set_defaults(parser=command)
        add_options(command)
    return top, commands.choices


def _run(p: argparse.ArgumentParser, rate: str) -> None:
    """Add the options that make a network and its optimizer."""
    add_data(p, "moons")
    add = p.add_argument
    names = ", ".join(entry.name for entry in TABLE)
    text = f"{names}, or a class in a file: my_file.py:MyAdam (default: nag)"
    add("--optimizer", metavar="NAME", default="nag", help=text)
    add("--lr", type=values.number, help=f"learning rate (default: {rate})")
    text = "momentum, where used (default: 0.9; of rmsprop 0)"
    add("--momentum", type=values.number, help=text)
    text = "rows per update, or full (default: the optimizer's, see minidl list)"
    add("--batch-size", metavar="ROWS", type=values.batch_size, help=text)
    _method(p)
    text = "initial weights, see minidl list (default: the usual one for the activation)"
    add("--initializer", metavar="NAME", help=text)
    add("--dropout", type=values.number, default=0.0, help="dropout rate in [0, 1) (default: 0)")
    text = "strength of the L1 penalty (default: 0)"
    add("--l1", type=values.number, default=0.0, help=text)
    text = "strength of the L2 penalty (default: 1 / training rows for a regression on a file)"
    add("--l2", type=values.number, help=text)
    add("--seed", type=values.integer, default=0, help="seed of all random numbers (default: 0)")


def _doctor(p: argparse.ArgumentParser) -> None:
    _run(p, "none, and the largest that is stable is shown")
    add_doctor(p)
    p.set_defaults(engine="eager")


def _train(p: argparse.ArgumentParser) -> None:
    _run(p, "of seven, the one that predicts held-out training rows best")
    add_engine(p)
    add = p.add_argument
    text = "maximum number of epochs (default: 100)"
    add("--epochs", type=values.integer, default=100, help=text)
    _stopping(p)
    add("--json", metavar="FILE", help="write settings and history; - prints only JSON")
    add("--report", metavar="FILE", help=f"{REPORT}, with every epoch of the run (.html)")
    add("--csv", metavar="FILE", help="write the history as a table")
    add("--save", metavar="FILE", help="write the model and the scale of its inputs (.npz)")
    text = "draw the boundary and the history (.png, .svg, .pdf and others; needs matplotlib)"
    add("--plot", metavar="FILE", help=text)
    text = "save the run to FILE while it trains, so that --resume goes on after a kill"
    add("--checkpoint", metavar="FILE", help=text)
    text = "number of epochs between two checkpoints (default: 1)"
    add("--every", metavar="EPOCHS", type=values.integer, help=text)
    text = """go on from --checkpoint with the same options, or more --epochs, to the same weights
        as without the interruption; without the file, start"""
    add("--resume", action="store_true", help=text)
    _exit_codes(p, "the run diverges", "the target is not reached")


def _stopping(p: argparse.ArgumentParser) -> None:
    target = p.add_mutually_exclusive_group().add_argument
    target("--target-loss", metavar="LOSS", type=values.number, help="stop at this training loss")
    target(
        "--target-accuracy",
        metavar="SHARE",
        type=values.number,
        help="stop at this training accuracy",
    )
    text = """stop when the validation loss has not fallen for PATIENCE epochs (10 if left out), and
        keep the weights of the best epoch"""
    patience: dict[str, Any] = {"metavar": "PATIENCE", "nargs": "?", "const": 10}
    p.add_argument("--early-stopping", type=values.integer, **patience, help=text)


def _compare(p: argparse.ArgumentParser) -> None:
    add = p.add_argument_group("what is compared").add_argument
    text = """such as momentum,nag, see minidl list, or classes in files: my_file.py:MyAdam
        (default: gd,momentum,nag)"""
    names = values.different("names such as momentum,nag")
    add("--optimizers", metavar="NAMES", type=names, help=text)
    text = """rows per update, or full; a list such as full,32 gives one comparison each (default:
        32)"""
    add("--batch-size", metavar="ROWS", type=values.batch_sizes, help=text)
    text = """then compare gradient descent at these batch sizes, such as full,32,1: full, 1 and at
        most one other"""
    add("--batch-sizes", metavar="ROWS", type=values.batch_sizes, help=text)
    data = add_data(p, None)
    text = "several data sets instead of --dataset, such as moons,circles,iris"
    names = values.different("data sets or files such as moons,circles")
    data.add_argument("--problems", metavar="NAMES", type=names, help=text)
    _method(p)
    _protocol(p.add_argument_group("how it is compared"))
    group = p.add_argument_group("results")
    add = group.add_argument
    text = """write every curve as JSON; - prints only JSON. Finished runs are kept in FILE.part, so
        that the same command continues after it was killed"""
    add("--out", metavar="FILE", help=text)
    add("--from", metavar="FILE", dest="source", help="print a file of --out, without training")
    text = "add all tables: each pair at each learning rate, the cost of tuning, and so on"
    add("--details", action="store_true", help=text)
    text = (
        "draw it (.png, .svg, .pdf and others), or animate the boundaries (.gif); needs matplotlib"
    )
    add("--plot", metavar="FILE", help=text)
    add("--report", metavar="FILE", help=f"{REPORT}, with every epoch of one seed (.html)")
    add("--profile", action="store_true", help="add a table that sums up several problems")
    _exit_codes(group, "an evaluation run diverges at the chosen rate", "one misses the target")


def _list(p: argparse.ArgumentParser) -> None:
    text = f"{', '.join(LISTS)} (default: all of them)"
    p.add_argument("what", metavar="LIST", nargs="?", type=_list_named, help=text)


def _method(p: argparse.ArgumentParser) -> None:
    add_modifiers(p)
    add = p.add_argument_group("network").add_argument
    text = "widths of the hidden layers, or none (default: 16,16)"
    add("--hidden", metavar="WIDTHS", type=values.widths, default=(16, 16), help=text)
    add("--activation", metavar="NAME", default="tanh", help="see minidl list (default: tanh)")
    add("--loss", metavar="NAME", help="see minidl list (default: the usual one for the task)")


def _protocol(p: Group) -> None:
    add = p.add_argument
    text = "smaller defaults: 60 epochs, 12 seeds, 4 for tuning, 8 learning rates or 12 trials"
    add("--quick", action="store_true", help=text)
    text = """when a run has converged. gap:0.1: the loss has gone all but 10 %% of the way from its
        first value to the best one found. Or loss:0.05, accuracy:0.97 (training rows) or
        validation-accuracy:0.95 (default: gap:0.1)"""
    add("--target", default="gap:0.1", help=text)
    text = "number of epochs in a row for which the target must hold (default: 3)"
    add("--sustained", metavar="EPOCHS", type=values.integer, default=3, help=text)
    add("--epochs", type=values.integer, help="number of epochs of each run (default: 200)")
    text = "number of evaluation seeds, or a list: 3,5,8 (and 3, for seed 3 alone; default: 20)"
    add("--seeds", type=values.seeds, help=text)
    text = "number or list of the seeds that tune and set the target (default: 10)"
    add("--tuning-seeds", metavar="SEEDS", type=values.seeds, help=text)
    text = """stop early: judge the pairs after so many seeds, such as 12,24,48, and train no more
        once each is faster or equivalent; the last number replaces --seeds"""
    add("--looks", metavar="SEEDS", type=values.looks, help=text)
    add(
        "--jobs", type=values.integer, default=-1, help="processes (default: -1, one per processor)"
    )
    add_engine(p)
    text = """what is chosen for each optimizer: lr, from a grid; or lr,momentum, from random trials
        that are the same for all; or none (default: lr, or none if --lr is one number)"""
    add("--tune", metavar="WHAT", type=values.tune, help=text)
    text = """learning rates to choose from, such as 0.03,0.1,0.3; or one for all (default: twelve
        from 2^-8 to 2^3, of adam and others a multiple of these, and more while the best is at an
        end; 0.1 with --tune none). With
        --tune lr,momentum the ends of the range of lr / (1 - momentum) (default: 2^-6 and 2^6)"""
    add("--lr", metavar="RATES", type=values.numbers, help=text)
    text = """momentum, where used (default: 0.9, of rmsprop 0; with --tune lr,momentum the list
        0,0.5,0.9,0.95,0.99)"""
    add("--momentum", type=values.numbers, help=text)
    text = "settings to try with each optimizer (default: 24; only with --tune lr,momentum)"
    add("--trials", type=values.integer, help=text)


def _exit_codes(p: argparse.ArgumentParser | Group, diverged: str, missed: str) -> None:
    p.add_argument("--quiet", action="store_true", help="show no progress")
    p.add_argument("--fail-on-diverge", action="store_true", help=f"exit with 3 if {diverged}")
    p.add_argument("--fail-under-target", action="store_true", help=f"exit with 4 if {missed}")
