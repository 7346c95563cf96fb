"""Test five claims about how far Nesterov's accelerated gradient (NAG) goes, and momentum.

``claims.py`` says what the verdicts mean. Example 09 tests seven claims of tutorials.
"""

from collections.abc import Callable

import numpy as np
from claims import Claim, M, Rules, bowls, run, settled, show, tuned, verdict

from minidl import optim


def as_stable(rules: Rules) -> Claim:
    limit = 2 * (1 + M) / (1 + 2 * M)
    x = limit * np.array([0.99, 1.01])
    ends = [np.abs(bowls(make(1.0, M), x, 400)[-1]) for make in (rules.momentum, rules.nag)]
    return Claim(
        "NAG is stable at any learning rate at which momentum is.",
        verdict((ends[1] < 1)[ends[0] < 1].all()),
        f"After 400 steps |w| is {ends[0][0]:.0e} with momentum and {ends[1][0]:.0e} with NAG at"
        f" x = {x[0]:.3f}, {ends[0][1]:.0e} and {ends[1][1]:.0e} at x = {x[1]:.3f}.",
        f"NAG is stable for x < 2 (1 + m)/(1 + 2 m) = {limit:.3f}, momentum for"
        f" x < 2 (1 + m) = {2 * (1 + M):.1f} (Cohen et al. 2021, arXiv 2103.00065)",
        {"ends": ends, "limit": limit},
    )


def pytorch(lr: Callable[[int], float], slope: optim.Gradient, start: float) -> np.ndarray:
    """Return the iterates of PyTorch's SGD(nesterov=True): b = m b + g; w -= lr (g + m b)."""
    w, b, iterates = np.array([start]), np.zeros(1), [np.array([start])]
    for k in range(100):
        g = slope(w)
        b = M * b + g
        w = w - lr(k) * (g + M * b)
        iterates.append(w + lr(k) * M * b)  # w is the look-ahead point
    return np.array(iterates)


def another_method(rules: Rules) -> Claim:
    def slope(w: np.ndarray) -> np.ndarray:
        return w + 2 * np.sin(3 * w)

    apart = {}
    for name, lr in {"constant": lambda k: 0.1, "falling": lambda k: 0.1 * 0.95**k}.items():
        nag = run(rules.nag(lr, M), slope, [3.0], 100)
        keras = run(rules.reformulated(lr, M), slope, [3.0], 100)
        apart[name] = np.abs(nag - keras).max(), np.abs(nag - pytorch(lr, slope, 3.0)).max()
    return Claim(
        "NAG looks ahead, so it is another method than the one in Keras and PyTorch.",
        verdict(max(apart["constant"]) > 1e-12),
        "In 100 steps on f = w^2/2 - 2/3 cos(3 w) NAG's w differs from that of Keras's rule by at"
        f" most {apart['constant'][0]:.0e}, from that of PyTorch's by {apart['constant'][1]:.0e}."
        f" With a learning rate that falls by 5 % in each step: {apart['falling'][0]:.0e} and"
        f" {apart['falling'][1]:.0e}, because PyTorch multiplies the whole velocity by the new lr.",
        "Bengio, Boulanger-Lewandowski and Pascanu 2012, arXiv 1212.0901, eq. 7: what they store"
        " is the look-ahead point w - m v",
        {"apart": apart},
    )


def ten_times_faster(rules: Rules) -> Claim:
    makes = {"descent": rules.descent(1.0), "momentum": rules.momentum(1.0, M)}
    last = [np.diff(run(o, np.ones_like, [0.0], 300)[:, 0])[-1] for o in makes.values()]
    steady = last[1] / last[0]
    x = (0.0027, 0.5)
    steps = [settled(bowls(o, x, 4000)) for o in (rules.descent(1.0), rules.momentum(1.0, M))]
    ratio = steps[0] / steps[1]
    return Claim(
        "Momentum 0.9 makes learning 10 times faster.",
        verdict(
            abs(steady - 10) < 0.1,
            (abs(ratio - 10) < 1).all(),
            "the gradient has been constant for many steps",
        ),
        f"Under a constant gradient the steps become {steady:.2f} times as long as those of"
        f" gradient descent. But in a bowl with x = 0.0027 gradient descent needs"
        f" {steps[0][0]:.0f} steps to 1e-3 and momentum {steps[1][0]:.0f}; with x = 0.5 they need"
        f" {steps[0][1]:.0f} and {steps[1][1]:.0f}.",
        "the velocity sums lr g m^k to lr g/(1 - m) (Polyak 1964)",
        {"steady": steady, "steps": steps},
    )


