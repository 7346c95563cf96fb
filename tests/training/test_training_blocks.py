"""Networks whose parts do not know replicas, or whose callbacks change much: single runs too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_training_replicas import MOONS, demand_equal, small

from minidl import nn, optim, train_replicas
from minidl.errors import ArgumentError, DataError
from minidl.training import Callback, EarlyStopping, Trainer
from minidl.training.many import block_key

X, Y = MOONS.X_train, MOONS.y_train
OPTIONS = {"loss": "bce", "epochs": 4, "batch_size": 30}


def check(model: Any, optimizer: Any = None, **options: Any) -> None:
    optimizer = optimizer or optim.NAG([0.05, 0.1])
    options = {**OPTIONS, **options}
    found = train_replicas(model, optimizer, X, Y, seeds=range(3), **options)
    demand_equal(found, model, optimizer, MOONS, **options)


class Centred(nn.Layer):
    """Rows less their mean: over axis 0, and so over replicas where there are any."""

    def __init__(self, seed: int, only_training: bool) -> None:
        self.inner, self.only = small(seed), only_training

    def forward(self, x: Any, training: Any = False) -> Any:
        if training or not self.only:
            x = x - np.mean(x, axis=0)
        return self.inner.forward(x, training)


class Running(nn.Layer):
    """Keeps a running mean, which is no parameter."""

    def __init__(self, seed: int) -> None:
        self.inner, self.mean = small(seed), np.zeros(2)

    def forward(self, x: Any, training: Any = False) -> Any:
        if training:
            self.mean = 0.9 * self.mean + 0.1 * np.mean(x, axis=-2)
        return self.inner.forward(x - self.mean, training)


class Noisy(nn.Layer):
    """Draws normal numbers in training."""

    stochastic = True

    def __init__(self, seed: int) -> None:
        self.inner = small(seed)

    def forward(self, x: Any, training: Any = False) -> Any:
        if training:
            x = x + 0.1 * training.standard_normal(x.shape)
        return self.inner.forward(x, training)


class Flat(nn.Layer):
    """Gives outputs of shape (n,)."""

    def __init__(self, seed: int) -> None:
        self.inner = small(seed)

    def forward(self, x: Any, training: Any = False) -> Any:
        return self.inner.forward(x, training)[..., 0]


def varied_rate(seed: int) -> nn.Layer:
    return nn.mlp(2, 8, 1, dropout=0.1 + 0.2 * seed, seed=seed)


def varied_width(seed: int) -> nn.Layer:
    return nn.mlp(2, 4 + seed, 1, seed=seed)


@pytest.mark.parametrize(
    "model",
    [
        lambda seed: Centred(seed, only_training=True),
        lambda seed: Centred(seed, only_training=False),
        Running,
        Noisy,
        varied_rate,
        varied_width,
    ],
    ids=["batch norm", "centred", "running mean", "noise", "rate by seed", "width by seed"],
)
@pytest.mark.filterwarnings("ignore:mean changed in training but is not an nn.Buffer")
def test_layers_that_do_not_know_replicas(model: Any) -> None:
    check(model)


@pytest.mark.filterwarnings("ignore:mean changed in training but is not an nn.Buffer")
def test_what_a_layer_keeps_is_in_the_model_that_is_returned() -> None:
    (one,) = train_replicas(Running, optim.NAG(0.1), X, Y, seeds=1, **OPTIONS)  # type: ignore[arg-type]
    rows = Trainer(one.model, "bce", optimizer=optim.NAG(0.1), seed=0).evaluate(X, Y)
    assert rows["loss"] == one.history["train_loss"][-1]


def test_outputs_without_columns() -> None:
    check(Flat, loss="mse")


class Clipped(optim.Optimizer):
    """Divides by the length of the whole gradient."""

    lr = optim.learning_rate()

    def __init__(self, lr: Any) -> None:
        super().__init__(lr=lr)

    def update(self, w: Any, grad: Any) -> None:
        g = grad(w)
        w -= self.lr * g * min(1.0, 0.05 / np.linalg.norm(g))


class Own(nn.MeanSquaredError):
    """A loss that knows no replicas."""

    def mean(self, outputs: Any, targets: Any) -> Any:
        return np.mean((outputs - targets) ** 2)


def test_optimizers_and_losses_that_do_not_know_replicas() -> None:
    check(small, Clipped([0.5, 0.1]))
    check(small, loss=Own())


def test_a_class_can_say_that_it_knows_replicas() -> None:
    class Scale(nn.Layer):
        replicas = True

        def __init__(self) -> None:
            self.factor = nn.Parameter([2.0, 3.0])

        def forward(self, x: Any, training: Any = False) -> Any:
            return x * self.factor

    class Doubled(Scale):
        pass

    def trainers(layer: Any) -> list[Trainer]:
        return [
            Trainer(nn.Sequential(layer(), small(k)), "bce", optimizer=optim.NAG(0.1), seed=k)
            for k in range(2)
        ]

    known = {block_key(trainer) for trainer in trainers(Scale)}
    assert len(known) == 1
    assert None not in known
    assert {block_key(trainer) for trainer in trainers(Doubled)} == {None}  # may do anything
    check(lambda seed: nn.Sequential(Scale(), small(seed)))


class Changing(Callback):
    """Does something to its trainer after the second epoch, with one seed only or with all."""

    def __init__(self, change: Any) -> None:
        self.change = change

    def on_epoch_end(self, trainer: Any, record: Any) -> None:
        if record["epoch"] == 2:
            self.change(trainer)


def _slower(trainer: Any) -> None:
    trainer.optimizer = optim.GradientDescent(0.1)


CHANGES = {
    "reset": lambda t: t.optimizer.reset(),
    "another velocity": lambda t: t.optimizer.state.update(
        velocity=np.zeros_like(t.model.parameters.value)
    ),
    "no velocity": lambda t: t.optimizer.state.clear(),
    "velocity in place": lambda t: t.optimizer.state["velocity"].fill(0.0),
    "batch size": lambda t: setattr(t, "batch_size", 8 if t.seed == 1 else 30),
    "order": lambda t: setattr(t, "shuffle", t.seed != 1),
    "penalty": lambda t: setattr(t.objective.penalty, "strength", 0.1 * t.seed),
    "l1 penalty": lambda t: setattr(t.objective.l1_penalty, "strength", 0.1 * t.seed),
    "dropout": lambda t: setattr(t.model.layers[2], "rate", 0.5),
    "frozen": lambda t: setattr(t.model.layers[0].weight, "requires_grad", False),
    "optimizer": _slower,
    "rate": lambda t: setattr(t.optimizer, "lr", 0.01 * (1 + t.seed)),
    "weights": lambda t: t.model.parameters.set(0.5 * t.model.parameters.value),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_callback_changes(name: str) -> None:
    check(
        lambda seed: nn.mlp(2, 6, 1, dropout=0.2, seed=seed),
        callbacks=lambda: [Changing(CHANGES[name])],
    )


def test_an_error_says_from_which_network_it_comes_and_leaves_whole_models() -> None:
    def model(seed: int) -> nn.Layer:
        network = small(seed)
        if seed == 1:
            network.parameters.value[:] = np.nan
        return network

    built: list[Any] = []

    def kept(seed: int) -> nn.Layer:
        built.append(model(seed))
        return built[-1]

    for kind in (kept, lambda seed: Centred(seed, True) if seed != 1 else model(1)):
        with pytest.raises(DataError, match="not finite before training") as caught:
            train_replicas(kind, optim.NAG(0.1), X, Y, seeds=3, **OPTIONS)  # type: ignore[arg-type]
        assert "seed 1 and NAG(lr=0.1" in "".join(caught.value.__notes__)
    assert all(network.parameters.value.base is None for network in built)


def test_networks_and_callbacks_are_checked() -> None:
    with pytest.raises(ArgumentError, match=r"model must return a Layer.* got int"):
        train_replicas(lambda seed: 5, optim.NAG(0.1), X, Y, seeds=2, **OPTIONS)  # type: ignore
    one = EarlyStopping("train_loss", patience=2)
    with pytest.raises(ArgumentError, match="the same callback twice"):
        train_replicas(
            small,
            optim.NAG(0.1),
            X,
            Y,
            seeds=2,
            callbacks=lambda: [one],
            **OPTIONS,  # type: ignore
        )


def test_float32_with_a_penalty_and_differing_schedules_is_a_single_run() -> None:
    def model(seed: int) -> nn.Layer:
        return nn.mlp(2, 6, 1, seed=seed, dtype=np.float32)

    check(model, l2=0.01)

    class Own(Callback):
        def on_fit_begin(self, trainer: Any, last: int) -> None:
            rate = 0.1 / (1 + trainer.seed)
            trainer.optimizer.lr = lambda step: rate / (1 + step)

    check(model, callbacks=lambda: [Own()])


def test_an_interrupt_shows_the_iterate_of_the_reformulated_nag() -> None:
    count = 0

    class Stop(optim.ReformulatedNAG):
        replicas = True

        def update(self, w: Any, grad: Any) -> None:
            nonlocal count
            count += 1
            if count == 3:
                raise KeyboardInterrupt
            super().update(w, grad)

    networks: list[Any] = []

    def kept(seed: int) -> nn.Layer:
        networks.append(small(seed))
        return networks[-1]

    with pytest.raises(KeyboardInterrupt):
        train_replicas(kept, Stop(0.1), X, Y, seeds=2, **OPTIONS)  # type: ignore[arg-type]
    together = [network.parameters.value.copy() for network in networks]
    for seed, found in enumerate(together):
        count = 0
        one = Trainer(small(seed), "bce", optimizer=Stop(0.1), batch_size=30, seed=seed)
        with pytest.raises(KeyboardInterrupt):
            one.fit(X, Y, epochs=4)
        np.testing.assert_allclose(found, one.model.parameters.value, 1e-12, 1e-12)


@pytest.mark.parametrize("wrong", [EarlyStopping, lambda: None, lambda seed: []])
def test_callbacks_are_a_function_that_returns_a_list(wrong: Any) -> None:
    with pytest.raises(ArgumentError, match=r"callbacks must be .*lambda: \[EarlyStopping"):
        train_replicas(small, optim.NAG(0.1), X, Y, seeds=2, callbacks=wrong, **OPTIONS)  # type: ignore[arg-type]


class Seeing(nn.Layer):
    """Notes what it is given, as the docstring of `forward` says it."""

    replicas = True

    def __init__(self, seen: list[Any]) -> None:
        self.weight, self.bias = nn.Parameter(np.eye(2)), nn.Parameter(np.zeros(2))
        self.note = seen.append

    def forward(self, x: Any, training: Any = False) -> Any:
        drawn = training if isinstance(training, bool) else training.random(x.shape).shape
        self.note((x.shape, drawn, self.weight.shape, self.bias.shape))
        return x @ self.weight + self.bias


class SeeingLoss(nn.MeanSquaredError):
    """Notes the shapes of `mean`, and whether there is a graph."""

    replicas = True

    def __init__(self, seen: list[Any]) -> None:
        self.note = seen.append

    def mean(self, outputs: Any, targets: Any) -> Any:
        self.note((outputs.shape, targets.shape, outputs.requires_grad))
        return super().mean(outputs, targets)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("rate", [0.0, 0.2])
def test_layers_and_losses_of_replicas_are_given_what_their_base_classes_say(
    shuffle: bool, rate: float
) -> None:
    layers: list[Any] = []
    losses: list[Any] = []
    train_replicas(
        lambda seed: nn.Sequential(
            Seeing(layers), nn.Dropout(rate) if rate else nn.Tanh(), nn.Dense(2, 1), seed=seed
        ),
        optim.NAG(0.1), X[:20], Y[:20],
        loss=SeeingLoss(losses), seeds=3, epochs=1, batch_size=8, shuffle=shuffle,
    )  # fmt: skip
    lead = (3,) if shuffle else ()  # without an order of their own they share a batch
    weights = ((3, 2, 2), (3, 1, 2))
    trained = {((*lead, n, 2), (3, n, 2) if rate else True, *weights) for n in (8, 4)}
    measured = {((20, 2), False, *weights)}
    assert set(layers) - {((1, 2), False, (2, 2), (2,))} == trained | measured
    assert set(losses) == {((3, n, 1), (*lead, n, 1), True) for n in (8, 4)} | {
        ((3, 20, 1), (20, 1), False)
    }


def hooked(position: int) -> Any:
    """Return a maker of networks in which a layer's `forward` is replaced by one of its own."""

    def model(seed: int) -> nn.Sequential:
        network = small(seed)
        layer: Any = network if position < 0 else network[position]
        before = layer.forward
        layer.forward = lambda x, training=False: before(x, training) * (1.0 + seed / 10)
        return network

    return model


