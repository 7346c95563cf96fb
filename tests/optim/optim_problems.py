"""The problems of the optimizer tests: quadratics, a hand-written network and known functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Quadratic:
    """f(w) = w'Aw / 2 - b'w with its minimum and its extreme eigenvalues."""

    A: Array
    b: Array

    def gradient(self, w: Array) -> Array:
        """Return Aw - b."""
        return self.A @ w - self.b

    def gap(self, w: Array) -> float:
        """Return f(w) - f*, written so that it does not cancel near the minimum."""
        away = w - self.minimum
        return float(away @ self.A @ away / 2)

    @property
    def minimum(self) -> Array:
        """A point where the gradient is zero, the nearest to 0."""
        return np.linalg.lstsq(self.A, self.b, rcond=None)[0]

    @property
    def extremes(self) -> tuple[float, float]:
        """The smallest and the largest eigenvalue."""
        values = np.linalg.eigvalsh(self.A)
        return float(values[0]), float(values[-1])


def random_quadratic(eigenvalues: Array, seed: int = 0) -> Quadratic:
    """Return a quadratic with these eigenvalues in random directions, minimised away from 0."""
    rng = np.random.default_rng(seed)
    n = len(eigenvalues)
    Q, _ = np.linalg.qr(rng.standard_normal((n, n)))
    A = Q * np.asarray(eigenvalues) @ Q.T
    return Quadratic((A + A.T) / 2, A @ rng.standard_normal(n))


def diagonal_quadratic(*eigenvalues: float) -> Quadratic:
    """Return f(w) = sum of h w^2 / 2, so that every coordinate is an eigen-direction."""
    return Quadratic(np.diag(eigenvalues), np.zeros(len(eigenvalues)))


class Network:
    """A 2-8-1 tanh network with mean binary cross-entropy, on one vector of 33 numbers."""

    hidden = 8
    size = 33

    def __init__(self, X: Array, y: Array) -> None:
        self.X, self.y = X, y

    def _parts(self, w: Array) -> tuple[Array, Array, Array, Array]:
        W1, b1, w2, b2 = np.split(w, (16, 24, 32))
        return W1.reshape(2, self.hidden), b1, w2, b2

    def loss(self, w: Array, rows: Any = slice(None)) -> Any:
        """Return the mean of log(1 + exp(z)) - y z; complex `w` is fine."""
        W1, b1, w2, b2 = self._parts(w)
        z = np.tanh(self.X[rows] @ W1 + b1) @ w2 + b2
        return np.mean(np.log1p(np.exp(z)) - self.y[rows] * z)

    def gradient(self, w: Array, rows: Any = slice(None)) -> Array:
        """Return the gradient of :meth:`loss`, by hand."""
        W1, b1, w2, b2 = self._parts(w)
        X, y = self.X[rows], self.y[rows]
        a = np.tanh(X @ W1 + b1)
        dz = (1 / (1 + np.exp(-(a @ w2 + b2))) - y) / len(y)
        dh = np.outer(dz, w2) * (1 - a * a)
        return np.concatenate([(X.T @ dh).ravel(), dh.sum(0), a.T @ dz, [dz.sum()]])


def network(rows: int = 23, seed: int = 0) -> tuple[Network, Array]:
    """Return a network on random exclusive-or data, and its initial weights."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (rows, 2))
    y = (X[:, 0] * X[:, 1] > 0).astype(float)
    return Network(X, y), rng.standard_normal(Network.size) / 2


def batches(rows: int, size: int) -> list[slice]:
    """Return consecutive batches; the last may be smaller."""
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]


def lessard_slope(x: Array) -> Array:
    """Return f' of the convex function on which tuned heavy ball cycles (Lessard et al. 2016)."""
    return np.where(x < 1, 25 * x, np.where(x < 2, x + 24, 25 * x - 24))


@dataclass(frozen=True)
class Huber:
    """x^2 / 2 up to |x| = tau, then a straight line: L = 1, the worst case of gradient descent."""

    tau: float

    def gap(self, w: Array) -> float:
        """Return f(w); the minimum is 0."""
        far = np.abs(w)
        inside = far <= self.tau
        return float(np.sum(np.where(inside, w * w / 2, self.tau * far - self.tau**2 / 2)))

    def gradient(self, w: Array) -> Array:
        """Return w, cut off at tau."""
        return np.clip(w, -self.tau, self.tau)


@dataclass(frozen=True)
class WorstFunction:
    """Nesterov's worst function for k steps, L = 1: no first-order method is fast on it."""

    k: int

    @property
    def n(self) -> int:
        """The number of variables."""
        return 2 * self.k + 1

    @property
    def minimum(self) -> Array:
        """x*_i = 1 - i / (n + 1)."""
        return 1 - np.arange(1, self.n + 1) / (self.n + 1)

    @property
    def lowest(self) -> float:
        """f* = (-1 + 1 / (n + 1)) / 8."""
        return (-1 + 1 / (self.n + 1)) / 8

    def _second_difference(self, w: Array) -> Array:
        """Return Tw, T = tridiag(-1, 2, -1)."""
        padded = np.concatenate([[0.0], w, [0.0]])
        return 2 * w - padded[:-2] - padded[2:]

    def value(self, w: Array) -> float:
        """Return (w'Tw / 2 - w_1) / 4."""
        return float((w @ self._second_difference(w) / 2 - w[0]) / 4)

    def gradient(self, w: Array) -> Array:
        """Return (Tw - e_1) / 4."""
        g = self._second_difference(w) / 4
        g[0] -= 0.25
        return g
