"""``minidl compare``: call ``compare_all``, or read a finished study, and print the verdicts."""

import argparse
import sys
import warnings
from functools import partial
from typing import Any

from minidl.cli.from_file import problem_of
from minidl.cli.listing import width
from minidl.cli.modifier_options import modifiers_of
from minidl.cli.options import FAILED, INTERRUPTED, QUICK, QUICK_TRIALS, exit_code
from minidl.cli.output import say
from minidl.cli.result_files import Writers, printed, write_all
from minidl.cli.signals import SIGNALS
from minidl.cli.values import check_files, moves, prefixed, source
from minidl.comparison import Study, compare_all
from minidl.comparison.api import BATCHING_RATES
from minidl.comparison.profile import across_text, profile_text
from minidl.comparison.report.screen import screen
from minidl.comparison.report.tables import report
from minidl.errors import ArgumentError, FileError

# Arguments of compare_all that are passed on if they have a value.
PASSED = ["optimizers", "tune", "lr", "momentum", "trials", "epochs", "seeds", "tuning_seeds"]
PASSED += ["target", "sustained", "hidden", "activation", "loss", "jobs", "engine", "looks"]
# What --from can be combined with.
WITH_FROM = {"parser", "flags", "command", "words", "source", "out", "plot", "profile", "quiet"}
WITH_FROM |= {"report", "details", "fail_on_diverge", "fail_under_target"}


def compare(options: argparse.Namespace) -> int:
    """Compare optimizers, or show a finished comparison; return the exit code.

    Files are written first, then the result is printed.
    """
    _check_options(options)
    check_files(options, "out", "plot", "report")
    with SIGNALS.held():  # what is finished is kept and printed, whatever signal comes
        study, code = _study(options)
        if moves(options.plot):
            _check_single(len(study.comparisons))

        def write_report() -> None:
            from minidl.cli.report_comparison import report_comparison

            report_comparison(study, options.report)

        writers: Writers = {"plot": lambda: _draw(study, options.plot), "report": write_report}
        written = write_all(options, writers)
    failed = printed(partial(_print, study, options))
    rows = [row for comparison in study.comparisons for row in comparison.rows]
    missed = any(row.reached < row.seeds for row in rows)
    diverged = any(row.diverged for row in rows)
    return exit_code(options, code or written.code or failed, diverged, missed)


def _print(study: Study, options: argparse.Namespace) -> None:
    """Print the verdicts, or the record."""
    if options.out == "-":
        sys.stdout.write(study.to_json())
        return
    layout: dict[str, Any] = {"typed": study.command, "width": width()}
    show = partial(screen, commands=not options.details, **layout)
    print("\n\n".join(map(show, study.comparisons)))
    if options.details:
        print("\n" + "\n\n".join(report(c, width()) for c in study.comparisons))
    if options.profile:
        pairs = across_text(study.comparisons, width()) if len(study.comparisons) > 1 else ""
        print(f"\n{profile_text(study.profile, width())}\n\n{pairs}".rstrip())


def _check_options(options: argparse.Namespace) -> None:
    """Raise for options that contradict each other or would have no effect."""
    if options.source is not None:
        default = options.parser.get_default
        typed = [name for name, value in vars(options).items() if value != default(name)]
        unused = ["--" + name.replace("_", "-") for name in typed if name not in WITH_FROM]
        if options.out not in (None, "-"):
            unused.append("--out FILE")
        if unused:
            words = f"on which {', '.join(unused)} would have no effect. Leave --from out to train."
            raise ArgumentError(f"--from shows a finished comparison, {words}")
    if options.dataset and options.problems:
        raise ArgumentError("--dataset and --problems mean the same: give one of them")
    if options.out == "-" and options.profile:
        raise ArgumentError("--out - prints only JSON: leave --profile out, or give a file")
    count = len(options.problems or "1") * len(options.batch_size or "1")
    if moves(options.plot):
        _check_single(count + (options.batch_sizes is not None))
    if options.profile and options.source is None and count == 1:
        hint = "Name more with --problems, or give several batch sizes."
        raise ArgumentError("--profile needs several problems, got one", hint=hint)


def _draw(study: Study, file: str) -> None:
    """Draw a study into a file, or animate its only comparison."""
    from minidl.comparison.plots.draw import figure
    from minidl.comparison.plots.race import animate
    from minidl.plots.figures import save

    if moves(file):
        animate(study.comparisons[0], file, problem_of(study, 0))
    else:
        save(figure(study.comparisons, study.profile), file)


def _check_single(count: int) -> None:
    """Raise if an animation would be of several comparisons."""
    if count > 1:
        hint = "Give a .png file, or one problem and one batch size."
        raise ArgumentError(f"--plot with a .gif file shows one comparison, got {count}", hint=hint)


def _study(options: argparse.Namespace) -> tuple[Study, int]:
    """Return the study and the exit code; after Ctrl-C, the study of what was finished."""
    if options.source is not None:
        with prefixed("from"):
            return Study.from_json(options.source), 0
    names = options.problems or ["moons" if options.dataset is None else options.dataset]
    arguments: dict[str, Any] = dict(QUICK) if options.quick else {}
    if options.tune in ("none", "lr,momentum"):
        arguments.pop("lr", None)  # a grid
    if options.quick and options.tune == "lr,momentum":
        arguments["trials"] = QUICK_TRIALS
    if options.looks:
        arguments.pop("seeds", None)  # the last look
    if options.batch_sizes:
        arguments["batchings"] = options.batch_sizes
        given_rate = options.lr is not None and options.tune != "lr,momentum"
        arguments["batching_lr"] = options.lr if given_rate else BATCHING_RATES
    arguments |= {name: v for name in PASSED if (v := getattr(options, name)) is not None}
    arguments["modifiers"] = modifiers_of(options)
    out = None if options.out == "-" else options.out
    arguments |= {"batch_sizes": options.batch_size or [None], "out": out}
    progress = sys.stderr.isatty() and not options.quiet
    arguments |= {"command": ["minidl", *options.words], "progress": progress}
    try:
        with SIGNALS.once(), warnings.catch_warnings():  # joblib's, when it is interrupted
            warnings.filterwarnings("ignore", r"\d+ tasks ", UserWarning, "joblib")
            return compare_all([source(name, options) for name in names], **arguments), 0
    except KeyboardInterrupt as error:
        finished: Study | None = getattr(error, "study", None)
        if finished is None:
            raise
        if out:
            say(f"minidl: the same command continues from {out}.part")
        return finished, INTERRUPTED
    except FileError as error:
        result: Study | None = getattr(error, "study", None)
        if result is None or not all(comparison.complete for comparison in result.comparisons):
            raise
        say(f"minidl compare: error: {error}")
        return result, FAILED
