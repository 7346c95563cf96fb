"""Checks of a custom optimizer class before it gets a name."""

import inspect
from typing import Any

from minidl.errors import ArgumentError, MinidlError, invalid
from minidl.optim.base import Optimizer

SETTINGS = {"lr": "learning_rate()", "momentum": "momentum()"}


def check_name(name: object) -> None:
    """Raise unless `name` can be typed in a list of names."""
    if not isinstance(name, str) or not name.strip() or set(name) & set(",:/\\"):
        raise invalid("name", name, 'a name such as "my-adam", without commas and colons')


def check_class(cls: Any) -> type[Optimizer]:
    """Return an optimizer class that can be made with lr, and momentum if it has one.

    >>> class Adam:
    ...     def __init__(self, params, lr=0.001): ...
    >>> check_class(Adam)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    minidl.errors.ArgumentError: Adam is not derived from minidl.optim.Optimizer. Write class \
Adam(Optimizer), ...
    """
    if not isinstance(cls, type):
        expected = "a class derived from minidl.optim.Optimizer"
        raise invalid("optimizer", cls, expected, "Give the class, not an instance.")
    name = cls.__name__
    if not issubclass(cls, Optimizer):
        hint = f"Write class {name}(Optimizer), with __init__(self, lr) and update(self, w, grad)"
        hint += ", which changes the vector w of all parameters in place."
        raise ArgumentError(f"{name} is not derived from minidl.optim.Optimizer", hint=hint)
    instance = _made(cls)
    for setting in [s for s in SETTINGS if s in _arguments(cls)]:
        if setting not in instance.hyperparameters:
            hint = f"Write in the class: {setting} = minidl.optim.{SETTINGS[setting]}"
            hint += f", and in __init__: super().__init__({setting}={setting})."
            raise ArgumentError(f"{name} does not declare {setting}", hint=hint)
    return cls


def _arguments(cls: type) -> dict[str, inspect.Parameter]:
    """Return the arguments of the constructor, without self."""
    init = getattr(cls, "__init__")  # noqa: B009
    return dict([*inspect.signature(init).parameters.items()][1:])


def _made(cls: type[Optimizer]) -> Optimizer:
    """Return an instance, or raise an error that says what the constructor must take."""
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    arguments, name = _arguments(cls), cls.__name__
    settings = {"lr": 0.1} | ({"momentum": 0.9} if hasattr(cls, "momentum") else {})
    open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in arguments.values())
    needed = [n for n, p in arguments.items() if p.default is p.empty and p.kind not in several]
    missing = [s for s in settings if s not in arguments and not open_ended]
    extra = [n for n in needed if n not in settings]
    if missing or extra:
        received = f"{name}({', '.join(arguments)})"
        hint = f"Give {', '.join(extra)} a default." if extra and not missing else None
        expected = f"{name}({', '.join(settings)}), other arguments with defaults"
        problem = f"the constructor of {name} cannot be called with {' and '.join(settings)} alone"
        raise ArgumentError(problem, received=received, expected=expected, hint=hint)
    try:
        return cls(**settings)
    except MinidlError:
        raise
    except Exception as error:
        call = ", ".join(f"{key}={value}" for key, value in settings.items())
        problem = f"{name}({call}) raises {type(error).__name__}: {error}"
        raise ArgumentError(problem) from error
