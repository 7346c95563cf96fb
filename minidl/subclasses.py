"""Checks of a class when it is defined: methods that are never called, or with other arguments."""

import inspect
from types import FunctionType

from minidl.errors import CallError, shown
from minidl.spelling import close_matches
from minidl.words import METHODS, MISPLACED, NEVER_SET, OBJECTS

NEEDED = {"Layer": "forward", "Loss": "mean", "Optimizer": "update"}  # what a custom class writes
HOOKS = ("on_fit_begin", "on_epoch_begin", "on_epoch_end", "on_fit_end")


def check_methods(cls: type) -> None:
    """Raise if a method of a new class has a name or arguments of another library.

    >>> from minidl import nn
    >>> class Doubled(nn.Layer):
    ...     def call(self, x): return 2 * x
    Traceback (most recent call last):
    ...
    minidl.errors.CallError: Doubled.call is never called. Rename it to forward(self, x, \
training=False).
    """
    base = next((b for b in cls.__mro__ if b.__name__ in (*NEEDED, "Callback")), None)
    if base is None or base is cls or not base.__module__.startswith("minidl."):
        return
    needed = NEEDED.get(base.__name__)
    for name, method in vars(cls).items():
        if name in NEVER_SET and isinstance(method, bool):
            hint = OBJECTS["Layer"][name]
            raise CallError(f"{cls.__name__}.{name} = {method} means nothing", hint=hint)
        if name in (needed, *HOOKS) and not (callable(method) or hasattr(method, "__get__")):
            raise CallError(f"{cls.__name__}.{name} must be a method, got {shown(method)}")
        if isinstance(method, FunctionType):
            if base.__name__ == "Callback":
                _check_hook(cls, name)
            elif name in METHODS[base.__name__] and _is_idle(cls, base, name, str(needed)):
                hint = METHODS[base.__name__][name]
                raise CallError(f"{cls.__name__}.{name} is never called", hint=hint)
            if name in (needed, *HOOKS) and name in vars(base):
                _check_arguments(cls, name, method, getattr(base, name))


def _is_idle(cls: type, base: type, name: str, needed: str) -> bool:
    """Return whether nothing calls a method: a custom class has not written the needed one.

    One that the base has too, such as ``step``, is called as soon as there is the needed one.
    """
    if name in vars(base) and getattr(cls, needed) is not vars(base)[needed]:
        return False
    return not any(needed in vars(c) for c in cls.__mro__ if not c.__module__.startswith("minidl."))


def without_formula(cls: type) -> CallError:
    """Return the error for a class that has not written the method that its base needs."""
    base = next(b for b in cls.__mro__ if b.__name__ in NEEDED)
    name = NEEDED[base.__name__]
    form = _plain(inspect.signature(getattr(base, name)))
    hint = f"Write def {name}{form} in a class of your own."
    return CallError(f"{cls.__name__} does not define {name}", hint=hint)


def _check_hook(cls: type, name: str) -> None:
    """Raise if the name is that of a hook elsewhere, or nearly that of one here."""
    answer = METHODS["Callback"].get(name)
    if answer is None and name.startswith("on_") and name not in HOOKS:
        answer = OBJECTS["Callback"].get(name)
        near = close_matches(name, HOOKS, n=1, cutoff=0.7)
        answer = answer or (f"Did you mean {near[0]!r}?" if near else None)
    if answer is not None:
        raise CallError(f"{cls.__name__}.{name} is not a hook and is never called", hint=answer)


def _check_arguments(cls: type, name: str, method: FunctionType, original: FunctionType) -> None:
    """Raise if a method cannot be called like the original, or calls its arguments otherwise."""
    form, signature = _plain(inspect.signature(original)), inspect.signature(method)
    misplaced = MISPLACED.get(name, "").split()
    names = list(signature.parameters)
    try:
        signature.bind(*form.parameters)
    except TypeError:
        fits = False
    else:
        position = 2 if name == "forward" else 1
        fits = not set(names[position : position + 1]) & set(misplaced)
    if not fits:
        hint = f"Write def {name}{form}."
        problem = f"{cls.__name__}.{name}{_plain(signature)}"
        raise CallError(f"{problem} has other arguments than those it is given", hint=hint)


def _plain(signature: inspect.Signature) -> inspect.Signature:
    """Return a signature without annotations."""
    return inspect.Signature([p.replace(annotation=p.empty) for p in signature.parameters.values()])
