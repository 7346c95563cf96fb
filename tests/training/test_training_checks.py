"""Common mistakes, and the errors that name them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from training_problems import two_class_trainer, two_classes

from minidl import Trainer, nn, optim, train_replicas
from minidl.errors import ArgumentError, ShapeError
from minidl.optim import Hyperparameter
from minidl.training import CSVLog, EarlyStopping, LearningRateSchedule, load_model, save_model

X, Y = two_classes(40)


def small(seed: int | None = None) -> nn.Sequential:
    return nn.mlp(2, 4, 1, seed=seed)


def replicas(model: Any = small, optimizer: Any = None, **options: Any) -> Any:
    common: dict[str, Any] = {"loss": "bce", "seeds": 2, "epochs": 2, "batch_size": 16}
    return train_replicas(model, optimizer or optim.NAG(0.1), X, Y, **(common | options))


# -- classes in place of objects -------------------------------------------------------------------


class Layered(nn.Layer):
    def __init__(
        self, lr: float, width: int, *others: int, depth: int = 1, **more: int
    ) -> None: ...


def message_of(call: Any) -> str:
    with pytest.raises(ArgumentError) as caught:
        call()
    return str(caught.value)


def test_a_class_in_place_of_an_instance_raises_with_how_to_create_one() -> None:
    nag = "optimizer NAG needs a learning rate. Write optimizer=NAG, lr=0.1, for instance."
    assert message_of(lambda: two_class_trainer(optimizer=optim.NAG)) == nag
    assert message_of(lambda: replicas(optimizer=optim.NAG)) == nag
    assert message_of(lambda: Trainer(nn.Dense, "bce", optimizer=optim.NAG(0.1))) == (  # type: ignore[arg-type]
        "model must be an instance, got the class Dense. Use"
        " Dense(in_features=..., out_features=...)."
    )
    assert message_of(lambda: Trainer(Layered, "bce", optimizer=optim.NAG(0.1))) == (  # type: ignore[arg-type]
        "model must be an instance, got the class Layered. Use Layered(lr=0.1, width=...)."
    )


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        (EarlyStopping, "EarlyStopping()"),
        (CSVLog, "CSVLog(path=...)"),
        (LearningRateSchedule, "LearningRateSchedule(rate=...)"),
    ],
)
def test_a_callback_class_in_place_of_an_instance_raises(kind: Any, call: str) -> None:
    expected = f"callbacks must be an instance, got the class {kind.__name__}. Use {call}."
    for callbacks in (kind, [kind], (EarlyStopping("train_loss"), kind)):
        assert message_of(lambda given=callbacks: two_class_trainer(callbacks=given)) == expected
        with pytest.raises(ArgumentError) as caught:
            two_class_trainer().fit(X, Y, epochs=1, callbacks=callbacks)
        assert str(caught.value) == expected
    assert message_of(lambda: replicas(callbacks=lambda: [kind])) == expected


@pytest.mark.parametrize("loss", [3, None, np.mean, nn.Dense])
def test_something_that_is_not_a_loss_is_not_called_an_unknown_name(loss: Any) -> None:
    message = message_of(lambda: Trainer(small(0), loss, optimizer=optim.NAG(0.1)))
    assert message.startswith(f"loss is neither a name nor a Loss: got {loss!r}, expected a ")


def test_a_loss_may_still_be_a_class() -> None:
    assert repr(Trainer(small(0), nn.Huber, optimizer=optim.NAG(0.1)).loss) == "Huber(delta=1.0)"


# -- columns ---------------------------------------------------------------------------------------


class Halves(nn.Layer):
    """Takes four columns, although its dense layer takes two."""

    def __init__(self) -> None:
        self.dense = nn.Dense(2, 1, seed=0)

    def forward(self, x: Any, training: Any = False) -> Any:
        return self.dense(x[..., :2] * x[..., 2:])


@pytest.mark.parametrize(
    "model",
    [
        lambda: nn.Dense(2, 1, seed=0),
        lambda: nn.Sequential(nn.Tanh(), nn.Dropout(0.1), nn.Dense(2, 1), seed=0),
        lambda: nn.Sequential(nn.Sequential(nn.Dense(2, 3)), nn.Dense(3, 1), seed=0),
    ],
)
def test_other_columns_than_the_first_dense_layer_takes_raise(model: Any) -> None:
    trainer = Trainer(model(), "bce", optimizer=optim.NAG(0.1), seed=0)
    with pytest.raises(ShapeError) as caught:
        trainer.fit(np.ones((40, 3)), Y, epochs=1)
    assert str(caught.value) == (
        "the training inputs do not fit the model: got X of shape (40, 3), 40 rows of 3"
        " columns, expected 2 columns, X of shape (n, 2)"
    )
    with pytest.raises(ShapeError, match=r"validation inputs .* X of shape \(9, 1\), 9 rows"):
        trainer.fit(X, Y, epochs=1, validation=(np.ones((9, 1)), Y[:9]))


def test_columns_of_custom_layers_are_checked_by_the_layers() -> None:
    trainer = Trainer(nn.Sequential(Halves(), nn.Tanh()), "mse", optimizer=optim.NAG(0.1), seed=0)
    trainer.fit(np.ones((40, 4)), Y, epochs=1)
    with pytest.raises(ValueError, match="broadcast together") as caught:
        trainer.fit(np.ones((40, 6)), Y, epochs=1)
    (note,) = caught.value.__notes__
    assert note == "in the model's outputs for the first training row, X of shape (40, 6)"


def test_images_have_a_last_axis_of_columns_too() -> None:
    trainer = Trainer(nn.Dense(2, 1, seed=0), "mse", optimizer=optim.NAG(0.1))
    with pytest.raises(ShapeError, match=r"got X of shape \(4, 5, 3\), expected 2 columns"):
        trainer.fit(np.ones((4, 5, 3)), np.ones((4, 5, 1)), epochs=1)


# -- one output, two outputs -----------------------------------------------------------------------


def test_losses_of_classes_with_the_wrong_number_of_outputs() -> None:
    one = Trainer(small(0), "softmax_cross_entropy", optimizer=optim.NAG(0.1))
    with pytest.raises(ShapeError, match=r"one output is always 0.* or use binary_cross_entropy"):
        one.fit(X, np.zeros(40, int), epochs=1)
    two = Trainer(nn.mlp(2, 4, 2, seed=0), "bce", optimizer=optim.NAG(0.1))
    with pytest.raises(ShapeError, match=r"end the network with 1 output, or use softmax_cross_en"):
        two.fit(X, Y, epochs=1)


# -- optimizers that train nothing -----------------------------------------------------------------


class Rule(optim.Optimizer):
    """Gradient descent; subclasses change its formula."""

    lr = Hyperparameter(lambda lr: lr >= 0, "a number >= 0")

    def __init__(self, lr: Any = 0.1) -> None:
        super().__init__(lr=lr)

    def update(self, w: Any, grad: Any) -> None:
        w -= self.lr * grad(w)


class Rebinding(Rule):
    def update(self, w: Any, grad: Any) -> None:
        w = w - self.lr * grad(w)


class RebindingReplicas(Rebinding):
    replicas = True


class RebindingStep(Rule):
    def step(self, w: Any, grad: Any) -> None:
        w = w - self.lr * grad(w)


class Deaf(Rule):
    def update(self, w: Any, grad: Any) -> None:
        w -= 0.1


class DeafReplicas(Deaf):
    replicas = True


class Unnamed(optim.Optimizer):
    """Keeps its learning rate, here 0, under a name of its own."""

    rate = Hyperparameter(lambda lr: lr >= 0, "a number >= 0")

    def __init__(self) -> None:
        super().__init__(rate=0.0)

    def update(self, w: Any, grad: Any) -> None:
        w -= self.rate * grad(w)


class Resting(Rule):
    """Evaluates the gradient in every second step, and moves in every 50th of them."""

    def update(self, w: Any, grad: Any) -> None:
        if self.step_count % 2 == 0:
            g = grad(w)
            if self.step_count % 100 == 98:
                w -= self.lr * g


class Accumulating(Rule):
    """Adds up the gradients of 50 steps in its state."""

    state_names = ("total",)

    def update(self, w: Any, grad: Any) -> None:
        self.state["total"] += grad(w)
        if self.step_count % 50 == 49:
            w -= self.lr * self.state["total"]
            self.state["total"][...] = 0.0


class Collecting(Rule):
    """Collects the gradients of 50 steps in an attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.gradients: list[Any] = []

    def update(self, w: Any, grad: Any) -> None:
        self.gradients.append(grad(w).copy())
        if len(self.gradients) == 50:
            w -= self.lr * np.sum(self.gradients, axis=0)
            self.gradients.clear()


