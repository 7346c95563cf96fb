"""Errors of the library, in the words that were typed."""

from __future__ import annotations

import re
from collections.abc import Collection

__all__ = ["as_typed"]

# What an argument is called in the library, where its option is not called the same.
OTHERS = {"n": "rows", "loss": "target_loss", "accuracy": "target_accuracy"}
PARTS = {"a layer's size": "--hidden", "a seed": "--seeds"}
LIST = re.compile(r"\[([-+.\de, ]+)\]")


def as_typed(message: str, known: Collection[str]) -> str:
    """Return a message that names options and not arguments of Python.

    Parameters
    ----------
    message : str
        What an error of the library says.
    known : collection of str
        The options of the command, with their hyphens.

    Examples
    --------
    >>> as_typed("batch_size cannot be used: got 0", {"--batch-size"})
    '--batch-size cannot be used: got 0'
    >>> as_typed("n is for generated sets: got n=50 with 'iris'", {"--rows"})
    "--rows is for generated sets: got --rows 50 with 'iris'"
    >>> as_typed("seeds cannot be used: got [3, 3]", {"--seeds"})
    '--seeds cannot be used: got 3,3'
    """
    options = {option[2:].replace("-", "_"): option for option in known}
    options |= {name: options[other] for name, other in OTHERS.items() if other in options}
    if " is for files" in message or " column" in message:  # of data, target is a column
        options["target"] = "--target-column"

    def named(found: re.Match[str]) -> str:
        return options.get(found[1], found[1])

    def given(found: re.Match[str]) -> str:
        if found[1] not in options:
            return found[0]
        value = found[2].strip("\"'")
        return f"{options[found[1]]} {value}"

    for part, option in PARTS.items():  # one of several in an option
        if message.startswith(f"{part} cannot") and option in known:
            return f"{option}: {message}"
    message = re.sub(r"^(\w+)(?= cannot be used| is for )", named, message)
    message = re.sub(r"(?<=[ (])(?<!<= )(\w+_\w+)(?=[,.;:) ]|$)", named, message)
    value = r"\"[\w,:.-]*\"|'[\w,:.-]*'|-?\d[\de+.-]*"
    message = re.sub(r"(?<= )(\w+)=(?= )", named, message)
    call = r"\w\([^()]*\)"  # NAG(lr=0.1, momentum=0.9) stays as it is
    pair = rf"(?<= )(\w+)=({value})(?=[,;)]? |\.? |[.)]?$)"
    message = re.sub(f"{call}|{pair}", given, message)
    return LIST.sub(lambda found: found[1].replace(" ", ""), message)
