"""What can never train is an error that names the layer; parts without a gradient are told once."""

from __future__ import annotations

import functools
import warnings
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from training_problems import two_classes

from minidl import Tensor, Trainer, compare, datasets, nn, optim, train_replicas
from minidl.errors import ArgumentError, GraphError, ShapeError, UntrainedWarning, WorseLossWarning
from minidl.training import History, Objective
from minidl.training.reach import Reach

X, Y = two_classes(40)


def fit(model: nn.Layer, loss: Any = "bce", epochs: int = 2, **options: Any) -> History:
    options = {"optimizer": optim.NAG(0.1), "batch_size": 16, "seed": 0} | options
    return Trainer(model, loss, **options).fit(X, Y, epochs=epochs)


def array(x: Any) -> Any:
    """Return the array of a Tensor: validation and measurements run without a graph, too."""
    return x.data if isinstance(x, Tensor) else x


class Apply(nn.Layer):
    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def forward(self, x: Any, training: Any = False) -> Any:
        return self.function(x)


class Three(nn.Layer):
    """a, then b; c is there as well."""

    def __init__(self, seed: int = 0) -> None:
        self.a, self.b = nn.Dense(2, 3, seed=seed), nn.Dense(3, 1, seed=seed)
        self.c = nn.Dense(3, 1, seed=seed)

    def forward(self, x: Any, training: Any = False) -> Any:
        return self.b(np.tanh(self.a(x)))


# -- leaving the graph -----------------------------------------------------------------------------

WAYS_OUT: dict[str, Callable[[Any], Any]] = {
    ".data": array,
    "numpy()": lambda x: x.numpy() if isinstance(x, Tensor) else x,
    "NumPy on .data": lambda x: np.tanh(array(x)),
    "detach": lambda x: x.detach() if isinstance(x, Tensor) else x,
    "a new Tensor": lambda x: Tensor(array(x)),
    "numbers": lambda x: Tensor([[v.item() for v in row] for row in array(x)]),
    "float32": lambda x: Tensor(array(x).astype(np.float32)),
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_a_layer_that_leaves_the_graph_is_named_with_what_would_not_train(way: str) -> None:
    leave = Apply(WAYS_OUT[way])
    within = nn.Sequential(nn.Dense(2, 3), leave, nn.Dense(3, 1), seed=0)
    match = r"the forward of layer 1, Apply\(\), leaves the graph, so 0\.weight, 0\.bias would"
    with pytest.raises(GraphError, match=match):
        fit(within)
    last = nn.Sequential(nn.Dense(2, 3), nn.Dense(3, 1), leave, seed=0)
    match = r"the forward of layer 2, Apply\(\), leaves the graph, so 0\.weight, 0\.bias, 1\.weight"
    with pytest.raises(GraphError, match=match):
        fit(last)
    nested = nn.Sequential(nn.Dense(2, 2), nn.Sequential(nn.Dense(2, 3), leave), nn.Dense(3, 1))
    with pytest.raises(GraphError, match=r"layer 1\.1, Apply\(\), leaves the graph, so 0\.weight"):
        fit(nested)


class Inside(Three):
    def forward(self, x: Any, training: Any = False) -> Any:
        return self.b(array(self.a(x)))


class Beside(Three):
    """b trains, a is in the graph by one path, and c is used by its array only."""

    def forward(self, x: Any, training: Any = False) -> Any:
        h = np.tanh(self.a(x))
        return self.b(h) + array(h) @ self.c.weight.data


class Scaled(nn.Layer):
    """Its own parameter trains, those before it do not."""

    def __init__(self) -> None:
        self.factor = nn.Parameter([2.0])

    def forward(self, x: Any, training: Any = False) -> Any:
        return array(x) * self.factor


def test_what_is_lost_between_two_layers_or_within_one_names_the_layer_around() -> None:
    with pytest.raises(
        GraphError, match=r"forward of Inside\(\) leaves .*, so a\.weight, a\.bias w"
    ):
        fit(Inside())
    with pytest.raises(
        GraphError, match=r"forward of Beside\(\) leaves the graph, so c\.weight wou"
    ):
        fit(Beside())
    model = nn.Sequential(nn.Dense(2, 1, seed=0), Scaled())
    with pytest.raises(GraphError, match=r"layer 1, Scaled\(\), leaves the graph, so 0\.weight"):
        fit(model)


class Custom(nn.Loss):
    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        self.function = function

    def mean(self, outputs: Any, targets: Any) -> Any:
        return self.function(outputs, targets)

    def __repr__(self) -> str:
        return "Custom()"


LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "a number": lambda o, t: float(((array(o) - t) ** 2).mean()),
    "an array": lambda o, t: ((array(o) - t) ** 2).mean(),
    "a new Tensor": lambda o, t: Tensor(((array(o) - t) ** 2).mean()),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_that_leaves_the_graph_is_named(name: str) -> None:
    with pytest.raises(GraphError, match=r"the loss Custom\(\) leaves the graph, so 0\.weight"):
        fit(nn.mlp(2, 3, 1, seed=0), Custom(LOSSES[name]))


@pytest.mark.parametrize("result", [None, [1.0], np.zeros((16, 1)), "loss"])
def test_a_loss_that_is_no_number_is_an_error(result: Any) -> None:
    with pytest.raises(ShapeError, match=r"the mean of the loss Custom\(\) is not a number: got"):
        fit(nn.mlp(2, 3, 1, seed=0), Custom(lambda o, t: result))


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (
            lambda x: Tensor(np.ones(x.shape)),
            r"no path leads from the loss .*: 0\.weight, 0\.bias\.",
        ),
        (lambda x: array(x).tolist(), r"the forward of Apply must return a Tensor: got \[\["),
        (lambda x: (x, x), r"the forward of Apply must return a Tensor: got \(Tensor"),
        (lambda x: None, "the forward of Apply must return a Tensor: got None"),
    ],
)
def test_outputs_that_cannot_train_are_errors(function: Any, match: str) -> None:
    with pytest.raises((GraphError, ArgumentError), match=match):
        fit(nn.Sequential(nn.Dense(2, 1), Apply(function), seed=0))


