"""Words for messages and tables: counts, lists and names of columns."""

from collections.abc import Sequence


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun in singular or plural.

    >>> counted(1, "row"), counted(2, "category", "categories")
    ('1 row', '2 categories')
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def joined(words: Sequence[str]) -> str:
    """Return words as a list in a sentence.

    >>> joined(["gd", "momentum", "nag"]), joined(["gd"])
    ('gd, momentum and nag', 'gd')
    """
    return words[-1] if len(words) < 2 else f"{', '.join(words[:-1])} and {words[-1]}"


def listed(items: Sequence[object], shown: int = 5) -> str:
    """Return the first items, and how many more there are.

    >>> listed([1, 2, 3], 2)
    '1, 2 and 1 more'
    """
    remainder = f" and {len(items) - shown} more" if len(items) > shown else ""
    return ", ".join(map(str, items[:shown])) + remainder


def in_words(column: str) -> str:
    """Return the name of a column of a history, such as "training loss".

    >>> in_words("train_loss"), in_words("validation_accuracy")
    ('training loss', 'validation accuracy')
    """
    return column.replace("train_", "training ").replace("_", " ")
