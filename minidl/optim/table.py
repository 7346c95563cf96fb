"""The table of names, which the command line and the comparison read."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from minidl.checks import check_flag
from minidl.errors import ArgumentError
from minidl.keywords import answers
from minidl.optim.adam import Adam, AdamW, AMSGrad
from minidl.optim.adam_relatives import AdaMax, NAdam, RAdam
from minidl.optim.adaptive import Adadelta, Adagrad, CenteredRMSprop, RMSprop
from minidl.optim.base import Optimizer, Setting
from minidl.optim.custom import check_class, check_name
from minidl.optim.rules import NAG, GradientDescent, Momentum, ReformulatedNAG
from minidl.optim.signs import Lion, Rprop
from minidl.optim.source import attribute, is_place, load
from minidl.registry import Registry

__all__ = ["OPTIMIZERS", "SGD", "TABLE", "BatchSize", "Entry", "lookup", "register"]

BatchSize = int | Literal["full"]


@answers
@dataclass(frozen=True)
class Entry:
    """A row of the table; with ``fixed=True`` the name implies the batch size."""

    name: str
    optimizer: type[Optimizer]
    batch_size: BatchSize = 32
    fixed: bool = False
    aliases: tuple[str, ...] = ()
    summary: str = ""
    scale: float = 1.0  # of the default learning rates, relative to gradient descent's

    @property
    def has_momentum(self) -> bool:
        """Whether the rule takes a momentum coefficient."""
        return hasattr(self.optimizer, "momentum")

    @property
    def default_momentum(self) -> float | None:
        """The momentum of the rule where none is given: its own default, otherwise 0.9."""
        arguments = inspect.signature(getattr(self.optimizer, "__init__")).parameters  # noqa: B009
        default = arguments["momentum"].default if "momentum" in arguments else 0.9
        value = 0.9 if default is inspect.Parameter.empty else default
        return value if self.has_momentum else None

    @answers
    def make(self, lr: object, momentum: object = None) -> Optimizer:
        """Return a new optimizer; rules without momentum ignore `momentum`.

        >>> lookup("nag").make(0.1), lookup("rmsprop").make(0.1).momentum
        (NAG(lr=0.1, momentum=0.9), 0.0)
        """
        coefficient = self.default_momentum if momentum is None else momentum
        return self.optimizer(lr=lr, **({"momentum": coefficient} if self.has_momentum else {}))

    @answers
    def batches(self, batch_size: BatchSize | None = None) -> BatchSize:
        """Return `batch_size`, by default the row's; an ArgumentError if it is fixed."""
        if batch_size is None or batch_size == self.batch_size:
            return self.batch_size
        if self.fixed:
            message = f"{self.name!r} is gradient descent at batch size {self.batch_size}"
            hint = "For gradient descent at another batch size, use 'gd'."
            raise ArgumentError(message, received=f"batch size {batch_size}", hint=hint)
        return batch_size


OPTIMIZERS: Registry[Entry] = Registry("optimizer")


class _Table(Sequence[Entry]):
    """The rows of the registry, as a sequence."""

    def __getitem__(self, index: Any) -> Any:
        return tuple(OPTIMIZERS.values())[index]

    def __len__(self) -> int:
        return len(OPTIMIZERS)


TABLE = _Table()

