"""The L2 penalty of a regression on a file, unless an option sets one."""

from argparse import Namespace

from minidl.cli.epochs import wrapped
from minidl.datasets import Dataset
from minidl.datasets.table import DATASETS
from minidl.optim import Optimizer


def choose_l2(options: Namespace, data: Dataset, optimizer: Optimizer) -> None:
    """Set ``options.l2`` if it was not given: 1 / n for a regression on n rows of a file, else 0.

    With the mean of squared errors of a standardised target, it is the Gaussian prior of variance 1
    on each weight (MacKay 1992, "A practical Bayesian framework for backpropagation networks",
    section 2) for errors of variance 1/2. Named data sets, classifications, and runs with another
    penalty or decay, have none.
    """
    others = (options.l1, options.weight_decay, optimizer.hyperparameters.get("weight_decay"))
    fits = data.task == "regression" and options.dataset not in DATASETS
    options.chosen_l2 = fits and options.l2 is None and not any(others)
    if options.l2 is None:
        options.l2 = 1 / len(data.X_train) if options.chosen_l2 else 0.0


def print_l2(data: Dataset, options: Namespace) -> None:
    """Print the line of the summary on a penalty, if it was chosen."""
    if options.chosen_l2:
        rows = len(data.X_train)
        text = f"L2 {options.l2:.3g}, 1 / {rows} training rows, is part of the losses"
        print(wrapped(f"penalty    {text}; --l2 sets another", 11))
