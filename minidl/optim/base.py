"""What every optimizer shares: checked hyperparameters, state vectors and a step count.

The decision of this file: an optimizer knows a vector and a function that gives the gradient at
any point, and nothing else. It never sees a layer, a batch or an epoch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from minidl.errors import ArgumentError, DTypeError, ShapeError
from minidl.optim.keywords import refuse_unknown

__all__ = ["Gradient", "Hyperparameter", "Optimizer", "learning_rate", "momentum"]

Array = npt.NDArray[Any]
Gradient = Callable[[Array], Array]


class Hyperparameter:
    """A checked number, array of numbers, or schedule, read as its value at the present step.

    Reading ``optimizer.lr`` gives a number (or a column, one row per replica). Assigning takes a
    number, a sequence (one entry per replica, kept as shape (R, 1)) or a :class:`Schedule`, a
    function of the step count. Constants are checked when assigned, a schedule when read.

    Parameters
    ----------
    valid : callable
        Array -> boolean array, true where the value may be used.
    expected : str
        The same in words, for the error.
    """

    def __init__(self, valid: Callable[[Any], Any], expected: str) -> None:
        self.valid = valid
        self.expected = expected

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __set__(self, optimizer: Optimizer, value: object) -> None:
        optimizer.hyperparameters[self.name] = value if callable(value) else self.check(value)

    def __get__(self, optimizer: Optimizer | None, owner: type | None = None) -> Any:
        if optimizer is None:
            return self
        value = optimizer.hyperparameters[self.name]
        return self.check(value(optimizer.step_count)) if callable(value) else value

    def at(self, optimizer: Optimizer, step: int) -> Any:
        """Return the value that holds at `step`, which may lie in the future."""
        value = optimizer.hyperparameters[self.name]
        return self.check(value(step)) if callable(value) else value

    def check(self, value: object) -> Any:
        """Return `value` as a float or an (R, 1) array, or raise :class:`ArgumentError`."""
        try:
            if np.asarray(value).dtype.kind in "bcSU":  # bool, complex, bytes, str
                raise TypeError
            array = np.array(value, dtype=float)
        except (TypeError, ValueError, OverflowError):
            array = np.array(np.nan)
        if array.size == 0 or array.shape[1:] not in ((), (1,)) or not np.all(self.valid(array)):
            raise ArgumentError(
                f"{self.name} cannot be used", received=repr(value), expected=self.expected
            )
        if array.ndim == 0:
            return float(array)
        single = isinstance(value, np.ndarray) and value.dtype.char == "f"  # beside such weights
        return array.reshape(-1, 1).astype(np.float32 if single else float)


def learning_rate() -> Hyperparameter:
    """Return a hyperparameter that must be positive and finite."""
    return Hyperparameter(lambda x: (x > 0) & np.isfinite(x), "a finite number greater than 0")


def momentum() -> Hyperparameter:
    """Return a hyperparameter in [0, 1)."""
    return Hyperparameter(lambda x: (x >= 0) & (x < 1), "a number from 0 up to, but not, 1")


class Optimizer(ABC):
    """The base of every optimizer; a new one writes its formula in :meth:`update`.

    Attributes
    ----------
    step_count : int
        Steps taken; the argument that schedules receive.
    gradient_evaluations : int
        How often the gradient was asked for.
    hyperparameters : dict
        Name -> number, column or schedule, as assigned.
    state : dict of ndarray
        Name -> vector shaped like ``w``. Empty before the first step.

    Examples
    --------
    An optimizer of one's own is its formula. Sign descent moves each weight by ``lr``:

    >>> import numpy as np
    >>> from minidl import optim
    >>> class SignDescent(optim.Optimizer):
    ...     lr = optim.learning_rate()
    ...     def __init__(self, lr):
    ...         super().__init__(lr=lr)
    ...     def update(self, w, grad):
    ...         w -= self.lr * np.sign(grad(w))
    >>> w = np.array([3.0, -2.0])
    >>> SignDescent(lr=0.5).step(w, lambda point: point)
    >>> w
    array([ 2.5, -1.5])
    """

    state_names: tuple[str, ...] = ()

    def __new__(cls, *args: object, **hyperparameters: object) -> Self:
        """Refuse keywords that ``__init__`` does not take, before Python does."""
        if hyperparameters:
            refuse_unknown(cls.__name__, cls.__init__, hyperparameters)
        return super().__new__(cls)

    def __init__(self, **hyperparameters: object) -> None:
        self.hyperparameters: dict[str, Any] = {}
        self.state: dict[str, Array] = {}
        self.step_count = 0
        self.gradient_evaluations = 0
        for name, value in hyperparameters.items():
            setattr(self, name, value)

    @abstractmethod
    def update(self, w: Array, grad: Gradient) -> None:
        """Replace `w`, in place, by the next stored point. This is the formula.

        Parameters
        ----------
        w : ndarray, shape (P,) or (R, P)
            All weights as one vector; for replicas, one in each row. Write into it, ``w -= ...`` or
            ``w[...] = ...``: ``w = w - ...`` would make a new array, which nobody sees.
        grad : callable
            Point -> gradient there, shaped like `w`; see :meth:`step`. A view that the next call
            overwrites.
        """

    def step(self, w: Array, grad: Gradient) -> None:
        """Take one step: check, apply the formula, count.

        Parameters
        ----------
        w : ndarray of float, shape (P,) or (R, P)
            The vector, updated in place.
        grad : callable
            Point -> gradient of the current batch at that point, both shaped like `w`. It must
            not keep or change the point it is given.

        Raises
        ------
        DTypeError
            `w` is not an array of float32 or float64.
        ArgumentError
            `grad` is not a function.
        ShapeError
            A hyperparameter has one value per replica and `w` has no such rows; the gradient, or
            state from earlier steps, has another shape than `w`.
        """
        if not isinstance(w, np.ndarray) or w.dtype.char not in "fd":
            raise DTypeError(
                "an optimizer updates its vector in place",
                received=f"{type(w).__name__} of {getattr(w, 'dtype', 'no dtype')}",
                expected="an ndarray of float32 or float64",
                hint="Convert it once with np.asarray(w, dtype=float) and keep that array.",
            )
        state, shape = self.state, w.shape
        for name in self.state_names:
            if name not in state:
                state[name] = np.zeros_like(w)
            elif state[name].shape != shape:
                raise ShapeError(
                    f"{type(self).__name__} holds state for another vector",
                    received=f"w of shape {w.shape}",
                    expected=f"shape {state[name].shape}",
                    hint="Use one optimizer per vector, or call reset().",
                )

        if self.step_count == 0:
            self._check_first(w, grad)

        def gradient(point: Array) -> Array:
            g = grad(point)
            self.gradient_evaluations += 1
            if getattr(g, "shape", None) != shape:
                raise ShapeError(
                    "the gradient does not fit the vector",
                    received=f"{type(g).__name__} of shape {np.shape(g)}",
                    expected=f"an ndarray of shape {w.shape}",
                    hint="grad must be a function: point -> gradient at that point.",
                )
            return g

        self.update(w, gradient)
        self.step_count += 1

    def _check_first(self, w: Array, grad: Gradient) -> None:
        """Refuse, before the first step, what could never work."""
        if not callable(grad):
            raise ArgumentError(
                "grad is not a function",
                received=type(grad).__name__,
                expected="a function: point -> gradient at that point",
            )
        for name, value in self.hyperparameters.items():
            if isinstance(value, np.ndarray) and (w.ndim != 2 or len(value) != len(w)):
                raise ShapeError(
                    f"{name} has one value per replica, and the vector no such replicas",
                    received=f"{len(value)} values for w of shape {w.shape}",
                    expected=f"a single number, or w of shape ({len(value)}, P)",
                )

    def iterate(self, w: Array) -> Array:
        """Return the method's iterate theta, given the stored vector `w`.

        For every method but :class:`ReformulatedNAG` they are the same, and `w` itself is
        returned.
        """
        return w

    def stored(self, theta: Array) -> Array:
        """Return the vector to store for the iterate `theta`: the inverse of :meth:`iterate`."""
        return theta

    def look_ahead(self, w: Array) -> Array:
        """Return the point at which the next step asks for the gradient, given the stored `w`.

        For :class:`NAG` it is w - m v, a new array, with the momentum m of the next step, whose
        number is :attr:`step_count`. For the other methods of minidl it is `w` itself, which is
        returned: :class:`ReformulatedNAG` stores that point. One that asks elsewhere overrides
        this.

        Examples
        --------
        >>> import numpy as np
        >>> from minidl import optim
        >>> w, nag = np.array([1.0]), optim.NAG(lr=0.1, momentum=0.5)
        >>> nag.step(w, lambda point: point)  # now w is 0.9, and v is 0.1
        >>> nag.look_ahead(w)
        array([0.85])
        """
        return w

    def reset(self) -> None:
        """Forget the state and the counts; keep the hyperparameters."""
        self.state.clear()
        self.step_count = 0
        self.gradient_evaluations = 0

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of counts and state, with the class name.

        Hyperparameters are the constructor's business and are not part of it.
        """
        return {
            "optimizer": type(self).__name__,
            "step_count": self.step_count,
            "gradient_evaluations": self.gradient_evaluations,
            "state": {name: vector.copy() for name, vector in self.state.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned.

        Raises
        ------
        ArgumentError
            The state was saved by another class, or lacks or adds a vector.
        """
        vectors = dict(state["state"])
        complete = set(vectors) == set(self.state_names)
        fresh = not vectors and state["step_count"] == 0
        if state["optimizer"] != type(self).__name__ or not (complete or fresh):
            raise ArgumentError(
                "this state belongs to another optimizer",
                received=f"{state['optimizer']} with {sorted(vectors)}",
                expected=f"{type(self).__name__} with {sorted(self.state_names)}",
            )
        self.step_count = int(state["step_count"])
        self.gradient_evaluations = int(state["gradient_evaluations"])
        self.state = {name: np.array(vector) for name, vector in vectors.items()}

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={_plain(v)}" for name, v in self.hyperparameters.items())
        return f"{type(self).__name__}({inside})"


def _plain(value: object) -> object:
    return value.ravel().tolist() if isinstance(value, np.ndarray) else value
