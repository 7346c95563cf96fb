"""The data sets that have names: fifteen to begin with, and those that a user adds."""

import math
from dataclasses import dataclass
from typing import Literal

from minidl.datasets import generated
from minidl.datasets.preparing import Task
from minidl.keywords import answers
from minidl.registry import Registry


@answers
@dataclass(frozen=True)
class Info:
    """A data set that can be loaded by name.

    Attributes
    ----------
    name, summary : str
        The name as printed, and one line for ``minidl list datasets``.
    task : "binary", "multiclass" or "regression"
        The kind of target.
    classes : int
        The number of classes; 0 for regression.
    make : callable, optional
        ``make(n, noise, seed) -> (X, y)``. Without it, scikit-learn's ``load_<name>`` is called.
    noise, max_noise : float, optional
        The default noise, None for a measured data set, and the largest that is allowed.

    Examples
    --------
    >>> TABLE[0].kind, lookup("iris").kind
    ('generated', 'real')
    """

    name: str
    task: Task
    classes: int
    summary: str
    make: generated.Generator | None = None
    noise: float | None = None
    max_noise: float = math.inf

    @property
    def kind(self) -> Literal["generated", "real"]:
        """Whether rows are generated, or were measured."""
        return "real" if self.make is None else "generated"


TABLE = (
    Info("moons", "binary", 2, "two interleaved half circles", generated.moons, 0.2),
    Info("circles", "binary", 2, "a circle within a circle", generated.circles, 0.1),
    Info("blobs", "multiclass", 3, "three Gaussian clouds", generated.blobs, 1.0),
    Info("xor", "binary", 2, "the signs of two coordinates differ or agree", generated.xor, 0.1),
    Info("spirals", "binary", 2, "two spiral arms around each other", generated.spirals, 0.05),
    Info("gaussian_quantiles", "multiclass", 3, "a Gaussian cloud cut into three rings",
         generated.gaussian_quantiles, 0.0),
    Info("classification", "binary", 2, "two classes of two clusters each in ten dimensions",
         generated.classification, 0.01, max_noise=1.0),
    Info("iris", "multiclass", 3, "150 irises: 4 measurements, 3 species"),
    Info("wine", "multiclass", 3, "178 wines: 13 chemical measurements, 3 growers"),
    Info("breast_cancer", "binary", 2, "569 tumours: 30 measurements, malignant or benign"),
    Info("digits", "multiclass", 10, "1797 handwritten digits of 8 by 8 pixels"),
    Info("diabetes", "regression", 0, "442 patients: 10 measurements, progression in a year"),
    Info("friedman1", "regression", 0, "Friedman's first function, 5 of 10 features matter",
         generated.friedman1, 1.0),
    Info("sine", "regression", 0, "one period of a sine", generated.sine, 0.1),
    Info("linear", "regression", 0, "a plane with known weights", generated.linear, 0.5),
)  # fmt: skip
DATASETS: Registry[Info] = Registry("data set")
for _info in TABLE:
    DATASETS.add(_info.name, _info)


@answers
def names() -> tuple[str, ...]:
    """Return the names of all data sets, as printed.

    Examples
    --------
    >>> names()[:3]
    ('moons', 'circles', 'blobs')
    """
    return tuple(DATASETS)


@answers
def lookup(name: object) -> Info:
    """Return the data set of a name; case, spaces, ``_`` and ``-`` are ignored.

    Raises
    ------
    UnknownNameError
        The name is unknown; the message suggests the nearest.

    Examples
    --------
    >>> lookup("Gaussian-quantiles").name
    'gaussian_quantiles'
    """
    return DATASETS[DATASETS.canonical(name)]


@answers
def describe(name: object) -> str:
    """Return one line about a data set, for ``minidl list datasets``; errors as for `lookup`.

    Examples
    --------
    >>> describe("moons")
    'two interleaved half circles (binary, generated, noise 0.2)'
    """
    info = lookup(name)
    noise = "" if info.noise is None else f", noise {info.noise:g}"
    return f"{info.summary} ({info.task}, {info.kind}{noise})"
