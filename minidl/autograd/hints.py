"""Advice for NumPy functions that are not differentiated: one table for all of them."""

# With Tensors a, b, p, x, y and m (a matrix), integers k and n, an array of them i, and a mask c.
# The last statement is the value.
WRITE: dict[str, str] = {
    "apply_along_axis": "np.stack([f(row) for row in m])",
    "apply_over_axes": "np.sum(m, axis=(0, 1), keepdims=True)",
    "bincount": "minidl.ops.scatter(x, i, (n,))",
    "block": "np.vstack([np.hstack([m, m]), np.hstack([m, m])])",
    "cbrt": "np.sign(x) * np.abs(x) ** (1 / 3)",
    "choose": "np.select([i == 0, i == 1], [x, y])",
    "compress": "x[c]",
    "convolve": "sum(minidl.ops.pad(x * p[j], (j, len(p) - 1 - j)) for j in range(len(p)))",
    "copysign": "np.abs(a) * np.where(np.signbit(b), -1.0, 1.0)",
    "corrcoef": "z = m - m.mean(axis=1, keepdims=True); "
    "z = z / z.norm(axis=1, keepdims=True); z @ z.T",
    "correlate": "sum(minidl.ops.pad(x * p[~j], (j, len(p) - 1 - j)) for j in range(len(p)))",
    "cov": "z = m - m.mean(axis=1, keepdims=True); z @ z.T / (m.shape[1] - 1)",
    "delete": "x[np.arange(len(x)) != k]",
    "diagflat": "np.diag(np.ravel(m))",
    "ediff1d": "np.diff(np.ravel(m))",
    "extract": "x[c]",
    "geomspace": "np.exp(np.log(a) + (np.log(b) - np.log(a)) * np.linspace(0, 1, n)[:, None])",
    "gradient": "np.concatenate([x[1:2] - x[:1], (x[2:] - x[:-2]) / 2, x[-1:] - x[-2:-1]])",
    "heaviside": "np.where(a < 0, 0.0, np.where(a > 0, 1.0, b))",
    "insert": "np.concatenate([x[:k], y, x[k:]])",
    "interp": "y = np.clip(y, x[0], x[-1]); "
    "j = np.clip(np.searchsorted(x, y) - 1, 0, len(x) - 2); "
    "p[j] + (y - x[j]) * (p[j + 1] - p[j]) / (x[j + 1] - x[j])",
    "ldexp": "x * 2.0**k",
    "linspace": "a + (b - a) * np.linspace(0, 1, n)[:, None]",
    "logaddexp2": "np.logaddexp(a * np.log(2), b * np.log(2)) / np.log(2)",
    "logspace": "10.0 ** (a + (b - a) * np.linspace(0, 1, n)[:, None])",
    "modf": "x - np.trunc(x), np.trunc(x)",
    "nanmedian": "np.median(x[~np.isnan(x)])",
    "nanpercentile": "np.percentile(x[~np.isnan(x)], k)",
    "nanquantile": "np.quantile(x[~np.isnan(x)], 0.5)",
    "nanstd": "np.std(x[~np.isnan(x)])",
    "nanvar": "np.var(x[~np.isnan(x)])",
    "partition": "np.sort(x)",
    "piecewise": "np.where(c, x, -x)",
    "polyadd": "a + b",
    "polyder": "p[:-1] * np.arange(len(p) - 1, 0, -1)",
    "polyint": "np.concatenate([p / np.arange(len(p), 0, -1), [0.0]])",
    "polymul": "sum(minidl.ops.pad(x * p[j], (j, len(p) - 1 - j)) for j in range(len(p)))",
    "polysub": "a - b",
    "polyval": "functools.reduce(lambda s, factor: s * x + factor, p)",
    "resize": "np.tile(x, k)[:n]",
    "rollaxis": "np.moveaxis(m, -1, 0)",
    "trapezoid": "np.sum((y[1:] + y[:-1]) / 2 * np.diff(x))",
    "trim_zeros": "j = np.flatnonzero(x); x[j[0] : j[-1] + 1]",
    "unwrap": "turns = np.round(np.diff(x) / (2 * np.pi)); "
    "x - 2 * np.pi * np.append(0.0, np.cumsum(turns))",
    "vander": "np.stack([x**2, x, x**0], axis=1)",
    "linalg.cond": "np.linalg.norm(m, 1) * np.linalg.norm(np.linalg.inv(m), 1)",
    "linalg.lstsq": "np.linalg.solve(m.T @ m, m.T @ a)",
    "linalg.matrix_power": "m @ m @ m",
    "linalg.pinv": "np.linalg.solve(m.T @ m, m.T)",
    "fft.fftshift": "np.roll(x, len(x) // 2)",
    "fft.ifftshift": "np.roll(x, -(len(x) // 2))",
    "lib.stride_tricks.sliding_window_view": "x[np.arange(len(x) - k + 1)[:, None] + np.arange(k)]",
    "add.accumulate": "np.cumsum(x)",
    "add.reduce": "np.sum(m, axis=0)",
    "add.reduceat": "np.stack([part.sum() for part in np.split(x, [k])])",
    "logaddexp.accumulate": "minidl.ops.logcumsumexp(x)",
    "logaddexp.reduce": "minidl.ops.logsumexp(x)",
    "maximum.reduce": "np.max(m, axis=0)",
    "minimum.reduce": "np.min(m, axis=0)",
    "multiply.accumulate": "np.cumprod(x)",
    "multiply.reduce": "np.prod(m, axis=0)",
}
# The same for ufuncs of scipy.special.
SCIPY: dict[str, str] = {
    "entr": "np.where(x > 0, -x * np.log(x), 0.0)",
    "erf": "minidl.ops.erf(x)",
    "erfc": "minidl.ops.erfc(x)",
    "exp10": "10.0**x",
    "expit": "minidl.ops.sigmoid(x)",
    "huber": "np.where(np.abs(x) <= a, x**2 / 2, a * (np.abs(x) - a / 2))",
    "kl_div": "np.where(x > 0, x * np.log(x / y), 0.0) - x + y",
    "log_expit": "-minidl.ops.softplus(-x)",
    "logit": "minidl.ops.logit(x)",
    "ndtr": "minidl.ops.erfc(-x / np.sqrt(2)) / 2",
    "rel_entr": "np.where(x > 0, x * np.log(x / y), 0.0)",
    "xlog1py": "np.where(x == 0, 0.0, x * np.log1p(y))",
    "xlogy": "np.where(x == 0, 0.0, x * np.log(y))",
}
# Functions that others of NumPy call, so that an error is about these.
CALLED = {
    "copyto": "np.full_like(a, t), which calls it, is t * np.ones_like(a).",
    "trim_zeros": "np.poly1d(p)(x), which calls it, is"
    " functools.reduce(lambda s, factor: s * x + factor, p).",
}

