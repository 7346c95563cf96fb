"""Calls of NumPy's functions, as text: evaluated with arrays and with Tensors they must agree.

The names: vectors x, y and p of four elements, a and b of three, a matrix m, integers k and n, an
array of them i, and a mask c.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

import minidl

ARRAYS: dict[str, Any] = {
    "x": np.array([0.2, 0.55, 0.7, 0.95]),
    "y": np.array([0.3, 0.45, 0.75, 0.1]),
    "p": np.array([0.5, -1.5, 2.2, 0.25]),
    "a": np.array([1.5, 0.5, 2.5]),
    "b": np.array([0.7, 1.2, 0.4]),
    "m": np.array([[2.5, 0.3, -0.6], [0.2, 3.5, 0.9], [-0.4, 0.8, 1.7]]),
}
CONSTANTS: dict[str, Any] = {
    "np": np,
    "minidl": minidl,
    "functools": functools,
    "f": lambda row: row * row,
    "k": 2,
    "n": 5,
    "i": np.array([0, 1, 1, 0]),
    "c": np.array([True, False, True, True]),
}

DIFFERENTIATED = """
abs(p) absolute(p) acos(x) acosh(x+1) acos(x) add(x,p) amax(x) amin(x) append(x,y) arccos(x)
arccosh(x+1) arcsin(x) arcsinh(x) arctan(x) arctan2(x,y) arctanh(x) around(x) array_split(x,3)
asin(x) asinh(x) astype(x,np.float64) atan(x) atan2(x,y) atanh(x) atleast_1d(x) atleast_2d(x)
atleast_3d(x) average(x,weights=y) broadcast_arrays(a,m) broadcast_to(a,(2,3)) ceil(x)
clip(x,0.3,0.8) column_stack([x,y]) concat([x,y]) concatenate([x,y]) conj(x) conjugate(x) copy(m)
cos(x) cosh(x) cross(a,b) cumprod(x) cumsum(x) cumulative_prod(m,axis=1)
cumulative_sum(m,axis=0,include_initial=True) deg2rad(x) degrees(x) diag(x) diagonal(m) diff(x)
divide(x,y) divmod(p,x) dot(m,a) dsplit(m[None],[1]) dstack([x,y]) einsum('ij,j->i',m,a) exp(x)
exp2(x) expand_dims(x,0) expm1(x) fabs(p) fix(p) flip(x) fliplr(m) flipud(m) float_power(x,y)
floor(x) floor_divide(p,x) fmax(x,p) fmin(x,p) fmod(p,x) hsplit(x,2) hstack([x,y]) hypot(x,y)
inner(m,a) kron(a,b) log(x) log10(x) log1p(x) log2(x) logaddexp(x,y) matmul(m,a)
matrix_transpose(m) matvec(m,a) max(x) maximum(x,p) mean(x) median(m,axis=0) meshgrid(x,a) min(x)
minimum(x,p) mod(p,x) moveaxis(m,0,1) multiply(x,y) nan_to_num(x) nancumprod(x) nancumsum(x)
nanmax(x) nanmean(x) nanmin(x) nanprod(x) nansum(x) negative(x) outer(x,y) pad(x,1)
percentile(x,[20,70]) permute_dims(m,(1,0)) positive(x) pow(x,y) power(x,y) prod(x) ptp(x)
quantile(x,0.3) rad2deg(x) radians(x) ravel(m) real(x) reciprocal(x) remainder(p,x) repeat(x,2)
reshape(m,-1) rint(x) roll(x,1) rot90(m) round(x) select([c,c],[x,y]) sign(p) sin(x) sinc(p)
sinh(x) sort(p) split(x,2) sqrt(x) square(x) squeeze(x[None]) stack([x,y]) std(x) subtract(x,y)
sum(x) swapaxes(m,0,1) take(x,i) take_along_axis(x,i,0) tan(x) tanh(x) tensordot(m,a,1)
tile(x,2) trace(m) transpose(m) tril(m) triu(m) true_divide(x,y) trunc(x) unstack(m) var(x)
vdot(x,y) vecdot(x,y) vecmat(a,m) vsplit(m,3) vstack([x,y]) where(c,x,y) linalg.cross(a,b)
linalg.det(m) linalg.diagonal(m) linalg.inv(m) linalg.matmul(m,a) linalg.matrix_norm(m)
linalg.matrix_transpose(m) linalg.multi_dot([m,m,a]) linalg.norm(x) linalg.outer(x,a)
linalg.slogdet(m) linalg.solve(m,a) linalg.tensordot(m,a,axes=1) linalg.trace(m) linalg.vecdot(x,y)
linalg.vector_norm(m,axis=(0,1),keepdims=True) full_like(x,y[0])
"""
VALUES = """
all(x) allclose(x,y) any(x) argmax(x) argmin(x) argpartition(x,1) argsort(x) argwhere(x)
array2string(x) array_equal(x,y) array_equiv(x,y) array_repr(x) array_str(x) can_cast(x.dtype,'f')
common_type(x) count_nonzero(x) diag_indices_from(m) digitize(x,[0.5]) einsum_path('ij,j->i',m,a)
empty_like(x) equal(x,y) flatnonzero(x) greater(x,y) greater_equal(x,y) isclose(x,y) iscomplex(x)
iscomplexobj(x) isfinite(x) isin(x,y) isinf(x) isnan(x) isneginf(x) isposinf(x) isreal(x)
isrealobj(x) less(x,y) less_equal(x,y) lexsort((x,)) logical_and(x,y) logical_not(x)
logical_or(x,y) logical_xor(x,y) may_share_memory(x,y) min_scalar_type(x) nanargmax(x)
nanargmin(x) ndim(x) nonzero(x) not_equal(x,y) ones_like(x) result_type(x,y) searchsorted(x,y)
shape(x) shares_memory(x,y) signbit(p) size(x) tril_indices_from(m) triu_indices_from(m)
zeros_like(x) linalg.matrix_rank(m)
"""
REFUSED = {  # what the code in the hint must equal
    "apply_along_axis": "np.apply_along_axis(f, 1, m)",
    "apply_over_axes": "np.apply_over_axes(np.sum, m, (0, 1))",
    "bincount": "np.bincount(i, x, n)",
    "block": "np.block([[m, m], [m, m]])",
    "cbrt": "np.cbrt(p)",
    "choose": "np.choose(i, [x, y])",
    "compress": "np.compress(c, x)",
    "convolve": "np.convolve(x, p)",
    "copysign": "np.copysign(a, b)",
    "corrcoef": "np.corrcoef(m)",
    "correlate": "np.correlate(x, p, 'full')",
    "cov": "np.cov(m)",
    "delete": "np.delete(x, k)",
    "diagflat": "np.diagflat(m)",
    "ediff1d": "np.ediff1d(m)",
    "extract": "np.extract(c, x)",
    "geomspace": "np.geomspace(a, b, n)",
    "gradient": "np.gradient(x)",
    "heaviside": "np.heaviside(a, b)",
    "insert": "np.insert(x, k, y)",
    "interp": "np.interp(y, x, p)",
    "ldexp": "np.ldexp(x, k)",
    "linspace": "np.linspace(a, b, n)",
    "logaddexp2": "np.logaddexp2(a, b)",
    "logspace": "np.logspace(a, b, n)",
    "modf": "np.modf(x)",
    "nanmedian": "np.nanmedian(x)",
    "nanpercentile": "np.nanpercentile(x, k)",
    "nanquantile": "np.nanquantile(x, 0.5)",
    "nanstd": "np.nanstd(x)",
    "nanvar": "np.nanvar(x)",
    "partition": "np.sort(np.partition(x, 1))",
    "piecewise": "np.piecewise(x, [c, ~c], [lambda v: v, lambda v: -v])",
    "polyadd": "np.polyadd(a, b)",
    "polyder": "np.polyder(p)",
    "polyint": "np.polyint(p)",
    "polymul": "np.polymul(x, p)",
    "polysub": "np.polysub(a, b)",
    "polyval": "np.polyval(p, x)",
    "resize": "np.resize(x, n)",
    "rollaxis": "np.rollaxis(m, -1)",
    "trapezoid": "np.trapezoid(y, x)",
    "trim_zeros": "np.trim_zeros(x)",
    "unwrap": "np.unwrap(x)",
    "vander": "np.vander(x, 3)",
    "linalg.cond": "np.linalg.cond(m, 1)",
    "linalg.lstsq": "np.linalg.lstsq(m, a)[0]",
    "linalg.matrix_power": "np.linalg.matrix_power(m, 3)",
    "linalg.pinv": "np.linalg.pinv(m)",
    "fft.fftshift": "np.fft.fftshift(x)",
    "fft.ifftshift": "np.fft.ifftshift(x)",
    "lib.stride_tricks.sliding_window_view": "np.lib.stride_tricks.sliding_window_view(x, k)",
    "add.accumulate": "np.add.accumulate(x)",
    "add.reduce": "np.add.reduce(m)",
    "add.reduceat": "np.add.reduceat(x, [0, k])",
    "logaddexp.accumulate": "np.logaddexp.accumulate(x)",
    "logaddexp.reduce": "np.logaddexp.reduce(x)",
    "maximum.reduce": "np.maximum.reduce(m)",
    "minimum.reduce": "np.minimum.reduce(m)",
    "multiply.accumulate": "np.multiply.accumulate(x)",
    "multiply.reduce": "np.multiply.reduce(m)",
}


def listed(text: str) -> dict[str, str]:
    """Return name -> call for calls separated by spaces."""
    return {call.partition("(")[0]: f"np.{call}" for call in text.split()}


def evaluated(text: str, names: dict[str, Any]) -> Any:
    """Return the value of the last of some statements."""
    *statements, last = text.split("; ")
    scope = {**CONSTANTS, **names}
    for statement in statements:
        exec(statement, scope)
    return eval(last, scope)
