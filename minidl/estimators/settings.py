"""The parameters of an estimator: checked, and as what a network and a Trainer take."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from minidl.checks import check_count, check_flag, check_number
from minidl.errors import ArgumentError, UnknownNameError, invalid, shown, warn
from minidl.nn.layers import check_rate
from minidl.optim import OPTIMIZERS, SGD, BatchSize, Entry, Optimizer, lookup
from minidl.optim.source import is_place
from minidl.registry import normalise
from minidl.streams import check_seed
from minidl.training import Callback
from minidl.training.engine_choice import check_engine

RATE = 0.001  # the default of scikit-learn, and here of optimizers without one
RATES = ("constant", "invscaling", "adaptive")
NUMBERS: dict[str, tuple[Callable[[float], bool], str]] = {
    "alpha": (lambda x: 0 <= x < math.inf, "a finite number >= 0"),
    "power_t": (math.isfinite, "a finite number"),
    "tol": (lambda x: 0 <= x < math.inf, "a finite number >= 0"),
    "validation_fraction": (lambda x: 0 < x < 1, "a number in (0, 1)"),
}
OPTIONAL_NUMBERS: dict[str, tuple[Callable[[float], bool], str]] = {
    "learning_rate_init": (lambda x: 0 < x < math.inf, "a positive finite number, or None"),
    "momentum": (lambda x: 0 <= x <= 1, "a number from 0 to 1, or None"),
    "beta_1": (lambda x: 0 <= x < 1, "a number in [0, 1), or None"),
    "beta_2": (lambda x: 0 <= x < 1, "a number in [0, 1), or None"),
    "epsilon": (lambda x: 0 < x < math.inf, "a positive finite number, or None"),
    "target_loss": (math.isfinite, "a finite number, or None"),
}
SWITCHES = ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping")
ONLY_HERE = {  # parameters that scikit-learn lacks, and what leaves them out
    "dropout": 0.0,
    "class_weight": None,
    "target_loss": None,
    "callbacks": None,
    "measure_every": "auto",
    "engine": "auto",
}
OPTIONAL = {  # parameters of scikit-learn that not all optimizers have, and their names here
    "learning_rate_init": "lr",
    "momentum": "momentum",
    "beta_1": "beta1",
    "beta_2": "beta2",
    "epsilon": "epsilon",
}


def check_parameters(estimator: Any) -> None:
    """Raise an ArgumentError for the first parameter with an invalid value."""
    check_count("max_iter", estimator.max_iter)
    for name, (valid, expected) in OPTIONAL_NUMBERS.items():
        if (value := getattr(estimator, name)) is not None:
            check_number(name, value, valid, expected)
    if not isinstance(estimator.verbose, (bool, int, np.bool_, np.integer)):
        raise invalid("verbose", estimator.verbose, "True or False")
    for name in SWITCHES:
        check_flag(name, getattr(estimator, name))
    for name, (valid, expected) in NUMBERS.items():
        check_number(name, getattr(estimator, name), valid, expected)
    if estimator.n_iter_no_change != math.inf:
        check_count("n_iter_no_change", estimator.n_iter_no_change)
    if estimator.learning_rate not in RATES:
        hint = "The learning rate at the start is learning_rate_init."
        expected = f"one of {', '.join(map(repr, RATES))}"
        raise invalid("learning_rate", estimator.learning_rate, expected, hint)
    if estimator.measure_every != "auto":
        check_count("measure_every", estimator.measure_every, 0)
    if estimator.twin is None:  # which has none
        check_engine(estimator.engine)
    check_rate("dropout", estimator.dropout)
    if estimator.twin is not None and isinstance(estimator.random_state, (int, np.integer)):
        check_count("random_state", estimator.random_state, 0, 2**32 - 1)  # NumPy's bound
    if estimator.twin not in (None, "scikit-learn"):
        raise invalid("twin", estimator.twin, 'None or "scikit-learn"')


def copies_of(callbacks: list[Callback]) -> list[Callback]:
    """Return a copy of each callback; one that cannot be copied, for an open file, is itself."""
    memo: dict[int, Any] = {}
    copies = []
    for callback in callbacks:
        try:
            copies.append(copy.deepcopy(callback, memo))
        except TypeError:
            copies.append(callback)
    return copies


def hidden_sizes(estimator: Any) -> list[int]:
    """Return the widths of the hidden layers; a number is one layer."""
    widths = estimator.hidden_layer_sizes
    try:
        sizes = list(widths) if np.ndim(widths) else [widths]
        return [check_count("hidden_layer_sizes", size) for size in sizes]
    except (ArgumentError, TypeError, ValueError):
        expected = "integers > 0, such as (100,) or 100"
        raise ArgumentError(
            f"must be {expected}, got {shown(widths)}", argument="hidden_layer_sizes"
        ) from None


def seed_of(random_state: Any) -> int:
    """Return `random_state` if it is an integer, else a number drawn from it.

    None draws from NumPy's global generator, as everywhere in scikit-learn.
    """
    if isinstance(random_state, (int, np.integer)) and not isinstance(random_state, bool):
        check_count("random_state", random_state, 0)
        return check_seed(random_state, "random_state")
    try:
        generator = check_random_state(random_state)
    except ValueError:
        expected = "an integer >= 0, a numpy.random.RandomState or None"
        raise invalid("random_state", random_state, expected) from None
    return int(generator.randint(np.iinfo(np.int32).max))


def choose_solver(estimator: Any) -> Optimizer:
    """Return a new optimizer."""
    solver = estimator.solver
    parameters = {name: getattr(estimator, name) for name in OPTIONAL}
    parameters = {name: value for name, value in parameters.items() if value is not None}
    if isinstance(solver, Optimizer):
        optimizer = copy.deepcopy(solver)
        optimizer.reset()
        _tell_unused(repr(solver), parameters)
    elif isinstance(solver, str) and normalise(solver) == "sgd":
        optimizer = _sgd(estimator, parameters)
    elif isinstance(solver, str):
        optimizer = _make(_entry(solver).optimizer, repr(solver), parameters)
    elif isinstance(solver, type) and issubclass(solver, Optimizer):
        optimizer = _make(solver, solver.__name__, parameters)
    else:
        expected = 'a name such as "adam", or an optimizer such as optim.NAG(lr=0.1)'
        raise invalid("solver", solver, expected)
    rate = optimizer.hyperparameters.get("lr")
    if estimator.learning_rate != "constant" and not isinstance(rate, float):
        problem = "needs a solver whose learning rate is a number"
        received = f"{estimator.learning_rate!r} with {optimizer!r}"
        raise ArgumentError(problem, argument="learning_rate", received=received)
    return optimizer


def _entry(solver: str) -> Entry:
    """Return the row of the table of optimizers, or raise."""
    if normalise(solver) == "lbfgs":
        hint = 'Use "adam", or scikit-learn\'s estimator of the same name for L-BFGS.'
        problem = "'lbfgs' is not an optimizer of minidl, whose optimizers take batches"
        raise ArgumentError(problem, argument="solver", hint=hint)
    if not is_place(solver) and solver not in OPTIMIZERS:
        aliases = [alias for name in OPTIMIZERS for alias in OPTIMIZERS.aliases(name)]
        raise UnknownNameError("solver", solver, ["sgd", *OPTIMIZERS], aliases)
    return lookup(solver)


def rows_per_batch(estimator: Any, n: int) -> BatchSize:
    """Return the rows per update: 200 for "auto", unless the solver's name implies another."""
    size, solver = estimator.batch_size, estimator.solver
    if size not in ("auto", "full") and check_count("batch_size", size) > n:
        message = f"batch_size={size} is larger than the {n} training rows, and means all of them"
        warn(message)
        size = n
    if isinstance(solver, str) and normalise(solver) != "sgd":
        entry = _entry(solver)
        if entry.fixed or (size == "auto" and entry.batch_size == "full"):
            return entry.batches(None if size == "auto" else size)
    return min(200, n) if size == "auto" else size


