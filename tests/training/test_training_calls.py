"""How training calls a model and a loss: with all arguments, and by the methods that are theirs."""

from typing import Any

import numpy as np
import pytest

from minidl import Tensor, Trainer, nn, optim
from minidl.training import sharpness

RNG = np.random.default_rng(3)
X = RNG.standard_normal((40, 2))
Y = (X[:, 0] > 0).astype(int)


def fitted(model: nn.Layer, loss: str | nn.Loss = "bce", epochs: int = 3) -> Trainer:
    trainer = Trainer(model, loss, optimizer=optim.NAG(0.1), seed=0)
    trainer.fit(X, Y, epochs=epochs)
    return trainer


class Required(nn.Layer):
    """Its `training` has no default."""

    def __init__(self) -> None:
        self.inner = nn.mlp(2, 4, 1, seed=0)

    def forward(self, x: Any, training: Any) -> Any:  # type: ignore[override]
        return self.inner(x, training=training)


def test_training_is_always_passed_to_forward() -> None:
    assert fitted(Required()).history["train_loss"].tolist() == (
        fitted(nn.mlp(2, 4, 1, seed=0)).history["train_loss"].tolist()
    )


class Eager(nn.Layer):
    """Its `training` is True by default."""

    def __init__(self) -> None:
        self.inner = nn.Sequential(nn.Dense(2, 8), nn.Dropout(0.5), nn.Dense(8, 1), seed=0)

    def forward(self, x: Any, training: Any = True) -> Any:
        return self.inner(x, training=training)


def test_losses_are_measured_without_dropout_whatever_the_default_of_training() -> None:
    trainer = fitted(Eager())
    measured = trainer.evaluate(X, Y)["loss"]
    assert measured == trainer.evaluate(X, Y)["loss"] == trainer.history["train_loss"][-1]


class Enlarged(nn.Sequential):
    """Its `__call__` multiplies the input by ten."""

    def __call__(self, x: Any, *, training: Any = False) -> Any:
        return super().__call__(10 * np.asarray(x), training=training)


def test_a_call_of_its_own_is_what_is_trained_measured_and_predicted() -> None:
    trainer = fitted(Enlarged(nn.Dense(2, 4), nn.Tanh(), nn.Dense(4, 1), seed=0))
    plain = nn.Sequential(nn.Dense(2, 4), nn.Tanh(), nn.Dense(4, 1), seed=0)
    expected = Trainer(plain, "bce", optimizer=optim.NAG(0.1), seed=0)
    expected.fit(10 * X, Y, epochs=3)
    assert np.array_equal(trainer.history["train_loss"], expected.history["train_loss"])
    assert trainer.evaluate(X, Y) == expected.evaluate(10 * X, Y)
    assert np.array_equal(trainer.model.predict(X), plain.predict(10 * X))
    top, theirs = (sharpness(t.model, "bce", x, Y) for t, x in ((trainer, X), (expected, 10 * X)))
    assert top.value == pytest.approx(theirs.value, rel=1e-9)


class Quarter(nn.BinaryCrossEntropy):
    """Its accuracy is always a quarter."""

    def accuracy(self, outputs: Any, targets: Any) -> Any:
        return 0.25


def test_an_accuracy_of_its_own_is_the_one_recorded() -> None:
    assert set(fitted(nn.mlp(2, 4, 1, seed=0), Quarter()).history["train_accuracy"]) == {0.25}


class Noise(nn.Layer):
    """Adds noise in training, if its rate is positive."""

    def __init__(self) -> None:
        self.rate = 0.0

    @property
    def stochastic(self) -> bool:
        return self.rate > 0

    def forward(self, x: Any, training: Any = False) -> Any:
        if not training or not self.rate:
            return x
        return x + self.rate * training.random(x.shape)


def test_a_layer_may_become_stochastic_between_two_calls_of_fit() -> None:
    noise = Noise()
    model = nn.Sequential(nn.Dense(2, 4, seed=1), noise, nn.Dense(4, 1, seed=2))
    trainer = fitted(model)
    noise.rate = 0.1
    trainer.fit(X, Y, epochs=2)
    assert np.isfinite(trainer.history["train_loss"]).all()
    noise.rate = 0.0
    trainer.fit(X, Y, epochs=1)
    assert trainer.epoch == 6


class Blind(nn.Layer):
    """Its `forward` calls a layer as PyTorch and Keras may."""

    def __init__(self) -> None:
        self.inner = nn.Dense(2, 1, seed=0)

    def forward(self, x: Any, training: Any = False) -> Tensor:
        return self.inner(x, training)  # type: ignore[call-arg]


def test_a_forward_that_calls_wrongly_is_told_before_the_first_epoch() -> None:
    trainer = Trainer(Blind(), "bce", optimizer=optim.NAG(0.1))
    with pytest.raises(TypeError, match=r"Write training=") as caught:
        trainer.fit(X, Y, epochs=1)
    assert "the first training row" in caught.value.__notes__[0]
    assert len(trainer.history) == 0