_ROWS = (  # name, optimizer, batch size, whether it is fixed, aliases, summary
    ("batch", GradientDescent, "full", True, ("bgd", "full-batch"),
     "gradient descent on all rows at once, one update an epoch"),
    ("stochastic", GradientDescent, 1, True, ("sgd",),
     "gradient descent on one row at a time, in random order"),
    ("gd", GradientDescent, 32, False, ("mini-batch", "gradient-descent"),
     "gradient descent on batches of rows, in random order"),
    ("momentum", Momentum, 32, False, ("heavy-ball", "classical-momentum"),
     "classical momentum (Polyak 1964)"),
    ("nag", NAG, 32, False, ("nesterov", "nag-look-ahead"),
     "Nesterov's accelerated gradient, at the look-ahead point (1983)"),
    ("nag-reformulated", ReformulatedNAG, 32, False, ("nesterov-reformulated", "keras-nesterov"),
     "the same method, storing the look-ahead point (Bengio et al. 2012)"),
    ("adam", Adam, 32, False, ("adaptive-moments",),
     "averages of gradients, divided by the root of those of their squares (Kingma and Ba 2015)"),
    ("adamw", AdamW, 32, False, ("decoupled-adam",),
     "Adam with decoupled weight decay, 0.01 (Loshchilov and Hutter 2019)"),
    ("nadam", NAdam, 32, False, ("nesterov-adam",),
     "Adam with Nesterov's momentum (Dozat 2016)"),
    ("radam", RAdam, 32, False, ("rectified-adam",),
     "Adam that begins with steps of momentum (Liu et al. 2020)"),
    ("amsgrad", AMSGrad, 32, False, ("adam-amsgrad",),
     "Adam with the largest average of squares so far (Reddi et al. 2018)"),
    ("adamax", AdaMax, 32, False, (),
     "Adam with a decaying maximum instead of squares (Kingma and Ba 2015)"),
    ("rmsprop", RMSprop, 32, False, (),
     "the gradient, divided by the root of its mean square (Tieleman and Hinton 2012)"),
    ("rmsprop-centered", CenteredRMSprop, 32, False, ("centered-rmsprop", "rmsprop-centred"),
     "the gradient, divided by its recent standard deviation (Graves 2013)"),
    ("adagrad", Adagrad, 32, False, (),
     "the gradient, divided by the root of its sum of squares (Duchi et al. 2011)"),
    ("adadelta", Adadelta, 32, False, (),
     "steps in proportion to recent steps, without a learning rate (Zeiler 2012)"),
    ("lion", Lion, 32, False, (),
     "steps of one size along the sign of averaged gradients (Chen et al. 2023)"),
    ("rprop", Rprop, "full", False, ("irprop", "resilient-propagation"),
     "a step size for each weight, by signs; for full batches (Riedmiller and Braun 1993)"),
)  # fmt: skip
# Rules that divide by the size of gradients take steps of about lr, whatever the loss.
_SCALES = dict.fromkeys(("adam", "adamw", "nadam", "amsgrad"), 2.0**-3)
_SCALES |= dict.fromkeys(("rmsprop", "rmsprop-centered", "lion"), 2.0**-4)
_SCALES |= {"adamax": 2.0**-2, "radam": 2.0**-1, "rprop": 2.0**-2, "adadelta": 2.0**6}
for _row in _ROWS:
    _entry = replace(Entry(*_row), scale=_SCALES.get(str(_row[0]), 1.0))
    OPTIMIZERS.add(_entry.name, _entry, _entry.aliases)


@answers
def lookup(name: str) -> Entry:
    """Return the row for a name or an alias; capitals, spaces, ``-`` and ``_`` do not matter.

    ``my_file.py:MyAdam`` is the class MyAdam of a file, or what the file has registered as
    "MyAdam"; its row is called "MyAdam", or "my_file.MyAdam" if minidl has an optimizer of that
    name.

    Raises
    ------
    UnknownNameError
        There is no optimizer of that name; the message suggests the nearest.
    ArgumentError
        The file cannot be run, or its class is not an optimizer, as for :func:`register`.

    Examples
    --------
    >>> lookup("mini_batch").name, lookup("Nesterov").make(0.1)
    ('gd', NAG(lr=0.1, momentum=0.9))
    """
    return _from_file(name) if is_place(name) else OPTIMIZERS[name]


def _from_file(place: str) -> Entry:
    """Return the row for a class in a file."""
    module, name = load(place)
    if name in OPTIMIZERS and OPTIMIZERS[name].optimizer.__module__ == module.__name__:
        return OPTIMIZERS[name]
    cls = check_class(attribute(module, name))
    qualified = f"{Path(str(module.__file__)).stem}.{name}"
    return Entry(qualified if name in OPTIMIZERS else name, cls, aliases=(qualified,))


