"""Words of Keras, PyTorch and scikit-learn get an error of minidl's own that says what to write."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pytest

import minidl
from minidl import Tensor, Trainer, comparison, datasets, errors, nn, ops, optim, training
from minidl.keywords import answer_keyword, answers
from minidl.words import (
    ARGUMENTS,
    ATTRIBUTES,
    COLUMNS,
    METHODS,
    NAMES,
    OPTIONS,
    PLACES,
    USAGE,
)

X = np.random.default_rng(0).normal(size=(20, 2))
y = (X[:, 0] > 0).astype(int)
ROOMS = [minidl, nn, optim, datasets, training, comparison]


@pytest.fixture(scope="module")
def scope() -> dict[str, Any]:
    model = nn.mlp(2, 4, 1, seed=0)
    trainer = Trainer(model, "bce", optimizer=optim.NAG(0.1), seed=0)
    history = trainer.fit(X, y, epochs=1)
    return {
        **vars(minidl), **vars(training), "nn": nn, "optim": optim, "datasets": datasets,
        "ops": ops, "minidl": minidl, "training": training, "np": np, "X": X, "y": y,
        "model": model, "m": model, "trainer": trainer, "history": history,
        "optimizer": optim.NAG(0.1), "x": Tensor([[1.0, 2.0]], requires_grad=True),
        "make": lambda seed: nn.mlp(2, 4, 1, seed=seed), "data": datasets.load("iris"),
        "loss": nn.BinaryCrossEntropy(), "pairs": {"a": nn.Tanh()},
    }  # fmt: skip


KEYWORDS = {
    # of optimizers and schedules
    "optim.NAG(learning_rate=0.1)": "Write lr=...",
    "optim.NAG(lr=0.1, betas=(0.9, 0.99))": "beta1=0.9, beta2=0.999",
    "optim.Adam(lr=0.1, betas=(0.9, 0.99))": "beta1=0.9, beta2=0.999",
    "optim.Adam(learning_rate=0.1)": "Write lr=...",
    "optim.Adam(beta_1=0.9)": "Write beta1=...",
    "optim.Adam(b2=0.9)": "Write beta2=...",
    "optim.Adam(momentum=0.9)": "Write beta1=...",
    "optim.Adam(eps=1e-8)": "Write epsilon=...",
    "optim.Adam(weight_decay=0.1)": "Write optim.AdamW(lr, weight_decay=0.01), or Trainer(..., l2=",
    "optim.Adam(amsgrad=True)": "optim.AMSGrad(lr)",
    "optim.AdamW(amsgrad=True)": "DecoupledWeightDecay(optim.AMSGrad(lr), 0.01)",
    "optim.NAdam(decoupled_weight_decay=True)": "DecoupledWeightDecay(optim.NAdam(lr), 0.01)",
    "optim.RAdam(decoupled_weight_decay=True)": "DecoupledWeightDecay(optim.RAdam(lr), 0.01)",
    "optim.Adagrad(0.1, lr_decay=0.5)": "lr=lambda step: 0.1 / (1 + 0.01 * step)",
    "optim.Momentum(0.1, dampening=0.5)": "is the same but for the first gradient",
    "optim.Adam(maximize=True)": "Minimise the loss times -1",
    "optim.Adam(nesterov=True)": "optim.NAdam(lr)",
    "optim.Adam(clipnorm=1.0)": "clip",
    "optim.NAG(0.1, beta2=0.9)": "optim.Adam(0.001, beta2=0.999)",
    "optim.RMSprop(alpha=0.9)": "Write rho=...",
    "optim.RMSprop(decay=0.9)": "Write rho=...",
    "optim.RMSprop(centered=True)": "optim.CenteredRMSprop(lr)",
    "optim.Adagrad(initial_accumulator_value=0.1)": "begin at 0",
    "optim.Rprop(etas=(0.5, 1.2))": "shrink=0.5, grow=1.2",
    "optim.Rprop(eta_plus=1.2)": "Write grow=...",
    "optim.Rprop(step_sizes=(1e-6, 50))": "smallest=1e-6",
    "optim.Adam(model.parameters, lr=0.001)": "Write Adam(lr=0.001): a Trainer gives",
    "optim.Lion(model.parameters, lr=1e-4)": "Write Lion(lr=0.0001): a Trainer gives",
    "optim.SGD(lr=0.1, nesterovs_momentum=True)": "Write nesterov=...",
    "optim.NAG(lr=0.1, nesterovs_momentum=True)": "Leave it out: this is Nesterov's method.",
    "optim.NAG(lr=0.1, nesterov=True)": "Leave it out: this is Nesterov's method.",
    "optim.SGD(nesterov=True)": "nesterov=True if wanted",
    "optim.SGD(0.1, name='sgd')": "nor has anything else",
    "optim.StepDecay(0.1, drop=0.5, epochs_drop=10)": "Write factor=...",
    "optim.StepDecay(0.1, 10, gamma=0.5)": "under LearningRateSchedule it counts epochs",
    "optim.ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5)": "decay_rate ** (1 / deca",
    "nn.mlp(2, 1, output_activation='sigmoid')": "The network ends without one",
    "nn.mlp(2, 1, final_activation='softmax')": "The network ends without one",
    "nn.mlp(2, 1, batch_norm=True)": "nn.BatchNorm(16)",
    "nn.BatchNorm(2, affine=False)": "always has scale and shift",
    "nn.BatchNorm(2, scale=False)": "always has scale and shift",
    "nn.LayerNorm(2, elementwise_affine=False)": "always has scale and shift",
    "nn.Hinge(label_smoothing=0.1)": "nn.SoftmaxCrossEntropy takes it",
    "nn.Hinge(pos_weight=3.0)": "nn.BinaryCrossEntropy takes it: pos_weight=3.0",
    "nn.SmoothL1(delta=1.0)": "Write beta=...",
    "nn.Embedding(num_embeddings=10, embedding_dim=4)": "Write count=...",
    "nn.Embedding(10, output_dim=4)": "Write features=...",
    "nn.Embedding(10, 4, padding_idx=0)": "Write padding_index=...",
    "nn.Embedding(10, 4, mask_zero=True)": "padding_index=0",
    "nn.Embedding(10)": "Write nn.Embedding(10, 4) for 10 categories",
    "nn.Poisson(full=True)": "they change no gradient",
    "nn.Hardtanh(min_val=0.0)": "Write min_value=...",
    "nn.Residual(nn.Dense(2, 2), nn.ReLU())": "nn.Residual(nn.Sequential(...))",
    "optim.SGD(0.1, l1=0.1)": "Trainer(..., l1=0.01)",
    "nn.BinaryCrossEntropy(ignore_index=-1)": "sample_weight 0",
    "datasets.load('moons', shuffle=False)": "The split is always random",
    "Trainer(model, 'bce', 'nag', alpha=0.1)": "l2 = alpha / batch size",
    "Trainer(model, 'bce', 'nag', kernel_regularizer=0.1)": "l2 = 2 * s",
    "Trainer(model, 'bce', 'nag', gradient_clip_val=1)": "Write clip_norm=... instead.",
    "optim.NAG(0.1, dampening=0.1)": "no such switch",
    "optim.SGD(model.parameters, lr=0.1)": "a Trainer gives the optimizer its weights",
    "optim.SGD(model.parameters(), lr=0.1)": "Write model.parameters",
    "optim.SGD(params=model, lr=0.1)": "A Trainer gives the optimizer its weights",
    "optim.SGD(0.1, weight_decay=0.1)": "Trainer(..., l2=0.01)",
    "optim.StepDecay(0.1, step_size=30)": "Write every=...",
    "optim.StepDecay(0.1, 30, gamma=0.5)": "Write factor=...",
    "optim.ExponentialDecay(0.1, gamma=0.9)": "Write rate=...",
    "optim.CosineDecay(0.1, T_max=10, eta_min=0.1)": "Write steps=...",
    "optim.CosineDecay(0.1, 10)": "needs end. Write CosineDecay(0.1, steps=1000, end=0.001).",
    "optim.LinearWarmup(max_lr=0.1, steps=3)": "Write peak=...",
    "optim.lookup('nag').make(learning_rate=0.1)": "Write lr=...",
    # of layers
    "nn.Dense(16)": "Write nn.Dense(2, 16) for 2 inputs and 16 outputs",
    "nn.Dense(units=16)": "Write out_features=...",
    'nn.Dense(2, 16, "relu")': "nn.Sequential(nn.Dense(2, 16), nn.ReLU())",
    'nn.Dense(16, activation="relu")': "An activation is a layer of its own",
    "nn.Dense(2, 3, use_bias=False)": "Write bias=...",
    'nn.Dense(2, 3, kernel_initializer="zeros")': "Write initializer=...",
    'nn.Dense(2, 3, name="first")': "Layers have no name",
    'nn.Dense(2, 3, device="cpu")': "computes on the processor",
    "nn.Dropout(p=0.5)": "Write rate=...",
    "nn.Dropout()": "Write nn.Dropout(0.5).",
    "nn.ReLU(inplace=True)": "ReLU() has no argument inplace. Layers compute new arrays.",
    "nn.LeakyReLU(negative_slope=0.1)": "Write slope=...",
    "nn.Softmax(dim=1)": "Layers work on the last axis",
    "nn.mlp(2, 16, 1, dropout_rate=0.1)": "Write dropout=...",
    "nn.mlp(2, 1, random_state=0)": "Write seed=...",
    "nn.mlp(2, 1, hidden_layer_sizes=(3,))": "nn.mlp(2, 16, 16, 1",
    "model.predict(X, batch_size=8)": "Write chunk=...",
    "model.predict(X, verbose=0)": "callbacks=[Progress()]",
    # of losses
    "nn.BinaryCrossEntropy(from_logits=True)": "take logits",
    'nn.MeanSquaredError(reduction="sum")': "A loss is the mean",
    "nn.SoftmaxCrossEntropy(weight=[1.0])": "class_weight=",
    "nn.Huber(beta=1.0)": "Write delta=...",
    "loss(model(X), y, pos_weight=2)": "nn.BinaryCrossEntropy takes it",
    "loss(y_pred=model(X), targets=y)": "Write outputs=...",
    "nn.L2Penalty(weight_decay=0.1)": "L2Penalty(strength) has no argument weight_decay",
    # of Trainers
    'Trainer(model, optimizer=optim.NAG(0.1))': 'Write Trainer(model, "bce", optimizer=',
    'Trainer(model, criterion="bce", optimizer=optim.NAG(0.1))': "Write loss=...",
    'Trainer(model, "bce", optimizer=optim.NAG(0.1), epochs=3)': "fit(X, y, epochs=100)",
    'Trainer(model, "bce", optimizer=optim.NAG(0.1), l2_reg=0.1)': "Write l2=...",
    'Trainer(model, "bce", optimizer=optim.NAG(0.1), random_state=0)': "Write seed=...",
    'Trainer(model, "bce", optimizer=optim.NAG(0.1), metrics=["acc"])': "for classes, the accuracy",
    'Trainer(model, "bce", optimizer=optim.NAG(0.1), early_stopping=True)': "EarlyStopping(pat",
    'Trainer(model, "bce", optimizer=optim.NAG(0.1), lr_scheduler=None)': "a schedule as lr",
    "trainer.fit(X, y, 10)": "Write fit(X, y, epochs=10)",
    "trainer.fit((X, y))": "Write fit(X, y, epochs=10)",
    "trainer.fit(iter([(X, y)]), epochs=1)": "Write fit(X, y, epochs=10)",
    "trainer.fit(X, y)": "needs epochs. Write fit(X, y, epochs=10)",
    "trainer.fit(x=X, y=y, epochs=1)": "Write X=...",
    "trainer.fit(X, y, epochs=1, batch_size=8)": "Trainer(..., batch_size=32)",
    "trainer.fit(X, y, epochs=1, validation_data=(X, y))": "Write validation=...",
    "trainer.fit(X, y, epochs=1, validation_split=0.2)": "validation=(X_val, y_val)",
    "trainer.fit(X, y, epochs=1, verbose=0)": "callbacks=[Progress()]",
    "trainer.fit(X, y, epochs=1, shuffle=True)": "Trainer(..., shuffle=True)",
    "trainer.fit(X, y, n_epochs=1)": "Write epochs=...",
    "trainer.fit(X, y, epochs=1, steps_per_epoch=3)": "An epoch is all rows",
    "trainer.fit(X, y, epochs=1, initial_epoch=3)": "continues the first",
    "trainer.evaluate((X, y))": "Write evaluate(X, y).",
    "trainer.evaluate(x=X, y=y)": "Write X=...",
    # of callbacks and files
    'EarlyStopping("train_loss", 5)': 'Write EarlyStopping("validation_loss", patience=10).',
    "EarlyStopping(5)": "EarlyStopping(patience=5)",
    "EarlyStopping(restore_best_weights=True)": "Write restore_best=...",
    'EarlyStopping(mode="min")': "is better when larger",
    "EarlyStopping(tol=0.1)": "Write min_delta=...",
    "Checkpoint(filepath='a')": "Write path=...",
    "Checkpoint('a', save_best_only=True)": "EarlyStopping restores the best weights",
    "Checkpoint('a', save_freq=2)": "Write every=...",
    "LearningRateSchedule(0.1)": "a function of the number of completed epochs",
    'LearningRateSchedule(schedule=lambda epoch: 0.1)': "Write rate=...",
    'save_model("model.npz", model)': "Give the model first, then the path.",
    "save_model(model)": 'Write save_model(model, "model.npz").',
    "save_model(model, model)": "path must be a file name",
    'load_model(model, "model.npz")': 'load_model("model.npz", into=model)',
    'save_run("run.npz", trainer)': "Give the trainer first, then the path.",
    'load_run("run.npz", trainer)': "Give the trainer first, then the path.",
    "training.save_run(model, 'run.npz')": "trainer must be a Trainer",
    # of data sets, replicas and comparisons
    'datasets.load("moons", n_samples=100)': "Write n=...",
    'datasets.load("moons", random_state=0)': "Write seed=...",
    'datasets.load("iris", return_X_y=True)': "X_train, y_train",
    'datasets.load("moons", validation_split=0.2)': "Write test_size=...",
    "datasets.load(X, y)": "Dataset.from_arrays(X, y)",
    'datasets.generate("moons", n_samples=3)': "Write n=...",
    'train_replicas(make, optimizer, X, y, loss="bce", random_state=0, epochs=1)': "Write seeds=",
    'train_replicas(make, optimizer, X, y, loss="bce", seeds=1, n_epochs=1)': "Write epochs=...",
    'compare("moons", n_jobs=2)': "Write jobs=...",
    'compare("moons", optimizer="nag")': "Write optimizers=...",
    'compare("moons", hidden_layer_sizes=(3,))': "Write hidden=...",
    'compare("moons", verbose=1)': "Write progress=...",
    'compare("moons", ["nag"])': "optimizers=[",
    'compare("moons", model)': "a function seed -> network",
    "compare(model)": "The network is the second argument",
    'compare("moons", optimizers=[optimizer])': 'write a dict: optimizers={"mine"',
    # of Tensors
    "x.sum(dim=0)": "Write axis=...",
    "x.mean(axis=0, keepdim=True)": "Write keepdims=...",
    "x.argmax(dim=1)": "Write axis=...",
    "x.var(unbiased=True)": "ddof=1",
    "ops.softmax(x, dim=1)": "Write axis=...",
    "ops.stack([x, x], dim=0)": "Write axis=...",
    "x.norm(p=2)": "Write ord=...",
    "x.backward(create_graph=True)": "grad(y, x, create_graph=True)",
    "grad(x)": "Write grad(y, x)",
    "grad(x.sum(), x, allow_unused=True)": "is zero",
    "Tensor([1.0], dtype=float)": "np.float32",
}  # fmt: skip
CALLS = {
    "optim.SGD(model.parameters, 0.1)": "lr must be |, got a ParameterVector. A Trainer gives",
    "optim.SGD(model, 0.1)": "lr must be |, got a Sequential. A Trainer gives",
    "optim.NAG(list(model.parameters), 0.1)": "lr must be |, got a list. A Trainer gives",
    "optim.NAG(model.named_parameters(), 0.1)": "lr must be |A Trainer gives",
    "optimizer.step()": "step needs w and grad|fit(X, y, epochs=10) takes the steps",
    "model.parameters()": "Write model.parameters",
    "optim.NAG(lr='adaptive')": "got 'adaptive'. A Callback can do that",
    "optim.NAG(lr='invscaling')": "lr=lambda step: 0.1 / (1 + step) ** 0.5",
    "nn.Dense(16, 'relu')": "an activation is a layer after it",
    "nn.loss('ce')": "Did you mean 'softmax_cross_entropy'?",
    "nn.loss('squared_hinge')": "minidl has no such loss",
    "nn.loss('KLDivLoss')": "Did you mean 'kl_divergence'?",
    "nn.loss('SmoothL1Loss')": "Did you mean 'smooth_l1'?",
    "nn.loss('HuberLoss')": "Did you mean 'huber'?",
    "nn.loss('PoissonNLLLoss')": "Did you mean 'poisson'?",
    "nn.activation('prelu')": "minidl.ops has more functions",
    "model.parameters[0]": "unknown parameter 0: expected one of: 0.weight",
    "trainer.fit(X, y, epochs=1, sample_weight='balanced')": "fit: class_weight='balanced'",
    "trainer.fit(X, y, epochs=1, sample_weight={0: 1})": "to fit: class_weight={0: 1}",
    "trainer.fit(X, y, epochs=1, callbacks=EarlyStopping())": "got EarlyStopping(monitor=",
    "next(iter(data))": "Write data.X_train",
    "nn.Sequential(pairs)": "nn.Sequential(*layers.values())",
    'nn.Sequential(nn.Dense(2, 3), "relu")': "Write nn.activation('relu').",
    "nn.Sequential(nn.Dense(2, 3), nn.ReLU)": "a new layer, not its class",
    "nn.Sequential(nn.Dense(2, 3), np.tanh)": "class Own(nn.Activation)",
    "nn.activation(np.tanh)": "class Own(nn.Activation)",
    "nn.mlp([2, 16, 1])": "mlp(2, 16, 16, 1",
    'nn.mlp(2, 16, 1, "relu")': 'activation="tanh"',
    "history[0]": "A row is history.row(-1).",
    "history[-1]": "A row is history.row(-1).",
    'history.row("train_loss")': 'A column is history["train_loss"].',
    "history.row(99)": "there is no row 99",
    'history.epochs_to(0.1, on="val")': 'on must be "train" or "validation"',
    'history["val_loss"]': "It is 'validation_loss'. Give fit() validation rows",
    'history["validation_loss"]': "Give fit() validation rows",
    'history["loss"]': "Did you mean 'train_loss'?",
    'history["acc"]': "Did you mean 'train_accuracy'?",
    'history["look_ahead_loss"]': "look_ahead=True",
    'nn.loss("BCEWithLogitsLoss")': "Did you mean 'binary_cross_entropy'?",
    'nn.loss("log_loss")': "Did you mean 'binary_cross_entropy'?",
    'nn.loss("CrossEntropyLoss")': "Did you mean 'softmax_cross_entropy'?",
    'nn.loss("squared_error")': "Did you mean 'mean_squared_error'?",
    'nn.loss("nag")': "That is an optimizer",
    'nn.Dense(2, 3, initializer="xavier_uniform_")': "Did you mean 'glorot_uniform'?",
    'nn.Dense(2, 3, initializer="kaiming_normal_")': "Did you mean 'he_normal'?",
    'nn.Dense(2, 3, initializer="random_normal")': "generator.normal",
    'nn.Dense(2, 3, initializer="ones")': "Did you mean 'constant:1'?",
    "nn.activation(None)": "identity",
    'optim.lookup("muon")': "minidl has no such rule",
    'optim.lookup("L-BFGS")': "minidl has no such rule",
    'optim.lookup("adm")': "Did you mean 'adam'?",
    'datasets.load("make_moons")': "Did you mean 'moons'?",
    'datasets.load("mnist")': "Did you mean 'digits'?",
    'datasets.load("load_breast_cancer")': "Did you mean 'breast_cancer'?",
}
SAME = {  # accepted, because they mean the same
    'nn.loss("binary_crossentropy")': "BinaryCrossEntropy()",
    'nn.loss("sparse_categorical_crossentropy")': "SoftmaxCrossEntropy()",
    'nn.loss("mae")': "MeanAbsoluteError()",
    'nn.loss("SmoothL1")': "SmoothL1(beta=1.0)",
    'nn.loss("kl_div")': "KLDivergence()",
    'nn.activation("hard_tanh")': "Hardtanh(min_value=-1.0, max_value=1.0)",
    'nn.activation("Mish")': "Mish()",
    'nn.activation("log_softmax")': "LogSoftmax()",
    'nn.activation("swish")': "SiLU()",
    'nn.activation("linear")': "Identity()",
    'nn.activation("LeakyReLU")': "LeakyReLU(slope=0.01)",
    'optim.lookup("nesterov").make(0.1)': "NAG(lr=0.1, momentum=0.9)",
    "nn.Sequential([nn.Tanh()])": "Sequential(Tanh())",
}


def answer_to(code: str, scope: dict[str, Any]) -> errors.MinidlError:
    with pytest.raises(errors.MinidlError) as caught:
        eval(code, scope)
    return caught.value


@pytest.mark.parametrize(("code", "said"), KEYWORDS.items())
def test_a_call_in_other_words_says_what_to_write(code: str, said: str, scope: Any) -> None:
    error = answer_to(code, scope)
    assert said in str(error)
    assert isinstance(error, (TypeError, ValueError))


@pytest.mark.parametrize(("code", "said"), CALLS.items())
def test_a_name_or_a_value_in_other_words_is_answered(code: str, said: str, scope: Any) -> None:
    message = str(answer_to(code, scope))
    assert all(part in message for part in said.split("|"))


@pytest.mark.parametrize(("code", "made"), SAME.items())
def test_names_that_mean_the_same_are_accepted(code: str, made: str, scope: Any) -> None:
    assert repr(eval(code, scope)) == made


def objects(scope: dict[str, Any]) -> dict[str, object]:
    made = {"Layer": nn.Tanh(), "Callback": training.Callback(), "Optimizer": scope["optimizer"]}
    made |= {"Trainer": scope["trainer"], "History": scope["history"], "Tensor": scope["x"]}
    made |= {"BatchNorm": nn.BatchNorm(2), "LayerNorm": nn.LayerNorm(2)}
    made |= {"Record": scope["history"].row(-1)}
    made |= {"ParameterVector": scope["model"].parameters, "Dataset": scope["data"]}
    return made | {"Loss": scope["loss"]}


@pytest.mark.parametrize("owner", ATTRIBUTES)
def test_every_attribute_of_the_table_is_absent_and_answered(owner: str, scope: Any) -> None:
    module = owner.startswith("minidl")
    thing = eval(owner, scope) if module else objects(scope)[owner]
    for word, answer in ATTRIBUTES[owner].items():
        assert not hasattr(thing, word), f"{owner} has {word}: take it out of the table"
        with pytest.raises(errors.UnknownAttributeError) as caught:
            getattr(thing, word)
        assert str(caught.value).endswith(answer)
        assert isinstance(caught.value, AttributeError)
        assert word not in dir(thing)


@pytest.mark.parametrize(
    ("code", "said"),
    {
        "model.fit(X, y)": ".fit(X, y, epochs=10)",
        "model.compile()": "Set it in the Trainer",
        "model.train()": "Nothing to switch",
        "model.weights": "model.parameters.value",
        "model[0].kernel": "layer.weight.data",
        "trainer.predict(X)": "trainer.model.predict(X)",
        "trainer.loss_curve_": 'trainer.history["train_loss"]',
        "history.history": 'history["train_loss"]',
        "optimizer.zero_grad()": "a step computes its own gradient",
        "loss.backward()": "loss(outputs, targets).backward()",
        "nn.Linear(2, 16)": "It is nn.Dense(2, 16).",
        "nn.Modul": "It is nn.Layer",
        "nn.layers.Linear": "It is nn.Dense(2, 16).",
        "nn.losses.MSELoss": "It is nn.MeanSquaredError().",
        "optim.schedules.StepLR": "It is optim.StepDecay.",
        "minidl.cat": "It is ops.concatenate.",
        "minidl.Layer": "It is nn.Layer.",
        "minidl.EarlyStopping": "It is training.EarlyStopping.",
        "minidl.ModelCheckpoint": "It is Checkpoint",
        "minidl.train_test_split": "splits",
        "minidl.StandardScaler": "X_train.std(0)",
        "training.load_checkpoint": "Write load_run",
        "optim.CosineAnnealingLR": "under LearningRateSchedule it counts epochs",
        "x.requires_grad_(False)": "or False to freeze it",
        "model.get_layer('a')": "model[0]",
        "optim.LBFGS": "minidl has no such rule",
        "optim.Adamax": "It is optim.AdaMax.",
        "optim.AdaGrad": "It is optim.Adagrad.",
        "ops.tanhh": "Did you mean 'tanh'?",
        "minidl.trainer": "Did you mean 'Trainer'?",
        "nn.Dense.fit": ".fit(X, y, epochs=10)",
    }.items(),
)
def test_typical_attributes(code: str, said: str, scope: Any) -> None:
    error = answer_to(code, scope)
    assert said in str(error)
    assert isinstance(error, AttributeError)


def test_what_has_no_answer_is_still_an_attribute_error(scope: Any) -> None:
    for thing in [*objects(scope).values(), nn, optim, ops, training, datasets, minidl]:
        with pytest.raises(AttributeError, match="'xylophone'"):
            getattr(thing, "xylophone")  # noqa: B009


def public() -> list[Any]:
    """Return every public function, and every class that can be made."""
    things = {
        id(getattr(room, name)): getattr(room, name) for room in ROOMS for name in room.__all__
    }
    records = {"Chosen", "Contestant", "Duel", "Goal", "Plan", "Profile", "Row", "Run", "Setting"}
    records |= {
        "Target",
        "Choice",
        "Comparison",
        "Loss",
        "Modifier",
        "Optimizer",
    }  # made by minidl, or abstract
    draws = set(nn.INITIALIZERS)  # called by layers
    return [
        thing
        for thing in things.values()
        if isinstance(thing, FunctionType | type) and thing.__name__ not in records | draws
    ]


@pytest.mark.parametrize("thing", public(), ids=lambda thing: thing.__name__)
def test_every_public_function_and_class_answers_an_unknown_keyword(thing: Any) -> None:
    with pytest.raises(errors.UnknownKeywordError, match="has no argument xylophone") as caught:
        thing(xylophone=1)
    assert f"{thing.__name__}" in str(caught.value)
    assert "xylophone" not in inspect.signature(thing).parameters


def test_a_type_error_from_within_a_function_is_left_alone() -> None:
    @answers
    def inner(lr: float) -> float:
        return lr + "text"  # type: ignore[operator]

    with pytest.raises(TypeError, match="unsupported operand") as caught:
        inner(0.1)
    assert not isinstance(caught.value, errors.MinidlError)


def test_custom_classes_are_answered_and_may_have_the_words_as_attributes() -> None:
    class Own(nn.Layer):
        def __init__(self, width: int) -> None:
            self.weights, self.history = width, []  # type: ignore[assignment]

        def forward(self, x: Any, training: Any = False) -> Any:
            return x

    with pytest.raises(errors.UnknownKeywordError, match=r"^Own\(width\) has no argument units"):
        Own(units=3)  # type: ignore[call-arg]
    assert (Own(3).weights, Own(3).history) == (3, [])
    assert not hasattr(Own(3), "fit")

    class Narrow(nn.Dense):
        def __init__(self) -> None:
            super().__init__(2, units=3)  # type: ignore[call-arg]

    with pytest.raises(errors.UnknownKeywordError, match=r"^Dense has no argument units"):
        Narrow()

    class Mixed(nn.Tanh, dict):  # type: ignore[misc, type-arg]
        pass

    assert Mixed() == {}


def test_copies_pickles_and_signatures_stay_as_they_were(scope: Any) -> None:
    for thing in (nn.mlp, nn.Dense, training.EarlyStopping, datasets.load, minidl.compare):
        assert pickle.loads(pickle.dumps(thing)) is thing
    copied = copy.deepcopy(scope["model"])
    assert np.array_equal(copied.parameters.value, scope["model"].parameters.value)
    assert list(inspect.signature(nn.Dropout).parameters) == ["rate", "seed"]
    assert list(inspect.signature(nn.ReLU).parameters) == []
    assert list(inspect.signature(Trainer.fit).parameters)[:3] == ["self", "X", "y"]


SENTENCES = [*PLACES.values(), *USAGE.values(), *OPTIONS.values(), *COLUMNS.values()]
SENTENCES += [
    answer
    for table in [*ATTRIBUTES.values(), *NAMES.values(), *METHODS.values()]
    for answer in table.values()
]


def test_every_name_that_an_answer_gives_exists(scope: Any) -> None:
    """Dotted names, classes, and calls such as load_model(...)."""
    scope = {**scope, "layer": scope["model"][0], "parameters": scope["model"].parameters}
    norm = {**scope, "layer": nn.BatchNorm(2)}
    missing = set()
    for sentence in SENTENCES:
        dotted = r"(?<![\w.])(?:nn|optim|ops|datasets|minidl|model|trainer|history|optimizer|layer"
        for name in re.findall(dotted + r"|x|data|parameters)(?:\.[A-Za-z_]\w*)+", sentence):
            if name.endswith((".csv", ".npz")):
                continue
            try:
                eval(name, norm if hasattr(norm["layer"], name.split(".")[1]) else scope)
            except AttributeError:
                missing.add(name)
        for name in re.findall(r"(?<![\w.])([A-Z][A-Za-z]+|[a-z]+_[a-z_]+)\(", sentence):
            if name not in scope and not any(hasattr(room, name) for room in (nn, optim, Trainer)):
                missing.add(name)
    methods = {"on_fit_begin", "on_fit_end", "on_epoch_begin", "on_epoch_end"}
    assert missing <= methods | {"DataFrame", "Own"}, missing


def test_every_argument_of_the_table_is_one_of_minidl() -> None:
    known = {"json"}  # an option
    for thing in [*public(), *vars(ops).values(), Trainer.fit, nn.Layer.predict, nn.Layer.__call__,
                  nn.Loss.__call__, Tensor.backward, optim.Optimizer.step]:  # fmt: skip
        if isinstance(thing, FunctionType | type):
            known |= set(inspect.signature(thing).parameters)
    named = {name for names in ARGUMENTS.values() for name in names.split()}
    assert named - known <= {
        "sample_weight",
        "class_weight",
        "axis1",
        "axis2",
        "features",
        "epsilon",
    }


def test_a_typing_mistake_suggests_the_nearest_argument() -> None:
    assert answer_keyword("momentun", ["lr", "momentum"]) == "Write momentum=... instead."
    assert answer_keyword("xylophone", ["lr", "momentum"]) is None


def test_early_stopping_on_a_column_that_is_not_recorded_says_what_it_is_called() -> None:
    def said(monitor: str, loss: str, validation: Any) -> str:
        trainer = Trainer(nn.mlp(2, 3, 1, seed=0), loss, optimizer=optim.NAG(0.1), seed=0)
        hooks = [training.EarlyStopping(monitor)]
        with pytest.raises(errors.ArgumentError) as caught:
            trainer.fit(X, y, epochs=1, validation=validation, callbacks=hooks)
        return str(caught.value)

    assert said("val_loss", "bce", (X, y)).endswith("Did you mean 'validation_loss'?")
    assert "It is 'validation_loss'. Give fit() validation rows" in said("val_loss", "bce", None)
    assert "Give fit() validation rows" in said("validation_loss", "bce", None)
    assert "targets of this loss are not classes" in said("val_acc", "mse", (X, y))
    assert "targets of this loss are not classes" in said("validation_accuracy", "mse", (X, y))


@pytest.mark.parametrize(
    ("name", "targets", "hint"),
    [
        ("bce", [-1, 1, 1], "Recode two classes as 0 and 1: y = np.equal(y, 1)."),
        ("bce", [1, 2, 1], "Recode two classes as 0 and 1: y = np.equal(y, 2)."),
        ("bce", [0, 1, 2], "For 3 classes, use SoftmaxCrossEntropy with 3 outputs"),
        ("bce", [0.5, 1.25, 2.0], "For numbers that are not classes, use mean_squared_error."),
        ("hinge", [1, 2, 1], "Recode two classes as 0 and 1: y = np.equal(y, 2)."),
        ("hinge", [0, 1, 2], "For 3 classes, use SoftmaxCrossEntropy with 3 outputs"),
    ],
)
def test_targets_of_two_classes_get_the_hint_that_helps(name: str, targets: Any, hint: str) -> None:
    loss, outputs = nn.loss(name), np.zeros((3, 1))
    with pytest.raises(errors.DataError) as caught:
        loss(outputs, targets)
    assert hint in str(caught.value)
    if "np.equal" in hint:  # and following it works
        code = hint.split("y = ")[1].removesuffix(".")
        assert np.isfinite(loss(outputs, eval(code, {"np": np, "y": np.array(targets)})))


def test_classes_from_1_on_get_a_hint_that_works() -> None:
    y, outputs = np.array([1, 2, 3]), np.zeros((3, 3))
    with pytest.raises(errors.DataError, match=r"Number the classes with np\.unique") as caught:
        nn.SoftmaxCrossEntropy()(outputs, y)
    code = str(caught.value).split("classes with ")[1].split(". Number")[0]
    numbered = eval(code, {"np": np, "y": y})
    assert nn.SoftmaxCrossEntropy()(outputs, numbered) == pytest.approx(np.log(3))
    with pytest.raises(errors.DataError, match="For numbers that are not classes, use mean"):
        nn.SoftmaxCrossEntropy()(outputs, [0.5, 1.5, 2.0])


def test_no_word_is_a_row_of_its_own_name() -> None:
    for word, names in ARGUMENTS.items():
        assert word == word.lower()
        assert names.split(), word
    assert (Path(minidl.__file__).parent / "words").is_dir()


def test_an_answer_can_be_for_one_class_alone() -> None:
    class BatchNorm(nn.Layer):
        def __init__(self, features: int, *, decay: float = 0.9) -> None:
            pass

    with pytest.raises(errors.UnknownKeywordError, match=r"Write decay=0\.9; it is Keras's"):
        BatchNorm(3, momentum=0.1)  # type: ignore[call-arg]
    with pytest.raises(errors.UnknownKeywordError, match=r"Write features=\.\.\. instead"):
        BatchNorm(num_features=3)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("from minidl.nn import Linear", "It is nn.Dense(2, 16)"),
        ("from minidl.optim import LBFGS", "minidl list optimizers"),
        ("from minidl import Adam", "minidl"),
        ("from minidl.training import ModelCheckpoint", "It is Checkpoint"),
        ("from minidl.nn import Dens", "Did you mean 'Dense'?"),
    ],
)
def test_an_import_of_another_name_is_answered(line: str, answer: str) -> None:
    with pytest.raises(ImportError) as caught:
        exec(line)
    assert isinstance(caught.value, errors.MinidlError)
    assert answer in str(caught.value)
    assert not hasattr(minidl.nn, "Linear")


def test_a_method_that_is_called_without_an_object_is_answered() -> None:
    for call in (Trainer.fit, nn.Dense.predict):
        with pytest.raises(errors.CallError, match=r"is called without a .* Make one first"):
            call()  # type: ignore[call-arg]


def test_words_do_not_hide_what_a_class_of_ones_own_has() -> None:
    class Saving:
        def export(self) -> str:
            return "exported"

    class Saved(Trainer, Saving):
        pass

    class Dataset(nn.Layer):
        def __init__(self) -> None:
            self.units = 3

        def forward(self, x: Any, training: Any = False) -> Any:
            return x

    assert Saved(nn.mlp(2, 1), "bce", optimizer=optim.NAG(0.1)).export() == "exported"
    assert "units" in dir(Dataset())
    assert not hasattr(Dataset(), "target")
    with pytest.raises(AttributeError) as caught:
        Dataset().target  # noqa: B018
    assert "y_train" not in str(caught.value)
