"""Compare NAG with momentum on a quadratic: overshoot and number of steps.

On f(w) = h w^2 / 2 gradient descent multiplies w by 1 - x in each step, where x = lr h. NAG is
momentum with the coefficient m (1 - x) instead of m: the higher the curvature, the smaller the
momentum. So it overshoots too, but less.
"""

from collections.abc import Callable

import numpy as np

from minidl import optim

STEPS = 400
M = 0.9


def path(optimizer: optim.Optimizer, x: float) -> np.ndarray:
    """Return the iterates from w = 1 at curvature x and learning rate 1."""
    w = np.array([1.0])
    iterates = [1.0]
    for _ in range(STEPS):
        optimizer.step(w, lambda point: x * point)
        iterates.append(float(optimizer.iterate(w)[0]))
    return np.array(iterates)


def settled(iterates: np.ndarray) -> str:
    """Return the first step from which |w| stays below 1/1000."""
    outside = np.flatnonzero(np.abs(iterates) >= 1e-3)
    return f"{outside[-1] + 1}" if outside[-1] < STEPS else "never"


def main() -> None:
    print("The first steps at x = 0.5, m = 0.9:")
    print("step   momentum        NAG")
    a, b = path(optim.Momentum(1.0, M), 0.5), path(optim.NAG(1.0, M), 0.5)
    for k in range(9):
        print(f"{k:4d} {a[k]:10.4f} {b[k]:10.4f}")

    print("\nOvershoot, and steps until |w| stays below 1/1000:")
    print("     x  momentum's NAG's m   overshoot          steps")
    print("                 m (1 - x)   momentum    NAG    momentum    NAG")
    makers: tuple[Callable[..., optim.Optimizer], ...] = (optim.Momentum, optim.NAG)
    for x in (0.0027, 0.1, 0.5, 0.9, 1.3, 1.36):
        runs = [path(make(1.0, M), x) for make in makers]
        over = [f"{max(0.0, -run.min()):.3f}" if abs(run[-1]) < 1 else "-" for run in runs]
        steps = [settled(run) for run in runs]
        print(
            f"{x:6.4f}  {M:9.1f}  {M * (1 - x):8.3f}"
            f"   {over[0]:>8} {over[1]:>6}    {steps[0]:>8} {steps[1]:>6}"
        )
    limit = 2 * (1 + M) / (1 + 2 * M)
    print(f"\nNAG is stable for x < 2 (1 + m) / (1 + 2 m) = {limit:.3f},")
    print(f"momentum for x < 2 (1 + m) = {2 + 2 * M}.")
    print("NAG is not always faster, and it crosses the minimum too; it overshoots less.")


if __name__ == "__main__":
    main()
