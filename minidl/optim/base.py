"""The base of every optimizer: checked hyperparameters, state vectors and a step count."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from minidl.errors import (
    ArgumentError,
    CallError,
    DTypeError,
    MinidlError,
    ShapeError,
)
from minidl.keywords import Answering, answers, wrong_call
from minidl.optim.attributes import Snapshot, changed, pack_all, plain, snapshot, unpack
from minidl.optim.schedules import Schedule
from minidl.subclasses import without_formula
from minidl.words import USAGE

Array: TypeAlias = npt.NDArray[Any]
Gradient: TypeAlias = Callable[[Array], Array]
Setting: TypeAlias = npt.ArrayLike | Schedule  # a number, one for each replica, or a schedule
BASE = {"hyperparameters", "state", "step_count", "gradient_evaluations", "_before"}
MISSING: Any = None  # as PyTorch's step() needs no argument, a call without them has an answer


class Optimizer(Answering, ABC):
    """The base of every optimizer; a custom one writes its formula in :meth:`update`.

    Attributes
    ----------
    step_count, gradient_evaluations : int
        Steps taken, the argument of schedules; and how often the gradient was evaluated.
    hyperparameters : dict
        Name -> number, column or schedule, as assigned.
    state : dict of ndarray
        Name -> vector shaped like ``w``, for each of ``state_names``; empty before the first step.

    Other attributes of a custom class are settings. Those that :meth:`update` changes are state:
    :meth:`reset` restores their values from before the first step, and checkpoints save them. This
    works for numbers, text, arrays, random generators, and containers of these; any other object
    that changes is an ArgumentError then, unless the class names it in ``not_state``.

    Examples
    --------
    Sign descent moves each weight by ``lr``:

    >>> from minidl.optim import learning_rate
    >>> class SignDescent(Optimizer):
    ...     lr = learning_rate()
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
    not_state: tuple[str, ...] = ()  # attributes that are not state, even if they change
    columns_in_float64 = False  # whether update() itself casts values per replica to w's dtype
    directions: tuple[str, ...] = ("velocity",)  # state that moves w without a gradient
    hyperparameters: dict[str, Any]
    state: dict[str, Array]
    step_count: int
    gradient_evaluations: int
    _before: Snapshot | None  # of other attributes, before the first step

    def __new__(cls, *args: object, **hyperparameters: object) -> Self:
        """Make the attributes of the base, also for a class that does not call its __init__."""
        if cls.update is Optimizer.update:
            raise without_formula(cls)
        optimizer = super().__new__(cls)
        counts = {"step_count": 0, "gradient_evaluations": 0, "_before": None}
        vars(optimizer).update(hyperparameters={}, state={}, **counts)
        return optimizer

    def __init__(self, **hyperparameters: object) -> None:
        for name, value in hyperparameters.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        cls = type(self)
        if name not in BASE and cls.__module__.startswith("minidl.") and not hasattr(cls, name):
            error = wrong_call(cls.__init__, (self,), {name: value})
            assert error is not None
            raise error
        super().__setattr__(name, value)

    def __copy__(self) -> Self:
        """Return an independent copy: two optimizers that share their state would mix two runs."""
        return copy.deepcopy(self)

    @abstractmethod
    def update(self, w: Array, grad: Gradient) -> None:
        """Replace `w`, (P,) or for replicas (R, P), by the next stored point: the formula.

        Write into it, ``w -= ...`` or ``w[...] = ...``; ``w = w - ...`` has no effect. `grad` is
        point -> gradient there, shaped like `w`: a view that the next call overwrites.
        """

    def step(self, w: Array = MISSING, grad: Gradient = MISSING) -> None:
        """Take one step: check, apply the formula, count.

        Parameters
        ----------
        w : ndarray of float32 or float64, shape (P,) or (R, P)
            The vector, updated in place. Another type is a DTypeError; a shape that does not fit
            the gradient, the state or a hyperparameter with a value per replica a ShapeError.
        grad : callable, otherwise an ArgumentError
            Point -> gradient of the current batch there, both shaped like `w`. It must not keep or
            change the point.
        """
        check_vector(w, grad)
        state, shape = self.state, w.shape
        for name in self.state_names:
            if name not in state:
                state[name] = np.zeros_like(w)
            elif state[name].shape != shape:
                raise ShapeError(
                    f"{type(self).__name__} has state for another vector",
                    received=f"w of shape {shape}",
                    expected=f"shape {state[name].shape}",
                    hint="Use one optimizer per vector, or call reset().",
                )
        counts = self.__dict__  # __setattr__ would cost time
        if counts["step_count"] == 0:
            self._check_first(w, grad)

        def gradient(point: Array) -> Array:
            g = grad(point)
            counts["gradient_evaluations"] += 1
            if getattr(g, "shape", None) != shape:
                raise wrong_gradient(g, shape)
            return g

        returned: object = self.update(w, gradient)
        if returned is not None and returned is not w:
            hint = "Write the new point into w: w -= ... or w[...] = ...; return nothing."
            raise ArgumentError(f"{type(self).__name__}.update returned a value", hint=hint)
        counts["step_count"] += 1

    def _check_first(self, w: Array, grad: object) -> None:
        """Check the arguments of the first step."""
        if not callable(grad):
            received, expected = type(grad).__name__, "a function: point -> gradient at that point"
            raise ArgumentError("grad is not a function", received=received, expected=expected)
        for name, value in self.hyperparameters.items():
            if isinstance(value, np.ndarray) and (w.ndim != 2 or len(value) != len(w)):
                message = f"{name} has one value per replica, which does not fit the vector"
                received = f"{len(value)} values for w of shape {w.shape}"
                expected = f"a single number, or w of shape ({len(value)}, P)"
                raise ShapeError(message, received=received, expected=expected)
        self.note_attributes()

    def note_attributes(self) -> None:
        """Note the attributes that a custom class has, before the first step."""
        if self._before is None:
            self._before = snapshot(self.attributes())

    def attributes(self) -> dict[str, Any]:
        """Return the attributes that a custom class has added, except its ``not_state``."""
        known = BASE.union(type(self).not_state)
        return {name: value for name, value in vars(self).items() if name not in known}

    def own_state(self) -> dict[str, Any]:
        """Return undeclared state: the attributes that have changed since the first step."""
        own = self.attributes()
        return {} if self._before is None else {n: own[n] for n in changed(own, self._before)}

    def chain(self) -> list["Optimizer"]:
        """Return the optimizer; of a modifier also those inside it, the rule itself last."""
        return [self]

    def note_loss(self, loss: npt.ArrayLike) -> None:
        """Take note of the loss at the iterate; only :class:`FunctionRestart` needs it."""

    def iterate(self, w: Array) -> Array:
        """Return the iterate theta for the stored `w`: `w` itself, except in ReformulatedNAG."""
        return w

    def stored(self, theta: Array) -> Array:
        """Return the vector to store for the iterate `theta`: the inverse of :meth:`iterate`."""
        return theta

    def look_ahead(self, w: Array) -> Array:
        """Return the point where the next step evaluates the gradient: `w`, or in NAG w - m v."""
        return w

    def reset(self) -> None:
        """Clear the state and the counts; keep the hyperparameters.

        Attributes that a custom class has added get their values from before the first step. One
        that has changed and cannot be copied is an ArgumentError.
        """
        self._restore_attributes()
        self._before = None
        self.state.clear()
        self.step_count = 0
        self.gradient_evaluations = 0

    def forget(self) -> list[str]:
        """Restore the state from before the first step; keep counts and hyperparameters.

        Return the names of attributes that cannot be restored.
        """
        before = self._before or {}
        kept = [n for n in self.own_state() if n in before and not plain(before[n][0])]
        self._restore_attributes(without=kept)
        for name in list(self.state):
            if name in self.state_names:
                self.state[name].fill(0.0)
            else:
                del self.state[name]
        return kept

    def _restore_attributes(self, without: Sequence[str] = ()) -> None:
        """Restore a custom class's attributes from before the first step."""
        if self._before is None:
            return
        before = {name: value for name, (value, _) in self._before.items()}
        own = {n: before.get(n) for n in self.own_state() if n not in without}
        words, arrays = pack_all(own, type(self).__name__)
        for name, packed in words.items():
            if name in before:
                setattr(self, name, unpack(packed, arrays))
            else:
                delattr(self, name)
        for name in before.keys() - self.attributes().keys():
            setattr(self, name, before[name])

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of counts and state, with the class name but without hyperparameters.

        Attributes of a custom class that have changed are in ``attributes``, and their arrays in
        ``state``. One that cannot be saved is an ArgumentError.
        """
        words, arrays = pack_all(self.own_state(), type(self).__name__)
        if undeclared := sorted(self.state.keys() - set(self.state_names)):
            problem = f"{type(self).__name__} keeps state that it does not declare"
            hint = f"Write in the class: state_names = {(*self.state_names, *undeclared)}."
            raise ArgumentError(problem, received=", ".join(undeclared), hint=hint)
        return {
            "optimizer": title(self),
            "step_count": self.step_count,
            "gradient_evaluations": self.gradient_evaluations,
            "state": {name: vector.copy() for name, vector in self.state.items()} | arrays,
            "attributes": words,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned; another class's is an ArgumentError."""
        arrays, before_first_step = dict(state["state"]), state["step_count"] == 0
        vectors = {name: array for name, array in arrays.items() if not name.startswith("@")}
        missing, extra = set(self.state_names) - set(vectors), set(vectors) - set(self.state_names)
        complete = not extra and (before_first_step or not missing)
        if state["optimizer"] != title(self) or not complete:
            received = f"{state['optimizer']} with {sorted(vectors)}"
            expected = f"{title(self)} with {sorted(self.state_names)}"
            message = "this state belongs to another optimizer"
            raise ArgumentError(message, received=received, expected=expected)
        if self._before is None:
            self._before = snapshot(self.attributes())
        self._restore_attributes()
        for name, packed in state.get("attributes", {}).items():
            setattr(self, name, unpack(packed, arrays))
        self.step_count = int(state["step_count"])
        self.gradient_evaluations = int(state["gradient_evaluations"])
        self.state = {name: np.array(vector) for name, vector in vectors.items()}

    def __repr__(self) -> str:
        """Return the class, hyperparameters, and a custom class's settings, numbers and text."""
        pairs = [settings_text(self.hyperparameters)]
        before = {n: value for n, (value, _) in (self._before or {}).items()}
        for name, value in (self.attributes() if self._before is None else before).items():
            if isinstance(value, (bool, int, float, str)):
                pairs.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(filter(None, pairs))})"


