"""Wall time of a whole comparison, and an estimate for the same work with PyTorch in a loop.

    python tests/benchmarks/protocol.py

minidl runs the default protocol once in two processes: three optimizers, 12 learning rates, 10 + 20
seeds, 200 epochs of moons at batch 32 (with --quick, that of ``minidl compare --quick``). PyTorch
trains a sample of these networks and measures as minidl does: loss and accuracy on training and
test rows after every epoch. The estimate is its time times the number of networks, divided by two.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import command
import numpy as np
import report

from minidl import datasets

JOBS = 2
LIMIT = 180.0  # seconds, in two processes
SAMPLE = 10  # epochs of each of PyTorch's runs


def ours(quick: bool) -> tuple[float, int, int]:
    """Return the seconds of a comparison, its number of networks and its epochs."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "comparison.json")
        command_line = f"compare --optimizers gd,momentum,nag --jobs {JOBS} --quiet --out {file}"
        arguments = [*command_line.split(), *(["--quick"] if quick else [])]
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "minidl", *arguments], capture_output=True, check=True, text=True
        )
        seconds = time.perf_counter() - start
        assert "Swap the flag" in done.stdout
        (comparison,) = json.loads(file.read_text())["comparisons"]
        plan, runs = comparison["plan"], len(comparison["runs"])
    return seconds, runs, plan["epochs"]


def torchs(seed: int) -> float:
    """Return PyTorch's seconds for an epoch of one network, measurement included."""
    import torch
    from torch import nn

    torch.set_num_threads(1)
    data = datasets.load("moons", split_seed=seed)
    X, X_test = (torch.from_numpy(np.array(rows)) for rows in (data.X_train, data.X_test))
    t, t_test = (torch.from_numpy(y[:, None].astype(float)) for y in (data.y_train, data.y_test))
    widths = [nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1)]
    model, loss_function = nn.Sequential(*widths).double(), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)

    def epoch() -> None:
        order = torch.randperm(len(X))
        for i in range(0, len(X), 32):
            rows = order[i : i + 32]
            optimizer.zero_grad()
            loss_function(model(X[rows]), t[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            for inputs, targets in ((X, t), (X_test, t_test)):
                logits = model(inputs)
                loss_function(logits, targets).item()
                ((logits > 0) == targets).double().mean().item()

    epoch()
    start, cpu = time.perf_counter(), time.process_time()
    for _ in range(SAMPLE):
        epoch()
    return min(time.perf_counter() - start, time.process_time() - cpu) / SAMPLE


def compare(settings: command.Settings) -> dict[str, Any]:
    """Time a comparison, and a sample of the same work with PyTorch."""
    seconds, runs, epochs = ours(settings.quick)
    reached = "reached" if seconds <= LIMIT else "MISSED"
    notes = [
        f"minidl: {runs} networks, {epochs} epochs each, {JOBS} processes: {seconds:.1f} s",
        f"{1e6 * seconds * JOBS / (runs * epochs):.0f} us for an epoch of one network and process",
    ]
    if not settings.quick:
        notes.append(f"minidl: must {LIMIT:.0f} s; {reached}")
    result: dict[str, Any] = {"seconds": seconds, "networks": runs, "epochs": epochs}
    if importlib.util.find_spec("torch") is None:
        return {**result, "notes": notes, "missing": ["torch"]}
    sample = sorted(torchs(seed) for seed in range(settings.repeats))
    epoch = sample[len(sample) // 2]
    estimate = epoch * runs * epochs / JOBS
    notes += [
        f"torch: {1e6 * epoch:.0f} us for an epoch of one network (median of {len(sample)} runs"
        f" of {SAMPLE} epochs)",
        f"torch in a loop, {JOBS} processes: {estimate:.0f} s for all;"
        f" minidl takes {seconds / estimate:.3f} of that",
    ]
    return {**result, "torch_epoch": sample, "torch_seconds": estimate, "notes": notes}


CASES = {"compare, default protocol": compare}

if __name__ == "__main__":
    sys.exit(command.main("Time of a whole comparison.", CASES, report.table))