def test_the_objective_alone_names_the_layer_too() -> None:
    model = nn.Sequential(nn.Dense(2, 1), Apply(array), seed=0)
    objective = Objective(model, nn.MeanSquaredError())
    with pytest.raises(GraphError, match=r"layer 1, Apply\(\), leaves the graph"):
        objective.gradient(model.parameters.value, X, Y[:, None])


def test_all_frozen_is_an_error_and_frozen_parts_are_meant() -> None:
    frozen = nn.mlp(2, 3, 1, seed=0)
    for p in frozen.parameters:
        p.requires_grad = False
    with pytest.raises(ArgumentError, match="all parameters are frozen, so there is nothing"):
        fit(frozen)
    for kind in (Three, Inside, Beside):
        model = kind()
        for _, p in (*model.a.named_parameters(), *model.c.named_parameters()):
            p.requires_grad = False
        fit(model)  # without a warning


# -- parameters that are not found -----------------------------------------------------------------


class Holding(nn.Layer):
    """A dense layer that `hold` puts somewhere, and `get` takes from there."""

    def __init__(self, hold: Callable[[Any], Any], get: Callable[[Any], Any]) -> None:
        self.held, self.get = hold(nn.Dense(2, 3, seed=0)), get
        self.out = nn.Dense(3, 1, seed=0)

    def forward(self, x: Any, training: Any = False) -> Any:
        return self.out(self.get(self.held)(x))


FOUND: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "list": (lambda d: [d], lambda h: h[0]),
    "tuple": (lambda d: (d,), lambda h: h[0]),
    "dict": (lambda d: {"first": d}, lambda h: h["first"]),
    "nested": (lambda d: {"blocks": [(d,)]}, lambda h: h["blocks"][0][0]),
}
NOT_FOUND: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "set": (lambda d: {d}, lambda h: next(iter(h))),
    "deque": (lambda d: deque([d]), lambda h: h[0]),
    "object": (lambda d: SimpleNamespace(first=d), lambda h: h.first),
    "array of objects": (lambda d: np.array([d], dtype=object), lambda h: h[0]),
    "closure": (lambda d: lambda x: 1.0 * d(x), lambda h: h),
    "method": (lambda d: d.forward, lambda h: h),
    "partial": (lambda d: functools.partial(d.forward), lambda h: h),
}


