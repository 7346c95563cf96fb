"""What a whole comparison costs: the default protocol, and the same work with PyTorch in a loop.

    python tests/benchmarks/protocol.py

Three optimizers, 12 learning rates, 10 + 20 seeds, 400 epochs of moons at batch 32, in two
processes, once, in wall time; with --quick what ``minidl compare --quick`` runs of it. PyTorch
trains a sample of such networks, one after the other, and measures as minidl does: loss and
accuracy of the training and of the held-out rows after every epoch. What all would cost is that
times their number, divided between two processes without loss.
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
    """Return the seconds of a comparison, how many networks it trained, and its epochs."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "found.json")
        command_line = f"compare --optimizers gd,momentum,nag --jobs {JOBS} --quiet --out {file}"
        arguments = [*command_line.split(), *(["--quick"] if quick else [])]
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "minidl", *arguments], capture_output=True, check=True, text=True
        )
        seconds = time.perf_counter() - start
        assert "Swap the flag" in done.stdout
        one = json.loads(file.read_text())["comparisons"][0]
        plan, runs = one["plan"], len(one["runs"])
    return seconds, runs, plan["epochs"]


def torchs(seed: int) -> float:
    """Return the seconds that PyTorch takes for an epoch of one network, measurement included."""
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
    """Run a comparison, and a sample of the same with PyTorch."""
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
    all_of_it = epoch * runs * epochs / JOBS
    notes += [
        f"torch: {1e6 * epoch:.0f} us for an epoch of one network (median of {len(sample)} runs"
        f" of {SAMPLE} epochs)",
        f"torch in a loop, {JOBS} processes: {all_of_it:.0f} s for all, of which minidl takes"
        f" {seconds / all_of_it:.3f}",
    ]
    return {**result, "torch_epoch": sample, "torch_seconds": all_of_it, "notes": notes}


CASES = {"compare, default protocol": compare}

if __name__ == "__main__":
    sys.exit(command.main("What a whole comparison costs.", CASES, report.table))
