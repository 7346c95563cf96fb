"""The contestants: each trains the same network on the same rows in its own idiom.

Each epoch draws an order of the rows (none for a full batch); each step gathers the batch and
computes outputs, mean loss, gradient and the NAG update. minidl and scikit-learn also add up the
losses and stop if they are not finite; the other loops never read the loss, which favours them.
"""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import by_hand
import naive_engine
import numpy as np
from workloads import MOMENTUM, Array, Layers, Workload, layers_of

import minidl
from minidl.streams import stream

Orders = Callable[[int], Array]  # epoch, from 1 -> order of the rows


class Peer(ABC):
    """A contestant on one workload; the constructor raises ImportError if it is not installed."""

    orders: Orders | None = None  # None: drawn in its own idiom

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.X, self.y = workload.load()
        self.batch = min(workload.batch or len(self.X), len(self.X))
        self.seed = self.steps = 0

    def prepare(self, seed: int) -> Callable[[], int]:
        """Build a fresh network; return the function to time, which returns its number of steps."""
        self.seed, self.steps = seed, 0
        self.build()

        def run() -> int:
            self.train()
            return self.steps

        return run

    def lengthen(self, epochs: int) -> None:
        """Train for this many epochs from now on."""
        self.workload = replace(self.workload, epochs=epochs)

    @abstractmethod
    def build(self) -> None:
        """Build the network and the optimizer from :attr:`seed`."""

    @abstractmethod
    def train(self) -> None:
        """Train for the epochs of the workload and count the steps."""

    @abstractmethod
    def layers(self) -> Layers:
        """Return the weights at the iterate w.

        PyTorch and JAX store w - m v, the point at which the next gradient is computed.
        """

    def losses(self) -> Array:
        """Return the loss on all rows."""
        return self.workload.losses(self.layers(), self.X, self.y)

    def loss(self) -> float:
        """Return the loss on all rows, averaged over the networks."""
        return float(self.losses().mean())


class Minidl(Peer):
    """minidl's Trainer, which measures the loss on all rows only before and after the run.

    The measurement after the run is timed, because `fit` always ends with it.
    """

    measure_every = 0
    engine = "auto"

    def build(self) -> None:
        self.trainer = minidl.Trainer(
            self.workload.network(self.seed),
            self.workload.loss_name,
            optimizer=minidl.optim.NAG(lr=self.workload.lr, momentum=MOMENTUM),
            batch_size=self.workload.batch or "full",
            measure_every=self.measure_every,
            seed=self.seed,
            engine=self.engine,
        )
        self.trainer.fit(self.X, self.y, epochs=0)  # the loss before training is not a step

    def train(self) -> None:
        self.trainer.fit(self.X, self.y, epochs=self.workload.epochs)
        self.steps = self.trainer.optimizer.step_count

    def layers(self) -> Layers:
        return layers_of(self.trainer.model)


class MinidlMeasured(Minidl):
    """The same with loss and accuracy on all rows after every epoch, the default."""

    measure_every = 1


class MinidlEager(Minidl):
    """minidl with engine="eager"."""

    engine = "eager"


class InBatches(Peer):
    """A contestant that makes its own batches."""

    def train(self) -> None:
        n = len(self.X)
        for epoch in range(1, self.workload.epochs + 1):
            for rows in self.in_batches(epoch) if self.batch < n else (slice(None),):
                self.step(rows)
                self.steps += 1

    def in_batches(self, epoch: int) -> Iterator[Any]:
        """Yield the row indices of each batch."""
        n = len(self.X)
        order = self.draw() if self.orders is None else self.orders(epoch)
        for i in range(0, n, self.batch):
            yield order[i : i + self.batch]

    @abstractmethod
    def draw(self) -> Any:
        """Return an order of the rows."""

    @abstractmethod
    def step(self, rows: Any) -> None:
        """Take one step with these rows."""


class Torch(InBatches):
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
        self.model = torch_network(self.workload, self.seed)
        self.optimizer = self.torch.optim.SGD(
            self.model.parameters(), lr=self.workload.lr, momentum=MOMENTUM, nesterov=True
        )

    def draw(self) -> Any:
        return self.torch.randperm(len(self.rows))

    def step(self, rows: Any) -> None:
        full = self.batch == len(self.X)
        X, t = (self.rows, self.targets) if full else (self.rows[rows], self.targets[rows])
        self.optimizer.zero_grad()
        self.loss_function(self.model(X), t).backward()
        self.optimizer.step()

    def layers(self) -> Layers:
        state = self.optimizer.state
        ahead = self.workload.lr * MOMENTUM
        values = [
            (p.detach() + ahead * state[p]["momentum_buffer"]).numpy()
            for p in self.model.parameters()
        ]
        return [(W.T, b) for W, b in zip(values[::2], values[1::2], strict=True)]


