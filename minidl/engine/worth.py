"""Up to which products of matrices the machine is faster than the eager engine, whose is BLAS."""

# Multiplications in the largest product of a step: rows x inputs x outputs. See the measurements in
# README.md. BLAS has kernels of the same instruction set, which gain on the machine with the size.
LIMITS = {"AVX-512": 2**29, "AVX2": 2**26, "SSE2": 2**20}


def worthwhile(multiplications: int, instruction_set: str) -> bool:
    """Return whether the machine is at least as fast as eager for products up to this size.

    Examples
    --------
    >>> worthwhile(1000 * 256 * 256, "AVX2"), worthwhile(10_000 * 256 * 256, "AVX2")
    (True, False)
    """
    return multiplications <= LIMITS[instruction_set]
