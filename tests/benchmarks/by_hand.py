"""The same training with formulas written by hand in NumPy, without a framework or any checks.

A lower bound for the time of a step: nothing but this network can be trained.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Layers = list[tuple[Array, Array]]


class Network:
    """A multilayer perceptron whose weights, and their gradients, are views of two vectors."""

    def __init__(self, layers: Layers, activation: str, lr: float, momentum: float) -> None:
        self.w = np.concatenate([part.ravel() for pair in layers for part in pair])
        self.g, self.v = np.zeros_like(self.w), np.zeros_like(self.w)
        self.layers, self.slopes = _views(self.w, layers), _views(self.g, layers)
        self.relu = {"relu": True, "tanh": False}[activation]
        self.lr, self.momentum = lr, momentum
        self.ones: dict[int, Array] = {}

    def step(self, X: Array, t: Array) -> float:
        """Take one step of NAG; return the mean loss of the batch."""
        mv = self.momentum * self.v
        self.w -= mv
        loss = self._differentiate(X, t)
        step = self.lr * self.g
        np.add(mv, step, out=self.v)
        self.w -= step
        return loss

    def _differentiate(self, X: Array, t: Array) -> float:
        n = len(X)
        inputs, h = [], X
        for W, b in self.layers[:-1]:
            inputs.append(h)
            h = h.dot(W)
            h += b
            h = np.maximum(h, 0.0, out=h) if self.relu else np.tanh(h, out=h)
        inputs.append(h)
        W, b = self.layers[-1]
        z = h.dot(W)
        z += b
        loss, g = _binary(z, t) if z.shape[1] == 1 else _softmax(z, t)
        ones = self.ones.get(n)
        if ones is None:
            ones = self.ones[n] = np.ones(n)
        for i in range(len(self.layers) - 1, -1, -1):
            to_W, to_b = self.slopes[i]
            to_W[...] = inputs[i].T.dot(g)
            to_b[...] = ones.dot(g)
            if i:
                g = g.dot(self.layers[i][0].T)
                g *= inputs[i] > 0 if self.relu else 1.0 - inputs[i] * inputs[i]
        return loss


def _views(vector: Array, layers: Layers) -> Layers:
    pairs, start = [], 0
    for W, b in layers:
        middle, end = start + W.size, start + W.size + b.size
        pairs.append((vector[start:middle].reshape(W.shape), vector[middle:end]))
        start = end
    return pairs


def _binary(z: Array, t: Array) -> tuple[float, Array]:
    """Return the mean of softplus(z) - t z and its gradient, from one exponential."""
    e = np.exp(-np.absolute(z))
    loss = np.maximum(z, 0.0)
    loss -= t * z
    loss += np.log1p(e)
    g = np.where(z >= 0, 1.0, e) / (1.0 + e)
    g -= t
    g /= len(z)
    return float(np.add.reduce(loss, axis=None)) / len(z), g


def _softmax(z: Array, t: Array) -> tuple[float, Array]:
    rows = np.arange(len(t))
    g = np.exp(z - z.max(axis=1, keepdims=True))
    g /= g.sum(axis=1, keepdims=True)
    loss = -float(np.log(g[rows, t]).mean())
    g[rows, t] -= 1.0
    g /= len(t)
    return loss, g
