"""Error spending: the share of the 5 % error that each look at a comparison may use."""

from __future__ import annotations

from collections.abc import Sequence

from minidl.checks import check_count
from minidl.errors import invalid
from minidl.keywords import answers

__all__ = ["error_share"]


@answers
def error_share(looks: Sequence[int], seeds: int) -> float:
    """Return which share of the 5 % error may be spent after so many of the planned seeds.

    At the k-th of K looks, after n_k seeds, (n_k - n_(k-1)) / n_K with n_0 = 0: the error is spent
    as the seeds are, alpha(t) = alpha t for a share t of them (Lan & DeMets 1983; the power
    function of Kim & DeMets 1987 with exponent 1). The shares add up to 1, so however the looks
    depend on each other, the union bound holds: at some look p / share is below 0.05 with
    probability at most 0.05, and some interval with the confidence 1 - 0.05 share misses with
    probability at most 0.05 (repeated confidence intervals, Jennison & Turnbull 1989).

    `looks` are increasing numbers of seeds, and `seeds` is from 0 to the last of them; otherwise an
    ArgumentError. Between two looks, where an interruption ended, the share is that of the next.
    Without looks it is 1.

    Examples
    --------
    >>> [error_share((12, 24, 48), n) for n in (12, 24, 48)], error_share((), 20)
    ([0.25, 0.25, 0.5], 1.0)
    """
    if not looks:
        return 1.0
    if list(looks) != sorted(set(looks)):
        raise invalid("looks", list(looks), "increasing numbers of seeds")
    n = check_count("seeds", seeds, 0, looks[-1])
    k = next(k for k, look in enumerate(looks) if look >= n)
    return (looks[k] - (looks[k - 1] if k else 0)) / looks[-1]
