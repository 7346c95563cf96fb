"""Differentiate NumPy: the Tensor, the operations, and derivatives of any order."""

from minidl.autograd import ops
from minidl.autograd.check import GradientCheckError, gradcheck
from minidl.autograd.debug import debug
from minidl.autograd.functional import grad, hessian, hvp, jacobian, jvp
from minidl.autograd.node import Array, no_grad
from minidl.autograd.primitive import primitive
from minidl.autograd.tensor import Tensor

__all__ = ["Array", "GradientCheckError", "Tensor", "debug", "grad", "gradcheck", "hessian", "hvp"]
__all__ += ["jacobian", "jvp", "no_grad", "ops", "primitive"]
