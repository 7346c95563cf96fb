"""The data of a comparison that was read from a file, which does not hold them."""

from collections.abc import Callable
from itertools import product

from minidl.cli.options import parse
from minidl.cli.values import source
from minidl.comparison import Study
from minidl.datasets import Dataset


def problem_of(study: Study, number: int) -> Callable[[int], Dataset] | None:
    """Return the data of a comparison as the command in its file names them.

    None if they were just compared, or no command is known.
    """
    made_with = study.comparisons[number].made_with
    if made_with is not None or study.command[1:2] != ["compare"]:
        return None
    typed = parse(study.command[1:])
    names = typed.problems or ["moons" if typed.dataset is None else typed.dataset]
    problems = [name for name, _ in product(names, typed.batch_size or [None])]
    return source([*problems, names[0]][number], typed)  # that of --batch-sizes is the last
