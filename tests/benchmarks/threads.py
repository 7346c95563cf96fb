"""One thread for everybody: pinned before NumPy is loaded, and shown with the figures.

The decision of this file: a figure without the number of threads and the BLAS kernel behind it
means nothing, so both are read back from the running libraries, not from what was asked for.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sys

VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS")
PACKAGES = ("minidl", "numpy", "torch", "scikit-learn")


def pin() -> None:
    """Allow one thread each; only a BLAS library that is not loaded yet obeys."""
    if "numpy" in sys.modules:
        raise RuntimeError("threads are pinned too late: NumPy has been imported already")
    for name in VARIABLES:
        os.environ[name] = "1"


def machine() -> dict[str, object]:
    """Return what the figures depend on: versions, processors, threads, BLAS kernels."""
    facts: dict[str, object] = {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "OPENBLAS_CORETYPE": os.environ.get("OPENBLAS_CORETYPE"),
        "OPENBLAS_L2_SIZE": os.environ.get("OPENBLAS_L2_SIZE"),
    }
    for package in PACKAGES:
        try:
            facts[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            facts[package] = "not installed"
    facts["threads"] = {name: os.environ.get(name) for name in VARIABLES}
    facts["libraries"] = _libraries()
    return facts


def _libraries() -> list[str]:
    """Return the loaded thread pools as they are, such as "openblas SkylakeX, 1 thread"."""
    lines = []
    if importlib.util.find_spec("threadpoolctl") is not None:
        from threadpoolctl import threadpool_info

        for pool in threadpool_info():
            kernel = pool.get("architecture") or ""
            lines.append(f"{pool['internal_api']} {kernel}".strip() + f" x{pool['num_threads']}")
    if "torch" in sys.modules:
        lines.append(f"torch x{sys.modules['torch'].get_num_threads()}")
    return lines