@pytest.mark.parametrize("name", FOUND)
def test_layers_in_lists_tuples_and_dicts_are_trained(name: str) -> None:
    model = Holding(*FOUND[name])
    before = model.get(model.held).weight.data.copy()
    fit(model)
    assert not np.any(model.get(model.held).weight.data == before)


@pytest.mark.parametrize("name", NOT_FOUND)
def test_layers_elsewhere_are_errors_that_name_the_attribute(name: str) -> None:
    with pytest.raises(GraphError, match=r"held of Holding holds a parameter that is not found"):
        fit(Holding(*NOT_FOUND[name]))
    model = nn.Sequential(Holding(*NOT_FOUND[name]), nn.Dense(1, 1, seed=0))
    with pytest.raises(GraphError, match=r"0\.held of Sequential holds a parameter"):
        fit(model)


def test_a_tensor_in_place_of_a_parameter_is_an_error() -> None:
    class Linear(nn.Layer):
        def __init__(self) -> None:
            self.w = Tensor(np.ones((2, 1)), requires_grad=True)
            self.b = nn.Parameter([0.0])

        def forward(self, x: Any, training: Any = False) -> Any:
            return x @ self.w + self.b

    with pytest.raises(GraphError, match=r"w of Linear is a Tensor with requires_grad=True, which"):
        fit(Linear())
    model = Linear()
    model.w.requires_grad = False
    fit(model)


def test_a_leaf_outside_the_model_is_told_and_one_of_another_model_is_not() -> None:
    factor = Tensor([2.0], requires_grad=True)
    outside = nn.Sequential(nn.Dense(2, 1, seed=0), Apply(lambda x: x * globals()["FACTOR"]))
    globals()["FACTOR"] = factor
    with pytest.warns(UntrainedWarning, match=r"a Tensor of shape \(1,\) is not part of the model"):
        fit(outside)
    critic = nn.Dense(1, 1, seed=1)
    assert critic.parameters.size == 2  # it has a vector, as one that a Trainer trains

    class Criticized(nn.Loss):
        def mean(self, outputs: Any, targets: Any) -> Any:
            return (critic(outputs) * critic(outputs)).mean()

    fit(nn.mlp(2, 3, 1, seed=0), Criticized())


def test_a_leaf_that_forward_makes_is_not_told() -> None:
    class Fresh(nn.Layer):
        def __init__(self) -> None:
            self.dense = nn.Dense(2, 1, seed=0)

        def forward(self, x: Any, training: Any = False) -> Any:
            return self.dense(x + Tensor(np.zeros(2), requires_grad=True))

    fit(Fresh())


def test_layers_added_after_the_vector_was_built_are_an_error_in_every_fit() -> None:
    class Blocks(nn.Layer):
        def __init__(self) -> None:
            self.blocks = [nn.Dense(2, 1, seed=0)]

        def forward(self, x: Any, training: Any = False) -> Any:
            for block in self.blocks:
                x = block(x)
            return x

    model = Blocks()
    trainer = Trainer(model, "bce", optimizer=optim.NAG(0.1), seed=0)
    trainer.fit(X, Y, epochs=1)
    model.blocks.append(nn.Dense(1, 1, seed=0))
    match = r"blocks\.1\.weight, blocks\.1\.bias would never train: added after"
    for call in (lambda: trainer.fit(X, Y, epochs=1), lambda: fit(model)):
        with pytest.raises(GraphError, match=match):
            call()


class MadeInForward(nn.Layer):
    """A layer in each call; or a parameter at the first call, in an inner layer."""

    def __init__(self, *, keep: bool) -> None:
        self.out, self.keep = nn.Dense(3, 1, seed=0), keep

    def forward(self, x: Any, training: Any = False) -> Any:
        if not self.keep:
            return self.out(nn.Dense(2, 3, seed=0)(x))
        if not hasattr(self, "late"):
            self.late = nn.Parameter(np.ones((2, 3)))
        return self.out(x @ self.late)


