"""One thread for every library, set before any of them is loaded, and the facts about the machine.

The number of threads and the BLAS kernel are read back from the running libraries: figures without
them mean nothing.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import sys
from pathlib import Path

SETTINGS = {
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "BLIS_NUM_THREADS": "1",
    "NPROC": "1",  # JAX's own pool
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}
SHOWN = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
PACKAGES = ("numpy", "pandas", "scikit-learn", "torch", "jax", "optax")


def pin() -> None:
    """Restart this program with the variables set, unless they are.

    Libraries read them when they are loaded, which may have happened already.
    """
    if any(os.environ.get(name) != value for name, value in SETTINGS.items()):
        os.environ.update(SETTINGS)
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def machine() -> dict[str, object]:
    """Return the versions, processor, threads and BLAS kernels that figures depend on."""
    facts: dict[str, object] = {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "minidl": _commit(),
    }
    for package in PACKAGES:
        try:
            facts[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            facts[package] = "not installed"
    facts["libraries"] = _libraries()
    facts["environment"] = {name: os.environ.get(name) for name in (*SHOWN, *SETTINGS)}
    return facts


def _cpu() -> str:
    """Return the name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _commit() -> str:
    """Return minidl's version and, in a checkout, the commit (+ if it has changes)."""
    import minidl

    git = ["git", "-C", str(Path(minidl.__file__).parent), "describe", "--always", "--dirty=+"]
    try:
        commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        commit = ""
    return f"{minidl.__version__} {commit}".strip()


def _libraries() -> list[str]:
    """Return the loaded thread pools, such as "openblas SkylakeX x1"."""
    lines = []
    if importlib.util.find_spec("threadpoolctl") is not None:
        from threadpoolctl import threadpool_info

        for pool in threadpool_info():
            kernel = pool.get("architecture") or ""
            lines.append(f"{pool['internal_api']} {kernel}".strip() + f" x{pool['num_threads']}")
    if "torch" in sys.modules:
        lines.append(f"torch x{sys.modules['torch'].get_num_threads()}")
    return lines