def lessard_slope(x: np.ndarray) -> np.ndarray:
    """Return f' of a convex function with curvatures 25 and 1, and its minimum at 0."""
    return np.where(x < 1, 25 * x, np.where(x < 2, x + 24, 25 * x - 24))


def both_converge(rules: Rules) -> Claim:
    heavy = run(rules.momentum(1 / 9, 4 / 9), lessard_slope, [3.3], 3000)[-3:, 0]
    nag = run(rules.nag(1 / 25, 2 / 3), lessard_slope, [3.3], 3000)[-3:, 0]
    return Claim(
        "NAG converges whenever f is convex, and so does momentum (the heavy ball) if it is tuned.",
        verdict(np.abs([heavy, nag]).max() < 1e-6),
        "One counterexample to the second half, which is all it takes: a convex function of one"
        " variable with curvature 25, then 1, then 25, minimum at 0. After 3000 steps from w = 3.3"
        " momentum, with the lr and m that are best for bowls of curvature 1 to 25, goes through "
        + ", ".join(f"{point:.4f}" for point in heavy)
        + f". NAG is at {nag[-1]:.0e} there. That says nothing about other functions: for the first"
        " half there is a theorem.",
        "Lessard, Recht and Packard 2016, eq. 4.11; that NAG converges at lr 1/L, with L the"
        " largest curvature, is Nesterov's theorem (2004, section 2.2)",
        {"heavy": heavy, "nag": nag},
    )


def worst_case(optimizer: optim.Optimizer, k: int) -> float:
    """Return f - f* after k steps on Nesterov's worst function, over its lower bound."""
    n = 2 * k + 1
    best = 1 - np.arange(1, n + 1) / (n + 1)

    def slope(w: np.ndarray) -> np.ndarray:
        away = np.pad(w - best, 1)
        return (2 * away[1:-1] - away[:-2] - away[2:]) / 4

    end = run(optimizer, slope, np.zeros(n), k)[-1]
    return float((end - best) @ slope(end) / 2 / (3 * (best @ best) / (32 * (k + 1) ** 2)))


def is_optimal(rules: Rules) -> Claim:
    ks = (10, 100, 1000)
    nag = [worst_case(rules.nag(1.0, optim.NesterovMomentum()), k) for k in ks]
    descent = [worst_case(rules.descent(1.0), k) for k in ks]
    best = tuned(rules)
    return Claim(
        "NAG is optimal.",
        verdict(
            max(nag) <= 64 / 3,
            best["nag"] <= best["momentum"],
            "optimal means that f - f* falls as 1/k^2, the best order, on every smooth convex f",
        ),
        "On Nesterov's worst function, with largest curvature L and the start at the squared"
        " distance D from the minimum f*, no method that adds up gradients has f - f* below"
        " 3 L D/(32 (k + 1)^2) after k steps. At k = 10, 100 and 1000 NAG is at "
        + ", ".join(f"{r:.1f}" for r in nag)
        + " times that (always below 64/3, says theory), and gradient descent at "
        + ", ".join(f"{r:.1f}" for r in descent)
        + f" times. But in the bowl of claim 1 of example 09 momentum needs {best['momentum']:.0f}"
        f" steps and NAG {best['nag']:.0f}, each with its best lr and m.",
        "Nesterov 1983, and 2004, Theorem 2.1.7; Beck and Teboulle 2009, Theorem 4.4:"
        " 2 L D/(k + 1)^2",
        {"nag": nag, "descent": descent, "tuned": best},
    )


CLAIMS = [as_stable, another_method, ten_times_faster, both_converge, is_optimal]

if __name__ == "__main__":
    show(CLAIMS)