def test_parameters_that_forward_makes_are_an_error() -> None:
    with pytest.raises(
        GraphError,
        match=r"each forward makes a new parameter of shape \(2, 3\), which would never train",
    ):
        fit(MadeInForward(keep=False))
    with pytest.raises(GraphError, match="late cannot be set: the model's parameters are one vect"):
        fit(MadeInForward(keep=True))
    with pytest.raises(GraphError, match=r"0\.late would never train: added after"):
        fit(nn.Sequential(MadeInForward(keep=True), nn.Tanh()))


@pytest.mark.parametrize("name", ["parameters", "stochastic"])
def test_names_that_a_layer_uses_cannot_be_assigned(name: str) -> None:
    with pytest.raises(GraphError, match=f"{name} of a layer cannot be assigned"):
        setattr(nn.mlp(2, 1), name, [])


# -- told once -------------------------------------------------------------------------------------


def told(call: Callable[[], object]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert {w.category for w in caught} <= {UntrainedWarning, WorseLossWarning}
    return [str(w.message) for w in caught if w.category is UntrainedWarning]


def test_an_unused_part_is_told_once_with_its_names() -> None:
    trainer = Trainer(Three(), "bce", optimizer=optim.NAG(0.1), seed=0)
    assert told(lambda: trainer.fit(X, Y, epochs=2)) == [
        "no gradient reaches c.weight, c.bias. Use them in forward, remove them, or freeze them:"
        " parameter.requires_grad = False."
    ]
    assert told(lambda: trainer.fit(X, Y, epochs=2)) == []


def test_a_used_network_trains_as_without_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unused part, dropout and a layer that counts: the check changes no bit."""

    class Counting(Three):
        def __init__(self) -> None:
            super().__init__()
            self.calls, self.dropout = 0, nn.Dropout(0.5)

        def forward(self, x: Any, training: Any = False) -> Any:
            self.calls += bool(training)
            return self.b(self.dropout(np.tanh(self.a(x)), training=training))

    models = [Counting(), Counting()]
    with pytest.warns(UntrainedWarning):
        fit(models[0])
    monkeypatch.setattr("minidl.training.reach.lost", lambda *arguments: None)
    with pytest.warns(UntrainedWarning):
        fit(models[1])
    assert_array_equal(models[0].parameters.value, models[1].parameters.value)
    assert models[0].calls == models[1].calls == 2 * 3  # 40 rows in batches of 16


def test_a_dead_network_is_told_with_its_names() -> None:
    first = nn.Dense(2, 3, bias_initializer="constant:-99")
    dead = nn.Sequential(first, nn.ReLU(), nn.Dense(3, 1), seed=0)
    (message,) = told(lambda: fit(dead))
    assert message.startswith("the gradient of 0.weight, 0.bias was 0 in the first epoch")


class Branching(Three):
    """c is used in some batches only."""

    def __init__(self, used: Callable[[int], bool]) -> None:
        super().__init__()
        self.used, self.batches = used, 0

    def forward(self, x: Any, training: Any = False) -> Any:
        self.batches += bool(training)
        h = np.tanh(self.a(x))
        return self.b(h) + self.c(h) if self.used(self.batches) else self.b(h)


def test_a_branch_that_is_active_in_one_batch_of_the_first_epoch_is_not_told() -> None:
    for batch in (1, 2, 3):
        fit(Branching(lambda batches, batch=batch: batches == batch))
    (message,) = told(lambda: fit(Branching(lambda batches: batches > 3)))
    assert message.startswith("no gradient reaches c.weight, c.bias")


class Gated(Branching):
    """c is always in the graph, but has a factor 0 in some batches."""

    def forward(self, x: Any, training: Any = False) -> Any:
        self.batches += bool(training)
        h = np.tanh(self.a(x))
        return self.b(h) + float(self.used(self.batches)) * self.c(h)


def test_a_gradient_that_is_not_0_in_one_batch_of_the_first_epoch_is_not_told() -> None:
    for batch in (1, 2, 3):
        fit(Gated(lambda batches, batch=batch: batches == batch))
    (message,) = told(lambda: fit(Gated(lambda batches: batches > 3)))
    assert message.startswith("the gradient of c.weight, c.bias was 0 in the first epoch")


def test_networks_of_a_block_may_have_a_gradient_in_different_batches() -> None:
    model, t = nn.Dense(1, 1, bias=False, initializer="constant:1"), np.zeros((4, 1))
    model._vector = nn.ParameterVector(model.named_parameters(), replicas=3)
    objective = Objective(model, nn.MeanSquaredError())
    with Reach(objective) as reach:
        for active in (0, 1):
            batch = np.zeros((3, 4, 1))
            batch[active] = 1.0
            objective.batch_gradient(batch, t, None, True, model.parameters.value)
    assert [message[:22] for message in reach.check()] == ["", "", "the gradient of weight"]


def test_a_network_that_is_random_in_itself_proves_nothing() -> None:
    class Random(Three):
        def forward(self, x: Any, training: Any = False) -> Any:
            return super().forward(x) + 1e-3 * np.random.default_rng().normal()

    assert [m.split(".")[0] for m in told(lambda: fit(Random()))] == ["no gradient reaches c"]


def test_a_bias_at_rest_is_not_told() -> None:
    """With zero weights and balanced classes, the mean of p - t is 0 in the first step."""
    model = nn.Dense(2, 1, initializer="zeros")
    trainer = Trainer(model, "bce", optimizer=optim.NAG(0.1), batch_size="full", seed=0)
    trainer.fit(X, np.arange(40) % 2, epochs=1)
    assert np.any(model.weight.data)
    assert model.bias is not None
    assert not np.any(model.bias.data)


def test_a_perfect_fit_is_not_told() -> None:
    model = nn.Dense(2, 1, initializer="constant:0")
    Trainer(model, "mse", optimizer=optim.NAG(0.1), seed=0).fit(X, np.zeros(40), epochs=1)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("memory", [1, 2**19], ids=["one by one", "together"])
def test_replicas_are_told_once_in_this_process(memory: int, jobs: int) -> None:
    def network(seed: int) -> nn.Layer:
        bias = "constant:-99" if seed in (1, 2) else "zeros"
        first = nn.Dense(2, 3, bias_initializer=bias)
        return nn.Sequential(first, nn.ReLU(), nn.Dense(3, 1), seed=seed)

    options: dict[str, Any] = {"loss": "bce", "epochs": 2, "batch_size": 16}
    options |= {"memory": memory, "jobs": jobs}
    rule = optim.NAG(0.1)
    (message,) = told(lambda: train_replicas(network, rule, X, Y, seeds=4, **options))
    assert message.startswith("in 2 of 4 networks, the gradient of 0.weight, 0.bias was")
    (message,) = told(lambda: train_replicas(Three, rule, X, Y, seeds=3, **options))
    assert message.startswith("in 3 of 3 networks, no gradient reaches c.weight, c.bias")
    with pytest.raises(GraphError, match=r"forward of Inside\(\) leaves the graph") as caught:
        train_replicas(Inside, rule, X, Y, seeds=2, **options)
    assert "in the network with seed " in "".join(caught.value.__notes__)


def test_a_comparison_tells_once() -> None:
    data = datasets.load("moons", n=60, seed=0)
    options: dict[str, Any] = {"lr": [0.1, 0.2], "epochs": 3, "seeds": 3, "tuning_seeds": 2}
    options["optimizers"] = ["momentum", "nag"]
    (message,) = told(lambda: compare(data, Three, **options))
    assert "no gradient reaches c.weight, c.bias" in message
    with pytest.raises(GraphError, match=r"forward of Inside\(\) leaves the graph"):
        compare(data, Inside, **options)


def test_a_layer_before_one_of_zeros_trains_from_the_second_step_on_and_is_not_told() -> None:
    model = nn.Sequential(nn.Dense(2, 4, seed=0), nn.Tanh(), nn.Dense(4, 1, initializer="zeros"))
    before = model[0].weight.data.copy()
    trainer = Trainer(model, "bce", optimizer=optim.NAG(0.1), batch_size="full", seed=0)
    assert told(lambda: trainer.fit(*two_classes(), epochs=3)) == []
    assert not np.array_equal(model[0].weight.data, before)
