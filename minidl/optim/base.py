"""The base of every optimizer: checked hyperparameters, state vectors and a step count."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count
from minidl.errors import ArgumentError, CallError, ShapeError
from minidl.keywords import Answering, wrong_call
from minidl.optim.attributes import Snapshot, changed, pack_all, plain, snapshot, unpack
from minidl.optim.checks import (
    MISSING,
    REAL,
    check_first,
    check_mapping,
    check_saved,
    check_vector,
    refuse_reshaped,
    wrong_gradient,
    wrong_point,
)
from minidl.optim.hyperparameters import Hyperparameter
from minidl.optim.schedules import Schedule
from minidl.subclasses import without_formula

Array: TypeAlias = npt.NDArray[Any]
Gradient: TypeAlias = Callable[[Array], Array]
Setting: TypeAlias = npt.ArrayLike | Schedule  # a number, one for each replica, or a schedule
BASE = {"hyperparameters", "state", "step_count", "gradient_evaluations", "_before"}


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
    _checks: ClassVar = {
        "state": partial(check_mapping, "state"),
        "hyperparameters": partial(check_mapping, "hyperparameters"),
        "step_count": lambda count: check_count("step_count", count, 0),
        "gradient_evaluations": lambda count: check_count("gradient_evaluations", count, 0),
    }
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
        state, shape, dtype = self.state, w.shape, w.dtype
        for name in self.state_names:
            if name not in state:
                state[name] = np.zeros_like(w)
            elif (state_shape := getattr(state[name], "shape", None)) != shape:
                raise ShapeError(
                    f"{type(self).__name__} has state for another vector",
                    received=f"w of shape {shape}",
                    expected=f"shape {state_shape}",
                    hint="Use one optimizer per vector, or call reset().",
                )
        counts = self.__dict__  # __setattr__ would cost time
        if counts["step_count"] == 0:
            self._check_first(w, grad)

        def gradient(point: Array = MISSING, *extra: object) -> Array:
            if extra or getattr(point, "shape", None) != shape:
                raise wrong_point(point, shape, extra)
            g = grad(point)
            counts["gradient_evaluations"] += 1
            if getattr(g, "shape", None) != shape or g.dtype.kind not in REAL:
                raise wrong_gradient(g, shape)
            return g

        returned: object = self.update(w, gradient)
        if w.shape != shape or w.dtype != dtype:
            refuse_reshaped(type(self).__name__, w, shape, dtype)
        if returned is not None and returned is not w:
            hint = "Write the new point into w: w -= ... or w[...] = ...; return nothing."
            raise ArgumentError(f"{type(self).__name__}.update returned a value", hint=hint)
        counts["step_count"] += 1

    def _check_first(self, w: Array, grad: object) -> None:
        """Check the arguments of the first step, and the hyperparameters, however they were set."""
        check_first(w, grad, {name: self._checked(name) for name in self.hyperparameters})
        self.note_attributes()

    def _checked(self, name: str) -> Any:
        """Return a hyperparameter as it is held, checked unless it is a schedule."""
        classes = (c for part in self.chain() for c in type(part).__mro__)
        declarations = (vars(c).get(name) for c in classes)
        declared = next((d for d in declarations if isinstance(d, Hyperparameter)), None)
        if declared is None:
            error = wrong_call(type(self).__init__, (self,), {name: None})
            raise error or CallError(f"{type(self).__name__} has no {name}")
        value = self.hyperparameters[name]
        return value if callable(value) else declared.check(value)

    def note_attributes(self) -> None:
        """Note the attributes that a custom class has, before the first step."""
        if self._before is None:
            self._before = snapshot(self.attributes())

    def attributes(self) -> dict[str, Any]:
        """Return the attributes that a custom class has added, except its ``not_state``."""
        standard = BASE.union(type(self).not_state)
        return {name: value for name, value in vars(self).items() if name not in standard}

    def own_state(self) -> dict[str, Any]:
        """Return undeclared state: the attributes that have changed since the first step."""
        state = self.attributes()
        return {} if self._before is None else {n: state[n] for n in changed(state, self._before)}

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
        unrestored = [n for n in self.own_state() if n in before and not plain(before[n][0])]
        self._restore_attributes(without=unrestored)
        for name in list(self.state):
            if name in self.state_names:
                self.state[name].fill(0.0)
            else:
                del self.state[name]
        return unrestored

    def _restore_attributes(self, without: Sequence[str] = ()) -> None:
        """Restore a custom class's attributes from before the first step."""
        if self._before is None:
            return
        before = {name: value for name, (value, _) in self._before.items()}
        undeclared = {n: before.get(n) for n in self.own_state() if n not in without}
        words, arrays = pack_all(undeclared, type(self).__name__)
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
        """Restore what :meth:`state_dict` returned; anything else is an ArgumentError."""
        check_saved(state)
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
