"""The gradient with which a backward pass starts, and the check of the one it is added to."""

import numpy as np

from minidl.autograd.node import Array, Node, to_float
from minidl.errors import DTypeError, ShapeError


def check_grad(grad: Array | None, g: Array) -> None:
    """Check that `g` can be added to a gradient that the user has assigned."""
    if grad is None:
        return
    if isinstance(grad, np.ndarray) and (grad.dtype.kind != "f" or not grad.flags.writeable):
        message = "the .grad of a leaf must be a writeable array of floats or None"
        raise DTypeError(message, received=f"dtype {grad.dtype}, writeable={grad.flags.writeable}")
    if np.shape(grad) != g.shape:
        message = "the .grad of a leaf has another shape than its data"
        raise ShapeError(message, received=f"shape {np.shape(grad)}", expected=f"shape {g.shape}")


def seed_for(output: Node, gradient: object) -> Array:
    """Return the gradient that a backward pass from `output` starts with."""
    if gradient is None:
        if output.size != 1:
            place = f"a Tensor of shape {output.shape}, not a scalar,"
            hint = "Reduce it with .sum() or .mean(), or pass gradient=."
            raise ShapeError(f"backward from {place} needs a gradient", hint=hint)
        seed = np.ones(output.shape, output.dtype)
        seed.flags.writeable = False  # a rule must not change it
        return seed
    seed = to_float(gradient)
    if seed.shape != output.shape:
        message = "the gradient must have the shape of the Tensor"
        raise ShapeError(message, received=seed.shape, expected=output.shape)
    return seed.astype(output.dtype, copy=False)
