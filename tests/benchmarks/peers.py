"""The contestants: each trains the same network on the same rows in its own idiom.

Every one does the same work, an epoch at a time: an order of the rows (none if all are in one
batch), the rows of a batch, the outputs, the mean loss, the gradient, Nesterov's step. minidl and
scikit-learn also add up the losses of the batches, and stop if they are not finite; the loops for
torch and for the naive engine never look at the loss, which errs on their side.
"""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import naive_engine
import numpy as np
from workloads import MOMENTUM, Workload

import minidl


class Peer(ABC):
    """A contestant on one workload; constructing it raises ImportError if it is not installed."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.X, self.y = workload.load()
        self.batch = workload.batch or len(self.X)
        self.seed = self.steps = 0

    def prepare(self, seed: int) -> Callable[[], int]:
        """Build a fresh network; return what is timed, which returns the steps it took."""
        self.seed, self.steps = seed, 0
        self.build()

        def run() -> int:
            self.train()
            return self.steps

        return run

    @abstractmethod
    def build(self) -> None:
        """Make the network and the optimizer, for :attr:`seed`."""

    @abstractmethod
    def train(self) -> None:
        """Train for the epochs of the workload, and count the steps."""

    @abstractmethod
    def outputs(self) -> Any:
        """Return the logits of all rows, an array."""

    def loss(self) -> float:
        """Return the mean cross-entropy on all rows, the same formula for everyone."""
        z = np.asarray(self.outputs())
        if z.shape[1] == 1:
            z = np.hstack([np.zeros_like(z), z])
        z = z - z.max(axis=1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        return float(-log_p[np.arange(len(z)), self.y].mean())


class Minidl(Peer):
    """minidl through its public API, with the loss on all rows only before and after the run.

    That after the run is within the time, since fit() always ends with it.
    """

    measure_every = 0

    def build(self) -> None:
        sizes, activation = self.workload.sizes, self.workload.activation
        self.trainer = minidl.Trainer(
            minidl.nn.mlp(*sizes, activation=activation, seed=self.seed),
            "binary_cross_entropy" if sizes[-1] == 1 else "softmax_cross_entropy",
            optimizer=minidl.optim.NAG(lr=self.workload.lr, momentum=MOMENTUM),
            batch_size=self.workload.batch or "full",
            measure_every=self.measure_every,
            seed=self.seed,
        )
        self.trainer.fit(self.X, self.y, epochs=0)  # the loss before training is not a step

    def train(self) -> None:
        self.trainer.fit(self.X, self.y, epochs=self.workload.epochs)
        self.steps = self.trainer.optimizer.step_count

    def outputs(self) -> Any:
        return self.trainer.model.predict(self.X)


class MinidlMeasured(Minidl):
    """The same with the loss and the accuracy on all rows after every epoch, as by default."""

    measure_every = 1


class Torch(Peer):
    """PyTorch, eager, float64, one thread, the usual loop."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        import torch

        self.torch = torch
        torch.set_num_threads(1)
        self.rows = torch.from_numpy(self.X)
        two = workload.sizes[-1] == 1
        self.targets = torch.from_numpy(self.y[:, None].astype(float) if two else self.y)
        self.loss_function = torch.nn.BCEWithLogitsLoss() if two else torch.nn.CrossEntropyLoss()

    def build(self) -> None:
        nn = self.torch.nn
        self.torch.manual_seed(self.seed)
        layers: list[Any] = []
        for n_in, n_out in pairwise(self.workload.sizes):
            layers.append(nn.Linear(n_in, n_out, dtype=self.torch.float64))
            layers.append(nn.Tanh() if self.workload.activation == "tanh" else nn.ReLU())
        self.model = nn.Sequential(*layers[:-1])
        self.optimizer = self.torch.optim.SGD(
            self.model.parameters(), lr=self.workload.lr, momentum=MOMENTUM, nesterov=True
        )

    def train(self) -> None:
        n = len(self.rows)
        for _ in range(self.workload.epochs):
            if self.batch >= n:
                self._step(self.rows, self.targets)
                continue
            order = self.torch.randperm(n)
            for i in range(0, n, self.batch):
                index = order[i : i + self.batch]
                self._step(self.rows[index], self.targets[index])

    def _step(self, X: Any, t: Any) -> None:
        self.optimizer.zero_grad()
        self.loss_function(self.model(X), t).backward()
        self.optimizer.step()
        self.steps += 1

    def outputs(self) -> Any:
        with self.torch.no_grad():
            return self.model(self.rows).numpy()


class ScikitLearn(Peer):
    """scikit-learn's MLPClassifier: no early stopping, no penalty, every epoch run."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        from sklearn.neural_network import MLPClassifier

        self.kind = MLPClassifier

    def build(self) -> None:
        self.model = self.kind(
            hidden_layer_sizes=self.workload.sizes[1:-1],
            activation=self.workload.activation,
            solver="sgd",
            alpha=0.0,
            batch_size=self.batch,
            learning_rate_init=self.workload.lr,
            momentum=MOMENTUM,
            nesterovs_momentum=True,
            max_iter=self.workload.epochs,
            tol=0.0,
            n_iter_no_change=self.workload.epochs + 1,
            random_state=self.seed,
        )

    def train(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "Maximum iterations reached" is what is wanted
            self.model.fit(self.X, self.y)
        self.steps = self.model.n_iter_ * math.ceil(len(self.X) / self.batch)

    def outputs(self) -> Any:
        logits = self.model.predict_log_proba(self.X)
        return logits[:, 1:] - logits[:, :1] if logits.shape[1] == 2 else logits


class Naive(Peer):
    """The engine of naive_engine.py, with the same loop as torch."""

    def build(self) -> None:
        self.model = naive_engine.Network(self.workload.sizes, self.workload.activation, self.seed)
        self.optimizer = naive_engine.SGD(self.model.parameters(), self.workload.lr, MOMENTUM)
        self.generator = np.random.default_rng(self.seed)
        two = self.workload.sizes[-1] == 1
        self.targets = self.y[:, None].astype(float) if two else self.y
        self.loss_name = "binary_cross_entropy" if two else "softmax_cross_entropy"

    def train(self) -> None:
        n = len(self.X)
        for _ in range(self.workload.epochs):
            if self.batch >= n:
                self._step(self.X, self.targets)
                continue
            order = self.generator.permutation(n)
            for i in range(0, n, self.batch):
                index = order[i : i + self.batch]
                self._step(self.X[index], self.targets[index])

    def _step(self, X: Any, t: Any) -> None:
        self.optimizer.zero_grad()
        getattr(self.model(X), self.loss_name)(t).backward()
        self.optimizer.step()
        self.steps += 1

    def outputs(self) -> Any:
        return self.model(self.X).data


PEERS: dict[str, type[Peer]] = {
    "minidl": Minidl,
    "minidl, measured": MinidlMeasured,
    "torch": Torch,
    "scikit-learn": ScikitLearn,
    "naive engine": Naive,
}