class Upper(Rule):
    """Leaves all weights but the first as they are, by a mask of its own."""

    def update(self, w: Any, grad: Any) -> None:
        w[..., :1] -= self.lr * grad(w)[..., :1]


WRITES = "must write into w: w -= ... or w[...] = ..., because w = w - ... makes a new array."


@pytest.mark.parametrize("batch_size", ["full", 16])
@pytest.mark.parametrize("lr", [0.1, lambda step: 0.1 / (1 + step)], ids=["constant", "schedule"])
@pytest.mark.parametrize(
    ("kind", "method"),
    [(Rebinding, "update"), (RebindingReplicas, "update"), (RebindingStep, "step")],
)
def test_an_optimizer_that_rebinds_its_vector_raises_after_one_epoch(
    kind: Any, method: str, lr: Any, batch_size: Any
) -> None:
    trainer = two_class_trainer(optimizer=kind(lr), batch_size=batch_size)
    message = message_of(lambda: trainer.fit(X, Y, epochs=100))
    assert message.startswith(
        f"{kind.__name__} changed no weight in the first epoch, although the gradient is not 0:"
    )
    assert f"Its {method} {WRITES}" in message
    assert trainer.epoch == 1
    with pytest.raises(ArgumentError, match="changed no weight") as caught:
        replicas(optimizer=kind(lr), batch_size=batch_size)
    assert "seed 0" in "".join(caught.value.__notes__)


