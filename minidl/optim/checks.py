"""Checks of what a step of an optimizer is given, and of what its formula does."""

import inspect
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from minidl.checks import check_count
from minidl.errors import ArgumentError, CallError, DTypeError, MinidlError, ShapeError, invalid
from minidl.keywords import answers
from minidl.optim.hyperparameters import Array
from minidl.words import USAGE

MISSING: Any = None  # as PyTorch's step() needs no argument, a call without them has an answer
REAL = "fiu"  # kinds of dtypes that a gradient may have


def check_vector(w: object, grad: object) -> None:
    """Raise unless `w` is an array of float32 or float64."""
    if not isinstance(w, np.ndarray) or w.dtype.char not in "fd":
        raise _wrong_vector(w, grad)


def wrong_gradient(g: Any, shape: tuple[int, ...]) -> MinidlError:
    """Return the error for a gradient that is not a real array of this shape."""
    if isinstance(g, np.ndarray) and g.shape == shape:
        expected = "real numbers, such as float64"
        return DTypeError("the gradient has another dtype", received=g.dtype, expected=expected)
    return ShapeError(
        "the gradient does not fit the vector",
        received=f"{type(g).__name__} of shape {_shape(g)}",
        expected=f"an ndarray of shape {shape}",
        hint="grad must be a function: point -> gradient at that point.",
    )


@answers
def _wrong_vector(w: object, grad: object) -> MinidlError:
    """Return the error for a first argument of `step` that is not a vector."""
    if grad is MISSING:
        return CallError("step needs w and grad", hint=USAGE["Optimizer.step"])
    return DTypeError(
        "an optimizer updates its vector in place",
        received=f"{type(w).__name__} of {getattr(w, 'dtype', 'no dtype')}",
        expected="an ndarray of float32 or float64",
        hint="Convert it once with np.asarray(w, dtype=float) and keep that array.",
    )


def check_first(w: Array, grad: object, settings: Mapping[str, Any]) -> None:
    """Raise unless the first step can be taken with these hyperparameters."""
    if not callable(grad):
        received, expected = type(grad).__name__, "a function: point -> gradient at that point"
        raise ArgumentError("grad is not a function", received=received, expected=expected)
    try:
        inspect.signature(grad).bind(w)
    except TypeError as error:
        problem = f"grad must be a function: point -> gradient at that point, but {error}"
        raise ArgumentError(problem) from None
    except ValueError:  # of a built-in function
        pass
    if not w.flags.writeable:
        hint = "Give a copy: w = w.copy()."
        raise ArgumentError("an optimizer writes into w, which is read-only", hint=hint)
    for name, value in settings.items():
        if isinstance(value, np.ndarray) and (w.ndim != 2 or len(value) != len(w)):
            message = f"{name} has one value per replica, which does not fit the vector"
            received = f"{len(value)} values for w of shape {w.shape}"
            expected = f"a single number, or w of shape ({len(value)}, P)"
            raise ShapeError(message, received=received, expected=expected)


def wrong_point(
    point: object, shape: tuple[int, ...], extra: tuple[object, ...]
) -> ShapeError | CallError:
    """Return the error for a point, at which a formula asks for the gradient, of another shape."""
    if extra:
        return CallError(f"grad takes one point, got {1 + len(extra)} arguments")
    received = f"{type(point).__name__} of shape {_shape(point)}"
    hint = "Call grad(w), or grad at another array of this shape."
    problem = "grad takes a point shaped like w"
    return ShapeError(
        problem, received=received, expected=f"an ndarray of shape {shape}", hint=hint
    )


def _shape(value: Any) -> tuple[int, ...]:
    """Return the shape of an array or of a list of numbers; () for anything else."""
    try:
        return np.shape(value)
    except ValueError:  # rows of different lengths
        return ()


def refuse_reshaped(name: str, w: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NoReturn:
    """Undo a change of shape or dtype in place, and raise."""
    received = f"{w.dtype} of shape {w.shape}"
    w.dtype, w.shape = dtype, shape  # type: ignore[misc]
    expected = f"{dtype} of shape {shape}"
    problem = f"{name}.update changed the shape or dtype of w"
    raise ArgumentError(problem, received=received, expected=expected)


def check_mapping(name: str, value: object) -> Any:
    """Return a mapping, or raise an ArgumentError that names it."""
    if not isinstance(value, Mapping):
        raise invalid(name, value, "a dictionary")
    return value


def check_saved(state: object) -> Mapping[str, Any]:
    """Return a state of ``state_dict``, or raise an ArgumentError."""
    checked: Mapping[str, Any] = check_mapping("state", state)
    needed = ("optimizer", "step_count", "gradient_evaluations", "state")
    if missing := [name for name in needed if name not in checked]:
        hint = "Give what another optimizer's state_dict() returned."
        problem = f"state has no {', '.join(missing)}"
        raise ArgumentError(problem, hint=hint)
    check_count("step_count", checked["step_count"], 0)
    check_count("gradient_evaluations", checked["gradient_evaluations"], 0)
    for name, array in check_mapping("state['state']", checked["state"]).items():
        if np.asarray(array).dtype.kind not in f"{REAL}b" and not str(name).startswith("@"):
            raise invalid(f"state['state'][{name!r}]", array, "an array of numbers")
    return checked
