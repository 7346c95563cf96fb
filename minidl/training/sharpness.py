"""The sharpness of a model: the largest eigenvalue of the Hessian of its training loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array, grad
from minidl.checks import check_number
from minidl.errors import ArgumentError, ConvergenceError, GraphError, NonFiniteError, shown
from minidl.keywords import answers
from minidl.nn import Layer, Loss
from minidl.nn import loss as named_loss
from minidl.streams import Seed, check_seed
from minidl.training.data import Rows, check_rows
from minidl.training.measure import Objective
from minidl.training.weights import ClassWeight


@answers
@dataclass(frozen=True)
class Sharpness:
    """The largest eigenvalue of a Hessian.

    Attributes
    ----------
    value : float
        The eigenvalue; also ``float(sharpness)``.
    residual : float
        ||H v - value v|| for the unit vector v: an eigenvalue lies at most this far away.
    products : int
        Number of products H v; each costs about two gradients.
    vector : ndarray, shape (P,)
        The unit eigenvector v, in the order of ``model.parameters.value``, up to its sign.
    """

    value: float
    residual: float
    products: int
    vector: Array

    def __float__(self) -> float:
        return self.value


@answers
def sharpness(
    model: Layer,
    loss: str | Loss,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    l2: float = 0.0,
    tolerance: float = 1e-8,
    seed: Seed = 0,
    sample_weight: npt.ArrayLike | None = None,
    class_weight: ClassWeight | None = None,
) -> Sharpness:
    """Return the largest eigenvalue of the Hessian of the training loss, at the present weights.

    Full-batch training tends to raise it to the value at which its optimizer is just stable, and
    to hold it there: the *edge of stability* (Cohen et al. 2021, arXiv 2103.00065). With learning
    rate a and momentum m that is 2 / a for gradient descent, 2 (1 + m) / a for momentum, and
    2 (1 + m) / ((1 + 2 m) a) for NAG.

    Lanczos iteration (ARPACK, in SciPy) on products H v, the gradients of ``v . gradient``; H
    itself is never formed. Largest means rightmost: of eigenvalues -3 and 1 it is 1.

    Parameters
    ----------
    model : Layer
        Its weights are not changed, and its dropout is off.
    loss : str or Loss
        Its mean over all rows is differentiated twice.
    X, y : array_like
        All training rows, as for :meth:`Trainer.fit`; their graph is held in memory.
    l2 : float, default 0.0
        Strength of the L2 penalty; see :class:`~minidl.nn.L2Penalty`.
    tolerance : float, default 1e-8
        Stop at this residual relative to the eigenvalue; in float32 at least 1e-5.
    seed : int, default 0
        Seed of the vector at which the iteration starts. None draws a fresh one.
    sample_weight, class_weight
        Of the rows, as for :meth:`Trainer.fit`.

    Raises
    ------
    DataError, ShapeError
        As for :meth:`Trainer.fit`.
    NonFiniteError
        The gradient or the Hessian at these weights is not finite.
    GraphError
        Called inside :func:`~minidl.no_grad`.
    ArgumentError
        `model` is not a layer, or `tolerance`, `l2` or `seed` is out of range.
    ConvergenceError
        The iteration did not reach `tolerance`.

    Examples
    --------
    A linear model with the squared error has the Hessian 2 X'X / n, whatever its weights:

    >>> from minidl import nn
    >>> X = np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 2.0], [1.0, 0.0]])
    >>> top = sharpness(nn.Dense(2, 1, bias=False, seed=0), "mse", X, np.zeros((4, 1)))
    >>> round(top.value, 12), top.residual < 1e-12
    (4.0, True)
    """
    if not isinstance(model, Layer):
        raise ArgumentError("model is not a layer", received=shown(model), expected="nn.mlp(...)")
    criterion = named_loss(loss)
    objective = Objective(model, criterion, l2)
    rows = check_rows("training", X, y, objective, sample_weight, class_weight=class_weight)
    limit = check_number("tolerance", tolerance, lambda x: 0 < x < 1, "a number between 0 and 1")
    return rightmost(Hessian(objective, rows), limit, check_seed(seed))


def rightmost(hessian: Hessian, tolerance: float, seed: int) -> Sharpness:
    """Return the largest eigenvalue of the matrix of these products."""
    P = hessian.penalty.size
    start = np.random.default_rng(seed).standard_normal(P)
    product = hessian.product(start)
    if P <= 2:  # too small for ARPACK
        values, vectors = np.linalg.eigh(np.stack([hessian.product(row) for row in np.eye(P)]))
    elif not product.any():  # H is zero
        values, vectors = np.zeros(1), start[:, None] / np.linalg.norm(start)
    else:
        precision = 100 * float(np.finfo(hessian.dtype).eps)
        values, vectors = _lanczos(hessian, start, max(tolerance, precision))
    value, vector = float(values[-1]), vectors[:, -1]
    residual = float(np.linalg.norm(hessian.product(vector) - value * vector))
    return Sharpness(value, residual, hessian.count, vector)


class Hessian:
    """Products H v with the Hessian of a model's mean loss; the gradient's graph is built once.

    With a `scale` (P,), the products are those with diag(scale) H diag(scale).
    """

    def __init__(self, objective: Objective, rows: Rows, scale: Array | None = None) -> None:
        self.scale = scale
        vector = objective.vector
        self.parameters, self.dtype = list(vector), vector.value.dtype
        self.penalty = objective.penalty.strength * vector.penalized
        self.count = 0
        outputs = objective.model(rows.X.astype(self.dtype, copy=False))
        value = objective.mean(outputs, rows.t, rows.w)
        if not value.requires_grad:
            raise GraphError("the loss has no graph", hint="Call sharpness outside of no_grad().")
        self.gradients = grad(value, self.parameters, create_graph=True)
        _check_finite("gradient", np.concatenate([g.data.ravel() for g in self.gradients]))

    def product(self, v: Array) -> Array:
        """Return H v (P,), the gradient of v . gradient."""
        self.count += 1
        if self.scale is not None:
            return self.scale * self._product(self.scale * v)
        return self._product(v)

    def _product(self, v: Array) -> Array:
        ends = np.cumsum([p.size for p in self.parameters])[:-1]
        terms = zip(self.gradients, np.split(v.astype(self.dtype, copy=False), ends), strict=True)
        along = sum((g * part.reshape(g.shape)).sum() for g, part in terms)
        if not along.requires_grad:  # the gradient is constant
            return self.penalty * v
        columns = grad(along, self.parameters, retain_graph=True)
        Hv = np.concatenate([column.data.ravel() for column in columns]) + self.penalty * v
        _check_finite("Hessian", Hv)
        return Hv


def _check_finite(name: str, values: Array) -> None:
    if count := np.count_nonzero(~np.isfinite(values)):
        received = f"{count} of {values.size} entries nan or inf"
        hint = "Go back to weights from before the divergence."
        message = f"the {name} at these weights is not finite"
        raise NonFiniteError(message, received=received, hint=hint)


def _lanczos(hessian: Hessian, start: Array, tolerance: float) -> tuple[Array, Array]:
    """Return the largest eigenvalue (1,) and its unit eigenvector (P, 1), by ARPACK."""
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    operator = LinearOperator((len(start),) * 2, matvec=hessian.product, dtype=np.dtype(float))
    try:
        values, vectors = eigsh(operator, k=1, which="LA", v0=start, tol=tolerance)
    except ArpackNoConvergence as error:
        message = f"the largest eigenvalue did not converge to tolerance {tolerance:g}"
        received, hint = f"{hessian.count} products", "Allow a larger tolerance."
        raise ConvergenceError(message, received=received, hint=hint) from error
    return values, vectors
