"""Write autograd_extra.npz: values and two derivatives of the operations in `extra`, by PyTorch.

Run it with the `bench` extra installed: ``python tests/golden/write_autograd_extra.py``. What is
written is explained in ``write_autograd.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from autograd_calls import flat
from autograd_extra_calls import CALLS, inputs
from write_autograd import by_torch


def main() -> None:
    """Write the file."""
    import torch
    from torch.nn import functional

    data, found = inputs(), {}
    for name, call in CALLS.items():
        code = compile(f"lambda a, b=None, c=None: {call.torch}", name, "eval")
        f = eval(code, {"torch": torch, "F": functional})
        arrays: list[Any] = [data[key] for key in call.inputs]
        found[f"torch {name}"] = flat(by_torch(f, arrays, list(range(len(arrays)))))
    version = np.array([f"torch {torch.__version__}"])
    np.savez_compressed(
        Path(__file__).parent / "autograd_extra.npz", **data, **found, versions=version
    )


if __name__ == "__main__":
    main()
