"""What Keras and PyTorch set or define, and minidl would not look at, is an error that says so."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from typing import Any

import numpy as np
import pytest

from minidl import Trainer, errors, nn, ops, optim, training

X = np.random.default_rng(0).normal(size=(20, 2))
y = (X[:, 0] > 0).astype(int)


def scope() -> dict[str, Any]:
    model = nn.Sequential(nn.Dense(2, 4), nn.BatchNorm(4), nn.Dropout(0.5), nn.Dense(4, 1), seed=0)
    trainer = Trainer(model, "bce", optimizer=optim.NAG(0.1), batch_size=5, seed=0)
    named = {"model": model, "dense": model[0], "norm": model[1], "dropout": model[2]}
    named |= {"trainer": trainer, "early": training.EarlyStopping(), "penalty": nn.L2Penalty(0.1)}
    return {**globals(), **named, "fit": lambda: trainer.fit(X, y, epochs=1)}


SET = {
    "model.trainable = False": "Freeze parameter by parameter: layer.weight.requires_grad = False",
    "dense.trainable = False": "Freeze parameter by parameter",
    "dense.requires_grad = False": "Freeze parameter by parameter",
    "norm.frozen = True": "Freeze parameter by parameter",
    "model.training = False": "Nothing to switch",
    "norm.training = False": "Nothing to switch",
    "model.stop_training = True": 'trainer.stop("why")',
    "norm.momentum = 0.5": "It is layer.decay",
    "norm.eps = 0.1": "Write epsilon = ... instead",
    "norm.affine = False": "always has",
    "dropout.p = 0.9": "Write rate = ... instead",
    "dense.activation = 'relu'": "a layer of its own",
    "dense.units = 3": "layer.out_features",
    "dense.out_features = 3": "out_features of Dense(2, 4) cannot be changed",
    "norm.features = 3": "cannot be changed",
    "early.restore_best_weights = False": "Write restore_best = ... instead",
    "early.n_iter_no_change = 3": "Write patience = ... instead",
    "penalty.weight_decay = 1": "Write strength = ... instead",
    "dropout.rate = 1.5": "rate must be a number in [0, 1), got 1.5",
    "dropout.rate = 'x'": "rate must be a number in [0, 1), got 'x'",
    "penalty.strength = -1": "strength must be a finite number >= 0, got -1",
    "trainer.objective.penalty.strength = None": "strength must be a finite number >= 0, got None",
    "norm.epsilon = -1": "epsilon must be a finite number >= 0, got -1",
    "norm.decay = 2": "decay must be a number in [0, 1), got 2",
    "nn.LeakyReLU().slope = 'a'": "slope must be a finite number, got 'a'",
    "nn.ELU().alpha = None": "alpha must be a finite number, got None",
    "nn.Huber().delta = 0": "delta must be a positive finite number, got 0",
    "nn.Huber().beta = 1": "Write delta = ... instead",
    "early.patience = 0": "patience must be an integer >= 1, got 0",
    "nn.Dense(2, 3).seed = 3": "cannot be changed. It was used when it was made",
    "nn.Dense(2, 3).initializer = 'zeros'": "cannot be changed. It was used when it was made",
    "model.seed = 3": "cannot be changed. It was used when it was made",
    "dropout.seed = 3": "cannot be changed. It was used when it was made",
    "model.device = 'cuda'": "computes on the processor",
    "model.dropout = 0.5": "Dropout is a layer of its own",
    "nn.ReLU().inplace = True": "Layers compute new arrays",
    "nn.BinaryCrossEntropy().from_logits = False": "take logits",
    "nn.Hinge().label_smoothing = 0.1": "nn.SoftmaxCrossEntropy takes it",
    "nn.BinaryCrossEntropy().label_smoothing = 2.0": "label_smoothing must be a number from 0 to 1",
    "nn.SoftmaxCrossEntropy().class_weight = {0: 1.0}": "is given to fit",
    "nn.Poisson().epsilon = 0": "epsilon must be a positive finite number, got 0",
    "early.mode = 'max'": "is better when larger",
    "training.StopAtTarget(0.1).sustained = 0": "sustained must be an integer >= 1, got 0",
    "training.Checkpoint('a.npz').every = 0": "every must be an integer >= 1, got 0",
    "training.Checkpoint('a.npz').save_best_only = True": "EarlyStopping restores the best",
    "training.Progress().lines = 0": "lines must be an integer >= 1, got 0",
    "trainer.verbose = 1": "Progress()",
    "trainer.seed = 'x'; fit()": "seed must be",
    "trainer.evaluate(X, y).loss": 'result["loss"]',
    "trainer.momentum = 0": "Write trainer.optimizer.momentum.",
    "trainer.l2 = 5.0": "Write trainer.objective.penalty.strength.",
    "trainer.stop_training = True": 'Call trainer.stop("why").',
    "trainer.should_stop = True": 'Call trainer.stop("why").',
    "trainer.lr = 0.1": "Write trainer.optimizer.lr.",
    "trainer.measure_every = -1; fit()": "measure_every must be an integer >= 0, got -1",
    "trainer.batch_size = 0; fit()": 'batch_size must be "full" or an integer >= 1',
    "trainer.optimizer = 'nag'; fit()": "optimizer must be an optimizer, such as optim.NAG(lr=0.1)",
    "trainer.optimizer = optim.NAG; fit()": "got the class NAG. Use NAG(lr=0.1).",
    "trainer.callbacks = [1]; fit()": "callbacks must be a list of callbacks",
    "trainer.class_weight = 'x'; fit()": 'class_weight must be "balanced" or a dictionary',
    "loss, accuracy = trainer.evaluate(X, y)": 'Write ["loss"], ["accuracy"].',
    "loss, *rest = trainer.evaluate(X, y)": 'Write ["loss"], ["accuracy"].',
    "trainer.evaluate(X, y)['acc']": "Did you mean 'accuracy'?",
    "trainer.evaluate(X, y)['val_loss']": "Did you mean 'loss'?",
    "fit(); trainer.history.row(-1)['val_loss']": "Give fit() validation rows",
    "fit(); trainer.history.row(-1).get('val_acc')": "Give fit() validation rows",
    "nn.functional": "Functions are in minidl.ops",
    "ops.cross_entropy(X, y)": "It is ops.softmax_cross_entropy",
    "ops.losses.mse": "Losses are operations",
    "early.min_delta = -1": "min_delta must be a finite number >= 0, got -1",
}  # fmt: skip


@pytest.mark.parametrize(("line", "said"), SET.items())
def test_what_would_be_ignored_or_is_invalid_cannot_be_set(line: str, said: str) -> None:
    with pytest.raises(errors.MinidlError) as caught:
        exec(line, scope())
    assert said in str(caught.value)


def test_what_means_something_can_be_set() -> None:
    here = scope()
    exec("dropout.rate = 0.25; norm.decay = 0.5; penalty.strength = 0.5; early.patience = 3", here)
    assert (here["dropout"].rate, here["norm"].decay) == (0.25, 0.5)
    assert (here["penalty"].strength, here["early"].patience) == (0.5, 3)
    assert copy.deepcopy(here["model"])[2].rate == 0.25


def test_a_trainer_takes_another_optimizer_batch_size_and_weights_between_two_fits() -> None:
    here = scope()
    exec("trainer.optimizer = optim.Momentum(0.1); trainer.batch_size = 4; fit()", here)
    assert here["trainer"].history["updates"][-1] == 5
    exec("trainer.class_weight = 'balanced'; trainer.measure_every = 0; fit()", here)


def test_a_callback_cannot_stop_a_run_as_in_keras_and_is_told_so() -> None:
    class Stopping(training.Callback):
        def on_epoch_end(self, trainer: Any, record: Any) -> None:
            trainer.stop_training = True

    with pytest.raises(errors.UnknownAttributeError, match=r'Call trainer\.stop\("why"\)'):
        scope()["trainer"].fit(X, y, epochs=1, callbacks=[Stopping()])


def test_the_result_of_evaluate_is_a_dict_otherwise() -> None:
    result = scope()["trainer"].evaluate(X, y)
    same = [dict(result), {**result}, copy.deepcopy(result), json.loads(json.dumps(result))]
    assert all(other == result for other in [*same, pickle.loads(pickle.dumps(result))])
    assert [*result] == sorted(result, reverse=True) == ["loss", "accuracy"]
    assert (result.get("seconds_", 3), result.get("validation_loss")) == (3, None)


def test_files_of_operations_are_no_operations_but_can_be_imported() -> None:
    from minidl.autograd.ops import cross_entropy

    assert cross_entropy.__name__ == "minidl.autograd.ops.cross_entropy"
    assert not [name for name in dir(ops) if inspect.ismodule(vars(ops).get(name))]


def test_custom_layers_have_these_words_for_themselves_except_those_that_freeze() -> None:
    class Own(nn.Layer):
        def __init__(self, word: str) -> None:
            setattr(self, word, 1)

    for word in ("training", "activation", "momentum", "p", "units", "history"):
        assert getattr(Own(word), word) == 1
    for word in ("trainable", "requires_grad", "frozen"):
        with pytest.raises(errors.UnknownAttributeError, match="Freeze parameter by parameter"):
            Own(word)


DEFINED = {  # a base, the first line of a method -> what is said
    ("nn.Layer", "call(self, x)"): "call is never called. Rename it to forward(self, x, training",
    ("nn.Dense", "call(self, inputs)"): "Rename it to forward",
    ("nn.Layer", "forward(self, x)"): "Write def forward(self, x, training=False).",
    ("nn.Layer", "forward(self)"): "Write def forward(self, x, training=False).",
    ("nn.Layer", "forward(self, x, mask=None)"): "Write def forward(self, x, training=False).",
    ("nn.Loss", "forward(self, outputs, targets)"): "Rename it to mean(self, outputs, targets)",
    ("nn.Loss", "call(self, y_true, y_pred)"): "Rename it to mean(self, outputs, targets)",
    ("nn.Loss", "mean(self, y_true, y_pred)"): "Write def mean(self, outputs, targets).",
    ("nn.Loss", "mean(self, outputs)"): "Write def mean(self, outputs, targets).",
    ("optim.Optimizer", "step(self)"): "Rename it to update(self, w, grad)",
    ("optim.Optimizer", "update_step(self, g, v, lr)"): "Rename it to update(self, w, grad)",
    ("optim.Optimizer", "update(self, w)"): "Write def update(self, w, grad).",
    ("Callback", "on_train_begin(self, logs=None)"): "It is on_fit_begin(trainer, epochs)",
    ("Callback", "on_train_end(self, logs=None)"): "It is on_fit_end(trainer)",
    ("Callback", "on_train_batch_end(self, batch, logs=None)"): "hooks between epochs only",
    ("Callback", "on_batch_end(self, batch, logs=None)"): "hooks between epochs only",
    ("Callback", "on_epoch_end(self, epoch, logs=None)"): "Write def on_epoch_end(self, trainer, r",
    ("Callback", "on_epoch_begin(self, epoch, logs=None)"): "on_epoch_begin(self, trainer, epoch)",
    ("Callback", "on_epoch_end(self)"): "Write def on_epoch_end(self, trainer, record).",
    ("Callback", "on_fit_end(self, trainer, more)"): "Write def on_fit_end(self, trainer).",
    ("Callback", "epoch_end(self)"): "Rename it to on_epoch_end(self, trainer, record)",
    ("Callback", "on_epoch_ends(self, trainer, record)"): "Did you mean 'on_epoch_end'?",
    ("Callback", "on_validation_end(self, trainer)"): "is not a hook and is never called",
    ("EarlyStopping", "on_epoch_ends(self)"): "Did you mean 'on_epoch_end'?",
}


@pytest.mark.parametrize(("base", "method", "said"), [(*key, s) for key, s in DEFINED.items()])
def test_methods_that_are_never_called_or_called_otherwise(
    base: str, method: str, said: str
) -> None:
    with pytest.raises(errors.CallError) as caught:
        exec(f"class Own({base}):\n def {method}: pass", {**globals(), **vars(training)})
    assert str(caught.value).startswith(f"Own.{method.split('(', maxsplit=1)[0]}")
    assert said in str(caught.value)


def test_a_class_that_freezes_all_its_layers_says_how_to_freeze() -> None:
    with pytest.raises(errors.CallError, match="Freeze parameter by parameter"):

        class Frozen(nn.Layer):
            trainable = False


def test_methods_of_other_names_and_forms_that_work_are_left_alone() -> None:
    class Block(nn.Layer):
        def forward(self, x: Any, *rest: Any) -> Any:
            return self.call(x)

        def call(self, x: Any) -> Any:
            return x

    class Twice(Block):
        def call(self, x: Any) -> Any:
            return 2 * x

        def on_fit_end(self) -> None: ...

    class Counting(optim.NAG):
        def step(self, *arguments: Any) -> None:
            super().step(*arguments)

    class Hook(training.Callback):
        def on_epoch_end(self, *arguments: Any) -> None: ...
        def epoch(self) -> None: ...

    assert Twice()(np.ones((1, 1))) == 2
    assert Counting(0.1).step_count == 0
    assert Hook() is not None


@pytest.mark.parametrize("code", ["nn.Loss()", "optim.Optimizer()", "Empty()", "Rule(lr=0.1)"])
def test_a_class_without_its_formula_says_what_to_write(code: str) -> None:
    class Empty(nn.Loss):
        pass

    class Rule(optim.Optimizer):
        pass

    with pytest.raises(errors.CallError, match=r"does not define (mean|update). Write def "):
        eval(code, {"nn": nn, "optim": optim, "Empty": Empty, "Rule": Rule})


@pytest.mark.parametrize("code", ["model(X, True)", "model(X, train=True)", "model()"])
def test_a_model_that_is_called_otherwise_says_how(code: str) -> None:
    with pytest.raises(errors.CallError, match="training"):
        eval(code, scope())


def test_a_custom_layer_that_passes_a_name_to_its_base_is_answered() -> None:
    class Named(nn.Layer):
        def __init__(self) -> None:
            super().__init__(name="m")  # type: ignore[call-arg]

    with pytest.raises(errors.UnknownKeywordError, match=r"^Layer\(\) has no argument name"):
        Named()
