"""One way to run whatever implements an optimizer: new for each run, step by step."""

import copy
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minidl.errors import ArgumentError
from minidl.identification.conventions import (
    DEFAULT_RATE,
    LISTS,
    Form,
    Step,
    at_rate,
    check_arguments,
    following,
    holding,
    new_weights,
)
from minidl.identification.gradient import Array, Slope
from minidl.optim import Optimizer, lookup

RATES = ("lr", "learning_rate", "rate", "eta", "step_size", "stepsize", "alpha")
LATE = 1000  # step at which schedules of other hyperparameters are looked at
SHAPES = """Give one of these:
  an optimizer of minidl, its name, or a class derived from Optimizer
  a class or a function that is called with lr, and returns an object with
    step(w, grad), or such a function; w and grad may be lists or dicts of
    arrays, or be held by params, its first argument, as in PyTorch
  a function step(w, g, state), which returns the new weights or changes w;
    state is a dict, empty at first; lr is passed if it has that argument
  a generator function rule(w, lr): g = yield w"""
FOREIGN = {"torch": "PyTorch", "keras": "Keras", "optax": "optax"}


@dataclass
class Subject:
    """An optimizer to be identified: `make` starts it at a learning rate.

    `rate` is its own learning rate, or None if it takes none; `changes` says whether the rate can
    change during a run; `declared` are the hyperparameters that it says it has.
    """

    name: str
    make: Callable[[float], Step]
    rate: float | None
    changes: bool
    declared: Mapping[str, float] = field(default_factory=dict)


def subject(step: Any) -> Subject:
    """Return the subject for `step`, or raise an ArgumentError that lists what it may be."""
    if isinstance(step, str):
        step = lookup(step).optimizer
    if isinstance(step, Optimizer):
        return _instance(step)
    if isinstance(step, type) and issubclass(step, Optimizer):
        needed = _required(step)
        name = _rate_among(needed)
        return _instance(step(**{name: DEFAULT_RATE} if name else {}))
    home = type(step).__module__.split(".")[0]
    if home in FOREIGN or (isinstance(step, tuple) and hasattr(step, "update")):
        library = FOREIGN.get(home, "optax")
        hint = f"The adapter for {library} has three lines: see minidl/identification/README.md."
        raise ArgumentError(f"an optimizer of {library} needs an adapter", hint=hint)
    if not callable(step) and _method(step) is None:
        raise ArgumentError(f"{type(step).__name__} is not an optimizer", hint=SHAPES)
    if inspect.isgeneratorfunction(step):
        return _generator(step)
    if isinstance(step, type) or (_is_function(step) and len(_required(step)) < 2):
        return _factory(step)
    if _is_function(step):
        return _function(step)
    return _object(step)


def _is_function(step: Any) -> bool:
    return inspect.isroutine(step) or hasattr(step, "func")  # functools.partial


def _parameters(function: Any) -> dict[str, inspect.Parameter]:
    """Return the arguments of a function or class, without those of ``*args``."""
    try:
        signature = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {name: p for name, p in signature.items() if p.kind not in several}


def _required(function: Any) -> list[str]:
    return [name for name, p in _parameters(function).items() if p.default is p.empty]


def _rate_among(names: Collection[str]) -> str | None:
    """Return the name of the learning rate; alpha counts only without a better one."""
    return next((name for name in RATES if name in names), None)


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """Return the values that are numbers; a pair of betas as two."""
    settings: dict[str, float] = {}
    for name, value in values.items():
        pair = value if name == "betas" and isinstance(value, (tuple, list)) else (value,)
        for place, number in enumerate(pair, start=1):
            if isinstance(number, (int, float, np.floating)) and not isinstance(number, bool):
                settings[f"beta{place}" if len(pair) > 1 else name.strip("_")] = float(number)
    return settings


def _instance(optimizer: Optimizer) -> Subject:
    """Return the subject for an optimizer of minidl; schedules keep a value.

    A schedule of the learning rate keeps its first value, one of another hyperparameter a late
    one: Nesterov's momentum is 0 at first. Its name says so.
    """
    template = copy.deepcopy(optimizer)
    template.reset()
    late: tuple[str, ...] = ()
    for name in template.hyperparameters:
        value = getattr(template, name)
        if name != "lr" and callable(template.hyperparameters[name]):
            value = template.hyperparameters[name](LATE)
            late += (f"{name} as in step {LATE}",)
        if np.ndim(value):
            raise ArgumentError(f"{name} has one value per replica: identify needs a number")
        setattr(template, name, value)
    rate = template.hyperparameters.get("lr")

    def make(lr: float) -> Step:
        instance = copy.deepcopy(template)
        if rate is not None:
            instance.lr = lr

        follow = following(instance, None if rate is None else "lr", lr)

        def step(w: Array, g: Slope, lr: float) -> Array:
            follow(lr)
            instance.step(w, g.at)
            return w

        return step

    declared = _numbers(template.hyperparameters)
    title = type(template).__name__ + (f" ({', '.join(late)})" if late else "")
    return Subject(title, make, rate, rate is not None, declared)


