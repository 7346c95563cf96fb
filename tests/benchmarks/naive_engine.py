"""Automatic differentiation as a first attempt: closures, and a loop over the parameters.

In the manner of micrograd, on arrays: the least that does the same job as minidl. Its losses are
single operations, which a first attempt would not have and which makes it faster.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Value:
    """An array, its gradient, and a function that passes the gradient on."""

    def __init__(self, data: Any, parents: tuple[Value, ...] = ()) -> None:
        self.data = np.asarray(data)
        self.grad = np.zeros_like(self.data)
        self.parents = parents
        self.pass_on: Callable[[], None] = lambda: None

    def __matmul__(self, other: Value) -> Value:
        out = Value(self.data @ other.data, (self, other))

        def pass_on() -> None:
            self.grad += out.grad @ other.data.T
            other.grad += self.data.T @ out.grad

        out.pass_on = pass_on
        return out

    def __add__(self, bias: Value) -> Value:
        out = Value(self.data + bias.data, (self, bias))

        def pass_on() -> None:
            self.grad += out.grad
            bias.grad += out.grad.sum(axis=0)

        out.pass_on = pass_on
        return out

    def tanh(self) -> Value:
        out = Value(np.tanh(self.data), (self,))

        def pass_on() -> None:
            self.grad += (1 - out.data**2) * out.grad

        out.pass_on = pass_on
        return out

    def relu(self) -> Value:
        out = Value(np.maximum(self.data, 0), (self,))

        def pass_on() -> None:
            self.grad += (out.data > 0) * out.grad

        out.pass_on = pass_on
        return out

    def binary_cross_entropy(self, t: Array) -> Value:
        z = self.data
        out = Value(np.mean(np.logaddexp(0, z) - t * z), (self,))

        def pass_on() -> None:
            self.grad += out.grad * (1 / (1 + np.exp(-z)) - t) / z.size

        out.pass_on = pass_on
        return out

    def softmax_cross_entropy(self, t: Array) -> Value:
        shifted = self.data - self.data.max(axis=1, keepdims=True)
        e = np.exp(shifted)
        p = e / e.sum(axis=1, keepdims=True)
        rows = np.arange(len(t))
        out = Value(-np.log(p[rows, t]).mean(), (self,))

        def pass_on() -> None:
            g = p.copy()
            g[rows, t] -= 1
            self.grad += out.grad * g / len(t)

        out.pass_on = pass_on
        return out

    def backward(self) -> None:
        order: list[Value] = []
        seen: set[Value] = set()

        def visit(value: Value) -> None:
            if value not in seen:
                seen.add(value)
                for parent in value.parents:
                    visit(parent)
                order.append(value)

        visit(self)
        self.grad = np.ones_like(self.data)
        for value in reversed(order):
            value.pass_on()


class Network:
    """A multilayer perceptron of Values."""

    def __init__(self, layers: list[tuple[Array, Array]], activation: str) -> None:
        self.activation = activation
        self.layers = [(Value(weight), Value(bias)) for weight, bias in layers]

    def __call__(self, X: Array) -> Value:
        x = Value(X)
        for weight, bias in self.layers[:-1]:
            x = getattr(x @ weight + bias, self.activation)()
        weight, bias = self.layers[-1]
        return x @ weight + bias

    def parameters(self) -> list[Value]:
        return [value for layer in self.layers for value in layer]


class SGD:
    """Gradient descent with Nesterov's momentum as PyTorch writes it, one parameter at a time."""

    def __init__(self, parameters: list[Value], lr: float, momentum: float) -> None:
        self.parameters = parameters
        self.lr = lr
        self.momentum = momentum
        self.buffers = [np.zeros_like(p.data) for p in parameters]

    def zero_grad(self) -> None:
        for p in self.parameters:
            p.grad = np.zeros_like(p.data)

    def step(self) -> None:
        for i, p in enumerate(self.parameters):
            self.buffers[i] = self.momentum * self.buffers[i] + p.grad
            p.data -= self.lr * (p.grad + self.momentum * self.buffers[i])