@answers
def register(
    name: str,
    optimizer: type[Optimizer],
    *,
    aliases: Iterable[str] = (),
    batch_size: BatchSize = 32,
    summary: str = "",
) -> None:
    """Give a custom optimizer a name for ``Trainer``, ``compare`` and the command line.

    Parameters
    ----------
    name : str
        The name. It may have been registered before, but not for an optimizer of minidl.
    optimizer : type
        A class derived from :class:`Optimizer`. Its constructor takes ``lr``, and ``momentum`` if
        it has one, both declared in the class; other arguments need defaults.
    aliases : iterable of str, optional
        Other names for it.
    batch_size : int or "full", default 32
        Its batch size, unless another is given.
    summary : str, optional
        One line about it, by default the first of its docstring.

    Raises
    ------
    ArgumentError
        The name is taken or invalid, or the class is not a valid optimizer.

    Examples
    --------
    >>> import numpy as np
    >>> from minidl.optim import OPTIMIZERS, Optimizer, learning_rate, lookup, register
    >>> class SignDescent(Optimizer):
    ...     lr = learning_rate()
    ...     def __init__(self, lr):
    ...         super().__init__(lr=lr)
    ...     def update(self, w, grad):
    ...         w -= self.lr * np.sign(grad(w))
    >>> register("sign-descent", SignDescent)
    >>> lookup("sign descent").make(0.1)
    SignDescent(lr=0.1)
    >>> OPTIMIZERS.remove("sign-descent")

    In a file ``sign.py``, the class needs no registered name::

        minidl compare --optimizers sign.py:SignDescent,nag
    """
    check_name(name)
    cls, other_names = check_class(optimizer), tuple(aliases)
    for taken in {OPTIMIZERS.canonical(n) for n in (name, *other_names) if n in OPTIMIZERS}:
        if OPTIMIZERS[taken].optimizer.__module__.startswith("minidl."):
            raise ArgumentError(f"minidl has an optimizer named {taken!r}: choose another name")
        OPTIMIZERS.remove(taken)
    line = summary or (cls.__doc__ or cls.__name__).strip().splitlines()[0]
    OPTIMIZERS.add(name, Entry(name, cls, batch_size, False, other_names, line), other_names)


@answers
def SGD(  # noqa: N802
    lr: Setting, momentum: Setting = 0.0, *, nesterov: bool = False
) -> Optimizer:
    """Return the optimizer that Keras and PyTorch call SGD.

    Without momentum it is :class:`GradientDescent`, with it :class:`Momentum`, and with
    ``nesterov=True`` :class:`ReformulatedNAG`: as in Keras and PyTorch, the stored weights are the
    look-ahead point. ``nesterov=True`` without momentum is an ArgumentError (Keras, optax and
    scikit-learn ignore it silently), as is a value out of range.

    >>> SGD(0.1), SGD(0.1, 0.9)
    (GradientDescent(lr=0.1), Momentum(lr=0.1, momentum=0.9))
    >>> SGD(0.1, 0.9, nesterov=True)
    ReformulatedNAG(lr=0.1, momentum=0.9)
    """
    check_flag("nesterov", nesterov)
    optimizer = ReformulatedNAG(lr, momentum) if nesterov else Momentum(lr, momentum)
    setting = optimizer.hyperparameters["momentum"]
    if callable(setting) or np.any(setting):
        return optimizer
    if nesterov:
        raise ArgumentError(
            "nesterov=True with momentum=0 would do nothing: it is plain gradient descent",
            received=f"momentum={momentum!r}",
            expected="0 < momentum < 1",
            hint="Give a momentum such as 0.9, or leave nesterov out.",
        )
    return GradientDescent(lr)


def scale_of(optimizer: Optimizer) -> float:
    """Return the factor of the default rates for a rule, relative to gradient descent's."""
    rule = type(optimizer.chain()[-1])
    return next((entry.scale for entry in TABLE if entry.optimizer is rule), 1.0)