def _sgd(estimator: Any, parameters: dict[str, Any]) -> Optimizer:
    """Return the optimizer that scikit-learn calls sgd."""
    rate, m = parameters.pop("learning_rate_init", RATE), parameters.pop("momentum", 0.9)
    _tell_unused('"sgd"', parameters)
    return SGD(rate, m, nesterov=bool(estimator.nesterovs_momentum) and m != 0)


def _make(cls: Callable[..., Optimizer], name: str, parameters: dict[str, Any]) -> Optimizer:
    """Return a new optimizer with those of the parameters that it has."""
    accepted = inspect.signature(cls).parameters
    settings = {
        OPTIONAL[word]: value for word, value in parameters.items() if OPTIONAL[word] in accepted
    }
    unused = {word: value for word, value in parameters.items() if OPTIONAL[word] not in accepted}
    _tell_unused(name, unused)
    if "lr" in accepted and accepted["lr"].default is inspect.Parameter.empty:
        settings.setdefault("lr", RATE)
    return cls(**settings)


def _tell_unused(solver: str, parameters: dict[str, Any]) -> None:
    """Warn of parameters that the solver does not take."""
    if parameters:
        words = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
        warn(f"solver {solver} does not use {words}")


def twin_parameters(estimator: Any) -> SimpleNamespace:
    """Return the parameters for scikit-learn's arithmetic, with scikit-learn's defaults.

    Those that only minidl has must not be set.
    """
    parameters = estimator.get_params(deep=False)
    for name, default in ONLY_HERE.items():
        value = parameters.get(name, default)
        if name == "engine" and value == "eager":  # as its arithmetic is
            continue
        if value is not default and not (np.ndim(value) == 0 and value == default):
            problem = f'scikit-learn has no {name}, so twin="scikit-learn" takes none'
            raise ArgumentError(problem, received=f"{name}={value!r}")
    losses = ("log_loss", "squared_error", "poisson")
    if parameters["loss"] not in losses:
        raise invalid("loss", parameters["loss"], f"one of {losses} with twin={estimator.twin!r}")
    defaults = {"learning_rate_init": RATE, "momentum": 0.9}
    defaults |= {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}
    absent = {name: value for name, value in defaults.items() if parameters[name] is None}
    return SimpleNamespace(**parameters | absent)
