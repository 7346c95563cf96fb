"""The contestants that train many networks, one after the other or in one computation.

Each network has its own weights and order of rows. Times are per network and step.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from peers import Minidl, Peer, Torch, minidl_order, torch_network
from workloads import MOMENTUM, Array, Layers, Workload

import minidl


class Many(Peer):
    """R networks on one workload, with the seeds 0 to R - 1; orders are (R, n)."""

    def __init__(self, workload: Workload, R: int) -> None:
        super().__init__(workload)
        self.R = R
        self.generator = np.random.default_rng(0)

    def train(self) -> None:
        for epoch in range(1, self.workload.epochs + 1):
            self.train_epoch(self.draw() if self.orders is None else self.orders(epoch))
        self.count()

    def count(self) -> None:
        """Count the steps of all networks."""
        self.steps = self.R * self.workload.epochs * -(-len(self.X) // self.batch)

    def draw(self) -> Array:
        """Return an order of the rows for each network."""
        rows = np.tile(np.arange(len(self.X)), (self.R, 1))
        return self.generator.permuted(rows, axis=1, out=rows)

    @abstractmethod
    def train_epoch(self, orders: Array) -> None:
        """Take the steps of an epoch in these orders."""


def minidl_orders(R: int, n: int, epoch: int) -> Array:
    """Return the orders in which minidl takes n rows, for R networks."""
    return np.stack([minidl_order(seed, n, epoch) for seed in range(R)])


class MinidlReplicas(Many):
    """minidl.train_replicas; the whole call is timed.

    That includes building the networks, checking the data, and the loss before and after.
    """

    jobs = 1
    engine = "auto"

    def build(self) -> None:
        pass

    def train(self) -> None:
        self.train_epochs(self.workload.epochs)
        self.count()

    def train_epochs(self, epochs: int) -> None:
        """Call train_replicas."""
        self.replicas = minidl.train_replicas(
            self.workload.network,
            minidl.optim.NAG(lr=self.workload.lr, momentum=MOMENTUM),
            self.X,
            self.y,
            loss=self.workload.loss_name,
            seeds=self.R,
            epochs=epochs,
            batch_size=self.workload.batch or "full",
            measure_every=epochs + 1,
            jobs=self.jobs,
            engine=self.engine,
        )

    def train_epoch(self, orders: Array) -> None:
        raise NotImplementedError("minidl draws its own orders")

    def layers(self) -> Layers:
        values = [[p.data for p in replica.model.parameters] for replica in self.replicas]
        arrays = [np.stack(column) for column in zip(*values, strict=True)]
        return list(zip(arrays[::2], arrays[1::2], strict=True))


class MinidlReplicasEager(MinidlReplicas):
    """The same with engine="eager"."""

    engine = "eager"


class MinidlProcesses(MinidlReplicas):
    """The same in two processes, which the first round has started."""

    jobs = 2


class Loop(Many):
    """One network after the other."""

    kind: ClassVar[type[Peer]]

    def __init__(self, workload: Workload, R: int) -> None:
        super().__init__(workload, R)
        self.peers = [self.kind(workload) for _ in range(R)]

    def lengthen(self, epochs: int) -> None:
        super().lengthen(epochs)
        for peer in self.peers:
            peer.lengthen(epochs)

    def build(self) -> None:
        self.runs = [peer.prepare(seed) for seed, peer in enumerate(self.peers)]

    def train(self) -> None:
        for k, (peer, run) in enumerate(zip(self.peers, self.runs, strict=True)):
            if self.orders is not None:
                peer.orders = lambda epoch, k=k: self.orders(epoch)[k]
            run()
        self.count()

    def train_epoch(self, orders: Array) -> None:
        raise NotImplementedError("its peers train")

    def layers(self) -> Layers:
        layers = zip(*(peer.layers() for peer in self.peers), strict=True)
        return [(np.stack([W for W, _ in same]), np.stack([b for _, b in same])) for same in layers]


class MinidlLoop(Loop):
    """A Trainer for each network."""

    kind = Minidl


class TorchLoop(Loop):
    """The usual PyTorch loop for each network."""

    kind = Torch


class TorchVmap(Many):
    """torch.func: vmap of grad of functional_call, and one step of stacked parameters."""

    def __init__(self, workload: Workload, R: int) -> None:
        super().__init__(workload, R)
        import torch

        self.torch = torch
        torch.set_num_threads(1)
        self.rows = torch.from_numpy(self.X)
        self.targets = torch.from_numpy(self.y[:, None].astype(float))
        self.loss_function = torch.nn.BCEWithLogitsLoss()

    def build(self) -> None:
        functions = self.torch.func
        networks = [torch_network(self.workload, seed) for seed in range(self.R)]
        parameters, _ = functions.stack_module_state(networks)
        skeleton = copy.deepcopy(networks[0]).to("meta")

        def loss(weights: dict[str, Any], X: Any, t: Any) -> Any:
            return self.loss_function(functions.functional_call(skeleton, weights, (X,)), t)

        self.gradients = functions.vmap(functions.grad(loss))
        self.parameters = {name: p.detach() for name, p in parameters.items()}
        self.optimizer = self.torch.optim.SGD(
            self.parameters.values(), lr=self.workload.lr, momentum=MOMENTUM, nesterov=True
        )

    def train_epoch(self, orders: Array) -> None:
        order = self.torch.from_numpy(orders)
        X, t = self.rows[order], self.targets[order]
        for i in range(0, X.shape[1], self.batch):
            part = slice(i, i + self.batch)
            gradients = self.gradients(self.parameters, X[:, part], t[:, part])
            for name, parameter in self.parameters.items():
                parameter.grad = gradients[name]
            self.optimizer.step()

    def layers(self) -> Layers:
        ahead, state = self.workload.lr * MOMENTUM, self.optimizer.state
        values = [
            (p + ahead * state[p]["momentum_buffer"]).numpy() for p in self.parameters.values()
        ]
        return [(W.transpose(0, 2, 1), b) for W, b in zip(values[::2], values[1::2], strict=True)]


class Jax(Many):
    """JAX: vmap of a scan over the epoch, compiled before timing, with optax's step.

    NumPy draws the orders, which is faster than JAX's permutations.
    """

    def __init__(self, workload: Workload, R: int) -> None:
        super().__init__(workload, R)
        import jax
        import optax

        jax.config.update("jax_enable_x64", True)
        self.jax = jax
        self.optimizer = optax.sgd(workload.lr, momentum=MOMENTUM, nesterov=True)
        self.binary_cross_entropy = optax.sigmoid_binary_cross_entropy
        self.rows = jax.numpy.asarray(self.X)
        self.targets = jax.numpy.asarray(self.y[:, None].astype(float))
        self.epoch = jax.jit(jax.vmap(self.one_epoch))

    def build(self) -> None:
        initial = [self.workload.initial(seed) for seed in range(self.R)]
        stack = self.jax.numpy.stack
        self.parameters = self.jax.tree.map(lambda *leaves: stack(leaves), *initial)
        self.state = self.jax.vmap(self.optimizer.init)(self.parameters)

    def loss_of(self, layers: Any, X: Any, t: Any) -> Any:
        """Return the mean loss of one network on a batch."""
        for W, b in layers[:-1]:
            X = self.jax.numpy.tanh(X @ W + b)
        W, b = layers[-1]
        return self.binary_cross_entropy(X @ W + b, t).mean()

    def one_step(self, carry: Any, rows: Any) -> Any:
        """Return weights and state of one network after one step."""
        layers, state = carry
        gradients = self.jax.grad(self.loss_of)(layers, self.rows[rows], self.targets[rows])
        updates, state = self.optimizer.update(gradients, state)
        return (self.jax.tree.map(lambda p, u: p + u, layers, updates), state), None

    def one_epoch(self, layers: Any, state: Any, order: Any) -> Any:
        """Return weights and state of one network after an epoch; the last batch is smaller."""
        full = len(self.X) // self.batch * self.batch
        batches = order[:full].reshape(-1, self.batch)
        carry, _ = self.jax.lax.scan(self.one_step, (layers, state), batches)
        if full < len(self.X):
            carry, _ = self.one_step(carry, order[full:])
        return carry

    def train_epoch(self, orders: Array) -> None:
        self.parameters, self.state = self.epoch(self.parameters, self.state, orders)
        self.jax.block_until_ready(self.parameters)

    def layers(self) -> Layers:
        ahead = self.workload.lr * MOMENTUM
        trace = self.state[0].trace
        w = self.jax.tree.map(lambda p, v: np.asarray(p + ahead * v), self.parameters, trace)
        return list(w)


class JaxAlone(Jax):
    """The same with JAX's permutations, as its users would write it."""

    def __init__(self, workload: Workload, R: int) -> None:
        super().__init__(workload, R)
        random, n = self.jax.random, len(self.X)
        self.key = random.key(0)
        self.permutations = self.jax.jit(self.jax.vmap(lambda key: random.permutation(key, n)))

    def draw(self) -> Any:
        self.key, key = self.jax.random.split(self.key)
        return self.permutations(self.jax.random.split(key, self.R))


class JaxScan(Jax):
    """JAX for one network: a scan over the epoch, compiled before timing."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload, 1)
        import optax

        self.softmax_cross_entropy = optax.softmax_cross_entropy_with_integer_labels
        if workload.sizes[-1] > 1:
            self.targets = self.jax.numpy.asarray(self.y)
        self.epoch = self.jax.jit(self.one_epoch)

    def build(self) -> None:
        self.parameters = self.jax.tree.map(
            self.jax.numpy.asarray, self.workload.initial(self.seed)
        )
        self.state = self.optimizer.init(self.parameters)

    def loss_of(self, layers: Any, X: Any, t: Any) -> Any:
        """Return the mean loss on a batch."""
        if self.workload.sizes[-1] == 1:
            return super().loss_of(layers, X, t)
        for W, b in layers[:-1]:
            X = self.jax.nn.relu(X @ W + b)
        W, b = layers[-1]
        return self.softmax_cross_entropy(X @ W + b, t).mean()

    def draw(self) -> Array:
        """Return an order of the rows; a full batch keeps theirs."""
        n = len(self.X)
        return np.arange(n) if self.batch == n else self.generator.permutation(n)
