"""Write interchange.npz with PyTorch: weights, inputs and outputs of the same networks in both.

    python tests/golden/write_interchange.py    # needs the extra "bench"

The six lines in the middle are those of minidl/training/README.md.
"""

from pathlib import Path

import numpy as np
import torch

from minidl import nn
from minidl.training import from_torch, to_torch

HERE = Path(__file__).parent
X = np.random.default_rng(0).standard_normal((5, 3))


def networks(dtype: str):
    """Return the same untrained network of minidl and of PyTorch."""
    model = nn.Sequential(
        nn.Dense(3, 4, dtype=dtype), nn.BatchNorm(4, dtype=dtype), nn.Tanh(),
        nn.Dense(4, 4, bias=False, dtype=dtype), nn.LayerNorm(4, dtype=dtype), nn.ReLU(),
        nn.Dense(4, 2, dtype=dtype), seed=1,
    )  # fmt: skip
    net = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Tanh(),
        torch.nn.Linear(4, 4, bias=False), torch.nn.LayerNorm(4), torch.nn.ReLU(),
        torch.nn.Linear(4, 2),
    ).to(getattr(torch, dtype))  # fmt: skip
    return model, net


def main() -> None:
    """Write the arrays: those that PyTorch made, and what it makes of minidl's."""
    torch.manual_seed(0)
    arrays = {"X": X}
    for dtype in ("float64", "float32"):
        model, net = networks(dtype)
        inputs = torch.from_numpy(X.astype(dtype))
        net.train()
        for _ in range(3):
            net(inputs)  # moves the running statistics
        net.eval()
        arrays |= {f"{dtype}/torch/{n}": t.numpy().copy() for n, t in net.state_dict().items()}
        arrays[f"{dtype}/torch outputs"] = net(inputs).detach().numpy()

        state = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
        from_torch(model, state)
        assert np.allclose(model.predict(X), arrays[f"{dtype}/torch outputs"], rtol=1e-5)

        model, net = networks(dtype)
        model.parameters.value[...] += 0.1
        state = {name: torch.from_numpy(array) for name, array in to_torch(model).items()}
        net.load_state_dict(state)
        net.eval()
        arrays |= {f"{dtype}/minidl/{n}": array for n, array in to_torch(model).items()}
        arrays[f"{dtype}/minidl value"] = model.parameters.value
        arrays[f"{dtype}/minidl outputs"] = net(inputs).detach().numpy()
    np.savez(HERE / "interchange.npz", **arrays)


if __name__ == "__main__":
    main()
