"""The sharpness of a model: the largest eigenvalue of the Hessian of its training loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.autograd import Array, Tensor, grad
from minidl.checks import check_number
from minidl.errors import ArgumentError, ConvergenceError, GraphError, NonFiniteError
from minidl.nn import L2Penalty, Layer, Loss
from minidl.nn import loss as named_loss
from minidl.streams import Seed, check_seed
from minidl.training.data import check_rows

__all__ = ["Sharpness", "sharpness"]


@dataclass(frozen=True)
class Sharpness:
    """The largest eigenvalue of a Hessian, and what is known about it.

    Attributes
    ----------
    value : float
        The eigenvalue; ``float(sharpness)`` as well.
    residual : float
        ||H v - value v|| for the unit vector v: some eigenvalue lies no farther than this.
    products : int
        How many products H v it took, each about as dear as two gradients.
    vector : ndarray, shape (P,)
        The unit eigenvector v, in the order of ``model.parameters.value``. Its sign means nothing.
    """

    value: float
    residual: float
    products: int
    vector: Array

    def __float__(self) -> float:
        return self.value


def sharpness(
    model: Layer,
    loss: str | Loss,
    X: Any,
    y: Any,
    *,
    l2: float = 0.0,
    tolerance: float = 1e-8,
    seed: Seed = 0,
) -> Sharpness:
    r"""Return the largest eigenvalue of the Hessian of the training loss, at the present weights.

    Full-batch training tends to drive it up to where its optimizer is just stable, and to hold it
    there: the *edge of stability* (Cohen et al. 2021, arXiv 2103.00065). With the learning rate a
    and the momentum m that is

    .. math::
        2 / a \quad \text{for gradient descent}, \quad
        2 (1 + m) / a \quad \text{for momentum}, \quad
        2 (1 + m) / ((1 + 2 m)\, a) \quad \text{for NAG}.

    Lanczos iteration (ARPACK, by SciPy) on products H v, each the gradient of ``v . gradient``:
    H itself is never formed.

    Parameters
    ----------
    model : Layer
        At its present weights, which are not changed; without dropout.
    loss : str or Loss
        The mean over all rows is what is differentiated twice.
    X, y : array_like
        Inputs and targets of all training rows, as for :meth:`Trainer.fit`. The graph of all of
        them is held in memory.
    l2 : float, default 0.0
        Strength of the L2 penalty that training adds; see :class:`~minidl.nn.L2Penalty`.
    tolerance : float, default 1e-8
        When to stop: the residual relative to the eigenvalue. In float32 not below 1e-5.
    seed : int, default 0
        For the vector that the iteration starts from. None draws a fresh one.

    Returns
    -------
    Sharpness
        With `value`, `residual`, `products` and `vector`.

    Raises
    ------
    DataError, ShapeError
        As for :meth:`Trainer.fit`.
    NonFiniteError
        The gradient or the Hessian at these weights is not finite.
    GraphError
        No graph is recorded, inside :func:`~minidl.no_grad`.
    ArgumentError
        `model` is not a layer, or `tolerance`, `l2` or `seed` cannot be used.
    ConvergenceError
        The iteration did not get below `tolerance`.

    Notes
    -----
    Largest means rightmost: of eigenvalues -3 and 1 it is 1. PyTorch and Keras have no such
    function.

    Examples
    --------
    A linear model with the squared error has the Hessian 2 X'X / n, whatever its weights:

    >>> from minidl import nn
    >>> X = np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 2.0], [1.0, 0.0]])
    >>> model = nn.Dense(2, 1, bias=False, seed=0)
    >>> found = sharpness(model, "mse", X, np.zeros((4, 1)))
    >>> round(found.value, 12), found.residual < 1e-12
    (4.0, True)
    """
    if not isinstance(model, Layer):
        raise ArgumentError("model is not a layer", received=repr(model), expected="nn.mlp(...)")
    criterion = named_loss(loss)
    rows = check_rows("training", X, y, model, criterion)
    limit = check_number("tolerance", tolerance, lambda x: 0 < x < 1, "a number between 0 and 1")
    product = _Hessian(model, criterion, rows.X, rows.t, L2Penalty(l2).strength)
    P = model.parameters.size
    start = np.random.default_rng(check_seed(seed)).standard_normal(P)
    first = product(start)
    if P <= 2 or not first.any():  # too small for ARPACK, or zero: then H is zero
        value, vector = _dense(product, P) if P <= 2 else (0.0, start / np.linalg.norm(start))
    else:
        value, vector = _lanczos(product, start, max(limit, product.precision))
    residual = float(np.linalg.norm(product(vector) - value * vector))
    return Sharpness(value, residual, product.count, vector)


class _Hessian:
    """The function v -> H v; the gradient's graph is built once."""

    def __init__(self, model: Layer, loss: Loss, X: Array, t: Array, l2: float) -> None:
        vector = model.parameters
        self.parameters = list(vector)
        self.cuts = np.cumsum([p.size for p in self.parameters])[:-1]
        self.penalty = l2 * vector.penalized
        self.dtype = vector.value.dtype
        self.precision = 100 * float(np.finfo(self.dtype).eps)
        self.count = 0
        value = loss.mean(model(X.astype(self.dtype, copy=False)), t)
        if not value.requires_grad:
            raise GraphError(
                "the loss has no graph, so there is no Hessian",
                hint="Call sharpness outside of no_grad().",
            )
        self.slopes = grad(value, self.parameters, create_graph=True)
        if not all(np.isfinite(g.data).all() for g in self.slopes):
            raise NonFiniteError(
                "the gradient is not finite, so there is no Hessian",
                received=f"{vector!r} whose gradient holds nan or inf",
                hint="Go back to weights from before the divergence.",
            )

    def __call__(self, v: Array) -> Array:
        """Return H v (P,): the derivative of v . gradient."""
        self.count += 1
        parts = np.split(v.astype(self.dtype, copy=False).ravel(), self.cuts)
        along = Tensor(np.zeros((), self.dtype))
        for g, part in zip(self.slopes, parts, strict=True):
            along = along + (g * part.reshape(g.shape)).sum()
        if not along.requires_grad:  # the gradient is constant
            return self.penalty * v
        found = grad(along, self.parameters, retain_graph=True)
        Hv = np.concatenate([h.data.ravel() for h in found]) + self.penalty * v
        if not np.isfinite(Hv).all():  # ARPACK would fail on it in words of its own
            raise NonFiniteError(
                "the Hessian at these weights is not finite",
                received=f"a product with {np.count_nonzero(~np.isfinite(Hv))} entries nan or inf",
            )
        return Hv


def _dense(product: _Hessian, P: int) -> tuple[float, Array]:
    values, vectors = np.linalg.eigh(np.stack([product(row) for row in np.eye(P)]))
    return float(values[-1]), vectors[:, -1]


def _lanczos(product: _Hessian, start: Array, tolerance: float) -> tuple[float, Array]:
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    P = len(start)
    operator = LinearOperator((P, P), matvec=product, dtype=np.dtype(float))
    try:
        values, vectors = eigsh(operator, k=1, which="LA", v0=start, tol=tolerance)
    except ArpackNoConvergence as error:
        raise ConvergenceError(
            "the largest eigenvalue was not found to this tolerance",
            received=f"tolerance {tolerance:g} after {product.count} products",
            hint="Allow a larger tolerance.",
        ) from error
    return float(values[0]), vectors[:, 0]