def _factory(factory: Any) -> Subject:
    """Return the subject for a class, or a function that returns a step or an object."""
    parameters = _parameters(factory)
    name = _rate_among(parameters) or next(iter(_required(factory)), None)
    holds = next((n for n in _required(factory)[:1] if n in LISTS), None)
    name = None if name == holds else name
    required = [n for n in _required(factory) if n not in (name, holds)]
    title = name_of(factory)
    if required:
        received = f"{title}({', '.join(parameters)})"
        hint = f"Give {', '.join(required)} a default, or write: lambda lr: {title}(...)."
        raise ArgumentError("identify calls it with lr alone", received=received, hint=hint)
    default = parameters[name].default if name else None
    rate = None if name is None else default if isinstance(default, float) else DEFAULT_RATE

    form = Form()

    def make(lr: float) -> Step:
        arguments = {} if name is None else {name: lr}
        if holds is None:
            instance = factory(**arguments)
            return _stepping(instance, _rate_of(instance), form)
        instance, step = holding(lambda group: factory(group, **arguments))
        follow = following(instance, _rate_of(instance), lr)
        return lambda w, g, lr: (follow(lr), step(w, g))[1]

    if holds is None:
        sample = factory() if name is None else factory(**{name: rate})
        _stepping(sample, None, form)
        form.choose(at_rate(make, rate))
    else:
        sample = holding(lambda group: factory(group, **({name: rate} if name else {})))[0]
    changes = _rate_of(sample) is not None or _takes_rate(sample)
    declared = _numbers({n: p.default for n, p in parameters.items()})
    return Subject(title, make, rate, changes and name is not None, declared)


def _object(step: Any) -> Subject:
    """Return the subject for an object; each run takes a copy."""
    attribute = _rate_of(step)
    rate = None if attribute is None else float(getattr(step, attribute))
    form = Form()

    def make(lr: float) -> Step:
        instance = copy.deepcopy(step)
        if attribute is not None:
            setattr(instance, attribute, lr)
        return _stepping(instance, attribute, form)

    make(rate or DEFAULT_RATE)
    form.choose(at_rate(make, rate))
    return Subject(type(step).__name__, make, rate, rate is not None, _numbers(vars(step)))


def _function(step: Any) -> Subject:
    """Return the subject for a function of weights, gradient and perhaps a state."""
    name = _rate_among(_parameters(step))
    default = _parameters(step)[name].default if name else None
    rate = None if name is None else default if isinstance(default, float) else DEFAULT_RATE
    declared = _numbers({n: p.default for n, p in _parameters(step).items()})
    form = Form()

    def make(lr: float) -> Step:
        return _stepping(step, None, form)

    make(DEFAULT_RATE)
    form.choose(at_rate(make, rate))
    return Subject(name_of(step), make, rate, bool(name), declared)


def _generator(rule: Any) -> Subject:
    """Return the subject for a generator, which yields weights and is sent gradients."""
    parameters = _parameters(rule)
    name = _rate_among(parameters)
    default = parameters[name].default if name else None
    rate = None if name is None else default if isinstance(default, float) else DEFAULT_RATE

    def make(lr: float) -> Step:
        running: list[Any] = []

        def step(w: Array, g: Slope, lr: float) -> Array:
            if not running:
                running.append(rule(w, **({name: lr} if name else {})))
                next(running[0])
            return new_weights(running[0].send(g), w)

        return step

    declared = _numbers({n: p.default for n, p in parameters.items()})
    return Subject(name_of(rule), make, rate, False, declared)


def name_of(step: Any) -> str:
    """Return the name of an optimizer."""
    return str(getattr(step, "__name__", getattr(step, "func", type(step)).__name__))


def _method(instance: Any) -> Any:
    """Return the method or function that takes a step."""
    if _is_function(instance):
        return instance
    methods = (getattr(instance, name, None) for name in ("step", "update", "__call__"))
    return next((method for method in methods if callable(method)), None)


def _rate_of(instance: Any) -> str | None:
    """Return the attribute of an object that holds its learning rate."""
    attributes = getattr(instance, "__dict__", {})
    return next((n for n in RATES if isinstance(attributes.get(n), (int, float))), None)


def _takes_rate(instance: Any) -> bool:
    return any(name in RATES for name in _parameters(_method(instance)))


def _stepping(instance: Any, attribute: str | None, form: Form) -> Step:
    """Return the step of an object or a function, whatever of state and lr it takes."""
    method = instance.step if isinstance(instance, Optimizer) else _method(instance)
    if method is None:
        raise ArgumentError(f"{type(instance).__name__} has no method step(w, grad)", hint=SHAPES)
    names = list(_parameters(method))
    rate = _rate_among(names[2:])
    state_name = next((n for n in names[2:] if n not in RATES), None)
    call = f"{name_of(method)}({', '.join(names)})"
    check_arguments(names, _required(method)[2:], call)
    needed = [n for n in _required(method)[2:] if n not in (rate, state_name)]
    if len(names) < 2 or needed:
        raise ArgumentError("this step cannot be called", received=call, hint=SHAPES)
    passes = state_name is not None and (state_name == "state" or state_name in _required(method))
    state: list[Any] = [{}] if passes else []
    follow = following(instance, attribute, getattr(instance, attribute or "", 0.0))

    def step(w: Array, g: Slope, lr: float) -> Array:
        follow(lr)
        weights, gradient = (
            form.converted(w),
            g.at if isinstance(instance, Optimizer) else form.converted(g),
        )
        returned = method(weights, gradient, *state, **({rate: lr} if rate else {}))
        if isinstance(returned, tuple) and len(returned) == 2:
            returned, new_state = returned
            state[:] = [new_state] * (state_name is not None)
        return form.vector(returned, weights, w)

    return step
