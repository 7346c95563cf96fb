"""Loss, gradient and update of scikit-learn's multilayer perceptron, bit for bit.

scikit-learn minimises (sum of the rows' losses + alpha / 2 ||W||^2) / n over the n rows of a batch,
or over the sum of their weights. Rounding errors grow in training, so each sum is taken in
scikit-learn's order, which is not always the fastest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn
from scipy.special import expit, xlogy

from minidl import nn
from minidl.autograd import Array, Tensor, no_grad, ops, primitive
from minidl.autograd.node import Value
from minidl.optim import Optimizer, learning_rate, momentum
from minidl.optim.base import Gradient

__all__ = ["EpsilonHatAdam", "Network", "mean_loss"]


def _affine_rules() -> tuple[Any, ...]:
    """Return the rules of x W + b; that of :func:`ops.dense` sums the rows for b with BLAS."""
    return (
        lambda g, y, x, W, b: g @ W.T,
        lambda g, y, x, W, b: x.T @ g,
        lambda g, y, x, W, b: g.sum(axis=0),
    )


@primitive(*_affine_rules())
def affine(x: Value, W: Value, b: Value) -> Value:
    """Return x W + b, for x that may be sparse."""
    return x @ W + b


@primitive(lambda g, y, x: g * y * (1 - y))
def logistic(x: Value) -> Value:
    """Return 1 / (1 + e^-x), rounded as by SciPy; :func:`ops.sigmoid` rounds otherwise."""
    return expit(x)


EARLIER = tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 7)
FUNCTIONS = {"identity": ops.positive, "logistic": logistic, "tanh": ops.tanh, "relu": ops.relu}
FUNCTIONS |= {"softmax": ops.softmax, "exp": ops.exp}


class EpsilonHatAdam(Optimizer):
    r"""Adam that adds epsilon before the correction of the second moment, not after it.

    .. math:: m \leftarrow b_1 m + (1 - b_1) g, \quad v \leftarrow b_2 v + (1 - b_2) g^2, \quad
              w \leftarrow w - a \frac{\sqrt{1 - b_2^t}}{1 - b_1^t} \frac{m}{\sqrt{v} + \hat e}

    Kingma and Ba 2015, arXiv 1412.6980, end of section 2; also Keras's form.
    """

    lr, beta1, beta2, epsilon = learning_rate(), momentum(), momentum(), learning_rate()
    state_names = ("first", "second")

    def __init__(self, lr: float, beta1: float, beta2: float, epsilon: float) -> None:
        super().__init__(lr=lr, beta1=beta1, beta2=beta2, epsilon=epsilon)

    def update(self, w: Array, grad: Gradient) -> None:
        """Set m and v, then w <- w - a sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)."""
        t, g, m, v = self.step_count + 1, grad(w), self.state["first"], self.state["second"]
        m[...] = self.beta1 * m + (1 - self.beta1) * g
        v[...] = self.beta2 * v + (1 - self.beta2) * g**2
        rate = self.lr * np.sqrt(1 - self.beta2**t) / (1 - self.beta1**t)
        w -= rate * m / (np.sqrt(v) + self.epsilon)


def mean_loss(output: str, t: Array, p: Array, weights: Array | None) -> Any:
    """Return half the mean squared error or Poisson deviance, or the log loss of p, clipped.

    scikit-learn 1.7 takes the mean over rows first, earlier releases the sum over all outputs.
    """
    earlier = EARLIER and weights is None
    if output == "identity":
        squares = (t - p) ** 2
        return squares.mean() / 2 if earlier else 0.5 * np.average(squares, 0, weights).mean()
    if output == "exp":
        return np.average(xlogy(t, t / p) - t + p, 0, weights).sum()
    eps = np.finfo(p.dtype).eps
    p = np.clip(p, eps, 1 - eps)
    terms = [xlogy(t, p), xlogy(1 - t, 1 - p)][: 2 if output == "logistic" else 1]
    if earlier:
        return -sum(term.sum() for term in terms) / len(t)
    return -np.average(sum(terms), 0, weights).sum()


class Network:
    """An :func:`minidl.nn.mlp`, whose layers are computed with the functions above.

    `output` is the function of the last layer: "softmax", "logistic", "identity" or "exp".
    """

    loss: Any = np.nan  # of the last batch, with the penalty

    def __init__(self, model: nn.Sequential, activation: str, output: str) -> None:
        self.model, self.activation, self.output = model, activation, output

    @property
    def layers(self) -> list[nn.Dense]:
        """The dense layers."""
        return [layer for layer in self.model.layers if isinstance(layer, nn.Dense)]

    def draw(self, random: np.random.RandomState) -> None:
        """Draw weights and biases uniformly within the bound of Glorot and Bengio 2010, eq. 16."""
        factor = 2.0 if self.activation == "logistic" else 6.0
        for layer in self.layers:
            bound = np.sqrt(factor / (layer.in_features + layer.out_features))
            assert layer.bias is not None
            for p in (layer.weight, layer.bias):
                p.data[...] = random.uniform(-bound, bound, p.shape)

    def forward(self, X: Any) -> Tensor:
        """Return the outputs of the last layer before their function."""
        *hidden, output_layer = self.layers
        for layer in hidden:
            X = FUNCTIONS[self.activation](affine(X, layer.weight, layer.bias))
        logits: Tensor = affine(X, output_layer.weight, output_layer.bias)
        return logits

    def predict(self, X: Any) -> Array:
        """Return probabilities (n, outputs), or the numbers of a regression."""
        with no_grad():
            outputs: Array = FUNCTIONS[self.output](self.forward(X).data)
        return outputs

    def gradient(
        self, X: Any, t: Array, weights: Array | None, alpha: float, point: Array
    ) -> Array:
        """Return the gradient of a batch, with the penalty, and keep its loss in `loss`.

        The point is that of the network: of the rules used, none looks ahead.
        """
        logits, vector = self.forward(X), self.model.parameters
        p = FUNCTIONS[self.output](logits.data)
        total = len(t) if weights is None else weights.sum()
        squares = sum(np.dot(w, w) for w in (layer.weight.data.ravel() for layer in self.layers))
        self.loss = mean_loss(self.output, t, p, weights) + 0.5 * alpha * squares / total
        vector.grad.fill(0.0)
        logits.backward(p - t if weights is None else (p - t) * weights[:, None])
        vector.grad += alpha * (vector.value * vector.penalized)
        vector.grad /= total
        return vector.grad
