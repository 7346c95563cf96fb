"""The options that name the data and say how a file is read; those of ``datasets.load``."""

import argparse

from minidl.cli import values


def add_data(p: argparse.ArgumentParser, default: str | None) -> argparse._ArgumentGroup:
    """Add the options of the data to a command, and return their group."""
    group = p.add_argument_group("data")
    add = group.add_argument
    text = "a name, see minidl list, or a file of text or NPZ (default: moons)"
    add("--dataset", metavar="NAME", default=default, help=text)
    add("--rows", type=values.integer, help="number of rows to generate (default: 1000)")
    add("--noise", type=values.number, help="noise of generated rows (default: see minidl list)")
    text = "test rows (default: 0.25)"
    add("--test-size", metavar="SHARE", type=values.number, default=0.25, help=text)
    _add_columns(p.add_argument_group("columns of a file"))
    return group


def _add_columns(group: argparse._ArgumentGroup) -> None:
    """Add the options about the columns of a file."""
    add = group.add_argument
    text = """target: a name, or a position from 0, where -1 is the last (default: target, label,
        class or y)"""
    add("--target-column", metavar="COLUMN", type=values.column, help=text)
    add("--task", help="classification or regression (default: what the target suggests)")
    text = "columns to use (default: all but those that number the rows)"
    add("--features", metavar="NAMES", type=values.columns, help=text)
    add("--drop", metavar="NAMES", type=values.columns, help="columns not to use")
    text = """missing values: error; drop leaves out their rows; mean or most_frequent of the
        training rows is filled in (default: error)"""
    add("--missing", metavar="WAY", help=text)
    text = "text with few values: onehot, a column for each value, or error (default: onehot)"
    add("--categorical", metavar="WAY", help=text)
    add_form(group)
    add("--decimal", metavar="SIGN", help="decimal sign, . or , (default: .)")


def add_form(group: argparse._ArgumentGroup) -> None:
    """Add the options that say how a text file is written."""
    header = group.add_mutually_exclusive_group().add_argument
    text = "the first line names the columns (default: if it looks like names)"
    header("--header", action="store_true", help=text)
    text = "the first line is a row; the columns are called x0, x1, ..."
    header("--no-header", action="store_true", help=text)
    text = "a character, or tab or space (default: the one that fits)"
    group.add_argument("--separator", metavar="SIGN", help=text)