@pytest.mark.parametrize("kind", [Deaf, DeafReplicas])
def test_an_optimizer_that_never_evaluates_the_gradient_raises(kind: Any) -> None:
    expected = f"{kind.__name__}.update did not evaluate the gradient"
    assert expected in message_of(lambda: two_class_trainer(optimizer=kind()).fit(X, Y, epochs=2))
    with pytest.raises(ArgumentError, match=expected):
        replicas(optimizer=kind())


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: Rule(lambda step: 0.01 * step),
        lambda: Rule(lambda step: 0.1 if step > 500 else 0.0),
        lambda: Rule(1e-30),
        lambda: Rule(0.0),
        Unnamed,
        Accumulating,
        Collecting,
        lambda: optim.GradientDescent(1e-30),
    ],
    ids=[
        "warm-up",
        "late",
        "lost in rounding",
        "rate 0",
        "another name",
        "accumulating",
        "collecting",
        "minidl's",
    ],
)
def test_weights_that_do_not_move_yet_are_not_a_mistake(optimizer: Any) -> None:
    model = nn.Dense(2, 1, initializer="constant:1", bias=False)
    trainer = Trainer(model, "mse", optimizer=optimizer(), batch_size="full", seed=0)
    trainer.fit(X, Y, epochs=1)
    assert model.weight.data.tolist() == [[1.0], [1.0]]
    assert trainer.fit(X, Y, epochs=1).stopped_by == "epochs"


def test_an_optimizer_that_skips_steps_is_not_a_mistake() -> None:
    trainer = two_class_trainer(optimizer=Resting(), batch_size=8)
    losses = trainer.fit(X, Y, epochs=30)["train_loss"]
    assert losses[1] == losses[0] != losses[-1]


@pytest.mark.filterwarnings("ignore:the gradient of .* was 0:minidl.errors.UntrainedWarning")
def test_a_gradient_of_zero_or_of_other_weights_is_not_a_mistake() -> None:
    for kind in (Rule, Rebinding):
        dead = nn.Sequential(
            nn.Dense(2, 3, bias_initializer="constant:-99"), nn.ReLU(), nn.Dense(3, 1, bias=False)
        )
        trainer = Trainer(dead, "mse", optimizer=kind(), seed=0)
        assert trainer.fit(X, Y, epochs=2).stopped_by == "epochs"
    frozen = small(0)
    frozen.layers[2].weight.requires_grad = False  # type: ignore[attr-defined]
    assert Trainer(frozen, "bce", optimizer=Upper(), seed=0).fit(X, Y, epochs=2)
    still = nn.Dense(2, 1, seed=0)  # the gradient of the first weight is 0, those of others are not
    masked = Trainer(still, "mse", optimizer=Upper(), seed=0)
    assert masked.fit(X * [0.0, 1.0], Y, epochs=2).stopped_by == "epochs"


def test_a_run_that_goes_on_is_not_asked_again() -> None:
    trainer = two_class_trainer(optimizer=Rule(lambda step: 0.1 if step < 5 else 0.0))
    trainer.fit(X, Y, epochs=5)
    before = trainer.model.parameters.value.copy()
    trainer.fit(X, Y, epochs=2)
    assert np.array_equal(before, trainer.model.parameters.value)


# -- many networks ---------------------------------------------------------------------------------


def inside(seed: int) -> nn.Layer:
    network = small()
    network.summary()  # its weights are drawn now
    return network


