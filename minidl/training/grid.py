"""The networks of :func:`~minidl.training.train_replicas`, before they are trained."""

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minidl.checks import call
from minidl.errors import ArgumentError, invalid
from minidl.memory import check_networks
from minidl.nn import Layer
from minidl.nn.sequential import unseeded
from minidl.optim import Optimizer
from minidl.training.callbacks import Callback, check_paths
from minidl.training.checks import check_reproducible
from minidl.training.trainer import Trainer

EXAMPLE = "callbacks=lambda: [EarlyStopping()]"
Model = Callable[[int], Layer]
Hooks = Callable[[], Iterable[Callback]]
Grid = list[tuple[dict[str, float], int]]  # swept hyperparameters and seed of each network


def grid_of(optimizer: Optimizer, seeds: Sequence[int]) -> Grid:
    """Return the swept hyperparameters and the seed of each network."""
    hyperparameters = optimizer.hyperparameters.items()
    swept = {
        name: value.ravel().tolist()
        for name, value in hyperparameters
        if isinstance(value, np.ndarray)
    }
    lengths = {name: len(values) for name, values in swept.items()}
    if len(set(lengths.values())) > 1:
        problem = "hyperparameters that are swept together differ in length"
        hint = "Values are paired: repeat them for a grid."
        raise ArgumentError(problem, received=str(lengths), hint=hint)
    rows = zip(*swept.values(), strict=True)
    settings = [dict(zip(swept, row, strict=True)) for row in rows]
    check_networks(max(1, len(settings)) * len(seeds))
    earlier: set[tuple[float, ...]] = set()
    for setting in settings:
        if (values := tuple(setting.values())) in earlier:
            problem = "a value of the swept hyperparameters is given twice, for equal networks"
            received = ", ".join(f"{name}={value}" for name, value in setting.items())
            hint = "Give it once; for more networks give more seeds."
            raise ArgumentError(problem, received=received, hint=hint)
        earlier.add(values)
    return [(setting, seed) for setting in settings or [{}] for seed in seeds]


def trainers_of(
    model: Model, optimizer: Optimizer, grid: Grid, callbacks: Hooks, options: dict[str, Any]
) -> list[Trainer]:
    """Return a Trainer for each setting and seed."""
    trainers = []
    for network, (setting, seed) in zip(_networks(model, grid), grid, strict=True):
        copied = copy.deepcopy(optimizer)
        copied.hyperparameters.update(setting)
        hooks = _new_callbacks(callbacks)
        trainers.append(Trainer(network, optimizer=copied, seed=seed, callbacks=hooks, **options))
    hooks_of = [set(map(id, trainer.callbacks)) for trainer in trainers]
    if len(set().union(*hooks_of)) < sum(map(len, hooks_of)):
        problem, hint = "returned the same callback twice", f"Make new ones: {EXAMPLE}."
        raise ArgumentError(problem, argument="callbacks", hint=hint)
    check_paths(hook for trainer in trainers for hook in trainer.callbacks)
    return trainers


def _new_callbacks(callbacks: Hooks) -> list[Callback]:
    """Return the callbacks of one network."""
    expected = f"a function that returns a list, {EXAMPLE}"
    if not callable(callbacks):
        raise invalid("callbacks", callbacks, expected)
    try:
        return list(callbacks())
    except TypeError as error:
        raise ArgumentError(f"must be {expected}: {error}", argument="callbacks") from error


def _networks(model: Model, grid: Grid) -> list[Layer]:
    """Return a new network for each setting and seed."""
    if not callable(model) or isinstance(model, Layer):
        example = "a function seed -> network, such as lambda seed: nn.mlp(2, 16, 1, seed=seed)"
        raise invalid("model", model, example)
    networks = [_network(model, seed) for _, seed in grid]
    if len(set(map(id, networks))) < len(networks):
        expected = "a function of the seed that builds a new one each time"
        raise ArgumentError("returned the same network twice", argument="model", expected=expected)
    buffers = [id(array) for network in networks for _, array in network.named_buffers()]
    if len(set(buffers)) < len(buffers):
        hint = "Build every layer and every nn.Buffer inside the function."
        raise ArgumentError("returned networks that share a buffer", argument="model", hint=hint)
    if unseeded(networks[0]):
        check_reproducible(networks[0], _network(model, grid[0][1]), grid[0][1])
    return networks


def _network(model: Model, seed: int) -> Layer:
    """Return the network with this seed."""
    try:
        network = call("model", model, seed, form="of the seed, such as lambda seed: nn.mlp(...)")
    except Exception as error:
        error.add_note(f"in the network with seed {seed}, which model({seed}) should return")
        raise
    if not isinstance(network, Layer):
        received = f"got {type(network).__name__} for seed {seed}"
        message = f"must return a Layer, such as nn.mlp(2, 16, 1, seed=seed), {received}"
        raise ArgumentError(message, argument="model")
    return network
