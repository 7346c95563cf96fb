"""What ``minidl compare`` does, once its options are known."""

from __future__ import annotations

import argparse
import sys
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

from minidl.checks import check_place
from minidl.cli.commands import about, load
from minidl.errors import ArgumentError

if TYPE_CHECKING:  # imported when the command runs
    from minidl.comparison import Study
    from minidl.datasets import Dataset

__all__ = ["compare"]

DIVERGED, MISSED, INTERRUPTED = 3, 4, 130
FULL = {"epochs": 400, "seeds": 20, "tuning_seeds": 10, "lr": None}
QUICK = {"epochs": 60, "seeds": 12, "tuning_seeds": 4, "lr": [2.0**k for k in range(-6, 2)]}
# Options that mean something where nothing is trained.
WITH_FROM = {"run", "parser", "command", "words", "source", "out", "plot", "profile", "quiet"}
WITH_FROM |= {"fail_on_diverge", "fail_under_target"}


def compare(options: argparse.Namespace) -> int:
    """Compare optimizers and print the verdicts, also of what was finished before Ctrl-C."""
    from minidl.comparison import Study

    _check_options(options)
    code = 0
    if options.source is not None:
        with about("from"):
            study = Study.from_json(options.source)
    else:
        study, code = _run(options)
    if options.out == "-":
        sys.stdout.write(study.to_json())
    else:
        _print(study, options.profile)
    if options.plot and not code:
        from minidl.comparison.plots.draw import plot

        plot(study, options.plot)
    return code or _judge(study, options)


def _check_options(options: argparse.Namespace) -> None:
    """Refuse what would have no effect, and files that could not be written, before training."""
    if options.source is not None:
        _check_source(options)
    if options.dataset and options.problems:
        raise ArgumentError("--dataset and --problems are the same; give one of them")
    if options.out == "-" and options.profile:
        raise ArgumentError("--out - prints only JSON; leave --profile out, or give a file")
    count = len(options.problems or "1") * len(options.batch_size or "1")
    if options.profile and options.source is None and count == 1:
        raise ArgumentError(
            "--profile sums up several problems",
            received="one",
            hint="Name more with --problems, or give several batch sizes.",
        )
    _check_files(options)


def _check_source(options: argparse.Namespace) -> None:
    without = [
        "--" + name.replace("_", "-")
        for name, value in vars(options).items()
        if name not in WITH_FROM and value != options.parser.get_default(name)
    ]
    if options.out not in (None, "-"):
        without.append("--out FILE")
    if without:
        raise ArgumentError(
            f"--from shows a finished comparison, on which {', '.join(without)} would have no"
            " effect",
            hint="Leave --from out to train.",
        )


def _check_files(options: argparse.Namespace) -> None:
    if options.plot == "-":
        raise ArgumentError("--plot needs a file; only --out can write to -")
    for option in ("out", "plot"):
        file = getattr(options, option)
        if file is not None and file != "-":
            with about(option):
                check_place(file)
    if options.plot:
        from minidl.comparison.plots.draw import check_plot

        check_plot(options.plot)


def _run(options: argparse.Namespace) -> tuple[Study, int]:
    """Compare; return the study and the exit code, after Ctrl-C what was finished."""
    from minidl.comparison.api import BATCHING_RATES, compare_all

    chosen = _protocol(options)
    names = options.problems or [options.dataset or "moons"]
    plain = options.optimizers is None and options.batch_size is None and len(names) == 1
    batchings = plain and chosen["tune"] in (None, "lr")
    batching_lr = BATCHING_RATES if options.lr is None else options.lr
    out = None if options.out == "-" else options.out
    try:
        with warnings.catch_warnings():  # joblib's, when it is interrupted
            warnings.filterwarnings("ignore", r"\d+ tasks ", UserWarning, "joblib")
            study = compare_all(
                [partial(_load, name, options) for name in names],
                optimizers=options.optimizers or ("gd", "momentum", "nag"),
                batch_sizes=options.batch_size or [None],
                batching_lr=batching_lr if batchings else None,
                hidden=options.hidden,
                activation=options.activation,
                loss=options.loss,
                target=options.target,
                sustained=options.sustained,
                jobs=options.jobs,
                out=out,
                command=["minidl", *options.words],
                progress=sys.stderr.isatty() and not options.quiet,
                **chosen,
            )
            return study, 0
    except KeyboardInterrupt as error:
        finished: Study | None = getattr(error, "study", None)
        if finished is None:
            raise
        if out:
            print(
                f"minidl: {out}.part keeps what is finished; go on with the same command",
                file=sys.stderr,
            )
        return finished, INTERRUPTED


def _load(name: str, options: argparse.Namespace, seed: int) -> Dataset:
    return load(name, options, split_seed=seed)


def _protocol(options: argparse.Namespace) -> dict[str, Any]:
    defaults = QUICK if options.quick else FULL
    found = {
        name: default if getattr(options, name) is None else getattr(options, name)
        for name, default in defaults.items()
    }
    if options.quick and options.tune == "none" and options.lr is None:
        found["lr"] = None
    return {**found, "tune": options.tune, "momentum": options.momentum}


def _print(study: Study, profile: bool) -> None:
    print(study)
    if profile:
        print()
        print(study.profile_text())


def _judge(study: Study, options: argparse.Namespace) -> int:
    rows = [row for comparison in study.comparisons for row in comparison.rows]
    if options.fail_on_diverge and any(row.diverged for row in rows):
        return DIVERGED
    if options.fail_under_target and any(row.reached < row.seeds for row in rows):
        return MISSED
    return 0
