"""The accuracy of each class, for ``minidl train`` on uneven classes."""

import numpy as np
import numpy.typing as npt

from minidl.datasets import Dataset
from minidl.errors import cut
from minidl.text import counted, listed
from minidl.training import Trainer, class_accuracy

UNEVEN = 2  # rows of the largest class to those of the smallest
SHOWN, LONGEST = 3, 30  # classes that are named, and characters of a name


def accuracy_by_class(
    trainer: Trainer, data: Dataset, X: npt.ArrayLike, y: npt.ArrayLike
) -> str | None:
    """Return the accuracy of the worst three classes with their names, or None for even classes.

    Classes are uneven if the largest has at least twice the training rows of the smallest. A class
    without rows in `y` has no accuracy, and is named.
    """
    count = np.bincount(data.y_train.astype(int), minlength=data.n_classes)
    if count.max() < UNEVEN * count.min():
        return None
    measured, names = (
        class_accuracy(trainer, X, y),
        [cut(name, LONGEST) for name in data.class_names],
    )
    worst_first = sorted(measured, key=lambda c: (measured[c].accuracy, -measured[c].rows))
    words = ", ".join(
        f"{names[c]} {measured[c].accuracy:.3f} ({counted(measured[c].rows, 'row')})"
        for c in worst_first[:SHOWN]
    )
    if better := worst_first[SHOWN:]:
        has = "class has" if len(better) == 1 else f"{len(better)} have"
        words += f"; the other {has} {measured[better[0]].accuracy:.3f}"
        words += " or more" * (len(better) > 1)
    if absent := [name for c, name in enumerate(names) if c not in measured]:
        words += f"; no rows of {listed(absent, SHOWN)}"
    return words
