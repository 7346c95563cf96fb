"""Answers to words that a command does not know."""

import re
import shlex
from collections.abc import Collection, Mapping, Sequence

from minidl.cli.path_options import OTHER_WORDS
from minidl.datasets import DATASETS
from minidl.nn.losses import LOSSES
from minidl.optim import OPTIMIZERS
from minidl.paths import SURFACES
from minidl.spelling import close_matches
from minidl.text import joined
from minidl.words import ARGUMENTS, COMMANDS, NOTES, OPTIONS, PLACES

# Options of one command that are called differently in another.
ELSEWHERE = {
    ("train", "--out"): "--json",
    ("train", "--target"): "--target-loss",
    ("train", "--seeds"): "--seed",
    ("train", "--optimizers"): "--optimizer",
    ("train", "--problems"): "--dataset",
    ("doctor", "--out"): "--json",
    ("doctor", "--optimizers"): "--optimizer",
    ("doctor", "--problems"): "--dataset",
    ("compare", "--optimizer"): "--optimizers",
    ("compare", "--seed"): "--seeds",
    ("compare", "--json"): "--out",
    ("compare", "--target-loss"): "--target loss:VALUE",
    ("compare", "--target-accuracy"): "--target accuracy:VALUE",
    ("paths", "--optimizer"): "--optimizers",
    **{("paths", typed): option for typed, option in OTHER_WORDS.items()},
}
Flags = Mapping[str, Sequence[str]]  # the options of each command
TOP = ("--help", "--version")  # the options without a command
TABLE = re.compile(r".+\.(csv|tsv|txt|data|npz|parquet|xlsx?|json)(\.gz|\.bz2|\.xz|\.zip)?", re.I)
CODE = re.compile(r".+\.py(:\w+)?")


def hint(words: Sequence[str], command: str, known: Flags) -> str:
    """Return what to write instead of an unknown option, which the first of the words is."""
    typed, _, value = words[0].partition("=")
    word, flags = typed.strip("-").replace("-", "_").lower(), known[command]
    if not typed.startswith("-"):
        return _value_hint(words[0], command, flags)
    value = value or next(iter(words[1:]), "")
    if typed == "--target" and "--target-column" in flags and re.match(r"[^-+.\d:][^:]*$", value):
        typed = "--target-column"  # compare's --target is a number with a name, such as loss:0.1
    right = [word, *ARGUMENTS.get(word, "").split()]
    meant = [typed, *("--" + name.replace("_", "-") for name in right)]
    near = [ELSEWHERE.get((command, typed)), *(flag for flag in meant if flag in flags)]
    begun = [flag for flag in flags if flag.startswith(typed.lower())]
    if len(begun) == 1 and len(word) > 2 and word not in OPTIONS:
        near += begun
    sentence = next((OPTIONS[name] for name in right if name in OPTIONS), None)
    place = next((PLACES[name] for name in right if name in PLACES), None)
    sentence = sentence or (f"In Python: {place}" if place else None)
    others = [f"minidl {name}" for name, theirs in known.items() if typed in theirs]
    if sentence is None and others:
        sentence = f"{joined(others)} {'has' if len(others) == 1 else 'have'} {typed}."
    if sentence is None and word not in ARGUMENTS and len(word) > 1:
        flag = "--" + word.replace("_", "-")
        near += [option for option in flags if option.startswith(flag)]
        near += close_matches(flag, flags, cutoff=0.7)
    option = next(filter(None, near), None)
    note = NOTES.get(f"{word} {(option or '').strip('-')}")
    if option:
        return f". Did you mean {option!r}?" + (f" {note}" if note else "")
    return f". {sentence}" if sentence else ""


def _value_hint(typed: str, command: str, flags: Sequence[str]) -> str:
    """Return the option to which a word without one may belong, by its name or its ending."""
    kinds: dict[str, Collection[str]] = {
        "--dataset": DATASETS,
        "--optimizer": OPTIMIZERS,
        "--loss": LOSSES,
        "--surface": SURFACES,
    }
    option = next((f for f, names in kinds.items() if typed in names and f in flags), None)
    endings = (("--dataset", TABLE), ("--optimizer", CODE), ("--optimizers", CODE))
    if option is None and command != "conform":
        option = next((f for f, form in endings if f in flags and form.fullmatch(typed)), None)
        typed = typed if option is None else shlex.quote(typed)
    if command == "paths" and re.search(r"[*/^+]|\b[xy]\b", typed):
        option, typed = "--surface", f'"{typed}"'
    return f". Did you mean '{option} {typed}'?" if option else ""


def no_command(word: str) -> str:
    """Return the error for an option without a command before it."""
    short = {"-v": "--version", "-?": "--help"}.get(word.lower())
    near = short or next(iter(close_matches(word, TOP, cutoff=0.7)), None)
    if near:
        return f"unrecognized arguments: {word}. Did you mean {near!r}?"
    return f"{word} needs a command before it, such as: minidl train {word}"


def unknown_choice(word: str, choices: Sequence[str]) -> str:
    """Return the error for a word that is none of the choices, with the nearest."""
    near = [COMMANDS.get(word.lower(), ""), *close_matches(word, choices)]
    choice = next((name for name in near if name.split(" ")[0] in choices), None)
    text = f". Did you mean {choice!r}?" if choice else ""
    text = f". {near[0]}" if near[0].endswith(".") else text
    return f"invalid choice: {word!r} (choose from {', '.join(map(repr, choices))}){text}"