def torch_network(workload: Workload, seed: int) -> Any:
    """Return the network as PyTorch modules, with the common initial weights."""
    import torch

    layers: list[Any] = []
    for (n_in, n_out), (W, b) in zip(pairwise(workload.sizes), workload.initial(seed), strict=True):
        linear = torch.nn.Linear(n_in, n_out, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T))
            linear.bias.copy_(torch.from_numpy(b))
        layers.append(linear)
        layers.append(torch.nn.Tanh() if workload.activation == "tanh" else torch.nn.ReLU())
    return torch.nn.Sequential(*layers[:-1])


class ScikitLearn(Peer):
    """scikit-learn's MLPClassifier: no early stopping, no penalty, every epoch run.

    It draws its own weights, and its weights are read without the velocity.
    """

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
            warnings.simplefilter("ignore")  # "Maximum iterations reached" is intended
            self.model.fit(self.X, self.y)
        self.steps = self.model.n_iter_ * math.ceil(len(self.X) / self.batch)

    def layers(self) -> Layers:
        return list(zip(self.model.coefs_, self.model.intercepts_, strict=True))


class Naive(InBatches):
    """The engine of naive_engine.py in the loop of torch."""

    def build(self) -> None:
        layers = self.workload.initial(self.seed)
        self.model = naive_engine.Network(layers, self.workload.activation)
        self.optimizer = naive_engine.SGD(self.model.parameters(), self.workload.lr, MOMENTUM)
        self.generator = np.random.default_rng(self.seed)
        two = self.workload.sizes[-1] == 1
        self.targets = self.y[:, None].astype(float) if two else self.y

    def draw(self) -> Any:
        return self.generator.permutation(len(self.X))

    def step(self, rows: Any) -> None:
        self.optimizer.zero_grad()
        outputs = self.model(self.X[rows])
        getattr(outputs, self.workload.loss_name)(self.targets[rows]).backward()
        self.optimizer.step()

    def layers(self) -> Layers:
        ahead = self.workload.lr * MOMENTUM
        pairs = zip(self.optimizer.parameters, self.optimizer.buffers, strict=True)
        values = [p.data + ahead * buffer for p, buffer in pairs]
        return list(zip(values[::2], values[1::2], strict=True))


class ByHand(InBatches):
    """The formulas of by_hand.py, with rows gathered once an epoch."""

    def build(self) -> None:
        layers, lr = self.workload.initial(self.seed), self.workload.lr
        self.model = by_hand.Network(layers, self.workload.activation, lr, MOMENTUM)
        self.generator = np.random.default_rng(self.seed)
        two = self.workload.sizes[-1] == 1
        self.rows, self.targets = self.X, self.y[:, None].astype(float) if two else self.y

    def draw(self) -> Any:
        return self.generator.permutation(len(self.X))

    def in_batches(self, epoch: int) -> Iterator[Any]:
        order = self.draw() if self.orders is None else self.orders(epoch)
        self.shuffled = self.rows.take(order, 0), self.targets.take(order, 0)
        return (slice(i, i + self.batch) for i in range(0, len(order), self.batch))

    def step(self, rows: Any) -> None:
        full = self.batch == len(self.X)
        X, t = (self.rows, self.targets) if full else self.shuffled
        self.model.step(X[rows], t[rows])

    def layers(self) -> Layers:
        return [(W.copy(), b.copy()) for W, b in self.model.layers]


PEERS: dict[str, type[Peer]] = {
    "minidl": Minidl,
    "minidl, measured": MinidlMeasured,
    "minidl, eager": MinidlEager,
    "torch": Torch,
    "scikit-learn": ScikitLearn,
    "naive engine": Naive,
    "NumPy by hand": ByHand,
}


def installed(makers: Mapping[str, Callable[[], Peer]]) -> tuple[dict[str, Peer], list[str]]:
    """Return the installed contestants, and the names of the others."""
    peers, missing = {}, []
    for name, make in makers.items():
        try:
            peers[name] = make()
        except ImportError:
            missing.append(name)
    return peers, missing


def demand_agreement(peers: Mapping[str, Peer], orders: Orders, tolerance: float = 1e-9) -> None:
    """Train all peers with the same orders and initial weights; raise if a loss differs.

    The first peer is minidl, which draws these orders itself.
    """
    losses = {}
    for name, peer in peers.items():
        peer.orders = orders
        peer.prepare(0)()
        losses[name] = peer.losses()
        peer.orders = None
    first, *rest = losses
    for name in rest:
        if not np.allclose(losses[name], losses[first], tolerance, 0.0):
            raise AssertionError(
                f"{name} and {first} do not train the same network: from the same weights, in the"
                f" same order, the losses became {losses[name]} and {losses[first]}"
            )


def minidl_order(seed: int, n: int, epoch: int) -> Array:
    """Return the order in which minidl takes n rows in an epoch."""
    return stream(seed, "shuffle", epoch).permutation(n)