def title(optimizer: Optimizer) -> str:
    """Return the class of an optimizer, such as NAG, or ClipByNorm(NAG)."""
    *outer, rule = [type(part).__name__ for part in optimizer.chain()]
    return "".join(f"{name}(" for name in outer) + rule + ")" * len(outer)


def settings_text(settings: Mapping[str, Any]) -> str:
    """Return hyperparameters as arguments: lr=0.1, momentum=0.9."""
    shown = {n: v.ravel().tolist() if isinstance(v, np.ndarray) else v for n, v in settings.items()}
    return ", ".join(f"{name}={value}" for name, value in shown.items())


def check_vector(w: object, grad: object) -> None:
    """Raise unless `w` is an array of float32 or float64."""
    if not isinstance(w, np.ndarray) or w.dtype.char not in "fd":
        raise _wrong_vector(w, grad)


def wrong_gradient(g: Any, shape: tuple[int, ...]) -> ShapeError:
    """Return the error for a gradient that is no array of this shape."""
    return ShapeError(
        "the gradient does not fit the vector",
        received=f"{type(g).__name__} of shape {np.shape(g)}",
        expected=f"an ndarray of shape {shape}",
        hint="grad must be a function: point -> gradient at that point.",
    )


@answers
def _wrong_vector(w: object, grad: object) -> MinidlError:
    """Return the error for a first argument of `step` that is no vector."""
    if grad is MISSING:
        return CallError("step needs w and grad", hint=USAGE["Optimizer.step"])
    return DTypeError(
        "an optimizer updates its vector in place",
        received=f"{type(w).__name__} of {getattr(w, 'dtype', 'no dtype')}",
        expected="an ndarray of float32 or float64",
        hint="Convert it once with np.asarray(w, dtype=float) and keep that array.",
    )
