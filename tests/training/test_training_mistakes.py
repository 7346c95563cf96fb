"""What people get wrong in their first hour, and what they are told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from training_problems import two_class_trainer, two_classes

from minidl import Trainer, nn, optim, train_replicas
from minidl.errors import ArgumentError, ShapeError
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


def said(call: Any) -> str:
    with pytest.raises(ArgumentError) as caught:
        call()
    return str(caught.value)


def test_a_class_is_told_from_its_objects_with_how_to_make_one() -> None:
    nag = "optimizer: NAG is a class; make one: NAG(lr=0.1)"
    assert said(lambda: two_class_trainer(optimizer=optim.NAG)) == nag
    assert said(lambda: replicas(optimizer=optim.NAG)) == nag
    assert said(lambda: Trainer(nn.Dense, "bce", optimizer=optim.NAG(0.1))) == (  # type: ignore[arg-type]
        "model: Dense is a class; make one: Dense(in_features=..., out_features=...)"
    )
    assert said(lambda: Trainer(Layered, "bce", optimizer=optim.NAG(0.1))) == (  # type: ignore[arg-type]
        "model: Layered is a class; make one: Layered(lr=0.1, width=...)"
    )


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        (EarlyStopping, "EarlyStopping()"),
        (CSVLog, "CSVLog(path=...)"),
        (LearningRateSchedule, "LearningRateSchedule(rate=...)"),
    ],
)
def test_a_callback_given_as_a_class_is_told_how_to_make_one(kind: Any, call: str) -> None:
    expected = f"callbacks: {kind.__name__} is a class; make one: {call}"
    for callbacks in (kind, [kind], (EarlyStopping("train_loss"), kind)):
        assert said(lambda given=callbacks: two_class_trainer(callbacks=given)) == expected
        with pytest.raises(ArgumentError) as caught:
            two_class_trainer().fit(X, Y, epochs=1, callbacks=callbacks)
        assert str(caught.value) == expected
    assert said(lambda: replicas(callbacks=lambda: [kind])) == expected


@pytest.mark.parametrize("loss", [3, None, np.mean, nn.Dense])
def test_a_loss_that_is_none_is_no_misspelt_name(loss: Any) -> None:
    message = said(lambda: Trainer(small(0), loss, optimizer=optim.NAG(0.1)))
    assert message.startswith(f"loss is neither a name nor a Loss; received {loss!r}; expected a ")


def test_a_loss_may_still_be_a_class() -> None:
    assert repr(Trainer(small(0), nn.Huber, optimizer=optim.NAG(0.1)).loss) == "Huber(delta=1.0)"


# -- columns ---------------------------------------------------------------------------------------


class Halves(nn.Layer):
    """Takes four columns, as no one can know who looks at its layers."""

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
def test_other_columns_than_the_first_dense_layer_takes(model: Any) -> None:
    trainer = Trainer(model(), "bce", optimizer=optim.NAG(0.1), seed=0)
    with pytest.raises(ShapeError) as caught:
        trainer.fit(np.ones((40, 3)), Y, epochs=1)
    assert str(caught.value) == (
        "the training inputs do not fit the model; received X of shape (40, 3), 40 rows of 3"
        " columns; expected 2 columns, X of shape (n, 2)"
    )
    with pytest.raises(ShapeError, match=r"validation inputs .* X of shape \(9, 1\), 9 rows"):
        trainer.fit(X, Y, epochs=1, validation=(np.ones((9, 1)), Y[:9]))


def test_columns_of_layers_that_are_not_known_are_left_to_them() -> None:
    trainer = Trainer(nn.Sequential(Halves(), nn.Tanh()), "mse", optimizer=optim.NAG(0.1), seed=0)
    trainer.fit(np.ones((40, 4)), Y, epochs=1)
    with pytest.raises(ValueError, match="broadcast together") as caught:
        trainer.fit(np.ones((40, 6)), Y, epochs=1)
    (note,) = caught.value.__notes__
    assert note == "in the model's outputs for the first of the training rows, X of shape (40, 6)"


def test_images_have_a_last_axis_of_columns_too() -> None:
    trainer = Trainer(nn.Dense(2, 1, seed=0), "mse", optimizer=optim.NAG(0.1))
    with pytest.raises(ShapeError, match=r"received X of shape \(4, 5, 3\); expected 2 columns"):
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
    """Gradient descent; others change its formula."""

    def __init__(self, lr: Any = 0.1) -> None:
        super().__init__()
        self.rate = lr if callable(lr) else lambda step: lr

    def update(self, w: Any, grad: Any) -> None:
        w -= self.rate(self.step_count) * grad(w)


class Rebinding(Rule):
    def update(self, w: Any, grad: Any) -> None:
        w = w - self.rate(self.step_count) * grad(w)


class RebindingReplicas(Rebinding):
    replicas = True


class RebindingStep(Rule):
    def step(self, w: Any, grad: Any) -> None:
        w = w - self.rate(0) * grad(w)


class Deaf(Rule):
    def update(self, w: Any, grad: Any) -> None:
        w -= 0.1


class DeafReplicas(Deaf):
    replicas = True


class Unlike(Rule):
    """Cannot be copied."""

    def __deepcopy__(self, memo: object) -> Any:
        raise TypeError


class Patient(Rule):
    """Writes every 50 steps."""

    def update(self, w: Any, grad: Any) -> None:
        g = grad(w)
        if self.step_count % 50 == 49:
            w -= 0.1 * g


class Upper(Rule):
    """Leaves all weights but the last as they are, by a mask of its own."""

    def update(self, w: Any, grad: Any) -> None:
        w[..., :1] -= 0.1 * grad(w)[..., :1]


WRITES = "must write into w: w -= ... or w[...] = ...; w = w - ... makes a new array"


@pytest.mark.parametrize("batch_size", ["full", 16])
@pytest.mark.parametrize(
    ("kind", "method"),
    [(Rebinding, "update"), (RebindingReplicas, "update"), (RebindingStep, "step")],
)
def test_an_optimizer_that_rebinds_its_vector_is_told_after_one_epoch(
    kind: Any, method: str, batch_size: Any
) -> None:
    trainer = two_class_trainer(optimizer=kind(), batch_size=batch_size)
    message = said(lambda: trainer.fit(X, Y, epochs=100))
    assert message.startswith(
        f"{kind.__name__} has changed no weight in the first epoch, although the gradient is not 0;"
    )
    assert f"Its {method} {WRITES}" in message
    assert trainer.epoch == 1
    with pytest.raises(ArgumentError, match="has changed no weight") as caught:
        replicas(optimizer=kind(), batch_size=batch_size)
    assert "seed 0" in "".join(caught.value.__notes__)


@pytest.mark.parametrize("kind", [Deaf, DeafReplicas])
def test_an_optimizer_that_never_asks_for_the_gradient_has_not_diverged(kind: Any) -> None:
    expected = f"{kind.__name__}.update has not asked for the gradient"
    assert expected in said(lambda: two_class_trainer(optimizer=kind()).fit(X, Y, epochs=2))
    with pytest.raises(ArgumentError, match=expected):
        replicas(optimizer=kind())


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: Rule(lambda step: 0.01 * step),
        lambda: Rule(lambda step: 0.1 if step > 500 else 0.0),
        lambda: Rule(1e-30),
        lambda: Unlike(0.0),
        Patient,
        lambda: optim.GradientDescent(1e-30),
    ],
    ids=["warm-up", "late", "lost in rounding", "cannot be copied", "patient", "minidl's own"],
)
def test_weights_that_do_not_move_yet_are_no_mistake(optimizer: Any) -> None:
    model = nn.Dense(2, 1, initializer="constant:1", bias=False)
    trainer = Trainer(model, "mse", optimizer=optimizer(), batch_size="full", seed=0)
    trainer.fit(X, Y, epochs=1)
    assert model.weight.data.tolist() == [[1.0], [1.0]]
    assert trainer.fit(X, Y, epochs=1).stopped_by == "epochs"


def test_a_gradient_of_zero_or_of_other_weights_is_no_mistake() -> None:
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
        lambda seed: (outer := nn.Sequential(nn.Sequential(nn.Dense(2, 1)))).build() or outer,
    ],
)
def test_a_model_that_forgets_its_seed_is_told_where_to_give_it(model: Any) -> None:
    message = said(lambda: replicas(model, seeds=[3, 4]))
    assert message == (
        "model forgets its seed: the weights are random, and no seed gives them back; received two"
        " networks that differ for seed 3. Give the seed to the network: lambda seed: nn.mlp(...,"
        " seed=seed)."
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
    assert "received NoneType for seed 4" in said(lambda: replicas(lambda s: None, seeds=[4, 5]))


@pytest.mark.parametrize("seeds", ["5", b"5", 5.0, None, True, np.float64(2)])
def test_seeds_are_a_number_or_several(seeds: Any) -> None:
    assert said(lambda: replicas(seeds=seeds)) == (
        f"seeds cannot be used; received {seeds!r}; expected a number of seeds, such as 5, or seeds"
        " such as range(5) or [3, 5, 8]"
    )
    assert len(replicas(seeds=np.int64(2))) == len(replicas(seeds=np.array([4, 6]))) == 2


def test_a_value_that_is_swept_twice_is_refused_and_named() -> None:
    assert said(lambda: replicas(optimizer=optim.NAG(lr=[0.1, 0.3, 0.1]))) == (
        "a value of the swept hyperparameters is given twice, for equal networks; received lr=0.1."
        " Give it once; for more networks give more seeds."
    )
    twice = optim.NAG([0.1, 0.1], momentum=[0.9, 0.9])
    assert "received lr=0.1, momentum=0.9." in said(lambda: replicas(optimizer=twice))
    assert len(replicas(optimizer=optim.NAG([0.1, 0.1], momentum=[0.9, 0.5]))) == 4
