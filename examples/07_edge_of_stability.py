"""Train with the full batch until the sharpness reaches the optimizer's limit of stability.

The sharpness is the largest eigenvalue of the Hessian of the training loss. On a quadratic with
that curvature an optimizer with learning rate a and momentum m is stable below 2 / a (gradient
descent), 2 (1 + m) / a (momentum) and 2 (1 + m) / ((1 + 2 m) a) (NAG). Cohen et al. 2021,
arXiv 2103.00065, found that the sharpness rises to that limit and stays there. The learning rates
below give each of three optimizers the limit 20:

    python examples/07_edge_of_stability.py --plot edge.png
"""

import argparse
import sys
import warnings

from minidl import Trainer, datasets, errors, nn, optim, sharpness

LIMIT = 20.0
M = 0.9
OPTIMIZERS = {
    "gradient descent": optim.GradientDescent(2 / LIMIT),
    "momentum": optim.Momentum(2 * (1 + M) / LIMIT, M),
    "NAG": optim.NAG(2 * (1 + M) / (1 + 2 * M) / LIMIT, M),
}


def follow(optimizer: optim.Optimizer, steps: int, every: int) -> list[tuple[int, float, float]]:
    """Train on 200 moons; return step, training loss, and sharpness in units of the limit."""
    data = datasets.load("moons", seed=0)
    X, y = data.X_train[:200], 2.0 * data.y_train[:200, None] - 1.0
    model = nn.mlp(2, 16, 16, 1, activation="tanh", seed=1)
    trainer = Trainer(model, loss="mse", optimizer=optimizer, batch_size="full", measure_every=0)
    rows = [(0, trainer.evaluate(X, y)["loss"], sharpness(model, "mse", X, y).value / LIMIT)]
    for _ in range(steps // every):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", errors.WorseLossWarning)  # at the edge the loss rises
            history = trainer.fit(X, y, epochs=every)
        ratio = sharpness(model, "mse", X, y, tolerance=1e-6).value / LIMIT
        rows.append((trainer.epoch, float(history["train_loss"][-1]), ratio))
    return rows


def plot(runs: dict[str, list[tuple[int, float, float]]], path: str) -> None:
    """Draw loss and sharpness over the steps, if matplotlib is installed."""
    try:
        from matplotlib import pyplot as plt
    except ImportError:
        print("a plot needs matplotlib: pip install 'minidl[plot]'", file=sys.stderr)
        return
    figure, (above, below) = plt.subplots(2, sharex=True, figsize=(7, 6), layout="constrained")
    for name, rows in runs.items():
        steps, losses, ratios = zip(*rows, strict=True)
        above.semilogy(steps, losses, label=name)
        below.plot(steps, ratios)
    below.axhline(1.0, color="black", linestyle=":")
    below.set(xlabel="steps, full batch", ylabel="sharpness / stability limit", ylim=(0, None))
    above.set(ylabel="training loss (squared error)")
    above.legend()
    figure.savefig(path, dpi=120)
    print(f"wrote {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description="The edge of stability.")
    parser.add_argument("--steps", type=int, default=4000, help="steps of each optimizer (4000)")
    parser.add_argument("--plot", metavar="FILE", help="draw the curves; needs matplotlib")
    options = parser.parse_args()
    every = max(1, options.steps // 16)
    runs = {name: follow(o, options.steps, every) for name, o in OPTIMIZERS.items()}
    print("sharpness / stability limit (and training loss)")
    print("   step  " + "".join(f"{name:>24}" for name in runs))
    for row in zip(*runs.values(), strict=True):
        cells = (f"{ratio:.3f} ({loss:.4f})" for _, loss, ratio in row)
        print(f"{row[0][0]:7d}  " + "".join(f"{cell:>24}" for cell in cells))
    for name, rows in runs.items():
        late = [ratio for _, _, ratio in rows[len(rows) // 2 :]]
        print(
            f"{name}: from {rows[0][2]:.2f} of the limit to {sum(late) / len(late):.2f}"
            f" on average over the second half ({min(late):.2f} to {max(late):.2f})"
        )
    if options.plot:
        plot(runs, options.plot)


if __name__ == "__main__":
    main()