_VALUES = "For values without a gradient, pass x.numpy()."
_GENERAL = "Use functions of minidl.ops, or add one with minidl.primitive. "
_REAL = "A Tensor holds real numbers. "
_MATRICES = "minidl has det, slogdet, inv, solve and norm. Add another with minidl.primitive."
_IN_PLACE = (
    "A Tensor cannot be written into: np.where chooses, minidl.ops.scatter puts values at indices, "
)
_IN_PLACE += "and x.numpy() are the values."
_BITS = "It needs integers or booleans: comparisons give these, as in (x > 0) & (x < 1)."
_REASONS: dict[str, str] = {
    _VALUES: "busday_count busday_offset datetime_as_string frexp histogram histogram2d"
    " histogram_bin_edges histogramdd intersect1d is_busday isnat ix_ nextafter packbits polydiv"
    " polyfit ravel_multi_index save savetxt savez savez_compressed setdiff1d setxor1d spacing"
    " union1d unique unique_all unique_counts unique_inverse unique_values unpackbits"
    " unravel_index poly",
    f"{_REAL}{_VALUES}": "angle imag real_if_close roots sort_complex linalg.eig linalg.eigvals",
    f"{_REAL}A Fourier transform is a product with np.cos and np.sin of a matrix of angles.": (
        "fft.fft fft.fft2 fft.fftn fft.hfft fft.ifft fft.ifft2 fft.ifftn fft.ihfft fft.irfft"
        " fft.irfft2 fft.irfftn fft.rfft fft.rfft2 fft.rfftn"
    ),
    f"{_MATRICES} {_VALUES}": "linalg.cholesky linalg.eigh linalg.eigvalsh linalg.qr linalg.svd"
    " linalg.svdvals",
    "Reshape to a matrix, and use np.linalg.inv or np.linalg.solve.": "linalg.tensorinv"
    " linalg.tensorsolve",
    "Its newer name is np.isin.": "in1d",
    "Its newer name is np.trapezoid.": "trapz",
    _IN_PLACE: "copyto fill_diagonal place put put_along_axis putmask",
    _GENERAL + _VALUES: "i0",
    _BITS: "bitwise_and bitwise_count bitwise_invert bitwise_left_shift bitwise_not bitwise_or"
    " bitwise_right_shift bitwise_xor gcd invert lcm left_shift right_shift",
}
SENTENCES = {name: text for text, names in _REASONS.items() for name in names.split()}


def hint_for(name: str) -> str:
    """Return what to write instead of the NumPy function of this name, without ``np.``."""
    word = name.removeprefix("scipy.special.")
    code = WRITE.get(name) if word == name else SCIPY[word]
    if code is not None:
        also = f" {CALLED[name]}" if name in CALLED else ""
        return f"Write {code}; for values without a gradient, pass x.numpy().{also}"
    ufunc, _, method = name.rpartition(".")
    if method == "outer":
        return f"Write np.{ufunc}(a[:, None], b)."
    if method == "at":
        return _IN_PLACE
    also = f"{CALLED[name]} " if name in CALLED else ""
    return also + SENTENCES.get(name, _GENERAL + _VALUES)
