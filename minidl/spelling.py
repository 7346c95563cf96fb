"""Which known names a misspelt word may mean."""

from collections.abc import Iterable


def close_matches(word: str, names: Iterable[str], n: int = 1, cutoff: float = 0.6) -> list[str]:
    """Return the names that are most like a word: those of difflib, the fewest typing errors first.

    >>> close_matches("Adma", ["AdaMax", "Adam", "Adadelta"])
    ['Adam']
    """
    import difflib  # takes 1 ms

    known = list(names)
    near = difflib.get_close_matches(word, known, n=max(len(known), 1), cutoff=cutoff)
    return sorted(near, key=lambda name: _typing_errors(word, name))[:n]


def _typing_errors(word: str, name: str) -> int:
    """Return how many letters are wrong, missing or too many, or exchanged with the next one.

    The distance of optimal string alignment, without regard to case.
    """
    one, other = word.lower(), name.lower()
    before, last = [0], list(range(len(other) + 1))
    for i, letter in enumerate(one):
        row = [i + 1]
        for j, right in enumerate(other):
            row.append(min(last[j] + (letter != right), last[j + 1] + 1, row[j] + 1))
            if i and j and (letter, one[i - 1]) == (other[j - 1], right):
                row[-1] = min(row[-1], before[j - 1] + 1)
        before, last = last, row
    return last[-1]
