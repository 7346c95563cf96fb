"""The known names that a misspelt word may mean."""

from collections.abc import Iterable


def close_matches(word: str, names: Iterable[str], n: int = 1, cutoff: float = 0.6) -> list[str]:
    """Return the names that are most like a word: those of difflib, the fewest typing errors first.

    >>> close_matches("Adma", ["AdaMax", "Adam", "Adadelta"])
    ['Adam']
    """
    import difflib  # takes 1 ms

    candidates = list(names)
    near = difflib.get_close_matches(word, candidates, n=max(len(candidates), 1), cutoff=cutoff)
    return sorted(near, key=lambda name: _typing_errors(word, name))[:n]


def _typing_errors(word: str, name: str) -> int:
    """Return how many letters are wrong, missing or too many, or exchanged with the next one.

    The distance of optimal string alignment, without regard to case.
    """
    typed, correct = word.lower(), name.lower()
    second_last, previous = [0], list(range(len(correct) + 1))
    for i, letter in enumerate(typed):
        row = [i + 1]
        for j, right in enumerate(correct):
            row.append(min(previous[j] + (letter != right), previous[j + 1] + 1, row[j] + 1))
            if i and j and (letter, typed[i - 1]) == (correct[j - 1], right):
                row[-1] = min(row[-1], second_last[j - 1] + 1)
        second_last, previous = previous, row
    return previous[-1]
