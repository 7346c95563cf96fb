"""What `minidl.memory` is worth: the same steps in processes with and without it.

    python tests/benchmarks/memory.py

Two processes take turns; printed are the median times, and the median of the ratios within a turn.
The rows are drawn by NumPy: scikit-learn's import alone raises glibc's limit.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import types

import threads

TURNS = 15
EPOCHS = 60
LOADS = {
    "2-16-16-1, batch of 1,000": (2, 16, 16, 1),
    "64-256-256-10, batch of 64": (64, 256, 256, 10),
}


def work(name: str, kept: bool) -> None:
    """Train once for each line that arrives, and print the microseconds of a step."""
    if not kept:
        stub = types.ModuleType("minidl.memory")
        stub.keep_freed_memory = lambda: None  # type: ignore[attr-defined]
        sys.modules["minidl.memory"] = stub
    import numpy as np
    from timing import stopwatch

    from minidl import Trainer, nn, optim

    sizes = LOADS[name]
    generator = np.random.default_rng(0)
    X = generator.normal(size=(1000 if sizes[-1] == 1 else 64, sizes[0]))
    y = generator.integers(0, max(2, sizes[-1]), len(X))
    loss = "bce" if sizes[-1] == 1 else "softmax_cross_entropy"
    trainer = Trainer(
        nn.mlp(*sizes, seed=0), loss, optimizer=optim.NAG(1e-3), batch_size="full", measure_every=0
    )

    def run() -> int:
        trainer.fit(X, y, epochs=EPOCHS)
        return EPOCHS

    for _ in sys.stdin:
        print(stopwatch(run) * 1e6, flush=True)


def turn(processes: list[subprocess.Popen[str]]) -> list[float]:
    """Let each process train once."""
    times = []
    for process in processes:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        times.append(float(process.stdout.readline()))
    return times


def main() -> None:
    """Measure and print."""
    threads.pin()
    pipe = subprocess.PIPE
    for name in LOADS:
        commands = [[sys.executable, __file__, name, which] for which in ("kept", "given back")]
        processes = [subprocess.Popen(c, stdin=pipe, stdout=pipe, text=True) for c in commands]
        turns = [turn(processes) for _ in range(TURNS + 1)][1:]
        for process in processes:
            process.communicate()
        kept, given_back = (statistics.median(times) for times in zip(*turns, strict=True))
        ratio = statistics.median(a / b for a, b in turns)
        print(f"{name}: {kept:.1f} us kept, {given_back:.1f} us given back, ratio {ratio:.2f}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        work(sys.argv[1], sys.argv[2] == "kept")
    else:
        main()