@pytest.mark.parametrize("position", [-1, 0, 1, 2])
def test_a_layer_whose_forward_was_replaced_is_called_in_its_own_network(position: int) -> None:
    check(hooked(position))


def test_a_loss_whose_mean_was_replaced_is_asked_for_its_own_network() -> None:
    losses = []
    for kind in (nn.MeanSquaredError, nn.MeanAbsoluteError):
        loss: Any = nn.loss("mse")
        loss.mean = kind().mean
        single = Trainer(small(0), loss, optimizer=optim.NAG(0.1), batch_size=7, seed=0)
        assert block_key(single) is None
        losses.append(single.fit(X, Y, epochs=1)["train_loss"][-1])
    assert losses[0] != losses[1]


class Swapping(Callback):
    """Uses another activation from some epoch on."""

    since = 0

    def swap(self, trainer: Any, *rest: Any) -> None:
        if trainer.epoch == self.since:
            first, _, *others = trainer.model.layers
            object.__setattr__(trainer.model, "layers", (first, nn.Softplus(), *others))


@pytest.mark.parametrize("measure_every", [1, 2, 5])
@pytest.mark.parametrize("hook", ["on_fit_begin", "on_epoch_begin", "on_epoch_end"])
def test_a_change_is_seen_wherever_a_callback_makes_it(hook: str, measure_every: int) -> None:
    since = 0 if hook == "on_fit_begin" else 2
    kind: Any = type("Here", (Swapping,), {hook: Swapping.swap, "since": since})
    check(small, callbacks=lambda: [kind()], measure_every=measure_every)