def written(seed: int) -> nn.Layer:
    network = small()
    network.parameters.set(np.random.default_rng(seed).standard_normal(17))
    return network


@pytest.mark.parametrize(
    "model",
    [
        lambda seed: small(),
        inside,
        lambda seed: nn.Dense(2, 1),
        lambda seed: nn.Sequential(nn.Dense(2, 3, seed=seed), nn.Dense(3, 1)),
        lambda seed: nn.Sequential(nn.Sequential(nn.Dense(2, 3)), nn.Dense(3, 1, seed=seed)),
        lambda seed: nn.Sequential(nn.Sequential(nn.Dense(2, 1))),
    ],
)
def test_a_model_that_ignores_the_seed_raises(model: Any) -> None:
    message = message_of(lambda: replicas(model, seeds=[3, 4]))
    assert message == (
        "model ignores its seed: two networks for seed 3 have different weights. Give the seed to"
        " the network: lambda seed: nn.mlp(..., seed=seed)."
    )


@pytest.mark.parametrize(
    "model",
    [
        lambda seed: nn.Dense(2, 1, initializer="constant:0.5"),
        lambda seed: nn.Sequential(nn.Dense(2, 1, initializer="zeros"), nn.Dropout(0.1)),
        lambda seed: nn.Sequential(nn.Dense(2, 3, seed=seed), nn.Dense(3, 1, seed=seed)),
        lambda seed: nn.Sequential(nn.Sequential(nn.Dense(2, 3)), nn.Dense(3, 1), seed=seed),
        written,
    ],
)
def test_weights_that_come_back_need_no_seed(model: Any) -> None:
    assert [one.seed for one in replicas(model)] == [0, 1]


def test_loaded_weights_need_no_seed(tmp_path: Any) -> None:
    save_model(small(0), tmp_path / "net.npz")
    found = replicas(lambda seed: load_model(tmp_path / "net.npz"))
    assert np.array_equal(found[0].history["train_loss"][:1], found[1].history["train_loss"][:1])


def test_a_model_with_a_seed_is_asked_once_for_each() -> None:
    asked: list[int] = []

    def model(seed: int) -> nn.Layer:
        asked.append(seed)
        return (
            small(seed) if seed < 9 else nn.Sequential(nn.Dense(2, 1, seed=seed), nn.Dropout(0.1))
        )

    replicas(model, seeds=[7, 5])
    replicas(model, seeds=[10, 11])
    assert asked == [7, 5, 10, 11]


def test_an_error_in_the_model_says_for_which_seed() -> None:
    def model(seed: int) -> nn.Layer:
        if seed == 5:
            raise KeyError("width")
        return small(seed)

    with pytest.raises(KeyError) as caught:
        replicas(model, seeds=[4, 5])
    assert caught.value.__notes__ == ["in the network with seed 5, which model(5) should return"]
    assert "got NoneType for seed 4" in message_of(lambda: replicas(lambda s: None, seeds=[4, 5]))


@pytest.mark.parametrize("seeds", ["5", b"5", 5.0, None, True, np.float64(2)])
def test_seeds_are_a_number_or_several(seeds: Any) -> None:
    assert message_of(lambda: replicas(seeds=seeds)) == (
        "seeds must be a number of seeds, such as 5, or seeds such as range(5) or [3, 5, 8],"
        f" got {seeds!r}"
    )
    assert len(replicas(seeds=np.int64(2))) == len(replicas(seeds=np.array([4, 6]))) == 2


def test_a_value_that_is_swept_twice_raises_and_is_named() -> None:
    assert message_of(lambda: replicas(optimizer=optim.NAG(lr=[0.1, 0.3, 0.1]))) == (
        "a value of the swept hyperparameters is given twice, for equal networks: got lr=0.1."
        " Give it once; for more networks give more seeds."
    )
    twice = optim.NAG([0.1, 0.1], momentum=[0.9, 0.9])
    assert "got lr=0.1, momentum=0.9." in message_of(lambda: replicas(optimizer=twice))
    assert len(replicas(optimizer=optim.NAG([0.1, 0.1], momentum=[0.9, 0.5]))) == 4


@pytest.mark.parametrize("name", ["model", "loss", "lr", "learning_rate"])
def test_what_a_trainer_would_ignore_cannot_be_assigned(name: str) -> None:
    trainer = two_class_trainer()
    before = trainer.model, trainer.loss
    with pytest.raises((ArgumentError, AttributeError), match=r"new Trainer|optimizer\.lr"):
        setattr(trainer, name, 0.1)
    assert (trainer.model, trainer.loss) == before
