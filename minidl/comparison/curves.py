"""The tuning curve of each optimizer: what fewer random trials would have found."""

from minidl.comparison.analysis import Results
from minidl.comparison.stats.hitting import Floats
from minidl.comparison.stats.tuning import tuning_curve
from minidl.keywords import answers


@answers
def tuning_curves(comparison: Results) -> dict[str, Floats]:
    """Return for each optimizer the expected best mean of 1, 2, ... of its trials, with intervals.

    Row b - 1 of each array (trials, 3) is the expected best mean of min(T, E) over the tuning seeds
    of b trials, and its 95 % interval (:func:`~minidl.comparison.tuning_curve`). The trials are
    those of the random search, or the points of the grid. Empty before tuning is finished.

    Examples
    --------
    >>> from minidl import compare
    >>> found = compare("circles", optimizers=["nag"], lr=[0.1, 0.3, 1.0], epochs=20, seeds=1,
    ...                 tuning_seeds=3)
    >>> tuning_curves(found)["nag"].shape
    (3, 3)
    """
    plan, curves = comparison.plan, {}
    for c in plan.contestants if comparison.target else ():
        seeds, settings = plan.tuning_seeds, plan.settings(c)
        times = [comparison.steady_times(c, setting, seeds) for setting in settings]
        curves[c.name] = tuning_curve(times, plan.epochs)
    return curves
